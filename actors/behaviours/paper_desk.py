"""The paper exchange at work on one record: what it says, each word seen by the next through a scratch of the state."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.behaviours.paper_books import fee_of
from actors.behaviours.paper_fills import reversal
from actors.behaviours.paper_margin import Resting, maintenance, margin
from actors.behaviours.paper_orders import PaperOrder, band_refusal, refusal, trades_now
from actors.behaviours.paper_state import PaperState
from events.account import BalanceReported
from events.event import Event
from events.feeds import ExchangeReconciled
from events.funding import FundingPaid
from events.ids import derived_id
from events.market import TradesBusted
from events.money import ZERO
from events.orders import CancelRejected, CancelSubmitted, OrderRejected, OrderSubmitted
from events.position import PositionReported
from events.terms import OrderKind, OrderStatus, Origin, Side
from projections.matching import Placement, Print
from projections.notional import notional


class PaperDesk:
    """Works on a scratch of the state; what it says is in `said`, in order."""

    def __init__(self, scratch: PaperState, *, session: str, seq: int, at: int) -> None:
        self.state = scratch
        self.said: list[Event] = []
        self._session = session
        self._seq = seq
        self._at = at

    def reconcile(self) -> None:
        """Once a session: what became of every order, every position, the balance; then strategies may propose."""
        state = self.state
        for intent in state.wire.stranded:
            message = "The session ended before the order arrived"
            self._say(OrderRejected(order=intent.order, code="UNKNOWN_FAILURE_REASON", message=message))
        for order in sorted(state.orders):
            self._say(state.orders[order].report(OrderStatus.OPEN, at=self._at))
        self.report_account()
        self._say(ExchangeReconciled(exchange_at=self._at))

    def fill_makers(self, product: str, printed: Print) -> None:
        """A trade reached our resting orders."""
        state = self.state
        for match in state.market(product).filled_by(printed):
            order = state.orders[match.order]
            value = self._value(product, match.qty, match.price)
            fee = fee_of(state.setting.fees, qty=match.qty, value=value, is_maker=True)
            is_full = order.filled_qty + match.qty == order.qty
            status = OrderStatus.FILLED if is_full else OrderStatus.OPEN
            self._say(order.report(status, at=self._at, qty=match.qty, value=value, fee=fee))

    def expire(self) -> None:
        """Good-till-date orders whose time is over leave the book."""
        for product in sorted(self.state.markets):
            for resting in self.state.markets[product].expired(self._at):
                order = self.state.orders[resting.order]
                self._say(order.report(OrderStatus.EXPIRED, at=self._at, reason="good till date"))

    def arrive(self, *, product: str | None) -> None:
        """Let intents take effect that are due: those of one product, or all (None), in the order they were sent.

        At the end of a session, when no more market may come, all of them are due.
        """
        for inbound in self.state.wire.inbound:
            intent = inbound.intent
            if inbound.due > self._at and not self.state.is_stopping:
                break
            if product is not None and intent.product != product:
                continue
            if isinstance(intent, OrderSubmitted):
                self._take_in(intent)
            else:
                self._cancel(intent)

    def settle(self) -> None:
        """Pay in cash what funding is owed up to the settlement time that has passed."""
        state = self.state
        for product in sorted(state.rules):
            amount = state.funding.payable(product, state.settle_through)
            if amount is not None:
                paid = FundingPaid(product=product, amount=amount, through=state.settle_through, exchange_at=self._at)
                self._say(paid)

    def liquidate(self) -> None:
        """What backs the positions fell to maintenance margin: every order is cancelled, every position closed.

        It takes what is shown, second by second, until the account is flat; the taker's fee and the exchange's own
        are charged.
        """
        state = self.state
        if not state.is_margin_called(self._at):
            return
        for order in list(state.orders.values()):
            reason = "The account is being liquidated"
            self._say(order.report(OrderStatus.CANCELLED, at=self._at, reason=reason))
        for product in sorted(state.books.holdings):
            if state.books.qty(product) and trades_now(state.rules.get(product), at=self._at):
                self._close_out(product)

    def bust(self, busted: TradesBusted) -> None:
        """The exchange takes trades back: the list of fills shows each of ours among them reversed."""
        state = self.state
        rules = state.rules.get(busted.product)
        if rules is None:
            return
        for fill in state.fills.between(busted.product, busted.after, busted.through):
            entry = derived_id(self._session, "paper", self._seq, len(self.said))
            self._say(reversal(fill, rules, entry=entry, at=self._at))

    def report_account(self) -> None:
        """Every position with the price it is valued at, and the balance at the same prices."""
        state = self.state
        books, rate = state.books, state.rate(self._at)
        assert books.cash is not None, "the account opens with its first session"
        unrealized = initial = hold = ZERO
        for product in sorted(state.rules):
            rules, mark, qty = state.rules[product], state.mark(product), books.qty(product)
            gain = books.unrealized(product, rules=rules, mark=mark)
            bound = margin(rules, qty, (), mark=mark, rate=rate)
            unrealized += gain
            initial += bound
            hold += margin(rules, qty, state.claims(product), mark=mark, rate=rate) - bound
            self._say(
                PositionReported(
                    product=product,
                    qty=qty,
                    entry_price=books.entry_price(product, rules=rules),
                    current_price=mark,
                    unrealized=gain,
                    exchange_at=self._at,
                )
            )
        self._say(
            BalanceReported(
                spot_usd=books.spot,
                futures_usd=books.cash,
                unrealized=unrealized,
                exchange_at=self._at,
                initial_margin=initial,
                available_margin=state.available(),
                liquidation_threshold=maintenance(initial),
                open_orders_hold=hold,
            )
        )

    # Private.

    def _say(self, event: Event) -> None:
        self.said.append(event)
        self.state.apply(event, self._at)

    def _take_in(self, intent: OrderSubmitted) -> None:
        """An order arrives: it is refused, or it trades, rests and is cancelled as far as it goes."""
        state = self.state
        known = state.orders.get(intent.order)
        if known is not None:  # a reused id gets the old order, as on the exchange
            self._say(known.report(OrderStatus.OPEN, at=self._at))
            return
        if intent.kind is OrderKind.CLOSE_POSITION:
            held = state.books.qty(intent.product) * -intent.side.sign
            if held <= 0:
                message = f"Nothing to close in {intent.product}"
                self._say(OrderRejected(order=intent.order, code="CANNOT_CLOSE_ZERO_POSITION", message=message))
                return
            intent = msgspec.structs.replace(intent, qty=min(intent.qty, held))
        mark, band = state.mark(intent.product), state.setting.price_band
        refused = refusal(intent, state.rules.get(intent.product), at=self._at)
        refused = refused or band_refusal(intent, mark=mark, band=band)
        if refused is not None:
            self._say(refused)
            return
        kind, limit_price = intent.kind, intent.limit_price
        if limit_price is None and mark is not None and band is not None:  # the market's end is the band's
            kind, limit_price = OrderKind.LIMIT_IOC, mark + intent.side.sign * band * mark
        placed = state.market(intent.product).preview(
            intent.order,
            side=intent.side,
            qty=intent.qty,
            kind=kind,
            limit_price=limit_price,
            post_only=intent.post_only,
        )
        if not placed.is_accepted:
            self._say(OrderRejected(order=intent.order, code=placed.code, message=placed.message))
        elif (missing := self._missing_margin(intent, placed)) is not None:
            self._say(OrderRejected(order=intent.order, code="INSUFFICIENT_FUNDS", message=missing))
        else:
            self._accept(intent, placed)

    def _accept(self, intent: OrderSubmitted, placed: Placement) -> None:
        order = PaperOrder(
            order=intent.order,
            exchange_order=derived_id(self._session, "paper", self._seq, len(self.said)),
            product=intent.product,
            side=intent.side,
            kind=intent.kind,
            qty=intent.qty,
            limit_price=intent.limit_price,
        )
        value = sum((self._value(intent.product, match.qty, match.price) for match in placed.matches), ZERO)
        fee = fee_of(self.state.setting.fees, qty=placed.matched, value=value, is_maker=False)
        if placed.resting:
            status = OrderStatus.OPEN
        else:
            status = OrderStatus.CANCELLED if placed.cancelled else OrderStatus.FILLED
        reason = "nothing more to trade with within its limit" if placed.cancelled else ""
        self._say(order.report(status, at=self._at, qty=placed.matched, value=value, fee=fee, reason=reason))

    def _close_out(self, product: str) -> None:
        """An order of the exchange's own against a position, for what the book shows."""
        state, held = self.state, self.state.books.qty(product)
        side = Side.SELL if held > 0 else Side.BUY
        placed = state.market(product).preview(
            "", side=side, qty=abs(held), kind=OrderKind.MARKET_IOC, limit_price=None
        )
        if not placed.matches:
            return
        order = PaperOrder(
            order="",
            exchange_order=derived_id(self._session, "paper", self._seq, len(self.said)),
            product=product,
            side=side,
            kind=OrderKind.MARKET_IOC,
            qty=abs(held),
            limit_price=None,
            origin=Origin.LIQUIDATION,
        )
        value = sum((self._value(product, match.qty, match.price) for match in placed.matches), ZERO)
        fee = fee_of(state.setting.fees, qty=placed.matched, value=value, is_maker=False)
        fee += state.setting.liquidation_rate * value
        status = OrderStatus.CANCELLED if placed.cancelled else OrderStatus.FILLED
        reason = "Liquidation: what backs the positions fell to maintenance margin"
        self._say(order.report(status, at=self._at, qty=placed.matched, value=value, fee=fee, reason=reason))

    def _cancel(self, intent: CancelSubmitted) -> None:
        order = self.state.orders.get(intent.order)
        if order is not None:
            self._say(order.report(OrderStatus.CANCELLED, at=self._at, reason=intent.reason))
        elif self.state.closed_as(intent.order) is OrderStatus.FILLED:
            message = "The order is filled"
            self._say(CancelRejected(order=intent.order, code="ORDER_IS_FULLY_FILLED", message=message))
        else:
            message = "No such open order"
            self._say(CancelRejected(order=intent.order, code="UNKNOWN_CANCEL_ORDER", message=message))

    def _missing_margin(self, intent: OrderSubmitted, placed: Placement) -> str | None:
        """Why the account cannot carry an order: an increase must fit its equity, after the fee. None when it can."""
        state = self.state
        prices = [match.price for match in placed.matches]
        price = intent.limit_price or max(prices, default=ZERO)
        claim = Resting(side=intent.side, leaves=intent.qty, price=price)
        before = {product: self._margin(product) for product in sorted(state.rules)}
        after = dict(before)
        after[intent.product] = self._margin(intent.product, claim)
        if after[intent.product] <= before[intent.product]:
            return None
        value = self._value(intent.product, intent.qty, price)
        fee = fee_of(state.setting.fees, qty=intent.qty, value=value, is_maker=False)
        if state.in_liquidation:
            return "The account is being liquidated"
        funds = state.available() - fee
        needed = sum(after.values(), ZERO)
        return None if needed <= funds else f"Initial margin {needed} exceeds equity {funds}"

    def _margin(self, product: str, *more: Resting) -> Decimal:
        state = self.state
        orders = (*state.claims(product), *more)
        return margin(state.rules[product], state.books.qty(product), orders, mark=state.mark(product))

    def _value(self, product: str, qty: Decimal, price: Decimal) -> Decimal:
        contract_size = self.state.contract_size(product)
        assert contract_size is not None, "a product without contract size takes no orders"
        return notional(qty, contract_size=contract_size, price=price)
