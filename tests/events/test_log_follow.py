"""Following a log that is being written: closed commits only, across rolls, without the lock, from a place."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from events.log import (
    Commit,
    Damage,
    FileLog,
    Follower,
    LogDamaged,
    LogNotFound,
    LogReadFailed,
    Place,
    cut_log,
    follow,
    read_commits,
)
from tests.events.simdisk import SimDisk
from tests.events.turns import fill, log_of, turn


def polled(follower: Follower) -> list[int]:
    return [record.seq for commit in follower.poll() for record in commit.records]


def test_a_follower_sees_each_commit_once_it_is_closed_and_nothing_before(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    assert polled(follower) == []
    with FileLog.open(tmp_path) as log:
        assert polled(follower) == []
        log.write(turn(1))
        assert polled(follower) == []
        log.commit()
        assert polled(follower) == [1, 2]
        assert polled(follower) == []
        fill(log, 2)
        assert polled(follower) == [3, 4, 5, 6]
    follower.close()


def test_a_follower_crosses_rolls_and_seals_whenever_it_looks(tmp_path: Path) -> None:
    follower, found = Follower(tmp_path), []
    with FileLog.open(tmp_path, roll_bytes=700, seal_in_background=False) as log:
        for pause in (1, 2, 3, 4, 7, 1, 1, 9):
            places = fill(log, pause)
            found += polled(follower)
            assert found == list(range(1, places[-1].seq + 1))
        assert log.segment > 8
    follower.close()


def test_a_follower_beside_a_busy_writer_misses_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    found: list[Commit] = []

    def watch() -> None:
        found.extend(follow(tmp_path, poll_s=0.001, stop=stop))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with FileLog.open(tmp_path, roll_bytes=3_000) as log:
            places = fill(log, 400, 3)
    finally:
        stop.set()
        watcher.join(timeout=30)
    assert not watcher.is_alive()
    assert [commit.place for commit in found] == places
    assert [record.seq for commit in found for record in commit.records] == list(range(1, 1_201))


def test_following_begins_behind_a_place_and_ends_when_told(tmp_path: Path) -> None:
    places = log_of(tmp_path, 4, roll_bytes=700)
    stop = threading.Event()
    stop.set()
    assert [commit.place for commit in follow(tmp_path, places[1], stop=stop)] == places[2:]
    assert [commit.place for commit in follow(tmp_path, 5, stop=stop)] == places[2:]


def test_a_place_that_the_log_does_not_reach_is_told_at_once(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    follower = Follower(tmp_path, Place(9, "0" * 64))
    with pytest.raises(LogDamaged) as raised:
        polled(follower)
    assert raised.value.kind is Damage.ANCHOR


def test_an_unfinished_commit_that_is_cut_and_replaced_does_not_confuse_a_follower(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    path = tmp_path / "events.jsonl"
    follower = Follower(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert polled(follower) == [1, 2]
    with FileLog.open(tmp_path) as log:
        log.write(turn(3, 5, text="another"))
        log.commit()
    assert polled(follower) == [3, 4, 5, 6, 7]
    follower.close()


def test_what_only_looks_damaged_while_a_writer_recovers_is_looked_at_again(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    path = tmp_path / "events.jsonl"
    follower = Follower(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"seq":3', b'"seq":9'))
    assert polled(follower) == [1, 2]
    assert polled(follower) == []
    path.write_bytes(whole)
    assert polled(follower) == [3, 4]
    path.write_bytes(whole + b"nonsense\n" + b'{"commit":{"first":' + b"\n")
    assert [polled(follower), polled(follower)] == [[], []]
    with pytest.raises(LogDamaged):
        polled(follower)
    follower.close()


def test_damage_in_a_closed_segment_is_told_at_once(tmp_path: Path) -> None:
    log_of(tmp_path, 4, roll_bytes=700)
    sealed = tmp_path / "events.000001.jsonl.zst"
    content = bytearray(sealed.read_bytes())
    content[30] ^= 1
    sealed.write_bytes(content)
    with pytest.raises(LogDamaged):
        polled(Follower(tmp_path))


def test_a_log_that_was_cut_behind_the_follower_is_told_to_it(tmp_path: Path) -> None:
    log_of(tmp_path, 4)
    follower = Follower(tmp_path)
    assert len(polled(follower)) == 8
    cut_log(tmp_path, 4, "drill")
    with pytest.raises(LogDamaged) as raised:
        polled(follower)
    assert raised.value.kind is Damage.ANCHOR
    follower.close()


def test_a_log_that_was_cut_ahead_of_the_follower_is_followed_on(tmp_path: Path) -> None:
    log_of(tmp_path, 4)
    path = tmp_path / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b'{"seq":5')])
    follower = Follower(tmp_path)
    assert polled(follower) == [1, 2, 3, 4]
    path.write_bytes(whole.replace(b'"seq":7', b'"seq":0'))
    cut_log(tmp_path, 4, "drill")
    with FileLog.open(tmp_path) as log:
        fill(log, 1)
    assert [follower_seq for _ in range(3) for follower_seq in polled(follower)][-3:] == [5, 6, 7]
    follower.close()


def test_between_the_two_renames_of_a_roll_there_is_nothing_new(tmp_path: Path) -> None:
    places = log_of(tmp_path, 2)
    follower = Follower(tmp_path)
    assert len(polled(follower)) == 4
    (tmp_path / "events.jsonl").rename(tmp_path / "events.000001.jsonl")
    assert polled(follower) == []
    assert [commit.place for commit in read_commits(tmp_path)] == places
    with FileLog.open(tmp_path, seal_in_background=False) as log:
        assert log.segment == 2
        fill(log, 1)
    assert polled(follower) == [5, 6]
    follower.close()


def test_reading_where_there_is_no_log_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogNotFound, match="there is no log here"):
        list(read_commits(tmp_path / "nowhere"))


def test_a_disk_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    disk = SimDisk()
    with FileLog.open("log", disk=disk) as log:
        fill(log, 1)
    disk.fail_at, disk.is_persistent = disk.calls + 1, True
    with pytest.raises(LogReadFailed, match="cannot be read: Input/output error"):
        list(read_commits("log", disk=disk))
    with pytest.raises(LogReadFailed):
        list(Follower("log", disk=disk).poll())


def test_a_follower_that_never_looked_can_be_closed(tmp_path: Path) -> None:
    Follower(tmp_path).close()


class Ghosts(SimDisk):
    """A disk whose listings name a segment that is no longer there when one looks: it was moved away meanwhile."""

    def __init__(self, listings: int) -> None:
        super().__init__()
        self._listings = listings

    def names(self, folder: Path) -> list[str]:
        self._listings -= 1
        return super().names(folder) + (["events.000001.jsonl.zst"] if self._listings >= 0 else [])


def test_a_segment_that_is_moved_away_while_a_reader_begins_is_named() -> None:
    for listings in (1, 100):
        disk = Ghosts(0)
        with FileLog.open("log", roll_bytes=600, disk=disk, seal_in_background=False) as log:
            fill(log, 6)
        disk.unlink(Path("log/events.000001.jsonl.zst"))
        disk._listings = listings
        with pytest.raises(LogDamaged) as raised:
            list(read_commits("log", disk=disk))
        assert raised.value.kind is Damage.MISSING


def test_a_log_opens_though_an_old_segment_is_moved_away_meanwhile() -> None:
    disk = Ghosts(0)
    with FileLog.open("log", roll_bytes=600, disk=disk, seal_in_background=False) as log:
        head = fill(log, 6)[-1]
    disk.unlink(Path("log/events.000001.jsonl.zst"))
    disk._listings = 2
    with FileLog.open("log", disk=disk) as log:
        assert log.head == head


def test_all_segments_listed_and_none_there_is_a_missing_log() -> None:
    for listings in (1, 100):
        with pytest.raises(LogDamaged) as raised:
            list(read_commits("log", disk=Ghosts(listings)))
        assert raised.value.kind is Damage.MISSING
