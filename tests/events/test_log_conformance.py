"""What every log promises, in memory or in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from events.codec import encode
from events.log import (
    BEGINNING,
    Damage,
    EventLog,
    FileLog,
    LogDamaged,
    LogWriteFailed,
    MemoryLog,
    Place,
    RecordOutOfPlace,
)
from events.record import Record
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from tests.events.turns import fill, turn
from tests.streams.events import turns


@pytest.fixture(params=["memory", "files", "files that roll"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    makers: dict[str, Callable[[], EventLog]] = {
        "memory": MemoryLog,
        "files": lambda: FileLog.open(tmp_path),
        "files that roll": lambda: FileLog.open(tmp_path, roll_bytes=600),
    }
    made = makers[request.param]()
    yield made
    made.close()


def test_a_new_log_is_empty(log: EventLog) -> None:
    assert log.head == BEGINNING
    assert (log.next_seq, log.last_at, log.durable) == (1, 0, 0)
    assert not log.is_pending
    assert log.recovered is None
    assert list(log.records()) == []
    assert list(log.commits()) == []


def test_nobody_sees_a_turn_before_its_commit(log: EventLog) -> None:
    log.write(turn(1))
    log.write(turn(3))
    assert (log.is_pending, log.next_seq) == (True, 5)
    assert log.head == BEGINNING
    assert list(log.records()) == []
    place = log.commit()
    assert place == log.head
    assert place.seq == 4
    assert (log.is_pending, log.next_seq) == (False, 5)
    assert [record.seq for record in log.records()] == [1, 2, 3, 4]


def test_a_commit_holds_whole_turns_and_its_place(log: EventLog) -> None:
    places = fill(log, 3)
    commits = list(log.commits())
    assert [commit.place for commit in commits] == places
    assert [[record.seq for record in commit.records] for commit in commits] == [[1, 2], [3, 4], [5, 6]]
    assert len({place.digest for place in places}) == 3


def test_a_commit_of_nothing_changes_nothing(log: EventLog) -> None:
    place = fill(log, 1)[0]
    log.write([])
    assert log.commit() == place
    assert log.commit(sync=True) == place
    assert len(list(log.commits())) == 1


def test_a_synced_commit_is_durable_and_says_so_in_the_next(log: EventLog) -> None:
    fill(log, 1, sync=True)
    assert log.durable == 2
    fill(log, 1)
    assert [commit.durable for commit in log.commits()] == [0, 2]
    log.sync()
    assert log.durable == 4
    log.sync()
    assert log.durable == 4


def test_reading_goes_on_behind_a_seq_even_within_a_commit(log: EventLog) -> None:
    fill(log, 3)
    assert [record.seq for record in log.records(after=3)] == [4, 5, 6]
    assert [commit.place.seq for commit in log.commits(after=3)] == [4, 6]
    assert list(log.records(after=6)) == []
    assert list(log.records(after=99)) == []


def test_reading_goes_on_behind_a_place(log: EventLog) -> None:
    places = fill(log, 3)
    assert [record.seq for record in log.records(after=places[0])] == [3, 4, 5, 6]
    assert list(log.commits(after=places[2])) == []
    assert [record.seq for record in log.records(after=BEGINNING)] == [1, 2, 3, 4, 5, 6]


def test_a_place_of_another_log_is_refused(log: EventLog) -> None:
    places = fill(log, 3)
    for place in (Place(4, places[0].digest), Place(3, places[0].digest), Place(99, places[0].digest)):
        assert not log.has(place)
        with pytest.raises(LogDamaged) as raised:
            list(log.commits(after=place))
        assert raised.value.kind is Damage.ANCHOR
        assert raised.value.first_seq == place.seq
    assert all(log.has(place) for place in (*places, BEGINNING))


@pytest.mark.parametrize(
    "record",
    [
        Record(seq=4, at=10**12, by="clock", event=ClockTicked()),
        Record(seq=2, at=10**12, by="clock", event=ClockTicked()),
        Record(seq=3, at=0, by="clock", event=ClockTicked()),
    ],
    ids=["gap", "twice", "back in time"],
)
def test_a_record_that_does_not_follow_is_refused_and_nothing_of_its_turn_is_taken(
    log: EventLog, record: Record
) -> None:
    fill(log, 1)
    log.write(turn(3))
    with pytest.raises(RecordOutOfPlace):
        log.write([turn(5, 1)[0], record])
    assert log.next_seq == 5
    assert log.commit().seq == 4
    assert [each.seq for each in log.records()] == [1, 2, 3, 4]


def test_time_may_stand_still_but_not_go_back_across_commits(log: EventLog) -> None:
    log.write([Record(seq=1, at=5, by="clock", event=ClockTicked())])
    log.commit()
    log.write([Record(seq=2, at=5, by="clock", event=ClockTicked())])
    log.commit()
    assert log.last_at == 5
    with pytest.raises(RecordOutOfPlace):
        log.write([Record(seq=3, at=4, by="clock", event=ClockTicked())])


def test_text_that_cannot_be_written_leaves_the_log_as_it_was(log: EventLog) -> None:
    fill(log, 1)
    with pytest.raises(UnicodeEncodeError):
        log.write([Record(seq=3, at=10**12, by="operator", event=KillSwitchThrown(reason="\udcff"))])
    assert not log.is_pending
    assert fill(log, 1)[0].seq == 4


def test_closing_commits_what_is_open_and_takes_nothing_more(log: EventLog) -> None:
    log.write(turn(1))
    log.close()
    log.close()
    assert log.head.seq == log.durable == 2
    for act in (lambda: log.write(turn(3)), log.commit, log.sync):
        with pytest.raises(LogWriteFailed, match="closed"):
            act()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(log_turns=turns())
def test_memory_and_files_give_the_same_chain_and_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, log_turns: list[list[Record]]
) -> None:
    memory, files = MemoryLog(), FileLog.open(tmp_path_factory.mktemp("log"))
    for records in log_turns:
        for log in (memory, files):
            log.write(records)
            log.commit(sync=True)
    assert memory.head == files.head
    assert list(memory.commits()) == [msgspec.structs.replace(commit, file="memory") for commit in files.commits()]
    written = [encode(record) for records in log_turns for record in records]
    assert [encode(record) for record in files.records()] == written
    assert [encode(record) for record in memory.records()] == written
    files.close()
