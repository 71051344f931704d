"""The log in files: one writer, whole commits, durable as its mode says.

After a failed write or sync this object acknowledges nothing ever again: what the kernel still has of it is unknown,
and asking it to sync once more would succeed without having written. The next start reads what is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

from events.codec import encode_lines
from events.log.cursor import Cursor
from events.log.cutnote import finish_cut, record_cut
from events.log.disk import REAL_DISK, Disk, Lock, LockHeld, write_all
from events.log.errors import LogError, LogLocked, LogWriteFailed, RecordOutOfPlace, off_place
from events.log.framing import COMMIT_END, MAX_COMMIT_BYTES, chained, commit_head
from events.log.layout import DEFAULT_PATH, Layout
from events.log.order import expect_to_follow
from events.log.protocol import Commit, Place, Recovery
from events.log.reading import read_commits, read_records
from events.log.recovery import Ready, begin_file, recover
from events.log.sealing import Sealer
from events.record import Record

#: "grouped": synced when asked, and at the latest with the first commit after `GROUP_NS`. "every": with each commit.
#: "os": when a file is closed; a power cut loses what the system had not written by itself.
Durability: TypeAlias = Literal["grouped", "every", "os"]

GROUP_NS = 50_000_000
ROLL_BYTES = 64 * 1024 * 1024


class FileLog:
    """An `EventLog` in a folder. Made by `FileLog.open`."""

    def __init__(
        self,
        layout: Layout,
        disk: Disk,
        lock: Lock,
        ready: Ready,
        *,
        durability: Durability,
        roll_bytes: int,
        clock: Callable[[], int],
        seal_in_background: bool,
    ) -> None:
        self._layout = layout
        self._disk = disk
        self._lock = lock
        self._file = ready.file
        self._segment = ready.segment
        self._head = ready.head
        self._last_at = ready.last_at
        self._size = ready.size
        self._lead = ready.lead
        self._recovered = ready.recovered
        self._durability = durability
        self._roll_bytes = roll_bytes
        self._clock = clock
        self._next_seq = ready.head.seq + 1
        self._durable = ready.head.seq
        self._unsynced_since: int | None = None
        self._block = bytearray()
        self._failure: LogWriteFailed | None = None
        self._is_closed = False
        self._sealer = Sealer(layout, disk, in_background=seal_in_background)

    @classmethod
    def open(
        cls,
        path: Path | str = DEFAULT_PATH,
        *,
        durability: Durability = "grouped",
        roll_bytes: int = ROLL_BYTES,
        anchor: Place | None = None,
        disk: Disk = REAL_DISK,
        clock: Callable[[], int] = time.monotonic_ns,
        seal_in_background: bool = True,
    ) -> FileLog:
        """Take the lock, recover, and be ready to write behind the last commit.

        `path` is the active file or its folder; a log that does not exist is begun. `anchor` is a place the log must
        pass through. `clock` is monotonic nanoseconds, for grouping only. Raises `LogLocked`, `LogDamaged`,
        `LogTooNew`, `NotALog`, `LogWriteFailed`.
        """
        layout = Layout(path)
        try:
            disk.make_folder(layout.folder)
            lock = _take_lock(layout, disk)
            try:
                finish_cut(layout, disk)
                ready = recover(layout, disk)
            except BaseException:
                lock.release()
                raise
            log = cls(
                layout,
                disk,
                lock,
                ready,
                durability=durability,
                roll_bytes=roll_bytes,
                clock=clock,
                seal_in_background=seal_in_background,
            )
            log._begin(anchor)
        except OSError as error:
            what = f"cannot be opened for writing: {error.strerror or error}"
            raise LogWriteFailed(what, file=layout.active) from error
        return log

    # -- what it knows ------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The active file."""
        return self._layout.active

    @property
    def head(self) -> Place:
        return self._head

    @property
    def next_seq(self) -> int:
        return self._next_seq

    @property
    def last_at(self) -> int:
        return self._last_at

    @property
    def durable(self) -> int:
        return self._durable

    @property
    def is_pending(self) -> bool:
        return bool(self._block)

    @property
    def recovered(self) -> Recovery | None:
        return self._recovered

    @property
    def segment(self) -> int:
        """The number of the active file; it grows by one each time the log rolls."""
        return self._segment

    @property
    def failure(self) -> LogWriteFailed | None:
        """Why this log takes nothing more."""
        return self._failure

    @property
    def seal_trouble(self) -> OSError | LogError | None:
        """Why a closed segment could not be sealed; it stays as a plain file and is tried again at the next start."""
        return self._sealer.trouble

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, records: Sequence[Record]) -> None:
        self._expect_open()
        next_seq, last_at = expect_to_follow(
            records, next_seq=self._next_seq, last_at=self._last_at, file=self._layout.active
        )
        lines = encode_lines(records)
        if len(self._block) + len(lines) > MAX_COMMIT_BYTES:
            raise self._too_large(len(self._block) + len(lines))
        self._block += lines
        self._next_seq, self._last_at = next_seq, last_at

    def commit(self, sync: bool = False) -> Place:
        self._expect_open()
        if self._block:
            self._write_block()
        if self._durable < self._head.seq and self._must_sync(sync):
            self._sync()
        if self._size > self._roll_bytes:
            self._roll()
        return self._head

    def sync(self) -> None:
        self._expect_open()
        if self._durable < self._head.seq:
            self._sync()

    def close(self, *, seal: bool = False) -> None:
        """Commit, make durable, and let go; with `seal` the active file is closed and sealed as well."""
        if self._is_closed:
            return
        try:
            if self._failure is None:
                self.commit(sync=True)
                self.sync()
                if seal and self._size > len(self._lead):
                    self._roll()
        finally:
            self._let_go()

    def __enter__(self) -> FileLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- reading ------------------------------------------------------------------------------------------------

    def records(self, after: int | Place = 0) -> Iterator[Record]:
        return read_records(self._layout.active, after, disk=self._disk)

    def commits(self, after: int | Place = 0) -> Iterator[Commit]:
        return read_commits(self._layout.active, after, disk=self._disk)

    def has(self, place: Place) -> bool:
        return Cursor.passes(self._layout, self._disk, place)

    # -- within -------------------------------------------------------------------------------------------------

    def _begin(self, anchor: Place | None) -> None:
        try:
            self._expect(anchor)
            record_cut(self._layout, self._disk, self)
            for number in self._layout.unsealed(self._disk):
                self._sealer.seal(number)
        except BaseException:
            self._let_go()
            raise

    def _write_block(self) -> None:
        """The commit as one block: its lines, then the line that chains it."""
        block = self._block
        last = self._next_seq - 1
        block += commit_head(first=self._head.seq + 1, last=last, durable=self._durable)
        digest = chained(self._head.digest.encode(), self._lead, block)
        block += digest.encode() + COMMIT_END
        try:
            write_all(self._file, block)
        except OSError as error:
            self._fail("write", error)
        if self._unsynced_since is None:
            self._unsynced_since = self._clock()
        self._head = Place(last, digest)
        self._size += len(block)
        self._lead = b""
        self._block = bytearray()

    def _must_sync(self, asked: bool) -> bool:
        if self._durability == "grouped":
            since = self._unsynced_since
            return asked or (since is not None and self._clock() - since >= GROUP_NS)
        return self._durability == "every"

    def _sync(self) -> None:
        try:
            self._file.fdatasync()
        except OSError as error:
            self._fail("sync", error)
        self._durable = self._head.seq
        self._unsynced_since = None

    def _roll(self) -> None:
        """Close the active file and begin the next. The old name is free before the new file takes it, durably.

        When that fails, what was committed stands and is acknowledged; the log takes nothing more.
        """
        if self._durable < self._head.seq:
            self._sync()
        layout, disk, closed = self._layout, self._disk, self._segment
        try:
            file, lead = begin_file(layout, disk, segment=closed + 1, after=self._head)
            disk.rename(layout.active, layout.closed(closed))
            disk.sync_folder(layout.folder)
            disk.rename(layout.fresh, layout.active)
            disk.sync_folder(layout.folder)
            self._file.close()
        except OSError as error:
            self._failure = self._failed("roll", error)
            return
        self._file, self._lead, self._size = file, lead, len(lead)
        self._segment = closed + 1
        self._sealer.seal(closed)

    def _let_go(self) -> None:
        self._is_closed = True
        self._sealer.finish()
        self._file.close()
        self._lock.release()

    def _expect(self, anchor: Place | None) -> None:
        if anchor is not None and not self.has(anchor):
            why = f"its head is record {self._head.seq}"
            raise off_place(anchor.seq, anchor.digest, why=why, file=self._layout.active)

    def _expect_open(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_closed:
            raise LogWriteFailed("was closed by this process", file=self._layout.active)

    def _fail(self, doing: str, error: OSError) -> NoReturn:
        self._failure = self._failed(doing, error)
        raise self._failure from error

    def _failed(self, doing: str, error: OSError) -> LogWriteFailed:
        what = f"{doing} failed: {error.strerror or error}"
        return LogWriteFailed(what, file=self._layout.active, durable=self._durable)

    def _too_large(self, size: int) -> RecordOutOfPlace:
        return RecordOutOfPlace(
            f"a commit of {size} bytes is larger than the {MAX_COMMIT_BYTES} one may have",
            file=self._layout.active,
            first_seq=self._head.seq + 1,
            remedy="Commit more often",
        )


def _take_lock(layout: Layout, disk: Disk) -> Lock:
    try:
        return disk.lock(layout.lock)
    except LockHeld as held:
        raise LogLocked(file=layout.active, holder=held.holder) from None
