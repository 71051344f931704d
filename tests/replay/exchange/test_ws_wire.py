"""WebSocket byte by byte: the handshake, pings, fragments, closes, and what is no message at all."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.running import PRODUCT, Client, Feed, Json, running
from tests.replay.exchange.test_http_wire import Wire

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Socket(Wire):
    """One WebSocket that does what it is told, right or wrong."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.headers: dict[str, str] = {}
        self.key = ""

    def shake_hands(self, *headers: str, path: str = "/") -> int:
        """The opening handshake; its status."""
        self.key = base64.b64encode(os.urandom(16)).decode()
        asked = ["Upgrade: websocket", "Connection: keep-alive, Upgrade", f"Sec-WebSocket-Key: {self.key}"]
        self.request(f"GET {path} HTTP/1.1", *asked, "Sec-WebSocket-Version: 13", *headers)
        reply = self.reply()
        self.headers = reply.headers
        return reply.status

    def put(self, opcode: int, payload: bytes = b"", *, is_last: bool = True, is_masked: bool = True) -> None:
        """One frame."""
        first = opcode | (0x80 if is_last else 0)
        size, flag = len(payload), 0x80 if is_masked else 0
        if size < 126:
            head = bytes([first, flag | size])
        elif size < 1 << 16:
            head = bytes([first, flag | 126]) + struct.pack(">H", size)
        else:
            head = bytes([first, flag | 127]) + struct.pack(">Q", size)
        mask = os.urandom(4) if is_masked else b""
        covered = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if is_masked else payload
        self.send(head + mask + covered)

    def say(self, message: Json) -> None:
        self.put(_TEXT, json.dumps(message).encode())

    def take(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload. The exchange sends whole, unmasked frames without extensions."""
        first, second = self._exactly(2)
        assert first & 0xF0 == 0x80, f"first byte {first:#x}"
        assert not second & 0x80, "a server does not mask"
        size = second
        if size == 126:
            (size,) = struct.unpack(">H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._exactly(8))
        return first & 0x0F, self._exactly(size)

    def told(self) -> Json:
        """The next text frame as JSON."""
        opcode, payload = self.take()
        assert opcode == _TEXT, (opcode, payload)
        found: Json = json.loads(payload)
        return found

    def closed_with(self) -> int:
        """The code of the close frame that comes next, others passed over."""
        while True:
            opcode, payload = self.take()
            if opcode == _CLOSE:
                return int(struct.unpack(">H", payload[:2])[0]) if payload else 1005

    def _exactly(self, count: int) -> bytes:
        while len(self._left) < count:
            self._more()
        found, self._left = self._left[:count], self._left[count:]
        return found


@contextmanager
def connected(client: Client, *headers: str) -> Iterator[Socket]:
    one = Socket(client.host)
    try:
        assert one.shake_hands(*headers) == 101
        yield one
    finally:
        one.socket.close()


SUBSCRIBE: Json = {"type": "subscribe", "channel": "status", "product_ids": [PRODUCT]}


def test_the_handshake_is_answered_with_the_digest_of_its_key(standing: Client) -> None:
    with connected(standing) as one:
        digest = hashlib.sha1((one.key + _GUID).encode(), usedforsecurity=False).digest()
        assert one.headers["sec-websocket-accept"] == base64.b64encode(digest).decode()
        assert one.headers["upgrade"].lower() == "websocket"


@pytest.mark.parametrize("offer", ["permessage-deflate; client_max_window_bits", "x-webkit-deflate-frame", "nonsense"])
def test_extensions_that_are_offered_are_not_needed(standing: Client, offer: str) -> None:
    with connected(standing, f"Sec-WebSocket-Extensions: {offer}") as one:
        one.say(SUBSCRIBE)
        if "sec-websocket-extensions" in one.headers:
            first, payload = one._exactly(1)[0], b""
            assert first & 0x40, "agreed to compress"
            assert zlib.decompressobj(-15).decompress(payload) == b""
        else:
            assert one.told()["channel"] == "status"


@pytest.mark.parametrize("path", ["/", "/ws", "/api/v3/brokerage/orders", "/?token=x"])
def test_a_socket_is_taken_on_any_path(standing: Client, path: str) -> None:
    one = Socket(standing.host)
    try:
        assert one.shake_hands(path=path) == 101
    finally:
        one.socket.close()


@pytest.mark.parametrize(
    "wrong",
    [
        ("Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version: 13",),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"),
    ],
)
def test_a_handshake_that_is_none_is_refused_by_a_status(standing: Client, wrong: tuple[str, ...]) -> None:
    one = Wire(standing.host)
    try:
        one.request("GET / HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", *wrong)
        assert one.reply().status in (400, 426)
    finally:
        one.socket.close()


@pytest.mark.parametrize("payload", [b"", b"are you there", b"\x00" * 125])
def test_a_ping_is_answered_with_what_it_carried(standing: Client, payload: bytes) -> None:
    with connected(standing) as one:
        one.put(_PING, payload)
        assert one.take() == (_PONG, payload)
        one.put(_PONG, b"unasked")
        one.say(SUBSCRIBE)
        assert one.told()["channel"] == "status"


def test_a_message_may_come_in_fragments_with_a_ping_between(standing: Client) -> None:
    text = json.dumps(SUBSCRIBE).encode()
    with connected(standing) as one:
        one.put(_TEXT, text[:10], is_last=False)
        one.put(_PING, b"between")
        one.put(0, text[10:20], is_last=False)
        one.put(0, text[20:])
        assert one.take() == (_PONG, b"between")
        assert one.told()["sequence_num"] == 0


def test_json_in_a_binary_frame_is_read_as_well(standing: Client) -> None:
    with connected(standing) as one:
        one.put(_BINARY, json.dumps(SUBSCRIBE).encode())
        assert one.told()["channel"] == "status"


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [
        (_TEXT, b"hello"),
        (_TEXT, b""),
        (_TEXT, b"null"),
        (_TEXT, b'{"type":"subscribe"'),
        (_TEXT, b"[" * 50_000),
        (_BINARY, bytes(range(256))),
        (_TEXT, b'{"type":"subscribe","channel":"status","product_ids":"BIP-20DEC30-CDE"}'),
        (_TEXT, b'{"type":"subscribe","channel":"status","product_ids":[1]}'),
        (_TEXT, b'{"type":"subscribe","channel":["status"]}'),
        (_TEXT, b'{"type":1,"channel":"status"}'),
    ],
)
def test_what_cannot_be_understood_is_one_error_without_a_number_and_the_connection_lives(
    standing: Client, opcode: int, payload: bytes
) -> None:
    with connected(standing) as one:
        one.put(opcode, payload)
        found = one.told()
        assert (set(found), found["type"]) == ({"type", "message"}, "error")
        one.say(SUBSCRIBE)
        assert one.told()["sequence_num"] == 0


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda one: one.put(_TEXT, b"\xff\xfe"), 1007),
        (lambda one: one.put(_TEXT, b"{}", is_masked=False), 1002),
        (lambda one: one.put(3, b"reserved"), 1002),
        (lambda one: one.put(0, b"continues nothing"), 1002),
        (lambda one: one.put(_PING, b"x" * 126), 1002),
        (lambda one: one.put(_TEXT, b" " * ((1 << 20) + 1)), 1009),
        (lambda one: one.send(b"\xc1\x80\x00\x00\x00\x00"), 1002),
    ],
)
def test_a_frame_that_is_none_ends_the_connection_with_its_code(standing: Client, wrong: Any, code: int) -> None:
    with connected(standing) as one:
        wrong(one)
        assert one.closed_with() == code
    with connected(standing) as other:
        other.say(SUBSCRIBE)
        assert other.told()["channel"] == "status"


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_a_close_is_answered_with_its_code_and_the_connection_ends(standing: Client, code: int) -> None:
    with connected(standing) as one:
        one.put(_CLOSE, struct.pack(">H", code) + b"bye")
        assert one.closed_with() == code
        assert one.is_closed()


def test_a_close_without_a_code_is_answered(standing: Client) -> None:
    with connected(standing) as one:
        one.put(_CLOSE)
        assert one.closed_with() in (1000, 1005)
        assert one.is_closed()


def test_who_says_nothing_for_five_seconds_is_closed_pings_do_not_count(tmp_path: Path) -> None:
    options = ExchangeOptions(tape=quiet_day(), speed=None, start=Start.NOW, folder=tmp_path, subscribe_within_s=0.6)
    assert ExchangeOptions(tape=quiet_day()).subscribe_within_s == 5.0
    with running(options) as client, connected(client) as silent, connected(client) as talking:
        talking.say(SUBSCRIBE)
        for _ in range(3):
            silent.put(_PING, b"x")
        assert silent.closed_with() == 1000
        silent.put(_CLOSE, struct.pack(">H", 1000))
        assert silent.is_closed()
        assert [talking.told()["channel"] for _ in range(2)] == ["status", "subscriptions"]
        talking.put(_PING)
        assert talking.take()[0] == _PONG


# Limits of who has no token.


def change(client: Client, **settings: object) -> requests.Response:
    return client.session.post(f"{client.ready.rest}/control/settings", data=json.dumps(settings), timeout=10)


def test_connections_over_the_limit_are_refused_with_429(exchange: Client) -> None:
    change(exchange, connections_per_s=2)
    statuses = []
    sockets = []
    for _ in range(8):
        one = Socket(exchange.host)
        sockets.append(one)
        statuses.append(one.shake_hands())
    for one in sockets:
        one.socket.close()
    assert statuses[0] == 101
    assert 429 in statuses
    assert set(statuses) == {101, 429}


def test_messages_without_a_token_over_the_limit_are_an_error_and_those_with_one_are_not(exchange: Client) -> None:
    change(exchange, messages_per_s=2)
    with connected(exchange) as one:
        for _ in range(12):
            one.say(SUBSCRIBE)
        found = [one.told() for _ in range(12)]
        errors = [frame for frame in found if frame.get("type") == "error"]
        assert errors
        assert {frame["message"] for frame in errors} == {"rate limit exceeded"}
    with Feed(exchange) as feed:
        feed.subscribe("status", "ticker", "candles", "market_trades", "heartbeats")


def test_too_many_books_on_one_connection_are_an_error(exchange: Client) -> None:
    change(exchange, level2_products=1)
    with connected(exchange) as one:
        one.say({"type": "subscribe", "channel": "level2", "product_ids": [PRODUCT, "ETP-20DEC30-CDE"]})
        message = "too many L2 streams requested in a single session"
        assert one.told() == {"type": "error", "message": message}


def test_public_requests_over_the_limit_are_refused_without_headers(exchange: Client) -> None:
    change(exchange, public_requests_per_s=2)
    url = f"{exchange.ready.rest}/api/v3/brokerage/time"
    replies = [exchange.session.get(url, timeout=10) for _ in range(12)]
    limited = [reply for reply in replies if reply.status_code == 429]
    assert limited
    assert not [name for name in limited[0].headers if name.lower().startswith("x-ratelimit")]
    assert exchange.ask("GET", "/accounts").status_code == 200
