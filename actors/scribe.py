"""The scribe: runs turns and writes them, commits them, tells the shells, and rebuilds who failed.

It is what the journal and a backtest share. It reads no door and starts no thread; time comes with each turn.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from actors.behaviour import Seat
from actors.door import Fact
from actors.turns import Failure, Host, Turns
from events.codec import digest_of
from events.event import Event
from events.log import EventLog, LogWriteFailed, Place, SnapshotStore
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


class Scribe:
    """Writes one session. A turn with an intent or an operator's act is durable at once, others within `group_ms`."""

    def __init__(
        self,
        *,
        log: EventLog,
        host: Host,
        last_at: int,
        code: str,
        make_seat: Callable[[str], Seat],
        snapshots: SnapshotStore | None = None,
        shells: Sequence[Shell] = (),
        group_ms: int = 50,
        snapshot_every: int = 50_000,
    ) -> None:
        self._log = log
        self._host = host
        self._turns = Turns(host, last_seq=log.head.seq, last_at=last_at)
        self._code = code
        self._make_seat = make_seat
        self._snapshots = snapshots
        self._shells = tuple(shells)
        self._group_s = group_ms / 1000
        self._snapshot_every = snapshot_every
        self._last_snapshot = log.head.seq
        self._segment = log.segment
        self._restarts: dict[str, int] = {}
        self._left_out = False
        self._uncommitted: list[Record] = []
        self._acknowledge: list[tuple[Callable[[int], None], int]] = []
        self._commit_due = 0.0

    def run(self, facts: Sequence[Fact], at: int) -> None:
        """One whole turn, written; committed when it must be."""
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
            self.commit()
            self._revive(failures)
        elif urgent or len(self._uncommitted) >= COMMIT_RECORDS or time.monotonic() >= self._commit_due:
            self.commit()

    def commit_due_s(self) -> float | None:
        """Seconds until what is written must be committed; None when all is."""
        return max(0.0, self._commit_due - time.monotonic()) if self._uncommitted else None

    def commit(self) -> None:
        """Make everything written durable, then tell the shells and whoever waits for an acknowledgement."""
        place = self._log.commit(sync=True)
        records, self._uncommitted = self._uncommitted, []
        acknowledge, self._acknowledge = self._acknowledge, []
        for shell in self._shells:
            heard = [record for record in records if type(record.event) in shell.hears]
            if heard:
                shell.committed(heard)
        for durable, seq in acknowledge:
            durable(seq)
        is_due = place.seq - self._last_snapshot >= self._snapshot_every or self._log.segment != self._segment
        if self._snapshots and is_due and not self._left_out:
            self._last_snapshot, self._segment = place.seq, self._log.segment
            with contextlib.suppress(LogWriteFailed):  # a cache: the next one may succeed, and none is missed
                self._snapshots.save(place, self._code, self._host.snapshot())

    def end(self, session: str, reason: str, unknown_orders: tuple[str, ...], at: int) -> Place:
        """Record `SessionEnded` with the digest of all states, commit, close the log."""
        states = {name: hashlib.sha256(state).hexdigest() for name, state in self._host.snapshot().items()}
        ended = SessionEnded(
            session=session,
            reason=reason,
            code=self._code,
            state_digest=digest_of(states),
            states=states,
            unknown_orders=unknown_orders,
        )
        records, _ = self._turns.run([("session", ended)], at)
        self._write(records)
        self.commit()
        self._log.close()
        return self._log.head

    def _write(self, records: Sequence[Record]) -> None:
        if not self._uncommitted:
            self._commit_due = time.monotonic() + self._group_s
        self._log.write(records)
        self._uncommitted += records

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
            records, again = self._turns.run([("supervisor", event) for event in back], self._turns.last_at)
            self._write(records)
            if again:
                self.commit()
                self._revive(again)

    def _rebuilt(self, name: str) -> Seat | None:
        seat = self._make_seat(name)
        try:
            catch_up([seat], self._log, self._snapshots, self._code)
        except Exception:  # noqa: BLE001 - the supervisor's edge: the record that killed it kills it again
            return None
        return seat


def catch_up(seats: Sequence[Seat], log: EventLog, snapshots: SnapshotStore | None, code: str) -> int:
    """Bring fresh seats to the log's head: the last snapshot of the same code, then the records since.

    Returns the number of records folded.
    """
    after = 0
    snapshot = snapshots.latest(log.head.seq, code, belongs=log.has) if snapshots else None
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
