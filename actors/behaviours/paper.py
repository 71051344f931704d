"""The paper exchange: hears the intents that a gateway would send, and says what an exchange would report.

Assumptions, all against us (trading rules A21, B10; `replay.assumptions` prints them): an order takes effect at the
first market record of its product, or tick of the clock, at or after its intent plus the latency, and sees the book
after that record; fills are those of `projections.matching`, within the price band; fees are the configured rates; an
increase must be covered by initial margin; funding and variation margin become cash at the settlement times; at
maintenance margin everything is closed by orders of the exchange's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from actors.behaviours.paper_desk import PaperDesk
from actors.behaviours.paper_state import PaperState
from events.account import BalanceReported, FundsMoved, MarginWindowChanged, TransferReported
from events.catalog import FundingRatePublished, ProductListed
from events.event import Event
from events.feeds import ExchangeReconciled, FeedGapFound, FeedLost
from events.funding import FundingPaid
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted, TradesBusted
from events.orders import (
    CancelRejected,
    CancelSubmitted,
    FillsReported,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
)
from events.position import PositionReported
from events.record import Record
from events.session import ClockTicked, SessionStarted, StopRequested

_MARKET_EVENTS = (QuoteChanged, BookChanged, TradePrinted, BookSnapshotted)
_MARKET: frozenset[type[Event]] = frozenset(_MARKET_EVENTS)
_OWN: frozenset[type[Event]] = frozenset(
    {
        OrderReported,
        OrderRejected,
        CancelRejected,
        FillsReported,
        BalanceReported,
        PositionReported,
        FundingPaid,
        ExchangeReconciled,
    }
)
_OTHERS: frozenset[type[Event]] = frozenset(
    {
        SessionStarted,
        ProductListed,
        FundingRatePublished,
        ClockTicked,
        StopRequested,
        OrderSubmitted,
        CancelSubmitted,
        FeedLost,
        FeedGapFound,
        TransferReported,
        FundsMoved,
        MarginWindowChanged,
        TradesBusted,
    }
)
_AT_THE_END = (StopRequested, OrderSubmitted, CancelSubmitted)
_MARKET_FEED = "market"


class PaperExchange:
    """Active only in sessions whose mode is "paper"; in others it keeps what it has and says nothing."""

    name = "paper"
    hears: frozenset[type[Event]] = _MARKET | _OWN | _OTHERS
    answers: frozenset[type[Event]] = _MARKET | _OTHERS

    def __init__(self) -> None:
        self.state = PaperState()

    def fold(self, record: Record) -> None:
        state = self.state
        event = record.event
        if not state.is_active and not isinstance(event, SessionStarted):
            return
        if record.at >= state.wakes_at:
            state.pass_time(record.at)
        if isinstance(event, _MARKET_EVENTS):  # most of all records
            state.hear_market(event, record.seq)
            return
        match event:
            case ClockTicked():
                pass
            case OrderSubmitted() | CancelSubmitted():
                state.send(event, record.at)
            case ProductListed():
                state.list_product(event, record.at)
            case FundingRatePublished():
                state.publish_rate(event, record.seq)
            case FeedLost() | FeedGapFound():
                if event.feed == _MARKET_FEED:
                    state.lose_markets()
            case TransferReported() | FundsMoved():
                state.move_cash(event, record.at)
            case MarginWindowChanged():
                state.window = event
            case StopRequested():
                state.is_stopping = True
            case SessionStarted():
                state.start(event, record.at)
            case _:
                if record.by == self.name:
                    state.apply(event, record.at, cause=record.cause)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        if not self._is_called(record):
            return ()
        desk = PaperDesk(self.state.scratch(), session=self.state.session, seq=record.seq, at=record.at)
        for event in outstanding:
            desk.state.apply(event, record.at)
        if not desk.state.is_reconciled:
            desk.reconcile()
            return desk.said
        self._answer(record, desk, is_quiet=not outstanding)
        return desk.said

    def _is_called(self, record: Record) -> bool:
        """Whether anything may have to be said to this record: cheap, since most of the market calls for nothing."""
        state = self.state
        if not state.is_active or record.by == self.name:
            return False
        if not state.is_reconciled:
            return not state.awaited and not isinstance(record.event, SessionStarted)
        if state.printed_seq == record.seq or state.wire.is_due(record.at):
            return True
        if isinstance(record.event, TradesBusted):
            return True
        if state.funding.owed and state.can_settle(record.at):
            return True
        if isinstance(record.event, ClockTicked):
            return bool(state.orders) or record.at >= state.reports_at or state.is_margin_called(record.at)
        return state.is_stopping and isinstance(record.event, _AT_THE_END)

    def _answer(self, record: Record, desk: PaperDesk, *, is_quiet: bool) -> None:
        state = self.state
        event = record.event
        if state.printed_seq == record.seq:
            desk.fill_makers(state.printed_product, state.printed)
        if isinstance(event, TradesBusted):
            desk.bust(event)
        if isinstance(event, ClockTicked):
            desk.liquidate()
            desk.expire()
        if isinstance(event, ClockTicked | StopRequested) or state.is_stopping:
            desk.arrive(product=None)
        elif isinstance(event, _MARKET_EVENTS):
            desk.arrive(product=event.product)
        if desk.state.can_settle(record.at):
            desk.settle()
        is_due = isinstance(event, ClockTicked) and record.at >= desk.state.reports_at
        if (is_due or isinstance(event, StopRequested)) and is_quiet and not desk.said:
            desk.report_account()
