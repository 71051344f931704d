"""Every behaviour and projection that the laws of prefix, snapshot and readers hold for, with the streams they hear.

To put another under these laws, add its case: how it is made, and a strategy of turns that says enough to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from hypothesis import settings
from hypothesis import strategies as st

from actors.behaviour import Behaviour
from actors.behaviours.cash import CashBehaviour
from actors.behaviours.catalog import CatalogBehaviour
from actors.behaviours.funding import FundingBehaviour
from actors.behaviours.marks import MarksBehaviour
from actors.behaviours.position import PositionBehaviour
from events.record import Record
from projections.catalog import Catalog
from projections.earnings import Earnings
from projections.funding import FundingLedger
from projections.marks import Marks
from projections.portfolio import Portfolio
from projections.positions import Positions
from projections.reconciliation import Reconciliation
from tests.streams.desk import Turn
from tests.streams.ledger import ledgers

#: For the laws that money hangs on: 500 streams each where a change is judged, the profile's number while one works.
STREAMS = settings(max_examples=500) if os.environ.get("CI") else settings()


class Projection(Protocol):
    """A fold whose own fields are its state."""

    def fold(self, record: Record) -> None: ...


class Case(NamedTuple):
    """Behaviours that run together (the last word of each in the log may be another's cause), and what they hear."""

    name: str
    make: tuple[Callable[[], Behaviour], ...]
    turns: st.SearchStrategy[list[Turn]]


MONEY: tuple[Callable[[], Behaviour], ...] = (
    CatalogBehaviour,
    MarksBehaviour,
    PositionBehaviour,
    FundingBehaviour,
    CashBehaviour,
)

BEHAVIOURS = [Case("money", MONEY, ledgers())]
PROJECTIONS: list[type[Any]] = [Catalog, Marks, Positions, FundingLedger, Reconciliation, Portfolio, Earnings]
