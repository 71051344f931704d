"""Frames become events: exactly, in order, the aggressor's side, and never half."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.connection.errors import FrameUnreadable
from actors.connection.frames import read_frame
from events.account import BalanceReported
from events.catalog import ProductStatusReported
from events.market import (
    BookChanged,
    BookSnapshotted,
    CandleReported,
    QuoteChanged,
    TickerReported,
    TradePrinted,
)
from events.orders import OrderReported
from events.terms import OrderKind, OrderStatus, Origin, Side

OURS = {"BIP-20DEC30-CDE": "BTC-PERP", "ETP-20DEC30-CDE": "ETH-PERP"}
AT = "2026-04-07T14:30:03.123456789Z"
AT_NS = 1_775_572_203_123_456_789


def frame(channel: str, *events: object, at: str = AT, number: int = 7) -> bytes:
    return json.dumps({"channel": channel, "timestamp": at, "sequence_num": number, "events": events}).encode()


def trade(trade_id: str, side: str = "BUY", product: str = "BIP-20DEC30-CDE", **changes: object) -> dict[str, object]:
    return {
        "product_id": product,
        "trade_id": trade_id,
        "price": "68935",
        "size": "5",
        "time": "2026-04-07T14:30:03.088388Z",
        "side": side,
        **changes,
    }


def trades(*rows: object) -> bytes:
    return frame("market_trades", {"type": "update", "trades": rows})


def test_trades_come_newest_first_and_leave_oldest_first() -> None:
    read = read_frame(trades(trade("3"), trade("2"), trade("1")), OURS)
    assert [event.trade_id for event in read.events if isinstance(event, TradePrinted)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("maker", "aggressor"), [("BUY", Side.SELL), ("SELL", Side.BUY), ("UNKNOWN_ORDER_SIDE", None), ("", None)]
)
def test_the_side_of_a_trade_is_the_resting_orders_so_the_aggressor_is_the_other(
    maker: str, aggressor: Side | None
) -> None:
    (event,) = read_frame(trades(trade("1", maker)), OURS).events
    assert event == TradePrinted(
        product="BTC-PERP",
        trade_id="1",
        price=Decimal(68935),
        size=Decimal(5),
        aggressor=aggressor,
        exchange_at=1_775_572_203_088_388_000,
    )


def test_products_that_are_not_ours_bring_no_events() -> None:
    assert not read_frame(trades(trade("1", product="BTC-USD")), OURS).events
    book = {"type": "update", "product_id": "BTC-USD", "updates": []}
    assert not read_frame(frame("l2_data", book), OURS).events


def test_a_number_and_a_time_are_those_of_the_envelope() -> None:
    read = read_frame(trades(trade("1")), OURS)
    assert (read.channel, read.sequence, read.at) == ("market_trades", 7, AT_NS)


def test_a_frame_may_carry_the_client_id_of_old_or_any_other_field() -> None:
    old = {"channel": "heartbeats", "client_id": "", "x": [{}], "timestamp": AT, "sequence_num": 0, "events": []}
    assert read_frame(json.dumps(old), OURS).sequence == 0


def levels(kind: str, *rows: tuple[str, str, str], product: str = "BIP-20DEC30-CDE") -> bytes:
    updates = [
        {"side": side, "event_time": "1970-01-01T00:00:00Z", "price_level": price, "new_quantity": qty}
        for side, price, qty in rows
    ]
    return frame("l2_data", {"type": kind, "product_id": product, "updates": updates})


def test_a_book_snapshot_has_its_best_levels_first_on_both_sides() -> None:
    rows = [("offer", "68910", "1"), ("bid", "68890", "2"), ("offer", "68905", "3"), ("bid", "68900", "4")]
    (event,) = read_frame(levels("snapshot", *rows), OURS).events
    assert event == BookSnapshotted(
        product="BTC-PERP",
        bids=((Decimal(68900), Decimal(4)), (Decimal(68890), Decimal(2))),
        asks=((Decimal(68905), Decimal(3)), (Decimal(68910), Decimal(1))),
        exchange_at=AT_NS,
    )


def test_a_book_update_keeps_the_digits_and_the_zeros_that_remove_levels() -> None:
    (event,) = read_frame(levels("update", ("bid", "68900.00", "0.00"), ("offer", "68905", "2.50")), OURS).events
    assert isinstance(event, BookChanged)
    assert str(event.bids) == "((Decimal('68900.00'), Decimal('0.00')),)"
    assert str(event.asks) == "((Decimal('68905'), Decimal('2.50')),)"


def ticker(**row: object) -> bytes:
    rows = [{"type": "ticker", "product_id": "BIP-20DEC30-CDE", "price": "1", **row}]
    return frame("ticker", {"type": "update", "tickers": rows})


def test_a_quote_is_taken_from_the_ticker() -> None:
    raw = ticker(best_bid="68900", best_bid_quantity="3", best_ask="68905", best_ask_quantity="4")
    (event,) = read_frame(raw, OURS).events
    assert event == QuoteChanged(
        product="BTC-PERP",
        bid=Decimal(68900),
        bid_size=Decimal(3),
        ask=Decimal(68905),
        ask_size=Decimal(4),
        exchange_at=AT_NS,
    )


def test_in_a_halt_both_sides_of_a_quote_are_empty() -> None:
    (event,) = read_frame(ticker(best_bid="", best_ask="0", best_bid_quantity=""), OURS).events
    assert isinstance(event, QuoteChanged)
    assert (event.bid, event.bid_size, event.ask, event.ask_size) == (None, None, None, None)


def batch(**row: object) -> bytes:
    rows = [{"type": "ticker", "product_id": "BIP-20DEC30-CDE", "price": "68900", **row}]
    return frame("ticker_batch", {"type": "update", "tickers": rows})


def test_a_ticker_batch_tells_the_last_price_and_the_day_and_no_best_prices() -> None:
    day = {"volume_24_h": "16038.280", "low_24_h": "21835.29", "high_24_h": "", "price_percent_chg_24_h": "-4.1577"}
    (event,) = read_frame(batch(**day), OURS).events
    assert event == TickerReported(
        product="BTC-PERP",
        last=Decimal(68900),
        exchange_at=AT_NS,
        volume_24h=Decimal("16038.28"),
        low_24h=Decimal("21835.29"),
        change_24h_pct=Decimal("-4.1577"),
    )
    assert not read_frame(batch(product_id="BTC-USD"), OURS).events


def candle(start: str = "1775571900", product: str = "BIP-20DEC30-CDE", **row: str) -> dict[str, str]:
    prices = {"low": "68850", "high": "68950.50", "open": "68900", "close": "68920", "volume": "42.1500"}
    return {"start": start, "product_id": product, **prices, **row}


def candles(*rows: object) -> bytes:
    return frame("candles", {"type": "update", "candles": rows})


def test_candles_leave_oldest_first_and_to_the_digit() -> None:
    newest_first = candles(candle("1775572200"), candle("1775571900"), candle(product="BTC-USD"))
    first, second = read_frame(newest_first, OURS).events
    assert first == CandleReported(
        product="BTC-PERP",
        start=1_775_571_900_000_000_000,
        open=Decimal(68900),
        high=Decimal("68950.50"),
        low=Decimal(68850),
        close=Decimal(68920),
        volume=Decimal("42.15"),
        exchange_at=AT_NS,
    )
    assert isinstance(second, CandleReported)
    assert second.start - first.start == 300 * 1_000_000_000
    assert str(second.volume) == "42.1500"


def test_the_status_of_our_products_is_told_in_the_exchanges_words() -> None:
    rows = [
        {"product_type": "FUTURE", "id": "BIP-20DEC30-CDE", "status": "offline", "status_message": "maintenance"},
        {"product_type": "SPOT", "id": "BTC-USD", "status": "online", "status_message": ""},
    ]
    (event,) = read_frame(frame("status", {"type": "snapshot", "products": rows}), OURS).events
    assert event == ProductStatusReported(
        product="BTC-PERP", status="offline", message="maintenance", exchange_at=AT_NS
    )


OUR_ID = "0b7f9c1e-0000-8000-9000-000000000001"


def user(**changes: object) -> bytes:
    order: dict[str, object] = {
        "order_id": "x-1",
        "client_order_id": OUR_ID,
        "product_id": "BIP-20DEC30-CDE",
        "order_side": "SELL",
        "order_type": "Limit",
        "time_in_force": "IMMEDIATE_OR_CANCEL",
        "status": "OPEN",
        "cumulative_quantity": "2",
        "leaves_quantity": "1",
        "avg_price": "68900",
        "filled_value": "1378",
        "total_fees": "1.10",
        "limit_price": "68890",
        "creation_time": AT,
    }
    return frame("user", {"type": "update", "orders": [{**order, **changes}]})


def report(**changes: object) -> OrderReported:
    (event,) = read_frame(user(**changes), OURS).events
    assert isinstance(event, OrderReported)
    return event


def test_an_order_is_reported_as_the_user_channel_tells_it() -> None:
    assert report() == OrderReported(
        order=OUR_ID,
        exchange_order="x-1",
        product="BTC-PERP",
        side=Side.SELL,
        status=OrderStatus.OPEN,
        kind=OrderKind.LIMIT_IOC,
        qty=Decimal(3),
        filled_qty=Decimal(2),
        filled_value=Decimal(1378),
        fees=Decimal("1.10"),
        limit_price=Decimal(68890),
        exchange_at=AT_NS,
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", OrderStatus.PENDING),
        ("QUEUED", OrderStatus.PENDING),
        ("OPEN", OrderStatus.OPEN),
        ("EDIT_QUEUED", OrderStatus.OPEN),
        ("CANCEL_QUEUED", OrderStatus.CANCEL_QUEUED),
        ("FILLED", OrderStatus.FILLED),
        ("CANCELLED", OrderStatus.CANCELLED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("FAILED", OrderStatus.FAILED),
        ("UNKNOWN_ORDER_STATUS", OrderStatus.UNKNOWN),
        ("SOMETHING_NEW", OrderStatus.UNKNOWN),
    ],
)
def test_each_status_of_the_exchange_has_its_word_here(word: str, status: OrderStatus) -> None:
    assert report(status=word).status is status


@pytest.mark.parametrize(
    ("order_type", "time_in_force", "kind"),
    [
        ("Limit", "GOOD_UNTIL_CANCELLED", OrderKind.LIMIT_GTC),
        ("LIMIT", "GOOD_UNTIL_DATE_TIME", OrderKind.LIMIT_GTD),
        ("Limit", "FILL_OR_KILL", OrderKind.LIMIT_FOK),
        ("Market", "IMMEDIATE_OR_CANCEL", OrderKind.MARKET_IOC),
        ("Stop Limit", "GOOD_UNTIL_CANCELLED", OrderKind.STOP_LIMIT_GTC),
        ("Liquidation", "", OrderKind.UNKNOWN),
        (None, None, OrderKind.UNKNOWN),
    ],
)
def test_the_kind_is_read_from_type_and_time_in_force(
    order_type: str | None, time_in_force: str | None, kind: OrderKind
) -> None:
    assert report(order_type=order_type, time_in_force=time_in_force).kind is kind


@pytest.mark.parametrize("client_id", ["", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "my order", None])
def test_an_order_whose_id_we_cannot_have_made_is_foreign(client_id: str | None) -> None:
    event = report(client_order_id=client_id)
    assert (event.order, event.origin) == ("", Origin.FOREIGN)


def test_a_liquidation_is_nobodys_order() -> None:
    event = report(order_type="Liquidation", client_order_id="")
    assert (event.order, event.origin) == ("", Origin.LIQUIDATION)


def test_an_order_that_filled_without_a_value_is_to_be_read_elsewhere() -> None:
    read = read_frame(user(filled_value=""), OURS)
    assert (read.events, read.unpriced) == ([], ("x-1",))
    assert report(cumulative_quantity="0", filled_value="").filled_value == 0


def test_a_price_that_is_not_said_stays_unknown() -> None:
    assert report(limit_price="").limit_price is None


def test_a_snapshot_without_orders_or_positions_is_whole() -> None:
    read = read_frame(frame("user", {"type": "snapshot"}), OURS)
    assert (read.events, read.is_snapshot) == ([], True)


BALANCE = {"cbi_usd_balance": "300.00", "cfm_usd_balance": "400", "unrealized_pnl": "-1.5", "initial_margin": ""}


def test_balances_are_read_from_plain_texts() -> None:
    raw = frame("futures_balance_summary", {"type": "snapshot", "fcm_balance_summary": BALANCE})
    (event,) = read_frame(raw, OURS).events
    assert event == BalanceReported(
        spot_usd=Decimal("300.00"), futures_usd=Decimal(400), unrealized=Decimal("-1.5"), exchange_at=AT_NS
    )


def test_an_acknowledgement_tells_what_this_connection_has() -> None:
    have = {"heartbeats": ["heartbeats"], "level2": ["A", "B"], "user": None}
    read = read_frame(frame("subscriptions", {"subscriptions": have}), OURS)
    assert read.subscriptions == {"heartbeats": ["heartbeats"], "level2": ["A", "B"], "user": []}


@pytest.mark.parametrize("counter", [42, "42"])
def test_a_heartbeat_counts_as_number_or_text(counter: object) -> None:
    raw = frame("heartbeats", {"current_time": "2026-04-07 14:30:00 UTC m=+1", "heartbeat_counter": counter})
    assert read_frame(raw, OURS).heartbeat == 42


def test_an_error_has_no_place_in_the_sequence() -> None:
    read = read_frame(b'{"type":"error","message":"authentication failure"}', OURS)
    assert (read.error, read.sequence) == ("authentication failure", None)


def test_a_channel_we_take_nothing_from_still_has_its_place_in_the_sequence() -> None:
    read = read_frame(frame("auctions", {"type": "snapshot", "auctions": [{"start": "x"}]}), OURS)
    assert (read.channel, read.sequence, read.events) == ("auctions", 7, ())


BROKEN = {
    "not JSON": (b"garbage", "malformed"),
    "nothing": (b"", "truncated"),
    "half a frame": (trades(trade("1"))[:-30], "truncated"),
    "a list": (b"[]", "Expected"),
    "bad UTF-8 in a product": (trades(trade("1")).replace(b"BIP", b"\xff\xfeP"), "utf-8"),
    "no number": (b'{"channel":"ticker","timestamp":"' + AT.encode() + b'","events":[]}', "sequence_num"),
    "a number as text": (frame("ticker").replace(b": 7", b': "7"'), r"\$\.sequence_num"),
    "no events": (b'{"channel":"ticker","timestamp":"x","sequence_num":1}', "events"),
    "events of another shape": (frame("l2_data", {"a": 1}), r"\$\.events\[0\]"),
    "a price that is a number": (trades(trade("1", price=[])), r"\$\.events\[0\]\.trades\[0\]\.price"),
    "an empty price": (trades(trade("1", price="")), r"\.price"),
    "a price that is none": (trades(trade("1", price="NaN")), r"\$\.events"),
    "a price without end": (trades(trade("1", price="Infinity")), r"at `\$`"),
    "a price below zero": (trades(trade("1", price="-5")), "trade 1"),
    "no size": (trades(trade("1", size="0")), "trade 1"),
    "an absurd price": (trades(trade("1", price="1e300")), "trade 1"),
    "a time that is none": (trades(trade("1", time="noon")), "RFC 3339"),
    "an envelope without time": (frame("ticker", at="soon"), "RFC 3339"),
    "a side that is none": (levels("update", ("ask", "1", "1")), "bid or an offer"),
    "a quantity below zero": (levels("update", ("bid", "1", "-1")), "level of -1"),
    "a quantity that is none": (levels("snapshot", ("bid", "1", "nan")), r"\$\.events"),
    "a book event of no kind": (levels("delta"), "snapshot or an update"),
    "a quote that is none": (ticker(best_bid="abc"), r"\$\.events"),
    "a day's volume that is none": (batch(volume_24_h="much"), "no number"),
    "a day's volume without end": (batch(volume_24_h="-Infinity"), "a day's figure of -Infinity"),
    "a candle without end": (candles(candle(high="Infinity")), "candle 1775571900"),
    "a candle that ends above its high": (candles(candle(close="70000")), "candle 1775571900"),
    "a candle of no time": (candles(candle("noon")), "candle noon"),
    "a product without a name": (frame("status", {"products": [{"status": "online"}]}), r"products\[0\]"),
    "an order side that is none": (user(order_side="HOLD"), "BUY or SELL"),
    "fees that are none": (user(total_fees="free"), r"total_fees"),
    "a balance without cash": (
        frame("futures_balance_summary", {"fcm_balance_summary": {"cfm_usd_balance": "1"}}),
        "cbi_usd_balance",
    ),
    "a channel without a name": (b'{"channel":"","timestamp":"x","sequence_num":1}', "channel"),
    "a heartbeat that does not count": (frame("heartbeats", {"heartbeat_counter": "many"}), "many"),
    "nested beyond reason": (b'{"channel":"auctions","x":' + b"[" * 20_000, "nest|recursion|truncated"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_frame_is_refused_with_the_place_that_is_wrong(what: str) -> None:
    raw, path = BROKEN[what]
    with pytest.raises(FrameUnreadable, match=path) as raised:
        read_frame(raw, OURS)
    assert len(str(raised.value)) < 400


@given(st.binary(max_size=200))
def test_no_bytes_whatsoever_get_past_the_reader_but_as_a_frame_or_as_unreadable(raw: bytes) -> None:
    try:
        read_frame(raw, OURS)
    except FrameUnreadable:
        return


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_frame_damaged_anywhere_is_a_frame_or_unreadable(place: int, damage: bytes) -> None:
    raw = bytearray(levels("update", ("bid", "68900.00", "1"), ("offer", "68905", "2.50")))
    raw[place : place + len(damage)] = damage
    try:
        read_frame(bytes(raw), OURS)
    except FrameUnreadable:
        return
