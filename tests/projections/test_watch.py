"""What a strategy keeps in sight: marks at even intervals, and its position since it was entered."""

from __future__ import annotations

import msgspec
import pytest

from events.market import MarkHistoryReported
from events.orders import InternalCrossed, OrderFilled, OrderSubmitted
from events.position import AdjustmentApplied
from events.record import AnyEvent, Record
from events.session import ClockTicked
from events.terms import OrderKind, Side
from projections.account import Account
from projections.exits import Exit
from projections.watch import Watch
from tests.streams.desk import MINUTE, MONDAY
from tests.streams.facts import BIP, ONE, D, filled, listed, started
from tests.streams.orders import marked


class Looking:
    """An account whose every position is the watcher's own, one record after the other."""

    def __init__(self) -> None:
        self.account, self.watch = Account(), Watch()
        self.seq, self.at = 0, MONDAY
        self.say(started(), listed(BIP))
        self.watch.turn_to(BIP, self.account.portfolio.positions.of(BIP))

    def say(self, *events: AnyEvent, after: int = 0) -> Watch:
        self.at += after
        for event in events:
            self.seq += 1
            record = Record(seq=self.seq, at=self.at, by="test", event=event)
            self.account.fold(record)
            self.watch.fold(record, self.account, self.account.portfolio.positions.of(BIP))
        return self.watch

    def sample(self, price: str) -> Watch:
        return self.say(marked(price), ClockTicked(), after=MINUTE)


def bought(qty: str, price: str, *, at: int = MONDAY, order: str = "o-1") -> OrderFilled:
    return filled(Side.BUY, qty, price, at=at, order=order)


def sold(qty: str, price: str, *, at: int = MONDAY, order: str = "o-1") -> OrderFilled:
    return filled(Side.SELL, qty, price, at=at, order=order)


def closes(*minutes_and_prices: tuple[int, str]) -> MarkHistoryReported:
    found = tuple((MONDAY + minute * MINUTE, D(price)) for minute, price in minutes_and_prices)
    return MarkHistoryReported(product=BIP, interval_s=60, closes=found, exchange_at=MONDAY)


def submitted(order: str, proposal: str) -> OrderSubmitted:
    return OrderSubmitted(
        order=order,
        proposal=proposal,
        strategy="baseline",
        product=BIP,
        side=Side.BUY,
        qty=D(9),
        kind=OrderKind.LIMIT_IOC,
        limit_price=D(50_000),
        reduce_only=False,
        expires_at=MONDAY + MINUTE,
        reference_price=D(50_000),
    )


def crossed(*, buyer: str, seller: str) -> InternalCrossed:
    return InternalCrossed(
        product=BIP,
        buyer=buyer,
        seller=seller,
        buy_proposal="bought-by",
        sell_proposal="sold-by",
        qty=D(1),
        price=D(50_000),
        value=D(500),
        buyer_qty=D(1),
        seller_qty=D(-1),
    )


def test_the_mark_is_sampled_once_an_interval() -> None:
    looking = Looking()
    looking.sample("50000")
    looking.say(marked("50010"), ClockTicked())
    assert looking.sample("50020").marks == [D(50_000), D(50_020)]


def test_a_missing_sample_begins_the_window_anew() -> None:
    looking = Looking()
    looking.sample("50000")
    looking.say(after=MINUTE)
    assert looking.sample("50020").marks == [D(50_020)]


def test_closes_stand_in_for_the_samples_before_the_first_as_far_back_as_they_reach_without_a_gap() -> None:
    looking = Looking()
    looking.say(closes((1, "1"), (3, "3"), (4, "4")), after=4 * MINUTE)
    watch = looking.sample("50000")
    assert (watch.marks, watch.from_candles) == ([D(3), D(4), D(50_000)], 2)


def test_closes_that_come_after_the_first_sample_stand_in_once() -> None:
    looking = Looking()
    looking.say(after=4 * MINUTE)
    looking.sample("50000")
    looking.say(closes((3, "3"), (4, "4")))
    watch = looking.say(closes((2, "2"), (3, "3"), (4, "4")))
    assert (watch.marks, watch.from_candles) == ([D(3), D(4), D(50_000)], 2)


def test_closes_without_a_sample_are_no_window() -> None:
    watch = Looking().say(closes((0, "3")))
    assert (watch.marks, watch.from_candles) == ([], 0)


def test_a_close_between_intervals_or_of_another_product_stands_for_nothing() -> None:
    looking = Looking()
    between = msgspec.structs.replace(closes((4, "4")), closes=((MONDAY + 4 * MINUTE + 1, D(4)),))
    other = msgspec.structs.replace(closes((4, "4")), product=ONE)
    looking.say(between, other, after=4 * MINUTE)
    assert looking.sample("50000").marks == [D(50_000)]


def test_a_close_is_kept_by_the_number_of_the_interval_it_stands_for() -> None:
    (kept,) = Looking().say(closes((3, "3"))).closes
    assert kept == (MONDAY // MINUTE + 3, D(3))
    assert isinstance(kept[0], int)


def test_what_was_seen_of_another_product_is_forgotten() -> None:
    looking = Looking()
    looking.sample("50000")
    looking.say(bought("2", "50000"), closes((1, "1")))
    looking.watch.leaving = Exit(reason="Stop")
    looking.watch.turn_to("", looking.account.portfolio.positions.of(BIP))
    assert looking.watch == Watch(looked_at=looking.watch.looked_at)


def test_the_best_mark_follows_a_long_up_and_a_short_down_from_the_entry() -> None:
    looking = Looking()
    looking.say(bought("2", "50000"))
    assert [looking.say(marked(price)).best_mark for price in ("49000", "51000", "50500")] == [50_000, 51_000, 51_000]
    looking.say(sold("5", "50000", order="o-2"))
    assert [looking.say(marked(price)).best_mark for price in ("51000", "49000", "49500")] == [50_000, 49_000, 49_000]
    assert looking.say(marked("10", product=ONE)).best_mark == 49_000


def test_an_entry_counts_by_its_proposal_once_however_many_fills_and_orders_it_took() -> None:
    looking = Looking()
    for order in ("o-1", "o-2"):
        fill = bought("1", "50000", order=order)
        looking.say(submitted(order, "p-1"), fill)
    assert looking.watch.entries == ["p-1"]


def test_an_order_nobody_submitted_counts_by_its_own_name() -> None:
    fill = bought("1", "50000")
    assert Looking().say(fill).entries == [fill.order]


@pytest.mark.parametrize(("signed", "proposal"), [(1, "bought-by"), (-1, "sold-by")])
def test_what_was_crossed_counts_by_the_proposal_of_ones_own_side(signed: int, proposal: str) -> None:
    looking = Looking()
    own = looking.account.portfolio.positions.of(BIP)
    own.qty = D(signed)
    record = Record(seq=9, at=MONDAY, by="test", event=crossed(buyer="a", seller="b"))
    looking.watch.fold(record, looking.account, own)
    assert looking.watch.entries == [proposal]


def test_what_reduces_is_no_entry_and_a_flat_position_has_none() -> None:
    looking = Looking()
    looking.say(bought("2", "50000", order="o-1"))
    assert looking.say(sold("1", "50000", order="o-2")).entries == ["o-1"]
    assert looking.say(sold("1", "50000", order="o-3")).entries == []
    assert (looking.watch.held, looking.watch.best_mark) == (D(0), None)


def test_a_flip_is_a_new_entry_and_ends_what_was_being_left() -> None:
    looking = Looking()
    looking.say(bought("1", "50000", order="o-1"))
    looking.watch.leaving = Exit(reason="Stop")
    watch = looking.say(sold("2", "49000", order="o-2"))
    assert (watch.entries, watch.best_mark, watch.leaving) == (["o-2"], D(49_000), None)


def test_one_contract_more_is_an_increase_and_no_opening() -> None:
    looking = Looking()
    looking.say(sold("1", "50000", order="o-1"), marked("49000"))
    watch = looking.say(sold("1", "48000", order="o-2"))
    assert (watch.entries, watch.best_mark) == (["o-1", "o-2"], D(49_000))


def test_a_fraction_more_of_a_fraction_is_an_increase_and_no_opening() -> None:
    looking = Looking()
    looking.say(bought("0.5", "50000", order="o-1"), marked("51000"))
    watch = looking.say(bought("0.5", "50500", order="o-2"))
    assert (watch.entries, watch.best_mark) == (["o-1", "o-2"], D(51_000))


def test_a_position_that_is_being_left_takes_its_next_step_at_once_when_some_of_it_was_filled() -> None:
    looking = Looking()
    looking.say(bought("3", "50000"))
    leaving = looking.watch.leaving = Exit(reason="Stop", step=5, next_at=looking.at + MINUTE)
    looking.say(bought("1", "50000", order="o-2"))
    assert (leaving.step, leaving.next_at) == (5, looking.at + MINUTE)
    looking.say(sold("2", "50000", order="o-3"))
    assert (leaving.step, leaving.next_at) == (1, 0)


def test_an_adjustment_opens_a_position_that_no_proposal_entered() -> None:
    watch = Looking().say(
        AdjustmentApplied(adjustment="adj", product=BIP, qty=D(2), price=D(50_000), value=D(1_000), evidence=(1, 2))
    )
    assert (watch.held, watch.entries, watch.best_mark) == (D(2), [], D(50_000))
