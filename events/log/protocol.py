"""What a log is to those who write and read it, wherever it is kept.

The journal writes whole turns and closes commits; everybody else reads closed commits. There are two logs, in memory
and in files, and one conformance suite that both pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from events.log.framing import NOTHING
from events.record import Record


class Place(msgspec.Struct, frozen=True):
    """A place between two commits: the last seq before it and the digest of the chain there.

    A reader that goes on from a place is told when the log is not the one it read. Kept elsewhere, a place is an
    anchor: it proves that what is before it has not been changed or cut.
    """

    seq: int
    digest: str


#: Before the first commit.
BEGINNING = Place(0, NOTHING)


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One commit as read: whole turns, checked against the chain."""

    records: tuple[Record, ...]
    place: Place  # the place after it
    durable: int  # last seq known durable before it was written
    file: str  # where it stands: the file and its first byte there
    offset: int


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What opening a log cut off: the beginning of a commit that was never finished, so never acknowledged."""

    file: str
    offset: int
    removed_bytes: int
    records: int  # whole lines among what was cut
    after_seq: int  # the last seq that stands


class EventLog(Protocol):
    """A log with one writer. Errors are `events.log.errors.LogError`."""

    @property
    def head(self) -> Place:
        """The place after the last closed commit."""

    @property
    def next_seq(self) -> int:
        """The seq that the next record written must have."""

    @property
    def last_at(self) -> int:
        """The time of the last record written; a record's `at` may not be before it."""

    @property
    def durable(self) -> int:
        """The last seq known to survive a power cut."""

    @property
    def is_pending(self) -> bool:
        """Whether records were written whose commit is not closed yet."""

    @property
    def segment(self) -> int:
        """The number of the segment being written, from 1; it grows right after the commit that ends one."""

    @property
    def recovered(self) -> Recovery | None:
        """What was cut off when the log was opened."""

    def write(self, records: Sequence[Record]) -> None:
        """Add a whole turn to the open commit. Nobody sees it before `commit`. Raises `RecordOutOfPlace`."""

    def commit(self, sync: bool = False) -> Place:
        """Close the open commit, if anything was written, and return the head; with `sync` it is durable then."""

    def sync(self) -> None:
        """Make everything that is committed durable."""

    def records(self, after: int | Place = 0) -> Iterator[Record]:
        """The records of closed commits behind a seq or a place."""

    def commits(self, after: int | Place = 0) -> Iterator[Commit]:
        """The closed commits behind a place, or those that hold a record behind a seq."""

    def has(self, place: Place) -> bool:
        """Whether this log passes through the place: a snapshot of another history does not belong to it."""

    def close(self) -> None:
        """Commit, make durable, and let go of the log. After a failure it only lets go."""
