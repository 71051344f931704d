"""What a reader may believe of marks."""

from __future__ import annotations

from events.market import MarkUpdated, MarkWentStale
from events.record import AnyEvent, Record
from events.session import ClockSkewMeasured
from events.terms import MarkSource
from projections.marks import Marks
from tests.streams.desk import MINUTE, SECOND
from tests.streams.facts import BIP, D, started

AT = 1_000 * SECOND
UPDATED = MarkUpdated(product=BIP, price=D(50_000), source=MarkSource.MID, exchange_at=AT)
STALE = MarkWentStale(product=BIP, age_ms=1, reason="the market feed was lost")
SKEWED = ClockSkewMeasured(skew_ns=3 * SECOND)


def folded(*events: AnyEvent) -> Marks:
    marks = Marks()
    for seq, event in enumerate(events, 1):
        marks.fold(Record(seq=seq, at=AT, by="marks", event=event))
    return marks


def test_a_mark_that_was_never_said_is_unknown() -> None:
    marks = folded()
    assert marks.mark(BIP) is None
    assert marks.last(BIP) is None
    assert marks.price(BIP) is None
    assert marks.age_s(BIP, AT) is None
    assert not marks.is_fresh(BIP, AT)


def test_a_mark_stays_fresh_until_it_is_said_to_be_stale() -> None:
    assert folded(UPDATED).is_fresh(BIP, AT + 60 * MINUTE)


def test_a_stale_mark_is_no_mark_to_trade_on_but_is_still_known() -> None:
    marks = folded(UPDATED, STALE)
    assert marks.mark(BIP) is None
    assert marks.stale == {BIP: STALE}
    assert not marks.is_fresh(BIP, AT)
    assert marks.last(BIP) == UPDATED
    assert marks.price(BIP) == D(50_000)


def test_an_update_ends_a_spell_of_staleness() -> None:
    assert folded(UPDATED, STALE, UPDATED).mark(BIP) == UPDATED


def test_a_mark_was_not_fresh_before_it_was_made() -> None:
    assert not folded(UPDATED).is_fresh(BIP, AT - 2 * MINUTE)


def test_the_age_of_a_mark_counts_from_the_exchanges_time_and_is_never_negative() -> None:
    marks = folded(UPDATED)
    assert marks.age_s(BIP, AT + 1_500_000_000) == D("1.5")
    assert marks.age_s(BIP, AT - 1) == D(0)


def test_the_age_of_a_mark_is_read_from_the_exchanges_clock_which_may_go_before_ours() -> None:
    marks = folded(UPDATED, SKEWED)
    assert marks.age_s(BIP, AT) == D(3)


def test_a_skew_measured_in_an_earlier_session_says_nothing_about_this_one() -> None:
    assert folded(UPDATED, SKEWED, started()).age_s(BIP, AT) == D(0)


def test_a_mark_may_be_ahead_of_the_exchanges_clock_by_a_minute_and_no_more() -> None:
    marks = folded(UPDATED, SKEWED)
    assert marks.is_fresh(BIP, AT - 63 * SECOND)
    assert not marks.is_fresh(BIP, AT - 63 * SECOND - 1)
