"""The volatility circuit breaker, and how much the positions move as one (trading rules A22).

Marks are sampled once every `marks.interval_s`. At a threshold the breaker goes a step up at once; it goes down when
volatility is known to be below and the cooldown has passed since it was last reached. A window with a gap says
nothing, and what is unknown neither raises a step nor lowers one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.configuration import RiskLimits
from events.event import Event
from events.money import ZERO
from events.record import Record
from events.risk import CorrelationRiskCleared, CorrelationRiskFound, VolatilityLevelChanged
from events.session import ClockTicked
from events.terms import NANOSECONDS, Turbulence
from projections.account import Account
from projections.hours import Hours
from projections.notional import notional
from projections.returns import Concentration, Returns, concentration

_MINUTE_NS = 60 * NANOSECONDS


class Spell(msgspec.Struct, kw_only=True):
    """A step of the breaker, and when volatility last reached it (ns)."""

    level: Turbulence
    reached_at: int


class Breaker(msgspec.Struct, kw_only=True):
    """Returns of every product with a mark, its step, and whether the positions were found to move as one."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {ClockTicked, VolatilityLevelChanged, CorrelationRiskFound, CorrelationRiskCleared}
    )

    sample: int = -1  # number of the interval that was sampled last, counted from 1970
    returns: dict[str, Returns] = msgspec.field(default_factory=dict)
    volatility: dict[str, Decimal] = msgspec.field(default_factory=dict)  # a year's, where it is known
    spells: dict[str, Spell] = msgspec.field(default_factory=dict)  # of products that are not calm
    is_concentrated: bool = False

    def fold(self, record: Record, account: Account, hours: Hours | None = None) -> None:
        """Take a record that `account` and `hours` have folded already. A market that is shut gives no samples."""
        event = record.event
        if isinstance(event, ClockTicked):
            self._tick(record.at, account, hours)
        elif isinstance(event, VolatilityLevelChanged):
            self.spells.pop(event.product, None)
            if event.level is not Turbulence.CALM:
                self.spells[event.product] = Spell(level=event.level, reached_at=record.at)
        elif isinstance(event, CorrelationRiskFound):
            self.is_concentrated = True
        elif isinstance(event, CorrelationRiskCleared):
            self.is_concentrated = False

    def level(self, product: str) -> Turbulence:
        """The step in force for a product."""
        spell = self.spells.get(product)
        return Turbulence.CALM if spell is None else spell.level

    def too_volatile(self, product: str, limits: RiskLimits) -> Decimal | None:
        """The volatility at which no entry may come, where it is reached; None where entries may."""
        found = self.volatility.get(product)
        is_over = limits.enable_volatility_circuit_breaker and found is not None
        return found if is_over and found is not None and found >= limits.max_intraday_volatility_threshold else None

    def steps(self, limits: RiskLimits, at: int) -> list[VolatilityLevelChanged]:
        """The steps that are due now, in the order of the products."""
        found = (self._step(product, limits, at) for product in {**self.returns, **self.spells})
        return [step for step in found if step is not None]

    def concentration(self, account: Account) -> Concentration | None:
        """Of the open positions at their last prices; None with fewer than two of them."""
        worths: dict[str, Decimal] = {}
        for position in account.portfolio.positions.open():
            price = account.portfolio.marks.price(position.product)
            if price is not None and position.contract_size is not None:
                worths[position.product] = notional(position.qty, contract_size=position.contract_size, price=price)
        returns = {product: of_product.returns for product, of_product in self.returns.items()}
        return concentration(worths, returns, periods=account.limits.limits.volatility_window_periods)

    def _tick(self, at: int, account: Account, hours: Hours | None) -> None:
        interval_s = account.limits.configuration.marks.interval_s
        sample = at // (interval_s * NANOSECONDS)
        if sample == self.sample:
            return
        limits, marks = account.limits.limits, account.portfolio.marks
        is_gap, self.sample = sample != self.sample + 1, sample
        for product in marks.latest:
            found = self.returns.setdefault(product, Returns())
            if is_gap:
                found.lose()
            mark = None if hours is not None and hours.is_shut(product, at) else marks.mark(product)
            found.sample(None if mark is None else mark.price)
            self.measure(product, found, limits, at, interval_s)

    def measure(self, product: str, found: Returns, limits: RiskLimits, at: int, interval_s: int) -> None:
        """Take a product's volatility anew; it is unknown while the breaker is off or marks are few."""
        self.volatility.pop(product, None)
        if not limits.enable_volatility_circuit_breaker:
            return
        volatility = found.volatility(limits.volatility_window_periods, interval_s=interval_s)
        if volatility is None:
            return
        self.volatility[product] = volatility
        spell = self.spells.get(product)
        if spell is not None and volatility >= threshold(spell.level, limits):
            spell.reached_at = at

    def _step(self, product: str, limits: RiskLimits, at: int) -> VolatilityLevelChanged | None:
        now, volatility = self.level(product), self.volatility.get(product)
        due = now
        if not limits.enable_volatility_circuit_breaker:
            due = Turbulence.CALM
        elif volatility is not None:
            due = warranted(volatility, limits)
            cooldown_ns = limits.circuit_breaker_cooldown_minutes * _MINUTE_NS
            if due.rank < now.rank and at - self.spells[product].reached_at < cooldown_ns:
                due = now
        if due is now:
            return None
        return VolatilityLevelChanged(
            product=product,
            level=due,
            before=now,
            volatility=volatility,
            threshold=threshold(max(due, now, key=_rank), limits),
            periods=limits.volatility_window_periods,
        )


def warranted(volatility: Decimal, limits: RiskLimits) -> Turbulence:
    """The highest step whose threshold is reached: what equals it reaches it."""
    reached = [level for level in Turbulence if volatility >= threshold(level, limits)]
    return reached[-1]


def threshold(level: Turbulence, limits: RiskLimits) -> Decimal:
    """The volatility of a year at which a step is taken."""
    return {
        Turbulence.CALM: ZERO,
        Turbulence.WARNING: limits.volatility_warning_threshold,
        Turbulence.REDUCE_ONLY: limits.volatility_reduce_only_threshold,
        Turbulence.KILL_SWITCH: limits.volatility_kill_switch_threshold,
    }[level]


def _rank(level: Turbulence) -> int:
    return level.rank
