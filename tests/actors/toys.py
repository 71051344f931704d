"""Small real behaviours for tests of what runs them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from events.event import Event
from events.record import Record
from events.session import ClockTicked
from events.strategy import StrategyPaused, StrategyResumed


class Heard(msgspec.Struct):
    """Every seq that was folded, and how many of its own records came back."""

    seqs: list[int] = []
    own: int = 0


class Toy:
    """Hears ticks and pauses. Answers each tick with `says` pauses, and each pause of `asks` with a resumption."""

    def __init__(self, name: str, *, says: int = 1, asks: str = "") -> None:
        self.name = name
        self.hears: frozenset[type[Event]] = frozenset({ClockTicked, StrategyPaused, StrategyResumed})
        self.answers = self.hears
        self.state = Heard(seqs=[])
        self._says = says
        self._asks = asks

    def fold(self, record: Record) -> None:
        self.state.seqs.append(record.seq)
        self.state.own += record.by == self.name

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        if isinstance(record.event, ClockTicked):
            return [StrategyPaused(strategy=self.name, reason=f"{record.seq}/{i}") for i in range(self._says)]
        if isinstance(record.event, StrategyPaused) and record.by == self._asks:
            return [StrategyResumed(strategy=self.name, reason=f"{record.seq} with {len(outstanding)} outstanding")]
        return []


class Raises(Toy):
    """Raises when it decides on the `at`-th tick it hears."""

    def __init__(self, name: str, *, at: int) -> None:
        super().__init__(name)
        self._left = at

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        if isinstance(record.event, ClockTicked):
            self._left -= 1
            if self._left == 0:
                raise ValueError("no such price")
        return super().decide(record, outstanding)


class Hangs(Toy):
    """Takes far too long over its `at`-th tick."""

    def __init__(self, name: str, *, at: int, seconds: float) -> None:
        super().__init__(name)
        self._left = at
        self._seconds = seconds

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        if isinstance(record.event, ClockTicked):
            self._left -= 1
            if self._left == 0:
                time.sleep(self._seconds)
        return super().decide(record, outstanding)


class Echo(Toy):
    """Answers its own answers for ever."""

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        return [StrategyPaused(strategy=self.name, reason="again")]
