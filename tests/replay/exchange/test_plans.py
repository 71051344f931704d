"""Orders that wait for a price, guard a position or come in parts: when they act, on what, and what is said of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from events.configuration import FeeSetting
from events.terms import NANOSECONDS, OrderKind, Side
from replay.exchange.acts import Correct
from replay.exchange.orders import Order, Refusal, Status, Ticket
from replay.exchange.plans import Attached, Bracket, Ladder, Stop, Twap
from replay.exchange.rules import SelfTrades, VenueRules
from tests.replay.exchange.market import Trader, at, change, snapshot, told, trade

FREE = FeeSetting(maker_rate=Decimal(0), taker_rate=Decimal(0))


def trader(**rules: Any) -> Trader:
    """The last trade was at 60,010; ten are bid at 60,000 and offered at 60,010, twenty more a tick behind."""
    return Trader(rules=VenueRules(fees=FREE, **rules)).hear(snapshot(0), trade(1, 60_010))


def stop(one: Trader, side: Side, qty: int, limit: int, price: int, *, rises: bool, **options: Any) -> Ticket:
    return one.ticket(side, qty, limit, plan=Stop(price=Decimal(price), rises=rises), **options)


def bracket(one: Trader, side: Side, qty: int, profit: int, loss: int, **options: Any) -> Ticket:
    return one.ticket(side, qty, profit, plan=Bracket(stop_price=Decimal(loss)), **options)


def refused(one: Trader, ticket: Ticket) -> tuple[str, str]:
    found = one.venue.create(ticket)
    assert isinstance(found, Refusal), found
    return found.new_order, found.preview


def statuses(one: Trader) -> list[tuple[object, ...]]:
    return [told(r.ticket.client_order_id, r.status.value, r.filled) for r in one.venue.take_reports()]


# Stops.


def test_a_stop_waits_out_of_the_book_until_a_trade_reaches_it() -> None:
    one = trader()
    order = one.order(stop(one, Side.SELL, 3, 59_900, 59_950, rises=False))
    assert statuses(one) == [("mine-1", "PENDING", 0), ("mine-1", "OPEN", 0)]
    one.hear(change(2, bids=[(60_000, 0), (59_995, 0), (59_940, 9)]), trade(3, 59_955))
    assert told(order.is_triggered, order.filled) == (False, 0)
    one.hear(trade(4, 59_950))
    assert told(order.is_triggered, order.status, order.average_price) == (True, Status.FILLED, 59_940)
    assert statuses(one) == [("mine-1", "FILLED", 3)]


def test_a_triggered_stop_is_a_limit_order_and_rests_where_it_cannot_trade() -> None:
    one = trader()
    order = one.order(stop(one, Side.BUY, 3, 60_050, 60_050, rises=True))
    one.hear(change(2, asks=[(60_010, 0), (60_015, 0), (60_070, 9)]), trade(3, 60_060))
    assert told(order.is_triggered, order.status, order.filled) == (True, Status.OPEN, 0)
    one.hear(trade(4, 60_045, 2, Side.SELL))
    assert told(order.filled, order.leaves) == (2, 1)
    assert one.venue.cancel(order.order_id) == ""
    assert one.venue.market.matching.get(order.order_id) is None


def test_the_trade_that_triggers_a_stop_does_not_fill_it() -> None:
    one = trader()
    order = one.order(stop(one, Side.BUY, 3, 60_100, 60_050, rises=True))
    one.hear(change(2, asks=[(60_010, 0), (60_015, 0)]), trade(3, 60_050, 9, Side.SELL))
    assert told(order.is_triggered, order.filled, order.status) == (True, 0, Status.OPEN)


@pytest.mark.parametrize(
    ("side", "limit", "price", "rises", "reasons"),
    [
        (Side.SELL, 59_900, 60_010, False, ("STOP_ALREADY_TRIGGERED", "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE")),
        (Side.BUY, 60_100, 60_010, True, ("STOP_ALREADY_TRIGGERED", "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE")),
        (Side.BUY, 60_100, 60_101, True, ("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_STOP_PRICE_PRECISION")),
        (Side.BUY, 60_100, 60_105, True, ("UNKNOWN_FAILURE_REASON", "PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE")),
        (Side.SELL, 59_900, 59_895, False, ("UNKNOWN_FAILURE_REASON", "PREVIEW_STOP_PRICE_BELOW_LIMIT_PRICE")),
    ],
)
def test_a_stop_on_the_wrong_side_is_refused(
    side: Side, limit: int, price: int, rises: bool, reasons: tuple[str, str]
) -> None:
    one = trader()
    assert refused(one, stop(one, side, 1, limit, price, rises=rises)) == reasons


def test_a_stop_ends_at_its_time_waiting_or_triggered() -> None:
    one = trader()
    kind = OrderKind.LIMIT_GTC
    waits = one.order(stop(one, Side.SELL, 1, 59_000, 59_000, rises=False, kind=kind, ends_s=50))
    rests = one.order(stop(one, Side.BUY, 1, 60_050, 60_050, rises=True, kind=kind, ends_s=60))
    one.hear(change(2, asks=[(60_010, 0), (60_015, 0), (60_090, 5)]), trade(3, 60_080))
    assert told(rests.status, rests.is_triggered) == (Status.OPEN, True)
    one.venue.advance(at(60) + 1)
    assert told(waits.status, rests.status) == (Status.EXPIRED, Status.EXPIRED)
    assert one.venue.ledger.open == {}
    one.hear(trade(70, 58_000))
    assert told(waits.is_triggered, one.venue.floor.waiting) == (False, {})


def test_a_waiting_stop_binds_margin_as_its_limit_would() -> None:
    one = Trader(rules=VenueRules(fees=FREE, start_cash=Decimal(400))).hear(snapshot(0), trade(1, 60_010))
    one.order(stop(one, Side.BUY, 2, 60_100, 60_050, rises=True))
    assert refused(one, one.ticket(Side.BUY, 1, 50_000))[0] == "INSUFFICIENT_FUNDS"


# Brackets.


def test_a_brackets_profit_leg_rests_and_closes_the_position() -> None:
    one = trader()
    one.buy(4)
    order = one.order(bracket(one, Side.SELL, 4, 60_100, 59_900))
    one.hear(trade(2, 60_105, 9))
    assert told(order.status, order.is_triggered, one.venue.holding.qty) == (Status.FILLED, False, 0)


def test_a_brackets_stop_leg_replaces_the_profit_leg_and_goes_five_percent_through() -> None:
    one = trader()
    one.buy(4)
    order = one.order(bracket(one, Side.SELL, 4, 60_100, 59_900))
    one.hear(change(2, bids=[(60_000, 0), (59_995, 0), (56_910, 2)]), trade(3, 59_890))
    assert told(order.is_triggered, order.filled, order.average_price) == (True, 2, 56_910)
    resting = one.venue.market.matching.get(order.order_id)
    assert resting is not None
    assert told(resting.price, resting.leaves) == (56_905, 2)
    one.hear(trade(4, 60_105, 9))
    assert told(order.status, order.filled, one.venue.holding.qty) == (Status.FILLED, 4, 0)


def test_a_short_is_guarded_the_other_way_round() -> None:
    one = trader()
    one.sell(2)
    order = one.order(bracket(one, Side.BUY, 2, 59_900, 60_100))
    one.hear(change(2, asks=[(60_010, 0), (60_015, 0), (60_200, 9)]), trade(3, 60_100))
    assert told(order.status, order.average_price, one.venue.holding.qty) == (Status.FILLED, 60_200, 0)


def test_brackets_close_no_more_than_there_is() -> None:
    one = trader()
    one.buy(5)
    first = one.order(bracket(one, Side.SELL, 3, 60_100, 59_900))
    second = one.order(bracket(one, Side.SELL, 2, 60_200, 59_800))
    unknown = ("UNKNOWN_FAILURE_REASON", "PREVIEW_BRACKET_ORDER_SIZE_EXCEEDS_POSITION")
    assert refused(one, bracket(one, Side.SELL, 1, 60_300, 59_700)) == unknown
    one.venue.take_reports()
    one.sell(1)
    assert told(first.leaves, second.leaves) == (3, 1)
    assert [report.ticket.qty for report in one.venue.take_reports() if report is not None][-1] == 1
    one.sell(3)
    assert told(first.leaves, second.status, one.venue.holding.qty) == (1, Status.CANCELLED, 1)
    one.sell(2)
    assert told(first.status, one.venue.holding.qty) == (Status.CANCELLED, -1)
    assert first.cancel_message == "The position it closes is gone"


def test_a_bracket_without_a_position_to_close_is_refused() -> None:
    one = trader()
    reasons = ("UNKNOWN_FAILURE_REASON", "PREVIEW_BRACKET_ORDER_SIZE_EXCEEDS_POSITION")
    assert refused(one, bracket(one, Side.SELL, 1, 60_100, 59_900)) == reasons
    one.sell(1)
    assert refused(one, bracket(one, Side.SELL, 1, 60_100, 59_900)) == reasons


@pytest.mark.parametrize(
    ("profit", "loss", "reason"),
    [
        (59_900, 60_100, "INVALID_BRACKET_PRICES"),
        (60_010, 59_900, "TAKE_PROFIT_PRICE_TOO_LOW"),
        (60_100, 60_010, "STOP_LOSS_PRICE_TOO_HIGH"),
        (60_102, 59_900, "INVALID_PRICE_PRECISION"),
        (60_100, 59_902, "INVALID_PRICE_PRECISION"),
    ],
)
def test_legs_on_the_wrong_side_or_off_the_grid_are_refused(profit: int, loss: int, reason: str) -> None:
    one = trader()
    one.buy(1)
    assert refused(one, bracket(one, Side.SELL, 1, profit, loss))[0] == reason


def test_a_bracket_binds_no_margin_besides_the_positions_own() -> None:
    one = Trader(rules=VenueRules(fees=FREE, start_cash=Decimal(301))).hear(snapshot(0), trade(1, 60_010))
    one.buy(2)
    one.order(bracket(one, Side.SELL, 2, 60_100, 59_900))
    assert one.sell(2).status is Status.FILLED


def test_a_bracket_that_hangs_on_an_order_begins_with_its_first_fill_and_grows() -> None:
    one = trader()
    legs = Attached(limit_price=Decimal(60_100), stop_price=Decimal(59_900))
    parent = one.order(one.ticket(Side.BUY, 5, 59_990, attached=legs))
    assert parent.attached_order_id not in one.venue.ledger.by_id
    one.hear(trade(2, 59_985, 2, Side.SELL))
    hanging = one.venue.ledger.by_id[parent.attached_order_id]
    assert told(hanging.ticket.side, hanging.leaves, hanging.originating_order_id) == (Side.SELL, 2, parent.order_id)
    one.hear(trade(3, 59_985, 2, Side.SELL))
    assert told(hanging.leaves, hanging.ticket.configuration["trigger_bracket_gtc"]["base_size"]) == (4, "4")
    one.venue.cancel(parent.order_id)
    one.hear(trade(4, 60_105, 9))
    assert told(hanging.status, hanging.filled, one.venue.holding.qty) == (Status.FILLED, 4, 0)


def test_a_bracket_whose_loss_was_reached_before_it_could_begin_closes_at_once() -> None:
    one = trader()
    legs = Attached(limit_price=Decimal(60_100), stop_price=Decimal(59_970))
    parent = one.order(one.ticket(Side.BUY, 2, 59_990, attached=legs))
    one.hear(trade(2, 59_900, 5, Side.SELL))
    hanging = one.venue.ledger.by_id[parent.attached_order_id]
    assert told(hanging.is_triggered, hanging.status, one.venue.holding.qty) == (True, Status.FILLED, 0)


def test_legs_that_hang_on_an_order_lie_on_both_sides_of_it() -> None:
    one = trader()
    for profit, loss, reason in (
        (59_980, 59_900, "INVALID_BRACKET_LIMIT_PRICE"),
        (60_100, 59_995, "INVALID_BRACKET_STOP_TRIGGER_PRICE"),
    ):
        legs = Attached(limit_price=Decimal(profit), stop_price=Decimal(loss))
        assert refused(one, one.ticket(Side.BUY, 5, 59_990, attached=legs))[0] == reason


# Parts.


def twap(one: Trader, qty: int, limit: int, *, starts_s: float, ends_s: float, buckets: int) -> Ticket:
    bucket_ns = int((ends_s - starts_s) * NANOSECONDS) // buckets
    plan = Twap(starts_at=at(starts_s), buckets=buckets, bucket_ns=bucket_ns)
    return one.ticket(Side.BUY, qty, limit, plan=plan, kind=OrderKind.LIMIT_GTC, ends_s=ends_s)


def test_an_order_over_time_waits_for_its_start_and_enters_part_by_part() -> None:
    one = trader()
    order = one.order(twap(one, 10, 60_010, starts_s=10, ends_s=50, buckets=4))
    assert order.status is Status.QUEUED
    entered = []
    for seconds in (9, 10.5, 20.5, 30.5, 40.5):
        one.hear(change(seconds - 0.2, asks=[(60_010, 10)]))
        one.venue.advance(at(seconds))
        entered.append(order.filled)
    assert entered == [0, 2, 5, 7, 10]
    assert told(order.status, order.fills) == (Status.FILLED, 4)


def test_what_a_part_left_goes_on_with_the_next_and_ends_with_the_order() -> None:
    one = trader()
    order = one.order(twap(one, 4, 59_900, starts_s=0, ends_s=40, buckets=4))
    assert told(order.status, order.filled) == (Status.OPEN, 0)
    one.venue.advance(at(25))
    resting = one.venue.market.matching.get(order.order_id)
    assert resting is not None
    assert told(resting.leaves, order.leaves) == (3, 4)
    one.hear(trade(26, 59_895, 2, Side.SELL))
    one.venue.advance(at(41))
    assert told(order.status, order.filled, one.venue.market.matching.bids) == (Status.EXPIRED, 2, [])


@pytest.mark.parametrize(
    ("qty", "starts_s", "ends_s", "buckets", "reason"),
    [
        (3, 10, 50, 4, "BUCKET_SIZE_SMALLER_THAN_BASE_MIN"),
        (9, 10, 12, 4, "DURATION_TOO_SMALL"),
        (9, 10, 10 + 31 * 86_400, 4, "DURATION_TOO_LARGE"),
        (9, -9, 0, 3, "END_TIME_IS_IN_THE_PAST"),
    ],
)
def test_parts_that_are_too_small_or_too_long_are_refused(
    qty: int, starts_s: float, ends_s: float, buckets: int, reason: str
) -> None:
    one = trader()
    assert refused(one, twap(one, qty, 60_010, starts_s=starts_s, ends_s=ends_s, buckets=buckets))[0] == reason


def ladder(one: Trader, qty: int, lowest: int, highest: int, count: int, **sizes: Any) -> Ticket:
    plan = Ladder(count=count, lowest=Decimal(lowest), highest=Decimal(highest), **sizes)
    return one.ticket(Side.BUY, qty, highest, plan=plan)


def test_a_scaled_order_rests_as_a_ladder_and_stays_one_order() -> None:
    one = trader()
    order = one.order(ladder(one, 10, 59_900, 60_000, 3, ratio=Decimal(3), falls=True))
    rungs = [told(r.price, r.leaves) for r in one.venue.market.matching.bids]
    assert rungs == [(60_000, 2), (59_950, 3), (59_900, 5)]
    one.hear(trade(2, 59_940, 4, Side.SELL))
    assert told(order.filled, order.status, order.fills) == (4, Status.OPEN, 2)
    assert one.venue.cancel(order.order_id) == ""
    assert told(one.venue.market.matching.bids, order.leaves) == ([], 0)


def test_the_rungs_that_meet_the_market_take_from_it() -> None:
    one = trader()
    order = one.order(ladder(one, 6, 59_990, 60_010, 3))
    assert told(order.filled, order.average_price, [r.price for r in one.venue.market.matching.bids]) == (
        2,
        60_010,
        [60_000, 59_990],
    )


@pytest.mark.parametrize(
    ("qty", "lowest", "highest", "count", "sizes", "reason"),
    [
        (10, 59_900, 60_000, 1, {}, "SCALED_PARAM_INFEASIBLE"),
        (10, 60_000, 59_900, 3, {}, "SCALED_PARAM_INFEASIBLE"),
        (10, 59_900, 60_000, 3, {"difference": Decimal(9)}, "SCALED_PARAM_INFEASIBLE"),
        (2, 59_900, 60_000, 3, {}, "SCALED_MIN_ORDER_VIOLATION"),
        (500, 59_900, 60_000, 101, {}, "SCALED_MAX_ORDER_VIOLATION"),
        (10, 59_901, 60_000, 3, {}, "INVALID_PRICE_PRECISION"),
    ],
)
def test_a_ladder_that_cannot_be_is_refused(
    qty: int, lowest: int, highest: int, count: int, sizes: dict[str, Decimal], reason: str
) -> None:
    one = trader()
    assert refused(one, ladder(one, qty, lowest, highest, count, **sizes))[0] == reason


# All of them.


def test_only_plain_limit_orders_are_edited() -> None:
    one = trader()
    one.buy(1)
    for ticket in (
        stop(one, Side.BUY, 1, 60_100, 60_050, rises=True),
        bracket(one, Side.SELL, 1, 60_100, 59_900),
        ladder(one, 4, 59_900, 59_950, 2),
    ):
        order = one.order(ticket)
        found = one.venue.edit(order.order_id, price=Decimal(59_000), size=Decimal(2))
        assert found is not None
        assert found.edit == "ONLY_LIMIT_ORDER_EDITS_SUPPORTED"


def test_a_liquidation_cancels_what_waits_and_what_is_in_parts() -> None:
    one = trader()
    one.buy(2)
    orders = [
        one.order(stop(one, Side.BUY, 1, 60_100, 60_050, rises=True)),
        one.order(bracket(one, Side.SELL, 2, 60_100, 59_900)),
        one.order(ladder(one, 4, 59_900, 59_950, 2)),
        one.order(twap(one, 4, 59_000, starts_s=10, ends_s=50, buckets=2)),
    ]
    one.venue.liquidate()
    assert {order.status for order in orders} == {Status.CANCELLED}
    assert told(one.venue.holding.qty, one.venue.market.matching.bids, one.venue.floor.due_at) == (0, [], None)


@pytest.mark.parametrize("rule", ["refuse_new", "cancel_resting"])
def test_an_order_that_would_trade_with_an_own_one_is_refused_or_cancels_it(rule: SelfTrades) -> None:
    one = trader(self_trades=rule)
    rests = one.order(one.ticket(Side.BUY, 1, 60_005, prevention="mine"))
    other = one.order(one.ticket(Side.BUY, 1, 60_000, prevention="other"))
    ticket = one.ticket(Side.SELL, 1, 60_005, prevention="mine")
    if rule == "refuse_new":
        assert refused(one, ticket)[0] == "COMMANDER_REJECTED_NEW_ORDER"
        assert rests.status is Status.OPEN
    else:
        assert isinstance(one.venue.create(ticket), Order)
        assert told(rests.status, rests.cancel_message) == (Status.CANCELLED, "Self-trade prevention")
    assert other.status is Status.OPEN


def test_a_fill_that_is_taken_back_cuts_the_bracket_on_it() -> None:
    one = trader()
    one.buy(2)
    one.buy(1)
    order = one.order(bracket(one, Side.SELL, 3, 60_100, 59_900))
    one.venue.act(Correct(entry_id=one.venue.ledger.fills[0].entry_id))
    assert told(one.venue.holding.qty, order.leaves) == (1, 1)
