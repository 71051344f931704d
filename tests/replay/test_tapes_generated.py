"""The generated market: the same for the same seed, always legal, and enough like a market to trade on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path
from statistics import correlation, mean, pstdev

import pytest

from events.catalog import FundingRatePublished
from events.codec import digest_of
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.money import on_grid
from events.terms import NANOSECONDS
from projections.book import Book
from replay.tapes import Tape, generated_tape
from replay.tapes.generated import BIP, DEFAULT_START

D = Decimal
HOUR = 3_600 * NANOSECONDS
ROOT = Path(__file__).parents[2]

_DIGEST = """
from itertools import islice
from events.codec import digest_of
from replay.tapes import generated_tape
print(digest_of([[at, event] for at, event in islice(generated_tape(seed=11), 3000)]))
"""


def digest_elsewhere(**environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, *(["-O"] if environment.pop("optimized", "") else []), "-c", _DIGEST],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout.strip()


def closes(tape: Tape, *, every_s: int = 60) -> list[float]:
    """The last trade of each minute, or of each `every_s` seconds that had one."""
    last: dict[int, float] = {}
    for at, event in tape:
        if isinstance(event, TradePrinted):
            last[at // (every_s * NANOSECONDS)] = float(event.price)
    return list(last.values())


def test_the_same_seed_is_the_same_tape_in_any_process() -> None:
    here = digest_of([[at, event] for at, event in islice(generated_tape(seed=11), 3000)])
    assert digest_elsewhere(PYTHONHASHSEED="0") == here
    assert digest_elsewhere(PYTHONHASHSEED="4711", TZ="Asia/Tokyo") == here
    assert digest_elsewhere(PYTHONHASHSEED="random", LC_ALL="C", optimized="yes") == here


def test_a_tape_can_be_played_again_and_by_two_at_once() -> None:
    tape = generated_tape(seed=3, duration_s=120)
    first = iter(tape)
    ahead = list(islice(first, 200))
    assert list(islice(tape, 200)) == ahead
    assert [*ahead, *first] == list(tape)


def test_a_tape_does_not_depend_on_the_arithmetic_of_its_thread() -> None:
    tape = generated_tape(seed=3, duration_s=60)
    elsewhere: list[object] = []
    thread = threading.Thread(target=lambda: elsewhere.extend(tape))
    thread.start()
    thread.join()
    assert elsewhere == list(tape)


def test_another_setting_is_another_tape() -> None:
    tapes = [
        generated_tape(seed=1),
        generated_tape(seed=2),
        generated_tape(seed=1, events_per_s=20),
        generated_tape(seed=1, start_price=40_000),
        generated_tape(seed=1, start=DEFAULT_START + 1),
    ]
    assert len({tape.digest for tape in tapes}) == len(tapes)
    assert len({digest_of([[at, event] for at, event in islice(tape, 50)]) for tape in tapes}) == len(tapes)
    assert generated_tape(seed=1).digest == tapes[0].digest


def test_time_never_goes_back_and_stays_inside_the_tape() -> None:
    tape = generated_tape(seed=5, duration_s=300)
    times = [at for at, _ in tape]
    assert times == sorted(times)
    assert times[0] == tape.start == DEFAULT_START
    assert tape.start + 290 * NANOSECONDS < times[-1] < tape.start + 300 * NANOSECONDS


def test_a_tape_begins_with_its_listing_for_whoever_needs_it() -> None:
    tape = generated_tape(seed=5, duration_s=10)
    listing, *market = tape.facts()
    assert listing == (tape.start, BIP)
    assert market == list(tape)
    assert isinstance(market[0][1], BookSnapshotted)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_book_is_on_the_grid_uncrossed_and_deep_and_every_trade_takes_what_was_shown(seed: int) -> None:
    book = Book()
    for at, event in generated_tape(seed=seed, duration_s=1_200):
        if isinstance(event, TradePrinted):
            level = book.best_bid() if event.aggressor == "sell" else book.best_ask()
            assert level is not None
            asks, bids = dict(book.levels(event.aggressor.opposite)), level  # type: ignore[union-attr]
            assert 0 < event.size <= asks[event.price]
            assert bids
        elif isinstance(event, BookSnapshotted | BookChanged):
            book.fold(event)
            for price, size in (*event.bids, *event.asks):
                assert on_grid(price, BIP.price_increment)
                assert on_grid(size, BIP.size_increment)
            assert not book.is_crossed
            assert 1 <= len(book.bid_prices) <= 10
            assert 1 <= len(book.ask_prices) <= 10
        if not isinstance(event, FundingRatePublished):
            assert event.exchange_at == at  # type: ignore[union-attr]


def test_there_are_about_as_many_events_a_second_as_asked_for_and_they_cluster() -> None:
    for wanted in (5, 20):
        seconds = Counter(at // NANOSECONDS for at, _ in generated_tape(seed=9, duration_s=3_600, events_per_s=wanted))
        counts = [seconds[second] for second in range(min(seconds), max(seconds))]
        assert 0.6 * wanted < mean(counts) < 1.6 * wanted
        assert pstdev(counts) ** 2 > 2 * mean(counts)  # twice as uneven as independent events


def test_funding_is_published_for_every_hour_as_a_small_rate() -> None:
    rates = [
        (at, event)
        for at, event in generated_tape(seed=4, duration_s=5 * 3_600 + 60, events_per_s=1)
        if isinstance(event, FundingRatePublished)
    ]
    assert [event.boundary for _, event in rates] == [DEFAULT_START + hour * HOUR for hour in range(1, 6)]
    for at, event in rates:
        assert event.boundary <= at < event.boundary + 60 * NANOSECONDS
        assert abs(event.rate) < D("0.001")
    assert len({event.rate for _, event in rates}) > 1


def test_spreads_widen() -> None:
    book = Book()
    spreads: Counter[int] = Counter()
    for _, event in generated_tape(seed=6, duration_s=2 * 3_600, events_per_s=5):
        book.fold(event)
        bid, ask = book.best_bid(), book.best_ask()
        assert bid is not None
        assert ask is not None
        spreads[int((ask[0] - bid[0]) / 5)] += 1
    assert spreads[1] + spreads[2] > spreads.total() / 2
    assert any(spread >= 4 for spread in spreads)


def test_prices_jump_and_violent_moments_follow_each_other() -> None:
    prices = closes(generated_tape(seed=6, duration_s=6 * 3_600, events_per_s=3), every_s=10)
    moves = [abs(after / before - 1) for before, after in pairwise(prices)]
    assert max(moves) > 8 * mean(moves)  # the largest of 2,000 normal ones would be under 5 times the mean
    assert correlation(moves[:-6], moves[6:]) > 0.1  # a minute later: none, were they independent


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_trends_last_long_enough_for_averages_of_5_and_20_minutes_to_cross_and_to_stay_crossed(seed: int) -> None:
    prices = closes(generated_tape(seed=seed, duration_s=8 * 3_600, events_per_s=1))
    is_up = [mean(prices[i - 5 : i]) > mean(prices[i - 20 : i]) for i in range(20, len(prices))]
    crossings = [i for i, (before, after) in enumerate(pairwise(is_up)) if before is not after]
    assert len(crossings) >= 6
    assert max(after - before for before, after in pairwise(crossings)) >= 20


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="events_per_s is 0"):
        generated_tape(events_per_s=0)
    with pytest.raises(ValueError, match="start_price is 400"):
        generated_tape(start_price=400)
