"""What a behaviour is, and the seat it sits in.

A behaviour is two functions. `fold` changes its state by a record, its own included. `decide` looks at the state and
at what it has said but not yet heard back, and answers a record with events. Its answer depends on its configuration
(heard in `SessionStarted`) and on the records it heard up to this one, and on nothing else.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from events.codec import state_bytes
from events.event import Event
from events.record import Record


class Behaviour(Protocol):
    """A deterministic state machine. No I/O, no clock, no randomness; time is `record.at`."""

    @property
    def name(self) -> str:
        """Who it is in the log: `Record.by` of what it says."""

    @property
    def hears(self) -> frozenset[type[Event]]:
        """The events it is told of. Its own events must be among them."""

    @property
    def answers(self) -> frozenset[type[Event]]:
        """Those of them that it may answer. All others it only folds, so nobody waits for it."""

    state: Any  # a mutable msgspec.Struct: everything it knows, and all that a snapshot holds

    def fold(self, record: Record) -> None:
        """Let the record change the state."""

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        """Answer the record, already folded. `outstanding` was said in this turn and has not come back yet."""


class Diverged(AssertionError):
    """A behaviour's own record came back as something it did not say. Our bug, or damage: the system stops."""


class Seat:
    """Where a behaviour sits while it runs: keeps its outstanding list and hands it records in log order."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.name = behaviour.name
        self.hears = behaviour.hears
        self.answers = behaviour.answers
        self._outstanding: deque[Event] = deque()

    def hear(self, record: Record) -> Sequence[Event]:
        """Fold the record and decide on it. The answer is remembered until it comes back as records."""
        self.follow(record)
        if type(record.event) not in self.answers:
            return ()
        said = self.behaviour.decide(record, self._outstanding)
        if said:
            self._outstanding.extend(said)
        return said

    def answer(self, record: Record) -> Sequence[Event]:
        """What it would say to the record, already followed. Nothing is remembered."""
        if type(record.event) not in self.answers:
            return ()
        return self.behaviour.decide(record, self._outstanding)

    def take_as_said(self, recorded: Sequence[Event]) -> None:
        """Remember what the log says it said: an audit goes on from the recorded decision, not from its own."""
        self._outstanding.extend(recorded)

    def follow(self, record: Record) -> None:
        """Fold the record without deciding: how a restart, a reader and a rebuilt actor catch up."""
        if self._outstanding and record.by == self.name:
            expected = self._outstanding.popleft()
            if expected != record.event:
                raise Diverged(f"{self.name} said {expected!r} but record {record.seq} has {record.event!r}")
        self.behaviour.fold(record)

    @property
    def is_settled(self) -> bool:
        """Nothing outstanding: true at every turn's end, the only place for a snapshot."""
        return not self._outstanding

    def snapshot(self) -> bytes:
        """The state as bytes, its mappings in the order they grew in. Only at a turn's end."""
        assert self.is_settled, f"{self.name} has {len(self._outstanding)} answers outstanding: no place for a snapshot"
        return state_bytes(self.behaviour.state)

    def digest(self) -> str:
        """SHA-256 over the state's bytes, in hex."""
        return hashlib.sha256(self.snapshot()).hexdigest()

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot. Raises `msgspec.ValidationError` when it is of another shape."""
        self.behaviour.state = msgspec.json.decode(snapshot, type=type(self.behaviour.state))
        self._outstanding.clear()
