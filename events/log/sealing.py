"""Closed segments become sealed ones: compressed, with a footer, beside the active file.

A closed file is complete and durable, so sealing is housekeeping. It goes on in its own thread, in large pieces that
the interpreter's lock is not held for, and takes the plain file away only when the sealed one is durable and unpacks
to the same bytes. A crash at any point leaves the plain file, and the next start seals again.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import zstandard

from events.log.disk import Disk, write_all
from events.log.errors import LogError
from events.log.framing import Footer, footer_frame
from events.log.layout import Layout
from events.log.segments import PlainBytes, SealedBytes, Segment, open_segment

#: Level 3 makes a log about seven times smaller at several hundred MB/s.
_LEVEL = 3
_PIECE_BYTES = 1024 * 1024


class Sealer:
    """Seals segments as they are closed. `trouble` is what kept one from being sealed; its plain file stays."""

    def __init__(self, layout: Layout, disk: Disk, *, in_background: bool) -> None:
        self.trouble: OSError | LogError | None = None
        self._layout = layout
        self._disk = disk
        self._in_background = in_background
        self._queue: SimpleQueue[int | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def seal(self, segment: int) -> None:
        """Seal a closed segment: now, or soon when in the background."""
        if not self._in_background:
            self._seal(segment)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="log-sealer", daemon=True)
            self._thread.start()
        self._queue.put(segment)

    def finish(self) -> None:
        """Wait until everything asked for is sealed."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (segment := self._queue.get()) is not None:
            self._seal(segment)

    def _seal(self, segment: int) -> None:
        try:
            seal_segment(self._layout, self._disk, segment)
        except (OSError, LogError) as error:
            self.trouble = error


def seal_segment(layout: Layout, disk: Disk, number: int) -> None:
    """Turn a closed segment into a sealed one. Nothing to do when that is done already."""
    segment = open_segment(layout, disk, number)
    if segment is None or segment.footer is not None:
        return
    try:
        digest, footer = _pack(segment, layout, disk)
        _expect_the_same_bytes(segment, layout, disk, digest, footer)
    finally:
        segment.close()
    disk.rename(layout.sealing(number), layout.sealed(number))
    disk.sync_folder(layout.folder)
    disk.unlink(layout.closed(number))
    disk.sync_folder(layout.folder)


def _pack(segment: Segment, layout: Layout, disk: Disk) -> tuple[bytes, Footer]:
    """Write the compressed file with its footer and make it durable; returns the digest of the plain bytes."""
    end = segment.end()
    size = segment.file.size()
    plain = hashlib.sha256()
    target = disk.open_new(layout.sealing(segment.number))
    try:
        packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj(size=size)
        for piece in _pieces(PlainBytes(segment.file, 0)):
            plain.update(piece)
            write_all(target, packer.compress(piece))
        write_all(target, packer.flush())
        footer = Footer(
            segment=segment.number,
            count=end.seq - segment.start.seq,
            first=segment.header.first,
            last=end.seq,
            previous=segment.header.previous,
            head=end.digest,
            size=size,
        )
        write_all(target, footer_frame(footer))
        target.fdatasync()
    finally:
        target.close()
    return plain.digest(), footer


def _expect_the_same_bytes(segment: Segment, layout: Layout, disk: Disk, digest: bytes, footer: Footer) -> None:
    path = layout.sealing(segment.number)
    file = disk.open_read(path)
    try:
        unpacked = hashlib.sha256(segment.lead)
        for piece in _pieces(SealedBytes(file, path, footer, segment.lead)):
            unpacked.update(piece)
    finally:
        file.close()
    if unpacked.digest() != digest:
        raise OSError(f"{path} does not unpack to what was packed; the plain file is kept")


def _pieces(source: PlainBytes | SealedBytes) -> Iterator[bytes]:
    while piece := source.read(_PIECE_BYTES):
        yield piece
