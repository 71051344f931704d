"""The order gateway: intents leave through here, each once, after they are durable, and only if they still may.

It hears every commit in order. Entries, exits and cancels leave on threads of their own, so that none waits for
another; what became of an order is found out on a fourth. An order's id is never sent twice, in its life or after a
restart: what the log says was submitted is looked for, not sent.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pykka

from actors.connection.cancel_all import CancelAll, cancel_all_once
from actors.connection.client.coinbase import CANCEL_BATCH, CoinbaseClient
from actors.connection.client.limits import Urgency
from actors.connection.errands import Errands
from actors.connection.errors import BrokerageError
from actors.connection.fills import asked_for
from actors.connection.searches import Search, Searches
from actors.connection.sender import Sender
from actors.connection.standing import Standing
from actors.door import DoorClosed, FactDoor, Lane
from events.catalog import ProductListed
from events.event import Event
from events.orders import (
    CancelSubmitted,
    FillsWanted,
    OrderClosed,
    OrderOutcomeUnknown,
    OrderReported,
    OrderSubmitted,
)
from events.record import AnyEvent, Record
from events.risk import KillSwitchThrown
from events.session import ActorFailed, SessionStarted

log = logging.getLogger(__name__)

#: A write has this long, in seconds; what comes later than that is an unknown outcome.
WRITE_TIMEOUT_S = 5.0
#: An order waits at most so long for the rate limit: its approval does not live much longer.
PATIENCE_S = 2.0
#: When an accepted order is read back, in seconds after the one before, while it is not there or not over.
READ_BACK_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


class OrderGateway:
    """A shell. `committed` returns at once. Venues that take leverage on an order: INTX."""

    hears: frozenset[type[Event]] = Standing.hears | {
        OrderSubmitted,
        CancelSubmitted,
        OrderReported,
        OrderClosed,
        ProductListed,
        FillsWanted,
        SessionStarted,
    }

    def __init__(
        self,
        door: FactDoor,
        client: CoinbaseClient,
        products: Mapping[str, str],
        now: Callable[[], int],
        *,
        standing: Standing | None = None,
        unresolved: Iterable[str] = (),
        late_arrival_s: float = 30.0,
        listing_gap_s: float = 5.0,
        risk_grace_s: float = 2.0,
        write_timeout_s: float = WRITE_TIMEOUT_S,
    ) -> None:
        """`products` maps the exchange's ids to ours; `now` is session time (ns).

        `unresolved` are the orders that the log says were submitted and whose end nobody has told: they are searched
        for. `risk_grace_s`: how long risk may be gone before what rests is cancelled.
        """
        self._door = door
        self._products = products
        self._now = now
        self._standing = standing or Standing()
        self._risk_grace_s = risk_grace_s
        self._stopping = threading.Event()
        pause = self._stopping.wait
        self._exits_client = client.at(Urgency.EXITS, patience_s=PATIENCE_S, timeout_s=write_timeout_s)
        self._entries_client = client.at(Urgency.ENTRIES, patience_s=PATIENCE_S, timeout_s=write_timeout_s)
        self._lookups_client = client.at(Urgency.LOOKUPS, patience_s=PATIENCE_S, pause=pause, max_retries=1)
        self._venues: dict[str, str] = {}
        self._sender = Sender(products, lambda product: self._venues.get(product) == "INTX")
        self._searches = Searches(
            self._lookups_client, products, late_arrival_s=late_arrival_s, listing_gap_s=listing_gap_s
        )
        self._sent: set[str] = set(unresolved)
        self._over: set[str] = set()  # orders of this session that the log knows the end of
        self._reducing: set[str] = set()
        self._cancels: deque[CancelSubmitted] = deque()
        self._fills_wanted: deque[FillsWanted] = deque()
        self._is_looking = False
        self._entries, self._exits, self._canceller, self._lookups = self._errands = tuple(
            Errands(f"gateway {name}", self._failed) for name in ("entries", "exits", "cancels", "look-ups")
        )
        self._mailbox: pykka.ActorRef[_Mailbox] | None = None

    def start(self) -> None:
        """Begin to send, and to search for what an earlier session left unresolved."""
        for errands in self._errands:
            errands.start()
        self._mailbox = _Mailbox.start(self.hear, self._failed)
        if self._sent:
            searches = [Search(order, None, None, time.monotonic()) for order in sorted(self._sent)]
            self._lookups.run(lambda: self._search(searches))

    def stop(self) -> None:
        """Hear nothing more, withhold what has not left yet, end the threads."""
        self._stopping.set()
        if self._mailbox is not None and self._mailbox.is_alive():
            self._mailbox.stop()
        for errands in self._errands:
            errands.stop()

    def committed(self, records: Sequence[Record]) -> None:
        """These records are durable. Returns at once, whatever became of the mailbox."""
        for record in records:
            if isinstance(record.event, SessionStarted):  # it comes before the mailbox is opened
                self._sender.setting = record.event.configuration.orders
        try:
            if self._mailbox is not None:
                self._mailbox.tell(tuple(records))
        except pykka.ActorDeadError:
            intents = [record.seq for record in records if isinstance(record.event, OrderSubmitted | CancelSubmitted)]
            if intents:
                log.error("the gateway is stopped: intents %s do not leave", intents)

    def cancel_all_once(self) -> CancelAll:
        """Cancel what rests, now and here, without an intent: the log cannot be written any more."""
        return cancel_all_once(self._exits_client)

    def hear(self, record: Record) -> None:
        """One record, in the order of the log, on the mailbox's thread. Never waits."""
        event = record.event
        self._standing.hear(event)
        if isinstance(event, OrderSubmitted):
            self._submitted(event, record.at)
        elif isinstance(event, CancelSubmitted):
            self._cancels.append(event)
            self._canceller.run(self._cancel)
        elif isinstance(event, OrderClosed) or (isinstance(event, OrderReported) and event.status.is_final):
            if event.order in self._sent:
                self._over.add(event.order)
        elif isinstance(event, FillsWanted):
            self._fills_wanted.append(event)
            self._lookups.run(self._read_fills)
        elif isinstance(event, ProductListed):
            self._venues[event.product] = event.venue
        elif isinstance(event, ActorFailed) and event.actor == "risk":
            self._exits.run(self._cancel_without_risk, in_s=self._risk_grace_s)

    def _submitted(self, order: OrderSubmitted, at: int) -> None:
        if order.order in self._sent:
            log.error("order %s was submitted twice; its id is not sent again", order.order)
            return
        self._sent.add(order.order)
        # Judged here, at its place in the log, and again at the send: what was heard in between counts as well.
        reason = self._objection(order)
        if order.reduce_only:
            self._reducing.add(order.order)
        errands, client = (
            (self._exits, self._exits_client) if order.reduce_only else (self._entries, self._entries_client)
        )
        errands.run(lambda: self._send(client, order, at, reason))

    def _send(self, client: CoinbaseClient, order: OrderSubmitted, at: int, reason: str | None) -> None:
        answer: AnyEvent = OrderOutcomeUnknown(order=order.order, error="the gateway failed while sending it")
        try:
            answer = self._sender.send(client, order, at, lambda: reason or self._objection(order))
        finally:
            self._follow_up(order, at, answer)

    def _follow_up(self, order: OrderSubmitted, at: int, answer: AnyEvent) -> None:
        """Say what came of an order, and look after it."""
        self._tell([answer])
        if isinstance(answer, OrderReported):
            exchange_order = answer.exchange_order
            self._lookups.run(lambda: self._read_back(order, exchange_order, at, 0))
        elif isinstance(answer, OrderOutcomeUnknown):
            search = Search(order.order, self._sender.exchange_id(order.product), at, time.monotonic())
            self._lookups.run(lambda: self._search([search]))

    def _objection(self, order: OrderSubmitted) -> str | None:
        if self._stopping.is_set():
            return "the system is stopping"
        return self._standing.objection(order, self._now())

    def _cancel(self) -> None:
        """Cancel what waits, a batch at a time; an order asked for twice is in one batch once."""
        batch: list[CancelSubmitted] = []
        while self._cancels and len(batch) < CANCEL_BATCH:
            batch.append(self._cancels.popleft())
        if batch:
            self._tell(self._sender.cancel(self._exits_client, batch))
        if self._cancels:
            self._canceller.run(self._cancel)

    def _read_back(self, order: OrderSubmitted, exchange_order: str, at: int, attempt: int) -> None:
        if attempt and order.order in self._over:
            return
        found = self._sender.read_back(self._lookups_client, order, exchange_order, at)
        self._tell(found.events)
        if found.again and attempt + 1 < len(READ_BACK_S):
            again = attempt + 1
            self._lookups.run(lambda: self._read_back(order, exchange_order, at, again), in_s=READ_BACK_S[again])
        elif found.again:
            log.error("order %s was accepted as %s; its end cannot be read", order.order, exchange_order)

    def _read_fills(self) -> None:
        """Read the lists that are wanted, all in one go. What fails is wanted again by whoever wanted it."""
        wanted = [self._fills_wanted.popleft() for _ in range(len(self._fills_wanted))]
        try:
            self._tell(asked_for(self._lookups_client, wanted, self._products))
        except BrokerageError as error:
            log.warning("the fills of %d orders could not be read (%s)", len(wanted), error)

    def _search(self, searches: Sequence[Search]) -> None:
        for search in searches:
            self._searches.add(search)
        if not self._is_looking:
            self._is_looking = True
            self._lookups.run(self._look, in_s=self._searches.next_look_s())

    def _look(self) -> None:
        try:
            self._tell(self._searches.look(self._now()))
        finally:
            self._is_looking = len(self._searches) > 0
            if self._is_looking:
                self._lookups.run(self._look, in_s=self._searches.next_look_s())

    def _cancel_without_risk(self) -> None:
        if self._standing.risk_is_gone:
            done = cancel_all_once(self._exits_client, keep=lambda order: order.client_order_id in self._reducing)
            log.error("risk is gone: %d resting orders cancelled, %d refused", len(done.asked), len(done.refused))

    def _tell(self, events: Sequence[AnyEvent]) -> None:
        if events:
            self._door.tell("gateway", events, Lane.ORDERS)

    def _failed(self, error: Exception) -> None:
        """A bug of ours in the one place that sends orders: stop trading, loudly."""
        self._door.tell(
            "gateway", [KillSwitchThrown(reason=f"the gateway failed: {type(error).__name__}: {error}")], Lane.OPERATOR
        )


class _Mailbox(pykka.ThreadingActor):
    """Hears commits in order. An exception is told and does not end it: cancels must still leave."""

    use_daemon_thread = True

    def __init__(self, hear: Callable[[Record], None], on_failure: Callable[[Exception], None]) -> None:
        super().__init__()
        self._hear = hear
        self._on_failure = on_failure

    def on_receive(self, message: Any) -> None:
        for record in message:
            try:
                self._hear(record)
            except DoorClosed:
                return
            except Exception as error:
                log.exception("the gateway failed at record %d", record.seq)
                self._report(error)

    def _report(self, error: Exception) -> None:
        try:
            self._on_failure(error)
        except DoorClosed:
            log.info("the gateway failed while the system was closing")
