"""Faults of the WebSocket side over real sockets: each does what it says, as often as it says, and then is over."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import websocket

from tests.replay.exchange.running import Client, Feed


def put(client: Client, *faults: dict[str, Any]) -> None:
    reply = client.session.post(f"{client.ready.rest}/control/faults", data=json.dumps(faults), timeout=10)
    assert reply.status_code == 200, reply.text


def left(client: Client) -> list[dict[str, Any]]:
    """The faults that are not over."""
    found: list[dict[str, Any]] = client.session.get(f"{client.ready.rest}/control/faults", timeout=10).json()["faults"]
    return found


def until_struck(client: Client) -> None:
    deadline = time.monotonic() + 10
    while left(client):
        assert time.monotonic() < deadline, "the fault never strikes"


def ask(feed: Feed, count: int) -> None:
    """Have so many frames sent: each word of the client is answered by one."""
    for _ in range(count):
        feed.say("status", kind="unsubscribe")


def numbers(feed: Feed, count: int) -> list[int]:
    """The numbers of the next frames, as they come."""
    return [json.loads(feed.socket.recv())["sequence_num"] for _ in range(count)]


@pytest.mark.parametrize(
    ("fault", "arrive"),
    [
        ({"fault": "drop"}, [1, 2, 3, 4]),
        ({"fault": "drop", "after": 1, "count": 2}, [0, 3, 4]),
        ({"fault": "duplicate", "count": 2}, [0, 0, 1, 1, 2, 3, 4]),
        ({"fault": "reorder"}, [1, 0, 2, 3, 4]),
        ({"fault": "reorder", "count": 3, "after": 1}, [0, 4, 1, 2, 3]),
    ],
)
def test_frames_are_lost_doubled_or_overtaken_as_often_as_asked(
    exchange: Client, fault: dict[str, Any], arrive: list[int]
) -> None:
    put(exchange, fault)
    with Feed(exchange) as feed:
        ask(feed, 5)
        assert numbers(feed, len(arrive)) == arrive
        ask(feed, 1)
        assert numbers(feed, 1) == [5]
    assert left(exchange) == []


def test_a_delayed_frame_holds_up_what_follows_it(exchange: Client) -> None:
    put(exchange, {"fault": "delay", "seconds": 0.3, "after": 1})
    with Feed(exchange) as feed:
        began = time.monotonic()
        ask(feed, 3)
        assert numbers(feed, 1) == [0]
        assert numbers(feed, 2) == [1, 2]
        assert time.monotonic() - began >= 0.3


def test_a_stalled_connection_is_open_and_dead_and_comes_back(exchange: Client) -> None:
    put(exchange, {"fault": "stall", "seconds": 1})
    with Feed(exchange) as feed:
        ask(feed, 2)
        until_struck(exchange)
        feed.socket.settimeout(0.3)
        feed.socket.ping()
        with pytest.raises(websocket.WebSocketTimeoutException):
            feed.socket.recv_data(control_frame=True)
        feed.socket.settimeout(10)
        assert numbers(feed, 2) == [0, 1]
        with Feed(exchange) as other:
            ask(other, 1)
            assert numbers(other, 1) == [0]


def test_garbage_comes_before_the_frame(exchange: Client) -> None:
    put(exchange, {"fault": "garbage"}, {"fault": "garbage", "content": "binary"})
    with Feed(exchange) as feed:
        ask(feed, 2)
        with pytest.raises(json.JSONDecodeError):
            json.loads(feed.socket.recv())
        assert numbers(feed, 1) == [0]
        opcode, content = feed.socket.recv_data()
        assert (opcode, len(content)) == (websocket.ABNF.OPCODE_BINARY, 256)
        assert numbers(feed, 1) == [1]


def test_bytes_that_are_no_frame_break_the_protocol(exchange: Client) -> None:
    put(exchange, {"fault": "garbage", "content": "wire"})
    with Feed(exchange) as feed:
        ask(feed, 1)
        with pytest.raises(websocket.WebSocketProtocolException):
            feed.socket.recv()


def test_a_frame_that_never_ends_swallows_what_follows(exchange: Client) -> None:
    put(exchange, {"fault": "garbage", "content": "endless"})
    with Feed(exchange) as feed:
        ask(feed, 2)
        until_struck(exchange)
        feed.socket.settimeout(0.3)
        with pytest.raises(websocket.WebSocketTimeoutException):
            feed.socket.recv()


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_an_oversize_frame_has_the_size_that_was_asked(exchange: Client, size: int) -> None:
    put(exchange, {"fault": "oversize", "size_bytes": size})
    with Feed(exchange) as feed:
        ask(feed, 1)
        assert len(feed.socket.recv()) == size
        assert numbers(feed, 1) == [0]


@pytest.mark.parametrize("code", [1000, 1001, 1012, 4000])
def test_a_connection_is_closed_with_the_code_that_was_asked(exchange: Client, code: int) -> None:
    put(exchange, {"fault": "close", "code": code, "reason": "service restart", "after": 1})
    with Feed(exchange) as feed:
        ask(feed, 2)
        assert numbers(feed, 1) == [0]
        opcode, content = feed.socket.recv_data(control_frame=True)
        assert opcode == websocket.ABNF.OPCODE_CLOSE
        assert (int.from_bytes(content[:2], "big"), content[2:]) == (code, b"service restart")
    with Feed(exchange) as again:
        ask(again, 1)
        assert numbers(again, 1) == [0]


def test_a_connection_is_cut_without_a_word(exchange: Client) -> None:
    put(exchange, {"fault": "cut"})
    with Feed(exchange) as feed:
        ask(feed, 1)
        with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
            feed.socket.recv()
    with Feed(exchange) as again:
        ask(again, 1)
        assert numbers(again, 1) == [0]


def test_a_fault_of_one_channel_leaves_the_others_alone(exchange: Client) -> None:
    put(exchange, {"fault": "drop", "channel": "status"})
    with Feed(exchange) as feed:
        ask(feed, 1)
        feed.say("status", product_ids=["BIP-20DEC30-CDE"])
        assert numbers(feed, 2) == [0, 2]


def test_a_fault_waits_for_its_time_at_the_exchange(exchange: Client) -> None:
    put(exchange, {"fault": "drop", "at": "2026-03-02T14:01:02Z"}, {"fault": "drop", "at": "2026-03-02T14:01:01Z"})
    with Feed(exchange) as feed:
        ask(feed, 2)
        assert numbers(feed, 1) == [1]
    (later,) = left(exchange)
    assert later["at"] == "2026-03-02T14:01:02Z"


def test_two_faults_do_not_strike_one_frame(exchange: Client) -> None:
    put(exchange, {"fault": "drop"}, {"fault": "duplicate"})
    with Feed(exchange) as feed:
        ask(feed, 3)
        assert numbers(feed, 3) == [1, 1, 2]
