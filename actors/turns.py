"""Turns: facts placed together, and all decisions that follow from them until nothing follows.

A turn goes in waves. The records of a wave are told to every behaviour that hears them; their answers, ordered by
cause, actor and index, are the next wave. The order is a function of the answers alone, so whoever hosts the behaviours
(threads, one thread, the journal itself) the records are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from actors.behaviour import Seat
from events.record import AnyEvent, Record
from events.session import ActorFailed

#: A decision that causes a decision, and so on, more often than this is a loop between behaviours.
MAX_WAVES = 1_000


class Answer(NamedTuple):
    """One event that a behaviour said to a record. Sorts into log order."""

    cause: int
    actor: str
    number: int  # among the events of this answer
    event: AnyEvent


class Failure(NamedTuple):
    """A behaviour raised at a record, or did not answer: it says nothing from that record on."""

    record: int
    actor: str
    error: str
    hung: bool = False


class Heard(NamedTuple):
    """What came back from a wave: answers in log order, and who failed."""

    answers: list[Answer]
    failures: list[Failure]


class Host(Protocol):
    """Where behaviours live: in mailboxes of their own, or inside the journal's turn."""

    @property
    def names(self) -> tuple[str, ...]:
        """The behaviours that listen now, in order."""

    def hear(self, records: Sequence[Record]) -> Heard:
        """Tell every behaviour the records it hears, in order, and bring back all answers."""

    def snapshot(self) -> dict[str, bytes]:
        """Each behaviour's state as canonical bytes. Only at a turn's end."""

    def admit(self, seat: Seat) -> None:
        """Take in a rebuilt behaviour; it hears the next wave."""

    def close(self) -> None:
        """Let all behaviours go."""


class RunawayTurn(RuntimeError):
    """Decisions cause decisions without end. Our bug: the system stops."""


class Turns:
    """Places facts and the decisions that follow. Keeps seq gapless and time from going back."""

    def __init__(self, host: Host, *, last_seq: int = 0, last_at: int = 0) -> None:
        self._host = host
        self.last_seq = last_seq
        self.last_at = last_at

    def run(self, facts: Sequence[tuple[str, AnyEvent]], at: int) -> tuple[list[Record], list[Failure]]:
        """One whole turn at time `at` (ns): its records in order, and the behaviours that failed in it."""
        at = self.last_at = max(at, self.last_at)
        seq = self.last_seq
        wave = [Record(seq=seq + i, at=at, by=by, event=event) for i, (by, event) in enumerate(facts, 1)]
        seq += len(wave)
        records = wave
        failed: list[Failure] = []
        hear = self._host.hear
        for _ in range(MAX_WAVES):
            answers, failures = hear(wave)
            if failures:
                failed += failures
            elif not answers:
                self.last_seq = seq
                return records, failed
            wave = [
                Record(seq=seq + i, at=at, by="supervisor", event=event)
                for i, event in enumerate(map(_failed, failures), 1)
            ]
            seq += len(wave)
            wave += [
                Record(seq=seq + i, at=at, by=actor, cause=cause, index=index, event=event)
                for i, (cause, actor, index, event) in enumerate(answers, 1)
            ]
            seq += len(answers)
            records += wave
        raise RunawayTurn(
            f"record {records[0].seq} was answered by more than {MAX_WAVES} waves; the last came from "
            + ", ".join(sorted({record.by for record in wave}))
        )


def _failed(failure: Failure) -> ActorFailed:
    return ActorFailed(actor=failure.actor, record=failure.record, error=failure.error, hung=failure.hung)
