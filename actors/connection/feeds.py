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

from actors.connection.backoff import reconnect_delay
from actors.connection.capture.writing import FrameCapture
from actors.connection.errors import BrokerageError, FeedBroken, FrameUnreadable
from actors.connection.hearing import Wanted, end_facts
from actors.connection.socket import MESSAGE_CAP, FeedSocket
from actors.door import DoorClosed, FactDoor, Lane
from events.feeds import FeedConnected, FeedSubscribed
from events.money import use_exact_arithmetic
from events.record import AnyEvent

log = logging.getLogger(__name__)

#: Subscribes that leave in one second: the exchange takes eight messages a second from an address without a key.
_SUBSCRIBES_PER_S = 8
#: How long `stop` waits for the thread.
_JOIN_S = 10.0


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
    proxy: str | None = None  # http://host:port, with name and password where it wants them
    products_per_subscribe: int = 50  # a channel of more products is subscribed in several messages

    def __repr__(self) -> str:
        """Without the proxy, which may carry a password."""
        shown = {name: value for name, value in self._asdict().items() if name != "proxy"}
        return f"FeedManners({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


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
        manners: FeedManners,
        capture: FrameCapture | None = None,
    ) -> None:
        """`products` maps the exchange's ids to ours. `capture` is given every frame as it was received."""
        self._door = door
        self._url = url
        self._products = products
        self._manners = manners
        self._capture = capture
        self.received_at = 0  # when the last message came, nanoseconds UTC by the wall
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
    def all_wanted(self) -> Sequence[Wanted]:
        """What is subscribed, in this order."""

    @abstractmethod
    def subscribe_message(self, wanted: Wanted) -> str:
        """What is sent for one channel and a chunk of its products."""

    @abstractmethod
    def hear_all(self, socket: FeedSocket) -> None:
        """Read and tell until something ends the connection: always by an exception."""

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
                self.tell(lost)
                failures = 1 if time.monotonic() - began >= self._manners.settled_s else failures + 1
                self._stopped.wait(self._pause_s(failures))
        except DoorClosed:
            return
        finally:
            if self._capture is not None:
                self._capture.close()

    def _connect_and_listen(self) -> Sequence[AnyEvent]:
        """Live through one connection; the facts of its end."""
        self._socket = self._new_socket()
        try:
            self._listen(self._socket)
        except DoorClosed:
            raise
        except FrameUnreadable as unreadable:
            log.warning("the %s feed brought a frame that cannot be read: %s", self.name, unreadable.frame)
            return self._ended(unreadable)
        except BrokerageError as error:
            return self._ended(error)
        except Exception as bug:
            # The thread's edge: a mistake of ours must not leave a feed dead and silent.
            log.exception("the %s feed failed", self.name)
            return self._ended(bug)
        finally:
            self._socket.close()
        raise AssertionError("listening ends by an exception")

    def _ended(self, error: Exception) -> Sequence[AnyEvent]:
        """The facts of a connection's end; none when it was ended from here."""
        if self._stopped.is_set():
            return ()
        facts = end_facts(self.name, self._connection, error)
        if self._capture is not None:
            self._capture.ended(facts, self._connection)
        return facts

    def _new_socket(self) -> FeedSocket:
        manners = self._manners
        return FeedSocket(
            self._url,
            connect_timeout_s=manners.connect_timeout_s,
            message_cap=manners.message_cap,
            receive_buffer=manners.receive_buffer,
            ca_file=manners.ca_file,
            proxy=manners.proxy,
        )

    def _listen(self, socket: FeedSocket) -> None:
        """Connect, subscribe and read until something ends it: always by an exception."""
        if self._stopped.is_set():
            raise FeedBroken("stopped")
        socket.connect()
        self.tell([FeedConnected(feed=self.name, connection=self._connection)])
        wanted = self.all_wanted()
        if self._capture is not None:
            self._capture.connected(self._connection, wanted)
        self._subscribe_all(socket, wanted)
        self.hear_all(socket)

    def receive(self, socket: FeedSocket) -> bytes:
        """The next message, captured if that is wanted. Raises `Silent` when heartbeats stay away too long."""
        raw = socket.receive(self._manners.heartbeat_s * self._manners.missed_heartbeats)
        self.received_at = time.time_ns() if self._capture is None else self._capture.received(raw, self._connection)
        return raw

    def expect_before(self, due: float) -> None:
        """Raise `FeedBroken` when the acknowledgements are later than `due` (monotonic)."""
        if time.monotonic() > due:
            raise FeedBroken(f"not every channel was acknowledged within {self._manners.ack_timeout_s:g} s")

    def tell_subscribed(self, at: int | None) -> None:
        channels = tuple(each.channel for each in self.all_wanted())
        self.tell([FeedSubscribed(feed=self.name, connection=self._connection, channels=channels)], at)
        self.subscribed(self._connection)

    def _subscribe_all(self, socket: FeedSocket, wanted: Sequence[Wanted]) -> None:
        """One message a channel and a chunk of products, no faster than the exchange takes them."""
        for sent, message in enumerate(chunked(wanted, self._manners.products_per_subscribe), 1):
            socket.send(self.subscribe_message(message))
            if sent % _SUBSCRIBES_PER_S == 0:
                self._stopped.wait(1.0)

    def _pause_s(self, failures: int) -> float:
        manners = self._manners
        return reconnect_delay(
            failures,
            first_s=manners.first_pause_s,
            longest_s=manners.longest_pause_s,
            jitter_factor=manners.jitter_factor,
        )


def chunked(wanted: Sequence[Wanted], size: int) -> list[Wanted]:
    """Each channel with at most `size` products a message; the exchange adds the messages up.

    >>> chunked([Wanted("level2", ("A", "B", "C")), Wanted("heartbeats")], 2)
    [Wanted(channel='level2', product_ids=('A', 'B')), Wanted(channel='level2', product_ids=('C',)), \
Wanted(channel='heartbeats', product_ids=())]
    """
    return [
        Wanted(each.channel, each.product_ids[start : start + size])
        for each in wanted
        for start in range(0, max(1, len(each.product_ids)), size)
    ]
