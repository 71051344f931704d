"""A system's start, end and breakdown: what it compares, what it says first, and what it does when it cannot write."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from actors.clocks import TapeClock
from actors.door import Door, DoorClosed, Lane
from actors.known import Known
from actors.operator import act, leave_note
from actors.scribe import Shell
from actors.start_check import StateDiverged
from actors.system import Part, System, SystemBroken
from events.log import EventLog, FileLog, LogWriteFailed, MemoryLog, Place, SnapshotStore
from events.record import AnyEvent, Record
from events.risk import KillSwitchReset, KillSwitchThrown, ReduceOnlyReleased, ReduceOnlyRequested
from events.session import ClockTicked, SessionEnded, SessionStarted, StopRequested
from tests.replay.markets import settings_of, short_market, trading

TAPE = short_market(60)


class NoExchange:
    """A connection to nothing, that remembers what it was asked to do at the end."""

    def __init__(self, door: Door, known: Known) -> None:
        self.door = door
        self.known = known
        self.parts: Sequence[Part] = ()
        self.shells: Sequence[Shell] = ()
        self.looked = 0
        self.cancelled = threading.Semaphore(0)

    def last_look(self) -> int | None:
        self.looked += 1
        return None

    def cancel_all_once(self) -> None:
        self.cancelled.release()

    def market(self, event: AnyEvent, at: int) -> None:
        self.door.tell("market", [event], Lane.MARKET, at)


class Started:
    """A system over a log, with its connection at hand."""

    def __init__(
        self, log: EventLog, *, data_dir: Path | None = None, snapshots: SnapshotStore | None = None, start: int = 0
    ) -> None:
        self.connections: list[NoExchange] = []
        self.system = System(
            settings_of(trading(TAPE), "turn"),
            log=log,
            snapshots=snapshots,
            clock=TapeClock(start or TAPE.start),
            session="s",
            connect=self._connect,
            data_dir=data_dir,
        )
        self.system.start()

    def _connect(self, door: Door, _now: Callable[[], int], known: Known) -> NoExchange:
        self.connections.append(NoExchange(door, known))
        return self.connections[-1]

    @property
    def connection(self) -> NoExchange:
        return self.connections[0]

    def trade(self, count: int = 200) -> None:
        for (at, event), _ in zip(TAPE.facts(), range(count), strict=False):
            self.connection.market(event, at)


class FailsOn(MemoryLog):
    """A log that cannot be written once it has seen so many records."""

    def __init__(self, records: int) -> None:
        super().__init__()
        self._limit = records

    def commit(self, sync: bool = False) -> Place:
        if self.next_seq > self._limit:
            raise LogWriteFailed("no space left on device", file="memory")
        return super().commit(sync)


def test_a_session_begins_with_its_configuration_and_ends_with_its_states(tmp_path: Path) -> None:
    one = Started(FileLog.open(tmp_path))
    one.trade()
    ended = one.system.stop("enough")
    records = list(FileLog.open(tmp_path).records())
    assert isinstance(records[0].event, SessionStarted)
    assert isinstance(records[-1].event, SessionEnded)
    assert ended.place.seq == records[-1].seq
    assert one.connection.looked == 1
    assert any(isinstance(record.event, StopRequested) for record in records)


def test_a_restart_knows_what_the_session_before_knew(tmp_path: Path) -> None:
    one = Started(FileLog.open(tmp_path))
    assert one.system.start_report.previous == "none"
    one.trade()
    one.system.stop("enough")
    again = Started(FileLog.open(tmp_path), start=TAPE.start)
    report = again.system.start_report
    assert (report.previous, report.same_code, report.differing) == ("ended", True, ())
    again.system.stop("enough")


def test_a_session_that_did_not_end_is_seen_to_have_crashed(tmp_path: Path) -> None:
    log = FileLog.open(tmp_path)
    one = Started(log)
    one.trade(20)
    one.system._say_and_wait(ClockTicked())
    one.system.abandon()
    again = Started(FileLog.open(tmp_path))
    assert again.system.start_report.previous == "crashed"
    again.system.stop("enough")


def test_the_same_code_with_another_state_refuses_to_trade() -> None:
    log = MemoryLog()
    one = Started(log)
    one.trade()
    one.system.stop("enough")
    forged = MemoryLog()
    records = list(log.records())
    ended = records[-1].event
    assert isinstance(ended, SessionEnded)
    other = msgspec.structs.replace(ended, states={**ended.states, "risk": "0" * 64})
    forged.write([*records[:-1], msgspec.structs.replace(records[-1], event=other)])
    forged.commit()
    with pytest.raises(StateDiverged, match="other states of risk"):
        Started(forged)


def test_other_code_says_who_sees_the_past_differently_and_goes_on() -> None:
    log = MemoryLog()
    one = Started(log)
    one.trade()
    one.system.stop("enough")
    forged = MemoryLog()
    records = list(log.records())
    ended = records[-1].event
    assert isinstance(ended, SessionEnded)
    other = msgspec.structs.replace(ended, code="older", states={**ended.states, "risk": "0" * 64})
    forged.write([*records[:-1], msgspec.structs.replace(records[-1], event=other)])
    forged.commit()
    again = Started(forged)
    assert (again.system.start_report.same_code, again.system.start_report.differing) == (False, ("risk",))
    again.system.stop("enough")


def test_a_log_that_cannot_be_written_stops_everything_and_cancels_once() -> None:
    one = Started(FailsOn(50))
    with contextlib.suppress(DoorClosed):
        one.trade()
    assert one.system.wait(5) is not None
    with pytest.raises(SystemBroken, match="no space left"):
        one.system.stop("enough")
    assert one.connection.cancelled.acquire(timeout=5)
    assert not one.connection.cancelled.acquire(blocking=False), "once"
    one.system.abandon()


def test_a_kill_that_was_left_while_nothing_ran_is_recorded_before_anything_trades(tmp_path: Path) -> None:
    leave_note(tmp_path, KillSwitchThrown(reason="from my phone"))
    log = MemoryLog()
    one = Started(log, data_dir=tmp_path)
    one.trade(20)
    one.system.stop("enough")
    first_two = [(record.by, record.event) for record in log.records()][:2]
    assert first_two[1] == ("operator", KillSwitchThrown(reason="from my phone"))
    again = Started(MemoryLog(), data_dir=tmp_path)
    again.system.stop("enough")
    assert not (tmp_path / "operator-note.json").exists()


def test_a_restart_hands_its_connection_that_it_is_killed(tmp_path: Path) -> None:
    log = FileLog.open(tmp_path)
    one = Started(log, data_dir=tmp_path)
    act(tmp_path, KillSwitchThrown(reason="drill"))
    one.system.stop("enough")
    again = Started(FileLog.open(tmp_path))
    assert again.connection.known == Known(is_killed=True)
    assert again.system.stop("enough").halted_by == ("kill switch thrown: since an earlier session",)


def test_a_session_that_ends_halted_says_by_what_and_one_that_was_released_does_not(tmp_path: Path) -> None:
    one = Started(MemoryLog(), data_dir=tmp_path)
    act(tmp_path, KillSwitchThrown(reason="drill"))
    act(tmp_path, ReduceOnlyRequested(product=None, reason="lunch"))
    act(tmp_path, KillSwitchReset(reason="over"))
    assert one.system.stop("enough").halted_by == ("reduce-only: lunch",)
    other = Started(MemoryLog(), data_dir=tmp_path)
    act(tmp_path, ReduceOnlyRequested(product=None, reason="lunch"))
    act(tmp_path, ReduceOnlyReleased(product=None, reason="over"))
    assert other.system.stop("enough").halted_by == ()


def test_an_operators_stop_ends_the_wait(tmp_path: Path) -> None:
    one = Started(MemoryLog(), data_dir=tmp_path)
    assert one.system.wait(0.01) is None
    act(tmp_path, StopRequested(reason="lunch"))
    assert one.system.wait(5) == "lunch"
    one.system.stop("lunch")


def test_a_snapshot_at_a_segments_end_shortens_the_next_start(tmp_path: Path) -> None:
    snapshots = SnapshotStore(tmp_path / "snapshots")
    one = Started(FileLog.open(tmp_path / "log", roll_bytes=50_000), snapshots=snapshots)
    one.trade(400)
    one.system.stop("enough")
    kept = snapshots.latest(10**9, None)
    assert kept is not None
    assert kept.place.seq > 50
    records: list[Record] = list(FileLog.open(tmp_path / "log").records())
    assert isinstance(records[-1].event, SessionEnded)
