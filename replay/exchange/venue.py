"""The exchange without its sockets: a tape goes in, orders come in, reports come out. Deterministic.

Time is what it is told (`advance`), and never goes back. Whatever falls due at a time (funding, settlement, the end of
an order) is done once all market facts up to and including that time were heard. The same tape and the same orders at
the same times give the same reports, ids included.

    venue = Venue(product, VenueRules(), now=tape_start)
    venue.hear(at, event)                     # the next fact of the tape
    venue.create(ticket) -> Order | Refusal   # at the venue's present time
    venue.take_reports() -> [Report, ...]     # what the user channel says, in order
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from events.catalog import FundingRatePublished, ProductListed
from events.event import Event
from events.money import ZERO
from events.terms import MarginWindow, OrderKind, Side
from replay.exchange import hours, treasury
from replay.exchange.acting import carry_out
from replay.exchange.acts import AnyAct
from replay.exchange.books import Books
from replay.exchange.conditions import Conditions
from replay.exchange.editing import EditRefusal
from replay.exchange.entry import meets_market, refusal_of
from replay.exchange.floor import Floor
from replay.exchange.funding import FundingClerk
from replay.exchange.margin import MarginRates, OpenInterest, maintenance
from replay.exchange.market import Market
from replay.exchange.orders import Ledger, Order, Refusal, Ticket, TimeInForce
from replay.exchange.rules import VenueRules
from replay.exchange.treasury import Treasury


class Venue:
    """One product's market and one account in it."""

    def __init__(self, product: ProductListed, rules: VenueRules, *, now: int) -> None:
        if product.contract_size is None:
            raise ValueError(f"{product.exchange_id} has no contract size and cannot be traded")
        self.product = product
        self.rules = rules
        self.opened_at = now
        self.now = now
        self.market = Market(product.product)
        self.books = Books(start_cash=rules.start_cash + rules.spot_cash)
        self.holding = self.books.open(product.product, product.contract_size)
        self.ledger = Ledger()
        self.floor = Floor(self)
        self.funding = FundingClerk(product.product, product.funding_interval_s, now=now)
        self.intraday_margin = rules.intraday_margin
        self.treasury = Treasury(rules.spot_cash)
        self.conditions = Conditions()
        self.in_liquidation = False
        self.account_changes = 0  # counts what moves the account, so that a server knows when to say so
        self._safe_at: tuple[Decimal, int] | None = None  # mark and changes at which no liquidation was due
        self._minutes = hours.EVERY_FIVE if self.is_international else hours.minutes_of(rules.settlement_times_utc)
        self.next_settlement = hours.next_settlement(now, self._minutes)
        self._listed = product

    # Time and the market.

    def advance(self, to: int) -> None:
        """Let time pass up to `to`, doing what fell due strictly before it. Time that lies back is ignored."""
        while (due := self._next_due()) is not None and due < to:
            self.now = max(self.now, due)
            self.account_changes += 1
            if due == self.floor.due_at:
                self.floor.fall_due(due)
            elif due == self.funding.next_boundary:
                self.funding.pass_boundary(self.books, self.mark())
            else:
                self.settle(due)
        self.now = max(self.now, to)

    def hear(self, at: int, event: Event) -> Event | None:
        """Take the next fact of the tape. Returns what the public sees of it, None when nothing."""
        self.advance(at)
        if isinstance(event, FundingRatePublished):
            self.funding.publish(event, self.books)
            self.account_changes += 1
            return event
        if isinstance(event, ProductListed):
            self._listed = event
            self.relist()
            return event
        seen, matches = self.market.hear(at, event)
        if matches or self.floor.waiting:
            self.floor.heard(event, matches)
        if self.holding.qty:
            self._liquidate_if_due()
        return seen

    def relist(self) -> None:
        """The product is what the tape lists, under the present conditions."""
        self.product = self.conditions.over(self._listed)

    def act(self, act: AnyAct) -> None:
        """Do something that is no order. Raises `ActRefused`; then nothing changed."""
        carry_out(self, act)
        self.account_changes += 1

    def settle(self, at: int | None = None) -> None:
        """A settlement: what is owed becomes cash, and a sweep takes place."""
        self.books.settle(self.now if at is None else at, self.marks())
        treasury.sweep(self)
        self.next_settlement = hours.next_settlement(self.now + 1, self._minutes)

    def liquidate(self, size: Decimal | None = None) -> None:
        """Cancel everything and close the position at the market; with a size only so much of it, and once.

        Where the book shows too little the rest follows with the next facts; until then no order is taken.
        """
        self.floor.cancel_all("The account is being liquidated")
        ticket = self.closing_ticket("", size)
        if ticket is not None and meets_market(ticket, self) is None:
            self.floor.enter(ticket, is_liquidation=True)
        self.in_liquidation = bool(self.holding.qty) and size is None

    def mark(self) -> Decimal | None:
        """The price positions are valued at; None before the first."""
        return self.market.mark()

    def marks(self) -> dict[str, Decimal]:
        """The mark by product; empty before the first price."""
        mark = self.mark()
        return {} if mark is None else {self.product.product: mark}

    # Orders.

    def create(self, ticket: Ticket, *, is_close: bool = False) -> Order | Refusal:
        """Take an order or refuse it. A used client id gives the order that used it first."""
        used = self.ledger.by_client_id.get(ticket.client_order_id)
        if used is not None:
            if self.rules.refuse_used_client_ids:
                name = "DUPLICATE_CLIENT_ORDER_ID"
                return Refusal(name, "UNKNOWN_PREVIEW_FAILURE_REASON", f"{ticket.client_order_id} was used before")
            return used
        if self.rules.self_trades == "cancel_resting" and ticket.self_trade_prevention_id:
            self.floor.make_way(ticket)
        refusal = self.check(ticket, is_close=is_close)
        if refusal is not None:
            return refusal
        return self.floor.enter(ticket)

    def check(self, ticket: Ticket, *, is_close: bool = False) -> Refusal | None:
        """Why the ticket would be refused now; None when it would be taken."""
        return refusal_of(ticket, self, is_close=is_close)

    def cancel(self, order_id: str) -> str:
        """Cancel an order. Returns the exchange's reason when it does not, "" when it does."""
        return self.floor.cancel(order_id)

    def edit(self, order_id: str, *, price: Decimal, size: Decimal) -> EditRefusal | None:
        """Change a resting order's price and whole size. None when it was done."""
        return self.floor.edit(order_id, price=price, size=size)

    def closing_ticket(self, client_order_id: str, size: Decimal | None) -> Ticket | None:
        """The market order that closes `size` of the position, or all of it; None when there is none."""
        held = self.holding.qty
        if not held:
            return None
        qty = abs(held) if size is None else min(size, abs(held))
        return Ticket(
            client_order_id=client_order_id,
            product=self.product.exchange_id,
            side=Side.SELL if held > 0 else Side.BUY,
            configuration={"market_market_ioc": {"base_size": f"{qty:f}"}},
            kind=OrderKind.MARKET_IOC,
            qty=qty,
            time_in_force=TimeInForce.IOC,
        )

    def take_reports(self) -> Sequence[Order]:
        """The orders as they stood after each change since the last call, in the order of the changes."""
        return self.floor.take_reports()

    @property
    def is_international(self) -> bool:
        """Whether the product is of the retired international family: no sessions, settled every five minutes."""
        return self.product.venue == "INTX"

    @property
    def session_open(self) -> bool:
        """Whether orders are taken: by the tape's word, and by the halt of Friday if this exchange keeps it."""
        if not self.product.session_open or self.conditions.is_maintained(self.now):
            return False
        return not (self.rules.friday_halt and not self.is_international and hours.is_friday_halt(self.now))

    # Margin.

    @property
    def rates(self) -> MarginRates:
        return MarginRates(self.product, self.rules.margin_rate)

    @property
    def window(self) -> tuple[MarginWindow, int]:
        """The margin window that binds this account, and its end. Without opting in it is always overnight's."""
        window, ends_at = hours.margin_window(self.now)
        return (window if self.intraday_margin else MarginWindow.OVERNIGHT), ends_at

    def open_interest(self) -> list[OpenInterest]:
        """What the open orders can still trade, at their limits; a bracket opens nothing."""
        return [
            OpenInterest(order.ticket.side, order.leaves, order.ticket.limit_price or ZERO)
            for order in self.ledger.open.values()
            if not order.reduces_only
        ]

    def available(self) -> Decimal:
        """What backs futures: cash, spot cash included, and what is unrealized since the last settlement."""
        return self.books.cash + self.books.day_unrealized(self.marks())

    def fee(self, qty: Decimal, price: Decimal, *, is_maker: bool) -> Decimal:
        """rate x notional + amount per contract."""
        fees = self.rules.fees
        rate = fees.maker_rate if is_maker else fees.taker_rate
        return rate * qty * price * self.holding.contract_size + fees.per_contract * qty

    # Private.

    def _liquidate_if_due(self) -> None:
        """What backs the position fell to its maintenance margin."""
        mark = self.mark()
        if not self.in_liquidation:
            if mark is None or (mark, self.account_changes) == self._safe_at:
                return
            if self.available() > maintenance(self.rates.initial(self.window[0], self.holding.qty, mark)):
                self._safe_at = (mark, self.account_changes)
                return
        self.liquidate()

    def _next_due(self) -> int | None:
        dues = [due for due in (self.floor.due_at, self.funding.next_boundary, self.next_settlement) if due is not None]
        return min(dues) if dues else None
