"""The account as a fold: what it began with, earned and paid, what it is worth, and whether the exchange agrees.

    equity = start + transfers + Σ realized − Σ fees + Σ funding + unrealized          (exact, in `Decimal`)

`start` is the configured start equity; else, in paper, the paper exchange's cash; else spot plus futures cash of the
log's first balance report. It is set once and never moves. A position found at that first sight is adopted at the
value that the exchange's own unrealized gain implies, so that cash plus unrealized is its equity and ours (`positions`
says how). Transfers that the first balance report already contains do not count again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import ClassVar

import msgspec

from events.account import BalanceReported, ExternalFlow, TieOutMeasured, TransferReported
from events.catalog import ProductListed
from events.event import Event
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.market import MarkUpdated, MarkWentStale
from events.money import ZERO
from events.orders import FillCorrected, OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed, PositionReported
from events.record import Record
from events.session import ClockSkewMeasured, SessionStarted
from projections.flows import Flows
from projections.funding import FundingLedger
from projections.marks import Marks
from projections.notional import base_qty, notional
from projections.pnl import PortfolioPnl, PositionPnl, TieOut
from projections.positions import Position, Positions

#: Transfers remembered by id, the latest: a message delivered twice counts once.
KEPT_TRANSFERS = 1_000


class Portfolio(msgspec.Struct, kw_only=True):
    """Everything the account's worth is made of. Amounts in quote currency."""

    hears: ClassVar[frozenset[type[Event]]] = (
        Positions.hears
        | FundingLedger.hears
        | Marks.hears
        | Flows.hears
        | {SessionStarted, BalanceReported, TransferReported, PositionReported, TieOutMeasured}
    )

    start: Decimal | None = None
    start_from: str = ""  # "configuration", "paper" or "balance"
    start_at: int = 0  # the exchange's time of the balance report that set it; 0 where none did
    transfers: Decimal = ZERO
    transfers_seen: list[str] = msgspec.field(default_factory=list)  # ids of the latest
    positions: Positions = msgspec.field(default_factory=Positions)
    ledger: FundingLedger = msgspec.field(default_factory=FundingLedger)
    marks: Marks = msgspec.field(default_factory=Marks)
    balance: BalanceReported | None = None
    reported_prices: dict[str, Decimal] = msgspec.field(default_factory=dict)  # the exchange's, of its open positions
    reported_gains: dict[str, Decimal] = msgspec.field(default_factory=dict)  # the exchange's, at those prices
    reported_at: dict[str, int] = msgspec.field(default_factory=dict)  # the exchange's time of that
    flows: Flows = msgspec.field(default_factory=Flows)
    unexplained: TieOutMeasured | None = None  # what was last said not to tie out; None when it does
    moved: bool = True  # since the last balance report
    is_quiet: bool = False

    def fold(self, record: Record) -> None:
        step = _STEPS.get(type(record.event))
        if step is not None:
            step(self, record)

    @property
    def realized(self) -> Decimal:
        """Gross gains of all closed quantity."""
        return self.positions.realized

    @property
    def fees(self) -> Decimal:
        """Fees of all fills, as the exchange charged them."""
        return self.positions.fees

    @property
    def funding(self) -> Decimal:
        """Funding accrued and corrected, paid or not."""
        return self.ledger.total()

    @property
    def exchange_equity(self) -> Decimal | None:
        """Cash and unrealized gain by the last balance report; None before the first."""
        balance = self.balance
        return None if balance is None else balance.spot_usd + balance.futures_usd + balance.unrealized

    def settled(self) -> Decimal | None:
        """Equity without the open gain; None before there is a start."""
        if self.start is None:
            return None
        return self.start + self.transfers + self.realized - self.fees + self.funding

    def unrealized(self, prices: Mapping[str, Decimal] | None = None, *, fresh_only: bool = False) -> Decimal | None:
        """The open gain at the last marks, or at `prices` where they name the product. None when a price is unknown.

        `fresh_only` takes a stale mark for unknown.
        """
        total = ZERO
        for position in self.positions.by_product.values():
            if not position.qty:
                continue
            gain = self._gain(position, prices, fresh_only)
            if gain is None:
                return None
            total += gain
        return total

    def equity(self, prices: Mapping[str, Decimal] | None = None, *, fresh_only: bool = False) -> Decimal | None:
        """The identity of this module's head. None while the start or a price is unknown; `unknown` says which."""
        settled = self.settled()
        unrealized = self.unrealized(prices, fresh_only=fresh_only)
        return None if settled is None or unrealized is None else settled + unrealized

    def unknown(self, prices: Mapping[str, Decimal] | None = None, *, fresh_only: bool = False) -> tuple[str, ...]:
        """Why equity is not known, in sentences; empty when it is."""
        why = [] if self.start is not None else ["no start equity: no balance report yet"]
        for position in self.positions.open():
            if position.contract_size is None:
                why.append(f"{position.product}: no contract size")
            elif self._price(position.product, prices, fresh_only) is None:
                stale = fresh_only and position.product in self.marks.stale
                why.append(f"{position.product}: mark is {'stale' if stale else 'unknown'}")
        return tuple(why)

    def position_pnl(self, product: str, at: int) -> PositionPnl:
        """One product's result at the time `at`, at its last mark."""
        position = self.positions.of(product)
        mark = self.marks.last(product)
        unrealized = self._gain(position, None, False) if position.qty else ZERO
        funding = self.ledger.of(product).total
        settled = position.realized - position.fees + funding
        size = position.contract_size
        return PositionPnl(
            symbol=product,
            qty=abs(position.qty),
            side=position.side,
            entry=position.entry_price,
            mark=None if mark is None else mark.price,
            unrealized_pnl=unrealized,
            realized_pnl=position.realized,
            funding_accrued=funding,
            fees=position.fees,
            net_pnl=None if unrealized is None else settled + unrealized,
            contract_size=size,
            base_qty=None if size is None else base_qty(position.qty, contract_size=size),
            mark_source=None if mark is None else mark.source.value,
            mark_age_s=self.marks.age_s(product, at),
            is_mark_fresh=self.marks.is_fresh(product, at),
        )

    def pnl(self, at: int) -> PortfolioPnl:
        """The account's result at the time `at`, with a row for every product that ever had a position or funding."""
        unrealized = self.unrealized()
        settled = self.realized - self.fees + self.funding
        products = sorted({*self.positions.by_product, *self.ledger.by_product})
        return PortfolioPnl(
            total_unrealized=unrealized,
            total_realized=self.realized,
            total_funding=self.funding,
            fees=self.fees,
            net_pnl=None if unrealized is None else settled + unrealized,
            start=self.start,
            transfers=self.transfers,
            equity=self.equity(),
            unknown=self.unknown(),
            positions={product: self.position_pnl(product, at) for product in products},
        )

    def tie_out(self, prices: Mapping[str, Decimal] | None = None) -> TieOut:
        """Our equity against the last balance report, at `prices`, else at those of the last position reports."""
        at_prices = self.reported_prices if prices is None else prices
        receivable = self.ledger.receivable()
        equity, theirs = self.equity(at_prices), self._exchange_equity_at(at_prices)
        ours = None if equity is None else equity - receivable
        here, there = self.unrealized(), self.unrealized(at_prices)
        return TieOut(
            ours=ours,
            theirs=theirs,
            difference=None if ours is None or theirs is None else ours - theirs,
            receivable=receivable,
            valuation=None if here is None or there is None else here - there,
            is_quiet=self.is_quiet,
            unknown=self.unknown(at_prices) + (() if theirs is not None else ("no balance report yet",)),
            our_marks={p.product: mark for p in self.positions.open() if (mark := self.marks.price(p.product))},
            their_marks={p.product: at_prices[p.product] for p in self.positions.open() if p.product in at_prices},
            unexplained=ZERO if self.unexplained is None else self.unexplained.difference,
            unnamed=sum((flow.amount for flow in self.flows.unnamed()), ZERO),
            pending_outflow=self.flows.pending_outflow(),
        )

    def _exchange_equity_at(self, prices: Mapping[str, Decimal]) -> Decimal | None:
        """The exchange's equity with the open gain as its positions state it, at their own prices.

        The balance is another reply of the same round, and the market may have moved between the two: it stands in
        only where the positions were not reported with it, or other prices are asked for.
        """
        balance, open_positions = self.balance, self.positions.open()
        if balance is None:
            return None
        total = balance.spot_usd + balance.futures_usd
        for position in open_positions:
            gain = self.reported_gains.get(position.product)
            is_of_this_round = self.reported_at.get(position.product) == balance.exchange_at
            if gain is None or not is_of_this_round or prices is not self.reported_prices:
                return self.exchange_equity
            total += gain
        return total

    def _price(self, product: str, prices: Mapping[str, Decimal] | None, fresh_only: bool) -> Decimal | None:
        if prices is not None and product in prices:
            return prices[product]
        mark = self.marks.mark(product) if fresh_only else self.marks.last(product)
        return None if mark is None else mark.price

    def _gain(self, position: Position, prices: Mapping[str, Decimal] | None, fresh_only: bool) -> Decimal | None:
        price = self._price(position.product, prices, fresh_only)
        if price is None or position.contract_size is None:
            return None
        return notional(position.qty, contract_size=position.contract_size, price=price) - position.cost

    def _begin(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, SessionStarted)
        self.marks.fold(record)
        if self.start is not None:
            return
        configuration = event.configuration
        if configuration.start_equity is not None:
            self.start, self.start_from = configuration.start_equity, "configuration"
        elif configuration.mode == "paper":
            self.start, self.start_from = configuration.paper.start_cash, "paper"

    def _take_balance(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, BalanceReported)
        before = self.balance
        cash = event.spot_usd + event.futures_usd
        if before is not None and (event == before or event.exchange_at < before.exchange_at):
            return
        if self.start is None:
            self.start, self.start_from, self.start_at = cash, "balance", event.exchange_at
            self.transfers = ZERO
        self.is_quiet = not self.moved and before is not None and before.spot_usd + before.futures_usd == cash
        self.moved = False
        self.balance = event

    def _transfer(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, TransferReported)
        if event.transfer in self.transfers_seen:
            return
        self.transfers_seen.append(event.transfer)
        del self.transfers_seen[:-KEPT_TRANSFERS]
        if self.start_from != "balance" or event.exchange_at > self.start_at:
            self.transfers += event.amount
            self._move()

    def _flow(self, record: Record) -> None:
        event = record.event
        self.flows.fold(record)
        if isinstance(event, ExternalFlow) and event.flow not in self.transfers_seen:
            self.transfers_seen.append(event.flow)
            del self.transfers_seen[:-KEPT_TRANSFERS]
            if self.start_from != "balance" or event.exchange_at > self.start_at:
                self.transfers += event.amount
                self._move()

    def _measure(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, TieOutMeasured)
        self.unexplained = event if event.difference else None

    def _report_position(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, PositionReported)
        if event.current_price is not None and event.exchange_at >= self.reported_at.get(event.product, 0):
            self.reported_prices[event.product] = event.current_price
            self.reported_at[event.product] = event.exchange_at
            self.reported_gains.pop(event.product, None)
            if event.unrealized is not None:
                self.reported_gains[event.product] = event.unrealized

    def _fill(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, OrderFilled)
        self.positions.fill(event)
        self._move()

    def _change(self, record: Record) -> None:
        self.positions.fold(record)
        self._move()

    def _fund(self, record: Record) -> None:
        self.ledger.fold(record)
        self._move()

    def _mark(self, record: Record) -> None:
        self.marks.fold(record)

    def _list(self, record: Record) -> None:
        self.positions.fold(record)

    def _move(self) -> None:
        self.moved, self.is_quiet = True, False


_STEPS: dict[type[Event], Callable[[Portfolio, Record], None]] = {
    MarkUpdated: Portfolio._mark,
    MarkWentStale: Portfolio._mark,
    ClockSkewMeasured: Portfolio._mark,
    OrderFilled: Portfolio._fill,
    FillCorrected: Portfolio._fill,
    AdjustmentApplied: Portfolio._change,
    AdjustmentReversed: Portfolio._change,
    ProductListed: Portfolio._list,
    FundingAccrued: Portfolio._fund,
    FundingCorrected: Portfolio._fund,
    FundingPaid: Portfolio._fund,
    PositionReported: Portfolio._report_position,
    BalanceReported: Portfolio._take_balance,
    TransferReported: Portfolio._transfer,
    **dict.fromkeys(Flows.hears, Portfolio._flow),
    TieOutMeasured: Portfolio._measure,
    SessionStarted: Portfolio._begin,
}
