"""The mark cache: what it says of prices, and when it says that they may no longer be traded on."""

from __future__ import annotations

import msgspec
import pytest

from actors.behaviours.marks import MarksBehaviour
from events.configuration import RiskLimits
from events.event import Event
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.market import BookChanged, BookSnapshotted, MarkReported, MarkUpdated, MarkWentStale, PrintDistrusted
from events.record import AnyEvent
from events.risk import LimitChanged
from events.session import ClockSkewMeasured, ClockTicked
from events.terms import Level, MarkSource
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Desk
from tests.streams.facts import BIP, D, listed, quoted, started, traded
from tests.streams.orders import with_limits

TICK = ClockTicked()
LOST = FeedLost(feed="market", connection=1, reason="closed by the peer")
SUBSCRIBED = FeedSubscribed(feed="market", connection=2, channels=("level2", "market_trades"))
MS = 1_000_000


def opened(*facts: AnyEvent) -> Desk:
    desk = Desk(MarksBehaviour())
    desk.hear(started(), listed(), *facts)
    return desk


def priced() -> Desk:
    """A desk whose mark is 101, fresh, by book and trade."""
    desk = opened()
    desk.hear(quoted("100", "102", at=desk.at), traded("101", at=desk.at))
    return desk


def mark(price: str, source: MarkSource, at: int) -> MarkUpdated:
    return MarkUpdated(product=BIP, price=D(price), source=source, exchange_at=at)


def stale(said: list[Event]) -> list[str]:
    assert all(isinstance(event, MarkWentStale) for event in said), said
    return [event.reason for event in said if isinstance(event, MarkWentStale)]


def book(bids: tuple[Level, ...], asks: tuple[Level, ...], at: int) -> BookSnapshotted:
    return BookSnapshotted(product=BIP, bids=bids, asks=asks, exchange_at=at)


def test_the_middle_until_the_first_trade_then_the_median() -> None:
    desk = opened()
    at = desk.at
    assert desk.hear(quoted("100", "103", at=at)) == [mark("101.5", MarkSource.MID, at)]
    assert desk.hear(traded("102", at=at)) == [mark("102", MarkSource.BOOK_AND_TRADE, at)]


def test_trades_alone_make_a_mark_of_their_own_source() -> None:
    desk = opened()
    assert desk.hear(traded("102", at=desk.at)) == [mark("102", MarkSource.TRADE, desk.at)]


def test_nothing_is_said_while_price_and_source_stay() -> None:
    desk = priced()
    assert desk.hear(traded("101", at=desk.at + 1), quoted("100.5", "101.5", at=desk.at + 1), after=1) == []


def test_two_equal_prices_in_one_turn_are_said_once() -> None:
    desk = opened()
    said = desk.hear(traded("102", at=desk.at), traded("102", at=desk.at), traded("103", at=desk.at))
    assert said == [mark("102", MarkSource.TRADE, desk.at), mark("103", MarkSource.TRADE, desk.at)]


def test_the_source_alone_is_worth_saying() -> None:
    desk = opened()
    desk.hear(quoted("100", "102", at=desk.at))
    assert desk.hear(traded("101", at=desk.at)) == [mark("101", MarkSource.BOOK_AND_TRADE, desk.at)]


def test_the_top_of_a_book_is_the_touch() -> None:
    desk = opened()
    at = desk.at
    levels = book(((D(99), D(1)), (D(98), D(1))), ((D(101), D(1)), (D(104), D(2))), at)
    assert desk.hear(levels) == [mark("100", MarkSource.MID, at)]
    deep = BookChanged(product=BIP, bids=((D(97), D(5)),), asks=(), exchange_at=at)
    assert desk.hear(deep) == []
    best_gone = BookChanged(product=BIP, bids=(), asks=((D(101), D(0)),), exchange_at=at)
    assert desk.hear(best_gone) == [mark("101.5", MarkSource.MID, at)]


def test_a_crossed_book_is_not_believed() -> None:
    desk = priced()
    assert desk.hear(quoted("103", "102", at=desk.at)) == [mark("101", MarkSource.TRADE, desk.at)]


def test_a_crossed_book_without_a_trade_leaves_no_mark() -> None:
    desk = opened()
    desk.hear(quoted("100", "102", at=desk.at))
    (why,) = stale(desk.hear(quoted("103", "102", at=desk.at)))
    assert "crossed" in why


@pytest.mark.parametrize(
    ("loss", "word"),
    [
        (LOST, "closed by the peer"),
        (FeedWentSilent(feed="market", connection=1, silent_ms=5_000), "silent for 5000 ms"),
        (FeedGapFound(feed="market", connection=1, last_seq=0, next_seq=3), "skipped from 0 to 3"),
        (FeedConnected(feed="market", connection=2), "not yet subscribed"),
    ],
)
def test_a_broken_feed_makes_every_mark_stale_and_says_why(loss: AnyEvent, word: str) -> None:
    (why,) = stale(priced().hear(loss))
    assert word in why


def test_stale_is_said_once_a_spell() -> None:
    desk = priced()
    assert len(desk.hear(LOST)) == 1
    assert desk.hear(LOST, TICK, after=MINUTE) == []


def test_the_user_feeds_troubles_are_not_the_marks() -> None:
    assert priced().hear(FeedLost(feed="user", connection=1, reason="closed")) == []


def test_a_lost_feed_is_whole_again_only_when_subscribed_and_fresh_data_came() -> None:
    desk = priced()
    desk.hear(LOST)
    assert desk.hear(quoted("100", "102", at=desk.at)) == []
    desk.hear(LOST)
    assert desk.hear(SUBSCRIBED) == []
    assert desk.hear(quoted("100", "102", at=desk.at)) == [mark("101", MarkSource.BOOK_AND_TRADE, desk.at)]


def test_a_snapshot_that_comes_before_the_last_acknowledgement_counts_once_subscribed() -> None:
    desk = priced()
    desk.hear(LOST, FeedConnected(feed="market", connection=2))
    assert desk.hear(quoted("100", "102", at=desk.at)) == []
    assert desk.hear(SUBSCRIBED) == [mark("101", MarkSource.BOOK_AND_TRADE, desk.at)]


def test_changes_after_a_gap_do_not_make_a_book_whole() -> None:
    desk = opened()
    desk.hear(book(((D(99), D(1)),), ((D(101), D(1)),), desk.at))
    desk.hear(FeedGapFound(feed="market", connection=1, last_seq=4, next_seq=6))
    change = BookChanged(product=BIP, bids=((D(100), D(1)),), asks=(), exchange_at=desk.at)
    assert desk.hear(change) == []
    assert len(desk.hear(book(((D(99), D(1)),), ((D(101), D(1)),), desk.at))) == 1


def test_after_staleness_the_same_price_is_said_again() -> None:
    desk = priced()
    desk.hear(FeedGapFound(feed="market", connection=1, last_seq=4, next_seq=6))
    assert desk.hear(quoted("100", "102", at=desk.at)) == [mark("101", MarkSource.BOOK_AND_TRADE, desk.at)]


def test_data_that_lags_is_not_traded_on() -> None:
    desk = priced()
    (why,) = stale(desk.hear(quoted("100", "102", at=desk.at + 1), after=2_001 * MS + 1))
    assert why == "the feed lags 2001 ms, over 2000 ms"
    assert desk.hear(quoted("100", "102", at=desk.at)) == [mark("101", MarkSource.BOOK_AND_TRADE, desk.at)]


def test_an_old_trade_in_a_timely_book_is_no_lag() -> None:
    desk = priced()
    desk.at += 10 * SECOND
    assert desk.hear(quoted("100", "102", at=desk.at), traded("101", at=desk.at - 9 * SECOND)) == []


def test_a_lagging_trade_alone_is_no_mark() -> None:
    desk = opened()
    assert desk.hear(traded("101", at=desk.at - 3 * SECOND)) == []


def test_a_market_not_heard_of_for_the_ttl_is_stale_at_the_next_tick() -> None:
    desk = priced()
    assert desk.hear(TICK, after=30 * SECOND) == []
    (event,) = desk.hear(TICK, after=SECOND)
    assert event == MarkWentStale(product=BIP, age_ms=31_000, reason="nothing heard of its market for over 30 s")
    assert desk.hear(TICK, after=SECOND) == []


def test_a_book_that_moves_below_the_top_keeps_its_mark_fresh() -> None:
    desk = opened()
    desk.hear(book(((D(99), D(1)),), ((D(101), D(1)),), desk.at))
    for _ in range(4):
        desk.at += 20 * SECOND
        change = BookChanged(product=BIP, bids=((D(90), D(1)),), asks=(), exchange_at=desk.at)
        assert desk.hear(change, TICK) == []


def test_silence_in_a_closed_session_is_no_stale_mark() -> None:
    desk = priced()
    desk.hear(listed(session_open=False))
    assert desk.hear(TICK, after=HOUR) == []
    (why,) = stale(desk.hear(listed(), TICK))
    assert "nothing heard" in why


def test_silence_in_the_weekly_halt_is_no_stale_mark_though_the_catalog_has_not_said_so_yet() -> None:
    friday_17_in_new_york = MONDAY + 4 * 24 * HOUR + 22 * HOUR  # November: five hours behind
    desk = Desk(MarksBehaviour(), at=friday_17_in_new_york - SECOND)
    desk.hear(started(), listed())
    desk.hear(quoted("100", "102", at=desk.at), traded("101", at=desk.at))
    assert desk.hear(TICK, after=HOUR) == []
    (why,) = stale(desk.hear(TICK, after=SECOND))
    assert "nothing heard" in why


def test_silence_in_a_maintenance_is_no_stale_mark() -> None:
    desk = priced()
    times = {"maintenance_starts_at": desk.at + 10 * SECOND, "maintenance_ends_at": desk.at + HOUR}
    desk.hear(msgspec.structs.replace(listed(), **times))
    assert desk.hear(TICK, after=HOUR - SECOND) == []
    assert len(stale(desk.hear(TICK, after=SECOND))) == 1


class TestTheOuterLimit:
    """`max_mark_staleness_seconds` binds the mark cache of a running system too."""

    def test_the_shorter_of_the_marks_own_patience_and_risks_counts(self) -> None:
        for limit_s, patience_s in ((10, 10), (100, 30)):
            desk = Desk(MarksBehaviour())
            desk.hear(with_limits(RiskLimits(max_mark_staleness_seconds=limit_s)), listed(), by="session")
            desk.hear(quoted("100", "102", at=desk.at), traded("101", at=desk.at))
            assert desk.hear(TICK, after=patience_s * SECOND) == []
            (why,) = stale(desk.hear(TICK, after=SECOND))
            assert why == f"nothing heard of its market for over {patience_s} s"

    def test_an_operator_sets_it_while_the_system_runs_and_it_lasts_over_a_restart(self) -> None:
        desk = priced()
        desk.hear(LimitChanged(limit="max_mark_staleness_seconds", value="5", reason="nervous"), by="operator")
        assert len(stale(desk.hear(TICK, after=6 * SECOND))) == 1
        desk.hear(started(session="s-2"), by="session")
        desk.hear(quoted("100", "102", at=desk.at), traded("101", at=desk.at))
        assert len(stale(desk.hear(TICK, after=6 * SECOND))) == 1


def test_the_index_bounds_the_mark() -> None:
    desk = priced()
    index = MarkReported(product=BIP, mark=None, index=D(100), exchange_at=desk.at)
    assert desk.hear(index) == []
    (why,) = stale(desk.hear(quoted("104", "106", at=desk.at)))
    assert why == "price 104 is over 200 bps from the index 100"


def test_an_index_long_unheard_of_bounds_nothing() -> None:
    desk = priced()
    desk.hear(MarkReported(product=BIP, mark=None, index=D(100), exchange_at=desk.at))
    desk.at += 3 * MINUTE
    assert desk.hear(quoted("104", "106", at=desk.at)) == [mark("104", MarkSource.BOOK_AND_TRADE, desk.at)]


def test_marks_of_the_session_before_are_stale_at_the_start_of_the_next() -> None:
    desk = priced()
    (why,) = stale(desk.hear(started(session="s-2"), after=HOUR))
    assert "a session began" in why
    assert desk.hear(quoted("100", "102", at=desk.at)) == [mark("101", MarkSource.MID, desk.at)]


def test_products_do_not_share_a_mark() -> None:
    desk = priced()
    assert desk.hear(traded("7", at=desk.at, product="ETP")) == [
        MarkUpdated(product="ETP", price=D(7), source=MarkSource.TRADE, exchange_at=desk.at)
    ]


def test_what_is_said_of_one_product_in_a_turn_does_not_hide_what_was_said_of_another() -> None:
    desk = priced()
    at = desk.at
    said = desk.hear(traded("7", at=at, product="ETP"), traded("101", at=at), traded("8", at=at, product="ETP"))
    assert [(event.product, event.price) for event in said if isinstance(event, MarkUpdated)] == [
        ("ETP", D(7)),
        ("ETP", D(8)),
    ]


def test_stale_and_fresh_again_within_one_turn_are_both_said() -> None:
    desk = priced()
    gap = FeedGapFound(feed="market", connection=1, last_seq=4, next_seq=6)
    said = desk.hear(gap, quoted("100", "102", at=desk.at), gap)
    assert [type(event) for event in said] == [MarkWentStale, MarkUpdated, MarkWentStale]


def test_a_mark_of_the_exchange_without_an_index_bounds_nothing() -> None:
    desk = priced()
    assert desk.hear(MarkReported(product=BIP, mark=D(5), index=None, exchange_at=desk.at)) == []


# --- prints that are not believed (trading rules A6) -----------------------------------------------------------------


@pytest.mark.parametrize("price", ["106", "94"])
def test_a_print_far_off_a_whole_book_is_recorded_and_not_trusted(price: str) -> None:
    desk = opened()
    desk.hear(quoted("100", "100.5", at=desk.at), traded("100.2", at=desk.at))
    (distrusted,) = desk.hear(traded(price, at=desk.at + 1))
    assert distrusted == PrintDistrusted(
        product=BIP,
        trade_id=f"t-{desk.at + 1}",
        price=D(price),
        bid=D(100),
        ask=D("100.5"),
        limit_bps=D(500),
        exchange_at=desk.at + 1,
    )
    gone = desk.hear(book((), ((D("100.5"), D(1)),), at=desk.at + 2))
    assert gone == [mark("100.2", MarkSource.TRADE, desk.at + 2)]  # the trade before it still stands


def test_a_print_off_the_book_by_the_limit_is_believed() -> None:
    desk = opened()
    desk.hear(quoted("100", "100", at=desk.at - 1))  # crossed: nothing to hold a print to
    assert desk.hear(traded("300", at=desk.at)) == [mark("300", MarkSource.TRADE, desk.at)]
    desk.hear(quoted("100", "101", at=desk.at + 1))
    assert desk.hear(traded("95", at=desk.at + 2)) == [mark("100", MarkSource.BOOK_AND_TRADE, desk.at + 2)]


def test_a_print_is_held_to_the_present_book_only() -> None:
    desk = priced()
    desk.hear(LOST, SUBSCRIBED)
    assert desk.hear(traded("300", at=desk.at)) == [mark("300", MarkSource.TRADE, desk.at)]


def test_a_distrusted_print_hides_no_staleness_of_the_same_turn() -> None:
    desk = opened()
    desk.hear(quoted("100", "100.5", at=desk.at), traded("100.2", at=desk.at))
    said = desk.hear(traded("300", at=desk.at), LOST, LOST)
    assert [type(event) for event in said] == [PrintDistrusted, MarkWentStale]


# --- the exchange's clock (trading rules A6) -------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-120, -30, 30, 120])
def test_a_skewed_clock_makes_no_mark_stale_once_it_is_measured(seconds: int) -> None:
    desk = opened()
    desk.hear(ClockSkewMeasured(skew_ns=seconds * SECOND))
    theirs = desk.at + seconds * SECOND
    assert desk.hear(quoted("100", "102", at=theirs)) == [mark("101", MarkSource.MID, theirs)]
    for _ in range(3):
        desk.at += 20 * SECOND
        assert desk.hear(TICK, quoted("100", "102", at=desk.at + seconds * SECOND)) == []
    assert desk.seats["marks"].behaviour.state.marks.is_fresh(BIP, desk.at)


def test_data_that_looks_old_by_our_clock_is_fresh_again_when_the_skew_is_measured() -> None:
    desk = priced()
    desk.at += MINUTE
    assert stale(desk.hear(quoted("100", "102", at=desk.at - 30 * SECOND)))
    (fresh,) = desk.hear(ClockSkewMeasured(skew_ns=-30 * SECOND))
    assert isinstance(fresh, MarkUpdated)


def test_a_clock_that_is_ahead_does_not_hide_a_feed_that_lags() -> None:
    desk = opened()
    desk.hear(ClockSkewMeasured(skew_ns=30 * SECOND))
    desk.hear(quoted("100", "102", at=desk.at + 30 * SECOND))
    desk.at += 30 * SECOND
    lagging = desk.hear(quoted("100", "102", at=desk.at))  # by our clock new, by the exchange's 30 s old
    assert stale(lagging) == ["the feed lags 30000 ms, over 2000 ms"]


def test_a_new_session_measures_anew() -> None:
    desk = priced()
    desk.hear(ClockSkewMeasured(skew_ns=30 * SECOND))
    desk.hear(started(session="s-2"))
    assert desk.hear(quoted("100", "102", at=desk.at)) == [mark("101", MarkSource.MID, desk.at)]


# --- what no feed brings ---------------------------------------------------------------------------------------------


def test_a_product_that_was_never_configured_is_valued_at_the_exchanges_own_mark() -> None:
    desk = opened()
    first = desk.hear(MarkReported(product="ETH", mark=D(3_000), index=None, exchange_at=desk.at))
    assert first == [MarkUpdated(product="ETH", price=D(3_000), source=MarkSource.EXCHANGE, exchange_at=desk.at)]
    desk.at += MINUTE
    assert desk.hear(LOST, MarkReported(product="ETH", mark=D(3_000), index=None, exchange_at=desk.at)) == []
    (moved,) = desk.hear(MarkReported(product="ETH", mark=D(3_001), index=None, exchange_at=desk.at))
    assert isinstance(moved, MarkUpdated)


def test_a_mark_that_the_exchange_tells_no_more_is_stale() -> None:
    desk = opened()
    desk.hear(MarkReported(product="ETH", mark=D(3_000), index=None, exchange_at=desk.at))
    desk.at += 3 * MINUTE
    assert stale(desk.hear(TICK)) == ["the exchange told no mark of it for over 150 s"]
    assert desk.hear(TICK) == []


def test_the_exchanges_own_mark_never_stands_for_one_that_the_feed_makes() -> None:
    desk = priced()
    assert desk.hear(MarkReported(product=BIP, mark=D(5), index=None, exchange_at=desk.at)) == []
