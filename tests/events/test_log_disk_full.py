"""A full disk: short writes that raise nothing, then an error. What was acknowledged is what comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from events.log import FileLog, LogWriteFailed
from tests.events.processes import acked, run_writer, tool
from tests.events.simdisk import SimDisk
from tests.events.turns import expected_seqs, fill, log_of, seqs

#: The header and a first commit take about 500 bytes, a commit 370: limits in every part of a block.
LIMITS = [0, 100, 200, *range(600, 1_400, 67), 2_049, 4_097, 12_345]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_file_that_may_not_grow_loses_nothing_acknowledged_and_invents_nothing(tmp_path: Path, limit: int) -> None:
    lines = run_writer(tmp_path, 100, limit)
    assert any(line.startswith("failed ") for line in lines)
    assert "acked after a failure" not in lines
    if limit >= 600:
        assert lines[-1] == "stopped"
    with FileLog.open(tmp_path) as log:
        assert log.head.seq == acked(lines)
        fill(log, 1)
    assert seqs(tmp_path) == list(range(1, acked(lines) + 3))


def test_short_writes_do_happen_at_such_a_limit(tmp_path: Path) -> None:
    """The proof that the test above meets them: the file ends in the middle of a commit, exactly at the limit."""
    run_writer(tmp_path, 100, 1_000)
    assert (tmp_path / "events.jsonl").stat().st_size == 1_000


@contextmanager
def tiny_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this system lets nobody mount a tmpfs here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kilobytes", [16, 64, 128])
def test_a_tiny_disk_that_runs_out_is_clean_again_when_space_returns(tmp_path: Path, kilobytes: int) -> None:
    if tool("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root here")
    with tiny_disk(tmp_path / "disk", kilobytes) as disk:
        lines = run_writer(disk / "log", 10_000)
        assert lines[-1] == "stopped"
        assert acked(lines) > 0
        roomy = tmp_path / "roomy"
        shutil.copytree(disk / "log", roomy)
    with FileLog.open(roomy, seal_in_background=False) as log:
        assert log.head.seq == acked(lines)
        assert log.seal_trouble is None
        fill(log, 1)
    assert len(seqs(roomy)) == acked(lines) + 2


def test_a_write_that_is_taken_in_pieces_is_written_whole() -> None:
    count = _calls_of_three_commits()
    for call in range(1, count + 1):
        disk = SimDisk()
        disk.short_at = call
        with FileLog.open("log", durability="every", disk=disk) as log:
            places = fill(log, 3)
        with FileLog.open("log", disk=disk) as log:
            assert log.recovered is None
            assert log.head == places[-1]
            assert [record.seq for record in log.records()] == expected_seqs(places)


def _calls_of_three_commits() -> int:
    disk = SimDisk()
    with FileLog.open("log", durability="every", disk=disk) as log:
        fill(log, 3)
    return disk.calls


def test_a_write_that_takes_nothing_and_says_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimDisk()
    log = FileLog.open("log", disk=disk)
    monkeypatch.setattr("tests.events.simdisk.SimFile.write", lambda self, block: 0)
    with pytest.raises(LogWriteFailed, match="took no bytes"):
        fill(log, 1)


def test_a_log_without_rights_to_write_is_refused_with_its_name_and_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log_of(Path(folder), 1)
        Path(folder).chmod(0o555)
        for path in Path(folder).iterdir():
            path.chmod(0o444)
        with somebody_else():
            with pytest.raises(LogWriteFailed, match=r"events\.jsonl: cannot be opened for writing: Permission denied"):
                FileLog.open(folder)
            assert seqs(Path(folder)) == [1, 2]
        Path(folder).chmod(0o755)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may write everywhere; so for a moment we are nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_disk_is_refused_with_its_name(tmp_path: Path) -> None:
    if tool("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root here")
    with tiny_disk(tmp_path / "disk", 64) as disk:
        log_of(disk, 1)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(LogWriteFailed, match="cannot be opened for writing: Read-only file system"):
            FileLog.open(disk)
        assert seqs(disk) == [1, 2]


def test_a_log_whose_folder_is_removed_under_it_stops_at_the_next_roll(tmp_path: Path) -> None:
    log = FileLog.open(tmp_path / "log", roll_bytes=600)
    shutil.rmtree(tmp_path / "log")
    with pytest.raises(LogWriteFailed, match="roll failed"):
        fill(log, 10)
    log.close()
