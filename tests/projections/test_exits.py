"""How a position is left: step by step, reaching further each time."""

from __future__ import annotations

import pytest

from events.orders import OrderProposed
from events.record import AnyEvent, Record
from events.terms import NANOSECONDS, OrderKind, Side
from projections.account import Account
from projections.exits import Exit, StepOrder, step_order, step_proposal
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, D, filled, listed, started
from tests.streams.orders import marked


def step(number: int, *, side: Side = Side.SELL, is_fresh: bool = True, may_close: bool = True) -> StepOrder:
    return step_order(
        number,
        side=side,
        price=D(50_000),
        is_fresh=is_fresh,
        guard_bps=D(50),
        increment=D(5),
        may_close=may_close,
    )


def limit(price: int) -> StepOrder:
    return StepOrder(OrderKind.LIMIT_IOC, D(price))


CLOSE = StepOrder(OrderKind.CLOSE_POSITION, None)


def test_each_step_reaches_further_and_from_the_fifth_on_every_other_one_asks_the_exchange_to_close() -> None:
    assert [step(number) for number in range(8)] == [
        limit(49_750),
        limit(49_500),
        limit(49_250),
        limit(49_000),
        CLOSE,
        limit(48_500),
        CLOSE,
        limit(48_000),
    ]
    assert step(0, side=Side.BUY) == limit(50_250)


def test_a_stale_mark_widens_the_band_by_two_steps() -> None:
    assert [step(number, is_fresh=False) for number in (0, 1)] == [limit(49_250), limit(49_000)]


def test_what_is_not_all_ours_to_close_is_never_closed_by_the_exchange() -> None:
    assert step(4, may_close=False) == limit(48_750)


@pytest.mark.parametrize(("may_close", "order"), [(True, CLOSE), (False, StepOrder(OrderKind.LIMIT_IOC, None))])
def test_without_any_price_only_the_exchange_can_close(may_close: bool, order: StepOrder) -> None:
    found = step_order(
        0, side=Side.SELL, price=None, is_fresh=False, guard_bps=D(50), increment=D(5), may_close=may_close
    )
    assert found == order


def test_the_exchange_is_asked_to_close_where_it_may_be_unless_said_otherwise() -> None:
    found = step_order(0, side=Side.SELL, price=None, is_fresh=True, guard_bps=D(50), increment=D(5))
    assert found == CLOSE


def test_the_pause_after_a_step_in_vain_doubles_up_to_half_a_minute() -> None:
    leaving, pauses = Exit(reason="stop"), []
    for _ in range(7):
        leaving.took_step(7)
        pauses.append((leaving.next_at - 7) // NANOSECONDS)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert leaving.step == 7


def test_what_trades_is_followed_at_once_at_no_more_than_the_second_band() -> None:
    leaving = Exit(reason="stop", step=5, next_at=99)
    leaving.got_filled()
    assert (leaving.step, leaving.next_at) == (1, 0)
    fresh = Exit(reason="stop", next_at=99)
    fresh.got_filled()
    assert (fresh.step, fresh.next_at) == (0, 0)


def account(*events: AnyEvent) -> Account:
    found = Account()
    for seq, event in enumerate((started(), *events), 1):
        found.fold(Record(seq=seq, at=MONDAY + seq, by="any", event=event))
    return found


LONG = (listed(), marked("50000"), filled(Side.BUY, "4", "50000", at=MONDAY))
SHORT = (listed(), marked("50000"), filled(Side.SELL, "4", "50000", at=MONDAY))


def proposal(held: Account, number: int = 0, own: str | None = None) -> OrderProposed | None:
    return step_proposal(
        held,
        BIP,
        number,
        proposal="p-1",
        strategy="baseline",
        reason="stop",
        at=MONDAY + 9,
        own=None if own is None else D(own),
    )


def test_the_step_out_of_a_position_is_all_of_it_the_other_way_and_only_reduces() -> None:
    guard = account(*LONG).limits.limits.slippage_guard_bps
    expected = step_order(1, side=Side.SELL, price=D(50_000), is_fresh=True, guard_bps=guard, increment=D(5))
    assert proposal(account(*LONG), 1) == OrderProposed(
        proposal="p-1",
        strategy="baseline",
        product=BIP,
        side=Side.SELL,
        qty=D(4),
        kind=OrderKind.LIMIT_IOC,
        limit_price=expected.limit_price,
        reduce_only=True,
        as_of=MONDAY + 9,
        reason="stop",
        mark=D(50_000),
    )
    back = proposal(account(*SHORT))
    assert back is not None
    assert (back.side, back.qty, back.reduce_only) == (Side.BUY, D(4), True)
    closing = proposal(account(*LONG), 4)
    assert closing is not None
    assert (closing.kind, closing.limit_price) == (OrderKind.CLOSE_POSITION, None)


def test_nobody_leaves_what_is_not_held_or_not_listed() -> None:
    assert proposal(account(listed(), marked("50000"))) is None
    assert proposal(account(marked("50000"), LONG[2])) is None
    assert proposal(account(*LONG), own="0") is None


def test_without_any_price_a_part_cannot_be_left_and_the_whole_is_closed_by_the_exchange() -> None:
    unseen = account(listed(), LONG[2])
    whole = proposal(unseen)
    assert whole is not None
    assert (whole.kind, whole.mark) == (OrderKind.CLOSE_POSITION, None)
    assert proposal(unseen, own="2") is None


@pytest.mark.parametrize(
    ("own", "side", "is_contained"),
    [("2", Side.SELL, True), ("4", Side.SELL, True), ("5", Side.SELL, False), ("-2", Side.BUY, False)],
)
def test_a_part_that_the_account_does_not_contain_reaches_no_further_than_an_entry(
    own: str, side: Side, is_contained: bool
) -> None:
    guard = account(*LONG).limits.limits.slippage_guard_bps
    entry = step_order(0, side=side, price=D(50_000), is_fresh=True, guard_bps=guard, increment=D(5))
    found = proposal(account(*LONG), 4, own=own)
    assert found is not None
    assert (found.side, found.qty, found.reduce_only) == (side, abs(D(own)), is_contained)
    assert found.kind is OrderKind.LIMIT_IOC
    assert (found.limit_price == entry.limit_price) is not is_contained
