"""A disk that fails when told to: it runs out, refuses, takes half a write, or loses what was never synced.

Files are bytes made durable by `fdatasync`, and writes since. Names are made durable by `sync_folder`. `crash` gives
the disk that a power cut may leave: of the unsynced writes any subset, each whole, gone, or in part of its sectors; of
the unsynced names any subset in order.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from events.log.disk import DiskFile, Lock, LockHeld

_SECTOR_BYTES = 512


class PowerCut(BaseException):
    """The machine is off. Nothing that runs may catch this."""


class _Write(NamedTuple):
    offset: int
    block: bytes


class Inode:
    """A file without a name."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.durable = bytes(content)
        self.unsynced: list[_Write | int] = []  # a write, or the size of a truncation

    def after_crash(self, chance: random.Random) -> Inode:
        content = bytearray(self.durable)
        for change in self.unsynced:
            if isinstance(change, int):
                if chance.random() < 0.5:
                    del content[change:]
            else:
                _keep_some(content, change, chance)
        return Inode(bytes(content))


def _keep_some(content: bytearray, write: _Write, chance: random.Random) -> None:
    """The write whole, gone, its first sectors, or any of them; holes are zeros."""
    sectors = list(_sectors(write))
    fate = chance.choice(["whole", "gone", "first", "any"])
    if fate == "gone":
        return
    if fate == "first":
        sectors = sectors[: chance.randrange(len(sectors) + 1)]
    for start, block in sectors:
        if fate != "any" or chance.random() < 0.6:
            if len(content) < start:
                content.extend(bytes(start - len(content)))
            content[start : start + len(block)] = block


def _sectors(write: _Write) -> Iterator[tuple[int, bytes]]:
    start, end = write.offset, write.offset + len(write.block)
    while start < end:
        stop = min(end, (start // _SECTOR_BYTES + 1) * _SECTOR_BYTES)
        yield start, write.block[start - write.offset : stop - write.offset]
        start = stop


class SimDisk:
    """A `Disk` in memory. Every call counts; `fail_at`, `short_at` and `cut_at` name calls by their number, from 1."""

    def __init__(self) -> None:
        self.calls = 0
        self.fail_at: int | None = None
        self.fail_errno = errno.EIO
        self.is_persistent = False
        self.short_at: int | None = None
        self.cut_at: int | None = None
        self.fail_syncs = False
        self.syncs = 0
        self._names: dict[Path, Inode] = {}
        self._durable_names: dict[Path, Inode] = {}
        self._unsynced_names: list[tuple[Path, Path | None, Inode | None]] = []  # (name, renamed from, inode put)
        self._folders: set[Path] = set()
        self._locks: set[Path] = set()

    # -- what a test does to it ---------------------------------------------------------------------------------

    def crash(self, chance: random.Random) -> SimDisk:
        """The disk after a power cut."""
        names = dict(self._durable_names)
        for name, source, inode in self._unsynced_names:
            if chance.random() < 0.5:
                _apply(names, name, source, inode)
        after = SimDisk()
        crashed: dict[int, Inode] = {}
        for name, inode in names.items():
            kept = crashed.setdefault(id(inode), inode.after_crash(chance))
            after._names[name] = after._durable_names[name] = kept
        after._folders = set(self._folders)
        return after

    def restarted(self) -> SimDisk:
        """The same disk after its process died: nothing is lost, locks are free, faults are healed."""
        self.calls = 0
        self.fail_at = self.short_at = self.cut_at = None
        self.fail_syncs = False
        self._locks.clear()
        return self

    def contents(self) -> dict[str, bytes]:
        return {str(name): bytes(inode.content) for name, inode in self._names.items()}

    def put(self, path: Path, content: bytes) -> None:
        self._folders.add(path.parent)
        self._names[path] = self._durable_names[path] = Inode(content)

    # -- Disk ---------------------------------------------------------------------------------------------------

    def open_new(self, path: Path) -> DiskFile:
        self.count()
        inode = Inode()
        self._put(path, inode)
        return SimFile(self, inode)

    def open_append(self, path: Path) -> DiskFile:
        self.count()
        return SimFile(self, self._at(path))

    def open_read(self, path: Path) -> DiskFile:
        self.count()
        return SimFile(self, self._at(path))

    def lock(self, path: Path) -> Lock:
        self.count()
        if path in self._locks:
            raise LockHeld(None)
        self._locks.add(path)
        return _SimLock(self._locks, path)

    def identity(self, path: Path) -> object | None:
        self.count()
        return self._names.get(path)

    def names(self, folder: Path) -> list[str]:
        self.count()
        return sorted(path.name for path in self._names if path.parent == folder)

    def make_folder(self, folder: Path) -> None:
        self.count()
        self._folders.add(folder)

    def rename(self, source: Path, target: Path) -> None:
        self.count()
        inode = self._at(source)
        _apply(self._names, target, source, inode)
        self._unsynced_names.append((target, source, inode))

    def unlink(self, path: Path) -> None:
        self.count()
        self._at(path)
        del self._names[path]
        self._unsynced_names.append((path, None, None))

    def sync_folder(self, folder: Path) -> None:
        self.count()
        left = []
        for name, source, inode in self._unsynced_names:
            if folder in (name.parent, source.parent if source else None):
                _apply(self._durable_names, name, source, inode)
            else:
                left.append((name, source, inode))
        self._unsynced_names = left

    # -- within -------------------------------------------------------------------------------------------------

    def count(self) -> None:
        self.calls += 1
        if self.cut_at is not None and self.calls >= self.cut_at:
            raise PowerCut
        if self.fail_at is not None and (
            self.calls == self.fail_at or (self.is_persistent and self.calls > self.fail_at)
        ):
            raise OSError(self.fail_errno, os.strerror(self.fail_errno))

    def _at(self, path: Path) -> Inode:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return self._names[path]

    def _put(self, path: Path, inode: Inode) -> None:
        self._names[path] = inode
        self._unsynced_names.append((path, None, inode))


def _apply(names: dict[Path, Inode], name: Path, source: Path | None, inode: Inode | None) -> None:
    if source is not None:
        names.pop(source, None)
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


class SimFile:
    """An open file of a `SimDisk`."""

    def __init__(self, disk: SimDisk, inode: Inode) -> None:
        self._disk = disk
        self._inode = inode

    def write(self, block: bytes | bytearray | memoryview) -> int:
        self._disk.count()
        taken = bytes(block)
        if self._disk.calls == self._disk.short_at:
            taken = taken[: max(1, len(taken) // 2)]
        self._inode.unsynced.append(_Write(len(self._inode.content), taken))
        self._inode.content += taken
        return len(taken)

    def read_at(self, size: int, offset: int) -> bytes:
        self._disk.count()
        return bytes(self._inode.content[offset : offset + size])

    def size(self) -> int:
        self._disk.count()
        return len(self._inode.content)

    def truncate(self, size: int) -> None:
        self._disk.count()
        del self._inode.content[size:]
        self._inode.unsynced.append(size)

    def fdatasync(self) -> None:
        self._disk.count()
        self._disk.syncs += 1
        if self._disk.fail_syncs:
            # As Linux does it: the pages count as clean from now on, so another sync would succeed without writing.
            self._inode.unsynced.clear()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._inode.durable = bytes(self._inode.content)
        self._inode.unsynced.clear()

    def identity(self) -> object:
        return self._inode

    def close(self) -> None:
        pass


class _SimLock:
    def __init__(self, locks: set[Path], path: Path) -> None:
        self._locks = locks
        self._path = path

    def release(self) -> None:
        self._locks.discard(self._path)
