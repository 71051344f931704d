"""Reading a log: all projections folded over it, so that a command or a screen can ask what was true at a record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from events.event import Event
from events.log import read_commits
from events.money import ZERO, quotient, use_exact_arithmetic
from events.orders import OrderFilled, OrderRefused, OrderRejected, OrderSubmitted
from events.record import Record
from events.risk import DayOpened
from events.strategy import DecisionMade
from projections.attribution import VirtualPnl, attribution
from projections.cancels import Cancels
from projections.catalog import Catalog
from projections.confirmation import Confirmation
from projections.earnings import Earnings
from projections.exposure import Exposure, Pending
from projections.kill import KillProgress, KillState, kill_progress
from projections.margin import ExchangeMargin
from projections.orders import Orders
from projections.portfolio import Portfolio
from projections.virtual import Virtuals
from scripts.cli.moments import Moments
from scripts.cli.places import NOW, Life, Until, is_written_now
from scripts.cli.standing import Standing

Fold = Callable[[Record], None]


class Reader:
    """Everything a trader asks about, at the last record folded. The same folds that the behaviours use."""

    def __init__(self) -> None:
        use_exact_arithmetic()
        self.catalog = Catalog()
        self.portfolio = Portfolio()
        self.earnings = Earnings()
        self.margin = ExchangeMargin()
        self.virtuals = Virtuals()
        self.orders = Orders()
        self.cancels = Cancels()
        self.confirmation = Confirmation()
        self.standing = Standing()
        self.moments = Moments()
        self.seq = 0
        self.at = 0
        self.records = 0
        self.decisions = 0
        self.counts: dict[type[Event], int] = {}
        self.worst_lag = 0  # of a decision behind its cause, in records, since `take_worst_lag`
        self._transfers_at_open = ZERO
        self._folds: dict[type[Event], tuple[Fold, ...]] = {}
        for hears, fold in (
            (Catalog.hears, self.catalog.fold),
            (Portfolio.hears, self.portfolio.fold),
            (Earnings.hears, self.earnings.fold),
            (ExchangeMargin.hears, self.margin.fold),
            (Virtuals.hears, self._share_out),
            (Orders.hears, self.orders.fold),
            (Cancels.hears, self._follow_cancels),
            (Confirmation.hears, self.confirmation.fold),
            (Standing.hears, self.standing.fold),
            (Moments.hears, self.moments.fold),
            ({DayOpened}, self._open_day),
        ):
            for kind in hears:
                self._folds[kind] = (*self._folds.get(kind, ()), fold)

    def fold(self, record: Record) -> None:
        kind = type(record.event)
        self.records += 1
        self.seq = record.seq
        self.at = record.at
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if record.cause is not None:
            self.decisions += 1
            self.worst_lag = max(self.worst_lag, record.seq - record.cause)
        for fold in self._folds.get(kind, ()):
            fold(record)

    def fold_all(self, records: Iterable[Record]) -> Reader:
        for record in records:
            self.fold(record)
        return self

    def take_worst_lag(self) -> int:
        """The worst lag since this was last asked."""
        worst, self.worst_lag = self.worst_lag, 0
        return worst

    def count(self, kind: type[Event]) -> int:
        return self.counts.get(kind, 0)

    def order_counts(self) -> dict[str, int]:
        """How many orders came to what, over the whole log, and how many are open or unknown now."""
        return {
            "submitted": self.count(OrderSubmitted),
            "fills": self.count(OrderFilled),
            "refused": self.count(OrderRefused),
            "rejected": self.count(OrderRejected),
            "open": len(self.orders.open_orders()),
            "unknown": len(self.orders.unknown()),
            "decisions": self.count(DecisionMade),
        }

    def products(self) -> list[str]:
        """Every product that was configured or listed, ours first and in their order."""
        return list(dict.fromkeys([*self.standing.configuration.products, *self.catalog.listings]))

    def exposure(self, product: str) -> Exposure | None:
        """Position and open orders together; None while size or price of the product are unknown."""
        rules, price = self.catalog.rules(product), self.portfolio.marks.price(product)
        if rules is None or rules.contract_size is None or price is None:
            return None
        held = self.portfolio.positions.of(product).qty
        flat = Exposure(product=product, contract_size=rules.contract_size, price=price, held=held)
        return flat.with_all(
            Pending(side=order.side, qty=order.leaves, price=order.limit_price)
            for order in self.orders.open_orders(product)
        )

    def loss_today(self) -> Decimal | None:
        """What the account is worth less than when the day opened, transfers aside (trading rule A4)."""
        day, equity = self.standing.day, self.portfolio.equity()
        if day is None or equity is None:
            return None
        return day.equity + self.portfolio.transfers - self._transfers_at_open - equity

    def gross(self) -> Decimal | None:
        """The worst-side notional of all products together; None while one that counts is unknown."""
        total = ZERO
        for product in self.products():
            exposure = self.exposure(product)
            if exposure is not None:
                total += exposure.notional
            elif self.portfolio.positions.of(product).qty or self.orders.open_orders(product):
                return None
        return total

    def share_of_equity(self, notional: Decimal | None) -> Decimal | None:
        """To six decimals, for show; None where it is not known or means nothing."""
        equity = self.portfolio.equity()
        if notional is None or equity is None or equity <= ZERO:
            return None
        return quotient(notional, equity, places=6)

    def attribution(self) -> list[VirtualPnl]:
        """Who holds and earned what, by product (trading rules A19); every column adds up to the account's."""
        return [row for product in self.products() for row in attribution(self.virtuals, product, self.portfolio)]

    def _share_out(self, record: Record) -> None:
        self.virtuals.fold(record, self.portfolio)

    def _follow_cancels(self, record: Record) -> None:
        self.cancels.fold(record, self.orders, self.portfolio.positions)

    def kill_progress(self) -> KillProgress:
        """How far a thrown kill switch has come (trading rules A7)."""
        return kill_progress(
            is_killed=self.standing.kill is not None,
            orders=self.orders,
            positions=self.portfolio.positions,
            cancels=self.cancels,
        )

    def _open_day(self, _record: Record) -> None:
        self._transfers_at_open = self.portfolio.transfers

    def restriction(self) -> str:
        """What stands between a strategy and an entry, in one line; empty when nothing does."""
        standing = self.standing
        if standing.kill is not None:
            progress = self.kill_progress()
            how = "" if progress.state is KillState.THROWN else f" ({progress.sentence})"
            return f"KILL SWITCH{how}: {standing.kill}"
        if "" in standing.reduce_only:
            return f"REDUCE-ONLY: {standing.reduce_only['']}"
        return "; ".join(f"{product} reduce-only: {reason}" for product, reason in standing.reduce_only.items())

    def life(self, path: Path) -> Life:
        """What the last session of the log at `path` is doing now."""
        if is_written_now(path):
            return Life.RUNNING
        session = self.standing.session
        return Life.ENDED if session is None or session.ended_at else Life.DEAD


def records_until(path: Path, until: Until, *, after: int = 0) -> Iterator[Record]:
    """The records of closed commits behind `after`, up to a place. Raises the log's errors."""
    for commit in read_commits(path, after=after):
        for record in commit.records:
            if record.seq <= after:
                continue
            if until.passed(record.seq, record.at):
                return
            yield record


def read(path: Path, until: Until = NOW, told: Callable[[int], None] | None = None) -> Reader:
    """The log folded up to a place. `told` is called with the seq now and then. Raises the log's errors."""
    reader = Reader()
    for record in records_until(path, until):
        reader.fold(record)
        if told is not None and record.seq % 10_000 == 0:
            told(record.seq)
    return reader


def read_with_progress(path: Path, until: Until = NOW) -> Reader:
    """`read`, with a line on the terminal that counts the records of a long log."""
    if not sys.stderr.isatty():
        return read(path, until)
    console = Console(stderr=True)
    with console.status("reading") as line:
        return read(path, until, lambda seq: line.update(f"reading: {seq:,} records"))
