"""One file of a log, open for reading: the active one, one that is closed, or one that is sealed."""

from __future__ import annotations

from pathlib import Path
from typing import IO, cast

import msgspec
import zstandard

from events.log.disk import Disk, DiskFile
from events.log.errors import Damage, LogDamaged, LogTooNew, NotALog
from events.log.framing import (
    FOOTER_BYTES,
    FORMAT,
    Footer,
    Header,
    format_of,
    header_line,
    parse_commit,
    parse_footer,
    parse_header,
)
from events.log.layout import Layout
from events.log.protocol import Place
from events.log.scan import CHUNK_BYTES, ByteSource, Scan

_LONGEST_HEADER = 512
_LONGEST_COMMIT_LINE = 512


class Segment(msgspec.Struct, kw_only=True):
    """An open file of the log, and what its first line says. A sealed one has a footer."""

    path: Path
    file: DiskFile
    header: Header
    is_closed: bool
    footer: Footer | None = None

    @property
    def number(self) -> int:
        return self.header.segment

    @property
    def start(self) -> Place:
        """The place before the segment's first commit."""
        return Place(self.header.first - 1, self.header.previous)

    @property
    def lead(self) -> bytes:
        """The header as bytes."""
        return header_line(segment=self.number, first=self.header.first, previous=self.header.previous)

    def bytes_behind_header(self) -> ByteSource:
        """The segment's bytes, unpacked, from its first commit on."""
        if self.footer is None:
            return PlainBytes(self.file, len(self.lead))
        return SealedBytes(self.file, self.path, self.footer, self.lead)

    def scan(self) -> Scan:
        """A walk from the segment's first commit."""
        return Scan(
            self.bytes_behind_header(),
            file=str(self.path),
            place=self.start,
            offset=len(self.lead),
            lead=self.lead,
            is_closed=self.is_closed,
        )

    def scan_from(self, place: Place, offset: int) -> Scan:
        """A walk from a place in a file that is not sealed, at its byte offset there."""
        lead = self.lead
        return Scan(
            PlainBytes(self.file, offset),
            file=str(self.path),
            place=place,
            offset=offset,
            lead=lead if offset == len(lead) else b"",
            is_closed=self.is_closed,
        )

    def end(self) -> Place:
        """The place behind a closed segment's last commit, by its footer or last line; the chain is not walked."""
        if self.footer is not None:
            return Place(self.footer.last, self.footer.head)
        size = self.file.size()
        tail = self.file.read_at(_LONGEST_COMMIT_LINE, max(0, size - _LONGEST_COMMIT_LINE))
        mark = parse_commit(tail[tail.rfind(b"\n", 0, -1) + 1 :])
        if mark is None:
            raise LogDamaged(
                "a closed segment does not end in a commit line",
                kind=Damage.DAMAGE,
                file=self.path,
                offset=size,
                first_seq=self.header.first,
                remedy=f"Restore the file from a copy, or go on without it: perptape log cut --at {self.start.seq}",
            )
        return Place(mark.last, mark.digest)

    def close(self) -> None:
        self.file.close()


class PlainBytes:
    """A file's bytes from an offset on."""

    def __init__(self, file: DiskFile, offset: int) -> None:
        self._file = file
        self._offset = offset

    def read(self, size: int) -> bytes:
        chunk = self._file.read_at(size, self._offset)
        self._offset += len(chunk)
        return chunk


class SealedBytes:
    """The bytes of a sealed segment behind its header. At the end they must be as many as the footer says."""

    def __init__(self, file: DiskFile, path: Path, footer: Footer, lead: bytes) -> None:
        self._path = path
        self._footer = footer
        self._lead = lead
        self._taken = 0
        packed = _PackedBytes(file, file.size() - FOOTER_BYTES)
        # The unpacker asks for an IO and uses its `read` alone.
        self._unpacked = zstandard.ZstdDecompressor().stream_reader(cast(IO[bytes], packed), read_size=CHUNK_BYTES)

    def read(self, size: int) -> bytes:
        if self._taken == 0:
            lead = self._read(len(self._lead))
            if lead != self._lead:
                raise self._damaged("the header is not the one the footer tells of")
        chunk = self._read(size)
        if not chunk and self._taken != self._footer.size:
            raise self._damaged(f"it ends after {self._taken} of {self._footer.size} bytes")
        return chunk

    def _read(self, size: int) -> bytes:
        try:
            chunk: bytes = self._unpacked.read(size)
        except zstandard.ZstdError as error:
            raise self._damaged(f"it does not unpack: {error}") from error
        self._taken += len(chunk)
        return chunk

    def _damaged(self, what: str) -> LogDamaged:
        footer = self._footer
        return LogDamaged(
            f"a sealed segment is not what was sealed: {what}",
            kind=Damage.DAMAGE,
            file=self._path,
            offset=self._taken,
            first_seq=footer.first,
            last_seq=footer.last,
            remedy="Restore the file from a copy",
        )


class _PackedBytes:
    """The compressed part of a sealed segment, as the unpacker wants to read it."""

    def __init__(self, file: DiskFile, size: int) -> None:
        self._file = file
        self._left = size
        self._offset = 0

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        chunk = self._file.read_at(wanted, self._offset) if wanted else b""
        self._offset += len(chunk)
        self._left -= len(chunk)
        return chunk


def open_active(layout: Layout, disk: Disk) -> Segment | None:
    """The active file, or None when there is none (yet, or for the moment between two renames)."""
    return _open_plain(layout.active, disk, is_closed=False)


def open_segment(layout: Layout, disk: Disk, number: int) -> Segment | None:
    """A closed or sealed segment, or None when it is not here. Sealing may take the plain file away meanwhile."""
    segment = _open_plain(layout.closed(number), disk, is_closed=True) or _open_sealed(layout.sealed(number), disk)
    if segment is not None and segment.number != number:
        segment.close()
        raise LogDamaged(
            f"the file named segment {number} says it is segment {segment.number}",
            kind=Damage.DISAGREEMENT,
            file=segment.path,
            remedy="Give the file its own name back",
        )
    return segment


def _open_plain(path: Path, disk: Disk, *, is_closed: bool) -> Segment | None:
    try:
        file = disk.open_read(path)
    except FileNotFoundError:
        return None
    try:
        line = file.read_at(_LONGEST_HEADER, 0)
        line = line[: line.find(b"\n") + 1] or line
        header = parse_header(line)
        if header is None:
            raise _bad_header(path, line)
    except BaseException:
        file.close()
        raise
    return Segment(path=path, file=file, header=header, is_closed=is_closed)


def _open_sealed(path: Path, disk: Disk) -> Segment | None:
    try:
        file = disk.open_read(path)
    except FileNotFoundError:
        return None
    try:
        size = file.size()
        frame = file.read_at(FOOTER_BYTES, max(0, size - FOOTER_BYTES))
        footer = parse_footer(frame) if len(frame) == FOOTER_BYTES else None
        if footer is None:
            raise LogDamaged(
                "a sealed segment has no readable footer",
                kind=Damage.DAMAGE,
                file=path,
                offset=max(0, size - FOOTER_BYTES),
                remedy="Restore the file from a copy",
            )
    except BaseException:
        file.close()
        raise
    header = Header(format=FORMAT, segment=footer.segment, first=footer.first, previous=footer.previous)
    return Segment(path=path, file=file, header=header, is_closed=True, footer=footer)


def _bad_header(path: Path, line: bytes) -> LogTooNew | NotALog | LogDamaged:
    claimed = format_of(line)
    if claimed is not None and claimed > FORMAT:
        return LogTooNew(
            f"the log has format {claimed}, and this version reads {FORMAT}",
            file=path,
            remedy="Read it with the version of perptape that wrote it, or a later one",
        )
    if not line.startswith(b'{"log"'):
        what = "it is empty" if not line else f"its first line begins with {line[:20]!r}"
        return NotALog(f"this is no log of perptape: {what}", file=path, remedy="Name another file or folder")
    return LogDamaged(
        "the file's header is not spelled as one",
        kind=Damage.DAMAGE,
        file=path,
        offset=0,
        remedy="Restore the file from a copy, or go on without it: perptape log cut --at the last seq before it",
    )
