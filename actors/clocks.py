"""The session's one clock: the wall, read once and then carried by the monotonic clock, or the time of a tape's facts.

It cuts waiting facts into turns and stamps them. On a tape's clock a second that passes between two facts is a turn of
its own, `ClockTicked`, so that funding, expiry and sampling happen at the same place at any speed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from actors.door import Door, DoorClosed, Fact, Lane
from events.session import ClockJumped, ClockTicked
from events.terms import NANOSECONDS, Clock


class SessionClock(Protocol):
    """Stamps turns."""

    @property
    def kind(self) -> Clock: ...

    def now(self) -> int:
        """Session time, nanoseconds UTC."""

    def turns(self, facts: Sequence[Fact]) -> Iterator[tuple[int, list[Fact]]]:
        """The facts as turns, each with its time."""


class WallClock:
    """The wall, read once at the start; from there the monotonic clock, so that it never goes back."""

    kind = Clock.WALL

    def __init__(self) -> None:
        self._origin = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        return self._origin + time.monotonic_ns()

    def turns(self, facts: Sequence[Fact]) -> Iterator[tuple[int, list[Fact]]]:
        yield self.now(), list(facts)

    def drift_ns(self) -> int:
        """How far the wall has moved against this clock."""
        return time.time_ns() - self.now()


class TapeClock:
    """The time that market facts carry. It stands still when they do."""

    kind = Clock.TAPE

    def __init__(self, start: int) -> None:
        self._now = start
        self._next_second = (start // NANOSECONDS + 1) * NANOSECONDS

    def now(self) -> int:
        return self._now

    def turns(self, facts: Sequence[Fact]) -> Iterator[tuple[int, list[Fact]]]:
        turn: list[Fact] = []
        for fact in facts:
            if fact.time is not None and fact.lane is Lane.MARKET:
                if fact.time >= self._next_second:
                    if turn:
                        yield self._now, turn
                        turn = []
                    self._now = fact.time // NANOSECONDS * NANOSECONDS
                    self._next_second = self._now + NANOSECONDS
                    yield self._now, [Fact("clock", ClockTicked(), Lane.MARKET, self._now, None)]
                self._now = max(self._now, fact.time)
            turn.append(fact)
        if turn:
            yield self._now, turn


#: A wall clock that moves further than this against the monotonic one is a fact.
JUMP_NS = NANOSECONDS


class WallTicker:
    """A thread that says every second of the wall clock, and when the wall has jumped."""

    def __init__(self, clock: WallClock, door: Door) -> None:
        self._clock = clock
        self._door = door
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        drift = self._clock.drift_ns()
        while True:
            to_next_second = (NANOSECONDS - self._clock.now() % NANOSECONDS) / NANOSECONDS
            if self._stopped.wait(to_next_second):
                return
            facts: list[ClockTicked | ClockJumped] = [ClockTicked()]
            moved = self._clock.drift_ns() - drift
            if abs(moved) > JUMP_NS:
                drift += moved
                facts.append(ClockJumped(by_ns=moved))
            try:
                self._door.tell("clock", facts, Lane.OPERATOR)
            except DoorClosed:
                return
