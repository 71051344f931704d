"""The paper exchange takes orders as an exchange does, later than they are sent, and reports what became of them."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from actors.behaviours.paper_orders import GTD_LIFE_NS
from events.catalog import ProductListed
from events.event import Event
from events.feeds import FeedLost
from events.orders import CancelRejected, OrderRejected, OrderReported, OrderSubmitted
from events.session import ClockTicked
from events.terms import NANOSECONDS, OrderKind, OrderStatus, Side
from tests.actors.paper_rig import LATENCY, PRODUCT, RULES, START, Bench, book, cancel, order, reports, trade

D = Decimal
SECOND = NANOSECONDS


def only(said: list[Event]) -> OrderReported:
    (report,) = reports(said)
    return report


def rejection(said: list[Event]) -> OrderRejected:
    (event,) = said
    assert isinstance(event, OrderRejected)
    return event


def test_an_order_takes_effect_at_the_first_market_record_after_its_latency() -> None:
    bench = Bench.open()
    sent = bench.at
    assert bench.tell(order()) == []
    assert bench.tell(book(), at=sent + LATENCY - 1) == []
    assert only(bench.tell(book(), at=sent + LATENCY)).status is OrderStatus.FILLED


def test_an_order_takes_effect_at_a_tick_of_the_clock_where_the_market_is_quiet() -> None:
    bench = Bench.open()
    bench.tell(order())
    assert only(bench.tell(ClockTicked(), at=bench.at + SECOND)).exchange_at == START + SECOND


def test_an_order_sees_the_market_after_the_record_that_lets_it_in() -> None:
    bench = Bench.open()
    bench.tell(order(qty=1))
    report = only(bench.tell(book(bid=50_000, ask=50_010), at=bench.at + LATENCY))
    assert report.filled_value == D("500.10")


def test_a_record_of_another_product_lets_no_order_in() -> None:
    bench = Bench.open()
    bench.tell(order())
    other = msgspec.structs.replace(book(), product="OTHER")
    assert bench.tell(other, at=bench.at + LATENCY) == []


def test_a_report_is_cumulative_and_its_value_holds_the_contract_size() -> None:
    report = only(Bench.open().submit(order(qty=15)))
    assert (report.status, report.filled_qty, report.qty) == (OrderStatus.FILLED, D(15), D(15))
    assert report.filled_value == (10 * D(50_005) + 5 * D(50_010)) * D("0.01")
    assert report.order == "o-1"
    assert report.exchange_order


def test_a_taker_pays_the_takers_rate_and_an_amount_per_contract() -> None:
    report = only(Bench.open().submit(order(qty=2)))
    assert report.fees == D("0.0008") * D("1000.10") + 2 * D("0.14")


def test_what_an_ioc_cannot_get_is_cancelled() -> None:
    report = only(Bench.open().submit(order(qty=15, limit=50_005)))
    assert (report.status, report.filled_qty) == (OrderStatus.CANCELLED, D(10))


def test_two_orders_of_one_moment_do_not_take_the_same_depth() -> None:
    bench = Bench.open()
    bench.tell(order("first", qty=10, limit=50_005), order("second", qty=10, limit=50_005))
    said = reports(bench.tell(ClockTicked(), at=bench.at + LATENCY))
    assert [(report.order, report.filled_qty) for report in said] == [("first", D(10)), ("second", D(0))]


def test_two_records_of_one_turn_let_an_order_in_once() -> None:
    bench = Bench.open()
    bench.tell(order(qty=10, limit=50_005))
    said = bench.tell(ClockTicked(), book(), at=bench.at + LATENCY)
    assert only(said).filled_qty == 10


def test_two_orders_let_in_by_two_records_of_one_turn_share_the_depth() -> None:
    bench = Bench.open()
    bench.tell(order("first", qty=7, limit=50_005))
    bench.tell(order("second", qty=7, limit=50_005, side=Side.BUY))
    quiet = trade(50_000, 1, None, at=bench.at)
    said = reports(bench.tell(quiet, quiet, at=bench.at + LATENCY))
    assert [(report.order, report.filled_qty) for report in said] == [("first", D(7)), ("second", D(3))]


def test_a_limit_order_rests_and_fills_as_a_maker_when_its_turn_comes() -> None:
    bench = Bench.open()
    opened = only(bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=49_995, qty=3)))
    assert (opened.status, opened.filled_qty, opened.fees) == (OrderStatus.OPEN, D(0), D(0))
    at = bench.at + SECOND
    assert reports(bench.tell(trade(49_995, 10, Side.SELL, at=at), at=at)) == []
    part = only(bench.tell(trade(49_995, 2, Side.SELL, at=at + 1), at=at + 1))
    assert (part.status, part.filled_qty) == (OrderStatus.OPEN, D(2))
    whole = only(bench.tell(trade(49_990, 9, Side.SELL, at=at + 2), at=at + 2))
    assert (whole.status, whole.filled_qty) == (OrderStatus.FILLED, D(3))
    assert whole.filled_value == D("1499.85")
    assert whole.fees == D("0.0004") * D("1499.85") + 3 * D("0.14")
    assert part.exchange_order == whole.exchange_order == opened.exchange_order


def test_two_trades_of_one_turn_fill_an_order_no_further_than_its_quantity() -> None:
    bench = Bench.open()
    bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=50_000, qty=3))
    at = bench.at + SECOND
    said = reports(bench.tell(trade(49_990, 2, None, at=at), trade(49_985, 9, None, at=at), at=at))
    assert [(report.filled_qty, report.status) for report in said] == [
        (D(2), OrderStatus.OPEN),
        (D(3), OrderStatus.FILLED),
    ]


def test_a_trade_of_the_same_turn_finds_an_order_that_is_already_filled_no_more() -> None:
    bench = Bench.open()
    bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=50_000, qty=3))
    at = bench.at + SECOND
    said = reports(bench.tell(trade(49_990, 9, None, at=at), trade(49_985, 9, None, at=at), at=at))
    assert [report.filled_qty for report in said] == [D(3)]


def test_a_post_only_order_that_would_take_is_rejected() -> None:
    refused = rejection(Bench.open().submit(order(kind=OrderKind.LIMIT_GTC, limit=50_005, post_only=True)))
    assert refused.code == "INVALID_LIMIT_PRICE_POST_ONLY"


def test_an_order_that_would_meet_our_own_is_rejected() -> None:
    bench = Bench.open()
    bench.submit(order("ours", side=Side.SELL, kind=OrderKind.LIMIT_GTC, limit=50_010))
    assert "ours" in rejection(bench.submit(order("o-2", limit=50_010))).message


def test_an_order_good_till_a_date_expires() -> None:
    bench = Bench.open()
    bench.submit(order(kind=OrderKind.LIMIT_GTD, limit=49_900))
    assert reports(bench.tell(ClockTicked(), at=bench.at + GTD_LIFE_NS - 1)) == []
    assert only(bench.tell(ClockTicked(), at=bench.at + 1)).status is OrderStatus.EXPIRED


def test_an_order_good_till_a_date_of_its_own_expires_then() -> None:
    bench = Bench.open()
    until = bench.at + 90 * SECOND
    bench.submit(msgspec.structs.replace(order(kind=OrderKind.LIMIT_GTD, limit=49_900), good_until=until))
    assert reports(bench.tell(ClockTicked(), at=until - 1)) == []
    assert only(bench.tell(ClockTicked(), at=until)).status is OrderStatus.EXPIRED


def test_a_cancel_takes_effect_after_its_latency_and_keeps_what_was_filled() -> None:
    bench = Bench.open()
    bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=50_005, qty=15))
    report = only(bench.submit(cancel()))
    assert (report.status, report.filled_qty, report.reason) == (OrderStatus.CANCELLED, D(10), "test")
    at = bench.at + SECOND
    assert reports(bench.tell(trade(49_000, 99, Side.SELL, at=at), at=at)) == []


def test_an_order_can_fill_before_its_cancel_arrives() -> None:
    bench = Bench.open()
    bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=49_995, qty=3))
    bench.tell(cancel())
    at = bench.at + 1
    assert only(bench.tell(trade(49_990, 9, Side.SELL, at=at), at=at)).status is OrderStatus.FILLED
    (refused,) = bench.tell(ClockTicked(), at=at + SECOND)
    assert isinstance(refused, CancelRejected)
    assert refused.code == "ORDER_IS_FULLY_FILLED"


def test_a_cancel_of_an_unknown_order_is_rejected() -> None:
    (refused,) = Bench.open().submit(cancel("nobody"))
    assert isinstance(refused, CancelRejected)
    assert refused.code == "UNKNOWN_CANCEL_ORDER"


def test_a_reused_id_gets_the_old_order_and_no_new_one() -> None:
    bench = Bench.open()
    first = only(bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=49_900, qty=3)))
    again = only(bench.submit(order(side=Side.SELL, qty=7, limit=49_995)))
    assert (again.exchange_order, again.side, again.qty, again.filled_qty) == (
        first.exchange_order,
        Side.BUY,
        D(3),
        D(0),
    )


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        (order(product="NOPE"), "INVALID_PRODUCT_ID"),
        (order(qty="1.5"), "INVALID_SIZE_PRECISION"),
        (order(qty=0), "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        (order(qty=5_001), "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
        (order(limit=50_011), "INVALID_PRICE_PRECISION"),
        (order(limit=-5), "INVALID_LIMIT_PRICE"),
        (order(kind=OrderKind.STOP_LIMIT_GTC), "UNSUPPORTED_ORDER_CONFIGURATION"),
    ],
)
def test_an_order_off_the_rules_is_rejected_by_the_exchanges_code(intent: OrderSubmitted, code: str) -> None:
    assert rejection(Bench.open().submit(intent)).code == code


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"session_open": False}, OrderKind.LIMIT_IOC, "INVALID_FCM_TRADING_SESSION"),
        ({"trading_disabled": True}, OrderKind.LIMIT_IOC, "TRADING_DISABLED"),
        ({"cancel_only": True}, OrderKind.LIMIT_IOC, "ORDER_ENTRY_DISABLED"),
        ({"limit_only": True}, OrderKind.MARKET_IOC, "UNSUPPORTED_ORDER_CONFIGURATION"),
        ({"post_only": True}, OrderKind.LIMIT_GTC, "UNSUPPORTED_ORDER_CONFIGURATION"),
        ({"contract_size": None}, OrderKind.LIMIT_IOC, "UNTRADABLE_PRODUCT"),
        ({"contract_expiry": START}, OrderKind.LIMIT_IOC, "UNTRADABLE_PRODUCT"),
        ({"min_notional": D(5_000)}, OrderKind.LIMIT_IOC, "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
    ],
)
def test_a_product_that_does_not_take_orders_says_why(change: dict[str, object], kind: OrderKind, code: str) -> None:
    bench = Bench.open()
    listed = msgspec.convert(msgspec.to_builtins(RULES) | change, ProductListed)
    bench.tell(listed)
    limit = None if kind is OrderKind.MARKET_IOC else 50_010
    assert rejection(bench.submit(order(kind=kind, limit=limit))).code == code


def test_a_market_order_into_an_empty_book_is_rejected() -> None:
    bench = Bench.open()
    bench.tell(FeedLost(feed="market", connection=1, reason="test"))
    refused = rejection(bench.submit(order(kind=OrderKind.MARKET_IOC, limit=None)))
    assert refused.code == "INVALID_NO_LIQUIDITY"


def test_only_the_market_feed_takes_the_books_along() -> None:
    bench = Bench.open()
    bench.tell(FeedLost(feed="user", connection=1, reason="test"))
    assert only(bench.submit(order())).status is OrderStatus.FILLED


def test_a_quiet_market_record_calls_for_no_answer() -> None:
    bench = Bench.open()
    at = bench.at + SECOND
    assert bench.tell(book(at=at), trade(50_000, 1, None, at=at), at=at) == []
    assert PRODUCT in bench.exchange.state.markets
