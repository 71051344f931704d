"""Going on after damage, deliberately: what is behind a seq is set aside, and the log says so itself.

Nothing is thrown away. The files concerned are moved, whole, into a folder beside the log, and the part that stands is
copied to a new active file, which begins its next commit with `LogWasCut`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import msgspec

from events.log.cutnote import CutNote, finish_cut, note_cut
from events.log.disk import REAL_DISK, Disk, LockHeld, write_all
from events.log.errors import LogDamaged, LogError, LogLocked, LogNotFound, LogWriteFailed, NotALog
from events.log.filelog import FileLog
from events.log.framing import header_line
from events.log.layout import Layout
from events.log.protocol import BEGINNING, Place
from events.log.scan import CHUNK_BYTES
from events.log.segments import Segment, open_active, open_segment


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. `after_seq` may be below the seq asked for: a commit is kept whole or not at all."""

    after_seq: int
    removed_bytes: int
    kept_as: Path
    place: Place  # the head now, behind the record that says so


def cut_log(path: Path | str, at_seq: int, reason: str, *, disk: Disk = REAL_DISK) -> Cut:
    """Keep the commits up to `at_seq`, set aside what is behind them, and record it.

    What is kept must check out; what is set aside need not be readable. Raises `LogLocked`, `LogNotFound`,
    `LogDamaged` when the part to keep is damaged itself, `LogError` when there is nothing behind `at_seq`.
    """
    layout = Layout(path)
    try:
        lock = disk.lock(layout.lock) if disk.names(layout.folder) else None
        if lock is None:
            raise LogNotFound("there is no log here", file=layout.active, remedy="Name its file or folder")
        try:
            finish_cut(layout, disk)
            note = _prepare(layout, disk, at_seq, reason)
            note_cut(layout, disk, note)
            finish_cut(layout, disk)
        finally:
            lock.release()
    except LockHeld as held:
        raise LogLocked(file=layout.active, holder=held.holder) from None
    except OSError as error:
        raise LogWriteFailed(f"cannot be cut: {error.strerror or error}", file=layout.active) from error
    with FileLog.open(path, disk=disk, durability="every", seal_in_background=False) as log:
        return Cut(
            after_seq=note.after_seq,
            removed_bytes=note.removed_bytes,
            kept_as=layout.folder / note.kept_as,
            place=log.head,
        )


def _prepare(layout: Layout, disk: Disk, at_seq: int, reason: str) -> CutNote:
    """Write the new active file under a provisional name, and say which files it takes the place of."""
    segment = _segment_holding(layout, disk, at_seq)
    try:
        start = segment.start if segment else BEGINNING
        after, end = _last_commit(segment, at_seq) if segment else (start, 0)
        number = segment.number if segment else 1
        own = segment.path.name if segment else None
        files = [name for name in _files_from(layout, disk, number) if name != own]
        removed = sum(_size(disk, layout.folder / name) for name in files)
        if segment:
            removed += (segment.footer.size if segment.footer else segment.file.size()) - end
        if not removed and layout.active.name == own:
            raise LogError(
                f"the log ends at record {after.seq}: nothing is behind it",
                file=layout.active,
                remedy="Name the last seq to keep",
            )
        _write_kept(layout, disk, segment, end)
    finally:
        if segment:
            segment.close()
    return CutNote(
        after_seq=after.seq,
        removed_bytes=removed,
        kept_as=_free_name(layout, disk, after.seq),
        reason=reason,
        files=(*files, own) if own else tuple(files),
    )


def _segment_holding(layout: Layout, disk: Disk, seq: int) -> Segment | None:
    """The last readable file that begins at or before the place behind `seq`; None to begin the log anew."""
    active = _readable(lambda: open_active(layout, disk))
    if active is not None and active.header.first <= seq + 1:
        return active
    if active is not None:
        active.close()
    for number in reversed(layout.segments(disk)):
        segment = _readable(partial(open_segment, layout, disk, number))
        if segment is not None and segment.header.first <= seq + 1:
            return segment
        if segment is not None:
            segment.close()
    if seq == 0:
        return None
    raise LogError(
        f"no readable file holds record {seq}", file=layout.active, remedy="Name an earlier seq, or restore a copy"
    )


def _readable(opened: Callable[[], Segment | None]) -> Segment | None:
    try:
        return opened()
    except (LogDamaged, NotALog):
        return None


def _last_commit(segment: Segment, at_seq: int) -> tuple[Place, int]:
    """The place of the last commit that ends at or before `at_seq`, and the byte behind it."""
    place, end = segment.start, len(segment.lead)
    if place.seq == at_seq:
        return place, end
    scan = segment.scan()
    for block in scan.blocks():
        if block.last > at_seq:
            return place, end
        place, end = scan.place, scan.offset
        if block.last == at_seq:
            return place, end
    raise LogError(
        f"the log ends at record {place.seq}, before {at_seq}", file=segment.path, remedy="Name the last seq to keep"
    )


def _files_from(layout: Layout, disk: Disk, number: int) -> list[str]:
    """The names of the log's files from this segment on that are here."""
    numbers = [known for known in layout.segments(disk) if known >= number]
    paths = [path for known in numbers for path in (layout.closed(known), layout.sealed(known))]
    return [path.name for path in (*paths, layout.active) if disk.identity(path) is not None]


def _write_kept(layout: Layout, disk: Disk, segment: Segment | None, end: int) -> None:
    target = disk.open_new(layout.cut)
    try:
        if segment is None:
            write_all(target, header_line(segment=1, first=1, previous=BEGINNING.digest))
        else:
            lead = segment.lead
            write_all(target, lead)
            source = segment.bytes_behind_header()
            left = end - len(lead)
            while left > 0:
                chunk = source.read(min(left, CHUNK_BYTES))
                write_all(target, chunk)
                left -= len(chunk)
        target.fdatasync()
    finally:
        target.close()


def _free_name(layout: Layout, disk: Disk, after_seq: int) -> str:
    taken = set(disk.names(layout.folder))
    numbers = (f"{layout.stem}.cut-{after_seq}-{number}" for number in count(1))
    return next(name for name in numbers if name not in taken)


def _size(disk: Disk, path: Path) -> int:
    file = disk.open_read(path)
    try:
        return file.size()
    finally:
        file.close()
