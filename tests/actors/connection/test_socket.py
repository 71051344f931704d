"""One WebSocket connection against peers that break every rule: what ends it, how soon, and at what cost."""

from __future__ import annotations

import resource
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from actors.connection.errors import FeedBroken
from actors.connection.socket import FeedSocket, Silent
from tests.actors.connection.peers import PATIENCE_S, Socket, frame, socket_peer

QUIET_S = 0.3


@contextmanager
def connected(
    script: Callable[[Socket], None], *, message_cap: int = 1 << 20, receive_buffer: int | None = None
) -> Iterator[FeedSocket]:
    with socket_peer(script) as peer:
        ours = FeedSocket(peer.url, connect_timeout_s=2, message_cap=message_cap, receive_buffer=receive_buffer)
        try:
            ours.connect()
            yield ours
        finally:
            ours.close()


def test_messages_come_whole_and_in_order() -> None:
    def script(end: Socket) -> None:
        for i in range(500):
            end.send(f'{{"n": {i}}}')
        end.receive()

    with connected(script) as ours:
        assert [ours.receive(1) for _ in range(500)] == [f'{{"n": {i}}}'.encode() for i in range(500)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
def test_a_message_of_any_length_is_read_to_its_last_byte(size: int) -> None:
    body = bytes(i % 251 for i in range(size))

    def script(end: Socket) -> None:
        end.send(body)
        end.send(b"next")
        end.receive()

    with connected(script) as ours:
        assert ours.receive(1) == body
        assert ours.receive(1) == b"next"


def test_a_message_in_pieces_is_put_together_and_pings_between_them_are_answered() -> None:
    pongs: list[tuple[int, bytes]] = []

    def script(end: Socket) -> None:
        end.raw(frame(b"one ", fin=False))
        end.raw(frame(b"knock", 0x9))
        end.raw(frame(b"message", 0x0))
        pongs.append(end.receive())

    with connected(script) as ours:
        assert ours.receive(1) == b"one message"
    assert pongs == [(0xA, b"knock")]


def test_silence_is_noticed_exactly_when_it_is_too_long() -> None:
    with connected(lambda end: end.pause(5)) as ours:
        began = time.monotonic()
        with pytest.raises(Silent) as silent:
            ours.receive(QUIET_S)
        assert QUIET_S <= time.monotonic() - began < QUIET_S + 0.3
        assert silent.value.for_s == QUIET_S


def test_pings_alone_are_signs_of_life() -> None:
    def script(end: Socket) -> None:
        for _ in range(6):
            end.raw(frame(b"", 0x9))
            end.pause(QUIET_S / 2)
        end.send(b"there")
        end.pause(5)

    with connected(script) as ours:
        assert ours.receive(QUIET_S) == b"there"


def test_a_small_frame_that_drips_is_no_sign_of_life() -> None:
    def script(end: Socket) -> None:
        for byte in frame(b"x" * 100):
            end.raw(bytes([byte]))
            end.pause(QUIET_S / 10)

    with connected(script) as ours:
        began = time.monotonic()
        with pytest.raises(Silent):
            ours.receive(QUIET_S)
        assert time.monotonic() - began < QUIET_S + 0.3


def test_a_large_frame_under_way_may_take_as_long_as_a_slow_line_needs() -> None:
    size = 200_000

    def script(end: Socket) -> None:
        whole = frame(b"x" * size)
        for place in range(0, len(whole), 20_000):
            end.raw(whole[place : place + 20_000])
            end.pause(QUIET_S / 4)

    with connected(script) as ours:
        assert len(ours.receive(QUIET_S)) == size


BREAKS: dict[str, tuple[bytes, str]] = {
    "closed with 1001": (frame(struct.pack("!H", 1001) + b"going away", 0x8), "1001 going away"),
    "closed with 1012": (frame(struct.pack("!H", 1012), 0x8), "1012"),
    "closed without a code": (frame(b"", 0x8), "without a reason"),
    "a reserved bit": (frame(b"x", rsv=4), "rsv"),
    "an unknown opcode": (frame(b"x", 0x3), "opcode"),
    "a stray continuation": (frame(b"x", 0x0), "Illegal frame"),
    "a message within a message": (frame(b"a", fin=False) + frame(b"b"), "Illegal frame"),
    "a ping in pieces": (frame(b"", 0x9, fin=False), "Invalid ping"),
    "a ping of 200 bytes": (frame(b"x" * 200, 0x9), "too long"),
    "a close of one byte": (frame(b"x", 0x8), "Invalid close"),
    "a close code that is none": (frame(struct.pack("!H", 999), 0x8), "999"),
    "a length of 2^63": (frame(b"", length=1 << 63), "are taken"),
    "a masked frame": (b"\x81\x81\x00\x00\x00\x00x", "masked"),
    "an end in the middle of a frame": (frame(b"x", length=1000), "ended the connection"),
    "an end at once": (b"", "ended the connection"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_connection_is_a_typed_error_that_says_how(what: str) -> None:
    data, words = BREAKS[what]

    def script(end: Socket) -> None:
        end.raw(data)

    with connected(script) as ours:
        began = time.monotonic()
        with pytest.raises(FeedBroken, match=words) as raised:
            ours.receive(2)
        assert not isinstance(raised.value, Silent)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("mebibytes", [9, 64])
def test_a_frame_over_the_cap_is_refused_by_its_header_and_its_body_is_not_read(mebibytes: int) -> None:
    size = mebibytes << 20
    sent = 0

    def script(end: Socket) -> None:
        nonlocal sent
        end.raw(frame(b"", length=size))
        while sent < size:
            end.raw(b"x" * 65_536)
            sent += 65_536

    with connected(script, message_cap=8 << 20) as ours:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.monotonic()
        with pytest.raises(FeedBroken, match=f"{size} bytes; 8388608 are taken"):
            ours.receive(2)
        assert time.monotonic() - began < 0.5
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024


def test_the_cap_counts_all_pieces_of_a_message() -> None:
    def script(end: Socket) -> None:
        end.raw(frame(b"x" * 60_000, fin=False))
        for _ in range(100):
            end.raw(frame(b"x" * 60_000, 0x0, fin=False))

    with connected(script, message_cap=200_000) as ours, pytest.raises(FeedBroken, match="are taken"):
        ours.receive(2)


def test_many_messages_below_the_cap_are_not_added_up() -> None:
    def script(end: Socket) -> None:
        for _ in range(20):
            end.raw(frame(b"x" * 30_000, fin=False) + frame(b"y" * 30_000, 0x0))
        end.receive()

    with connected(script, message_cap=100_000) as ours:
        assert [len(ours.receive(1)) for _ in range(20)] == [60_000] * 20


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", "429"),
        (b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", "[Rr]edirect"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "[Aa]ccept|Header"),
        (b"nonsense\r\n\r\n", "takes no WebSocket"),
        (b"HTTP/1.1 101 X\r\n" + b"X: y\r\n" * 20_000, "too long"),
        (b"", "takes no WebSocket"),
    ],
)
def test_a_peer_that_does_not_shake_hands_is_refused(answer: bytes, words: str) -> None:
    with socket_peer(lambda end: end.raw(answer), shakes_hands=False) as peer:
        ours = FeedSocket(peer.url, connect_timeout_s=2)
        with pytest.raises(FeedBroken, match=words):
            ours.connect()
        ours.close()


def test_a_handshake_that_drips_ends_at_its_deadline() -> None:
    def script(end: Socket) -> None:
        for byte in b"HTTP/1.1 101 Switching Protocols\r\n" * 10:
            end.raw(bytes([byte]))
            end.pause(0.05)

    with socket_peer(script, shakes_hands=False) as peer:
        ours = FeedSocket(peer.url, connect_timeout_s=QUIET_S)
        began = time.monotonic()
        with pytest.raises(FeedBroken, match="timed out"):
            ours.connect()
        assert time.monotonic() - began < QUIET_S + 0.3
        ours.close()


def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ours = FeedSocket(f"ws://127.0.0.1:{port}/")
    with pytest.raises(FeedBroken, match=f"cannot connect to 127.0.0.1:{port}: .*refused"):
        ours.connect()
    ours.close()


@pytest.mark.parametrize("while_in", ["receive", "connect"])
def test_closing_from_another_thread_ends_every_wait_at_once(while_in: str) -> None:
    shakes = while_in == "receive"
    with socket_peer(lambda end: end.pause(5), shakes_hands=shakes) as peer:
        ours = FeedSocket(peer.url, connect_timeout_s=5)
        waiting, ended = threading.Event(), threading.Event()

        def live() -> None:
            if shakes:
                ours.connect()
            waiting.set()
            with pytest.raises(FeedBroken):
                ours.receive(5) if shakes else ours.connect()
            ended.set()

        thread = threading.Thread(target=live)
        thread.start()
        assert waiting.wait(PATIENCE_S)
        began = time.monotonic()
        while not ended.is_set() and time.monotonic() - began < 2:
            ours.close()
            ended.wait(0.02)
        assert ended.is_set()
        thread.join(PATIENCE_S)


@pytest.mark.parametrize("receive_buffer", [16_384, None])
def test_a_client_that_does_not_read_makes_the_exchange_wait(receive_buffer: int | None) -> None:
    sent = 0
    stuck = threading.Event()

    def script(end: Socket) -> None:
        nonlocal sent
        end._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        end._sock.settimeout(0.3)
        try:
            while sent < 64 << 20:
                end.raw(frame(b"x" * 8_000))
                sent += 8_000
        except TimeoutError:
            stuck.set()
            end.pause(5)

    with connected(script, receive_buffer=receive_buffer):
        assert stuck.wait(PATIENCE_S)
    assert sent < 1 << 20, "the kernel held much more for us than it was told"


def tls_echo(certificate: trustme.LeafCert) -> tuple[str, threading.Thread, socket.socket]:
    """A peer that takes one TLS connection, shakes hands, and sends one message."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            try:
                with context.wrap_socket(sock, server_side=True) as secure:
                    end = Socket(None, secure, 1)  # type: ignore[arg-type]  # it never pauses
                    end.shake_hands()
                    end.send(b"sealed")
                    end.receive()
                    end.end()
            except (OSError, ValueError):
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"wss://127.0.0.1:{listener.getsockname()[1]}/", thread, listener


@pytest.mark.parametrize("trusted", [True, False])
def test_the_host_must_prove_itself_to_the_given_authority(trusted: bool, tmp_path: Path) -> None:
    authority = trustme.CA()
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    url, thread, listener = tls_echo(authority.issue_cert("127.0.0.1"))
    ours = FeedSocket(url, ca_file=str(tmp_path / "ca.pem"), connect_timeout_s=5)
    if trusted:
        ours.connect()
        assert ours.receive(2) == b"sealed"
    else:
        with pytest.raises(FeedBroken, match="CERTIFICATE_VERIFY_FAILED"):
            ours.connect()
    ours.close()
    thread.join(PATIENCE_S)
    listener.close()


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    url, thread, listener = tls_echo(authority.issue_cert("example.org"))
    ours = FeedSocket(url, ca_file=str(tmp_path / "ca.pem"), connect_timeout_s=5)
    with pytest.raises(FeedBroken, match=r"127\.0\.0\.1"):
        ours.connect()
    ours.close()
    thread.join(PATIENCE_S)
    listener.close()


def test_the_environment_has_no_say_in_where_the_socket_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with connected(lambda end: end.send(b"straight")) as ours:
        assert ours.receive(1) == b"straight"
