"""Snapshots are a cache: believed only when whole, and missed by nobody when they are gone."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from events.log import FileLog, LogWriteFailed, MemoryLog, Place, SnapshotStore
from tests.events.simdisk import SimDisk
from tests.events.turns import fill

STATES = {"risk": b'{"limits":{}}', "position": b"", "orders": b'{"open":["a"]}\n'}


def place(seq: int, letter: str = "a") -> Place:
    return Place(seq, letter * 64)


def test_what_was_saved_comes_back_with_its_place_and_code(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    store.save(place(7), "code one", STATES)
    snapshot = store.latest(7, "code one")
    assert snapshot is not None
    assert (snapshot.place, snapshot.code, snapshot.states) == (place(7), "code one", STATES)


def test_the_newest_at_or_before_a_seq_is_given(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for seq in (900, 1_000_000, 50):
        store.save(place(seq), "code", {"risk": b"%d" % seq})
    found = {at: store.latest(at, "code") for at in (49, 50, 899, 900, 999_999, 1_000_000, 10**15)}
    assert {at: snapshot and snapshot.place.seq for at, snapshot in found.items()} == {
        49: None,
        50: 50,
        899: 50,
        900: 900,
        999_999: 900,
        1_000_000: 1_000_000,
        10**15: 1_000_000,
    }


def test_a_snapshot_of_other_code_is_given_only_when_any_will_do(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.save(place(5), "old", STATES)
    assert store.latest(9, "new") is None
    found = store.latest(9, None)
    assert found is not None
    assert found.code == "old"


def test_a_snapshot_of_a_history_that_was_set_aside_is_passed_over(tmp_path: Path) -> None:
    log = MemoryLog()
    places = fill(log, 3)
    store = SnapshotStore(tmp_path)
    store.save(places[0], "code", STATES)
    store.save(Place(4, "b" * 64), "code", STATES)
    found = store.latest(6, "code", belongs=log.has)
    assert found is not None
    assert found.place == places[0]


def test_a_damaged_snapshot_is_ignored_whichever_byte_is_wrong(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    older = store.save(place(3), "code", STATES)
    path = store.save(place(7), "code", STATES)
    good = path.read_bytes()
    chance = random.Random(7)
    for position in range(len(good)):
        content = bytearray(good)
        content[position] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        found = store.latest(9, "code")
        assert found is not None
        assert found.place.seq == 3
    for size in (0, 10, 40, len(good) - 1):
        path.write_bytes(good[:size])
        assert store.latest(9, "code") != store.latest(2, "code")
    older.unlink()
    assert store.latest(9, "code") is None


def test_a_snapshot_under_the_name_of_another_is_ignored(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = store.save(place(7), "code", STATES)
    path.rename(path.with_name(path.name.replace("7-", "8-", 1)))
    assert store.latest(9, "code") is None


def test_other_files_in_the_folder_are_no_snapshots(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / ("0" * 12 + "-x.snapshot")).mkdir()
    (tmp_path / f"{'0' * 11}5-{'a' * 16}-{'b' * 16}.snapshot").mkdir()
    assert store.latest(9, None) is None
    assert SnapshotStore(tmp_path / "nowhere").latest(9, None) is None


def test_deleting_all_snapshots_loses_nothing(tmp_path: Path) -> None:
    with FileLog.open(tmp_path / "log") as log:
        fill(log, 3)
        SnapshotStore(tmp_path / "log/snapshots").save(log.head, "code", STATES)
    shutil.rmtree(tmp_path / "log/snapshots")
    with FileLog.open(tmp_path / "log") as log:
        assert len(list(log.records())) == 6


def test_a_snapshot_appears_whole_or_not_at_all() -> None:
    for call in range(1, 9):
        disk = SimDisk()
        disk.fail_at = call
        store = SnapshotStore("snapshots", disk=disk)
        is_saved = False
        with suppress(LogWriteFailed):
            store.save(place(7), "code", STATES)
            is_saved = True
        disk.fail_at = None
        assert (store.latest(9, "code") is not None) == is_saved


def test_a_folder_that_cannot_be_read_holds_no_snapshot() -> None:
    disk = SimDisk()
    store = SnapshotStore("snapshots", disk=disk)
    store.save(place(7), "code", STATES)
    disk.fail_at, disk.is_persistent = disk.calls + 1, True
    assert store.latest(9, "code") is None


def test_a_full_disk_is_said() -> None:
    disk = SimDisk()
    disk.fail_at = 3
    with pytest.raises(LogWriteFailed, match="a snapshot cannot be written: Input/output error"):
        SnapshotStore("snapshots", disk=disk).save(place(1), "code", {})
