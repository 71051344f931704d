"""Money from outside: what came in and left without a trade, what operators call it, and what they say is to leave."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.account import ExternalFlow, FlowNamed, SweepReported
from events.event import Event
from events.money import ZERO
from events.record import Record

#: Flows and announcements kept one by one, the latest; older flows live in the portfolio's transfers alone.
KEPT_FLOWS = 200
KEPT_ANNOUNCED = 50
#: What the exchange calls a sweep that is over; whatever it calls one that is not.
_OVER = frozenset({"done", "completed", "cancelled", "canceled", "failed"})


class Flow(msgspec.Struct, kw_only=True):
    """Above zero it came in. `name` is None until an operator knows it."""

    flow: str
    amount: Decimal
    name: str | None
    at: int  # the exchange's time of the balance that showed it


_HEARD = frozenset[type[Event]]({ExternalFlow, FlowNamed, SweepReported})


class Flows(msgspec.Struct, kw_only=True):
    """Flows of the account, oldest first."""

    hears: ClassVar[frozenset[type[Event]]] = _HEARD

    flows: list[Flow] = msgspec.field(default_factory=list)
    announced: list[FlowNamed] = msgspec.field(default_factory=list)  # not seen yet
    sweeps: dict[str, SweepReported] = msgspec.field(default_factory=dict)  # on their way between our own pockets

    def fold(self, record: Record) -> None:
        event = record.event
        if isinstance(event, ExternalFlow):
            self._see(event)
        elif isinstance(event, FlowNamed):
            self._name(event)
        elif isinstance(event, SweepReported):
            if event.status in _OVER:
                self.sweeps.pop(event.sweep, None)
            else:
                self.sweeps[event.sweep] = event

    def name_of(self, amount: Decimal) -> str | None:
        """What the oldest announcement of this amount calls it; None where nobody announced one."""
        return next((said.name for said in self.announced if said.amount == amount), None)

    def unnamed(self) -> list[Flow]:
        """Flows that nobody has explained."""
        return [flow for flow in self.flows if flow.name is None]

    def pending_outflow(self) -> Decimal:
        """What operators said will leave and has not left, above zero."""
        return sum((-said.amount for said in self.announced if said.amount < 0), ZERO)

    def _see(self, event: ExternalFlow) -> None:
        if any(flow.flow == event.flow for flow in self.flows):
            return
        self.flows = [
            *self.flows,
            Flow(flow=event.flow, amount=event.amount, name=event.name, at=event.exchange_at),
        ][-KEPT_FLOWS:]
        if event.name is not None:
            self._forget(event.amount)

    def _name(self, event: FlowNamed) -> None:
        if not event.name:
            self._forget(event.amount)
            return
        for flow in self.flows:
            if flow.name is None and flow.amount == event.amount:
                flow.name = event.name
                return
        self.announced = [*self.announced, event][-KEPT_ANNOUNCED:]

    def _forget(self, amount: Decimal) -> None:
        for place, said in enumerate(self.announced):
            if said.amount == amount:
                self.announced = self.announced[:place] + self.announced[place + 1 :]
                return
