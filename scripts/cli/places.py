"""Where the log is that a command is about, up to which record it is read, and whether somebody writes it now."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from actors.operator import SOCKET_NAME
from actors.settings import DEFAULT_DATA_DIR, DEFAULT_FILE, load
from events.log.layout import Layout
from events.terms import NANOSECONDS
from scripts.cli.exits import CommandFailed, Exit


class Life(StrEnum):
    """What the session that wrote the log's end is doing now."""

    RUNNING = "running"
    ENDED = "ended"  # in order
    DEAD = "dead"  # it said no SessionEnded, and nobody writes its log


class Until(msgspec.Struct, frozen=True):
    """Read to the end (neither is set), up to a record, or up to a time (nanoseconds UTC), both inclusive."""

    seq: int | None = None
    at: int | None = None

    def passed(self, seq: int, at: int) -> bool:
        """Whether a record stands behind the place meant."""
        return (self.seq is not None and seq > self.seq) or (self.at is not None and at > self.at)

    @property
    def is_now(self) -> bool:
        return self.seq is None and self.at is None


NOW = Until()


def find_log(given: Path | None, config: Path | None) -> Path:
    """The log meant: what was given (a file, its folder, or a data folder with `log/`), else the configured one."""
    path = given or data_dir(config)
    if path.is_dir() and not Layout(path).active.exists() and (path / "log").is_dir():
        path = path / "log"
    if not path.exists():
        demos = sorted(DEFAULT_DATA_DIR.parent.glob("demo-*/log"))
        latest = f" (the latest demonstration's is {demos[-1]})" if demos else ""
        raise CommandFailed(
            f"{path}: there is no log; name a log file or its folder{latest}, or start a system with `perptape demo` "
            "or `perptape run`",
            Exit.NOT_FOUND,
        )
    return path


def data_dir(config: Path | None) -> Path:
    """The data folder of a configuration; of `perptape.toml` here where there is one; else the default."""
    if config is None and not Path(DEFAULT_FILE).exists():
        return Path(os.environ.get("PERPTAPE__DATA_DIR") or DEFAULT_DATA_DIR)
    return load(config or Path(DEFAULT_FILE), os.environ).settings.data_dir


def until(seq: int | None, at: str | None) -> Until:
    """What `--seq` and `--at` mean. Raises `CommandFailed` (usage) when they are both set or cannot be read."""
    if seq is not None and at is not None:
        raise CommandFailed("--seq and --at: name the place by one of them", Exit.USAGE)
    return Until(seq=seq, at=None if at is None else parse_time(at))


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?")


def parse_time(text: str) -> int:
    """Nanoseconds UTC of `2026-11-22`, `2026-11-22T11:30`, `…:30.123456789Z`; without a zone it is UTC."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise CommandFailed(f"--at {text}: this is no time; write it as 2026-11-22T11:30:00Z", Exit.USAGE)
    day, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(
            f"{day}T{minute or '00:00'}:{second or '00'}{'+00:00' if zone in (None, 'Z') else zone}"
        )
    except ValueError as error:
        raise CommandFailed(f"--at {text}: {error}; write it as 2026-11-22T11:30:00Z", Exit.USAGE) from None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NANOSECONDS + int((fraction or "").ljust(9, "0"))


def is_written_now(path: Path) -> bool:
    """Whether a process has this log open for writing: one answers operators, or holds the log's lock."""
    layout = Layout(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(layout.folder / SOCKET_NAME))
        except OSError:
            return _is_locked(layout.lock)
        return True


def _is_locked(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def silent_s(path: Path) -> int | None:
    """Whole seconds since the log was last written to; None when there is no active file."""
    try:
        return max(0, int(time.time() - Layout(path).active.stat().st_mtime))
    except FileNotFoundError:
        return None
