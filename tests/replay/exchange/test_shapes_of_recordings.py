"""A client that reads the exchange strictly reads ours: no key of the recorded payloads is missing, no form is another.

Every reply and channel that has a recording is compared. Live recordings say which keys must be there and in which
form; where there are none, printed samples say it. Keys of ours that nothing recorded has stand in `EXTRA`, with why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.paths import SHARED_DATA, needs_shared_data
from tests.replay.exchange.market import ListTape, rate, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Feed, Json, running
from tests.replay.exchange.shapes_of_recordings import missing, readable, shape_of, unknown, unlike
from tests.replay.exchange.test_acts import do
from tests.replay.exchange.test_intx import PERP
from tests.replay.exchange.test_plan_requests import BRACKET, STOP, placed

pytestmark = needs_shared_data

FIXTURES = SHARED_DATA / "coinbase-fixtures"

#: Keys that no recording has, and why ours have them.
EXTRA = {
    "$.accounts[].platform": "the protocol's list of fields has it; recordings are older",
    "$.orders[].attached_order_configuration": "the protocol's list of fields has it; recordings are older",
    "$.orders[].attached_order_id": "in printed samples; the recorded order is of 2023",
    "$.orders[].originating_order_id": "in printed samples; the recorded order is of 2023",
    "$.orders[].retail_portfolio_id": "in printed samples; the recorded order is of 2023",
    "$.fills[].retail_portfolio_id": "in printed samples; the recorded fills are of 2023 and 2024",
    "$.success_response.attached_order_id": "the protocol's reply has it; recordings are older",
    "$.error_response.preview_failure_reason": "some recorded refusals name one reason, some the other, ours both",
    "$.error_response.new_order_failure_reason": "some recorded refusals name one reason, some the other, ours both",
}

#: Keys of recordings that ours leave out, and why.
LEFT_OUT = {
    "$.orders[].cursor": "copied into the rows by the client that recorded them",
    "$.fills[].cursor": "copied into the rows by the client that recorded them",
    "$.failure_reason": "only older replies carry it",
    "$.order_id": "only older replies carry it, besides the one in success_response",
}

#: Values of ours that are null where recordings have none, and why.
NULL = {
    "$.orders[].last_fill_time is ['null'], recorded as ['time']": "no fill yet; the recorded order was filled",
}

#: Below these one of many keys stands, as the order was.
ONE_OF = (".order_configuration",)


def fixture(name: str) -> Any:
    return orjson.loads((FIXTURES / name).read_bytes())


def compare(ours: list[Any], live: list[Any], samples: list[Any] | None = None) -> set[str]:
    """The keys of ours that are in no recording and no sample, all in `EXTRA`; the rest must fit."""
    mine, told, printed = shape_of(ours), shape_of(live), shape_of(samples or [])
    lacking = [path for path in missing(mine, told) if path not in LEFT_OUT and not one_of(path)]
    assert lacking == [], "missing"
    assert [line for line in unlike(mine, told) if line not in NULL and not one_of(line)] == []
    strange = {path for path in unknown(mine, told) if not one_of(path)}
    assert strange - {f"{path}.{key}" for path, keys in printed.keys.items() for key in keys} <= EXTRA.keys()
    return strange


def one_of(path: str) -> bool:
    return any(f"{part}." in path for part in ONE_OF)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """An account with one of everything, in a market with everything that a product shows."""
    facts = [snapshot(0), rate(0, 0, "0.000013"), trade(1, 60_010, 2), trade(2, 60_000, 3), trade(400, 60_010)]
    folder = tmp_path_factory.mktemp("shapes")
    options = ExchangeOptions(tape=ListTape(facts), speed=None, start=Start.NOW, folder=folder, key_can_transfer=True)
    with running(options) as client:
        client.until_ended()
        client.market("held", "BUY", 4)
        client.limit("rests", "BUY", 1, 59_000, post_only=True)
        placed(client, "stop", "SELL", {"stop_limit_stop_limit_gtc": STOP})
        placed(client, "guard", "SELL", {"trigger_bracket_gtc": BRACKET})
        do(client, {"act": "deposit", "amount": "12.34"}, {"act": "sweep"})
        do(client, {"act": "maintenance", "begins_in_s": 900, "lasts_s": 9})
        yield client


CANDLES = {"start": "1772460000", "end": "1772463600", "granularity": "ONE_MINUTE"}

#: Path, query, live recordings, printed samples. Without a live one the samples say what must be there.
REPLIES: list[tuple[str, Json, tuple[str, ...], tuple[str, ...]]] = [
    ("/products", {}, ("http_products_future.json",), ()),
    ("/product_book", {"product_id": PRODUCT}, ("http_product_book.json",), ()),
    (f"/products/{PRODUCT}/ticker", {"limit": 9}, ("http_ticker.json", "ccxt_ticker_trades.json"), ()),
    (f"/products/{PRODUCT}/candles", CANDLES, ("http_candles.json", "jkorf_rest_candles.json"), ()),
    ("/accounts", {}, ("http_accounts.json",), ("jkorf_rest_accounts.json",)),
    ("/orders/historical/batch", {}, ("ccxt_orders_batch_filled_market.json",), ("jkorf_rest_orders_batch.json",)),
    ("/orders/historical/batch", {}, ("http_orders_list.json",), ("ccxt_orders_batch_filled_market.json",)),
    (
        "/orders/historical/fills",
        {},
        ("ccxt_fills_intx_perp.json", "ccxt_fills_spot.json"),
        ("http_fills.json", "jkorf_rest_fills.json"),
    ),
    ("/orders/historical/fills", {}, ("http_fills.json", "jkorf_rest_fills.json"), ()),
    ("/transaction_summary", {}, ("jkorf_rest_transaction_summary_real.json",), ()),
    ("/cfm/positions", {}, ("jkorf_rest_cfm_positions_plain_strings.json",), ()),
    ("/cfm/intraday/current_margin_window", {}, ("jkorf_rest_cfm_current_margin_window.json",), ()),
    ("/cfm/intraday/margin_setting", {}, ("jkorf_rest_cfm_margin_setting.json",), ()),
    ("/key_permissions", {}, ("jkorf_rest_key_permissions.json",), ()),
    ("/portfolios", {}, ("jkorf_rest_portfolios.json",), ()),
    ("/portfolios/{portfolio}", {}, ("jkorf_rest_portfolio_breakdown.json",), ()),
]


@pytest.mark.parametrize(("path", "query", "live", "samples"), REPLIES, ids=lambda value: str(value)[:40])
def test_every_reply_has_what_the_recorded_ones_have_in_their_form(
    busy: Client, path: str, query: Json, live: tuple[str, ...], samples: tuple[str, ...]
) -> None:
    compare([asked(busy, path, query)], [fixture(name) for name in live], [fixture(name) for name in samples])


def test_every_key_that_no_recording_has_is_still_answered(busy: Client) -> None:
    found: set[str] = set()
    for path, query, live, samples in REPLIES:
        reply = asked(busy, path, query)
        found |= compare([reply], [fixture(name) for name in live], [fixture(name) for name in samples])
    assert {key for key in EXTRA if "_response" not in key} <= found


def asked(client: Client, path: str, query: Json) -> Json:
    return client.get(path.format(portfolio=client.get("/key_permissions")["portfolio_uuid"]), **query)


def test_a_futures_balance_has_the_recorded_keys_with_the_share_under_its_newer_name(busy: Client) -> None:
    older, newer = "liquidation_buffer", "liquidation_buffer_percentage"
    recorded = fixture("jkorf_rest_cfm_balance_summary_plain_measures.json")
    for name in ("intraday_margin_window_measure", "overnight_margin_window_measure"):
        measure = recorded["balance_summary"][name]
        measure[newer] = measure.pop(older)
    compare([busy.get("/cfm/balance_summary")], [recorded])


def test_an_order_by_its_id_is_the_order_of_the_list(busy: Client) -> None:
    (first, *_) = busy.get("/orders/historical/batch")["orders"]
    assert busy.get(f"/orders/historical/{first['order_id']}") == {"order": first}


def test_an_international_product_has_the_recorded_keys(tmp_path: Path) -> None:
    facts = [snapshot(0), rate(0, 3_600, "0.000016"), trade(1, 60_010)]
    options = ExchangeOptions(tape=ListTape(facts, PERP), speed=None, start=Start.NOW, folder=tmp_path)
    with running(options) as client:
        client.until_ended()
        newer = fixture("http_products_future.json")["products"]
        compare([client.get("/products/BTC-PERP-INTX")], [fixture("ccxt_product_intx_perp_2024.json")], newer)
        order = {"client_order_id": "a", "product_id": "BTC-PERP-INTX", "side": "BUY"}
        market = {"market_market_ioc": {"base_size": "0.01"}}
        client.post("/orders", {**order, "order_configuration": market, "leverage": "3", "margin_type": "CROSS"})
        uuid = client.get("/key_permissions")["portfolio_uuid"]
        position = client.get(f"/intx/positions/{uuid}/BTC-PERP-INTX")
        compare([position], [fixture("ccxt_intx_position_2024.json")], [fixture("jkorf_rest_intx_position.json")])


# What is answered to orders.


def test_an_accepted_order_is_answered_as_the_recorded_ones(busy: Client) -> None:
    recorded = [row["reply"] for row in fixture("duplicate_client_order_id.json")]
    limit = {"base_size": "1", "limit_price": "59000", "post_only": False}
    reply = busy.order("taken", "BUY", {"limit_limit_gtc": limit})
    assert compare([reply], recorded) == {"$.success_response.attached_order_id"}
    cancelled = busy.post("/orders/batch_cancel", {"order_ids": [reply["success_response"]["order_id"], "nope"]})
    compare([cancelled], [fixture("jkorf_rest_batch_cancel.json")])


def test_refused_orders_are_answered_as_the_recorded_ones(busy: Client) -> None:
    def refused(price: str, **more: Any) -> Json:
        limit = {"base_size": "1", "limit_price": price, **more}
        return busy.order(f"no-{price}", "BUY", {"limit_limit_gtc": limit})

    replies = [refused("59001"), refused("60100", post_only=True), refused("nan")]
    assert not any(reply["success"] for reply in replies)
    compare(replies, fixture("order_failures_http200.json"))


def test_recorded_errors_have_the_keys_of_ours(busy: Client) -> None:
    replies = {
        400: busy.ask("POST", "/orders", {"reduceOnly": True}),
        401: busy.ask("GET", "/accounts", token="x"),
        404: busy.ask("GET", "/products/NOPE-USD"),
        500: busy.ask("GET", f"/products/{PRODUCT}/ticker", limit=1_001),
    }
    for status, reply in replies.items():
        assert reply.status_code == status
        recorded = [row for row in fixture("errors_rest.json") if row["status"] == status]
        assert recorded
        if status == 401:
            assert [row["raw_body"] for row in recorded] == [reply.text]
        else:
            compare([reply.json()], [row["body"] for row in recorded])


# Frames.


def frames_of(name: str) -> list[Json]:
    """The server's frames of a recording, whatever its file looks like."""
    text = (FIXTURES / name).read_bytes()
    rows = [orjson.loads(line) for line in text.splitlines()] if name.endswith(".jsonl") else orjson.loads(text)
    listed = rows if isinstance(rows, list) else [rows]
    told = [row["msg"] for row in listed if "msg" in row and row["dir"] == "server"]
    return told or [row for row in listed if "channel" in row]


#: Channel of the frames, live recordings, printed samples.
CHANNELS: list[tuple[str, tuple[str, ...]]] = [
    ("subscriptions", ("ws_live_perp_intx_20260907.jsonl",)),
    ("l2_data", ("ws_live_perp_intx_20260907.jsonl", "ws_l2_data_update.json")),
    ("heartbeats", ("ws_live_perp_intx_20260907.jsonl", "jkorf_ws_heartbeats_session.json")),
    ("ticker", ("ws_ticker.json", "jkorf_ws_ticker_session.json")),
    ("ticker_batch", ("jkorf_ws_ticker_batch_session.json",)),
    ("market_trades", ("ws_market_trades.json", "jkorf_ws_market_trades_session.json")),
    ("candles", ("ws_candles.json", "jkorf_ws_candles_session.json")),
    ("status", ("jkorf_ws_status_session.json",)),
    ("user", ("jkorf_ws_user_session.json",)),
    ("futures_balance_summary", ("jkorf_ws_futures_balance_summary_session.json",)),
]


@pytest.fixture(scope="module")
def said(busy: Client) -> dict[str, list[Json]]:
    """Frames of every channel, by channel: snapshots, and updates where an account makes them."""
    with Feed(busy) as feed:
        names = [name for name, _ in CHANNELS if name not in ("subscriptions", "l2_data")]
        frames = feed.subscribe("level2", *names)
        frames += feed.of("heartbeats")
        busy.limit("told", "BUY", 1, 59_000)
        frames += feed.of("user", 2)
    return {name: [frame for frame in frames if frame["channel"] == name] for name, _ in CHANNELS}


@pytest.mark.parametrize(("channel", "recorded"), CHANNELS)
def test_every_channel_says_what_the_recorded_ones_say_in_their_form(
    said: dict[str, list[Json]], channel: str, recorded: tuple[str, ...]
) -> None:
    told = [frame for name in recorded for frame in frames_of(name) if frame["channel"] == channel]
    for frame in told:
        frame.pop("client_id", None)  # printed samples and one relayed frame have it, frames as received do not
    ours = said[channel]
    if channel == "subscriptions":  # one list for each channel held: the names are no keys
        ours, told = ([listed(frame) for frame in side] for side in (ours, told))
    if channel == "user":  # updates come without positions
        ours = [*ours[:1], *({**frame, "events": [{**frame["events"][0], **_POSITIONS}]} for frame in ours[1:])]
    assert ours
    assert told
    compare(ours, told)


_POSITIONS: Json = {"positions": {"perpetual_futures_positions": [], "expiring_futures_positions": []}}


def listed(frame: Json) -> Json:
    (event,) = frame["events"]
    return {**frame, "events": [{"subscriptions": list(event["subscriptions"].values())}]}


# The comparison itself.


def test_what_is_left_out_strange_or_of_another_form_is_found() -> None:
    live = [{"a": "1.5", "b": {"c": "2026-01-01T00:00:00Z"}, "d": [{"e": True}]}]
    assert compare([{"a": "", "b": {"c": "2026-01-01T00:00:00.123456789Z"}, "d": []}], live) == set()
    wrongs: list[Json] = [
        {"b": {"c": "2026-01-01T00:00:00Z"}, "d": []},
        {"a": 1.5, "b": {"c": "2026-01-01T00:00:00Z"}, "d": []},
        {"a": None, "b": {"c": "2026-01-01T00:00:00Z"}, "d": []},
        {"a": "1", "b": {"c": ""}, "d": []},
        {"a": "1", "b": {"c": "2026-01-01T00:00:00.1234567891Z"}, "d": []},
        {"a": "1", "b": {"c": "2026-01-01T00:00:00Z"}, "d": [{"e": True}, {}]},
        {"a": "1", "b": {"c": "2026-01-01T00:00:00Z"}, "d": [], "f": 1},
    ]
    for wrong in wrongs:
        with pytest.raises(AssertionError):
            compare([wrong], live)


def test_a_reader_of_texts_takes_any_text_and_a_reader_of_numbers_takes_none() -> None:
    assert readable({"text"}) == {"text", "decimal", "time", "empty"}
    assert readable({"decimal"}) == {"decimal", "empty"}
    assert readable({"time"}) == {"time"}
