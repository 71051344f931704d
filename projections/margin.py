"""The exchange's own margin figures, beside ours and under their own names (trading rules A2).

Ours is the adverse move of all marks that leaves no more than maintenance (`projections.liquidation`). The exchange's
is a share of the way from liquidation to its initial margin. The two answer different questions and are never mixed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.account import BalanceReported, MarginMeasure, MarginWindowChanged
from events.event import Event
from events.money import quotient
from events.record import Record

_PLACES = 8


class ExchangeMargin(msgspec.Struct, kw_only=True):
    """What the exchange last said of margin, and of the window in force."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset({BalanceReported, MarginWindowChanged})

    balance: BalanceReported | None = None
    window: MarginWindowChanged | None = None

    def fold(self, record: Record) -> None:
        event = record.event
        if isinstance(event, BalanceReported):
            if self.balance is None or event.exchange_at >= self.balance.exchange_at:
                # The feed's word may be shorter than the last round's: what it leaves out still stands.
                kept = self.balance.measures if self.balance is not None and not event.measures else event.measures
                self.balance = msgspec.structs.replace(event, measures=kept)
        elif isinstance(event, MarginWindowChanged):
            self.window = event

    @property
    def liquidation_buffer_percentage(self) -> Decimal | None:
        """As the exchange states it. Its scale is not certain: 7,200 above a threshold of 300 was seen as 2,400."""
        return None if self.balance is None else self.balance.liquidation_buffer_percentage

    @property
    def available_above_threshold(self) -> Decimal | None:
        """(available − threshold) / (initial − threshold): 1 at the initial margin, 0 at liquidation, by its amounts.

        Available 7,500, threshold 300, initial margin 1,000: 7,200 / 700 = 10.28571429. None while nothing is bound.
        """
        balance = self.balance
        if balance is None:
            return None
        initial, threshold, available = balance.initial_margin, balance.liquidation_threshold, balance.available_margin
        if initial is None or threshold is None or available is None or initial == threshold:
            return None
        return quotient(available - threshold, initial - threshold, places=_PLACES)

    @property
    def measures(self) -> tuple[MarginMeasure, ...]:
        """Margin by the rates of each window that the exchange shows."""
        return () if self.balance is None else self.balance.measures
