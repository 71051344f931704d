"""A file of captured frames, read entry by entry, as far as it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from actors.connection.capture.format import VERSION, CaptureDamaged, CaptureHeader, Entry, crc_of

#: The longest line and the largest entry that are believed.
_LINE_CAP = 1024 * 1024
_ENTRY_CAP = 64 * 1024 * 1024
_CHUNK = 64 * 1024


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
            if crc == crc_of(head, payload[:-1]) and payload[-1:] == b"\n":
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
        self._taken = 0  # of the buffer

    @property
    def is_closed(self) -> bool:
        return self._unpacker.eof

    def line(self) -> bytes | None:
        """The next line without its end; None where no whole one follows."""
        while (end := self._buffer.find(b"\n", self._taken)) < 0:
            if self._there() > _LINE_CAP:
                raise CaptureDamaged(f"{self._path}: no line ends behind byte {self.place} of its unpacked bytes")
            if not self._more():
                self.left = self._there()
                return None
        return self._take(end + 1 - self._taken)[:-1]

    def exactly(self, size: int, behind: int) -> bytes | None:
        """The next `size` bytes; None where fewer follow. `behind`: bytes of the same entry that were taken."""
        while self._there() < size:
            if not self._more():
                self.left = behind + self._there()
                return None
        return self._take(size)

    def _there(self) -> int:
        return len(self._buffer) - self._taken

    def _take(self, size: int) -> bytes:
        taken = self._buffer[self._taken : self._taken + size]
        self._taken += size
        self.place += size
        return taken

    def _more(self) -> bool:
        chunk = b"" if self._unpacker.eof else self._packed.read(_CHUNK)
        if not chunk:
            return False
        try:
            self._buffer = self._buffer[self._taken :] + self._unpacker.decompress(chunk)
        except zstandard.ZstdError as error:
            raise CaptureDamaged(f"{self._path}: {error}; {self.place} bytes before it are whole") from None
        self._taken = 0
        return True
