"""Frames kept as they were received: one file after another, compressed, bounded, readable after a kill.

A file is one zstd stream of entries: a line `crc at connection kind length` (receive time in nanoseconds UTC, the
feed's count of connections; the CRC-32 in hex is of the rest of the line and the bytes), the bytes themselves, and a
line end. The first entry is the header, as JSON. What a feed
sends is never captured, so no token can be in it; should the exchange echo one, it is redacted. Only the feed's own
thread writes. A disk that refuses ends the capture with an error in the log, and never the feed.
"""

from __future__ import annotations

import logging
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import zstandard

from actors.connection.auth import redacted
from actors.connection.hearing import Wanted
from events.record import AnyEvent

log = logging.getLogger(__name__)

SUFFIX = ".frames.zst"
VERSION = 1
#: What the frames are written in: Advanced Trade's channels, or the older Exchange's flat messages.
ADVANCED, EXCHANGE = "advanced", "exchange"
#: What one feed's files may take together, in bytes as compressed; the oldest files go first.
CAPTURE_BYTES = 4 * 1024**3
#: A file is closed at this part of the bound, so that what goes away at once is an eighth.
_PARTS = 8
#: At most so many seconds of frames wait in memory: what a kill costs.
_FLUSH_S = 0.5
_FLUSH_BYTES = 256 * 1024
#: The longest line and the largest entry that are believed when reading.
_LINE_CAP = 1024 * 1024
_ENTRY_CAP = 64 * 1024 * 1024
_CHUNK = 64 * 1024


class CaptureDamaged(Exception):
    """A capture is not what was written. Names the file and the place in its unpacked bytes."""


class CaptureHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader needs besides the frames. `run` is when the feed started: files of one run belong together."""

    capture: int = VERSION
    feed: str
    run: int  # nanoseconds UTC
    products: dict[str, str]  # ours by the exchange's
    last_trades: dict[str, str] = {}  # what the log had told before, by our product
    dialect: str = ADVANCED


class Entry(NamedTuple):
    """A frame, or a connection's begin or end. `payload` of "connected": the channels wanted; of "ended": its facts."""

    at: int
    connection: int
    kind: str
    payload: bytes


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
            entry = _entry(at, connection, kind, payload)
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
            header = _entry(self._header.run, 0, "header", msgspec.json.encode(self._header))
            self._file = _OpenFile(self._folder / name, header)
        self._file.append(entry)

    def _make_room(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = sorted(self._folder.glob(f"{self._header.feed}.*{SUFFIX}"), key=_age)
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


class CaptureFile:
    """One file, read from its beginning. After reading, `cut_short` says what is missing at its end, or is empty."""

    def __init__(self, path: Path) -> None:
        """Raises `CaptureDamaged` for a file that is no capture, `OSError` for one that cannot be read."""
        self.path = path
        self.cut_short = ""
        with path.open("rb") as packed:
            self.header = self._header_of(_Unpacked(packed, path))

    def __iter__(self) -> Iterator[Entry]:
        """Every whole entry. Raises `CaptureDamaged` behind the last one before a damage."""
        with self.path.open("rb") as packed:
            unpacked = _Unpacked(packed, self.path)
            self._header_of(unpacked)
            while (entry := self._entry(unpacked)) is not None:
                yield entry
        if unpacked.left:
            self.cut_short = f"{self.path.name} ends {unpacked.left} bytes into an entry; all before it are whole"
        elif not unpacked.is_closed:
            self.cut_short = f"{self.path.name} was not closed; its last entry is whole"

    def _header_of(self, unpacked: _Unpacked) -> CaptureHeader:
        first = self._entry(unpacked)
        if first is None or first.kind != "header":
            raise CaptureDamaged(f"{self.path} does not begin as a capture of frames")
        header = msgspec.json.decode(first.payload, type=CaptureHeader)
        if header.capture != VERSION:
            raise CaptureDamaged(f"{self.path} is a capture of version {header.capture}; {VERSION} is read here")
        return header

    def _entry(self, unpacked: _Unpacked) -> Entry | None:
        place = unpacked.place
        line = unpacked.line()
        if line is None:
            return None
        crc, _, head = line.partition(b" ")
        words = head.split(b" ")
        if len(words) == 4 and (words[0] + words[1] + words[3]).isdigit() and int(words[3]) <= _ENTRY_CAP:
            payload = unpacked.exactly(int(words[3]) + 1, len(line) + 1)
            if payload is None:
                return None
            if crc == _crc(head, payload[:-1]) and payload[-1:] == b"\n":
                return Entry(int(words[0]), int(words[1]), words[2].decode(), payload[:-1])
        raise CaptureDamaged(f"{self.path}: no entry stands at byte {place} of its unpacked bytes")


class _Unpacked:
    """The bytes of a file as they were before they were compressed, as far as they are there."""

    def __init__(self, packed: BinaryIO, path: Path) -> None:
        self.place = 0  # of what was taken, in unpacked bytes
        self.left = 0  # bytes behind the last whole entry
        self._path = path
        self._packed = packed
        self._unpacker = zstandard.ZstdDecompressor().decompressobj()
        self._buffer = b""

    @property
    def is_closed(self) -> bool:
        return self._unpacker.eof

    def line(self) -> bytes | None:
        """The next line without its end; None where no whole one follows."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LINE_CAP:
                raise CaptureDamaged(f"{self._path}: no line ends behind byte {self.place} of its unpacked bytes")
            if not self._more():
                self.left = len(self._buffer)
                return None
        return self._take(end + 1)[:-1]

    def exactly(self, size: int, behind: int) -> bytes | None:
        """The next `size` bytes; None where fewer follow. `behind`: bytes of the same entry that were taken."""
        while len(self._buffer) < size:
            if not self._more():
                self.left = behind + len(self._buffer)
                return None
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        self.place += size
        return taken

    def _more(self) -> bool:
        chunk = b"" if self._unpacker.eof else self._packed.read(_CHUNK)
        if not chunk:
            return False
        try:
            self._buffer += self._unpacker.decompress(chunk)
        except zstandard.ZstdError as error:
            raise CaptureDamaged(f"{self._path}: {error}; {self.place} bytes before it are whole") from None
        return True


def _entry(at: int, connection: int, kind: str, payload: bytes) -> bytes:
    head = f"{at} {connection} {kind} {len(payload)}".encode()
    return b"%s %s\n%s\n" % (_crc(head, payload), head, payload)


def _crc(head: bytes, payload: bytes) -> bytes:
    return b"%08x" % zlib.crc32(payload, zlib.crc32(head))


def capture_files(place: Path) -> list[Path]:
    """A file itself, or the captures of a folder, each feed's in the order they were written."""
    return [place] if not place.is_dir() else sorted(place.glob(f"*{SUFFIX}"), key=_age)


def _age(path: Path) -> tuple[str, int, int]:
    feed, run, number, *_ = [*path.name.split("."), "0", "0"]
    return feed, int(run) if run.isdigit() else 0, int(number) if number.isdigit() else 0
