"""The tape of a fortnight: the same for the same seed, in order, and what its plan says is in it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from events.account import MarginWindowChanged
from events.catalog import FundingRatePublished, ProductListed
from events.codec import digest_of
from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, MarkReported, TradePrinted
from projections.book import Book
from replay.tapes.fortnight import DAY, DAYS, HOUR, PRODUCTS, SUMMER, Fortnight, fortnight, margin_windows
from replay.tapes.happenings import happenings, told_at_start
from replay.tapes.tape import Moment

SEED = 4
MARKET = (TradePrinted, BookChanged, BookSnapshotted, MarkReported)


@pytest.fixture(scope="module")
def plan() -> Fortnight:
    return fortnight(SEED)


@pytest.fixture(scope="module")
def tape(plan: Fortnight) -> list[Moment]:
    return happenings(plan, events_per_s=0.005)


def test_the_same_seed_is_the_same_fortnight_and_another_is_another(plan: Fortnight, tape: list[Moment]) -> None:
    again = happenings(fortnight(SEED), events_per_s=0.005)
    assert digest_of([[at, event] for at, event in again]) == digest_of([[at, event] for at, event in tape])
    assert fortnight(SEED + 1) != plan


def test_time_never_goes_back_and_the_fortnight_is_whole(plan: Fortnight, tape: list[Moment]) -> None:
    assert all(before[0] <= after[0] for before, after in pairwise(tape))
    assert (tape[0][0], plan.end - plan.start) == (plan.start, DAYS * DAY)
    assert plan.end - tape[-1][0] < HOUR


def test_nothing_trades_while_a_product_is_shut_and_nothing_is_told_in_a_gap(
    plan: Fortnight, tape: list[Moment]
) -> None:
    silent = (*plan.closed, *plan.gaps)
    assert not [event for at, event in tape if isinstance(event, MARKET) and any(span.holds(at) for span in silent)]
    assert sum(isinstance(event, FeedGapFound) for _, event in tape) == len(plan.gaps)


def test_a_product_is_shut_for_as_long_as_its_listing_says(plan: Fortnight, tape: list[Moment]) -> None:
    is_open = {product.product: True for product in PRODUCTS}
    for at, event in tape:
        if isinstance(event, ProductListed):
            is_open[event.product] = event.session_open and not event.trading_disabled
            assert is_open[event.product] is not any(span.holds(at) for span in plan.closed)
    assert all(is_open.values())


def test_a_whole_book_stands_behind_every_silence_and_no_book_is_ever_crossed(
    plan: Fortnight, tape: list[Moment]
) -> None:
    books = {product.product: Book() for product in PRODUCTS}
    snapshots = Counter(event.product for _, event in tape if isinstance(event, BookSnapshotted))
    for _, event in tape:
        if isinstance(event, BookSnapshotted | BookChanged):
            book = books[event.product]
            book.fold(event)
            bid, ask = book.best_bid(), book.best_ask()
            assert bid is not None
            assert ask is not None
            assert bid[0] < ask[0]
    asked_for = len((*plan.closed, *plan.gaps, *plan.down))
    assert all(count >= asked_for // 2 for count in snapshots.values())


def test_both_halts_are_at_five_on_friday_in_new_york_on_either_side_of_the_change_of_the_clock(
    plan: Fortnight,
) -> None:
    first, second = plan.halts
    assert first.end < SUMMER < second.start
    assert [(halt.start - plan.start) // DAY % 7 for halt in plan.halts] == [4, 4]
    assert (second.start - first.start, first.end - first.start) == (7 * DAY - HOUR, HOUR)


def test_margin_windows_follow_each_other_without_a_hole(tape: list[Moment]) -> None:
    windows = list(margin_windows())
    assert all(before[0].end == after[0].start for before, after in pairwise(windows))
    assert sum(is_intraday for _, is_intraday in windows) == 10
    assert sum(isinstance(event, MarginWindowChanged) for _, event in tape) == len(windows)


def test_every_hour_has_its_rate_once_but_those_that_have_none_and_some_come_late(
    plan: Fortnight, tape: list[Moment]
) -> None:
    told = {(event.product, event.boundary): at for at, event in tape if isinstance(event, FundingRatePublished)}
    for product in PRODUCTS:
        for boundary in range(plan.start + HOUR, plan.end - 4 * HOUR, HOUR):
            key = (product.product, boundary)
            if key in plan.without_rate:
                assert key not in told
            elif key in plan.late_rates:
                assert told[key] == boundary + 3 * HOUR
            else:
                assert boundary <= told[key] < boundary + HOUR


def test_a_life_that_starts_is_told_what_holds_and_every_transfer_so_far(plan: Fortnight, tape: list[Moment]) -> None:
    assert not list(told_at_start(tape, plan.start))
    kinds = Counter(type(event).__name__ for event in told_at_start(tape, plan.end))
    assert kinds == {"ProductListed": 2, "MarginWindowChanged": 1, "TransferReported": 3, "FundsMoved": 3}
    shut = [event for event in told_at_start(tape, plan.maintenance.start + 1) if isinstance(event, ProductListed)]
    assert all(event.trading_disabled for event in shut)


@pytest.mark.parametrize("seed", range(1, 30))
def test_any_seed_draws_restarts_kills_and_a_crash_that_is_lived_through(seed: int) -> None:
    plan = fortnight(seed)
    spans = [life.span for life in plan.lives]
    assert all(before.end < after.start for before, after in pairwise(spans))
    assert sum(life.is_killed for life in plan.lives) >= 5
    assert sum(not life.is_killed for life in plan.lives) >= 5
    assert any(span.start < plan.lever.start - HOUR and plan.crash.at + HOUR < span.end for span in spans)
    settlements = [plan.start + day * DAY + hour * HOUR for day in range(DAYS) for hour in (4, 16)]
    assert sum(any(down.holds(at) for at in settlements) for down in plan.down) >= 2
