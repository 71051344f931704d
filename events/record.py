"""A record is an event in its place: where in the log, when, by whom, because of what."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from events.account import (
    BalanceReported,
    ExternalFlow,
    FlowNamed,
    FundsMoved,
    MarginWindowChanged,
    SweepReported,
    TieOutMeasured,
    TransferReported,
)
from events.catalog import FundingRatePublished, ProductChanged, ProductListed, ProductStatusReported
from events.feeds import (
    ExchangeReconciled,
    FeedConnected,
    FeedGapFound,
    FeedLost,
    FeedSubscribed,
    FeedWentSilent,
)
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.market import (
    BookChanged,
    BookSnapshotted,
    CandleReported,
    MarkHistoryReported,
    MarkReported,
    MarkUpdated,
    MarkWentStale,
    PrintDistrusted,
    QuoteChanged,
    TickerReported,
    TradePrinted,
    TradesBusted,
)
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelProposed,
    CancelRejected,
    CancelSubmitted,
    FillCorrected,
    FillsConfirmed,
    FillsReported,
    FillsWanted,
    InternalCrossed,
    OrderApproved,
    OrderClosed,
    OrderFilled,
    OrderLapsed,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderProposed,
    OrderRefused,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
    OrderWanted,
    OrderWithheld,
    WishesGathered,
)
from events.position import (
    AdjustmentApplied,
    AdjustmentReversed,
    DiscrepancyCleared,
    DiscrepancyFound,
    PositionChanged,
    PositionReported,
    PositionUnprotected,
)
from events.risk import (
    CloseRequested,
    CorrelationRiskCleared,
    CorrelationRiskFound,
    DailyLossBreached,
    DayOpened,
    HaltNeared,
    HaltPassed,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    LiquidationBufferBreached,
    MaintenanceRateAssumed,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
    RiskMetricsRecorded,
    VolatilityLevelChanged,
)
from events.session import (
    ActorFailed,
    ActorRestarted,
    ClockJumped,
    ClockSkewMeasured,
    ClockTicked,
    LogWasCut,
    SessionEnded,
    SessionStarted,
    StopRequested,
)
from events.strategy import DecisionMade, StrategyFailed, StrategyPaused, StrategyResumed

#: The closed vocabulary: everything that can happen. A match over it is checked for exhaustiveness.
AnyEvent: TypeAlias = (
    SessionStarted
    | StopRequested
    | SessionEnded
    | ClockTicked
    | ClockJumped
    | ClockSkewMeasured
    | ActorFailed
    | ActorRestarted
    | LogWasCut
    | FeedConnected
    | FeedSubscribed
    | FeedLost
    | FeedGapFound
    | FeedWentSilent
    | ExchangeReconciled
    | ProductListed
    | ProductChanged
    | FundingRatePublished
    | ProductStatusReported
    | TradePrinted
    | TradesBusted
    | QuoteChanged
    | BookSnapshotted
    | BookChanged
    | TickerReported
    | CandleReported
    | MarkHistoryReported
    | MarkReported
    | MarkUpdated
    | MarkWentStale
    | PrintDistrusted
    | OrderWanted
    | WishesGathered
    | InternalCrossed
    | OrderProposed
    | CancelProposed
    | OrderApproved
    | OrderRefused
    | CancelApproved
    | CancelAllOrdered
    | OrderSubmitted
    | CancelSubmitted
    | OrderLapsed
    | OrderReported
    | OrderRejected
    | OrderOutcomeUnknown
    | OrderWithheld
    | OrderNotFound
    | CancelRejected
    | OrderFilled
    | FillsWanted
    | FillsReported
    | FillCorrected
    | FillsConfirmed
    | OrderClosed
    | PositionReported
    | PositionChanged
    | PositionUnprotected
    | DiscrepancyFound
    | DiscrepancyCleared
    | AdjustmentApplied
    | AdjustmentReversed
    | FundingAccrued
    | FundingCorrected
    | FundingPaid
    | BalanceReported
    | TransferReported
    | FundsMoved
    | SweepReported
    | ExternalFlow
    | FlowNamed
    | TieOutMeasured
    | MarginWindowChanged
    | KillSwitchThrown
    | KillSwitchReset
    | CloseRequested
    | ReduceOnlyRequested
    | ReduceOnlyReleased
    | LimitChanged
    | DayOpened
    | DailyLossBreached
    | LiquidationBufferBreached
    | ReduceOnlyEntered
    | ReduceOnlyLeft
    | VolatilityLevelChanged
    | CorrelationRiskFound
    | CorrelationRiskCleared
    | HaltNeared
    | HaltPassed
    | MaintenanceRateAssumed
    | RiskMetricsRecorded
    | StrategyPaused
    | StrategyResumed
    | DecisionMade
    | StrategyFailed
)


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """An event in its place.

    `seq` counts from 1 without gaps. `at` is nanoseconds UTC of the session's clock and never goes back. `by` names
    who said it. A decision has a `cause`, the seq it answers, and an `index` among that answer's events; a fact has
    neither.
    """

    seq: int
    at: int
    by: str
    cause: int | None = None
    index: int = 0
    event: AnyEvent

    @property
    def is_decision(self) -> bool:
        return self.cause is not None
