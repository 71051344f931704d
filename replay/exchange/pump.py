"""Plays the tape into the venue, and what the venue says to those who listen.

At a given speed a fact is played when its time comes. At full speed facts are played as fast as every subscriber takes
them. Trades that follow one another within a quarter of a second share a frame, as at the real exchange; nothing is
reordered: a book change or a report of our own order between two trades ends the batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from enum import StrEnum

from events.event import Event
from events.market import TradePrinted
from events.terms import NANOSECONDS
from replay.exchange.hub import Hub
from replay.exchange.pace import Pace
from replay.exchange.venue import Venue

_BATCH_NS = NANOSECONDS // 4
_BATCH_TRADES = 50
#: Facts played at full speed before requests are let in.
_STRIDE = 8
#: The longest sleep while waiting for a fact's time; a pause or a stop is noticed within it.
_NAP_S = 0.05


class Start(StrEnum):
    """What sets the tape going."""

    SUBSCRIBE = "subscribe"  # the first subscription to a market channel, once its client is quiet for a moment
    RESUME = "resume"  # the control's word
    NOW = "now"


class Pump:
    """The tape's player. `facts` are the tape's, ordered by time."""

    def __init__(
        self, venue: Venue, hub: Hub, pace: Pace, facts: Iterator[tuple[int, Event]], *, start: Start, quiet_s: float
    ) -> None:
        self.venue = venue
        self.hub = hub
        self.pace = pace
        self.has_ended = False
        self.played = 0
        self._facts = facts
        self._next = next(facts, None)
        self._was_heard = False
        self._batch: list[TradePrinted] = []
        self._start = start
        self._quiet_s = quiet_s
        self._quiet_since = 0.0
        self._started = asyncio.Event()
        self._running = asyncio.Event()
        if start is not Start.RESUME:
            self._running.set()
        if start is not Start.SUBSCRIBE:
            self._started.set()

    def prime(self) -> None:
        """Play what the tape says at its very first moment before any trade: the first book is known from the start."""
        while self._next is not None:
            at, event = self._next
            if at > self.venue.now or isinstance(event, TradePrinted):
                return
            self._next = next(self._facts, None)
            self._play(at, event)

    @property
    def has_started(self) -> bool:
        return self._started.is_set() and self._running.is_set()

    def client_subscribed(self, *, to_market: bool) -> None:
        """A client subscribed to something; the tape waits until it has been quiet for a moment."""
        self._quiet_since = time.monotonic()
        if to_market and self._start is Start.SUBSCRIBE:
            self._started.set()

    def pause(self) -> None:
        """The tape stands; requests are still answered."""
        self.catch_up()
        self._running.clear()
        self.pace.stand()

    def resume(self) -> None:
        """The tape goes on, or begins at once."""
        self._start = Start.RESUME
        self._started.set()
        self._running.set()

    def catch_up(self) -> None:
        """Bring the venue to the present; never past a fact that was not played yet."""
        limit = self.venue.now if self._next is None else self._next[0]
        now = min(self.pace.now(), limit)
        if now > self.venue.now:
            self.venue.advance(now)
            self.tell()

    def tell(self) -> None:
        """Tell subscribers what changed the account, after the trades that came before it."""
        self._flush()
        self.hub.say_account()

    async def play(self) -> None:
        """Play the tape to its end, then leave the clock standing."""
        await self._begin()
        while self._next is not None:
            if not self._running.is_set():
                await self._running.wait()
            if self._is_deserted():
                await asyncio.sleep(_NAP_S)
                continue
            self.pace.run()
            at, event = self._next
            wait_s = self.pace.wait_s(at)
            if wait_s > 0:
                self._flush()
                self.catch_up()
                await asyncio.sleep(min(wait_s, _NAP_S))
                continue
            self._next = next(self._facts, None)
            self._play(at, event)
            if self.played % _STRIDE == 0:
                await asyncio.sleep(0)
            await self.hub.room()
        self._flush()
        self.pace.stand()
        self.has_ended = True

    async def _begin(self) -> None:
        await self._started.wait()
        if self._start is Start.SUBSCRIBE:
            while (rest_s := self._quiet_since + self._quiet_s - time.monotonic()) > 0:
                await asyncio.sleep(rest_s)

    def _is_deserted(self) -> bool:
        """At full speed the tape stands while those who listened are gone, so that who comes back missed nothing."""
        is_heard = self.hub.is_heard
        self._was_heard = self._was_heard or is_heard
        return self.pace.speed is None and self._was_heard and not is_heard

    def _play(self, at: int, event: Event) -> None:
        self.played += 1
        self.pace.reached(at)
        if not isinstance(event, TradePrinted) or (self._batch and at - self._batch[0].exchange_at > _BATCH_NS):
            self._flush()
        changes = self.venue.account_changes
        seen = self.venue.hear(at, event)
        if isinstance(seen, TradePrinted):
            self._batch.append(seen)
            if len(self._batch) >= _BATCH_TRADES:
                self._flush()
        elif seen is not None:
            self.hub.say_market(seen)
        if self.venue.account_changes != changes:
            self.tell()
        self.hub.say_in_passing()

    def _flush(self) -> None:
        if self._batch:
            batch, self._batch = self._batch, []
            self.hub.say_trades(batch)
