"""What a trader would want to be told, as sentences: decisions with their reasons, refusals, fills, alarms."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import msgspec

from events.event import Event
from events.feeds import FeedGapFound, FeedLost, FeedWentSilent
from events.funding import FundingPaid
from events.market import MarkWentStale
from events.money import plain
from events.orders import (
    FillCorrected,
    InternalCrossed,
    OrderFilled,
    OrderLapsed,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderRejected,
    OrderWithheld,
)
from events.position import AdjustmentApplied, DiscrepancyFound, PositionUnprotected
from events.record import AnyEvent, Record
from events.risk import (
    CorrelationRiskFound,
    DailyLossBreached,
    HaltNeared,
    HaltPassed,
    KillSwitchReset,
    KillSwitchThrown,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    VolatilityLevelChanged,
)
from events.session import ActorFailed, ActorRestarted, SessionEnded, SessionStarted
from events.strategy import DecisionMade, StrategyFailed
from events.terms import Action
from scripts.cli.shown import cents, share

#: How many are kept.
KEPT = 50


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. `tone` is "decision", "trade", "refusal", "alarm" or "news"."""

    seq: int
    at: int
    tone: str
    subject: str
    text: str


class Moments:
    """The latest of a log. A HOLD is told again only when its reason is another one than before."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            DecisionMade,
            StrategyFailed,
            OrderRefused,
            OrderRejected,
            OrderLapsed,
            OrderWithheld,
            OrderOutcomeUnknown,
            OrderFilled,
            FillCorrected,
            InternalCrossed,
            PositionUnprotected,
            FundingPaid,
            MarkWentStale,
            DiscrepancyFound,
            AdjustmentApplied,
            KillSwitchThrown,
            KillSwitchReset,
            ReduceOnlyEntered,
            ReduceOnlyLeft,
            DailyLossBreached,
            LiquidationBufferBreached,
            VolatilityLevelChanged,
            CorrelationRiskFound,
            HaltNeared,
            HaltPassed,
            FeedLost,
            FeedGapFound,
            FeedWentSilent,
            ActorFailed,
            ActorRestarted,
            SessionStarted,
            SessionEnded,
        }
    )

    def __init__(self) -> None:
        self.latest: deque[Moment] = deque(maxlen=KEPT)
        self._held: dict[str, str] = {}

    def fold(self, record: Record) -> None:
        event = record.event
        if isinstance(event, DecisionMade):
            was, self._held[event.strategy] = self._held.get(event.strategy), f"{event.action} {event.reason}"
            if event.action is Action.HOLD and was == self._held[event.strategy]:
                return
        told = _told(event)
        if told is not None:
            tone, subject, text = told
            self.latest.append(Moment(seq=record.seq, at=record.at, tone=tone, subject=subject, text=text))


def _told(event: AnyEvent) -> tuple[str, str, str] | None:
    return _told_of_trading(event) or _told_of_alarms(event)


def _told_of_trading(event: AnyEvent) -> tuple[str, str, str] | None:
    match event:
        case DecisionMade():
            return "decision", event.product, f"{event.action.value.upper()}  {event.reason}"
        case FillCorrected():
            text = f"corrected by {plain(event.qty)} contracts, value {cents(event.value)}, fee {cents(event.fee)}"
            return "alarm", event.product, f"{text}: {event.why}"
        case PositionUnprotected():
            return "alarm", event.product, f"{plain(event.qty)} held without a bracket: {event.reason}"
        case OrderFilled():
            side = "bought" if event.side.sign > 0 else "sold"
            text = f"{side} {plain(event.qty)} @ {cents(event.price)}, fee {cents(event.fee)}"
            return "trade", event.product, text
        case InternalCrossed():
            text = f"{event.buyer} bought {plain(event.qty)} of {event.seller} @ {cents(event.price)}, nothing was sent"
            return "trade", event.product, text
        case OrderRefused():
            return "refusal", event.product, f"refused {event.side} {plain(event.asked)}: {event.message}"
        case OrderRejected():
            return "refusal", "order", f"the exchange rejected it: {event.code} {event.message}".rstrip()
        case OrderLapsed() | OrderWithheld():
            return "refusal", "order", f"not sent: {event.reason}"
        case OrderOutcomeUnknown():
            return "alarm", "order", f"outcome unknown: {event.error}"
        case FundingPaid():
            return (
                "trade",
                event.product,
                f"funding {'received' if event.amount > 0 else 'paid'} {cents(abs(event.amount))}",
            )
        case StrategyFailed():
            return "alarm", event.strategy, f"the strategy failed and is paused: {event.error}"
    return None


def _told_of_alarms(event: AnyEvent) -> tuple[str, str, str] | None:
    match event:
        case KillSwitchThrown():
            return "alarm", "risk", f"kill switch thrown: {event.reason}"
        case KillSwitchReset():
            return "news", "risk", f"kill switch reset: {event.reason}"
        case ReduceOnlyEntered():
            return "alarm", event.product or "all", f"reduce-only: {event.reason}"
        case ReduceOnlyLeft():
            return "news", event.product or "all", f"reduce-only is over: {event.reason}"
        case DailyLossBreached():
            return "alarm", "risk", f"daily loss {cents(event.loss)} reached the limit {cents(event.limit)}"
        case LiquidationBufferBreached():
            return "alarm", "risk", f"liquidation buffer {share(event.buffer)} is under {share(event.limit)}"
        case VolatilityLevelChanged():
            text = "unknown" if event.volatility is None else f"{share(event.volatility)} a year"
            kind = "alarm" if event.level.rank > event.before.rank else "news"
            return kind, event.product, f"volatility {text}: the circuit breaker says {event.level.value}"
        case CorrelationRiskFound():
            text = f"{share(event.concentration)} is over {share(event.limit)}"
            return "alarm", "risk", f"positions move as one: concentration {text}"
        case HaltNeared():
            return "news", event.product, f"entries wait: {event.reason}"
        case HaltPassed():
            return "news", event.product, "entries may come again"
        case MarkWentStale():
            return "alarm", event.product, f"mark is stale: {event.reason}"
        case DiscrepancyFound():
            text = f"{event.subject}: ours {event.ours:,f}, the exchange's {event.theirs:,f}"
            return "alarm", event.product or "account", text
        case AdjustmentApplied():
            return "alarm", event.product, f"adjusted by {event.qty:+f} to the exchange's position"
        case FeedLost():
            return "alarm", event.feed, f"feed lost: {event.reason}"
        case FeedGapFound():
            return "alarm", event.feed, f"gap: {event.last_seq} was followed by {event.next_seq}"
        case FeedWentSilent():
            return "alarm", event.feed, f"nothing heard for {event.silent_ms} ms"
        case ActorFailed():
            return "alarm", event.actor, f"failed at record {event.record}: {event.error}"
        case ActorRestarted():
            return "news", event.actor, "rebuilt from the log, listens again"
        case SessionStarted():
            return "news", "session", f"{event.session} started, {event.configuration.mode}"
        case SessionEnded():
            return "news", "session", f"{event.session} ended: {event.reason}"
    return None
