"""Frames kept as they were received: one file after another, compressed, bounded, readable after a kill.

What a feed sends is never captured, so no token can be in it; should the exchange echo one, it is redacted. Only the
feed's own thread writes. A disk that refuses ends the capture with an error in the log, and never the feed.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import zstandard

from actors.connection.auth import redacted
from actors.connection.capture.format import ADVANCED, SUFFIX, CaptureHeader, age_of, entry_bytes
from actors.connection.hearing import Wanted
from events.record import AnyEvent

log = logging.getLogger(__name__)

#: What one feed's files may take together, in bytes as compressed; the oldest files go first.
CAPTURE_BYTES = 4 * 1024**3
#: A file is closed at this part of the bound, so that what goes away at once is an eighth.
_PARTS = 8
#: At most so many seconds of frames wait in memory: what a kill costs.
_FLUSH_S = 0.5
_FLUSH_BYTES = 256 * 1024


class FrameCapture:
    """The files of one feed. One thread writes."""

    def __init__(
        self,
        folder: Path,
        feed: str,
        products: Mapping[str, str],
        *,
        last_trades: Mapping[str, str] | None = None,
        dialect: str = ADVANCED,
        max_bytes: int = CAPTURE_BYTES,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """`max_bytes` bounds all files of this feed in the folder, those of earlier runs included."""
        self.is_broken = False
        self._folder = folder
        self._now = now
        self._max_bytes = max_bytes
        self._header = CaptureHeader(
            feed=feed, run=now(), products={**products}, last_trades={**(last_trades or {})}, dialect=dialect
        )
        self._file: _OpenFile | None = None
        self._number = 0

    def connected(self, connection: int, wanted: Sequence[Wanted]) -> None:
        self._write("connected", connection, msgspec.json.encode(wanted))

    def received(self, raw: bytes, connection: int) -> int:
        """Keep a frame; the time of receipt that stands with it, nanoseconds UTC."""
        if b"eyJ" in raw or b"PRIVATE KEY" in raw:
            raw = redacted(raw.decode(errors="replace"), limit=len(raw)).encode()
        return self._write("frame", connection, raw)

    def ended(self, facts: Sequence[AnyEvent], connection: int) -> None:
        """The connection is over, and this is what was told of it."""
        self._write("ended", connection, msgspec.json.encode(facts))

    def close(self) -> None:
        """End the file so that a reader knows it is whole."""
        if self._file is not None and not self.is_broken:
            self._guarded(self._file.close)
        self._file = None

    def _write(self, kind: str, connection: int, payload: bytes) -> int:
        at = self._now()
        if not self.is_broken:
            entry = entry_bytes(at, connection, kind, payload)
            self._guarded(lambda: self._append(entry))
        return at

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self.is_broken = True
            log.error("frames of the %s feed are captured no longer: %s", self._header.feed, error)

    def _append(self, entry: bytes) -> None:
        if self._file is not None and self._file.written >= self._max_bytes // _PARTS:
            self._file.close()
            self._file = None
        if self._file is None:
            self._number += 1
            self._make_room()
            name = f"{self._header.feed}.{self._header.run}.{self._number:06d}{SUFFIX}"
            header = entry_bytes(self._header.run, 0, "header", msgspec.json.encode(self._header))
            self._file = _OpenFile(self._folder / name, header)
        self._file.append(entry)

    def _make_room(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = sorted(self._folder.glob(f"{self._header.feed}.*{SUFFIX}"), key=age_of)
        sizes = [path.stat().st_size for path in files]
        room = self._max_bytes - self._max_bytes // _PARTS
        while files and sum(sizes) > room:
            files.pop(0).unlink()
            sizes.pop(0)


class _OpenFile:
    """A file under way. `written` counts compressed bytes."""

    def __init__(self, path: Path, header: bytes) -> None:
        self.written = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
        self._waiting = 0
        self._flushed_at = time.monotonic()
        self.append(header)
        self._flush()

    def append(self, entry: bytes) -> None:
        self._put(self._packer.compress(entry))
        self._waiting += len(entry)
        if self._waiting >= _FLUSH_BYTES or time.monotonic() - self._flushed_at >= _FLUSH_S:
            self._flush()

    def close(self) -> None:
        try:
            self._put(self._packer.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
        finally:
            os.close(self._fd)

    def _flush(self) -> None:
        self._put(self._packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        self._waiting, self._flushed_at = 0, time.monotonic()

    def _put(self, packed: bytes) -> None:
        view = memoryview(packed)
        while view:
            view = view[os.write(self._fd, view) :]
        self.written += len(packed)
