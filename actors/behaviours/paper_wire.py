"""What is on its way to the paper exchange: intents that were sent and have not taken effect."""

from __future__ import annotations

import msgspec

from events.orders import CancelSubmitted, OrderSubmitted


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """An intent on the wire: it takes effect at the first market record, or tick of the clock, at or after `due`."""

    due: int
    intent: OrderSubmitted | CancelSubmitted


class Wire(msgspec.Struct, kw_only=True):
    """Intents oldest first. `stranded` are the orders that were on it when a session died: they never arrived."""

    inbound: list[Inbound] = msgspec.field(default_factory=list)
    stranded: list[OrderSubmitted] = msgspec.field(default_factory=list)

    def send(self, intent: OrderSubmitted | CancelSubmitted, *, due: int) -> None:
        self.inbound = [*self.inbound, Inbound(due=due, intent=intent)]

    def is_due(self, at: int) -> bool:
        """Whether the oldest intent may take effect at `at`."""
        return bool(self.inbound) and self.inbound[0].due <= at

    def break_off(self) -> None:
        """The session died: nothing on the wire arrives any more."""
        orders = [inbound.intent for inbound in self.inbound if isinstance(inbound.intent, OrderSubmitted)]
        self.stranded, self.inbound = [*self.stranded, *orders], []

    def good_until(self, order: str) -> int | None:
        """The end of an order on the wire that names one, nanoseconds UTC."""
        intents = (inbound.intent for inbound in self.inbound)
        return next((i.good_until for i in intents if isinstance(i, OrderSubmitted) and i.order == order), None)

    def forget_order(self, order: str) -> None:
        """The order has arrived, or never will."""
        self.inbound = [i for i in self.inbound if not _is(i, OrderSubmitted, order)]
        self.stranded = [intent for intent in self.stranded if intent.order != order]

    def forget_cancels(self, order: str) -> None:
        self.inbound = [i for i in self.inbound if not _is(i, CancelSubmitted, order)]

    def scratch(self) -> Wire:
        """A copy to try things on; its lists are never changed in place."""
        return Wire(inbound=self.inbound, stranded=self.stranded)


def _is(inbound: Inbound, kind: type[OrderSubmitted | CancelSubmitted], order: str) -> bool:
    return isinstance(inbound.intent, kind) and inbound.intent.order == order
