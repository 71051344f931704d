"""The switches for what is not known of the real exchange, over real sockets."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from replay.exchange.__main__ import main
from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions
from replay.exchange.settings import Settings
from replay.exchange.times import nanoseconds_of
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.market import BIP, ListTape, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Feed, running


def change(client: Client, **settings: Any) -> requests.Response:
    return client.session.post(f"{client.ready.rest}/control/settings", data=json.dumps(settings), timeout=10)


def test_frames_carry_a_client_id_only_where_it_is_asked_for(exchange: Client) -> None:
    with Feed(exchange) as feed:
        assert set(feed.subscribe("status")[0]) == {"channel", "timestamp", "sequence_num", "events"}
        assert change(exchange, client_id=True).json()["client_id"] is True
        assert feed.subscribe("status")[0]["client_id"] == ""


def test_private_requests_over_the_limit_are_refused_and_told_what_is_left(exchange: Client) -> None:
    assert "x-ratelimit-limit" not in exchange.ask("GET", "/accounts").headers
    change(exchange, requests_per_s=3)
    deadline = time.monotonic() + 10
    while (reply := exchange.ask("GET", "/accounts")).status_code != 429:
        assert reply.headers["x-ratelimit-limit"] == "3"
        assert 0 <= int(reply.headers["x-ratelimit-remaining"]) < 3
        assert time.monotonic() < deadline, "the limit never binds"
    assert reply.headers["x-ratelimit-remaining"] == "0"
    assert "retry-after" not in reply.headers
    public = exchange.ask("GET", f"/market/products/{PRODUCT}")
    assert public.status_code == 200
    assert "x-ratelimit-limit" not in public.headers
    while exchange.ask("GET", "/accounts").status_code != 200:
        assert time.monotonic() < deadline, "the limit never ends"


def test_a_refusal_by_the_limit_may_say_when_to_come_back(exchange: Client) -> None:
    change(exchange, requests_per_s=1, retry_after=True)
    deadline = time.monotonic() + 10
    while (reply := exchange.ask("GET", "/accounts")).status_code != 429:
        assert time.monotonic() < deadline, "the limit never binds"
    assert reply.headers["retry-after"] == "1"


def test_a_connection_without_updates_is_closed_unless_it_asked_for_heartbeats(tmp_path: Path) -> None:
    settings = Settings(idle_close_s=0.6)
    options = ExchangeOptions(tape=quiet_day(), speed=None, start=Start.NOW, folder=tmp_path, settings=settings)
    with running(options) as client, Feed(client) as idle, Feed(client) as beating:
        beating.subscribe("heartbeats")
        idle.subscribe("ticker")
        opcode, content = idle.socket.recv_data(control_frame=True)
        assert (opcode, int.from_bytes(content[:2], "big")) == (websocket.ABNF.OPCODE_CLOSE, 1001)
        beating.of("heartbeats", 4)


def test_money_of_positions_and_windows_is_text_or_an_object_and_a_client_reads_the_same(exchange: Client) -> None:
    exchange.market("held", "BUY", 2)
    client = CoinbaseClient(exchange.ready.rest, Credentials.from_file(exchange.ready.key_file))
    read = []
    for money_objects in (False, True):
        change(exchange, money_objects=money_objects)
        row = exchange.get("/cfm/positions")["positions"][0]
        window = exchange.get("/cfm/balance_summary")["balance_summary"]["overnight_margin_window_measure"]
        assert isinstance(row["avg_entry_price"], dict if money_objects else str)
        assert isinstance(window["initial_margin"], dict if money_objects else str)
        assert isinstance(row["number_of_contracts"], str)
        read.append((list(client.cfm_positions()), client.cfm_position(PRODUCT), client.cfm_balance_summary()))
    client.close()
    assert read[0] == read[1]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("[]", "Expected `object`"),
        ('{"weather": 1}', "a setting is one of client_id"),
        ('{"requests_per_s": 0}', "$.requests_per_s"),
        ('{"client_id": true, "idle_close_s": -1}', "$.idle_close_s"),
    ],
)
def test_settings_that_are_none_are_refused_whole(exchange: Client, given: str, complaint: str) -> None:
    url = f"{exchange.ready.rest}/control/settings"
    before = exchange.session.get(url, timeout=10).json()
    reply = exchange.session.post(url, data=given, timeout=10)
    assert reply.status_code == 400
    assert complaint in reply.json()["message"]
    assert exchange.session.get(url, timeout=10).json() == before


def test_a_file_of_settings_that_cannot_be_read_is_one_sentence_and_exit_code_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"edits": "perhaps"}')
    assert main(["--settings", str(file), "--data-dir", str(tmp_path)]) == 1
    assert "$.edits" in capsys.readouterr().err


def test_in_the_friday_halt_orders_are_refused_quotes_are_empty_and_cancels_still_work(tmp_path: Path) -> None:
    friday = nanoseconds_of("2026-03-06T21:59:00Z")
    shift = friday - quiet_day().start
    facts = [(at + shift, event) for at, event in [snapshot(0), trade(1, 60_010), trade(90, 60_010)]]
    tape = ListTape(facts, BIP, friday)
    rules = VenueRules(friday_halt=True)
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.RESUME, folder=tmp_path, rules=rules)) as client:
        resting = client.limit("a", "BUY", 1, 59_000)
        assert client.get(f"/products/{PRODUCT}")["fcm_trading_session_details"]["is_session_open"] is True
        client.control("resume")
        client.until_ended()
        session = client.get(f"/products/{PRODUCT}")["fcm_trading_session_details"]
        assert session["session_state"] == "FCM_TRADING_SESSION_STATE_CLOSED"
        refused = client.order("b", "BUY", {"market_market_ioc": {"base_size": "1"}})["error_response"]
        assert refused["new_order_failure_reason"] == "INVALID_FCM_TRADING_SESSION"
        assert refused["preview_failure_reason"] == "PREVIEW_INVALID_FCM_TRADING_SESSION"
        with Feed(client) as feed:
            row = feed.subscribe("ticker")[0]["events"][0]["tickers"][0]
            assert (row["best_bid"], row["best_ask"]) == ("", "")
        assert client.post("/orders/batch_cancel", {"order_ids": [resting]})["results"][0]["success"] is True
