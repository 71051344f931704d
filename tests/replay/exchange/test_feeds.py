"""WebSocket over real sockets: subscriptions, numbering, snapshots, books, trades, our own orders, and silence."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import websocket

from events.market import BookChanged
from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from replay.tapes import generated_tape
from tests.replay.exchange.market import Fact, ListTape, change, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Feed, Json, running

Levels = dict[str, dict[Decimal, Decimal]]


def rebuilt(frames: list[Json]) -> Levels:
    """A book put together from its snapshot and updates, as any client does."""
    book: Levels = {"bid": {}, "offer": {}}
    for frame in frames:
        for event in frame["events"]:
            if event["type"] == "snapshot":
                book = {"bid": {}, "offer": {}}
            for level in event["updates"]:
                price, size = Decimal(level["price_level"]), Decimal(level["new_quantity"])
                if size:
                    book[level["side"]][price] = size
                else:
                    book[level["side"]].pop(price, None)
    return book


def shown(client: Client) -> Levels:
    """The same book as REST shows it."""
    found = client.get("/product_book", product_id=PRODUCT)["pricebook"]
    return {
        side: {Decimal(row["price"]): Decimal(row["size"]) for row in found[name]}
        for side, name in (("bid", "bids"), ("offer", "asks"))
    }


def played(folder: Path, facts: list[Fact]) -> ExchangeOptions:
    return ExchangeOptions(tape=ListTape(facts), speed=None, start=Start.RESUME, folder=folder)


def test_a_snapshot_comes_before_the_acknowledgement_which_lists_everything(standing: Client) -> None:
    with Feed(standing) as feed:
        frames = feed.subscribe("level2", "heartbeats", "market_trades")
        kinds = [frame["channel"] for frame in frames if frame["channel"] != "heartbeats"]
        assert kinds == ["l2_data", "subscriptions", "subscriptions", "market_trades", "subscriptions"]
        assert frames[0]["sequence_num"] == 0
        assert frames[-1]["events"] == [
            {"subscriptions": {"level2": [PRODUCT], "heartbeats": ["heartbeats"], "market_trades": [PRODUCT]}}
        ]
        feed.say("level2", kind="unsubscribe")
        rest = feed.of("subscriptions")[0]["events"]
        assert rest == [{"subscriptions": {"heartbeats": ["heartbeats"], "market_trades": [PRODUCT]}}]


def test_every_connection_counts_its_own_frames(standing: Client) -> None:
    with Feed(standing) as first, Feed(standing) as second:
        first.subscribe("level2", "level2")
        assert second.subscribe("level2")[0]["sequence_num"] == 0


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe", "channel": "user"},
        {"type": "subscribe", "channel": "futures_balance_summary"},
        {"type": "subscribe", "channel": "user", "jwt": "nonsense"},
        {"type": "subscribe", "channel": "level2", "product_ids": [PRODUCT], "jwt": "nonsense"},
        {"type": "subscribe", "channel": "level3", "product_ids": [PRODUCT]},
        {"type": "subscribe", "channels": ["level2"], "product_ids": [PRODUCT]},
    ],
)
def test_a_bad_token_and_an_unknown_channel_get_one_error_and_no_acknowledgement(
    standing: Client, message: Json
) -> None:
    with Feed(standing) as feed:
        feed.socket.send(json.dumps(message))
        assert feed.frame() == {"type": "error", "message": "authentication failure"}
        after = feed.subscribe("status")
        assert [frame["sequence_num"] for frame in after] == [0, 1]
        assert after[-1]["events"] == [{"subscriptions": {"status": [PRODUCT]}}]


@pytest.mark.parametrize(
    "sent",
    [
        "no json",
        "[]",
        '{"type":"order"}',
        json.dumps({"type": "subscribe", "channel": "level2", "product_ids": ["NOPE"]}),
        json.dumps({"type": "subscribe", "channel": "level2"}),
        json.dumps({"type": "subscribe", "channel": "level2", "product_ids": PRODUCT}),
    ],
)
def test_what_cannot_be_done_is_answered_with_an_error(standing: Client, sent: str) -> None:
    with Feed(standing) as feed:
        feed.socket.send(sent)
        assert feed.frame()["type"] == "error"


def test_a_websocket_token_is_good_for_one_message(standing: Client) -> None:
    with Feed(standing) as feed:
        token = standing.token()
        feed.say("user", jwt=token)
        assert [frame["channel"] for frame in (feed.frame(), feed.frame())] == ["user", "subscriptions"]
        feed.say("user", jwt=token)
        assert feed.frame()["type"] == "error"


def test_who_subscribes_to_nothing_in_time_is_cut_off(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0)])
    options = ExchangeOptions(tape=tape, speed=None, folder=tmp_path, subscribe_within_s=1.0)
    with running(options) as client, Feed(client) as silent, Feed(client) as talking:
        talking.subscribe("heartbeats")
        with pytest.raises(websocket.WebSocketConnectionClosedException):
            silent.frame()
        assert talking.of("heartbeats", 2)


def test_heartbeats_count_on(standing: Client) -> None:
    with Feed(standing) as feed:
        feed.subscribe("heartbeats")
        counters = [frame["events"][0]["heartbeat_counter"] for frame in feed.of("heartbeats", 3)]
        assert [later - earlier for earlier, later in pairwise(counters)] == [1, 1]


def test_trades_carry_the_makers_side_and_stand_newest_first_in_a_message(standing: Client) -> None:
    with Feed(standing) as feed:
        event = feed.subscribe("market_trades")[0]["events"][0]
    assert event["type"] == "snapshot"
    assert [(row["price"], row["size"], row["side"]) for row in event["trades"]] == [
        ("60010", "1", "SELL"),
        ("60000", "3", "SELL"),
        ("60010", "2", "SELL"),
    ]
    assert event["trades"][0]["time"] == "2026-03-02T14:01:01Z"


def test_a_subscriber_misses_nothing_and_trades_close_together_share_a_message(tmp_path: Path) -> None:
    facts = [snapshot(0), trade(0.5, 60_010), trade(1, 60_010), trade(1.1, 60_015), trade(1.3, 60_005)]
    facts += [trade(1.31, 60_000), trade(2, 1)]
    facts += [change(2.1, bids=[(60_000, 3)]), trade(2.1, 60_000)]
    tape = ListTape(facts)
    with running(ExchangeOptions(tape=tape, speed=None, folder=tmp_path, quiet_s=0.05)) as client, Feed(client) as feed:
        feed.subscribe("level2", "market_trades")
        frames = feed.until(lambda frame: frame["events"][0].get("trades", [{}])[0].get("trade_id") == last_id(facts))
        seen = [[row["price"] for row in frame["events"][0].get("trades", [])] or frame["channel"] for frame in frames]
    assert seen == [["60010"], ["60015", "60010"], ["60000", "60005"], ["1"], "l2_data", ["60000"]]


def last_id(facts: list[Fact]) -> str:
    found: str = facts[-1][1].trade_id  # type: ignore[attr-defined]  # the last fact is a trade
    return found


def test_a_book_put_together_from_the_feed_is_the_book_that_rest_shows(tmp_path: Path) -> None:
    tape = generated_tape(seed=5, duration_s=120)
    changes = sum(isinstance(event, BookChanged) for _, event in tape)
    with running(ExchangeOptions(tape=tape, speed=None, folder=tmp_path)) as client, Feed(client) as feed:
        frames = [feed.subscribe("level2")[0], *feed.of("l2_data", changes)]
        client.until_ended()
        assert changes > 500
        assert rebuilt(frames) == shown(client)


def test_a_subscription_in_the_middle_gets_a_whole_book(tmp_path: Path) -> None:
    facts = [snapshot(0), change(1, bids=[(60_005, 4)]), change(2, asks=[(60_010, 0)]), trade(3, 60_005)]
    with running(played(tmp_path, facts)) as client, Feed(client) as feed:
        client.control("resume")
        client.until_ended()
        assert rebuilt([feed.subscribe("level2")[0]]) == shown(client)


def test_our_orders_are_told_as_running_totals(tmp_path: Path) -> None:
    facts = [snapshot(0), trade(1, 60_010), trade(2, 60_000, 12, None), trade(3, 59_995, 1), trade(4, 59_995, 9)]
    with running(played(tmp_path, facts)) as client, Feed(client) as feed:
        snapshot_frame = feed.subscribe("user")[0]
        assert snapshot_frame["events"][0]["orders"] == []
        client.limit("mine", "BUY", 5, 60_000)
        client.control("resume")
        rows = feed.orders(until="FILLED")
        told = [
            (row["status"], row["cumulative_quantity"], row["leaves_quantity"], row["number_of_fills"]) for row in rows
        ]
        assert told == [
            ("PENDING", "0", "5", "0"),
            ("OPEN", "0", "5", "0"),
            ("OPEN", "2", "3", "1"),
            ("OPEN", "3", "2", "2"),
            ("FILLED", "5", "0", "3"),
        ]
        last = rows[-1]
        assert (last["client_order_id"], last["order_side"], last["order_type"]) == ("mine", "BUY", "Limit")
        assert (last["avg_price"], last["filled_value"], last["total_fees"]) == ("60000", "3000", "1.2")
        by_rest = client.get(f"/orders/historical/{last['order_id']}")["order"]
        assert (by_rest["filled_value"], by_rest["total_fees"]) == (last["filled_value"], last["total_fees"])


@pytest.mark.parametrize(("count", "batches"), [(0, [0]), (49, [49]), (50, [50, 0]), (51, [50, 1])])
def test_open_orders_come_in_messages_of_fifty_and_a_shorter_one_ends_them(
    exchange: Client, count: int, batches: list[int]
) -> None:
    for number in range(count):
        exchange.limit(f"o{number}", "BUY", 1, 59_000)
    with Feed(exchange) as feed:
        frames = feed.subscribe("user")
    assert [len(frame["events"][0]["orders"]) for frame in frames[:-1]] == batches


def test_the_position_comes_with_the_snapshot_of_the_user_channel(exchange: Client) -> None:
    exchange.market("short", "SELL", 4)
    with Feed(exchange) as feed:
        positions = feed.subscribe("user")[0]["events"][0]["positions"]
    row = positions["expiring_futures_positions"][0]
    assert (row["side"], row["number_of_contracts"], row["entry_price"]) == ("Short", "4", "60000")
    assert row["unrealized_pnl"] == "-0.4"


def test_balances_are_told_when_they_move(exchange: Client) -> None:
    with Feed(exchange) as feed:
        before = feed.subscribe("futures_balance_summary")[0]["events"][0]
        exchange.market("take", "BUY", 10)
        after = feed.of("futures_balance_summary")[0]["events"][0]
    assert (before["type"], before["fcm_balance_summary"]["cfm_usd_balance"]) == ("snapshot", "100000")
    assert (after["type"], after["fcm_balance_summary"]["cfm_usd_balance"]) == ("update", "99995.1992")


def test_the_other_channels_say_what_they_are_for(standing: Client) -> None:
    with Feed(standing) as feed:
        ticker, _, batch, _, candles, _, status, _ = feed.subscribe("ticker", "ticker_batch", "candles", "status")
    row = ticker["events"][0]["tickers"][0]
    assert (row["price"], row["best_bid"], row["best_ask"], row["volume_24_h"]) == ("60010", "60000", "60010", "6")
    assert batch["channel"] == "ticker_batch"
    assert "best_bid" not in batch["events"][0]["tickers"][0]
    assert candles["events"][0]["candles"][0]["volume"] == "6"
    assert status["events"][0]["products"][0]["id"] == PRODUCT


def test_tickers_and_candles_follow_the_tape(tmp_path: Path) -> None:
    facts = [snapshot(0), trade(1, 60_010), trade(7, 60_015), trade(301, 60_020), trade(310, 60_000)]
    with running(played(tmp_path, facts)) as client, Feed(client) as feed:
        feed.subscribe("ticker", "ticker_batch", "candles")
        client.control("resume")
        client.until_ended()
        feed.say("status", product_ids=[PRODUCT])
        frames = feed.until(lambda frame: frame["channel"] == "subscriptions")
    prices = {
        channel: [frame["events"][0]["tickers"][0]["price"] for frame in frames if frame["channel"] == channel]
        for channel in ("ticker", "ticker_batch")
    }
    assert prices["ticker"] == ["60010", "60015", "60020", "60000"]
    assert prices["ticker_batch"]
    starts = [frame["events"][0]["candles"][0]["start"] for frame in frames if frame["channel"] == "candles"]
    assert starts == ["1772460000", "1772460000", "1772460300", "1772460300"]


def test_a_subscriber_who_does_not_read_makes_the_tape_wait_and_loses_nothing(tmp_path: Path) -> None:
    tape = generated_tape(seed=3)
    with running(ExchangeOptions(tape=tape, speed=None, folder=tmp_path)) as client, Feed(client) as feed:
        feed.subscribe("level2", "market_trades")
        standstill, before = -1, -2
        while standstill != before:
            before, standstill = standstill, client.control("books")["played"]
            client.get("/time")
        client.control("pause")
        assert standstill < 100_000
        client.market("in-between", "BUY", 1)
        client.control("resume")
        feed.of("l2_data", 2 * standstill)
        assert client.control("books")["played"] > 2 * standstill


def test_a_paused_tape_stands_while_orders_can_be_placed_and_cancelled(tmp_path: Path) -> None:
    tape = generated_tape(seed=3)
    with running(ExchangeOptions(tape=tape, speed=20.0, folder=tmp_path)) as client, Feed(client) as feed:
        feed.subscribe("level2", "user")
        feed.of("l2_data", 3)
        paused = client.control("pause")
        order_id = client.limit("rests", "BUY", 1, 30_000)
        assert client.post("/orders/batch_cancel", {"order_ids": [order_id]})["results"][0]["success"]
        after = client.control("books")
        assert (after["time"], after["played"]) == (paused["time"], paused["played"])
        client.control("resume")
        feed.of("l2_data", 3)
        assert client.control("books")["played"] > paused["played"]


def test_at_full_speed_the_tape_stands_while_those_who_listened_are_gone(tmp_path: Path) -> None:
    tape = generated_tape(seed=3)
    with running(ExchangeOptions(tape=tape, speed=None, folder=tmp_path)) as client:
        with Feed(client) as feed:
            feed.subscribe("level2", "market_trades")
            before = feed.of("market_trades", 20)[-1]["events"][0]["trades"][0]["trade_id"]
        stood = client.control("books")["played"]
        while (now := client.control("books")["played"]) != stood:
            stood = now
        with Feed(client) as feed:
            recent = feed.subscribe("market_trades")[0]["events"][0]["trades"]
            later = feed.of("market_trades")[0]["events"][0]["trades"]
        assert int(recent[-1]["trade_id"]) <= int(before) <= int(recent[0]["trade_id"])
        assert int(later[-1]["trade_id"]) == int(recent[0]["trade_id"]) + 1


def test_the_status_is_told_when_it_changes_and_every_five_seconds(tmp_path: Path) -> None:
    facts = [snapshot(0), *(trade(seconds, 60_000) for seconds in (1, 2, 3, 4, 6, 7, 12, 13))]
    with running(played(tmp_path, facts)) as client, Feed(client) as feed:
        first = feed.subscribe("status")[0]["events"][0]["products"][0]
        assert (first["status"], first["status_message"]) == ("online", "")
        url = f"{client.ready.rest}/control/acts"
        client.session.post(url, data='{"act": "condition", "trading_disabled": true}', timeout=10)
        changed = feed.of("status")[0]["events"][0]["products"][0]
        assert (changed["status"], changed["status_message"]) == ("offline", "trading disabled")
        client.control("resume")
        client.until_ended()
        times = [frame["timestamp"] for frame in feed.of("status", 2)]
        assert times == ["2026-03-02T14:00:06Z", "2026-03-02T14:00:12Z"]
