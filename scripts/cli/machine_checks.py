"""Is this machine ready? The disk that must keep what is said, the log that must be whole, the limits in force."""

from __future__ import annotations

import fcntl
import os
import shutil
import statistics
import time
from pathlib import Path

from actors.operator import MAX_PATH_BYTES, SOCKET_NAME, left_note
from actors.settings import SystemSettings
from events.configuration import RiskLimits
from events.log import LogDamaged, LogError, read_commits
from events.log.disk import REAL_DISK, write_all
from events.log.layout import Layout
from events.log.segments import open_active
from events.money import plain
from events.risk import KillSwitchReset, KillSwitchThrown
from events.session import SessionEnded
from scripts.cli.exits import Exit, exit_code_of
from scripts.cli.findings import Finding, failed, ok, warning
from scripts.cli.shown import share

#: Below this a session is not worth starting.
LEAST_FREE_BYTES = 100 * 1024 * 1024
#: Each order waits for one such call: slower than this it shows.
SLOW_SYNC_S = 0.05
_SYNCS = 9
_GIB = 1024**3


def check_disk(settings: SystemSettings) -> Finding:
    """The data folder takes files, has room for the log to roll, and makes bytes durable in good time."""
    folder = settings.data_dir
    if len(os.fsencode(folder / SOCKET_NAME)) > MAX_PATH_BYTES:
        says = f"{folder} is too deep for the operator's socket, whose path has at most {MAX_PATH_BYTES} bytes"
        return failed("disk", says, "choose a data_dir with a shorter path", Exit.CONFIGURATION)
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    try:
        sync_s = _sync_s(there)
        free = shutil.disk_usage(there).free
    except OSError as error:
        return failed("disk", f"{there} cannot be written: {error.strerror}", "name another data_dir", Exit.ERROR)
    says = f"{there} is writable, {free / _GIB:.1f} GiB free, a commit is durable in {sync_s * 1000:.1f} ms"
    if free < LEAST_FREE_BYTES:
        return failed("disk", says, "make room, or name a data_dir on another disk", Exit.ERROR)
    if free < 2 * settings.journal.roll_bytes:
        return warning("disk", f"{says}; the log rolls at {settings.journal.roll_bytes / _GIB:.2f} GiB", "make room")
    if sync_s > SLOW_SYNC_S:
        return warning("disk", says, "name a data_dir on a faster disk: every order waits for this")
    return ok("disk", says)


def _sync_s(folder: Path) -> float:
    """The median time of writing a page and making it durable."""
    times: list[float] = []
    path = folder / f".perptape-doctor-{os.getpid()}"
    file = REAL_DISK.open_new(path)
    try:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            write_all(file, bytes(4096))
            file.fdatasync()
            times.append(time.perf_counter() - began)
    finally:
        file.close()
        path.unlink()
    return statistics.median(times)


def check_log(settings: SystemSettings) -> list[Finding]:
    """Nobody else writes it, and the chain of its active file holds, every record in its place."""
    layout = Layout(settings.data_dir)
    findings: list[Finding] = []
    if (holder := _holder(layout.lock)) is not None:
        says = f"process {holder} writes {layout.active}"
        remedy = "that system runs already: `perptape stop` first, or give this one another data_dir"
        findings.append(failed("log", says, remedy, Exit.ERROR))
    try:
        findings += _tail(layout)
    except LogError as error:
        code = exit_code_of(error) or Exit.ERROR
        remedy = "`perptape verify` shows more; nothing is repaired silently" if isinstance(error, LogDamaged) else ""
        findings.append(failed("log", str(error), remedy, code))
    return findings


def _tail(layout: Layout) -> list[Finding]:
    """The active file, commit by commit; older segments are the business of `perptape verify`."""
    active = open_active(layout, REAL_DISK)
    if active is None and not layout.segments(REAL_DISK):
        return [ok("log", f"none in {layout.folder} yet; the first start begins one")]
    start = active.start.seq if active is not None else 0
    if active is not None:
        active.close()
    commits = records = 0
    head, ended, thrown = start, True, None
    digest = ""
    for commit in read_commits(layout.active, after=start):
        commits, records = commits + 1, records + len(commit.records)
        head, digest = commit.place.seq, commit.place.digest
        ended = isinstance(commit.records[-1].event, SessionEnded)
        for record in commit.records:
            if isinstance(record.event, KillSwitchThrown):
                thrown = record
            elif isinstance(record.event, KillSwitchReset):
                thrown = None
    life = "its session ended in order" if ended else "its session did not end in order: the exchange will be asked"
    says = f"the chain holds over the last {commits:,} commits to record {head:,}, head {digest[:16]}; {life}"
    findings = [ok("log", says)]
    if thrown is not None:
        why = f"the kill switch is thrown since record {thrown.seq:,}"
        findings.append(failed("trading", why, "start, then `perptape resume` when its reason is gone", Exit.HALTED))
    return findings


def _holder(lock: Path) -> str | None:
    """Who holds the log's lock: a pid, or a word for one that is not told. None: nobody."""
    try:
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(32).decode(errors="replace").strip() or "(unnamed)"
    except OSError:
        pass
    return None


def check_limits(settings: SystemSettings) -> list[Finding]:
    """What risk holds orders against, and whether it begins halted."""
    risk = settings.configuration.risk
    findings = [ok("limits", _in_force(risk))]
    note = left_note(settings.data_dir)
    if note is not None:
        says = "a kill was thrown while no system ran; the next start begins killed"
        findings.append(failed("trading", says, "start, then `perptape resume`", Exit.HALTED))
    if risk.kill_switch_enabled:
        says, remedy = "risk.kill_switch_enabled is set: no order increases", "set it to false"
        findings.append(failed("trading", says, remedy, Exit.HALTED))
    if risk.reduce_only_mode:
        findings.append(warning("trading", "risk.reduce_only_mode is set: only exits pass", "set it to false"))
    return findings


def _in_force(risk: RiskLimits) -> str:
    losses = [
        *([f"{plain(risk.daily_loss_limit)} USD"] if risk.daily_loss_limit is not None else []),
        *([share(risk.max_daily_loss_pct)] if risk.max_daily_loss_pct is not None else []),
    ]
    parts = [
        f"daily loss {' or '.join(losses) or '100 USD'}",
        f"leverage {plain(risk.leverage_max_global)}",
        f"exposure {share(risk.max_exposure_pct)}",
        f"one product {share(risk.max_position_pct_per_symbol)}",
        f"slippage {plain(risk.slippage_guard_bps)} bps",
        f"liquidation buffer {share(risk.min_liquidation_buffer_pct)}",
    ]
    if risk.max_order_qty is not None:
        parts.append(f"{plain(risk.max_order_qty)} contracts an order")
    if risk.max_orders_per_minute is not None:
        parts.append(f"{risk.max_orders_per_minute} orders a minute")
    if risk.capital_cap_usd is not None:
        parts.append(f"capital {plain(risk.capital_cap_usd)} USD")
    return ", ".join(parts)
