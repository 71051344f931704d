"""Going on after damage is an operator's act: nothing is thrown away, and the log says what was done."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.log import Damage, FileLog, LogDamaged, LogError, LogNotFound, cut_log, read_commits, read_records
from events.log.layout import Layout
from events.session import LogWasCut
from tests.events.simdisk import PowerCut, SimDisk
from tests.events.turns import SECOND, fill, log_of, seqs


def damaged_log(folder: Path) -> bytes:
    """A log of four commits whose third is damaged; returns its bytes."""
    log_of(folder, 4)
    path = folder / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"seq":5', b'"seq":0'))
    return path.read_bytes()


def test_a_damaged_log_goes_on_behind_the_last_good_commit_and_says_so(tmp_path: Path) -> None:
    before = damaged_log(tmp_path)
    cut = cut_log(tmp_path, 4, "the disk is old")
    assert cut.after_seq == 4
    assert cut.removed_bytes == len(before) - before.index(b'{"seq":0')
    assert (cut.kept_as / "events.jsonl").read_bytes() == before
    *_, last = read_records(tmp_path)
    assert (last.seq, last.at, last.by, last.cause) == (5, 3 * SECOND, "operator", None)
    assert last.event == LogWasCut(
        after_seq=4, removed_bytes=cut.removed_bytes, kept_as=cut.kept_as.name, reason="the disk is old"
    )
    with FileLog.open(tmp_path) as log:
        assert log.head == cut.place
        fill(log, 1)
    assert seqs(tmp_path) == [1, 2, 3, 4, 5, 6, 7]


def test_a_cut_keeps_commits_whole(tmp_path: Path) -> None:
    places = log_of(tmp_path, 4)
    cut = cut_log(tmp_path, 5, "drill")
    assert cut.after_seq == 4
    commits = list(read_commits(tmp_path))
    assert [commit.place for commit in commits[:2]] == places[:2]
    assert isinstance(commits[2].records[0].event, LogWasCut)


def test_a_log_can_be_cut_more_than_once_and_keeps_every_part(tmp_path: Path) -> None:
    log_of(tmp_path, 4)
    names = [cut_log(tmp_path, at, "drill").kept_as.name for at in (6, 2, 2)]
    assert names == ["events.cut-6-1", "events.cut-2-1", "events.cut-2-2"]
    assert seqs(tmp_path) == [1, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "events.jsonl", "events.jsonl.lock"])


def test_a_cut_within_a_sealed_segment_sets_the_later_files_aside(tmp_path: Path) -> None:
    places = log_of(tmp_path, 9, roll_bytes=900)
    cut = cut_log(tmp_path, 8, "drill")
    assert [commit.place for commit in read_commits(tmp_path)][:-1] == places[:4]
    assert "events.jsonl" in {path.name for path in cut.kept_as.iterdir()}
    with FileLog.open(tmp_path, roll_bytes=900, seal_in_background=False) as log:
        fill(log, 6)
    assert seqs(tmp_path) == list(range(1, 22))


def test_a_log_can_be_cut_to_nothing_even_when_its_first_line_is_gone(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\0" * 40 + path.read_bytes()[40:])
    with pytest.raises(LogError, match="no readable file holds record 2"):
        cut_log(tmp_path, 2, "drill")
    assert cut_log(tmp_path, 0, "drill").after_seq == 0
    assert [(record.seq, record.at) for record in read_records(tmp_path)] == [(1, 0)]


def test_a_cut_at_the_end_of_a_segment_helps_when_the_active_file_is_gone_or_unreadable(tmp_path: Path) -> None:
    for name, spoil in (("gone", Path.unlink), ("zeroed", lambda path: path.write_bytes(bytes(50)))):
        places = log_of(tmp_path / name, 9, roll_bytes=900)
        spoil(tmp_path / name / "events.jsonl")
        with pytest.raises(LogError) as raised:
            FileLog.open(tmp_path / name)
        at = raised.value.first_seq - 1 if raised.value.first_seq else 16
        cut = cut_log(tmp_path / name, at, "drill")
        assert [commit.place for commit in read_commits(tmp_path / name)][:-1] == places[: at // 2]
        assert cut.after_seq == at
        assert cut_log(tmp_path / name, 2, "further").after_seq == 2


def test_a_log_whose_active_file_is_unreadable_can_be_cut_far_before_it(tmp_path: Path) -> None:
    places = log_of(tmp_path, 9, roll_bytes=900)
    (tmp_path / "events.jsonl").write_bytes(bytes(50))
    assert cut_log(tmp_path, 2, "drill").after_seq == 2
    assert next(read_commits(tmp_path)).place == places[0]


def test_what_is_to_be_kept_must_itself_be_good(tmp_path: Path) -> None:
    before = damaged_log(tmp_path)
    with pytest.raises(LogDamaged, match="--at 4"):
        cut_log(tmp_path, 8, "drill")
    assert (tmp_path / "events.jsonl").read_bytes() == before
    assert not Layout(tmp_path).cut_note.exists()


def test_there_must_be_something_to_cut(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    with pytest.raises(LogError, match="ends at record 4: nothing is behind it"):
        cut_log(tmp_path, 4, "drill")
    with pytest.raises(LogError, match="ends at record 4, before 9"):
        cut_log(tmp_path, 9, "drill")
    with pytest.raises(LogNotFound):
        cut_log(tmp_path / "nowhere", 1, "drill")
    assert seqs(tmp_path) == [1, 2, 3, 4]


def test_a_torn_end_can_be_cut_as_well(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b"nonsense\n")
    assert cut_log(tmp_path, 4, "drill").removed_bytes == len(b"nonsense\n")


def test_a_cut_interrupted_anywhere_is_done_at_the_next_start_or_was_never_begun() -> None:
    calls, outcomes = 0, set()
    while True:
        calls += 1
        disk = SimDisk()
        with FileLog.open("log", durability="every", roll_bytes=900, disk=disk, seal_in_background=False) as log:
            fill(log, 6)
        disk.restarted().cut_at = calls
        try:
            cut_log("log", 8, "drill", disk=disk)
        except PowerCut:
            with FileLog.open("log", disk=disk.restarted(), seal_in_background=False) as log:
                said = [record.event for record in log.records(after=8)]
                outcomes.add(len(said))
                assert len(said) == 4 or (len(said) == 1 and isinstance(said[0], LogWasCut))
                left = [name for name in disk.contents() if name.endswith((".cut", ".cut.json"))]
                assert not left
            continue
        break
    assert outcomes == {1, 4}


def test_a_note_of_a_cut_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    log_of(tmp_path, 2)
    Layout(tmp_path).cut_note.write_bytes(b"{")
    with pytest.raises(LogDamaged, match="note of a cut") as raised:
        FileLog.open(tmp_path)
    assert raised.value.kind is Damage.DAMAGE
    Layout(tmp_path).cut_note.unlink()
    FileLog.open(tmp_path).close()


def test_a_disk_that_refuses_leaves_the_log_uncut() -> None:
    disk = SimDisk()
    with FileLog.open("log", disk=disk) as log:
        fill(log, 3)
    disk.fail_at, disk.is_persistent = disk.calls + 5, True
    with pytest.raises(LogError, match="cannot be cut: Input/output error"):
        cut_log("log", 2, "drill", disk=disk)
    disk.restarted().is_persistent = False
    with FileLog.open("log", disk=disk) as log:
        assert log.head.seq == 6
