"""Peers on loopback that behave as told, well or badly, over real sockets; and a door that keeps what it is told."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from actors.door import DoorClosed, Lane
from events.record import AnyEvent, Record

#: No wait in these tests is longer; a test that reaches it has failed.
PATIENCE_S = 10.0


class Told(NamedTuple):
    by: str
    event: AnyEvent
    lane: Lane
    time: int | None


class ListDoor:
    """A door that keeps what it is told, in order, and lets tests wait for it. `bound` makes the market lane wait."""

    def __init__(self, bound: int | None = None) -> None:
        self.told: list[Told] = []
        self._changed = threading.Condition()
        self._closed = False
        self._bound = bound

    def tell(self, by: str, events: Sequence[AnyEvent], lane: Lane, time: int | None = None) -> None:
        with self._changed:
            if lane is Lane.MARKET and self._bound is not None:
                self._changed.wait_for(lambda: self._closed or len(self.told) < (self._bound or 0))
            if self._closed:
                raise DoorClosed
            self.told += [Told(by, event, lane, time) for event in events]
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def widen(self, bound: int) -> None:
        with self._changed:
            self._bound = bound
            self._changed.notify_all()

    @property
    def events(self) -> list[AnyEvent]:
        with self._changed:
            return [told.event for told in self.told]

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    def wait(self, is_there: Callable[[list[AnyEvent]], bool], timeout_s: float = PATIENCE_S) -> list[AnyEvent]:
        """Until the events told satisfy `is_there`; fails with what was told instead."""
        with self._changed:
            reached = self._changed.wait_for(lambda: is_there([told.event for told in self.told]), timeout_s)
            events = [told.event for told in self.told]
        assert reached, f"not told within {timeout_s} s; told was {events}"
        return events

    def wait_for(self, kind: type, count: int = 1, timeout_s: float = PATIENCE_S) -> list[Any]:
        """Until `count` events of a kind were told."""
        events = self.wait(lambda told: sum(isinstance(each, kind) for each in told) >= count, timeout_s)
        return [event for event in events if isinstance(event, kind)]


def record(event: AnyEvent, *, seq: int = 1, at: int = 0, by: str = "test") -> Record:
    return Record(seq=seq, at=at, by=by, event=event)


class Request(NamedTuple):
    """One request as it came over the wire. `at` is monotonic seconds, `connection` counts accepts from 1."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reply(
    body: object = b"",
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    length: int | None = None,
    close: bool = False,
) -> bytes:
    """A whole HTTP reply; `body` is JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(raw) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


#: Answers a request by what it returns; or writes to the socket itself and returns None, which ends the connection.
Answer = Callable[[Request, socket.socket], bytes | None]


class TcpPeer:
    """Accepts on loopback and serves each connection in a thread of its own, until closed."""

    def __init__(self) -> None:
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(PATIENCE_S)
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a peer's thread outlived its test"

    def serve(self, sock: socket.socket, number: int) -> None:
        raise NotImplementedError

    def pause(self, seconds: float) -> None:
        """Let time pass, unless the peer is closed: part of how a peer misbehaves, never of how a test waits."""
        self._closed.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._closed.is_set():
                sock.close()
                return
            self.accepted += 1
            self._open.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, self.accepted), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.serve(sock, number)


class HttpPeer(TcpPeer):
    """An exchange's REST side: each request is kept and answered by `answer`."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[Request] = []
        self._answer = answer
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def of(self, method: str, path_end: str) -> list[Request]:
        return [each for each in list(self.requests) if each.method == method and each.path.endswith(path_end)]

    def serve(self, sock: socket.socket, number: int) -> None:
        reader = sock.makefile("rb")
        with reader:
            while True:
                line = reader.readline()
                if not line.strip():
                    return
                method, target, _ = line.decode().split(" ")
                headers: dict[str, str] = {}
                while field := reader.readline().strip():
                    name, _, value = field.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = reader.read(int(headers.get("content-length", "0")))
                request = Request(method, target, headers, body, time.monotonic(), number)
                self.requests.append(request)
                answer = self._answer(request, sock)
                if answer is None:
                    return
                sock.sendall(answer)
                if headers.get("connection", "").lower() == "close" or b"\r\nConnection: close" in answer:
                    return


class Socket:
    """The server's end of one WebSocket connection, byte by byte if need be."""

    def __init__(self, peer: TcpPeer, sock: socket.socket, number: int) -> None:
        self.number = number
        self.subscribes: list[dict[str, Any]] = []
        self._peer = peer
        self._sock = sock
        self._reader = sock.makefile("rb")
        self._next = 0

    def shake_hands(self) -> None:
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        self.headers = headers
        nonce = headers["sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(nonce).digest()).decode()
        self.raw(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )

    def raw(self, data: bytes) -> None:
        self._sock.sendall(data)

    def send(self, message: object) -> None:
        """A text frame: JSON unless it is bytes or text."""
        text = message if isinstance(message, bytes) else message.encode() if isinstance(message, str) else None
        self.raw(frame(json.dumps(message).encode() if text is None else text))

    def channel(self, channel: str, *events: object, number: int | None = None, at: str = "") -> None:
        """A frame of a channel with the next number, or with the one given."""
        if number is None:
            number = self._next
        self._next = number + 1
        stamp = at or f"2026-04-07T14:30:{number % 60:02d}.000000000Z"
        self.send({"channel": channel, "timestamp": stamp, "sequence_num": number, "events": list(events)})

    def receive(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame of the client, unmasked."""
        first, second = self._reader.read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._reader.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._reader.read(8))
        mask = self._reader.read(4)
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(self._reader.read(length)))

    def take_subscribes(self, count: int) -> list[dict[str, Any]]:
        self.subscribes += [json.loads(self.receive()[1]) for _ in range(count)]
        return self.subscribes

    def acknowledge(self) -> None:
        """One acknowledgement with all that was subscribed."""
        have = {each["channel"]: each.get("product_ids", [each["channel"]]) for each in self.subscribes}
        self.channel("subscriptions", {"subscriptions": have})

    def heartbeat(self) -> None:
        beat = {"current_time": "2026-04-07 14:30:00 +0000 UTC m=+1", "heartbeat_counter": self._next}
        self.channel("heartbeats", beat)

    def live_on(self, seconds: float = PATIENCE_S, every_s: float = 0.05) -> None:
        """Heartbeats until the client goes or the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.heartbeat()
            self._peer.pause(every_s)

    def pause(self, seconds: float) -> None:
        self._peer.pause(seconds)

    def end(self) -> None:
        self._reader.close()


class SocketPeer(TcpPeer):
    """An exchange's WebSocket side: each connection is served by `script`, after the handshake."""

    def __init__(self, script: Callable[[Socket], None], *, shakes_hands: bool = True) -> None:
        self.sockets: list[Socket] = []
        self._script = script
        self._shakes_hands = shakes_hands
        super().__init__()

    @property
    def url(self) -> str:
        return f"ws://{self.address}/"

    def serve(self, sock: socket.socket, number: int) -> None:
        end = Socket(self, sock, number)
        self.sockets.append(end)
        try:
            if self._shakes_hands:
                end.shake_hands()
            self._script(end)
        except (ValueError, struct.error):
            pass  # the client went in the middle of a frame
        finally:
            end.end()


def frame(payload: bytes, opcode: int = 0x1, *, fin: bool = True, length: int | None = None, rsv: int = 0) -> bytes:
    """An unmasked frame; `length` may lie."""
    size = len(payload) if length is None else length
    first = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if size < 126:
        return first + bytes([size]) + payload
    if size < 1 << 16:
        return first + b"\x7e" + struct.pack("!H", size) + payload
    return first + b"\x7f" + struct.pack("!Q", size) + payload


@contextlib.contextmanager
def http_peer(answer: Answer) -> Iterator[HttpPeer]:
    peer = HttpPeer(answer)
    try:
        yield peer
    finally:
        peer.close()


@contextlib.contextmanager
def socket_peer(script: Callable[[Socket], None], *, shakes_hands: bool = True) -> Iterator[SocketPeer]:
    peer = SocketPeer(script, shakes_hands=shakes_hands)
    try:
        yield peer
    finally:
        peer.close()
