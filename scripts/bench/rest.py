"""Requests to the local exchange: connections kept alive against new ones, and what the gateway adds to an order.

The exchange is a process of its own. An order is one it refuses at once (its price is off the grid), so that the
gateway has its answer with the reply to the POST, as the bare loop has; both sign every request with a fresh token.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import requests

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.gateway import OrderGateway
from actors.door import Lane
from events.feeds import FeedConnected, FeedSubscribed
from events.orders import OrderRejected, OrderSubmitted
from events.record import AnyEvent, Record
from events.terms import OrderKind, Side

PRODUCT = "BIP-20DEC30-CDE"
REQUESTS = 150
ORDERS = 100
_PATH = "/api/v3/brokerage/orders"
_NO_LIMIT = 10_000_000
_LIMIT_S = 30.0


class Ready(msgspec.Struct):
    """What the exchange prints when it can be reached."""

    rest: str
    key_file: str
    ca_file: str | None = None


def measure(rounds: int) -> dict[str, object]:
    """Rows of rates (requests per second) and of times (microseconds an order)."""
    rows: list[dict[str, object]] = []
    for tls in (False, True):
        with _exchange(tls=tls) as ready:
            kept, new, bare = [], [], []
            for _ in range(rounds):
                kept.append(_rate(_client(ready, keep_alive=True)))
                new.append(_rate(_client(ready, keep_alive=False)))
                bare.append(_bare_rate(ready))
            name = "https" if tls else "http"
            rows.append(_row(f"{name} requests per s: kept alive / new each", kept, new, 1.5 if tls else 1.0))
            rows.append(_row(f"{name} requests per s: client / bare session", kept, bare, 0.5))
            if tls:
                rows.append(_orders(ready, rounds))
    return {
        "id": "",
        "title": "requests and orders at the local exchange",
        "reference": "new connections; a bare requests.Session, signed as well",
        "rows": rows,
    }


def _row(case: str, ours: Sequence[float], reference: Sequence[float], first_day: float) -> dict[str, object]:
    ratio = median(one / other for one, other in zip(ours, reference, strict=True))
    figures = {"ours": round(median(ours)), "reference": round(median(reference))}
    return {"case": case, **figures, "ratio": ratio, "first_day": first_day}


def _orders(ready: Ready, rounds: int) -> dict[str, object]:
    """An order from its commit to what the exchange said of it, against the POST alone."""
    ours, bare = [], []
    for turn in range(rounds):
        ours.append(_gateway_us(ready, turn))
        bare.append(_bare_us(ready, turn))
    return {
        "case": "https, us an order: gateway / bare POST",
        "ours": round(median(ours)),
        "reference": round(median(bare)),
        "ratio": median(one / other for one, other in zip(ours, bare, strict=True)),
        "first_day": 2.0,
        "below": True,
    }


@contextmanager
def _exchange(*, tls: bool) -> Iterator[Ready]:
    """The local exchange in a process of its own; its market stands still until somebody subscribes."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--data-dir", folder, *(["--tls"] if tls else [])]
        process = subprocess.Popen(
            [sys.executable, "-m", "replay.exchange", *options], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        timer = threading.Timer(_LIMIT_S, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            yield msgspec.json.decode(process.stdout.readline(), type=Ready)
        finally:
            timer.cancel()
            process.terminate()
            process.wait(_LIMIT_S)
            if process.stdout is not None:
                process.stdout.close()


def _client(ready: Ready, *, keep_alive: bool) -> CoinbaseClient:
    return CoinbaseClient(
        ready.rest,
        Credentials.from_file(ready.key_file),
        enable_keep_alive=keep_alive,
        rate_limit_per_minute=_NO_LIMIT,
        ca_file=ready.ca_file,
    )


def _rate(client: CoinbaseClient) -> float:
    per_s = _per_s(client.get_key_permissions)
    client.close()
    return per_s


def _bare_rate(ready: Ready) -> float:
    session, key = _session(ready), Credentials.from_file(ready.key_file)
    host, path = ready.rest.split("//")[1], "/api/v3/brokerage/key_permissions"

    def ask() -> None:
        headers = {"Authorization": f"Bearer {key.request_token('GET', host, path)}"}
        session.get(f"{ready.rest}{path}", headers=headers, timeout=10).json()

    per_s = _per_s(ask)
    session.close()
    return per_s


def _per_s(ask: Callable[[], object]) -> float:
    ask()
    start = time.perf_counter()
    for _ in range(REQUESTS):
        ask()
    return REQUESTS / (time.perf_counter() - start)


def _session(ready: Ready) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = ready.ca_file or True
    return session


def _bare_us(ready: Ready, turn: int) -> float:
    session, key = _session(ready), Credentials.from_file(ready.key_file)
    host = ready.rest.split("//")[1]
    taken = []
    for number in range(ORDERS + 1):
        body = {
            "client_order_id": f"00000000-0000-4000-8000-{turn:04d}{number:08d}",
            "product_id": PRODUCT,
            "side": "BUY",
            "order_configuration": {"sor_limit_ioc": {"base_size": "1", "limit_price": "68925.5"}},
        }
        began = time.perf_counter()
        headers = {"Authorization": f"Bearer {key.request_token('POST', host, _PATH)}"}
        reply = session.post(f"{ready.rest}{_PATH}", json=body, headers=headers, timeout=10).json()
        taken.append((time.perf_counter() - began) * 1e6)
        assert reply["success"] is False, reply
    session.close()
    return median(taken[1:])


def _gateway_us(ready: Ready, turn: int) -> float:
    door, client = _Door(), _client(ready, keep_alive=True)
    gateway = OrderGateway(door, client, {PRODUCT: "BTC-PERP"}, lambda: 0)
    gateway.start()
    up: list[AnyEvent] = [
        FeedConnected(feed="market", connection=1),
        FeedSubscribed(feed="market", connection=1, channels=()),
    ]
    gateway.committed([_record(event) for event in up])
    taken = []
    for number in range(ORDERS + 1):
        order = _record(_submitted(f"00000000-0000-8000-9000-{turn:04d}{number:08d}"))
        began = time.perf_counter()
        gateway.committed([order])
        told = door.told.get(timeout=_LIMIT_S)
        taken.append((time.perf_counter() - began) * 1e6)
        assert isinstance(told, OrderRejected), told
    gateway.stop()
    client.close()
    return median(taken[1:])


def _submitted(order: str) -> OrderSubmitted:
    return OrderSubmitted(
        order=order,
        proposal=order,
        strategy="bench",
        product="BTC-PERP",
        side=Side.BUY,
        qty=Decimal(1),
        kind=OrderKind.LIMIT_IOC,
        limit_price=Decimal("68925.5"),
        reduce_only=False,
        expires_at=1 << 60,
        reference_price=Decimal(68_900),
    )


def _record(event: AnyEvent) -> Record:
    return Record(seq=1, at=0, by="bench", event=event)


class _Door:
    """What the gateway says, in a queue."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def tell(self, by: str, events: Sequence[AnyEvent], lane: Lane, time: int | None = None) -> None:  # noqa: ARG002
        for event in events:
            self.told.put(event)
