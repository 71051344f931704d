"""What every behaviour knew at a place, kept so that nobody has to read the log from its beginning.

A cache: addressed by the place and the code that folded, and never believed without its checksum. Deleting any or all
of it loses nothing but time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import zstandard

from events.log.disk import REAL_DISK, Disk, write_all
from events.log.errors import LogWriteFailed
from events.log.protocol import Place

_FORMAT = 1
_NAME = re.compile(r"\A(?P<seq>\d{12,})-(?P<digest>[0-9a-f]{16})-(?P<code>[0-9a-f]{16})\.snapshot\Z")
_CHECKSUM_BYTES = 32


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The states at a place, each as canonical bytes under its behaviour's name."""

    place: Place
    code: str
    states: dict[str, bytes]


class _Contents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    seq: int
    digest: str
    code: str
    sizes: dict[str, int]


class SnapshotStore:
    """Snapshots in a folder, one file each: a checksum, then a line that says what follows, then the states, packed."""

    def __init__(self, folder: Path | str, *, disk: Disk = REAL_DISK) -> None:
        self._folder = Path(folder)
        self._disk = disk

    def save(self, place: Place, code: str, states: Mapping[str, bytes]) -> Path:
        """Keep the states at a place; all of the file or none of it appears. Raises `LogWriteFailed`."""
        sizes = {name: len(state) for name, state in states.items()}
        contents = _Contents(format=_FORMAT, seq=place.seq, digest=place.digest, code=code, sizes=sizes)
        packed = zstandard.ZstdCompressor(level=1).compress(
            msgspec.json.encode(contents) + b"\n" + b"".join(states.values())
        )
        path = self._folder / _name(place, code)
        draft = path.with_suffix(".tmp")
        try:
            self._disk.make_folder(self._folder)
            file = self._disk.open_new(draft)
            try:
                write_all(file, hashlib.sha256(packed).digest() + packed)
                file.fdatasync()
            finally:
                file.close()
            self._disk.rename(draft, path)
        except OSError as error:
            raise LogWriteFailed(f"a snapshot cannot be written: {error.strerror or error}", file=path) from error
        return path

    def latest(
        self, at_or_before: int, code: str | None, *, belongs: Callable[[Place], bool] | None = None
    ) -> Snapshot | None:
        """The newest sound snapshot up to a seq, of this code (None: of any) and of a place that `belongs` accepts.

        Give `EventLog.has` as `belongs`: after a cut, snapshots of the history that was set aside are still here.
        """
        for _, name in sorted(self._candidates(at_or_before, code), reverse=True):
            snapshot = self._load(self._folder / name)
            if snapshot is None or (code is not None and snapshot.code != code):
                continue
            if belongs is None or belongs(snapshot.place):
                return snapshot
        return None

    def _candidates(self, at_or_before: int, code: str | None) -> list[tuple[int, str]]:
        try:
            names = self._disk.names(self._folder)
        except OSError:
            return []
        found = [(_NAME.match(name), name) for name in names]
        wanted = None if code is None else _short(code)
        return [
            (int(match["seq"]), name)
            for match, name in found
            if match and int(match["seq"]) <= at_or_before and wanted in (None, match["code"])
        ]

    def _load(self, path: Path) -> Snapshot | None:
        """The snapshot in a file, or None when a byte of it is not as it was written."""
        try:
            file = self._disk.open_read(path)
            try:
                whole = file.read_at(file.size(), 0)
            finally:
                file.close()
        except OSError:
            return None
        checksum, packed = whole[:_CHECKSUM_BYTES], whole[_CHECKSUM_BYTES:]
        if hashlib.sha256(packed).digest() != checksum:
            return None
        line, _, body = zstandard.ZstdDecompressor().decompress(packed).partition(b"\n")
        contents = msgspec.json.decode(line, type=_Contents)
        if contents.format != _FORMAT or _name(Place(contents.seq, contents.digest), contents.code) != path.name:
            return None
        states, start = {}, 0
        for name, size in contents.sizes.items():
            states[name] = body[start : start + size]
            start += size
        return Snapshot(place=Place(contents.seq, contents.digest), code=contents.code, states=states)


def _name(place: Place, code: str) -> str:
    return f"{place.seq:012d}-{place.digest[:16]}-{_short(code)}.snapshot"


def _short(code: str) -> str:
    """Code identities may be any text; a file's name holds 16 letters of their digest."""
    return hashlib.sha256(code.encode()).hexdigest()[:16]
