"""The three things that make a client quick and polite: connections kept alive, a limit, waits that spread out."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.limits import Urgency
from actors.connection.errors import BrokerageAPIError, RateLimitError
from tests.actors.connection.peers import HttpPeer, http_peer, reply

ROOT = Path(__file__).parents[3]
EMPTY: dict[str, list[str]] = {"products": []}


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with http_peer(lambda _request, _socket: reply(EMPTY)) as answering:
        yield answering


@pytest.mark.parametrize(("keep_alive", "connections"), [(True, 1), (False, 10)])
def test_ten_requests_take_one_connection_kept_alive_and_ten_without(
    peer: HttpPeer, keep_alive: bool, connections: int
) -> None:
    client = CoinbaseClient(f"http://{peer.address}", enable_keep_alive=keep_alive)
    for _ in range(10):
        client.get_products()
    client.close()
    assert peer.accepted == connections


@pytest.mark.parametrize(("word", "connections"), [("0", 3), ("false", 3), ("Off", 3), ("1", 1), (None, 1)])
def test_the_environment_decides_where_the_code_does_not(
    peer: HttpPeer, monkeypatch: pytest.MonkeyPatch, word: str | None, connections: int
) -> None:
    monkeypatch.delenv("COINBASE_ENABLE_KEEP_ALIVE", raising=False)
    if word is not None:
        monkeypatch.setenv("COINBASE_ENABLE_KEEP_ALIVE", word)
    client = CoinbaseClient(f"http://{peer.address}")
    for _ in range(3):
        client.get_products()
    client.close()
    assert peer.accepted == connections


@pytest.mark.parametrize(("word", "connections"), [("0", 10), (None, 1)])
def test_a_process_of_its_own_keeps_connections_unless_its_environment_says_no(
    peer: HttpPeer, word: str | None, connections: int
) -> None:
    asks = "import sys\nfrom actors.brokerage import CoinbaseClient\nclient = CoinbaseClient(sys.argv[1])\n"
    asks += "for _ in range(10): client.get_products()\nclient.close()\n"
    environment = {name: value for name, value in os.environ.items() if name != "COINBASE_ENABLE_KEEP_ALIVE"}
    if word is not None:
        environment["COINBASE_ENABLE_KEEP_ALIVE"] = word
    command = [sys.executable, "-c", asks, f"http://{peer.address}"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=60)
    assert (peer.accepted, len(peer.requests)) == (connections, 10)


def test_the_argument_beats_the_environment(peer: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINBASE_ENABLE_KEEP_ALIVE", "0")
    client = CoinbaseClient(f"http://{peer.address}", enable_keep_alive=True)
    for _ in range(3):
        client.get_products()
    client.close()
    assert peer.accepted == 1


def test_the_limit_warns_at_four_fifths_once_and_holds_at_the_whole(
    peer: HttpPeer, caplog: pytest.LogCaptureFixture
) -> None:
    client = CoinbaseClient(f"http://{peer.address}", rate_limit_per_minute=10)
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            client.get_products()
    assert [entry.getMessage() for entry in caplog.records] == ["8 of 10 requests in 60 s are used"]
    assert client.requests_in_window == 10
    with pytest.raises(RateLimitError):
        client.at(Urgency.EXITS, patience_s=1).get_products()
    client.close()


def test_without_throttling_the_limit_raises_at_once(peer: HttpPeer) -> None:
    client = CoinbaseClient(f"http://{peer.address}", rate_limit_per_minute=3, enable_throttle=False)
    for _ in range(3):
        client.get_products()
    with pytest.raises(RateLimitError) as limited:
        client.get_products()
    client.close()
    assert limited.value.code == "OWN_LIMIT"
    assert limited.value.retry_after is not None
    assert limited.value.retry_after > 59


@pytest.mark.parametrize(("factor", "waits"), [(0.1, [1.01, 2.04, 4.12]), (0, [1.0, 2.0, 4.0])])
def test_waits_double_and_jitter_depends_on_the_attempt_alone(
    monkeypatch: pytest.MonkeyPatch, factor: float, waits: list[float]
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: asked.append(round(seconds, 4)))
    client = CoinbaseClient("https://x.test", jitter_factor=factor)
    client.set_transport_for_testing(lambda *_: (503, {}, ""))
    for _ in range(2):
        with pytest.raises(BrokerageAPIError):
            client.get_products()
    assert asked == waits * 2
