"""The seed's risk manager: its calls and its messages, over the checks that the running system is held to.

It does no arithmetic of its own. What it is told becomes an account as the system's own fold would have it, and the
gate, the day's loss and the distance to liquidation are asked of that account. What it finds is recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, localcontext
from pathlib import Path

import msgspec

from actors.brokerage.attached_config import attached_config
from actors.brokerage.ledger import OwnLog
from actors.brokerage.refusals import ValidationError, expect_amounts
from actors.brokerage.risk_config import RiskConfig
from actors.brokerage.told_account import Held, HeldPosition, Market, mark_of, told_account
from actors.brokerage.told_marks import CircuitBreaker, ToldMarks
from actors.brokerage.turbulence_watch import TurbulenceWatch
from events.catalog import ProductListed
from events.market import MarkWentStale
from events.money import EXACT, ZERO, quotient
from events.orders import OrderApproved, OrderProposed, OrderRefused
from events.record import AnyEvent
from events.risk import (
    DailyLossBreached,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyReleased,
    RiskMetricsRecorded,
)
from events.session import ClockTicked
from events.store import EventStore
from events.terms import NANOSECONDS, OrderKind, Side
from projections.account import Account
from projections.checks.gate import Gate
from projections.daily_loss import DailyLoss
from projections.liquidation import liquidation_buffer
from projections.sight import Sight

__all__ = ["NAME", "LiveRiskManager", "ValidationError"]

NAME = "risk"
_STRATEGY = "caller"


class LiveRiskManager:
    """Checks orders before they are placed, and watches the day, the marks and the distance to liquidation.

    `config` may be changed while it is used. One thread at a time.
    """

    def __init__(
        self,
        config: RiskConfig | None = None,
        *,
        event_store: EventStore | None = None,
        clock: Callable[[], int] = time.time_ns,
        mark_interval_s: int = 60,
    ) -> None:
        """`clock` gives nanoseconds UTC. `event_store` is over an open log; one in memory when None.

        `mark_interval_s` is the time between the marks that volatility is measured by.
        """
        self.config = RiskConfig() if config is None else config
        self._log = OwnLog(NAME, clock, event_store)
        self.event_store = self._log.store
        self._listings: dict[str, ProductListed] = {}
        self._marks = ToldMarks(mark_interval_s)
        self._stale: set[str] = set()
        self._restricted: dict[str, str] = {}
        self._near: set[str] = set()
        self._watch = TurbulenceWatch(self.config, self._log, self._marks, self._restricted)
        self._day = DailyLoss()
        self._proposals = 0

    @classmethod
    def attached(
        cls, data_dir: Path, config: RiskConfig | None = None, *, clock: Callable[[], int] = time.time_ns
    ) -> LiveRiskManager:
        """One whose limits are also those of the system that runs in `data_dir`: what is set here is set there first.

        Setting raises `NotRunning` or `OperatorRefused`; see `attached_config`.
        """
        return cls(attached_config(RiskConfig() if config is None else config, data_dir), clock=clock)

    def update_mark(self, symbol: str, price: Decimal, at: int | None = None) -> None:
        """A mark was seen, at `at` in nanoseconds UTC, or now."""
        with _exact():
            self._marks.tell(symbol, price, self._log.now() if at is None else at)
        self._stale.discard(symbol)

    def pre_trade_validate(
        self,
        symbol: str,
        side: str,
        qty: Decimal,
        price: Decimal,
        product: ProductListed,
        equity: Decimal,
        current_positions: Held | None = None,
    ) -> OrderApproved | None:
        """Raises `ValidationError` when the order may not be placed; None when it may, as it was asked for.

        An order past the position, of which only the closing part may pass, is cut (trading rules B8): the answer is
        then the approval, with the smaller `qty`. While no mark was ever told, `price` stands for it.
        """
        held = current_positions or {}
        expect_amounts(qty=qty, price=price, equity=equity)
        with _exact():
            self._listings[symbol] = msgspec.structs.replace(product, product=symbol)
            marks = self._fresh_marks()
            if self._marks.get(symbol) is None:
                marks[symbol] = price
            account = self._account(held, equity, marks)
            at, self._proposals = self._log.now(), self._proposals + 1
            proposal = OrderProposed(
                proposal=f"{_STRATEGY}-{self._proposals}",
                strategy=_STRATEGY,
                product=symbol,
                side=Side(side.lower()),
                qty=qty,
                kind=OrderKind.LIMIT_IOC,
                limit_price=price,
                reduce_only=False,
                as_of=at,
                reason="pre_trade_validate",
                mark=marks.get(symbol),
            )
            loss = None if self._day.is_breached else self._day.loss(account.portfolio, account.limits)
            sight, breaker = Sight(is_reconciled=True), self._marks.breaker
            said = Gate(account, sight, at, loss=loss, breaker=breaker).judge(proposal)
        return self._answer(proposal, said[0])

    def track_daily_pnl(
        self,
        equity: Decimal,
        positions_pnl: Mapping[str, Mapping[str, Decimal]] | None = None,  # noqa: ARG002 - the seed's; equity holds it
    ) -> bool:
        """Whether today's loss is at its limit; `equity` is that of now, open gains and funding included.

        The first call of a UTC day opens it. The breach is recorded once, and sets `config.reduce_only_mode`.
        """
        expect_amounts(equity=equity)
        with _exact():
            account = self._account({}, equity, {})
            self._hear(account, ClockTicked())
            if self._day.due is not None:
                self._hear(account, self._day.due)
            loss = self._day.loss(account.portfolio, account.limits)
            if loss is None or self._day.is_breached or not loss.is_breached:
                return self._day.is_breached
            self.config.reduce_only_mode = True  # first: where a system refuses it, the next call tries again
            found = DailyLossBreached(loss=loss.amount, limit=loss.limit, start_equity=loss.start, equity=loss.equity)
            self._hear(account, found)
            self._log.say(ReduceOnlyEntered(product=None, reason="daily loss limit reached"))
        return True

    def check_liquidation_buffer(self, symbol: str, position: HeldPosition, equity: Decimal) -> bool:
        """Whether liquidation is nearer than `min_liquidation_buffer_pct`; then the product may only be reduced.

        The distance is that of the whole equity to maintenance margin (trading rules A2), or to the exchange's own
        liquidation price where the position brings one above zero: the nearer of the two. Unknown counts as too near.
        """
        if not position.get("qty"):
            self._near.discard(symbol)
            return False
        least = self.config.min_liquidation_buffer_pct
        with _exact():
            account = self._account({symbol: position}, equity, self._fresh_marks())
            buffers = [liquidation_buffer(account, at=self._log.now()), self._to_liquidation_price(symbol, position)]
        buffer = min((each for each in buffers if each is not None), default=None)
        if buffer is not None and buffer >= least:
            self._near.discard(symbol)
            return False
        if symbol not in self._near:
            self._near.add(symbol)
            why = "the distance to liquidation is unknown" if buffer is None else "liquidation is too near"
            found = [] if buffer is None else [LiquidationBufferBreached(buffer=buffer, limit=least)]
            self._restricted[symbol] = why
            self._log.say(*found, ReduceOnlyEntered(product=symbol, reason=why))
        return True

    def check_mark_staleness(self, symbol: str, at: int | None = None) -> bool:
        """Whether the mark is too old to trade on, or was never seen. `at`: when it was last seen, if not told before.

        Recorded once, until a new mark comes.
        """
        told = self._marks.get(symbol)
        seen_at = at if at is not None or told is None else told.at
        limit_s = self.config.max_mark_staleness_seconds
        age_ns = 0 if seen_at is None else self._log.now() - seen_at
        if seen_at is not None and age_ns <= limit_s * NANOSECONDS:
            self._stale.discard(symbol)
            return False
        if symbol not in self._stale:
            self._stale.add(symbol)
            why = "no mark was ever seen" if seen_at is None else f"the mark is older than {limit_s} s"
            self._log.say(MarkWentStale(product=symbol, age_ms=max(age_ns, 0) // 1_000_000, reason=why))
        return True

    def why_reduce_only(self, symbol: str) -> str | None:
        """Why a product may only be reduced, by the mode or by what was found of it; None when it may grow."""
        return "configured" if self.config.reduce_only_mode else self._restricted.get(symbol)

    def release(self, symbol: str | None = None, *, reason: str) -> None:
        """An operator lets positions grow again, in one product or everywhere; today's loss so far is then accepted."""
        with _exact():
            said = self._log.say(ReduceOnlyReleased(product=symbol, reason=reason))
            if symbol is None:
                self.config.reduce_only_mode = False
                self._restricted.clear()
                account = self._account({}, self._day.seen_equity, {})
                self._day.fold(said[0], account.portfolio, account.limits)
            self._restricted.pop(symbol or "", None)

    def check_volatility_circuit_breaker(
        self, symbol: str, recent_marks: Sequence[Decimal] | None = None
    ) -> CircuitBreaker:
        """How far the breaker has gone for a product, by its rolling yearly volatility (trading rules A22).

        `recent_marks` are samples one `mark_interval_s` apart, oldest first; without them those told count. A step up
        is taken and recorded at once: reduce-only for the product, at the top the kill switch. A step down waits for
        the cooldown; the kill switch stays until an operator resets it.
        """
        with _exact():
            return self._watch.volatility(symbol, recent_marks, self._account({}, ZERO, {}))

    def check_correlation_risk(self, positions: Held) -> bool:
        """Whether the positions move as one: their concentration, correlations counted, is above its limit.

        Correlations are those of the marks told; one that is unknown counts as the worst. Recorded once a spell.
        """
        with _exact():
            return self._watch.correlation(positions, self._account(positions, ZERO, self._marks.fresh(since=0)))

    def append_risk_metrics(self, equity: Decimal, positions: Held) -> RiskMetricsRecorded:
        """How much of the limits is used, recorded as a row of type `risk_metrics`."""
        with _exact():
            account = self._account(positions, equity, self._fresh_marks())
            exposures = [account.exposure(product) for product in account.exposed_products()]
            worths = [exposure.notional for exposure in exposures if exposure is not None]
            gross = sum(worths, ZERO)
            loss = self._day.loss(account.portfolio, account.limits)
            metrics = RiskMetricsRecorded(
                equity=equity,
                gross_notional=gross,
                exposure_pct=_share(gross, equity),
                largest_exposure_pct=_share(max(worths, default=ZERO), equity),
                leverage=_share(gross, equity),
                liquidation_buffer=liquidation_buffer(account, at=self._log.now()),
                daily_loss=None if loss is None else loss.amount,
                daily_loss_limit=None if loss is None else loss.limit,
                reduce_only=self.config.reduce_only_mode,
                kill_switch=self.config.kill_switch_enabled,
            )
            self._log.say(metrics)
        return metrics

    def _answer(self, proposal: OrderProposed, said: object) -> OrderApproved | None:
        if isinstance(said, OrderRefused):
            self._log.say(proposal, said)
            raise ValidationError(said)
        assert isinstance(said, OrderApproved), "the gate approves or refuses"
        self._log.say(proposal, said)
        return None if said.qty == proposal.qty else said

    def _account(self, held: Held, equity: Decimal, marks: Mapping[str, Decimal]) -> Account:
        market = Market(self._listings, marks)
        limits = self.config.frozen()
        return told_account(limits, market, held, equity=equity, reduce_only=self._restricted, at=self._log.now())

    def _fresh_marks(self) -> dict[str, Decimal]:
        oldest = self._log.now() - self.config.max_mark_staleness_seconds * NANOSECONDS
        return self._marks.fresh(since=oldest)

    def _to_liquidation_price(self, symbol: str, position: HeldPosition) -> Decimal | None:
        """The move to the exchange's liquidation price, as a fraction of the mark. A price of zero: there is none."""
        told = self._marks.get(symbol)
        mark = mark_of(position) or (None if told is None else told.price)
        price = position.get("liquidation_price") or position.get("liq_price")
        return quotient(abs(mark - price), mark, places=8) if mark and price else None

    def _hear(self, account: Account, event: AnyEvent) -> None:
        for record in self._log.say(event):
            self._day.fold(record, account.portfolio, account.limits)


@contextmanager
def _exact() -> Iterator[None]:
    """The money context, whatever thread calls."""
    with localcontext(EXACT):
        yield


def _share(amount: Decimal, equity: Decimal) -> Decimal | None:
    return quotient(amount, equity, places=6) if equity > ZERO else None
