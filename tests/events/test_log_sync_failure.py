"""A failed sync stops the log for good: asking again would succeed without having written."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from events.log import FileLog, LogError, LogWriteFailed, SnapshotStore, cut_log
from events.risk import KillSwitchThrown
from events.session import ClockTicked, LogWasCut
from tests.events.processes import acked, run_writer, tool
from tests.events.simdisk import SimDisk
from tests.events.turns import fill, seqs, turn


def test_after_a_failed_sync_nothing_is_acknowledged_and_no_sync_is_tried_again() -> None:
    disk = SimDisk()
    log = FileLog.open("log", durability="every", disk=disk)
    fill(log, 2)
    disk.fail_syncs = True
    with pytest.raises(LogWriteFailed, match="sync failed: Input/output error; record 4 is the last known durable"):
        fill(log, 1)
    syncs = disk.syncs
    disk.fail_syncs = False
    for act in (log.commit, log.sync, lambda: log.commit(sync=True), lambda: log.write(turn(7))):
        with pytest.raises(LogWriteFailed):
            act()
    assert log.durable == 4
    assert isinstance(log.failure, LogWriteFailed)
    log.close()
    assert disk.syncs == syncs


def test_a_grouped_log_syncs_when_asked_and_with_the_first_commit_after_its_limit() -> None:
    disk, now = SimDisk(), [0]
    log = FileLog.open("log", disk=disk, clock=lambda: now[0])
    fill(log, 3)
    assert log.durable == 0
    now[0] += 49_000_000
    fill(log, 1)
    assert log.durable == 0
    now[0] += 1_000_000
    fill(log, 1)
    assert log.durable == 10
    fill(log, 1)
    assert log.durable == 10
    fill(log, 1, sync=True)
    assert log.durable == 14
    log.close()


def test_a_log_that_syncs_every_commit_does_so_unasked_and_one_left_to_the_system_does_not() -> None:
    every, left = SimDisk(), SimDisk()
    with FileLog.open("log", durability="every", disk=every) as log:
        fill(log, 3)
        assert log.durable == 6
    with FileLog.open("log", durability="os", disk=left) as log:
        before = left.syncs
        fill(log, 3, sync=True)
        assert (log.durable, left.syncs) == (0, before)
    assert left.syncs == before + 1


def test_a_sync_that_the_kernel_refuses_stops_a_real_writer(tmp_path: Path) -> None:
    strace = tool("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([strace, "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this system lets nobody trace: {tried.stderr.strip()}")
    for nth in (3, 9, 16):
        folder = tmp_path / str(nth)
        inject = (strace, "-f", "-o", "/dev/null", "-e", f"inject=fdatasync:error=EIO:when={nth}+")
        lines = run_writer(folder, 50, before=inject)
        assert "sync failed: Input/output error" in lines[-2]
        assert lines[-1] == "stopped"
        with FileLog.open(folder) as log:
            # The refused commit itself may be there: it was written, only not acknowledged.
            assert acked(lines) <= log.head.seq <= acked(lines) + 3
        assert seqs(folder)[: acked(lines)] == list(range(1, acked(lines) + 1))


def lived(disk: SimDisk, told: list[int]) -> None:
    """A life of a log: begun, written, rolled, sealed, read, snapshots kept. `told` is what was acknowledged."""
    with FileLog.open("log", durability="every", roll_bytes=900, disk=disk, seal_in_background=False) as log:
        for _ in range(6):
            log.write(turn(log.next_seq))
            told.append(log.commit().seq)
        SnapshotStore("snapshots", disk=disk).save(log.head, "code", {"risk": b"{}"})
        assert len(list(log.records())) == 12
    with FileLog.open("log", disk=disk, seal_in_background=False) as log:
        fill(log, 1, sync=True)


@pytest.mark.parametrize("is_persistent", [False, True], ids=["once", "from then on"])
def test_whichever_call_to_the_disk_fails_the_error_is_ours_and_nothing_acknowledged_is_lost(
    is_persistent: bool,
) -> None:
    calls = failed = 0
    while True:
        calls += 1
        disk, told = SimDisk(), [0]
        disk.fail_at, disk.is_persistent = calls, is_persistent
        try:
            lived(disk, told)
        except LogError:
            failed += 1
        if disk.calls < calls:
            break
        with FileLog.open("log", disk=disk.restarted(), seal_in_background=False) as log:
            assert log.head.seq >= told[-1]
            assert [record.seq for record in log.records()] == list(range(1, log.head.seq + 1))
            fill(log, 1)
    assert calls > 100
    assert failed > 80


@pytest.mark.parametrize("is_persistent", [False, True], ids=["once", "from then on"])
def test_whichever_call_fails_while_a_log_is_cut_it_is_cut_or_not_and_never_in_between(is_persistent: bool) -> None:
    outcomes = set()
    calls = 0
    while True:
        calls += 1
        disk = SimDisk()
        with FileLog.open("log", durability="every", roll_bytes=900, disk=disk, seal_in_background=False) as log:
            fill(log, 6)
        disk.restarted().fail_at = calls
        disk.is_persistent = is_persistent
        with suppress(LogError):
            cut_log("log", 8, "drill", disk=disk)
        if disk.calls < calls:
            break
        with FileLog.open("log", disk=disk.restarted(), seal_in_background=False) as log:
            found = [type(record.event) for record in log.records(after=8)]
        outcomes.add(tuple(found))
    assert outcomes == {(LogWasCut,), (KillSwitchThrown, ClockTicked) * 2}
    assert calls > 60
