"""Faults in what the exchange says of itself, and the list of faults as it is written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from events.terms import Side
from replay.exchange.__main__ import main
from replay.exchange.faults import BadFaults, Drop, TooMany, read_faults
from replay.exchange.pump import Start
from replay.exchange.schedule import Faults
from replay.exchange.server import ExchangeOptions
from replay.exchange.times import nanoseconds_of
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.market import ListTape, at, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Feed, running
from tests.replay.exchange.test_faulty_frames import left, put

# Clock and lists.


def test_a_skewed_clock_tells_another_time_for_as_long_as_asked(exchange: Client) -> None:
    put(exchange, {"fault": "clock_skew", "seconds": -3600, "count": 2})
    told = [nanoseconds_of(exchange.get("/time")["iso"]) for _ in range(3)]
    assert told == [at(61 - 3_600), at(61 - 3_600), at(61)]


@pytest.mark.parametrize("seconds", [600, -600])
def test_a_skewed_clock_refuses_good_tokens_until_it_is_right_again(exchange: Client, seconds: int) -> None:
    put(exchange, {"fault": "clock_skew", "seconds": seconds, "count": 2})
    assert exchange.ask("GET", "/accounts").status_code == 401
    with Feed(exchange) as feed:
        feed.say("user", jwt=exchange.token())
        assert json.loads(feed.socket.recv()) == {"type": "error", "message": "authentication failure"}
        assert feed.subscribe("user")[-1]["channel"] == "subscriptions"
    assert exchange.ask("GET", "/accounts").status_code == 200


def test_lists_may_not_know_the_newest_yet(exchange: Client) -> None:
    first, second = exchange.market("a", "BUY", 1), exchange.market("b", "BUY", 1)
    put(exchange, {"fault": "listing_lag", "count": 2}, {"fault": "fills_lag", "newest": 2})
    listed = [[row["order_id"] for row in exchange.get("/orders/historical/batch")["orders"]] for _ in range(3)]
    assert listed == [[first], [first], [second, first]]
    found = [[row["order_id"] for row in exchange.get("/orders/historical/fills")["fills"]] for _ in range(2)]
    assert found == [[], [second, first]]


def test_an_order_may_be_missing_and_pending_right_after_it_was_taken(exchange: Client) -> None:
    put(exchange, {"fault": "order_not_found", "count": 2}, {"fault": "pending_lag"})
    path = "/orders/historical/" + exchange.market("a", "BUY", 1)
    assert [exchange.ask("GET", path).status_code for _ in range(2)] == [404, 404]
    early, late = exchange.get(path)["order"], exchange.get(path)["order"]
    assert (early["status"], early["filled_size"]) == ("PENDING", "0")
    assert (late["status"], late["filled_size"]) == ("FILLED", "1")
    assert left(exchange) == []


def test_an_order_lives_on_for_a_while_after_its_cancel_was_taken(exchange: Client) -> None:
    order_id = exchange.limit("a", "BUY", 1, 59_000)
    put(exchange, {"fault": "cancel_lag", "seconds": 0.5})
    (result,) = exchange.post("/orders/batch_cancel", {"order_ids": [order_id]})["results"]
    assert result["success"] is True
    path = f"/orders/historical/{order_id}"
    assert exchange.get(path)["order"]["status"] == "CANCEL_QUEUED"
    deadline = time.monotonic() + 10
    while exchange.get(path)["order"]["status"] != "CANCELLED":
        assert time.monotonic() < deadline, "the cancel is never carried out"


def test_an_order_may_fill_after_its_cancel_was_taken(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), trade(1, 59_995, 50, Side.SELL)])
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.RESUME, folder=tmp_path)) as client:
        resting = client.limit("a", "BUY", 1, 60_000)
        put(client, {"fault": "cancel_lag", "seconds": 30})
        assert client.post("/orders/batch_cancel", {"order_ids": [resting, "nope"]})["results"] == [
            {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": resting},
            {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": "nope"},
        ]
        client.control("resume")
        client.until_ended()
        assert client.get(f"/orders/historical/{resting}")["order"]["status"] == "FILLED"
        (late,) = client.post("/orders/batch_cancel", {"order_ids": [resting]})["results"]
        assert late["failure_reason"] == "ORDER_IS_FULLY_FILLED"


# The list as written.


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("milk", "malformed"),
        ('{"fault": "drop"}', "Expected `array`"),
        ('[{"fault": "rain"}]', "a fault is one of cancel_lag, clock_skew"),
        ("[{}]", "a fault is one of"),
        ('[{"fault": "drop", "count": 0}]', "$[0].count"),
        ('[{"fault": "drop", "cuont": 2}]', "unknown field `cuont`"),
        ('[{"fault": "drop"}, {"fault": "delay"}]', "missing required field `seconds` - at `$[1]`"),
        ('[{"fault": "close", "code": 1006}]', "code 1006 cannot be sent"),
        ('[{"fault": "drop", "at": "noon"}]', "not an RFC 3339 time"),
        ('[{"fault": "oversize", "size_bytes": 1000000000}]', "$[0].size_bytes"),
        ('[{"fault": "server_error", "status": 404}]', "$[0].status"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_place(exchange: Client, written: str, complaint: str) -> None:
    reply = exchange.session.post(f"{exchange.ready.rest}/control/faults", data=written, timeout=10)
    assert reply.status_code == 400
    assert complaint in reply.json()["message"]
    assert left(exchange) == []


def test_a_schedule_is_in_force_from_the_first_request(tmp_path: Path) -> None:
    faults = read_faults(b'[{"fault": "server_error", "path": "/time", "status": 504}]')
    options = ExchangeOptions(tape=quiet_day(), speed=None, start=Start.NOW, folder=tmp_path, faults=faults)
    with running(options) as client:
        assert [client.ask("GET", "/time").status_code for _ in range(2)] == [504, 200]


def test_a_schedule_that_cannot_be_read_is_one_sentence_and_exit_code_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule = tmp_path / "faults.json"
    schedule.write_text('[{"fault": "rain"}]')
    assert main(["--faults", str(schedule), "--data-dir", str(tmp_path)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "rain" in complaint
    with pytest.raises(BadFaults):
        read_faults(schedule.read_bytes())


def test_a_fault_counts_what_passes_while_another_strikes() -> None:
    faults = Faults([Drop(count=2), Drop(after=2, channel="user")])
    struck: list[Any] = [faults.on_frame("user", 0) for _ in range(4)]
    assert [one is not None for one in struck] == [True, True, True, False]
    faults.put([TooMany()])
    assert faults.on_frame("user", 0) is None
    assert faults.on_request("GET", f"/products/{PRODUCT}", 0) == TooMany()
    assert faults.on_request("GET", "/time", 0) is None
