"""One writer at a time. The second is told who the first is."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from events.log import FileLog, LogLocked, cut_log
from events.log.disk import LockHeld, RealDisk
from tests.events.processes import ROOT, environment, writer_command
from tests.events.turns import fill, log_of, seqs


def test_a_second_writer_in_this_process_is_refused_and_told_our_pid(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        for take in (lambda: FileLog.open(tmp_path), lambda: cut_log(tmp_path, 0, "drill")):
            with pytest.raises(LogLocked, match=f"process {os.getpid()} is writing this log") as raised:
                take()
            assert raised.value.holder == os.getpid()
        fill(log, 1)
    FileLog.open(tmp_path).close()


def test_a_writer_in_another_process_is_named_by_its_pid_and_its_death_frees_the_log(tmp_path: Path) -> None:
    other = subprocess.Popen(
        writer_command(tmp_path, 10_000_000),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline().startswith("head ")
        with pytest.raises(LogLocked) as raised:
            FileLog.open(tmp_path)
        assert raised.value.holder == other.pid
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    with FileLog.open(tmp_path) as log:
        fill(log, 1)


def test_readers_need_no_lock(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        fill(log, 2)
        assert seqs(tmp_path) == [1, 2, 3, 4]


def test_a_lock_file_that_a_dead_process_left_is_no_obstacle(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    (tmp_path / "events.jsonl.lock").write_text("4194304\n")
    FileLog.open(tmp_path).close()


def test_a_lock_without_a_readable_pid_is_held_all_the_same(tmp_path: Path) -> None:
    lock = RealDisk().lock(tmp_path / "lock")
    (tmp_path / "lock").write_text("")
    with pytest.raises(LockHeld) as raised:
        RealDisk().lock(tmp_path / "lock")
    assert raised.value.holder is None
    assert "another process" in str(LogLocked(file="events.jsonl", holder=None))
    lock.release()
    lock.release()


def test_a_log_that_cannot_be_opened_leaves_its_lock_free(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    path = tmp_path / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"seq":1', b'"seq":9'))
    for _ in range(2):
        with pytest.raises(Exception, match="digest is not that of its bytes"):
            FileLog.open(tmp_path)
    path.write_bytes(whole)
    FileLog.open(tmp_path).close()
