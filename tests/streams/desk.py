"""A desk: behaviours in their seats, told facts turn by turn as the journal would, every record kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from actors.behaviour import Behaviour, Seat
from actors.hosts import TurnHost
from actors.turns import Turns
from events.event import Event
from events.record import AnyEvent, Record

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 3_600 * SECOND
#: 2026-11-02 00:00 UTC.
MONDAY = 1_793_577_600 * SECOND

Said = TypeVar("Said", bound=Event)


class Turn(NamedTuple):
    """Facts that come together, each with who says it, and the session's time."""

    at: int
    facts: tuple[tuple[str, AnyEvent], ...]


class Desk:
    """Runs behaviours over turns. A behaviour that raises fails the test."""

    def __init__(self, *behaviours: Behaviour, at: int = MONDAY) -> None:
        self.seats = {behaviour.name: Seat(behaviour) for behaviour in behaviours}
        self.turns = Turns(TurnHost(self.seats.values()))
        self.at = at
        self.log: list[Record] = []

    def hear(self, *facts: AnyEvent, by: str = "market", after: int = 0) -> list[Event]:
        """One turn of facts, `after` nanoseconds later than the last; what was decided in it, in order."""
        self.at += after
        return self.take(Turn(self.at, tuple((by, fact) for fact in facts)))

    def take(self, turn: Turn) -> list[Event]:
        """One turn; what was decided in it."""
        self.at = turn.at
        records, failures = self.turns.run(turn.facts, turn.at)
        assert not failures, failures
        self.log += records
        return [record.event for record in records if record.is_decision]

    def take_all(self, turns: Iterable[Turn]) -> None:
        for turn in turns:
            self.take(turn)

    def states(self) -> dict[str, bytes]:
        """Each behaviour's snapshot."""
        return {name: seat.snapshot() for name, seat in self.seats.items()}


def of_kind(events: Sequence[Event], kind: type[Said]) -> list[Said]:
    """Those of one kind."""
    return [event for event in events if isinstance(event, kind)]
