"""What can be wrong with a log. One tree; every error names the file, the place in it, and what to do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class Damage(StrEnum):
    """What kind of wrong `LogDamaged` found. None of them is ever repaired silently."""

    DAMAGE = "damage"  # bytes known to have been durable, or whole and last, are not what was written
    LOST_WRITE = "lost write"  # bytes never known durable are gone, with later commits behind them: a power cut
    MISSING = "missing"  # a file of the log is not where it belongs
    DISAGREEMENT = "disagreement"  # two files of the log tell different stories: one is of another copy
    OUT_OF_PLACE = "out of place"  # bytes as written, but records skip, repeat or go back in time
    ANCHOR = "anchor"  # a place kept elsewhere is not in this log: it was cut, or its chain was made anew


class LogError(Exception):
    """The root. `first_seq` and `last_seq` bound the records concerned, where they are known."""

    def __init__(
        self,
        what: str,
        *,
        file: Path | str,
        remedy: str,
        offset: int | None = None,
        first_seq: int | None = None,
        last_seq: int | None = None,
    ) -> None:
        self.what = what
        self.file = str(file)
        self.remedy = remedy
        self.offset = offset
        self.first_seq = first_seq
        self.last_seq = last_seq
        super().__init__(f"{self.file}: {what}{self._where()}. {remedy}")

    def _where(self) -> str:
        parts = []
        if self.offset is not None:
            parts.append(f"at byte {self.offset}")
        if self.first_seq is not None and self.last_seq not in (None, self.first_seq):
            parts.append(f"records {self.first_seq}..{self.last_seq}")
        elif self.first_seq is not None:
            parts.append(f"record {self.first_seq}")
        return f" ({', '.join(parts)})" if parts else ""


class LogDamaged(LogError):
    """The log is not what was written. Nothing goes on until an operator decides."""

    def __init__(
        self,
        what: str,
        *,
        kind: Damage,
        file: Path | str,
        remedy: str,
        offset: int | None = None,
        first_seq: int | None = None,
        last_seq: int | None = None,
    ) -> None:
        self.kind = kind
        super().__init__(
            f"{kind}: {what}", file=file, remedy=remedy, offset=offset, first_seq=first_seq, last_seq=last_seq
        )


class LogTooNew(LogError):
    """The log was written by a later version of this program."""


class NotALog(LogError):
    """The file does not begin as a log of ours does."""


class LogNotFound(LogError):
    """There is no log at this path."""


class LogLocked(LogError):
    """Another process writes this log. `holder` is its pid, where it could be read."""

    def __init__(self, *, file: Path | str, holder: int | None) -> None:
        self.holder = holder
        who = f"process {holder}" if holder is not None else "another process"
        super().__init__(
            f"{who} is writing this log", file=file, remedy="Stop it first, or give this system another folder"
        )


class LogWriteFailed(LogError):
    """A write or a sync failed. What was not acknowledged before may be lost; this log takes nothing more.

    `durable` is the last seq known durable, where the log was open.
    """

    def __init__(self, what: str, *, file: Path | str, durable: int | None = None) -> None:
        self.durable = durable
        known = "" if durable is None else f"; record {durable} is the last known durable"
        super().__init__(
            f"{what}{known}",
            file=file,
            remedy="Look at the disk (space, rights, health), then start again: the log is recovered at the start",
        )


class LogReadFailed(LogError):
    """The operating system refused to read a file of the log."""


class UnknownEvent(LogError):
    """A line holds an event that this version neither knows nor can lift. `tag` is its name in the log."""

    def __init__(self, *, tag: str, file: Path | str, offset: int, seq: int) -> None:
        self.tag = tag
        super().__init__(
            f"unknown event {tag!r}",
            file=file,
            offset=offset,
            first_seq=seq,
            remedy="Read the log with the version that wrote it, or add a lift for this shape to events.lifting",
        )


class RecordOutOfPlace(LogError):
    """The writer was given a record that does not follow the last one. A bug of ours: nothing of it was taken."""


def off_place(seq: int, digest: str, *, why: str, file: Path | str, offset: int | None = None) -> LogDamaged:
    """The log does not pass through a place that was noted."""
    return LogDamaged(
        f"the log does not pass through record {seq} with digest {digest}: {why}",
        kind=Damage.ANCHOR,
        file=file,
        offset=offset,
        first_seq=seq,
        remedy="It was cut or rewritten after this place was noted; compare it with another copy",
    )
