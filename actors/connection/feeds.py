"""A feed: a thread around one WebSocket connection after another.

It connects, subscribes channel by channel with a fresh token each, waits for the acknowledgements, guards the
sequence, listens for life, and tells what it read. Whatever ends a connection is a fact with its reason, and the next
connection follows after a pause that grows. What comes before all channels are acknowledged is held back, so that a
snapshot always stands behind `FeedSubscribed`. The door may make it wait, and then the socket waits as well, and so
does the exchange.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import msgspec

from actors.connection.auth import Credentials, redacted
from actors.connection.backoff import reconnect_delay
from actors.connection.errors import BrokerageError, FeedBroken, FrameUnreadable
from actors.connection.frames import Frame, read_frame
from actors.connection.sequence import SequenceGap, SequenceGuard
from actors.connection.socket import MESSAGE_CAP, FeedSocket, Silent
from actors.door import DoorClosed, FactDoor, Lane
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.money import use_exact_arithmetic
from events.record import AnyEvent

log = logging.getLogger(__name__)

#: What is held back until all channels are acknowledged may be this long, in bytes.
_HELD_CAP = 4 * MESSAGE_CAP
#: How long `stop` waits for the thread.
_JOIN_S = 10.0


class Wanted(NamedTuple):
    """A channel to subscribe, by the exchange's names; no products: all, or a channel without any."""

    channel: str
    product_ids: tuple[str, ...] = ()


class FeedManners(NamedTuple):
    """How a feed treats its connection. Times are real ones, in seconds, whatever clock the session follows."""

    heartbeat_s: float = 1.0
    missed_heartbeats: int = 3
    ack_timeout_s: float = 5.0
    connect_timeout_s: float = 10.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 30.0
    jitter_factor: float = 0.1
    settled_s: float = 10.0  # a connection that lived this long ends the row of failures
    message_cap: int = MESSAGE_CAP
    receive_buffer: int | None = None
    ca_file: str | None = None


class Feed(ABC):
    """One feed. `start` and `stop` once each; `stop` returns when the thread has ended."""

    name: ClassVar[str]
    lane: ClassVar[Lane]

    def __init__(
        self,
        door: FactDoor,
        url: str,
        products: Mapping[str, str],
        *,
        credentials: Credentials | None,
        manners: FeedManners,
    ) -> None:
        """`products` maps the exchange's ids to ours."""
        self._door = door
        self._url = url
        self._products = products
        self._credentials = credentials
        self._manners = manners
        self._connection = 0
        self._socket: FeedSocket | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{self.name} feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the connection and the thread. Says nothing: a feed that is told to stop was not lost."""
        self._stopped.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            log.error("the %s feed did not end within %g s", self.name, _JOIN_S)

    @abstractmethod
    def wanted(self) -> Sequence[Wanted]:
        """The channels this feed lives on, besides heartbeats."""

    @abstractmethod
    def took(self, frame: Frame) -> None:
        """Tell what a frame in its place brought."""

    def subscribed(self, connection: int) -> None:
        """All channels of a connection are acknowledged, and `FeedSubscribed` is told."""
        log.info("the %s feed is whole on connection %d", self.name, connection)

    def tell(self, events: Sequence[AnyEvent], time: int | None = None) -> None:
        self._door.tell(self.name, events, self.lane, time)

    def _run(self) -> None:
        use_exact_arithmetic()
        failures = 0
        try:
            while not self._stopped.is_set():
                began = time.monotonic()
                self._connection += 1
                lost = self._connect_and_listen()
                if self._stopped.is_set():
                    return
                self.tell([*lost])
                failures = 1 if time.monotonic() - began >= self._manners.settled_s else failures + 1
                self._stopped.wait(self._pause_s(failures))
        except DoorClosed:
            return

    def _connect_and_listen(self) -> Sequence[AnyEvent]:
        """Live through one connection; the facts of its end."""
        number = self._connection
        self._socket = self._new_socket()
        try:
            self._listen(self._socket)
        except SequenceGap as gap:
            found = FeedGapFound(feed=self.name, connection=number, last_seq=gap.last_seq, next_seq=gap.next_seq)
            return [found, self._lost(str(gap))]
        except Silent as silent:
            went = FeedWentSilent(feed=self.name, connection=number, silent_ms=round(silent.for_s * 1000))
            return [went, self._lost(str(silent))]
        except FrameUnreadable as unreadable:
            log.warning("the %s feed brought a frame that cannot be read: %s", self.name, unreadable.frame)
            return [self._lost(str(unreadable))]
        except BrokerageError as error:
            return [self._lost(str(error))]
        except DoorClosed:
            raise
        except Exception as bug:
            # The thread's edge: a mistake of ours must not leave a feed dead and silent.
            log.exception("the %s feed failed", self.name)
            return [self._lost(f"{type(bug).__name__}: {bug}")]
        finally:
            self._socket.close()
        raise AssertionError("listening ends by an exception")

    def _new_socket(self) -> FeedSocket:
        manners = self._manners
        return FeedSocket(
            self._url,
            connect_timeout_s=manners.connect_timeout_s,
            message_cap=manners.message_cap,
            receive_buffer=manners.receive_buffer,
            ca_file=manners.ca_file,
        )

    def _listen(self, socket: FeedSocket) -> None:
        """Connect, subscribe and read until something ends it: always by an exception."""
        if self._stopped.is_set():
            raise FeedBroken("stopped")
        socket.connect()
        self.tell([FeedConnected(feed=self.name, connection=self._connection)])
        wanted = [*self.wanted(), Wanted("heartbeats")]
        for each in wanted:
            socket.send(self._subscribe(each))
        guard = SequenceGuard()
        silence_s = self._manners.heartbeat_s * self._manners.missed_heartbeats
        for frame in self._until_acknowledged(socket, guard, wanted, silence_s):
            self.took(frame)
        while True:
            placed = self._placed(socket.receive(silence_s), guard)
            if placed is not None:
                self.took(placed)

    def _until_acknowledged(
        self, socket: FeedSocket, guard: SequenceGuard, wanted: Sequence[Wanted], silence_s: float
    ) -> Sequence[Frame]:
        """Wait for all acknowledgements; what came meanwhile. Raises `FeedBroken` when they take too long."""
        due = time.monotonic() + self._manners.ack_timeout_s
        held: list[Frame] = []
        size = 0
        while True:
            raw = socket.receive(silence_s)
            frame = self._placed(raw, guard)
            if frame is not None and frame.subscriptions is not None:
                missing = _missing(wanted, frame.subscriptions)
                if not missing:
                    channels = tuple(each.channel for each in wanted)
                    told = FeedSubscribed(feed=self.name, connection=self._connection, channels=channels)
                    self.tell([told], frame.at)
                    self.subscribed(self._connection)
                    return held
            elif frame is not None:
                held.append(frame)
                size += len(raw)
            if time.monotonic() > due or size > _HELD_CAP:
                raise FeedBroken(f"not every channel was acknowledged within {self._manners.ack_timeout_s:g} s")

    def _placed(self, raw: bytes, guard: SequenceGuard) -> Frame | None:
        """The frame, if it is the next one; None if it came twice or late. Raises at a gap and at an error frame."""
        frame = read_frame(raw, self._products)
        if frame.error is not None:
            raise FeedBroken(f"the exchange refused: {frame.error}")
        assert frame.sequence is not None, "only error frames have no number"
        return frame if guard.follows(frame.sequence) else None

    def _subscribe(self, wanted: Wanted) -> str:
        message: dict[str, object] = {"type": "subscribe", "channel": wanted.channel}
        if wanted.product_ids:
            message["product_ids"] = wanted.product_ids
        if self._credentials is not None:
            message["jwt"] = self._credentials.subscribe_token()
        return msgspec.json.encode(message).decode()

    def _lost(self, reason: str) -> FeedLost:
        return FeedLost(feed=self.name, connection=self._connection, reason=redacted(reason, limit=200))

    def _pause_s(self, failures: int) -> float:
        manners = self._manners
        return reconnect_delay(
            failures,
            first_s=manners.first_pause_s,
            longest_s=manners.longest_pause_s,
            jitter_factor=manners.jitter_factor,
        )


def _missing(wanted: Sequence[Wanted], have: Mapping[str, Sequence[str]]) -> list[str]:
    """The channels that are not acknowledged with all their products."""
    return [
        each.channel
        for each in wanted
        if each.channel not in have or not set(each.product_ids) <= {*have[each.channel]}
    ]
