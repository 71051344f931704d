"""Opening a log for writing: finish what a crash interrupted, check that the files join, cut an unfinished commit.

Only what was never acknowledged is cut, and that is reported. Everything else that is wrong is refused.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from events.log.cursor import damaged_tail
from events.log.decoding import last_at_of
from events.log.disk import Disk, DiskFile, write_all
from events.log.errors import Damage, LogDamaged
from events.log.framing import header_line
from events.log.layout import Layout
from events.log.protocol import BEGINNING, Place, Recovery
from events.log.scan import Scan
from events.log.segments import Segment, open_active, open_segment
from events.log.torn import unfinished_records


class Ready(NamedTuple):
    """The active file, open for appending behind its last commit."""

    file: DiskFile
    segment: int
    head: Place
    last_at: int
    size: int
    lead: bytes  # the header, while no commit of this file was written
    recovered: Recovery | None


def recover(layout: Layout, disk: Disk) -> Ready:
    """Make the log ready for its writer, who holds the lock. Raises `LogDamaged`, `LogTooNew`, `NotALog`, `OSError`."""
    disk.make_folder(layout.folder)
    for leftover in layout.leftovers(disk):
        disk.unlink(leftover)
    end = _end_of_closed(layout, disk)
    active = open_active(layout, disk)
    if active is None:
        active = _begin_active(layout, disk, end)
    try:
        _expect_to_join(active, end)
        return _ready(active, layout, disk)
    finally:
        active.close()


def begin_file(layout: Layout, disk: Disk, *, segment: int, after: Place) -> tuple[DiskFile, bytes]:
    """A new active file under its provisional name, durable, with its header; the caller renames it."""
    lead = header_line(segment=segment, first=after.seq + 1, previous=after.digest)
    file = disk.open_new(layout.fresh)
    write_all(file, lead)
    file.fdatasync()
    return file, lead


class _End(NamedTuple):
    """Where the closed segments end: the last one's number, the place behind it, and whether it is sealed already."""

    segment: int
    place: Place
    is_sealed: bool


def _end_of_closed(layout: Layout, disk: Disk) -> _End | None:
    """Check that closed segments follow each other without a gap; by their footers and headers, not by their bytes."""
    end: _End | None = None
    for number in layout.segments(disk):
        segment = open_segment(layout, disk, number)
        if segment is None:
            continue
        try:
            _expect_to_join(segment, end)
            end = _End(number, segment.end(), segment.footer is not None)
        finally:
            segment.close()
    return end


def _begin_active(layout: Layout, disk: Disk, end: _End | None) -> Segment:
    """There is no active file: the log is new, or a roll was interrupted between its two renames."""
    if end is not None and end.is_sealed:
        raise LogDamaged(
            "the active file is missing; its segments up to this one are here",
            kind=Damage.MISSING,
            file=layout.active,
            first_seq=end.place.seq + 1,
            remedy=f"Restore the file, or go on without it: perptape log cut --at {end.place.seq}",
        )
    number, after = (end.segment + 1, end.place) if end else (1, BEGINNING)
    file, _ = begin_file(layout, disk, segment=number, after=after)
    file.close()
    disk.rename(layout.fresh, layout.active)
    disk.sync_folder(layout.folder)
    active = open_active(layout, disk)
    assert active is not None, "the file that was just put here is gone"
    return active


def _expect_to_join(segment: Segment, end: _End | None) -> None:
    """A file must begin where the one before it ends. The first one here may be any: older ones can be moved away."""
    if end is None or (segment.number == end.segment + 1 and segment.start == end.place):
        return
    if segment.number > end.segment + 1:
        kind, what = Damage.MISSING, f"segments {end.segment + 1}..{segment.number - 1} are missing before this one"
    elif segment.number <= end.segment:
        kind, what = Damage.DISAGREEMENT, f"it says it is segment {segment.number}, which is closed already"
    else:
        kind, what = Damage.DISAGREEMENT, f"it does not begin where segment {end.segment} ends"
    raise LogDamaged(
        what,
        kind=kind,
        file=segment.path,
        offset=0,
        first_seq=segment.header.first,
        remedy=f"Restore all files from one copy, or go on without: perptape log cut --at {end.place.seq}",
    )


def _ready(active: Segment, layout: Layout, disk: Disk) -> Ready:
    scan = active.scan()
    last = deque(scan.blocks(), maxlen=1)
    last_at = last_at_of(last[0]) if last else _last_at_before(active, layout, disk)
    file = disk.open_append(layout.active)
    try:
        recovered = _cut_unfinished(scan, file)
        # What stands may be in the page cache only: followers may have read it, so it must not vanish later.
        file.fdatasync()
        disk.sync_folder(layout.folder)
    except BaseException:
        file.close()
        raise
    return Ready(file, active.number, scan.place, last_at, scan.offset, scan.lead, recovered)


def _cut_unfinished(scan: Scan, file: DiskFile) -> Recovery | None:
    if not scan.tail:
        return None
    records = unfinished_records(scan.tail, scan.place.seq + 1)
    if records is None:
        raise damaged_tail(scan)
    file.truncate(scan.offset)
    return Recovery(
        file=scan.file,
        offset=scan.offset,
        removed_bytes=len(scan.tail),
        records=records,
        after_seq=scan.place.seq,
    )


def _last_at_before(active: Segment, layout: Layout, disk: Disk) -> int:
    """The time of the last record before an active file that has none yet; 0 when that segment was moved away."""
    segment = open_segment(layout, disk, active.number - 1)
    if segment is None:
        return 0
    try:
        last = deque(segment.scan().blocks(), maxlen=1)
        return last_at_of(last[0]) if last else 0
    finally:
        segment.close()
