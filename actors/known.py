"""What the log already knew when a session began, as far as the shells have to know it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from actors.behaviour import Seat
from actors.behaviours.marks import MarksBehaviour
from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.terms import Origin

#: The scope of a reduce-only mode that binds every product.
EVERYTHING = ""


class Known(NamedTuple):
    """`unsettled`: our orders without an end in the log. `reduce_only`: products restricted, `EVERYTHING` for all.
    `priced`: products that ever had a mark, so only they can have traded in this log."""

    unsettled: tuple[str, ...] = ()
    is_killed: bool = False
    reduce_only: tuple[str, ...] = ()
    priced: tuple[str, ...] = ()

    @classmethod
    def by(cls, seats: Sequence[Seat]) -> Known:
        """From behaviours that were brought to the log's head."""
        known = cls()
        for seat in seats:
            behaviour = seat.behaviour
            if isinstance(behaviour, OrdersBehaviour):
                ours = (order for order in behaviour.state.orders.open_orders() if order.origin is Origin.OURS)
                known = known._replace(unsettled=tuple(order.order for order in ours))
            elif isinstance(behaviour, RiskBehaviour):
                limits = behaviour.state.account.limits
                known = known._replace(is_killed=limits.is_killed, reduce_only=tuple(limits.reduce_only))
            elif isinstance(behaviour, MarksBehaviour):
                known = known._replace(priced=tuple(behaviour.state.marks.latest))
        return known
