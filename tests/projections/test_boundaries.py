"""Funding boundaries: when each passes, what was held and marked at it, and which rate is its own."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events.catalog import FundingRatePublished, ProductListed
from events.market import MarkUpdated
from events.terms import FundingStatus, MarkSource
from projections.boundaries import KEPT_BOUNDARIES, Boundaries, Boundary
from tests.streams.desk import HOUR, MINUTE
from tests.streams.facts import BIP, D, listed
from tests.streams.orders import marked

#: Long 4 from before the first boundary, which is at 1 h.
START = MINUTE


def hourly(qty: str = "4") -> Boundaries:
    kept = Boundaries()
    kept.list_product(listed(), START)
    kept.move(D(qty), START, START)
    return kept


def published(hour: int, value: str, *, at: int = 0) -> FundingRatePublished:
    return FundingRatePublished(product=BIP, boundary=hour * HOUR, rate=D(value), exchange_at=at)


def mark(price: str, at: int) -> MarkUpdated:
    return marked(price, at=at)


def waiting(kept: Boundaries) -> list[tuple[int, str]]:
    return [(boundary.at // HOUR, str(boundary.qty)) for boundary in kept.waiting]


def test_boundaries_are_the_multiples_of_the_interval_from_the_next_one_on() -> None:
    kept = hourly()
    assert (kept.next_at, kept.last_at, kept.interval_ns) == (HOUR, 0, HOUR)
    late = Boundaries()
    late.list_product(listed(), 2 * HOUR)
    assert late.next_at == 3 * HOUR


def test_the_same_interval_listed_again_moves_no_boundary() -> None:
    kept = hourly()
    kept.list_product(listed(), 5 * HOUR)
    assert kept.next_at == HOUR


def test_another_interval_counts_from_its_own_next_boundary() -> None:
    kept = hourly()
    kept.list_product(listed(funding_interval_s=8 * 3_600), 90 * MINUTE)
    assert (kept.next_at, kept.interval_ns) == (8 * HOUR, 8 * HOUR)


@pytest.mark.parametrize("rules", [listed(funding_interval_s=None), listed(contract_size=None)])
def test_without_an_interval_or_a_size_no_boundary_passes(rules: ProductListed) -> None:
    kept = Boundaries()
    kept.list_product(rules, 0)
    kept.move(D(1), START, START)
    kept.pass_to(5 * HOUR, 5 * HOUR)
    assert (kept.interval_ns, kept.waiting) == (0, [])


def test_a_boundary_passes_when_anything_later_is_heard_and_not_at_its_own_instant() -> None:
    kept = hourly()
    kept.pass_to(HOUR, HOUR)
    assert waiting(kept) == []
    kept.pass_to(HOUR + 1, HOUR + 7)
    assert waiting(kept) == [(1, "4")]
    assert (kept.next_at, kept.last_at, kept.waiting[0].noticed_at) == (2 * HOUR, HOUR, HOUR + 7)


def test_a_stretch_with_a_position_is_gone_through_hour_by_hour() -> None:
    kept = hourly()
    kept.pass_to(100 * HOUR + 1, 100 * HOUR)
    assert len(kept.waiting) == 100


def test_a_long_stretch_without_a_position_is_skipped_but_for_the_last_two_days() -> None:
    kept = hourly("0")
    kept.pass_to(100 * HOUR + 1, 100 * HOUR)
    assert [kept.waiting[0].at, kept.waiting[-1].at] == [(100 - KEPT_BOUNDARIES) * HOUR, 100 * HOUR]
    short = hourly("0")
    short.pass_to(3 * HOUR + 1, 3 * HOUR)
    assert [boundary.at // HOUR for boundary in short.waiting] == [1, 2, 3]


def test_a_fill_counts_for_the_boundary_of_its_instant_and_not_for_one_before_it() -> None:
    kept = hourly()
    kept.pass_to(3 * HOUR + 1, 3 * HOUR + 1)
    kept.move(D(-3), 2 * HOUR, 3 * HOUR + 5)
    assert waiting(kept) == [(1, "4"), (2, "1"), (3, "1")]
    assert kept.qty == 1


def test_a_late_fill_counts_for_settled_boundaries_too() -> None:
    kept = hourly()
    kept.pass_to(2 * HOUR + 1, 2 * HOUR + 1)
    for boundary in tuple(kept.waiting):
        kept.settle(boundary)
    kept.move(D(-3), 2 * HOUR, 2 * HOUR + 5)
    assert [boundary.qty for boundary in kept.settled] == [4, 1]


def test_a_fill_after_a_boundary_lets_it_pass_with_what_was_held() -> None:
    kept = hourly()
    kept.move(D(2), HOUR + 1, HOUR + 1)
    assert waiting(kept) == [(1, "4")]
    assert kept.qty == 6


def test_a_fill_dated_far_ahead_lets_pass_no_more_than_one_interval_by_our_clock() -> None:
    kept = hourly()
    kept.move(D(2), 50 * HOUR, HOUR + 1)
    assert waiting(kept) == [(1, "4"), (2, "4")]


def test_a_mark_dated_far_ahead_lets_pass_no_more_than_one_interval_by_our_clock() -> None:
    kept = hourly()
    kept.take_mark(mark("50000", 50 * HOUR), HOUR + 1)
    assert waiting(kept) == [(1, "4"), (2, "4")]


def test_a_boundary_has_the_last_mark_before_it() -> None:
    kept = hourly()
    kept.take_mark(mark("50000", 10 * MINUTE), 10 * MINUTE)
    kept.take_mark(mark("50100", HOUR), HOUR)
    kept.take_mark(mark("50200", HOUR + 1), HOUR + 1)
    (boundary,) = kept.waiting
    assert (boundary.mark, boundary.mark_at, boundary.mark_source) == (D(50_100), HOUR, mark("1", 1).source)
    assert boundary.is_mark_fresh
    assert kept.mark == mark("50200", HOUR + 1)


def test_without_any_mark_a_boundary_has_none() -> None:
    kept = hourly()
    kept.pass_to(HOUR + 1, HOUR + 1)
    (boundary,) = kept.waiting
    assert (boundary.mark, boundary.mark_source, boundary.mark_at, boundary.is_mark_fresh) == (None, None, 0, False)
    assert boundary.amount(D("0.001")) == 0


def test_a_mark_that_comes_late_counts_for_the_boundaries_not_before_it() -> None:
    kept = hourly()
    kept.take_mark(mark("50000", 10 * MINUTE), 10 * MINUTE)
    kept.is_mark_fresh = False
    kept.pass_to(2 * HOUR + 1, 2 * HOUR + 1)
    late = replace(mark("50500", HOUR + MINUTE), source=MarkSource.TRADE)
    kept.take_mark(late, 2 * HOUR + 2)
    assert [(one.mark, one.mark_at, one.is_mark_fresh) for one in kept.waiting] == [
        (D(50_000), 10 * MINUTE, False),
        (D(50_500), HOUR + MINUTE, True),
    ]
    assert kept.waiting[1].mark_source is MarkSource.TRADE


def test_a_late_mark_at_the_instant_of_a_boundary_is_its_mark_and_an_older_one_is_no_news() -> None:
    kept = hourly()
    kept.pass_to(HOUR + 1, HOUR + 1)
    kept.take_mark(mark("50500", HOUR), HOUR + 2)
    kept.take_mark(mark("50400", HOUR - 1), HOUR + 3)
    assert kept.waiting[0].mark == 50_500
    kept.take_mark(mark("50600", HOUR), HOUR + 4)
    assert kept.waiting[0].mark == 50_600


def test_a_rate_published_early_waits_for_its_boundary_and_the_latest_word_counts() -> None:
    kept = hourly()
    kept.take_rate(published(1, "0.002", at=9))
    kept.take_rate(published(1, "0.001", at=5))
    kept.take_rate(published(2, "0.003", at=9))
    kept.pass_to(HOUR + 1, HOUR + 1)
    assert (kept.waiting[0].rate, kept.waiting[0].rate_at) == (D("0.002"), 9)
    assert kept.early_rates == [published(2, "0.003", at=9)]


def test_a_rate_for_a_boundary_that_passed_counts_unless_a_later_word_is_known() -> None:
    kept = hourly()
    kept.pass_to(2 * HOUR + 1, 2 * HOUR + 1)
    kept.settle(kept.waiting[1])
    for word in (published(2, "0.002", at=9), published(2, "0.001", at=8)):
        kept.take_rate(word)
    assert (kept.settled[0].rate, kept.settled[0].rate_at) == (D("0.002"), 9)
    kept.take_rate(published(2, "0.004", at=9))
    assert kept.settled[0].rate == D("0.004")
    assert kept.waiting[0].rate is None
    assert kept.waiting[0].rate_at == -1
    assert kept.early_rates == []


def test_the_rate_to_estimate_with_is_that_of_the_latest_boundary_by_its_latest_word() -> None:
    kept = hourly()
    kept.take_rate(published(1, "0.001", at=9))
    kept.take_rate(published(1, "0.002", at=8))
    assert kept.last_rate == D("0.001")
    kept.take_rate(published(1, "0.003", at=9))
    assert (kept.last_rate, kept.last_rate_of) == (D("0.003"), (HOUR, 9))
    kept.take_rate(published(2, "0.004", at=1))
    kept.take_rate(published(1, "0.005", at=99))
    assert kept.last_rate == D("0.004")


def test_the_rate_of_a_boundary_long_gone_waits_for_nothing() -> None:
    kept = hourly()
    kept.next_at = 3 * HOUR
    kept.take_rate(published(2, "0.001"))
    assert kept.early_rates == []
    kept.take_rate(published(3, "0.001"))
    assert len(kept.early_rates) == 1


def test_early_rates_and_settled_boundaries_are_kept_for_two_days() -> None:
    kept = hourly()
    for hour in range(1, KEPT_BOUNDARIES + 3):
        kept.take_rate(published(hour, "0.001"))
    assert [len(kept.early_rates), kept.early_rates[0].boundary] == [KEPT_BOUNDARIES, 3 * HOUR]
    kept.pass_to((KEPT_BOUNDARIES + 2) * HOUR + 1, HOUR)
    for boundary in tuple(kept.waiting):
        kept.settle(boundary)
    assert [len(kept.settled), kept.settled[0].at, kept.waiting] == [KEPT_BOUNDARIES, 3 * HOUR, []]


def test_a_boundary_that_is_opened_again_waits_again() -> None:
    kept = hourly()
    kept.pass_to(2 * HOUR + 1, 2 * HOUR + 1)
    first, second = kept.waiting
    kept.settle(first)
    assert (kept.waiting, kept.settled) == ([second], [first])
    kept.reopen(first)
    assert (kept.waiting, kept.settled) == ([second, first], [])


@pytest.mark.parametrize(("shut_at", "is_shut"), [(30 * MINUTE, True), (30 * MINUTE + 1, False)])
def test_a_market_shut_for_the_second_half_of_an_interval_has_no_rate(shut_at: int, is_shut: bool) -> None:
    kept = hourly()
    kept.list_product(listed(session_open=False), shut_at)
    kept.list_product(listed(session_open=False), shut_at + 5)
    assert kept.shut_since == shut_at
    kept.pass_to(HOUR + 1, HOUR + 1)
    assert kept.waiting[0].is_shut is is_shut


def test_a_market_that_opened_again_has_a_rate_again() -> None:
    kept = hourly()
    kept.list_product(listed(session_open=False), MINUTE)
    kept.pass_to(HOUR + 1, HOUR + 1)
    kept.list_product(listed(), HOUR + 2)
    assert kept.shut_since is None
    kept.pass_to(2 * HOUR + 1, 2 * HOUR + 1)
    assert [boundary.is_shut for boundary in kept.waiting] == [True, False]


def short(*, rate: str | None = "0.0001", mark: str | None = "50000", is_mark_fresh: bool = True) -> Boundary:
    return Boundary(
        at=HOUR,
        noticed_at=HOUR,
        qty=D(-2),
        contract_size=D("0.01"),
        mark=None if mark is None else D(mark),
        mark_source=None,
        mark_at=0,
        is_mark_fresh=is_mark_fresh,
        is_shut=False,
        rate=None if rate is None else D(rate),
    )


def test_a_short_receives_what_a_long_pays_at_a_rate_above_zero() -> None:
    assert short().amount(D("0.0001")) == D("0.1")
    assert replace(short(), qty=D(2)).amount(D("0.0001")) == D("-0.1")
    assert short().amount(None) == 0


def test_an_amount_is_final_with_the_boundarys_own_rate_and_mark_and_an_estimate_otherwise() -> None:
    assert short().status(D("0.0001")) is FundingStatus.FINAL
    assert short(rate=None).status(D("0.0001")) is FundingStatus.ESTIMATED
    assert short(mark=None).status(D("0.0001")) is FundingStatus.ESTIMATED
    assert short(is_mark_fresh=False).status(D("0.0001")) is FundingStatus.ESTIMATED
    assert short(rate=None).status(None) is FundingStatus.NO_RATE


def test_of_several_boundaries_the_one_at_this_instant_has_not_passed() -> None:
    kept = hourly()
    kept.pass_to(2 * HOUR, 2 * HOUR)
    assert waiting(kept) == [(1, "4")]


def test_a_boundary_that_a_mark_lets_pass_was_noticed_when_the_mark_came() -> None:
    kept = hourly()
    kept.take_mark(mark("50000", HOUR + 1), HOUR + 9)
    assert [boundary.noticed_at for boundary in kept.waiting] == [HOUR + 9]
