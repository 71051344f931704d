"""What strategies decided and why, whether they act on it or not."""

from __future__ import annotations

from decimal import Decimal

from events.event import Event
from events.terms import Action


class StrategyPaused(Event, frozen=True):
    strategy: str
    reason: str


class StrategyResumed(Event, frozen=True):
    strategy: str
    reason: str


class DecisionMade(Event, frozen=True):
    """One look at the market: the action, its reason, and the numbers it rests on. HOLD is a decision too.

    `memory` is what the strategy wants to be given back at its next look; it lives nowhere else.
    """

    strategy: str
    product: str
    action: Action
    reason: str
    numbers: dict[str, Decimal]
    target_notional: Decimal | None = None
    memory: dict[str, str] = {}


class StrategyFailed(Event, frozen=True):
    """The strategy raised; it is paused until resumed."""

    strategy: str
    product: str
    error: str
