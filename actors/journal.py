"""The journal: the one actor that writes. It places facts and decisions in turns, commits them, and tells the shells.

Nothing outside the process learns of a record before its commit. A turn with an intent or an operator's act is made
durable at once; others within `group_ms`. A write that fails stops it for good: no retry, no further acknowledgement.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import pykka

from actors.behaviour import Seat
from actors.clocks import SessionClock
from actors.door import Door, Fact
from actors.turns import Failure, Host, Turns
from events.codec import digest_of
from events.event import Event
from events.log import EventLog, Place, SnapshotStore
from events.money import use_exact_arithmetic
from events.orders import CancelSubmitted, OrderSubmitted
from events.record import AnyEvent, Record
from events.session import ActorRestarted, SessionEnded

#: Told to the gateway, so durable before anything else happens.
INTENTS = frozenset[type[Event]]({OrderSubmitted, CancelSubmitted})
#: A behaviour that fails more often than this in one session stays out.
MAX_RESTARTS = 3
#: Records after which a commit is closed although its time has not come.
COMMIT_RECORDS = 4096


class Shell(Protocol):
    """A piece of the outside world that acts on what is durable. Never waited for."""

    @property
    def hears(self) -> frozenset[type[Event]]: ...

    def committed(self, records: Sequence[Record]) -> None:
        """These records are durable. Returns at once."""


class Knock:
    """The door's message: facts wait."""


class EndSession(NamedTuple):
    """Close the door, say `SessionEnded` with the digest of all states, commit, close the log. Answered with the head."""

    session: str
    reason: str
    unknown_orders: tuple[str, ...]


class Journal(pykka.ThreadingActor):
    """Serves the door. `on_failure_stop` is called once, from its thread, when it can go on no more."""

    use_daemon_thread = True

    def __init__(
        self,
        *,
        door: Door,
        shells: Sequence[Shell],
        log: EventLog,
        host: Host,
        turns: Turns,
        clock: SessionClock,
        make_seat: Callable[[str], Seat],
        snapshots: SnapshotStore | None,
        code: str,
        on_broken: Callable[[BaseException], None],
        turn_facts: int = 256,
        group_ms: int = 50,
        snapshot_every: int = 50_000,
    ) -> None:
        super().__init__()
        self._door = door
        self._shells = tuple(shells)
        self._log = log
        self._host = host
        self._turns = turns
        self._clock = clock
        self._make_seat = make_seat
        self._snapshots = snapshots
        self._code = code
        self._on_broken = on_broken
        self._turn_facts = turn_facts
        self._group_s = group_ms / 1000
        self._snapshot_every = snapshot_every
        self._last_snapshot = turns.last_seq
        self._restarts: dict[str, int] = {}
        self._uncommitted: list[Record] = []
        self._acknowledge: list[tuple[Callable[[int], None], int]] = []
        self._commit_due = 0.0
        self._broken = False
        self._left_out = False

    def on_start(self) -> None:
        use_exact_arithmetic()
        self._door.knock = lambda: self.actor_ref.tell(Knock())

    def on_receive(self, message: object) -> object:
        if self._broken:
            return None
        try:
            if isinstance(message, Knock):
                self._serve()
            elif isinstance(message, EndSession):
                return self._end(message)
        except BaseException as error:  # noqa: BLE001 - the journal's own failure stops the system, loudly
            self._broken = True
            self._door.close()
            self._on_broken(error)
        return None

    def _serve(self) -> None:
        while True:
            facts = self._door.take(self._turn_facts)
            if facts:
                for at, turn in self._clock.turns(facts):
                    self._run(turn, at)
                self._door.turn_is_over(facts)
                continue
            if self._uncommitted:
                if not self._door.wait(max(0.0, self._commit_due - time.monotonic())):
                    self._commit()
                continue
            if self._door.leave():
                return

    def _run(self, facts: Sequence[Fact], at: int) -> None:
        records, failures = self._turns.run([(fact.by, fact.event) for fact in facts], at)
        self._write(records)
        urgent = False
        for record, fact in zip(records, facts, strict=False):
            if fact.durable is not None:
                self._acknowledge.append((fact.durable, record.seq))
                urgent = True
        if not urgent and len(records) > len(facts):
            urgent = any(type(record.event) in INTENTS for record in records[len(facts) :])
        if failures:
            self._commit()
            self._revive(failures)
        elif urgent or len(self._uncommitted) >= COMMIT_RECORDS or time.monotonic() >= self._commit_due:
            self._commit()

    def _write(self, records: Sequence[Record]) -> None:
        if not self._uncommitted:
            self._commit_due = time.monotonic() + self._group_s
        self._log.write(records)
        self._uncommitted += records

    def _commit(self) -> None:
        place = self._log.commit(sync=True)
        records, self._uncommitted = self._uncommitted, []
        acknowledge, self._acknowledge = self._acknowledge, []
        for shell in self._shells:
            heard = [record for record in records if type(record.event) in shell.hears]
            if heard:
                shell.committed(heard)
        for durable, seq in acknowledge:
            durable(seq)
        if self._snapshots and not self._left_out and place.seq - self._last_snapshot >= self._snapshot_every:
            self._last_snapshot = place.seq
            self._snapshots.save(place, self._code, self._host.snapshot())

    def _revive(self, failures: Sequence[Failure]) -> None:
        """Rebuild who failed from snapshot and log; who hung, or fails again at the same record, stays out."""
        back: list[AnyEvent] = []
        for failure in failures:
            restarts = self._restarts[failure.actor] = self._restarts.get(failure.actor, 0) + 1
            seat = None if failure.hung or restarts > MAX_RESTARTS else self._rebuilt(failure.actor)
            if seat is None:
                self._left_out = True
            else:
                self._host.admit(seat)
                back.append(ActorRestarted(actor=failure.actor))
        if back:
            records, again = self._turns.run([("supervisor", event) for event in back], self._clock.now())
            self._write(records)
            if again:
                self._commit()
                self._revive(again)

    def _rebuilt(self, name: str) -> Seat | None:
        seat = self._make_seat(name)
        try:
            catch_up([seat], self._log, self._snapshots, self._code)
        except Exception:  # noqa: BLE001 - the supervisor's edge: the record that killed it kills it again
            return None
        return seat

    def _end(self, message: EndSession) -> Place:
        self._door.close()
        self._serve()
        states = {name: hashlib.sha256(state).hexdigest() for name, state in self._host.snapshot().items()}
        ended = SessionEnded(
            session=message.session,
            reason=message.reason,
            state_digest=digest_of(states),
            states=states,
            unknown_orders=message.unknown_orders,
        )
        records, _ = self._turns.run([("session", ended)], self._clock.now())
        self._write(records)
        self._commit()
        self._log.close()
        return self._log.head


def catch_up(seats: Sequence[Seat], log: EventLog, snapshots: SnapshotStore | None, code: str) -> int:
    """Bring fresh seats to the log's head: the last snapshot of the same code, then the records since.

    Returns the number of records folded.
    """
    after = 0
    snapshot = snapshots.latest(log.head.seq, code) if snapshots else None
    if snapshot and all(seat.name in snapshot.states for seat in seats):
        after = snapshot.place.seq
        for seat in seats:
            seat.restore(snapshot.states[seat.name])
    folded = 0
    listeners: dict[type[Event], list[Seat]] = {}
    for seat in seats:
        for kind in seat.hears:
            listeners.setdefault(kind, []).append(seat)
    for record in log.records(after):
        folded += 1
        for seat in listeners.get(type(record.event), ()):
            seat.follow(record)
    return folded
