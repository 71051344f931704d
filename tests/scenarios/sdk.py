"""The exchange's official Python client, and the local exchange as a command for it to talk to, over TLS."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from coinbase.rest import RESTClient  # type: ignore[import-untyped]  # it ships no types

from tests.scenarios.demos import ROOT

#: The client makes its TLS context in a way that Python deprecates; it is the client under test, not ours.
DEPRECATIONS = [
    pytest.mark.filterwarnings("ignore:ssl.SSLContext:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS:DeprecationWarning"),
]

LIMIT_S = 20
_PLAYED = 4_000  # facts of the tape, some minutes of trading
PRODUCT = "BIP-20DEC30-CDE"

#: What the exchange sends, as it comes.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running `perptape exchange`, and the handle on it."""

    ready: dict[str, str]
    control: requests.Session

    def do(self, act: str) -> Json:
        found: Json = self.control.post(f"{self.ready['rest']}/control/{act}", timeout=LIMIT_S).json()
        return found

    def played(self) -> int:
        books: Json = self.control.get(f"{self.ready['rest']}/control/books", timeout=LIMIT_S).json()
        return int(books["played"])


@contextmanager
def exchange(folder: Path, *arguments: str) -> Iterator[Exchange]:
    """The command in a process of its own, up to the end of the block; it must leave quietly with 0."""
    command = [sys.executable, "-m", "scripts.perptape", "exchange", "--tls", "--data-dir", str(folder), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            ready = json.loads(started.stdout.readline())
            with requests.Session() as control:
                control.trust_env = False
                control.verify = ready["ca_file"]
                yield Exchange(ready, control)
        finally:
            started.send_signal(signal.SIGTERM)
            _, complaints = started.communicate(timeout=LIMIT_S)
        assert (started.returncode, complaints) == (0, "")


@contextmanager
def halted(folder: Path, *arguments: str) -> Iterator[Exchange]:
    """Some minutes were traded, then the tape was halted: what a client reads does not change under it."""
    with exchange(folder, "--seed", "7", "--speed", "max", *arguments) as found:
        found.do("resume")
        deadline = time.monotonic() + LIMIT_S
        while found.played() < _PLAYED:
            assert time.monotonic() < deadline, "the tape does not play"
        found.do("pause")
        yield found


@contextmanager
def rest_client(ready: dict[str, str], *, with_key: bool = True) -> Iterator[RESTClient]:
    """The official client of REST, trusting the exchange's own authority."""
    host = ready["rest"].removeprefix("https://")
    keys = {"key_file": ready["key_file"]} if with_key else {}
    client = RESTClient(base_url=host, timeout=LIMIT_S, **keys)
    client.session.trust_env = False
    client.session.verify = ready["ca_file"]
    try:
        yield client
    finally:
        client.session.close()


def quotes(client: RESTClient, product: str) -> tuple[int, int]:
    """Best bid and best ask; this product's prices are whole numbers."""
    book = client.get_product_book(product, limit=1).pricebook
    return int(book.bids[0].price), int(book.asks[0].price)


_numbers = iter(range(1, 1_000))


def fresh_id() -> str:
    return f"sdk-{next(_numbers)}"


def taken(reply: Any) -> str:
    """The id of an order that was accepted."""
    assert reply.success, reply.to_dict()
    order_id: str = reply.success_response["order_id"]
    return order_id


def status(client: RESTClient, order_id: str) -> str:
    found: str = client.get_order(order_id).order.status
    return found


class Heard:
    """What a WebSocket client was sent, frame by frame, numbered without a gap."""

    def __init__(self) -> None:
        self._frames: queue.Queue[Json] = queue.Queue()
        self._next = 0

    def __call__(self, text: str) -> None:
        self._frames.put(json.loads(text))

    def until(self, is_last: Callable[[list[Json]], bool]) -> list[Json]:
        """Frames up to the first with which it is enough; fails when that takes too long."""
        deadline = time.monotonic() + LIMIT_S
        frames: list[Json] = []
        while not is_last(frames):
            frames.append(self._frames.get(timeout=max(0.01, deadline - time.monotonic())))
            assert frames[-1]["sequence_num"] == self._next
            self._next += 1
        return frames


def counts(frames: list[Json]) -> dict[str, int]:
    found: dict[str, int] = {}
    for frame in frames:
        found[frame["channel"]] = found.get(frame["channel"], 0) + 1
    return found
