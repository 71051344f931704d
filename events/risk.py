"""The operator's acts and the guards' findings."""

from __future__ import annotations

from decimal import Decimal

from events.event import Event


class KillSwitchThrown(Event, frozen=True):
    """An operator (or a guard that is told to) stops every increase, at once and until reset."""

    reason: str
    flatten: bool = False


class KillSwitchReset(Event, frozen=True):
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
