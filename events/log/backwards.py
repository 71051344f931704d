"""The newest lines of some kinds, read from the end: what a tail needs, however long the log.

Closed commits only. The chain is not checked here; `perptape verify` does that.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from events.log.disk import REAL_DISK, Disk, DiskFile
from events.log.framing import COMMIT_MARK, parse_commit
from events.log.layout import Layout
from events.log.segments import Segment, open_active, open_segment

_PIECE_BYTES = 256 * 1024


class Line(NamedTuple):
    """A record's line, where it stands."""

    text: bytes
    file: Path
    offset: int


def newest_lines(path: Path | str, tags: frozenset[str], limit: int, *, disk: Disk = REAL_DISK) -> list[Line]:
    """The last `limit` lines whose event has one of these tags, oldest first. A log that is not there has none."""
    layout = Layout(path)
    # Inside a JSON string every quote is escaped, so no text of an event can look like this.
    wanted = re.compile(rb'"event":\{"type":"(?:' + b"|".join(re.escape(tag.encode()) for tag in sorted(tags)) + rb')"')
    found: deque[Line] = deque()
    for segment in _newest_first(layout, disk):
        try:
            if segment.footer is None:
                _take_from_end(segment, wanted, limit, found)
            else:
                _take_from_sealed(segment, wanted, limit, found)
        finally:
            segment.close()
        if len(found) >= limit:
            break
    return list(found)


def _newest_first(layout: Layout, disk: Disk) -> Iterator[Segment]:
    active = open_active(layout, disk)
    numbers = layout.segments(disk)
    if active is not None:
        number = active.number - 1
        yield active
    else:
        number = max(numbers, default=0)
    while (segment := open_segment(layout, disk, number)) is not None:
        yield segment
        number -= 1


def _take_from_end(segment: Segment, wanted: re.Pattern[bytes], limit: int, found: deque[Line]) -> None:
    for piece, offset in _pieces_from_end(segment.file, _end_of_commits(segment.file)):
        for line in reversed(list(_lines(piece, offset, wanted, segment.path))):
            if len(found) >= limit:
                return
            found.appendleft(line)
        if len(found) >= limit:  # what is wanted may stand at the end, with nothing like it before
            return


def _take_from_sealed(segment: Segment, wanted: re.Pattern[bytes], limit: int, found: deque[Line]) -> None:
    newest: deque[Line] = deque(maxlen=limit - len(found))
    source = segment.bytes_behind_header()
    held, offset = b"", len(segment.lead)
    while piece := source.read(_PIECE_BYTES):
        held += piece
        whole = held.rfind(b"\n") + 1
        newest.extend(_lines(held[:whole], offset, wanted, segment.path))
        held, offset = held[whole:], offset + whole
    found.extendleft(reversed(newest))


def _lines(piece: bytes, offset: int, wanted: re.Pattern[bytes], file: Path) -> Iterator[Line]:
    """The wanted ones among whole lines."""
    for match in wanted.finditer(piece):
        start = piece.rfind(b"\n", 0, match.start()) + 1
        yield Line(piece[start : piece.find(b"\n", match.end())], file, offset + start)


def _pieces_from_end(file: DiskFile, end: int) -> Iterator[tuple[bytes, int]]:
    """Pieces of whole lines from `end` back to the beginning, each with its offset."""
    behind = b""  # the end of a line whose beginning is not read yet
    while end > 0:
        start = max(0, end - _PIECE_BYTES)
        piece = file.read_at(end - start, start) + behind
        whole = piece.find(b"\n") + 1 if start else 0
        yield piece[whole:], start + whole
        behind, end = piece[:whole], start


def _end_of_commits(file: DiskFile) -> int:
    """The byte behind the last commit line: what follows is nobody's yet."""
    end = file.size()
    behind = b""
    while end > 0:
        start = max(0, end - _PIECE_BYTES)
        piece = file.read_at(end - start, start) + behind
        mark = len(piece)
        while (mark := piece.rfind(COMMIT_MARK, 0, mark)) >= 0:
            stop = piece.find(b"\n", mark + 1) + 1
            if stop and parse_commit(piece[mark + 1 : stop]) is not None:
                return start + stop
        behind, end = piece[: 512 + len(COMMIT_MARK)], start
    return 0
