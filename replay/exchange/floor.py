"""The orders at work in a venue: how they enter, trade, change, end, and what is said of each step.

An order is put to the market whole or in parts; a part rests under the order's id, of a ladder under `id/number`. What
fills bring about (a bracket begins, another is cut to the position) follows once the order that filled was told of.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from events.ids import derived_id
from events.market import TradePrinted
from events.terms import OrderKind
from projections.matching import Match, Placement
from replay.exchange import waiting
from replay.exchange.editing import EditRefusal, edited, is_smaller_only, refusal_of_edit
from replay.exchange.orders import Order, Status, Ticket, TimeInForce

if TYPE_CHECKING:
    from replay.exchange.venue import Venue

_PART = "/"


class Floor:
    """`due_at` is when something of an order falls due next: its end, or its next part."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.ledger = venue.ledger
        self.matching = venue.market.matching
        self.waiting: dict[str, Order] = {}  # those a trade may trigger
        self.due_at: int | None = None
        self._reports: list[Order] = []
        self._filled: dict[str, Order] = {}  # what their fills bring about is still to come

    # What clients ask for.

    def enter(self, ticket: Ticket, *, is_liquidation: bool = False, hangs_on: Order | None = None) -> Order:
        """Let a checked ticket into the market."""
        number = len(self.ledger.orders) + 1
        order = Order(
            number=number,
            order_id=derived_id("exchange", "order", number) if hangs_on is None else hangs_on.attached_order_id,
            ticket=ticket,
            contract_size=self.venue.holding.contract_size,
            created_at=self.venue.now,
            is_liquidation=is_liquidation,
            originating_order_id="" if hangs_on is None else hangs_on.order_id,
            attached_order_id="" if ticket.attached is None else derived_id("exchange", "attached", number),
        )
        self.ledger.add(order)
        self.report(order)
        if ticket.plan is None:
            self._put_whole(order)
        else:
            waiting.begin(self, order)
        self.settle(order)
        return order

    def cancel(self, order_id: str) -> str:
        """Cancel an order. Returns the exchange's reason when it does not, "" when it does."""
        order = self.ledger.by_id.get(order_id)
        if order is None:
            return "UNKNOWN_CANCEL_ORDER"
        if order.status is Status.FILLED:
            return "ORDER_IS_FULLY_FILLED"
        if not order.is_open:
            return "DUPLICATE_CANCEL_REQUEST" if order.status is Status.CANCELLED else "NOT_ALLOWED_TO_CANCEL"
        if not self.venue.session_open and not self.venue.conditions.takes_cancels:
            return "INVALID_CANCEL_FCM_TRADING_SESSION"
        if order.is_edit_queued:
            return "ORDER_IS_BEING_REPLACED"
        self.end(order, Status.CANCELLED, "User requested cancel")
        return ""

    def cancel_all(self, message: str) -> None:
        """The exchange's own doing: whatever is open ends."""
        for order in list(self.ledger.open.values()):
            self.end(order, Status.CANCELLED, message)

    def queue_cancel(self, order_id: str) -> None:
        """A cancel was taken and is not carried out yet."""
        order = self.ledger.by_id[order_id]
        order.is_cancel_queued = True
        self.report(order)

    def queue_edit(self, order_id: str, *, is_queued: bool) -> None:
        """An edit was taken and is not carried out yet; or it is about to be."""
        order = self.ledger.by_id[order_id]
        order.is_edit_queued = is_queued
        if is_queued:
            self.report(order)

    def edit(self, order_id: str, *, price: Decimal, size: Decimal) -> EditRefusal | None:
        """Change a resting order's price and whole size. None when it was done."""
        refusal = refusal_of_edit(self.venue, order_id, price=price, size=size)
        if refusal is not None:
            return refusal
        order = self.ledger.by_id[order_id]
        keeps_place = is_smaller_only(order, price=price, size=size)
        order.ticket = edited(order.ticket, price=price, size=size)
        order.edits = (*order.edits, (price, size, self.venue.now))
        resting = self.matching.get(order_id)
        if keeps_place and resting is not None:
            resting.leaves = order.leaves
        else:
            self.withdraw(order)
            self._put_whole(order)
        self.settle(order)
        return None

    def make_way(self, ticket: Ticket) -> None:
        """Cancel what the ticket would trade with, as far as it carries the same id against self-trades."""
        for order in list(self.ledger.open.values()):
            mine, limit = order.ticket, order.ticket.limit_price
            if mine.side is ticket.side or mine.self_trade_prevention_id != ticket.self_trade_prevention_id:
                continue
            if limit is None or ticket.limit_price is None or (ticket.limit_price - limit) * ticket.side.sign >= 0:
                self.end(order, Status.CANCELLED, "Self-trade prevention")

    # What the market and time do.

    def heard(self, event: object, matches: Sequence[Match]) -> None:
        """The market moved, and with it what rested."""
        self.book(matches)
        for order_id in dict.fromkeys(_order_of(match) for match in matches):
            self.tell(self.ledger.by_id[order_id])
        if isinstance(event, TradePrinted) and self.waiting:
            waiting.heard_trade(self, event.price)
        self.follow_up()

    def fall_due(self, at: int) -> None:
        """Orders whose time is over end; orders over time go on with their next part."""
        for order in list(self.ledger.open.values()):
            ends = order.ticket.expires_at
            if ends is not None and ends <= at:
                self.end(order, Status.EXPIRED, "end_time reached")
            elif waiting.next_begin(order, at):
                waiting.go_on(self, order)
                self.tell(order)
        self.reschedule()
        self.follow_up()

    # How orders move.

    def put(self, order: Order, qty: Decimal, *, limit_price: Decimal | None, part: int | None = None) -> Placement:
        """Put so much of an order to the market at a limit; what trades at once is booked."""
        ticket = order.ticket
        placed = self.matching.place(
            order.order_id if part is None else f"{order.order_id}{_PART}{part}",
            side=ticket.side,
            qty=qty,
            kind=ticket.kind,
            limit_price=limit_price,
            at=self.venue.now,
            post_only=ticket.post_only,
        )
        self.book(placed.matches)
        return placed

    def withdraw(self, order: Order) -> None:
        """Take whatever of an order rests out of the book."""
        for resting in (*self.matching.bids, *self.matching.asks):
            if resting.order.partition(_PART)[0] == order.order_id:
                self.matching.cancel(resting.order)

    def book(self, matches: Sequence[Match]) -> None:
        """Trades of our orders go into the books."""
        venue = self.venue
        for match in matches:
            order = self.ledger.by_id[_order_of(match)]
            fee = venue.fee(match.qty, match.price, is_maker=match.is_maker)
            if order.is_liquidation:
                fee += venue.rules.liquidation_rate * match.qty * match.price * venue.holding.contract_size
            order.value += venue.books.fill(venue.product.product, match.side, match.qty, price=match.price, fee=fee)
            self.ledger.add_fill(order, match, fee=fee, at=venue.now)
            self._filled[order.order_id] = order
            venue.account_changes += 1

    def end(self, order: Order, status: Status, message: str) -> None:
        """An order is over without having filled."""
        self.withdraw(order)
        order.status = status
        if status is Status.FAILED:
            order.reject_message = message
        else:
            order.cancel_message = message
        self.tell(order)
        if order.ticket.expires_at is not None:
            self.reschedule()

    def tell(self, order: Order) -> None:
        """An order may have changed: it is over if it is filled, and is reported."""
        if order.filled == order.ticket.qty and order.is_open:
            order.status = Status.FILLED
        if not order.is_open:
            self.ledger.open.pop(order.order_id, None)
        if order.is_waiting:
            self.waiting[order.order_id] = order
        else:
            self.waiting.pop(order.order_id, None)
        self.report(order)

    def settle(self, order: Order) -> None:
        """A client's order is where it will be for now: it is told of, then what its fills brought about."""
        self.tell(order)
        self.reschedule()
        self.follow_up()

    def follow_up(self) -> None:
        """What fills brought about: brackets that hang on orders begin, brackets are cut to the position."""
        while self._filled:
            filled, self._filled = self._filled, {}
            for order in filled.values():
                if order.ticket.attached is not None:
                    waiting.grow_attached(self, order)
            waiting.cut_brackets(self)

    def report(self, order: Order) -> None:
        self.venue.account_changes += 1
        self._reports.append(copy.copy(order))

    def take_reports(self) -> Sequence[Order]:
        reports, self._reports = self._reports, []
        return reports

    def reschedule(self) -> None:
        """Look again for what falls due next."""
        dues = [due for order in self.ledger.open.values() for due in waiting.dues(order)]
        self.due_at = min(dues) if dues else None

    def _put_whole(self, order: Order) -> None:
        placed = self._placed(order)
        assert placed.is_accepted, f"checked a moment ago, refused now: {placed.code}"
        if placed.resting:
            order.status = Status.OPEN
        elif placed.cancelled:
            order.status = Status.CANCELLED
            order.cancel_message = f"{order.ticket.time_in_force.value}: nothing more to trade with"

    def _placed(self, order: Order) -> Placement:
        ticket = order.ticket
        if ticket.kind is OrderKind.MARKET_IOC and ticket.time_in_force is TimeInForce.FOK:
            found = self.matching.preview(
                order.order_id, side=ticket.side, qty=ticket.qty, kind=ticket.kind, limit_price=None
            )
            if found.cancelled:
                return Placement(cancelled=ticket.qty)
        return self.put(order, order.leaves, limit_price=ticket.limit_price)


def _order_of(match: Match) -> str:
    return match.order.partition(_PART)[0]
