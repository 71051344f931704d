"""Verification: the chain is whole, every decision is derived again and compared, nothing was sent without its intent.

Recorded decisions are folded, derived ones only compared, so one changed decision is reported once and not as the flood
of its consequences. A session recorded by other code is derived by this code all the same, and said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from actors.behaviour import Seat
from actors.identity import code_identity
from actors.seats import behaviour_names, make_seat, strategy_sources
from events.codec import canonical_bytes, digest_of
from events.configuration import Configuration
from events.event import Event
from events.log import Commit, read_commits
from events.orders import OrderOutcomeUnknown, OrderRejected, OrderReported, OrderSubmitted, OrderWithheld
from events.record import AnyEvent, Record
from events.session import ActorFailed, ActorRestarted, SessionEnded, SessionStarted


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place where the log does not say what the code says. `kind`: decision, order, intent or state."""

    kind: str
    seq: int
    actor: str
    cause: int
    recorded: str
    derived: str


class SessionReport(msgspec.Struct, omit_defaults=True):
    """What was found of one session."""

    session: str
    first: int
    same_code: bool
    last: int = 0
    decisions: int = 0
    ended: bool = False
    differences: int = 0


class Report(msgspec.Struct):
    """What verification found. `verified`: no difference in a whole chain; damage raises before there is a report."""

    records: int = 0
    commits: int = 0
    decisions: int = 0
    head_seq: int = 0
    head_digest: str = ""
    state_digest: str = ""
    sessions: list[SessionReport] = []
    differences: list[Difference] = []
    verified: bool = False


#: Differences kept in full; the rest is counted by session.
MAX_DIFFERENCES = 100


def verify(path: Path, *, progress: Callable[[Commit], None] | None = None) -> Report:
    """Verify a log. Raises the log's errors for damage (exit 5); differences are in the report (exit 6)."""
    return verify_commits(lambda: read_commits(path), progress=progress)


def verify_commits(
    commits: Callable[[], Iterable[Commit]], *, progress: Callable[[Commit], None] | None = None
) -> Report:
    """The same over any source of commits; it is read twice, first for the sessions' configurations."""
    derivation = _Derivation(_configurations(commits()))
    for commit in commits():
        derivation.take(commit)
        if progress:
            progress(commit)
    return derivation.report()


def _configurations(commits: Iterable[Commit]) -> list[Configuration]:
    started = (r.event for commit in commits for r in commit.records)
    return [event.configuration for event in started if isinstance(event, SessionStarted)]


class _Derivation:
    """All behaviours of all sessions, folded along; those of the present session also decide."""

    def __init__(self, configurations: Sequence[Configuration]) -> None:
        self._report = Report(sessions=[], differences=[])
        self._seats: dict[str, Seat] = {}
        self._listeners: dict[type[Event], tuple[Seat, ...]] = {}
        for configuration in configurations:
            for name in behaviour_names(configuration):
                self._seats.setdefault(name, make_seat(name, configuration))
        self._listeners = self._arranged()
        self._deciding: frozenset[str] = frozenset()
        self._out: set[str] = set()
        self._intents: set[str] = set()
        self._order = _LogOrder()

    def take(self, commit: Commit) -> None:
        recorded: dict[tuple[str, int], list[AnyEvent]] = {}
        failed: dict[str, int] = {}
        for record in commit.records:
            if record.cause is not None:
                recorded.setdefault((record.by, record.cause), []).append(record.event)
            elif isinstance(record.event, ActorFailed):
                failed[record.event.actor] = record.event.record
        for record in commit.records:
            self._hear(record, recorded, failed)
        for (actor, cause), events in recorded.items():
            self._differs("decision", commit.records[-1].seq, actor, cause, events, [])
        self._report.records += len(commit.records)
        self._report.commits += 1
        self._report.head_seq = commit.place.seq
        self._report.head_digest = commit.place.digest

    def report(self) -> Report:
        report = self._report
        report.state_digest = digest_of(self._state_digests(sorted(self._deciding)))
        report.verified = not any(session.differences for session in report.sessions)
        return report

    def _session(self, seq: int) -> SessionReport:
        """The present session's report. A log that was cut to nothing begins with the note of it, outside any."""
        if not self._report.sessions:
            self._report.sessions.append(SessionReport("", seq, same_code=True))
        return self._report.sessions[-1]

    def _hear(self, record: Record, recorded: dict[tuple[str, int], list[AnyEvent]], failed: dict[str, int]) -> None:
        event = record.event
        if isinstance(event, SessionStarted):
            self._start(record.seq, event)
        elif isinstance(event, ActorRestarted):
            self._out.discard(event.actor)
        elif isinstance(event, SessionEnded):
            self._end(record.seq, event)
        self._check_intent(record)
        if record.cause is not None:
            self._report.decisions += 1
            self._session(record.seq).decisions += 1
        if misplaced := self._order.misplaced(record):
            self._differs("order", record.seq, record.by, record.cause or 0, [event], [], misplaced)
        self._session(record.seq).last = record.seq
        for seat in self._listeners.get(type(event), ()):
            seat.follow(record)
            name = seat.name
            if name not in self._deciding or name in self._out:
                continue
            if name in failed and failed[name] <= record.seq:
                self._out.add(name)
                continue
            derived = seat.answer(record)
            said = recorded.pop((name, record.seq), [])
            if (derived or said) and not _same(derived, said):
                self._differs("decision", record.seq, name, record.seq, said, derived)
            if said:
                seat.take_as_said(said)

    def _start(self, seq: int, event: SessionStarted) -> None:
        names = behaviour_names(event.configuration)
        same_code = event.code == code_identity(strategy_sources(event.configuration))
        self._report.sessions.append(SessionReport(event.session, seq, same_code))
        self._deciding = frozenset(names)
        self._out.clear()
        for name in names:  # another session may run other rules under the same name, over the same state
            seat, before = make_seat(name, event.configuration), self._seats[name]
            seat.behaviour.state = before.behaviour.state
            self._seats[name] = seat
        self._listeners = self._arranged()

    def _arranged(self) -> dict[type[Event], tuple[Seat, ...]]:
        listeners: dict[type[Event], tuple[Seat, ...]] = {}
        for name in sorted(self._seats):
            for kind in self._seats[name].hears:
                listeners[kind] = (*listeners.get(kind, ()), self._seats[name])
        return listeners

    def _end(self, seq: int, event: SessionEnded) -> None:
        self._session(seq).ended = True
        derived = self._state_digests(event.states)
        for name, digest in event.states.items():
            if derived.get(name) != digest:
                self._differs("state", seq, name, 0, [], [], f"recorded {digest}, derived {derived.get(name)}")
        if digest_of(event.states) != event.state_digest:
            self._differs("state", seq, "session", 0, [], [], "the digest of all states is not that of the states")

    def _state_digests(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self._seats[name].digest() for name in names if name in self._seats}

    def _check_intent(self, record: Record) -> None:
        event = record.event
        if isinstance(event, OrderSubmitted):
            self._intents.add(event.order)
        elif (
            record.by == "gateway"
            and isinstance(event, OrderReported | OrderRejected | OrderOutcomeUnknown | OrderWithheld)
            and event.order not in self._intents
        ):
            self._differs("intent", record.seq, "gateway", 0, [event], [], "an order was sent without its intent")

    def _differs(
        self,
        kind: str,
        seq: int,
        actor: str,
        cause: int,
        recorded: Sequence[AnyEvent],
        derived: Sequence[Event],
        said: str = "",
    ) -> None:
        self._session(seq).differences += 1
        if len(self._report.differences) < MAX_DIFFERENCES:
            derived_text = said or canonical_bytes(list(derived)).decode()
            recorded_text = canonical_bytes(list(recorded)).decode()
            self._report.differences.append(Difference(kind, seq, actor, cause, recorded_text, derived_text))


class _LogOrder:
    """Within a turn, records stand by wave, cause, actor, index: a swap is found although each decision is right."""

    def __init__(self) -> None:
        self._waves: dict[int, int] = {}
        self._last: tuple[int, int, str, int] = (0, 0, "", 0)
        self._failing = False

    def misplaced(self, record: Record) -> str:
        """Why the record may not stand where it stands; empty when it may."""
        failed = isinstance(record.event, ActorFailed)
        if record.cause is not None:
            if record.cause not in self._waves:
                return f"its cause {record.cause} is not in its turn"
            place = (self._waves[record.cause] + 1, record.cause, record.by, record.index)
        elif failed:
            place = (self._last[0] + (not self._failing), 0, "", record.seq)
        else:
            if self._last[0]:  # the first fact after decisions begins a turn
                self._waves.clear()
                self._last = (0, 0, "", 0)
            place = (0, 0, "", record.seq)
        before, self._last, self._failing = self._last, place, failed
        self._waves[record.seq] = place[0]
        return "" if place > before else f"it stands behind (wave, cause, actor, index) {before}"


def _same(derived: Sequence[Event], recorded: Sequence[Event]) -> bool:
    """Equal as values and as bytes: Decimal("1.0") == Decimal("1.00"), but their lines differ."""
    return len(derived) == len(recorded) and canonical_bytes(list(derived)) == canonical_bytes(list(recorded))
