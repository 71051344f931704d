"""One WebSocket connection: `websocket-client` with a cap on frames, a limit on silence, and our own socket below it.

The length of a frame is checked when its header is there, before its body is read. Silence ends the connection after a
time given with each `receive`; a large frame under way may take as long as its size at a slow line's pace. The
environment has no say, neither in proxies nor in certificates. A proxy that is given is asked for a tunnel by CONNECT.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import struct
import time
from typing import Any, cast
from urllib.parse import urlsplit

import websocket
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from websocket import ABNF, WebSocketException, frame_buffer

from actors.connection.auth import redacted
from actors.connection.errors import FeedBroken
from actors.connection.lookup import look_up
from actors.connection.tunnel import Proxy, check_answer

#: The largest message that is taken, in bytes. A level-2 snapshot of the busiest product is about 4.6 MB.
MESSAGE_CAP = 16 * 1024 * 1024
#: A frame under way may take its length at this pace, in bytes a second.
SLOWEST_PACE = 128 * 1024
#: What the kernel holds of a local exchange's frames, in bytes: its clock must not run far ahead of ours.
LOOPBACK_BUFFER = 64 * 1024
#: The most that the answer to the handshake may bring.
_HANDSHAKE_CAP = 64 * 1024
#: The most that a proxy may say before the tunnel is open; it is read byte by byte, so that nothing of the tunnel is.
_PROXY_ANSWER_CAP = 8 * 1024
_CHUNK = 64 * 1024


class Silent(FeedBroken):
    """No frame of any kind came in time. `for_s` says how long was waited."""

    def __init__(self, for_s: float) -> None:
        super().__init__(f"no frame for {for_s:.1f} s")
        self.for_s = for_s


class FeedSocket:
    """Whatever ends the connection raises `FeedBroken`. `close` may come from any thread, while connecting too."""

    def __init__(
        self,
        url: str,
        *,
        connect_timeout_s: float = 10.0,
        message_cap: int = MESSAGE_CAP,
        receive_buffer: int | None = None,
        ca_file: str | None = None,
        proxy: str | None = None,
    ) -> None:
        """`proxy` is `http://host:port`, or `http://name:password@host:port`. Raises `ValueError` for any other.

        `receive_buffer` in bytes bounds what the kernel holds for us, so that back-pressure reaches the exchange.

        None: the kernel's choice; but on loopback, where a small window costs nothing, `LOOPBACK_BUFFER`.
        """
        address = urlsplit(url)
        self._url = url
        self._secure = address.scheme == "wss"
        self._host, self._port = address.hostname or "", address.port or (443 if self._secure else 80)
        self._connect_timeout_s = connect_timeout_s
        self._receive_buffer = receive_buffer
        self._ca_file = ca_file
        self._proxy = None if proxy is None else Proxy.of(proxy)
        self._wire = _Wire()
        self._socket = _CappedWebSocket(self._wire, message_cap)

    def connect(self) -> None:
        """Reach the host, prove that it is who it says (wss), and be let in as a WebSocket. Once."""
        where = f"{self._host}:{self._port}"
        self._wire.deadline = time.monotonic() + self._connect_timeout_s
        try:
            if self._proxy is None:
                self._wire.reach(self._host, self._port, self._receive_buffer)
            else:
                self._wire.reach(self._proxy.host, self._proxy.port, self._receive_buffer)
                self._wire.tunnel(self._proxy, self._host, self._port)
            if self._secure:
                self._wire.secure(self._host, self._ca_file)
        except OSError as error:
            self._wire.close()
            raise FeedBroken(f"cannot connect to {where}: {_words(error)}") from None
        try:
            cast(Any, self._socket).connect(self._url, socket=self._wire, redirect_limit=0, suppress_origin=True)
        except (WebSocketException, OSError, ValueError) as error:
            self._wire.close()
            raise FeedBroken(f"{where} takes no WebSocket: {_words(error)}") from None
        self._wire.is_upgraded = True

    def send(self, text: str, *, timeout_s: float = 5.0) -> None:
        self._wire.deadline = time.monotonic() + timeout_s
        try:
            self._socket.send_text(text)
        except (WebSocketException, OSError) as error:
            raise FeedBroken(f"cannot send: {_words(error)}") from None

    def receive(self, silence_s: float) -> bytes:
        """The next message. Raises `Silent` when no frame came for `silence_s`; pings count as a sign of life."""
        while True:
            self._wire.deadline = time.monotonic() + silence_s
            try:
                opcode, frame = self._socket.recv_data_frame(control_frame=True)
            except TimeoutError:
                raise Silent(silence_s) from None
            except (WebSocketException, OSError) as error:
                raise FeedBroken(f"the connection broke: {_words(error)}") from None
            if opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY):
                return cast(bytes, frame.data)
            if opcode == ABNF.OPCODE_CLOSE:
                raise FeedBroken(_close_words(frame.data))

    def close(self) -> None:
        """Close at once; whoever is in `receive` gets `FeedBroken`."""
        self._wire.close()


class _Wire:
    """The socket as `websocket-client` sees it: buffered, every step within the deadline set for it."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self.is_upgraded = False
        self._sock = socket.socket()
        self._buffer = b""
        self._place = 0
        self._handed_out = 0
        self._closed = False

    def reach(self, host: str, port: int, receive_buffer: int | None) -> None:
        """Try each address of the host until the deadline. Raises the last one's `OSError`."""
        failure = OSError("the name has no address")
        for family, kind, protocol, _, address in look_up(host, port, within_s=self._left_s()):
            self._sock.close()
            self._sock = socket.socket(family, kind, protocol)
            if self._closed:
                break
            try:
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                size = receive_buffer or (LOOPBACK_BUFFER if _is_loopback(address[0]) else None)
                if size is not None:
                    self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
                self._sock.settimeout(self._left_s())
                self._sock.connect(address)
            except OSError as error:
                failure = error
            else:
                return
        raise failure

    def tunnel(self, proxy: Proxy, host: str, port: int) -> None:
        """Have the proxy that was reached pass everything on to a host. Raises `OSError` when it does not."""
        self.send(proxy.request(host, port))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):  # byte by byte: what follows belongs to the host
            self._sock.settimeout(self._left_s())
            byte = self._sock.recv(1)
            if not byte or len(answer) > _PROXY_ANSWER_CAP:
                raise OSError("the proxy gave no whole answer")
            answer += byte
        check_answer(answer)

    def secure(self, host: str, ca_file: str | None) -> None:
        """TLS from here on. Raises `OSError` (`SSLError`) when the host is not who it should be."""
        context = ssl.create_default_context(cafile=ca_file or DEFAULT_CA_BUNDLE_PATH)
        self._sock.settimeout(self._left_s())
        self._sock = context.wrap_socket(self._sock, server_hostname=host)

    def exactly(self, size: int) -> bytes:
        """The next `size` bytes. Raises `TimeoutError` at the deadline, `EOFError`-like `OSError` at the end."""
        place, end = self._place, self._place + size
        if end <= len(self._buffer):
            self._place = end
            return self._buffer[place:end]
        parts = [self._buffer[place:]]
        missing = size - len(parts[0])
        while missing > 0:
            part = self._receive()
            parts.append(part)
            missing -= len(part)
        self._buffer, self._place = parts[-1], len(parts[-1]) + missing
        if missing < 0:
            parts[-1] = parts[-1][:missing]
        return b"".join(parts)

    def recv(self, size: int) -> bytes:
        """For the handshake, which reads byte by byte."""
        if not self.is_upgraded:
            self._handed_out += size
            if self._handed_out > _HANDSHAKE_CAP:
                raise OSError("the answer to the handshake is too long")
        if self._place == len(self._buffer):
            self._buffer, self._place = self._receive(), 0
        return self.exactly(min(size, len(self._buffer) - self._place))

    def send(self, data: bytes) -> int:
        self._sock.settimeout(self._left_s())
        self._sock.sendall(data)
        return len(data)

    def gettimeout(self) -> float:
        return max(0.001, self.deadline - time.monotonic())

    def settimeout(self, _: float | None) -> None:
        """Timeouts are ours to set: see `deadline`."""

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            # Below TLS: its own shutdown would talk to the peer.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        self._sock.close()

    def _receive(self) -> bytes:
        self._sock.settimeout(self._left_s())
        part = self._sock.recv(_CHUNK)
        if not part:
            raise ConnectionResetError("the other side ended the connection")
        return part

    def _left_s(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class _Frames(frame_buffer):
    """Reads frames off the wire: the cap first, then the body. Servers do not mask."""

    def __init__(self, wire: _Wire, cap: int) -> None:
        super().__init__(wire.recv, skip_utf8_validation=True)
        self._wire = wire
        self._cap = cap
        self._message = 0  # bytes of the message under way, over all its frames

    def recv_frame(self) -> ABNF:
        first, second = self._wire.exactly(2)
        if second & 0x80:
            raise WebSocketException("a masked frame from the server")
        length = second
        if second == 126:
            (length,) = struct.unpack("!H", self._wire.exactly(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", self._wire.exactly(8))
        if self._message + length > self._cap:
            raise WebSocketException(f"a message of {self._message + length} bytes; {self._cap} are taken")
        if length > _CHUNK:
            self._wire.deadline += length / SLOWEST_PACE
        fin, opcode = first >> 7, first & 0x0F
        if opcode < ABNF.OPCODE_CLOSE:
            self._message = 0 if fin else self._message + length
        frame = ABNF(fin, first >> 6 & 1, first >> 5 & 1, first >> 4 & 1, opcode, 0, self._wire.exactly(length))
        frame.validate(skip_utf8_validation=True)
        return frame


class _CappedWebSocket(websocket.WebSocket):
    def __init__(self, wire: _Wire, cap: int) -> None:
        super().__init__(enable_multithread=True, skip_utf8_validation=True)
        self.frame_buffer = _Frames(wire, cap)

    def send_close(self, *args: Any, **kwargs: Any) -> None:
        """Answering a close is a courtesy: what came with it must not be lost when the other side is gone already."""
        with contextlib.suppress(WebSocketException, OSError):
            super().send_close(*args, **kwargs)

    def _send(self, data: str | bytes) -> int:
        """Past the library's own waiting: the wire keeps the deadline."""
        assert isinstance(data, bytes)
        return cast(Any, self.sock).send(data)  # type: ignore[no-any-return]  # the wire, which counts bytes


def _is_loopback(address: object) -> bool:
    return isinstance(address, str) and ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _close_words(payload: bytes) -> str:
    if len(payload) < 2:
        return "closed by the exchange, without a reason"
    (code,) = struct.unpack("!H", payload[:2])
    reason = redacted(payload[2:].decode(errors="replace"), limit=120)
    return f"closed by the exchange: {code} {reason}".rstrip()


def _words(error: Exception) -> str:
    return redacted(" ".join(str(error).split()) or type(error).__name__, limit=200)
