"""The operator's acts and the guards' findings."""

from __future__ import annotations

from decimal import Decimal

from events.event import Event
from events.terms import Turbulence


class KillSwitchThrown(Event, frozen=True):
    """An operator (or a guard that is told to) stops every increase, at once and until reset."""

    reason: str
    flatten: bool = False


class KillSwitchReset(Event, frozen=True):
    reason: str


class CloseRequested(Event, frozen=True):
    """An operator wants one position closed, step by step until it is flat, whatever the kill switch says."""

    product: str
    reason: str


class ReduceOnlyRequested(Event, frozen=True):
    """An operator restricts a product, or everything (None), to reducing orders."""

    product: str | None
    reason: str


class ReduceOnlyReleased(Event, frozen=True):
    product: str | None
    reason: str


class LimitChanged(Event, frozen=True):
    """An operator set a limit of `RiskLimits` to a new value, as the configuration file would write it."""

    limit: str
    value: str
    reason: str


class DayOpened(Event, frozen=True):
    """A day of loss accounting begins (00:00 UTC). `reconstructed`: the system was down then, or a mark was unknown."""

    day: int  # 00:00 UTC, nanoseconds
    equity: Decimal
    reconstructed: bool = False


class DailyLossBreached(Event, frozen=True):
    loss: Decimal
    limit: Decimal
    start_equity: Decimal
    equity: Decimal


class LiquidationBufferBreached(Event, frozen=True):
    """The adverse move of all marks, as a fraction, that would reach liquidation is below the minimum."""

    buffer: Decimal
    limit: Decimal


class ReduceOnlyEntered(Event, frozen=True):
    product: str | None
    reason: str


class ReduceOnlyLeft(Event, frozen=True):
    product: str | None
    reason: str


class VolatilityLevelChanged(Event, frozen=True):
    """The circuit breaker of a product went a step, up at once or down after the cooldown (trading rules A22).

    `volatility` is a year's, as a fraction; None where it is unknown. `threshold` is that of the higher of both levels.
    """

    product: str
    level: Turbulence
    before: Turbulence
    volatility: Decimal | None
    threshold: Decimal
    periods: int  # returns that it rests on


class CorrelationRiskFound(Event, frozen=True):
    """The positions move as one: their concentration with return correlations counted is above its limit.

    `assumed` names the pairs whose correlation is unknown and was taken at its worst.
    """

    concentration: Decimal
    limit: Decimal
    products: tuple[str, ...]
    assumed: tuple[str, ...] = ()


class CorrelationRiskCleared(Event, frozen=True):
    concentration: Decimal | None  # None: fewer than two positions are left
    limit: Decimal


class HaltNeared(Event, frozen=True):
    """A product's trading stops soon, or has stopped: entries wait, and what rests and could increase is cancelled.

    Times in nanoseconds UTC; `ends_at` is None where the exchange said none.
    """

    product: str
    starts_at: int
    ends_at: int | None
    reason: str


class HaltPassed(Event, frozen=True):
    """The product trades again, its book is whole and was sampled often enough: entries may come."""

    product: str
    samples: int


class MaintenanceRateAssumed(Event, frozen=True):
    """A product publishes no margin rates, so maintenance margin is counted at the configured default."""

    product: str
    rate: Decimal


class RiskMetricsRecorded(Event, frozen=True):
    """The account against its limits, as a risk manager's caller asked for it. Fractions are of equity."""

    equity: Decimal
    gross_notional: Decimal
    exposure_pct: Decimal | None
    largest_exposure_pct: Decimal | None
    leverage: Decimal | None
    liquidation_buffer: Decimal | None
    daily_loss: Decimal | None
    daily_loss_limit: Decimal | None
    reduce_only: bool
    kill_switch: bool
