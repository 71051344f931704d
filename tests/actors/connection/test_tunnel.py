"""Feeds and requests through a proxy: the tunnel it opens, and what happens when it opens none."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.errors import BrokerageAPIError, FeedBroken
from actors.connection.market_feed import MarketFeed
from actors.connection.socket import FeedSocket
from actors.connection.tunnel import Proxy
from events.feeds import FeedLost
from events.market import BookSnapshotted
from tests.actors.connection.peers import PATIENCE_S, ListDoor, Socket, TcpPeer, http_peer, reply, socket_peer
from tests.actors.connection.test_feeds import BOOK, PRODUCTS, QUICK, subscribed
from tests.actors.connection.test_socket import tls_echo


class ConnectProxy(TcpPeer):
    """Opens a tunnel for whoever asks with CONNECT, or says `answer` instead; `asked` keeps what it was asked."""

    def __init__(self, answer: bytes = b"") -> None:
        self.asked: list[str] = []
        self._answer = answer
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def serve(self, sock: socket.socket, number: int) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = sock.recv(1)
            if not byte:
                return
            head += byte
        self.asked.append(head.decode())
        if self._answer:
            sock.sendall(self._answer)
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_S) as other:
            other.settimeout(None)
            sock.sendall(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
            back = threading.Thread(target=passed_on, args=(other, sock), daemon=True)
            back.start()
            passed_on(sock, other)
            back.join(PATIENCE_S)


def passed_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65_536):
            target.sendall(part)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def connect_proxy(answer: bytes = b"") -> Iterator[ConnectProxy]:
    proxy = ConnectProxy(answer)
    try:
        yield proxy
    finally:
        proxy.close()


def live(end: Socket) -> None:
    subscribed(end)
    end.channel("l2_data", BOOK)
    end.live_on()


def test_a_feed_goes_through_the_proxy_it_is_given() -> None:
    door = ListDoor()
    with socket_peer(live) as peer, connect_proxy() as proxy:
        feed = MarketFeed(door, peer.url, PRODUCTS, manners=QUICK._replace(proxy=proxy.url))
        feed.start()
        door.wait_for(BookSnapshotted)
        feed.stop()
        assert proxy.asked == [f"CONNECT {peer.address} HTTP/1.1\r\nHost: {peer.address}\r\n\r\n"]


def test_name_and_password_are_shown_to_the_proxy_and_to_nobody_else() -> None:
    headers: list[dict[str, str]] = []

    def script(end: Socket) -> None:
        headers.append(end.headers)
        end.send(b"through")
        end.receive()

    with socket_peer(script) as peer, connect_proxy() as proxy:
        given = proxy.url.replace("http://", "http://me:s%40cret@")
        ours = FeedSocket(peer.url, proxy=given)
        ours.connect()
        assert ours.receive(2) == b"through"
        ours.close()
        shown = base64.b64encode(b"me:s@cret").decode()
        assert f"Proxy-Authorization: Basic {shown}\r\n" in proxy.asked[0]
        assert "proxy-authorization" not in headers[0]
        assert "s@cret" not in repr(Proxy.of(given))
        assert shown not in repr(Proxy.of(given))


def test_what_goes_through_a_tunnel_is_sealed_to_the_exchange_itself(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    url, thread, listener = tls_echo(authority.issue_cert("127.0.0.1"))
    with connect_proxy() as proxy:
        ours = FeedSocket(url, ca_file=str(tmp_path / "ca.pem"), proxy=proxy.url)
        ours.connect()
        assert ours.receive(2) == b"sealed"
        ours.close()
        thread.join(PATIENCE_S)
    listener.close()
    assert len(proxy.asked) == 1


REFUSALS = {
    "a refusal": (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407 Proxy Authentication Required"),
    "an end": (b"HTTP/1.1 200 OK\r\n", "no whole answer"),
    "an answer without end": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "no whole answer"),
    "another protocol": (b"SSH-2.0-OpenSSH\r\n\r\n", "opens no tunnel: SSH-2.0"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_proxy_that_opens_no_tunnel_is_named_with_its_words(what: str) -> None:
    answer, words = REFUSALS[what]
    door = ListDoor()
    with socket_peer(live) as peer, connect_proxy(answer) as proxy:
        given = proxy.url.replace("http://", "http://me:secret@")
        feed = MarketFeed(door, peer.url, PRODUCTS, manners=QUICK._replace(proxy=given))
        feed.start()
        (lost, *_) = door.wait_for(FeedLost)
        feed.stop()
        assert not peer.accepted, "without a tunnel nothing goes to the exchange"
    assert words in lost.reason
    assert "secret" not in lost.reason


def test_a_proxy_that_does_not_answer_ends_the_attempt_in_time() -> None:
    with socket_peer(lambda end: end.pause(10), shakes_hands=False) as mute:
        ours = FeedSocket("ws://127.0.0.1:1/", proxy=f"http://{mute.address}", connect_timeout_s=0.2)
        with pytest.raises(FeedBroken, match="timed out"):
            ours.connect()
        ours.close()


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "socks5://127.0.0.1:1", "127.0.0.1:3128", "http://"])
def test_another_kind_of_proxy_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="http://host:port"):
        FeedSocket("ws://127.0.0.1:1/", proxy=url)


def test_requests_go_through_a_proxy_as_well() -> None:
    with http_peer(lambda _request, _socket: reply({"products": []})) as proxy:
        client = CoinbaseClient("http://exchange.invalid", proxy=proxy.url)
        assert not [*client.get_products()]
        client.close()
        assert proxy.requests[0].target.startswith("http://exchange.invalid/")
    with connect_proxy(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as tunnel:
        client = CoinbaseClient("https://exchange.invalid", proxy=tunnel.url, max_retries=0)
        with pytest.raises(BrokerageAPIError, match="Unable to connect to proxy"):
            client.get_products()
        client.close()
        assert tunnel.asked[0].startswith("CONNECT exchange.invalid:443 ")
