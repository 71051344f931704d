"""What a trader is told, in words: every alarm has a sentence, and every restriction its reason."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.configuration import Configuration, RiskLimits
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.funding import FundingPaid
from events.market import MarkWentStale
from events.orders import InternalCrossed, OrderLapsed, OrderOutcomeUnknown, OrderRejected, OrderWithheld
from events.position import AdjustmentApplied, DiscrepancyFound
from events.record import AnyEvent, Record
from events.risk import (
    CorrelationRiskFound,
    DailyLossBreached,
    DayOpened,
    HaltNeared,
    HaltPassed,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    VolatilityLevelChanged,
)
from events.session import ActorFailed, ActorRestarted, SessionEnded, SessionStarted
from events.strategy import StrategyFailed, StrategyPaused, StrategyResumed
from events.terms import Clock, Turbulence
from scripts.cli.moments import Moments
from scripts.cli.reading import Reader
from tests.scripts.made_up import BTC, START

D = Decimal


def told(event: AnyEvent) -> tuple[str, str]:
    moments = Moments()
    moments.fold(Record(seq=1, at=START, by="somebody", event=event))
    (moment,) = moments.latest
    return moment.tone, moment.text


def reader_of(*events: AnyEvent) -> Reader:
    return Reader().fold_all(Record(seq=seq, at=START, by="x", event=event) for seq, event in enumerate(events, 1))


def started(**limits: object) -> SessionStarted:
    configuration = Configuration(risk=RiskLimits(**limits))  # type: ignore[arg-type]  # one limit at a time
    return SessionStarted(session="s", configuration=configuration, clock=Clock.WALL, code="c")


def stepped(before: Turbulence, level: Turbulence) -> VolatilityLevelChanged:
    return VolatilityLevelChanged(
        product="BTC-PERP", level=level, before=before, volatility=D("0.16"), threshold=D("0.15"), periods=20
    )


@pytest.mark.parametrize(
    ("event", "tone", "text"),
    [
        (OrderRejected(order="o", code="UNKNOWN_PRODUCT", message=""), "refusal", "rejected it: UNKNOWN_PRODUCT"),
        (OrderLapsed(order="o", reason="too late"), "refusal", "not sent: too late"),
        (OrderWithheld(order="o", reason="behind a kill"), "refusal", "not sent: behind a kill"),
        (OrderOutcomeUnknown(order="o", error="timeout"), "alarm", "outcome unknown: timeout"),
        (
            InternalCrossed(
                product=BTC,
                buyer="trend",
                seller="carry",
                buy_proposal="p-1",
                sell_proposal="p-2",
                qty=D(4),
                price=D(58_200),
                value=D(2_328),
                buyer_qty=D(4),
                seller_qty=D(-4),
            ),
            "trade",
            "trend bought 4 of carry @ 58,200, nothing was sent",
        ),
        (FundingPaid(product=BTC, amount=D("-1.25"), through=0, exchange_at=0), "trade", "funding paid 1.25"),
        (FundingPaid(product=BTC, amount=D("1.25"), through=0, exchange_at=0), "trade", "funding received 1.25"),
        (StrategyFailed(strategy="s", product=BTC, error="boom"), "alarm", "failed and is paused: boom"),
        (KillSwitchThrown(reason="drill"), "alarm", "kill switch thrown: drill"),
        (KillSwitchReset(reason="over"), "news", "kill switch reset: over"),
        (ReduceOnlyEntered(product=BTC, reason="loss"), "alarm", "reduce-only: loss"),
        (ReduceOnlyLeft(product=None, reason="day"), "news", "reduce-only is over: day"),
        (
            DailyLossBreached(loss=D(120), limit=D(100), start_equity=D(9), equity=D(8)),
            "alarm",
            "daily loss 120 reached the limit 100",
        ),
        (LiquidationBufferBreached(buffer=D("0.1"), limit=D("0.15")), "alarm", "buffer 10.0 % is under 15.0 %"),
        (
            stepped(Turbulence.CALM, Turbulence.WARNING),
            "alarm",
            "16.0 % a year: the circuit breaker says warning",
        ),
        (
            stepped(Turbulence.WARNING, Turbulence.CALM),
            "news",
            "16.0 % a year: the circuit breaker says calm",
        ),
        (
            CorrelationRiskFound(concentration=D("0.64"), limit=D("0.4"), products=("a", "b")),
            "alarm",
            "concentration 64.0 % is over 40.0 %",
        ),
        (
            HaltNeared(product="BTC-PERP", starts_at=1, ends_at=None, reason="maintenance"),
            "news",
            "entries wait: maint",
        ),
        (HaltPassed(product="BTC-PERP", samples=2), "news", "entries may come again"),
        (MarkWentStale(product=BTC, age_ms=1, reason="feed lost"), "alarm", "mark is stale: feed lost"),
        (
            DiscrepancyFound(subject="position", product=BTC, ours=D(1), theirs=D(2)),
            "alarm",
            "position: ours 1, the exchange's 2",
        ),
        (
            AdjustmentApplied(adjustment="a", product=BTC, qty=D(1), price=D(1), value=D(1), evidence=()),
            "alarm",
            "adjusted by +1",
        ),
        (FeedLost(feed="user", connection=1, reason="closed"), "alarm", "feed lost: closed"),
        (FeedGapFound(feed="user", connection=1, last_seq=4, next_seq=6), "alarm", "gap: 4 was followed by 6"),
        (FeedWentSilent(feed="user", connection=1, silent_ms=900), "alarm", "nothing heard for 900 ms"),
        (ActorFailed(actor="risk", record=7, error="boom"), "alarm", "failed at record 7: boom"),
        (ActorRestarted(actor="risk"), "news", "rebuilt from the log"),
        (started(), "news", "s started, paper"),
        (
            SessionEnded(session="s", reason="asked to", code="c", state_digest="d", states={}),
            "news",
            "s ended: asked to",
        ),
    ],
)
def test_every_alarm_and_every_end_has_its_sentence(event: AnyEvent, tone: str, text: str) -> None:
    assert told(event)[0] == tone
    assert text in told(event)[1]


def test_a_restriction_is_named_with_its_reason_the_strongest_first() -> None:
    enters = [ReduceOnlyEntered(product=BTC, reason="position unknown"), ReduceOnlyEntered(product=None, reason="loss")]
    assert reader_of(enters[0]).restriction() == "BTC-PERP reduce-only: position unknown"
    assert reader_of(*enters).restriction() == "REDUCE-ONLY: loss"
    assert reader_of(*enters, KillSwitchThrown(reason="")).restriction() == "KILL SWITCH: no reason given"
    freed: list[AnyEvent] = [
        KillSwitchThrown(reason="x"),
        KillSwitchReset(reason="y"),
        ReduceOnlyLeft(product=None, reason="z"),
    ]
    assert reader_of(*enters, *freed).restriction() == "BTC-PERP reduce-only: position unknown"


def test_a_restriction_of_the_configuration_is_in_force_from_the_start() -> None:
    assert reader_of(started(kill_switch_enabled=True)).restriction() == "KILL SWITCH: set in the configuration"
    assert reader_of(started(reduce_only_mode=True)).restriction() == "REDUCE-ONLY: set in the configuration"


def test_the_daily_loss_limit_is_the_tighter_of_two_and_100_where_none_is_set() -> None:
    day = DayOpened(day=START, equity=D(10_000))
    assert reader_of(started(), day).standing.daily_loss_limit() == 100
    assert reader_of(started(max_daily_loss_pct=D("0.02")), day).standing.daily_loss_limit() == 200
    both = started(max_daily_loss_pct=D("0.02"), daily_loss_limit=D(150))
    assert reader_of(both, day).standing.daily_loss_limit() == 150
    assert reader_of(started(max_daily_loss_pct=D("0.02"))).standing.daily_loss_limit() is None
    changed = LimitChanged(limit="daily_loss_limit", value="50", reason="nerves")
    assert reader_of(both, day, changed).standing.daily_loss_limit() == 50


def test_a_feed_is_known_by_its_last_word() -> None:
    connected = FeedConnected(feed="market", connection=2)
    feed = reader_of(connected, FeedSubscribed(feed="market", connection=2, channels=())).standing.feeds["market"]
    assert (feed.state, feed.connection) == ("subscribed", 2)
    feed = reader_of(connected, FeedWentSilent(feed="market", connection=2, silent_ms=5)).standing.feeds["market"]
    assert (feed.state, feed.reason) == ("silent", "nothing heard for 5 ms")
    gap = FeedGapFound(feed="market", connection=2, last_seq=1, next_seq=3)
    feed = reader_of(connected, gap, FeedLost(feed="market", connection=2, reason="reset")).standing.feeds["market"]
    assert (feed.state, feed.gaps, feed.reason) == ("lost", 1, "reset")


def test_a_strategy_that_was_paused_says_why_until_it_is_resumed() -> None:
    failed = StrategyFailed(strategy="main", product=BTC, error="boom")
    assert reader_of(failed).standing.strategies["main"].paused == "failed: boom"
    paused = StrategyPaused(strategy="main", reason="")
    assert reader_of(paused).standing.strategies["main"].paused == "paused by an operator"
    assert reader_of(failed, StrategyResumed(strategy="main", reason="")).standing.strategies["main"].paused == ""
