"""Reading closed commits: once to the end, or for ever as they are made. Needs no lock; holds one commit at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from events.log.cursor import Cursor
from events.log.disk import REAL_DISK, Disk
from events.log.errors import Damage, LogDamaged, LogReadFailed
from events.log.layout import Layout, lone_segment
from events.log.protocol import Commit, Place
from events.record import Record

#: How often a follower re-reads what looked damaged before it says so: a writer that recovers may cut an unfinished
#: commit and write another in its place while we look.
_LOOKS_AT_DAMAGE = 3


def read_commits(
    path: Path | str, after: int | Place = 0, *, anchor: Place | None = None, disk: Disk = REAL_DISK
) -> Iterator[Commit]:
    """The closed commits behind a place, or those that hold a record behind a seq, to the end of the log.

    `path` is the log's active file or folder, or one of its segments. Raises `LogDamaged` (also when the log does
    not pass through `after` or `anchor`), `UnknownEvent`, `LogTooNew`, `LogNotFound`.
    """
    with _reading(path, after, anchor, disk) as cursor:
        yield from cursor.drain()
        while cursor.advance():
            yield from cursor.drain()
        cursor.finish()


def read_records(
    path: Path | str, after: int | Place = 0, *, anchor: Place | None = None, disk: Disk = REAL_DISK
) -> Iterator[Record]:
    """The records behind a seq or a place, to the end of the log. Errors as `read_commits`."""
    with _reading(path, after, anchor, disk) as cursor:
        for piece in cursor.drain_records():
            yield from piece
        while cursor.advance():
            for piece in cursor.drain_records():
                yield from piece
        cursor.finish()


@contextmanager
def _reading(path: Path | str, after: int | Place, anchor: Place | None, disk: Disk) -> Iterator[Cursor]:
    try:
        cursor = _cursor(path, after, anchor, disk)
        try:
            yield cursor
        finally:
            cursor.close()
    except OSError as error:
        raise _unreadable(path, error) from error


class Follower:
    """Follows a log that is being written, over closed commits only, across rolls. Needs no lock.

    Its place is seq *and* digest: when the log is not the one it read (cut, or shortened by a power cut), the next
    `poll` raises `LogDamaged` of kind "anchor".
    """

    def __init__(self, path: Path | str, after: int | Place = 0, *, disk: Disk = REAL_DISK) -> None:
        self._layout = Layout(path)
        self._disk = disk
        self._after = after
        self._cursor: Cursor | None = None
        self._looks = 0

    def poll(self) -> Iterator[Commit]:
        """The commits closed since the last poll; none while the log does not exist."""
        try:
            yield from self._poll()
            self._looks = 0
        except OSError as error:
            raise _unreadable(self._layout.active, error) from error
        except LogDamaged as damaged:
            self._looks += 1
            may_pass = self._cursor is not None and not self._cursor.is_in_closed_file
            if not may_pass or damaged.kind is Damage.ANCHOR or self._looks >= _LOOKS_AT_DAMAGE:
                raise

    def _poll(self) -> Iterator[Commit]:
        if self._cursor is None:
            if not Cursor.is_there(self._layout, self._disk):
                return
            self._cursor = Cursor(self._layout, self._disk, self._after)
        self._cursor.rejoin()
        yield from self._cursor.drain()
        while self._cursor.advance():
            yield from self._cursor.drain()
        self._cursor.expect_places()

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.close()


def follow(
    path: Path | str,
    after: int | Place = 0,
    *,
    poll_s: float = 0.05,
    stop: threading.Event | None = None,
    disk: Disk = REAL_DISK,
) -> Iterator[Commit]:
    """Commits as they are closed, until `stop` is set; then what was closed by that time, and the end."""
    stop = stop or threading.Event()
    follower = Follower(path, after, disk=disk)
    try:
        while True:
            is_last = stop.is_set()
            yield from follower.poll()
            if is_last:
                return
            stop.wait(poll_s)
    finally:
        follower.close()


def _unreadable(path: Path | str, error: OSError) -> LogReadFailed:
    return LogReadFailed(
        f"cannot be read: {error.strerror or error}", file=error.filename or path, remedy="Look at the disk"
    )


def _cursor(path: Path | str, after: int | Place, anchor: Place | None, disk: Disk) -> Cursor:
    number = lone_segment(path)
    if number is None:
        return Cursor(Layout(path), disk, after, anchor=anchor)
    name = Path(path).name
    stem = name[: name.index(f".{number:06d}.")]
    return Cursor(Layout(Path(path).with_name(f"{stem}.jsonl")), disk, after, anchor=anchor, only=number)
