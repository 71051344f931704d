"""The mark cache: one price for each product, and the word that it may no longer be traded on.

A mark is fresh while the market feed is whole and its data timely, not while the price moves (trading rules A6). Where
a session has no feed of its own (a tape), its market facts are whole by nature. Stale is said once a spell.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from events.catalog import ProductListed
from events.configuration import MarkSetting
from events.event import Event
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.market import (
    BookChanged,
    BookSnapshotted,
    MarkReported,
    MarkUpdated,
    MarkWentStale,
    PrintDistrusted,
    QuoteChanged,
    TradePrinted,
)
from events.record import Record
from events.risk import LimitChanged
from events.session import ClockSkewMeasured, ClockTicked, SessionStarted
from events.terms import NANOSECONDS, MarkSource
from projections.hours import Hours
from projections.limits import Limits
from projections.marks import Marks
from projections.touch import Touch

_MARKET = frozenset[type[Event]]({TradePrinted, QuoteChanged, BookSnapshotted, BookChanged, MarkReported})
_FEED = frozenset[type[Event]]({FeedConnected, FeedSubscribed, FeedLost, FeedGapFound, FeedWentSilent})
_MILLISECOND = 1_000_000
_BPS = Decimal(10_000)


class Market(msgspec.Struct, kw_only=True):
    """What is known of one product's market."""

    touch: Touch = msgspec.field(default_factory=Touch)
    lag_ns: int = 0  # of the latest quote or book behind the session's time; of the latest trade where there are none
    index: Decimal | None = None
    index_at: int = 0
    told: Decimal | None = None  # the exchange's own mark, for a product that no feed of ours brings
    told_at: int = 0
    distrusted: tuple[str, int] = ("", 0)  # the last print too far off the book to be believed: its id and time


class MarksState(msgspec.Struct, kw_only=True):
    """The feed, the markets seen in this session, and what was last said of each."""

    setting: MarkSetting = MarkSetting()
    max_lag_ns: int = MarkSetting().max_feed_lag_ms * _MILLISECOND
    ttl_s: int = MarkSetting().ttl_s  # the shorter of the marks' own and risk's outer limit
    is_up: bool = True
    broken_by: str = "no session yet"  # why what was known before the present spell says nothing
    spell: int = 0  # counts the times that what was known of books became worthless
    distrusted_seq: int = 0  # of the record that brought the last print too far off its book to be believed
    markets: dict[str, Market] = msgspec.field(default_factory=dict)
    configured: list[str] = msgspec.field(default_factory=list)  # what the feed brings; empty: everything
    hours: Hours = msgspec.field(default_factory=Hours)
    limits: Limits = msgspec.field(default_factory=Limits)
    marks: Marks = msgspec.field(default_factory=Marks)


class MarksBehaviour:
    """Says `MarkUpdated` when price or source change or freshness returns, and `MarkWentStale` when it goes."""

    name = "marks"
    hears: frozenset[type[Event]] = (
        _MARKET | _FEED | Marks.hears | Hours.hears | {ClockTicked, SessionStarted, LimitChanged, PrintDistrusted}
    )

    answers: frozenset[type[Event]] = _MARKET | _FEED | {ClockTicked, ClockSkewMeasured, SessionStarted}

    def __init__(self) -> None:
        self.state = MarksState()

    def fold(self, record: Record) -> None:
        event, state = record.event, self.state
        if type(event) is TradePrinted:
            market = state.markets.get(event.product) or self._market(event.product)
            if _is_far_off(event, market.touch, state):
                if market.distrusted != (event.trade_id, event.exchange_at):
                    market.distrusted, state.distrusted_seq = (event.trade_id, event.exchange_at), record.seq
                return
            market.touch.print(event, state.spell)
            if market.touch.touch_spell != state.spell:
                market.lag_ns = record.at + state.marks.skew_ns - event.exchange_at
        elif type(event) is QuoteChanged:
            market = state.markets.get(event.product) or self._market(event.product)
            market.touch.quote(event, state.spell)
            market.lag_ns = record.at + state.marks.skew_ns - event.exchange_at
        elif type(event) is BookChanged:
            market = state.markets.get(event.product) or self._market(event.product)
            market.touch.change(event, state.spell)
            market.lag_ns = record.at + state.marks.skew_ns - event.exchange_at
        elif type(event) is MarkUpdated or type(event) is MarkWentStale:
            state.marks.fold(record)
        elif type(event) is BookSnapshotted:
            market = self._market(event.product)
            market.touch.snapshot(event, state.spell)
            market.lag_ns = record.at + state.marks.skew_ns - event.exchange_at
        elif type(event) is MarkReported:
            if event.index is not None:
                market = self._market(event.product)
                market.index, market.index_at = event.index, event.exchange_at
            if event.mark is not None and self._is_foreign(event.product):
                market = self._market(event.product)
                market.told, market.told_at = event.mark, event.exchange_at
        elif isinstance(event, FeedConnected | FeedSubscribed | FeedLost | FeedGapFound | FeedWentSilent):
            if event.feed == "market":
                _fold_feed(state, event)
        elif isinstance(event, ProductListed):
            state.hours.fold(record)
        elif isinstance(event, ClockSkewMeasured):
            for market in state.markets.values():
                market.lag_ns += event.skew_ns - state.marks.skew_ns
            state.marks.fold(record)
        elif isinstance(event, LimitChanged):
            state.limits.fold(record)
            state.ttl_s = _ttl_s(state)
        elif isinstance(event, SessionStarted):
            state.marks.fold(record)
            state.hours.fold(record)
            state.limits.fold(record)
            state.configured = list(event.configuration.products)
            state.setting = event.configuration.marks
            state.max_lag_ns = state.setting.max_feed_lag_ms * _MILLISECOND
            state.ttl_s = _ttl_s(state)
            state.is_up, state.broken_by = True, "a session began, and nothing was heard of its market yet"
            state.spell += 1
            state.markets = {}

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        event = record.event
        if type(event) is TradePrinted and self.state.distrusted_seq == record.seq:
            look = self._look(event.product, record.at, outstanding)
            return (self._distrusted(event),) if look is None else (self._distrusted(event), look)
        if type(event) is TradePrinted or type(event) is QuoteChanged or type(event) is BookChanged:
            said = self._look(event.product, record.at, outstanding)
            return () if said is None else (said,)
        if isinstance(event, BookSnapshotted | MarkReported):
            said = self._look(event.product, record.at, outstanding)
            return () if said is None else (said,)
        kind = type(event)
        if kind is ClockTicked or kind in _FEED or kind is SessionStarted or kind is ClockSkewMeasured:
            products = sorted({*self.state.marks.latest, *self.state.markets})
            looks = [self._look(product, record.at, outstanding) for product in products]
            return [said for said in looks if said is not None]
        return ()

    def _market(self, product: str) -> Market:
        """A product's market; the frequent facts look for it themselves first, a call less for each."""
        market = self.state.markets.get(product)
        if market is None:
            market = self.state.markets[product] = Market()
        return market

    def _is_foreign(self, product: str) -> bool:
        """Whether a product came into the account by another hand: no feed of ours brings its market."""
        configured = self.state.configured
        return bool(configured) and product not in configured

    def _look_at_told(
        self, product: str, market: Market, at: int, outstanding: Sequence[Event]
    ) -> MarkUpdated | MarkWentStale | None:
        """The exchange's own mark stands for one that we could make, as long as it is told."""
        assert market.told is not None, "asked for what was told"
        said = _last_said(product, self.state.marks, outstanding)
        age_ns = at + self.state.marks.skew_ns - market.told_at
        ttl_s = self.state.setting.index_ttl_s
        if age_ns > ttl_s * NANOSECONDS:
            reason = f"the exchange told no mark of it for over {ttl_s} s"
            return said and MarkWentStale(product=product, age_ms=age_ns // _MILLISECOND, reason=reason)
        if said is not None and said.price == market.told and said.source is MarkSource.EXCHANGE:
            return None
        return MarkUpdated(product=product, price=market.told, source=MarkSource.EXCHANGE, exchange_at=market.told_at)

    def _look(self, product: str, at: int, outstanding: Sequence[Event]) -> MarkUpdated | MarkWentStale | None:
        state = self.state
        market = state.markets.get(product)
        if market is not None and market.told is not None:
            return self._look_at_told(product, market, at, outstanding)
        price = market.touch.price(state.spell) if market is not None and state.is_up else None
        why = self._doubt(product, market, price[0], at) if market and price else self._why_unpriced(market)
        said = _last_said(product, state.marks, outstanding) if outstanding else state.marks.mark(product)
        if why or price is None:
            if said is None:
                return None
            seen_at = said.exchange_at if market is None else market.touch.seen_at
            age_ns = max(0, at + state.marks.skew_ns - seen_at)
            return MarkWentStale(product=product, age_ms=age_ns // _MILLISECOND, reason=why)
        if said is not None and said.price == price[0] and said.source is price[1]:
            return None
        return MarkUpdated(product=product, price=price[0], source=price[1], exchange_at=price[2])

    def _distrusted(self, event: TradePrinted) -> PrintDistrusted:
        touch = self.state.markets[event.product].touch
        assert touch.bid is not None, "a print is held to a whole book"
        assert touch.ask is not None, "a print is held to a whole book"
        return PrintDistrusted(
            product=event.product,
            trade_id=event.trade_id,
            price=event.price,
            bid=touch.bid,
            ask=touch.ask,
            limit_bps=self.state.setting.max_print_deviation_bps,
            exchange_at=event.exchange_at,
        )

    def _why_unpriced(self, market: Market | None) -> str:
        if market is not None and self.state.is_up and market.touch.touch_spell == self.state.spell:
            return "the book is crossed or empty on one side, and nothing traded since the feed was last broken"
        return self.state.broken_by

    def _doubt(self, product: str, market: Market, price: Decimal, at: int) -> str:
        """Why a price may not be traded on although the feed is up; empty when nothing speaks against it."""
        state = self.state
        now = at + state.marks.skew_ns
        if market.lag_ns > state.max_lag_ns:
            return f"the feed lags {market.lag_ns // _MILLISECOND} ms, over {state.setting.max_feed_lag_ms} ms"
        ttl_ns = state.ttl_s * NANOSECONDS
        if now - market.touch.seen_at > ttl_ns and not state.hours.is_shut(product, at):
            return f"nothing heard of its market for over {state.ttl_s} s"
        index = market.index
        if index is None or now - market.index_at > state.setting.index_ttl_s * NANOSECONDS:
            return ""
        limit = state.setting.max_index_deviation_bps
        if abs(price - index) * _BPS > limit * index:
            return f"price {price} is over {limit} bps from the index {index}"
        return ""


def _ttl_s(state: MarksState) -> int:
    """How long a silent market keeps its mark: `max_mark_staleness_seconds` is the outer limit (trading rules A6)."""
    return min(state.setting.ttl_s, state.limits.limits.max_mark_staleness_seconds)


def _fold_feed(
    state: MarksState, event: FeedConnected | FeedSubscribed | FeedLost | FeedGapFound | FeedWentSilent
) -> None:
    """A new connection, a loss, a silence and a gap each make what was known of books worthless."""
    if isinstance(event, FeedSubscribed):
        state.is_up = True
        return
    if isinstance(event, FeedConnected):
        state.is_up, state.broken_by = False, "the market feed is connected and not yet subscribed"
    elif isinstance(event, FeedLost):
        state.is_up, state.broken_by = False, f"the market feed was lost: {event.reason}"
    elif isinstance(event, FeedWentSilent):
        state.is_up, state.broken_by = False, f"the market feed went silent for {event.silent_ms} ms"
    else:
        state.broken_by = f"the market feed skipped from {event.last_seq} to {event.next_seq}"
    state.spell += 1
    for market in state.markets.values():
        market.touch.book.lose()


def _is_far_off(event: TradePrinted, touch: Touch, state: MarksState) -> bool:
    """Whether a print lies further off a whole, uncrossed book than is believable. Within the book nothing is asked."""
    bid, ask, price = touch.bid, touch.ask, event.price
    if bid is None or ask is None or bid <= price <= ask or bid >= ask or touch.touch_spell != state.spell:
        return False
    near, off = (bid, bid - price) if price < bid else (ask, price - ask)
    return off * _BPS > state.setting.max_print_deviation_bps * near


def _last_said(product: str, marks: Marks, outstanding: Sequence[Event]) -> MarkUpdated | None:
    """The mark that stands as fresh by what was said, this turn's words included; None when stale or never said."""
    for event in reversed(outstanding):
        if isinstance(event, MarkUpdated | MarkWentStale) and event.product == product:
            return event if isinstance(event, MarkUpdated) else None
    return marks.mark(product)
