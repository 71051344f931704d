"""A log that grows is rolled at a turn's end: closed segments are sealed beside the active file and read as one log."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from events.log import (
    Damage,
    FileLog,
    LogDamaged,
    LogNotFound,
    LogWriteFailed,
    Place,
    read_commits,
    read_records,
)
from events.log.disk import REAL_DISK
from events.log.framing import FOOTER_BYTES, parse_footer
from events.log.layout import Layout
from events.log.sealing import Sealer, seal_segment
from tests.events.processes import tool
from tests.events.simdisk import PowerCut, SimDisk
from tests.events.turns import expected_seqs, fill, log_of, seqs

ROLL = 900


def rolled(folder: Path, commits: int = 9) -> list[Place]:
    """A log of several sealed segments and an active file."""
    places = log_of(folder, commits, roll_bytes=ROLL)
    assert len(Layout(folder).segments(REAL_DISK)) >= 3
    return places


def sealed(folder: Path) -> list[Path]:
    return sorted(folder.glob("events.*.jsonl.zst"))


def test_a_rolled_log_reads_as_one(tmp_path: Path) -> None:
    places = rolled(tmp_path)
    assert seqs(tmp_path) == expected_seqs(places)
    assert [commit.place for commit in read_commits(tmp_path)] == places
    for place in places:
        assert [commit.place.seq for commit in read_commits(tmp_path, after=place)] == list(range(place.seq + 2, 19, 2))
    with FileLog.open(tmp_path) as log:
        assert all(log.has(place) for place in places)
        assert not log.has(Place(places[0].seq, places[1].digest))
        assert not log.has(Place(places[0].seq + 1, places[0].digest))


def test_a_segment_ends_with_a_commit_and_tells_in_its_footer_what_it_holds(tmp_path: Path) -> None:
    places = rolled(tmp_path)
    by_seq = {place.seq: place for place in places}
    following = 1
    for number, path in enumerate(sealed(tmp_path), start=1):
        footer = parse_footer(path.read_bytes()[-FOOTER_BYTES:])
        assert footer is not None
        assert (footer.segment, footer.first, footer.count) == (number, following, footer.last - footer.first + 1)
        assert footer.head == by_seq[footer.last].digest
        following = footer.last + 1
    assert (tmp_path / "events.jsonl").read_bytes().startswith(b'{"log":{"format":1,"segment":%d,' % (number + 1))
    assert not list(tmp_path.glob("*.tmp"))


def test_any_unpacker_shows_the_lines_of_a_sealed_segment(tmp_path: Path) -> None:
    if tool("zstd") is None:
        pytest.skip("zstd is not installed")
    rolled(tmp_path)
    plain = subprocess.run(["zstd", "-dc", sealed(tmp_path)[0]], capture_output=True, check=True).stdout
    assert plain.startswith(b'{"log":')
    assert plain.endswith(b'"}}\n')
    assert b"sealed" not in plain


def test_the_digests_of_a_log_do_not_depend_on_who_reads_it_when(tmp_path: Path) -> None:
    """A segment's own file, alone somewhere else, is a log that can be read and checked."""
    places = rolled(tmp_path)
    second = sealed(tmp_path)[1]
    alone = tmp_path / "elsewhere" / second.name
    alone.parent.mkdir()
    alone.write_bytes(second.read_bytes())
    found = list(read_commits(alone))
    assert [commit.place for commit in found] == [place for place in places if place in {c.place for c in found}]
    assert found[0].records[0].seq > 1
    with pytest.raises(LogNotFound):
        list(read_commits(tmp_path / "elsewhere" / "events.000009.jsonl"))


def test_old_segments_may_be_moved_away_and_reading_begins_behind_them(tmp_path: Path) -> None:
    places = rolled(tmp_path)
    gone = parse_footer(sealed(tmp_path)[0].read_bytes()[-FOOTER_BYTES:])
    assert gone is not None
    sealed(tmp_path)[0].unlink()
    with pytest.raises(LogDamaged, match=f"records 1..{gone.last} are in segments that are not here") as raised:
        seqs(tmp_path)
    assert raised.value.kind is Damage.MISSING
    assert [r.seq for r in read_records(tmp_path, after=gone.last)] == list(range(gone.last + 1, places[-1].seq + 1))
    with FileLog.open(tmp_path) as log:
        assert log.head == places[-1]
        assert not log.has(Place(1, "0" * 64))


def test_a_segment_missing_from_the_middle_is_noticed_by_reader_and_writer(tmp_path: Path) -> None:
    rolled(tmp_path)
    sealed(tmp_path)[1].unlink()
    for read in (lambda: seqs(tmp_path), lambda: FileLog.open(tmp_path)):
        with pytest.raises(LogDamaged, match="missing") as raised:
            read()
        assert raised.value.kind is Damage.MISSING


def test_an_active_file_that_is_gone_is_noticed_by_the_writer(tmp_path: Path) -> None:
    rolled(tmp_path)
    (tmp_path / "events.jsonl").unlink()
    with pytest.raises(LogDamaged, match="the active file is missing") as raised:
        FileLog.open(tmp_path)
    assert raised.value.kind is Damage.MISSING


def test_an_older_copy_of_the_active_file_is_noticed(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    older = (tmp_path / "events.jsonl").read_bytes()
    log_of_more(tmp_path, 6)
    (tmp_path / "events.jsonl").write_bytes(older)
    with pytest.raises(LogDamaged) as raised:
        FileLog.open(tmp_path)
    assert raised.value.kind is Damage.DISAGREEMENT


def log_of_more(folder: Path, commits: int) -> None:
    with FileLog.open(folder, durability="every", roll_bytes=ROLL, seal_in_background=False) as log:
        fill(log, commits)


def test_a_segment_of_another_log_is_noticed(tmp_path: Path) -> None:
    rolled(tmp_path / "one")
    with FileLog.open(tmp_path / "two", roll_bytes=ROLL, seal_in_background=False) as log:
        fill(log, 3, 1)
        fill(log, 9)
    names = [path.name for path in sealed(tmp_path / "one")]
    (tmp_path / "one" / names[1]).write_bytes((tmp_path / "two" / names[1]).read_bytes())
    for read in (lambda: seqs(tmp_path / "one"), lambda: FileLog.open(tmp_path / "one")):
        with pytest.raises(LogDamaged) as raised:
            read()
        assert raised.value.kind is Damage.DISAGREEMENT


def test_a_segment_under_the_name_of_another_is_noticed(tmp_path: Path) -> None:
    rolled(tmp_path)
    one, two, *_ = sealed(tmp_path)
    two.write_bytes(one.read_bytes())
    for read in (lambda: seqs(tmp_path), lambda: FileLog.open(tmp_path)):
        with pytest.raises(LogDamaged, match="says it is segment 1"):
            read()


def test_every_flipped_bit_of_a_sealed_segment_is_found_or_changes_nothing_that_is_read(tmp_path: Path) -> None:
    rolled(tmp_path)
    path = sealed(tmp_path)[0]
    good = path.read_bytes()
    expected = seqs(tmp_path)
    content = bytearray(good)
    harmless = 0
    for position in range(len(content)):
        content[position] ^= 1 << (position % 8)
        path.write_bytes(content)
        with suppress(LogDamaged):
            harmless += seqs(tmp_path) == expected
        content[position] ^= 1 << (position % 8)
    assert harmless < 40, "a few bits of the compression's own frame mean nothing"


def test_a_sealed_segment_cut_short_is_found(tmp_path: Path) -> None:
    rolled(tmp_path)
    path = sealed(tmp_path)[0]
    good = path.read_bytes()
    for content in (good[:10], good[: len(good) // 2], good[:-1], good[:40] + good[-FOOTER_BYTES:]):
        path.write_bytes(content)
        with pytest.raises(LogDamaged):
            seqs(tmp_path)


def test_closing_with_a_seal_leaves_an_empty_active_file(tmp_path: Path) -> None:
    log = FileLog.open(tmp_path)
    places = fill(log, 2)
    log.close(seal=True)
    assert len(sealed(tmp_path)) == 1
    with FileLog.open(tmp_path) as again:
        assert again.head == places[-1]
        assert again.segment == 2
        again.close(seal=True)
    assert len(sealed(tmp_path)) == 1, "an empty file is not worth a seal"
    assert seqs(tmp_path) == expected_seqs(places)


def test_sealing_in_the_background_is_finished_when_the_log_is_closed(tmp_path: Path) -> None:
    with FileLog.open(tmp_path, roll_bytes=ROLL) as log:
        places = fill(log, 20)
    assert not list(tmp_path.glob("events.0*.jsonl"))
    assert len(sealed(tmp_path)) >= 5
    assert seqs(tmp_path) == expected_seqs(places)


def test_a_seal_that_fails_leaves_the_plain_file_and_is_made_up_for_at_the_next_start(tmp_path: Path) -> None:
    with FileLog.open(tmp_path / "log", roll_bytes=ROLL) as log:
        (tmp_path / "log/events.000001.jsonl.zst.tmp").mkdir()
        places = fill(log, 5)
        log._sealer.finish()
        assert isinstance(log.seal_trouble, OSError)
        places += fill(log, 1)
    assert seqs(tmp_path / "log") == expected_seqs(places)
    assert (tmp_path / "log/events.000001.jsonl").exists()
    (tmp_path / "log/events.000001.jsonl.zst.tmp").rmdir()
    FileLog.open(tmp_path / "log").close()
    assert not (tmp_path / "log/events.000001.jsonl").exists()
    assert seqs(tmp_path / "log") == expected_seqs(places)


def test_a_seal_that_does_not_unpack_to_the_same_bytes_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileLog.open(tmp_path, roll_bytes=ROLL, seal_in_background=False) as log:
        monkeypatch.setattr("events.log.sealing.SealedBytes.read", lambda self, size: b"")
        places = fill(log, 4)
        assert "does not unpack to what was packed" in str(log.seal_trouble)
        monkeypatch.undo()
    assert not sealed(tmp_path)
    assert seqs(tmp_path) == expected_seqs(places)


def test_sealing_what_is_sealed_or_gone_is_nothing(tmp_path: Path) -> None:
    rolled(tmp_path)
    before = sealed(tmp_path)[0].read_bytes()
    seal_segment(Layout(tmp_path), REAL_DISK, 1)
    seal_segment(Layout(tmp_path), REAL_DISK, 99)
    assert sealed(tmp_path)[0].read_bytes() == before
    Sealer(Layout(tmp_path), REAL_DISK, in_background=True).finish()


def test_a_closed_segment_that_does_not_end_in_a_commit_is_refused(tmp_path: Path) -> None:
    with FileLog.open(tmp_path, roll_bytes=ROLL, seal_in_background=False) as log:
        fill(log, 2)
    (tmp_path / "events.jsonl").rename(tmp_path / "events.000001.jsonl")
    with (tmp_path / "events.000001.jsonl").open("ab") as file:
        file.write(b'{"seq":5,"at":')
    with pytest.raises(LogDamaged, match="does not end in a commit line"):
        FileLog.open(tmp_path)
    with pytest.raises(LogDamaged, match="not the beginning of another"):
        seqs(tmp_path)


def test_a_crash_at_any_point_of_rolling_and_sealing_is_recovered() -> None:
    """The process dies at each call to the disk in turn; what it had written is still there."""
    calls = 0
    while True:
        calls += 1
        disk, told = SimDisk(), 0
        disk.cut_at = calls
        try:
            with FileLog.open("log", durability="every", roll_bytes=600, disk=disk, seal_in_background=False) as log:
                for _ in range(5):
                    told = fill(log, 1)[0].seq
        except PowerCut:
            with FileLog.open("log", disk=disk.restarted(), seal_in_background=False) as log:
                assert log.head.seq >= told
                assert [record.seq for record in log.records()] == list(range(1, log.head.seq + 1))
                fill(log, 1)
                assert not [name for name in disk.contents() if name.endswith((".tmp", ".new"))]
            continue
        break
    assert calls > 70


def test_a_commit_whose_roll_fails_stands_and_the_next_is_refused() -> None:
    disk = SimDisk()
    log = FileLog.open("log", durability="every", roll_bytes=200, disk=disk)
    disk.fail_at = disk.calls + 4  # write, sync, (roll:) a new file, its header
    place = fill(log, 1, 4)[0]
    assert place.seq == log.durable == 4
    with pytest.raises(LogWriteFailed, match="roll failed"):
        fill(log, 1)
    log.close()
