"""Puts a tape behind one port on loopback as an exchange: REST, WebSocket and control; then says where, in one line.

    serve(ExchangeOptions(tape=open_tape(path), speed=None))

When it listens it prints `{"rest", "ws", "key_file", "clock", "speed"}` (and `ca_file` with TLS) as one line of JSON,
so that any client of Coinbase can be pointed at it. It lives until SIGINT, SIGTERM or `POST /control/stop`.
"""

from __future__ import annotations

import asyncio
import copy
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from events.catalog import ProductListed
from events.event import Event
from events.ids import derived_id
from events.money import use_exact_arithmetic
from events.terms import NANOSECONDS
from replay.exchange import control, rest
from replay.exchange.acts import CancelAll
from replay.exchange.auth import KeyRing, KeyType, issue_key, read_key_file, write_key_file
from replay.exchange.certificates import Certificates, issue_certificates
from replay.exchange.desk import USER, Desk
from replay.exchange.faults import AnyFault
from replay.exchange.faulty_requests import FaultyRequests
from replay.exchange.hub import Hub
from replay.exchange.memory import RememberingVenue
from replay.exchange.outage import Outage
from replay.exchange.pace import Pace
from replay.exchange.portfolios import PORTFOLIO
from replay.exchange.pump import Pump, Start
from replay.exchange.rules import VenueRules
from replay.exchange.schedule import Faults
from replay.exchange.settings import Settings
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue
from replay.exchange.wire import ListeningServer, PacedSocket, RequestConnection, transport_of
from replay.exchange.ws import Sockets

KEY_NAME = f"organizations/{derived_id('exchange', 'organization', 1)}/apiKeys/{derived_id('exchange', 'key', 1)}"

_HOST = "127.0.0.1"
#: Small, so that little of the tape is under way between the exchange and who follows it.
_SEND_BUFFER_BYTES = 8 * 1024
_KEEP_ALIVE_S = 75
_SHUTDOWN_S = 2
_FULL_SPEED_BEAT_S = 0.25
_FASTEST_BEAT_S = 0.1


class TapeLike(Protocol):
    """A tape as far as an exchange needs it: its product, and its facts in order of time."""

    @property
    def product(self) -> ProductListed: ...

    @property
    def start(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[int, Event]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOptions:
    """What to play and how. `speed` None is as fast as subscribers take it; `port` 0 is any free one."""

    tape: TapeLike
    speed: float | None = 1.0
    port: int = 0
    rules: VenueRules = field(default_factory=VenueRules)
    start: Start = Start.SUBSCRIBE
    quiet_s: float = 0.2  # how long a client must be quiet after subscribing before the tape starts
    subscribe_within_s: float = 5.0
    key_type: KeyType = "ec"
    key_can_trade: bool = True
    key_can_transfer: bool = False
    folder: Path | None = None  # for the key file and certificates; a fresh temporary one when None
    remember_as: str | None = None  # the tape's digest: a later start in the folder goes on where this one ended
    tls: bool = False
    faults: Sequence[AnyFault] = ()
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the exchange listens, and where its key lies."""

    rest: str
    ws: str
    key_file: str
    clock: str
    speed: str
    ca_file: str | None = None

    @property
    def line(self) -> str:
        shown = {"rest": self.rest, "ws": self.ws, "key_file": self.key_file, "clock": self.clock, "speed": self.speed}
        return orjson.dumps(shown if self.ca_file is None else {**shown, "ca_file": self.ca_file}).decode()


class PortTaken(Exception):
    """The port cannot be had."""

    def __init__(self, port: int, error: OSError) -> None:
        super().__init__(
            f"port {port} on {_HOST} cannot be used ({error.strerror}); choose another, or 0 for a free one"
        )


def print_ready(ready: Ready) -> None:
    sys.stdout.write(ready.line + "\n")
    sys.stdout.flush()


def serve(options: ExchangeOptions, *, on_ready: Callable[[Ready], None] = print_ready) -> None:
    """Run the exchange until it is told to stop. Raises `PortTaken`, and what the tape raises while it is read."""
    use_exact_arithmetic()
    listener = _listen(options.port)
    try:
        asyncio.run(_serve(options, listener, on_ready))
    finally:
        listener.close()


async def _serve(options: ExchangeOptions, listener: socket.socket, on_ready: Callable[[Ready], None]) -> None:
    folder = options.folder or Path(tempfile.mkdtemp(prefix="perptape-exchange-"))
    folder.mkdir(parents=True, exist_ok=True)
    desk, key_file = _open(options, folder)
    is_known = options.remember_as is not None
    certificates = issue_certificates(folder, _HOST, keep=is_known) if options.tls else None
    ready = _ready(options, listener, key_file, certificates, clock=desk.venue.now)
    server = ListeningServer(_configuration(certificates), lambda: on_ready(ready))
    sockets = Sockets(desk, subscribe_within_s=options.subscribe_within_s)
    routes = [*control.routes(desk, server.leave), *rest.routes(desk)]
    outage = Outage(server.transports)
    requests = FaultyRequests(
        Starlette(routes=routes), desk.faults, lambda: desk.venue.now, outage, lambda: desk.venue.act(CancelAll())
    )
    server.config.app = _either(requests, sockets, outage)
    player = asyncio.create_task(desk.pump.play())
    heart = asyncio.create_task(_beat(desk, _beat_s(options.speed)))
    player.add_done_callback(lambda task: None if task.cancelled() or task.exception() is None else server.leave())
    try:
        await server.serve(sockets=[listener])
    finally:
        heart.cancel()
        if not player.done():
            player.cancel()
        outcome = await asyncio.gather(player, heart, return_exceptions=True)
    if isinstance(outcome[0], Exception):
        raise outcome[0]


def _open(options: ExchangeOptions, folder: Path) -> tuple[Desk, Path]:
    """The exchange without its sockets, its tape at the first moment, and a key to it."""
    facts = iter(options.tape)
    venue = _venue(options, folder, facts)
    settings = copy.copy(options.settings)
    hub = Hub(venue, settings, portfolio=PORTFOLIO, user=USER)
    pace = Pace(venue.now, options.speed)
    pump = Pump(venue, hub, pace, facts, start=options.start, quiet_s=options.quiet_s)
    pump.prime()
    keys = KeyRing()
    key_file = folder / "cdp_api_key.json"
    key = read_key_file(key_file, options.key_type) if options.remember_as is not None else None
    if key is None:
        key, private = issue_key(KEY_NAME, options.key_type)
        write_key_file(key_file, key.name, private)
    keys.add(replace(key, can_trade=options.key_can_trade, can_transfer=options.key_can_transfer))
    return Desk(venue, pump, hub, keys, Faults(options.faults), settings), key_file


def _venue(options: ExchangeOptions, folder: Path, facts: Iterator[tuple[int, Event]]) -> Venue:
    """A new venue, or the one that the folder remembers, with the facts it heard taken from the tape."""
    product, rules, start = options.tape.product, options.rules, options.tape.start
    if options.remember_as is None:
        return Venue(product, rules, now=start)
    venue = RememberingVenue(product, rules, now=start, folder=folder, tape=options.remember_as)
    venue.recall(facts)
    return venue


def _listen(port: int) -> socket.socket:
    # Named TCP, or asyncio leaves small replies waiting 40 ms for an acknowledgement (Nagle) on what it accepts.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTaken(port, error) from None
    return listener


def _ready(
    options: ExchangeOptions, listener: socket.socket, key_file: Path, certificates: Certificates | None, *, clock: int
) -> Ready:
    host = f"{_HOST}:{listener.getsockname()[1]}"
    secure = "s" if certificates else ""
    return Ready(
        rest=f"http{secure}://{host}",
        ws=f"ws{secure}://{host}",
        key_file=str(key_file),
        clock=rfc3339(clock),
        speed="max" if options.speed is None else f"{options.speed:g}",
        ca_file=str(certificates.ca_file) if certificates else None,
    )


def _configuration(certificates: Certificates | None) -> uvicorn.Config:
    return uvicorn.Config(
        _nothing,
        http=RequestConnection,
        ws=PacedSocket,
        ws_max_size=1 << 20,
        ws_ping_interval=None,  # a client that stands in a debugger stays connected
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        ssl_certfile=str(certificates.chain_file) if certificates else None,
        ssl_keyfile=str(certificates.key_file) if certificates else None,
    )


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("replaced before the server starts")


def _either(requests: ASGIApp, sockets: Sockets, outage: Outage) -> ASGIApp:
    """One port: WebSocket on any path, everything else is REST. The control is there while the exchange is not."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if outage.is_on and not scope["path"].startswith("/control/"):
            transport_of(scope).abort()
            return
        if scope["type"] == "websocket":
            await sockets(scope, receive, send)
        else:
            await requests(scope, receive, send)

    return app


def _beat_s(speed: float | None) -> float:
    """Once a second of the exchange's time, at least once of the wall's, and no storm at high speeds."""
    return _FULL_SPEED_BEAT_S if speed is None else min(1.0, max(_FASTEST_BEAT_S, 1 / speed))


async def _beat(desk: Desk, interval_s: float) -> None:
    uptime = 0
    while True:
        desk.pump.catch_up()
        desk.hub.beat(uptime)
        await asyncio.sleep(interval_s)
        uptime += int(interval_s * NANOSECONDS)
