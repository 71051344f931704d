"""What operators and guards have restricted, and what the wires are doing: the parts of a status that are no money."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

import msgspec

from events.configuration import Configuration, RiskLimits
from events.event import Event
from events.feeds import (
    ExchangeReconciled,
    FeedConnected,
    FeedGapFound,
    FeedLost,
    FeedSubscribed,
    FeedWentSilent,
)
from events.record import Record
from events.risk import (
    DailyLossBreached,
    DayOpened,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
)
from events.session import SessionEnded, SessionStarted
from events.strategy import DecisionMade, StrategyFailed, StrategyPaused, StrategyResumed


class Feed(msgspec.Struct, kw_only=True):
    """One wire: "connected", "subscribed", "silent" or "lost", and since when (ns)."""

    feed: str
    state: str
    since: int
    connection: int
    gaps: int = 0
    reason: str = ""


class StrategySeen(msgspec.Struct, kw_only=True):
    """One strategy of the present session and its last word."""

    strategy: str
    product: str
    paused: str = ""  # why; empty while it runs
    action: str = ""
    reason: str = ""
    at: int = 0


class Session(msgspec.Struct, kw_only=True):
    """One session as its first and last record tell it. `ended_at` is 0 while there is no last one."""

    session: str
    mode: str
    clock: str
    code: str
    first: int
    started_at: int
    hosting: str = ""
    host: str = ""
    pid: int = 0
    last: int = 0
    ended_at: int = 0
    reason: str = ""
    state_digest: str = ""


class Standing(msgspec.Struct, kw_only=True):
    """Sessions, wires, strategies, and every restriction in force with its reason."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset()  # set below, from the table of steps

    sessions: list[Session] = msgspec.field(default_factory=list)
    configuration: Configuration = Configuration()
    feeds: dict[str, Feed] = msgspec.field(default_factory=dict)
    strategies: dict[str, StrategySeen] = msgspec.field(default_factory=dict)
    reconciled_at: int = 0
    kill: str | None = None  # the reason while the switch is thrown
    reduce_only: dict[str, str] = msgspec.field(default_factory=dict)  # product, or "" for everything -> reason
    changed_limits: dict[str, str] = msgspec.field(default_factory=dict)
    day: DayOpened | None = None
    daily_loss: DailyLossBreached | None = None  # of the present day
    buffer: LiquidationBufferBreached | None = None

    def fold(self, record: Record) -> None:
        step = _STEPS.get(type(record.event))
        if step is not None:
            step(self, record)

    @property
    def session(self) -> Session | None:
        return self.sessions[-1] if self.sessions else None

    def limit(self, name: str) -> Decimal | str | int | bool | None:
        """A limit in force: as an operator last set it in this session, else as configured."""
        if name in self.changed_limits:
            return self.changed_limits[name]
        value = getattr(self.configuration.risk, name)
        assert value is None or isinstance(value, (Decimal, str, int, bool)), f"{name} is a map"
        return value

    def daily_loss_limit(self) -> Decimal | None:
        """What may be lost today, in quote currency: the tighter of the two limits, 100 where none is set."""
        loss, share = self.limit("daily_loss_limit"), self.limit("max_daily_loss_pct")
        limits = [] if loss is None else [Decimal(loss)]
        if share is not None and self.day is not None:
            limits.append(self.day.equity * Decimal(share))
        if not limits:
            return Decimal(100) if share is None else None
        return min(limits)

    def _begin(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, SessionStarted)
        configuration, around = event.configuration, event.surroundings
        self.sessions.append(
            Session(
                session=event.session,
                mode=configuration.mode,
                clock=event.clock.value,
                code=event.code,
                first=record.seq,
                started_at=record.at,
                hosting=around.hosting,
                host=around.host,
                pid=around.pid,
            )
        )
        self.configuration = configuration
        self.feeds.clear()
        self.changed_limits.clear()
        self.reconciled_at = 0
        self.strategies = {
            name: StrategySeen(strategy=name, product=setting.product)
            for name, setting in configuration.strategies.items()
        }
        if configuration.risk.kill_switch_enabled:
            self.kill = "set in the configuration"
        if configuration.risk.reduce_only_mode:
            self.reduce_only[""] = "set in the configuration"

    def _end(self, record: Record) -> None:
        event = record.event
        assert isinstance(event, SessionEnded)
        if self.sessions:
            session = self.sessions[-1]
            session.last, session.ended_at = record.seq, record.at
            session.reason, session.state_digest = event.reason, event.state_digest

    def _feed(self, record: Record) -> None:
        event = record.event
        if isinstance(event, FeedConnected):
            gaps = self.feeds[event.feed].gaps if event.feed in self.feeds else 0
            self.feeds[event.feed] = Feed(
                feed=event.feed, state="connected", since=record.at, connection=event.connection, gaps=gaps
            )
            return
        assert isinstance(event, (FeedSubscribed, FeedLost, FeedGapFound, FeedWentSilent))
        feed = self.feeds.setdefault(
            event.feed, Feed(feed=event.feed, state="", since=record.at, connection=event.connection)
        )
        if isinstance(event, FeedGapFound):
            feed.gaps += 1
            return
        feed.since = record.at
        if isinstance(event, FeedSubscribed):
            feed.state, feed.reason = "subscribed", ""
        elif isinstance(event, FeedLost):
            feed.state, feed.reason = "lost", event.reason
        else:
            feed.state, feed.reason = "silent", f"nothing heard for {event.silent_ms} ms"

    def _reconciled(self, record: Record) -> None:
        self.reconciled_at = record.at

    def _risk(self, record: Record) -> None:
        event = record.event
        if isinstance(event, KillSwitchThrown):
            self.kill = event.reason or "no reason given"
        elif isinstance(event, KillSwitchReset):
            self.kill = None
        elif isinstance(event, ReduceOnlyEntered):
            self.reduce_only[event.product or ""] = event.reason
        elif isinstance(event, ReduceOnlyLeft):
            self.reduce_only.pop(event.product or "", None)
        elif isinstance(event, LimitChanged) and event.limit in RiskLimits.__struct_fields__:
            self.changed_limits[event.limit] = event.value
        elif isinstance(event, DayOpened):
            self.day, self.daily_loss = event, None
        elif isinstance(event, DailyLossBreached):
            self.daily_loss = event
        elif isinstance(event, LiquidationBufferBreached):
            self.buffer = event

    def _strategy(self, record: Record) -> None:
        event = record.event
        if isinstance(event, DecisionMade):
            seen = self._seen(event.strategy, event.product)
            seen.action, seen.reason, seen.at = event.action.value, event.reason, record.at
        elif isinstance(event, StrategyFailed):
            self._seen(event.strategy, event.product).paused = f"failed: {event.error}"
        elif isinstance(event, StrategyPaused):
            self._seen(event.strategy, "").paused = event.reason or "paused by an operator"
        elif isinstance(event, StrategyResumed):
            self._seen(event.strategy, "").paused = ""

    def _seen(self, strategy: str, product: str) -> StrategySeen:
        return self.strategies.setdefault(strategy, StrategySeen(strategy=strategy, product=product))


_STEPS: dict[type[Event], Callable[[Standing, Record], None]] = {
    DecisionMade: Standing._strategy,
    StrategyFailed: Standing._strategy,
    StrategyPaused: Standing._strategy,
    StrategyResumed: Standing._strategy,
    SessionStarted: Standing._begin,
    SessionEnded: Standing._end,
    FeedConnected: Standing._feed,
    FeedSubscribed: Standing._feed,
    FeedLost: Standing._feed,
    FeedGapFound: Standing._feed,
    FeedWentSilent: Standing._feed,
    ExchangeReconciled: Standing._reconciled,
    KillSwitchThrown: Standing._risk,
    KillSwitchReset: Standing._risk,
    ReduceOnlyEntered: Standing._risk,
    ReduceOnlyLeft: Standing._risk,
    LimitChanged: Standing._risk,
    DayOpened: Standing._risk,
    DailyLossBreached: Standing._risk,
    LiquidationBufferBreached: Standing._risk,
}
Standing.hears = frozenset(_STEPS)
