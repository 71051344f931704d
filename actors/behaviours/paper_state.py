"""All that the paper exchange knows, and how records change it.

The market's records move books, queues and boundaries; transfers and settlements move cash as they pass. Orders,
fills and what is owed change by the exchange's own records only: what it decided counts once it is recorded.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from actors.behaviours.paper_books import PaperBooks
from actors.behaviours.paper_fills import PaperFill, PaperFills
from actors.behaviours.paper_funding import NEVER, FundingOwed, next_settlement
from actors.behaviours.paper_margin import Rate, maintenance, margin, present_rate
from actors.behaviours.paper_margin import Resting as Claim
from actors.behaviours.paper_orders import GTD_LIFE_NS, PaperOrder, order_of, trades_now
from actors.behaviours.paper_wire import Wire
from events.account import BalanceReported, FundsMoved, MarginWindowChanged, TransferReported
from events.catalog import FundingRatePublished, ProductListed
from events.configuration import PaperSetting
from events.event import Event
from events.feeds import ExchangeReconciled
from events.funding import FundingPaid
from events.money import ZERO
from events.orders import (
    CancelRejected,
    CancelSubmitted,
    FillsReported,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
)
from events.session import SessionStarted
from events.terms import NANOSECONDS, OrderKind, OrderStatus, Origin
from projections.matching import NO_PRINT, MarketEvent, Matching, Print
from projections.notional import notional

#: Balances and positions are reported this often.
REPORT_EVERY_NS = 60 * NANOSECONDS
#: A settlement waits this long for the rates of its boundaries.
RATES_WAITED_FOR_NS = 60 * NANOSECONDS
#: Ids of closed orders that are remembered, so that a late cancel gets the right answer.
CLOSED_KEPT = 1_000
#: Ids of transfers and moves that are remembered: a message delivered twice counts once.
TRANSFERS_KEPT = 1_000


class PaperState(msgspec.Struct, kw_only=True):
    session: str = ""
    is_active: bool = False  # in a session whose configuration says so
    is_reconciled: bool = False
    is_stopping: bool = False  # the session ends: no more market may come, so nothing waits for it
    setting: PaperSetting = PaperSetting()
    awaited: list[str] = msgspec.field(default_factory=list)  # products not yet listed in this session
    rules: dict[str, ProductListed] = msgspec.field(default_factory=dict)
    markets: dict[str, Matching] = msgspec.field(default_factory=dict)
    books: PaperBooks = msgspec.field(default_factory=PaperBooks)
    funding: FundingOwed = msgspec.field(default_factory=FundingOwed)
    orders: dict[str, PaperOrder] = msgspec.field(default_factory=dict)  # open, by our id
    closed: list[tuple[str, OrderStatus]] = msgspec.field(default_factory=list)  # the latest, oldest first
    wire: Wire = msgspec.field(default_factory=Wire)
    printed: Print = NO_PRINT  # how far the trade of record `printed_seq` reached our orders
    printed_seq: int = 0
    printed_product: str = ""
    fills: PaperFills = msgspec.field(default_factory=PaperFills)
    window: MarginWindowChanged | None = None  # the exchange's latest word on its margin window
    in_liquidation: bool = False  # it has begun, and something is still held
    transfers_seen: list[str] = msgspec.field(default_factory=list)  # ids, the latest
    wakes_at: int = NEVER  # the next boundary or settlement
    settles_at: int = NEVER
    settle_through: int = 0  # the latest settlement time that has passed
    reports_at: int = 0

    # By records of others.

    def start(self, event: SessionStarted, at: int) -> None:
        """A session begins: orders, positions, cash stay; books are not known; what was on the wire never arrived."""
        self.session = event.session
        self.is_active = event.configuration.mode == "paper"
        if not self.is_active:
            return
        self.is_reconciled = self.is_stopping = False
        self.setting = event.configuration.paper
        self.awaited = list(event.configuration.products)
        if self.books.cash is None:
            self.books.cash = self.setting.start_cash
        self.wire.break_off()
        self.lose_markets()
        if self.settles_at == NEVER:
            self.settles_at = next_settlement(at, self.setting.settlement_times_utc)
        self._set_alarm()

    def list_product(self, event: ProductListed, at: int) -> None:
        self.rules[event.product] = event
        if event.product in self.awaited:
            self.awaited.remove(event.product)
        self.market(event.product)
        self.funding.list_product(event, at=at)
        self._set_alarm()

    def publish_rate(self, event: FundingRatePublished, seq: int) -> None:
        self.funding.publish(event, seq=seq)

    def hear_market(self, event: MarketEvent, seq: int) -> None:
        market = self.markets.get(event.product)
        if market is None:
            market = self.market(event.product)
        printed = market.hear(event)
        if printed.reaches and trades_now(self.rules.get(event.product), at=event.exchange_at):
            self.printed, self.printed_seq, self.printed_product = printed, seq, event.product

    def send(self, intent: OrderSubmitted | CancelSubmitted, at: int) -> None:
        """An intent leaves for the exchange."""
        self.wire.send(intent, due=at + self.setting.latency_ms * 1_000_000)

    def lose_markets(self) -> None:
        """The market feed is gone: no book is known."""
        for market in self.markets.values():
            market.lose()

    def move_cash(self, event: TransferReported | FundsMoved, at: int) -> None:
        """Money came, left or changed pockets, once; the account is reported soon after."""
        key = event.transfer if isinstance(event, TransferReported) else event.move
        if key in self.transfers_seen:
            return
        self.transfers_seen = [*self.transfers_seen, key][-TRANSFERS_KEPT:]
        if isinstance(event, TransferReported):
            self.books.transfer(event.amount)
        else:
            self.books.shift(event.to_futures)
        self.reports_at = at

    def pass_time(self, at: int) -> None:
        """Boundaries and settlement times up to `at` are behind us: funding is owed, variation margin is cash."""
        self.funding.pass_to(at, qty=self.books.qty, mark=self.mark, contract_size=self.contract_size)
        while at >= self.settles_at:
            self.settle_through = self.settles_at
            self.settles_at = next_settlement(self.settles_at, self.setting.settlement_times_utc)
            self._settle_variation()
        self._set_alarm()

    # By our own records.

    def apply(self, event: Event, at: int, *, cause: int | None = None) -> None:
        """What the exchange said has happened; `cause` is the record that it answered, once it is recorded."""
        match event:
            case OrderReported():
                self._report(event, at)
            case OrderRejected():
                self.wire.forget_order(event.order)
            case CancelRejected():
                self.wire.forget_cancels(event.order)
            case FillsReported():
                self._take_back(event, at)
            case FundingPaid():
                self.books.move(event.amount)
                self.funding.pay(event.product, event.through, decided_at=cause)
            case BalanceReported():
                self.reports_at = at + REPORT_EVERY_NS
            case ExchangeReconciled():
                self.is_reconciled = True
            case _:
                pass

    def scratch(self) -> PaperState:
        """A copy for trying out what the exchange is about to say. Shares what its own records never change."""
        return msgspec.structs.replace(
            self,
            markets={product: market.scratch() for product, market in self.markets.items()},
            books=self.books.scratch(),
            funding=self.funding.scratch(),
            orders=dict(self.orders),
            closed=list(self.closed),
            wire=self.wire.scratch(),
            fills=self.fills.scratch(),
        )

    # Questions.

    def can_settle(self, at: int) -> bool:
        """Whether a settlement has something to pay: its rates are all known, or were waited for long enough."""
        owed = self.funding.owed
        if not owed or owed[0].at > self.settle_through:
            return False
        is_late = at >= self.settle_through + RATES_WAITED_FOR_NS
        return self.funding.is_payable(self.settle_through, is_late=is_late)

    def market(self, product: str) -> Matching:
        market = self.markets.get(product)
        if market is None:
            market = self.markets[product] = Matching(product=product)
        return market

    def mark(self, product: str) -> Decimal | None:
        market = self.markets.get(product)
        return None if market is None else market.mark()

    def contract_size(self, product: str) -> Decimal | None:
        rules = self.rules.get(product)
        return None if rules is None else rules.contract_size

    def rate(self, at: int) -> Rate:
        """By which rates the account is judged at `at`."""
        return present_rate(self.window, has_opted_in=self.setting.intraday_margin, at=at)

    def available(self) -> Decimal:
        """What backs positions: the cash in both pockets and the open gains, as the exchange's own balance has it."""
        assert self.books.cash is not None, "the account opens with its first session"
        open_products = [product for product, holding in self.books.holdings.items() if holding.qty]
        gains = (self.books.unrealized(p, rules=self.rules.get(p), mark=self.mark(p)) for p in open_products)
        return self.books.spot + self.books.cash + sum(gains, ZERO)

    def initial_margin(self, at: int) -> Decimal:
        """What the positions bind by the present window's rates."""
        rate = self.rate(at)
        held = ((p, h.qty) for p, h in self.books.holdings.items() if h.qty and p in self.rules)
        return sum((margin(self.rules[p], qty, (), mark=self.mark(p), rate=rate) for p, qty in held), ZERO)

    def is_margin_called(self, at: int) -> bool:
        """Whether positions must be closed: what backs them fell to maintenance, or closing has begun."""
        if not any(holding.qty for holding in self.books.holdings.values()):
            return False
        return self.in_liquidation or self.available() <= maintenance(self.initial_margin(at))

    def claims(self, product: str) -> tuple[Claim, ...]:
        """What the resting orders of a product claim of its margin."""
        market = self.market(product)
        return tuple(Claim(side=r.side, leaves=r.leaves, price=r.price) for r in (*market.bids, *market.asks))

    def closed_as(self, order: str) -> OrderStatus | None:
        """How an order ended, as long as that is remembered."""
        return next((status for closed, status in reversed(self.closed) if closed == order), None)

    # Private.

    def _report(self, event: OrderReported, at: int) -> None:
        before = self.orders.get(event.order)
        market = self.market(event.product)
        if before is None:
            self._arrive(event, market, at)
            qty, value, fee = event.filled_qty, event.filled_value, event.fees
        else:
            qty, value, fee = (
                event.filled_qty - before.filled_qty,
                event.filled_value - before.filled_value,
                event.fees - before.fees,
            )
            if qty:
                market.fill(event.order, qty)
        if qty:
            self.books.trade(event.product, event.side, qty=qty, value=value, fee=fee)
            self.fills.add(
                PaperFill(
                    order=event.order,
                    exchange_order=event.exchange_order,
                    filled_qty=event.filled_qty,
                    product=event.product,
                    side=event.side,
                    qty=qty,
                    value=value,
                    fee=fee,
                    at=event.exchange_at,
                )
            )
            if self.in_liquidation or event.origin is Origin.LIQUIDATION:
                self.in_liquidation = any(holding.qty for holding in self.books.holdings.values())
        if event.status.is_final:
            market.cancel(event.order)
            self._close(event)
        else:
            self.orders[event.order] = order_of(event)
        self.wire.forget_order(event.order)

    def _arrive(self, event: OrderReported, market: Matching, at: int) -> None:
        if event.filled_qty:
            market.take(event.side, event.filled_qty, limit_price=event.limit_price)
        if event.status.is_final:
            return
        assert event.limit_price is not None, "only an order with a limit rests"
        good_until = self.wire.good_until(event.order)
        market.rest(
            event.order,
            side=event.side,
            price=event.limit_price,
            leaves=event.qty - event.filled_qty,
            at=at,
            expires_at=(good_until or at + GTD_LIFE_NS) if event.kind is OrderKind.LIMIT_GTD else None,
        )

    def _close(self, event: OrderReported) -> None:
        self.orders.pop(event.order, None)
        if not event.order:
            return  # the exchange's own
        self.closed.append((event.order, event.status))
        del self.closed[:-CLOSED_KEPT]
        if event.status is OrderStatus.CANCELLED:
            self.wire.forget_cancels(event.order)

    def _take_back(self, event: FillsReported, at: int) -> None:
        """Fills are reversed: each is the opposite trade at the same value, and its fee comes back."""
        contract_size = self.contract_size(event.product)
        assert contract_size is not None, "what was traded has a contract size"
        for entry in event.entries:
            fill = self.fills.find(entry.trade)
            if fill is not None:
                value = notional(entry.qty, contract_size=contract_size, price=entry.price)
                self.books.trade(fill.product, fill.side.opposite, qty=entry.qty, value=value, fee=entry.fee)
        for entry in event.entries:
            self.fills.forget(entry.trade)
        self.reports_at = at

    def _settle_variation(self) -> None:
        for product, rules in self.rules.items():
            mark = self.mark(product)
            if mark is not None:
                self.books.settle(product, rules=rules, mark=mark)

    def _set_alarm(self) -> None:
        self.wakes_at = min(self.funding.wakes_at, self.settles_at)
