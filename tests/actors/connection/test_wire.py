"""One request over a real socket to peers that misbehave: when it ends, what is known, and what is said of it."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.wire import HttpTransport
from actors.connection.errors import BrokerageAPIError, ReplyUnreadable
from actors.connection.lookup import look_up
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.actors.connection.peers import PATIENCE_S, Request, http_peer, reply

DEADLINE_S = 0.5


def ask(url: str, *, method: str = "GET", timeout: float = DEADLINE_S, transport: HttpTransport | None = None) -> str:
    """The text of one request's reply."""
    body = b"{}" if method == "POST" else None
    _, _, text = (transport or HttpTransport())(method, f"{url}/x", {}, body, timeout)
    return text


def fault(url: str, *, method: str = "GET", timeout: float = DEADLINE_S, cap: int | None = None) -> BrokerageAPIError:
    transport = HttpTransport() if cap is None else HttpTransport(body_cap=cap)
    with pytest.raises(BrokerageAPIError) as raised:
        ask(url, method=method, timeout=timeout, transport=transport)
    return raised.value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1000, id="headers that drip"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 2000, id="a body that drips"),
        pytest.param(b"", id="silence"),
    ],
)
def test_the_deadline_is_for_the_whole_request_however_the_reply_drips(data: bytes) -> None:
    def answer(_: Request, sock: socket.socket) -> None:
        head, rest = data[:60], data[60:]
        sock.sendall(head)
        for byte in rest:
            sock.sendall(bytes([byte]))
            if ended.wait(0.02):
                return
        ended.wait(5)

    ended = threading.Event()
    with http_peer(answer) as peer:
        began = time.monotonic()
        error = fault(peer.url, method="POST")
        took = time.monotonic() - began
        ended.set()
    assert DEADLINE_S - 0.1 < took < DEADLINE_S + 0.5
    assert error.outcome_unknown
    assert error.retryable


def test_a_reply_longer_than_the_cap_is_cut_off() -> None:
    with http_peer(lambda *_: reply(b"x" * 200_000)) as peer:
        assert "longer than 100000 bytes" in str(fault(peer.url, cap=100_000))


def test_a_small_reply_that_unpacks_to_a_flood_is_cut_off() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 100_000
    with http_peer(lambda *_: reply(bomb, headers={"Content-Encoding": "gzip"})) as peer:
        assert "longer than 1000000 bytes" in str(fault(peer.url, cap=1_000_000, timeout=5))


def test_a_connection_that_is_refused_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = fault(f"http://127.0.0.1:{port}", method="POST")
    assert not error.outcome_unknown
    assert error.status is None
    assert "before anything was sent" in str(error)


def test_a_name_that_does_not_exist_sent_nothing() -> None:
    assert not fault("http://nowhere.invalid", method="POST", timeout=5).outcome_unknown


def test_a_resolver_that_does_not_answer_ends_with_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def silent(*_: object) -> list[object]:
        answers.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    began = time.monotonic()
    error = fault("http://exchange.test", method="POST")
    took = time.monotonic() - began
    answers.set()
    assert DEADLINE_S - 0.1 < took < DEADLINE_S + 0.5
    assert "before anything was sent" in str(error)
    assert not error.outcome_unknown


def test_a_peer_that_never_shakes_hands_ends_with_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        error = fault(f"https://127.0.0.1:{listener.getsockname()[1]}", method="POST")
        took = time.monotonic() - began
    assert DEADLINE_S - 0.1 < took < DEADLINE_S + 0.3
    assert not error.outcome_unknown


def test_of_several_addresses_the_first_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_peer(lambda *_: reply({"ok": True})) as peer:
        port = int(peer.address.partition(":")[2])
        known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ("127.0.0.2", "127.0.0.1")]
        resolver = socket.getaddrinfo

        def two(host: str, *rest: Any) -> Any:
            return known if host == "exchange.test" else resolver(host, *rest)

        monkeypatch.setattr(socket, "getaddrinfo", two)
        assert ask(f"http://exchange.test:{port}") == '{"ok": true}'
        assert peer.requests[0].headers["host"] == f"exchange.test:{port}"


def test_a_name_that_is_no_name_is_a_typed_fault() -> None:
    with pytest.raises(OSError, match="too long"):
        look_up("x" * 70 + ".test", 443, within_s=1)


def reset(_: Request, sock: socket.socket) -> None:
    """Take the request, then RST instead of an answer."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_connection_that_breaks_after_the_send_leaves_the_outcome_unknown_and_sends_once() -> None:
    with http_peer(reset) as peer:
        error = fault(peer.url, method="POST")
        assert error.outcome_unknown
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"this is not HTTP\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", id="body cut off"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", id="broken chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", id="no gzip"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", id="a thousand headers"),
        pytest.param(b"", id="closed without a word"),
    ],
)
def test_a_broken_reply_is_a_typed_fault_and_leaves_the_outcome_unknown(answer: bytes) -> None:
    def broken(_: Request, sock: socket.socket) -> None:
        sock.sendall(answer)

    with http_peer(broken) as peer:
        assert fault(peer.url, method="POST").outcome_unknown


def test_a_body_that_is_not_utf8_is_unreadable() -> None:
    with http_peer(lambda *_: reply(b'{"iso": "\xff\xfe"}')) as peer:
        assert isinstance(fault(peer.url), ReplyUnreadable)


def test_a_redirect_is_not_followed() -> None:
    with http_peer(lambda *_: reply(b"", 302, {"Location": "http://127.0.0.1:1/"})) as peer:
        status, headers, _ = HttpTransport()("GET", f"{peer.url}/x", {}, None, 1.0)
    assert (status, headers["location"]) == (302, "http://127.0.0.1:1/")


@pytest.mark.parametrize(("keep_alive", "connections"), [(True, 1), (False, 10)])
def test_ten_requests_use_one_connection_with_keep_alive_and_ten_without(keep_alive: bool, connections: int) -> None:
    with http_peer(lambda *_: reply({"ok": True})) as peer:
        transport = HttpTransport(keep_alive=keep_alive)
        for _ in range(10):
            ask(peer.url, transport=transport)
        assert peer.accepted == connections
        transport.close()


@pytest.mark.parametrize(("word", "connections"), [("0", 3), ("1", 1), ("", 1)])
def test_keep_alive_can_be_switched_off_by_the_environment(
    word: str, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if word:
        monkeypatch.setenv("COINBASE_ENABLE_KEEP_ALIVE", word)
    with http_peer(lambda *_: reply({"iso": "2026-01-01T00:00:00Z"})) as peer:
        client = CoinbaseClient(peer.url)
        for _ in range(3):
            client.get_time()
        assert peer.accepted == connections
        client.close()


def test_an_argument_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINBASE_ENABLE_KEEP_ALIVE", "0")
    with http_peer(lambda *_: reply({"iso": "2026-01-01T00:00:00Z"})) as peer:
        client = CoinbaseClient(peer.url, enable_keep_alive=True)
        for _ in range(3):
            client.get_time()
        assert peer.accepted == 1
        client.close()


def test_a_connection_that_the_exchange_closed_while_idle_costs_a_write_neither_its_answer_nor_a_second_send() -> None:
    closed = threading.Semaphore(0)

    def answer_and_go(_: Request, sock: socket.socket) -> None:
        sock.sendall(reply({"ok": True}))
        sock.shutdown(socket.SHUT_RDWR)
        closed.release()

    with http_peer(answer_and_go) as peer:
        transport = HttpTransport()
        for method in ("GET", "POST", "POST"):
            assert ask(peer.url, method=method, transport=transport) == '{"ok": true}'
            assert closed.acquire(timeout=PATIENCE_S)
        assert [request.method for request in peer.requests] == ["GET", "POST", "POST"]
        transport.close()


def test_threads_share_the_pool() -> None:
    with http_peer(lambda *_: reply({"ok": True})) as peer:
        transport = HttpTransport()
        failures: list[Exception] = []

        def work() -> None:
            try:
                for _ in range(20):
                    assert ask(peer.url, transport=transport, timeout=5) == '{"ok": true}'
            except Exception as error:  # noqa: BLE001 - carried to the test's thread
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not failures
        assert len(peer.requests) == 80
        assert peer.accepted <= 8
        transport.close()


def test_the_environment_has_no_say_in_where_requests_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with http_peer(lambda *_: reply({"ok": True})) as peer:
        assert ask(peer.url) == '{"ok": true}'


def test_a_proxy_that_is_given_is_used() -> None:
    with http_peer(lambda *_: reply({"ok": True})) as proxy:
        ask("http://exchange.invalid", transport=HttpTransport(proxy=proxy.url))
        assert proxy.requests[0].target == "http://exchange.invalid/x"


class TlsPeer:
    """Answers every TLS connection with one JSON reply."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        with sock:
            try:
                with self._context.wrap_socket(sock, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(reply({"ok": True}))
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def test_tls_is_taken_from_the_given_authority_only(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    for name, ca in (("ours.pem", authority), ("other.pem", other)):
        ca.cert_pem.write_to_path(str(tmp_path / name))
    peer = TlsPeer(authority.issue_cert("127.0.0.1"))
    assert ask(peer.url, timeout=5, transport=HttpTransport(ca_file=str(tmp_path / "ours.pem"))) == '{"ok": true}'
    peer.close()
    peer = TlsPeer(authority.issue_cert("127.0.0.1"))
    with pytest.raises(BrokerageAPIError, match="before anything was sent") as refused:
        ask(peer.url, method="POST", timeout=5, transport=HttpTransport(ca_file=str(tmp_path / "other.pem")))
    assert not refused.value.outcome_unknown
    peer.close()


def test_a_token_never_shows_in_what_is_said_of_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    tokens: list[str] = []

    def echo(request: Request, _: socket.socket) -> bytes:
        tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        return reply(f"cannot accept {tokens[-1]}".encode(), 400)

    with caplog.at_level("DEBUG"), http_peer(echo) as peer:
        client = CoinbaseClient(peer.url, Credentials(NAME, pem(EC_KEY)))
        with pytest.raises(Exception, match="cannot accept") as raised:
            client.get_key_permissions()
    said = f"{raised.value!r} {raised.value} {caplog.text}"
    assert tokens
    assert not any(part in said for token in tokens for part in token.split("."))
