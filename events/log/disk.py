"""What the log asks of a disk. The real one is a thin layer over the system calls; tests put failing ones here."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Protocol


class DiskFile(Protocol):
    """An open file. Every method may raise `OSError`."""

    def write(self, block: bytes | bytearray | memoryview) -> int:
        """Append; returns how many bytes were taken, which may be fewer than given."""

    def read_at(self, size: int, offset: int) -> bytes:
        """At most `size` bytes from `offset`; empty at the end."""

    def size(self) -> int: ...

    def truncate(self, size: int) -> None: ...

    def fdatasync(self) -> None: ...

    def identity(self) -> object:
        """Equal for two open files exactly when they are the same file, whatever it is called by now."""

    def close(self) -> None: ...


class Lock(Protocol):
    def release(self) -> None: ...


class LockHeld(Exception):
    """Somebody else has the lock; `holder` is their pid where the lock file tells it."""

    def __init__(self, holder: int | None) -> None:
        self.holder = holder
        super().__init__(f"held by process {holder}")


class Disk(Protocol):
    """The calls the log makes. Every one may raise `OSError`."""

    def open_new(self, path: Path) -> DiskFile:
        """A new, empty file for appending; what was there is gone."""

    def open_append(self, path: Path) -> DiskFile:
        """An existing file for reading and appending."""

    def open_read(self, path: Path) -> DiskFile: ...

    def lock(self, path: Path) -> Lock:
        """Take the lock or raise `LockHeld` at once."""

    def identity(self, path: Path) -> object | None:
        """The identity of the file now at `path`; None when there is none."""

    def names(self, folder: Path) -> list[str]:
        """The names in a folder, sorted; none when it does not exist."""

    def make_folder(self, folder: Path) -> None: ...

    def rename(self, source: Path, target: Path) -> None: ...

    def unlink(self, path: Path) -> None: ...

    def sync_folder(self, folder: Path) -> None:
        """Make the folder's entries durable."""


def write_all(file: DiskFile, block: bytes | bytearray | memoryview) -> None:
    """Write every byte, however often it takes.

    On a full disk the first `write` past the limit takes fewer bytes and raises nothing, a sync after it succeeds,
    and only the next write raises: without this loop an acknowledged commit would be torn.
    """
    taken = file.write(block)
    if taken == len(block):
        return
    left = memoryview(block)[taken:]
    while left:
        taken = file.write(left)
        if taken <= 0:
            raise OSError(errno.EIO, "a write took no bytes and raised nothing")
        left = left[taken:]


class RealFile:
    """A file descriptor."""

    def __init__(self, path: Path, flags: int) -> None:
        self._fd = os.open(path, flags | os.O_CLOEXEC, 0o644)

    def write(self, block: bytes | bytearray | memoryview) -> int:
        return os.write(self._fd, block)

    def read_at(self, size: int, offset: int) -> bytes:
        return os.pread(self._fd, size, offset)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def fdatasync(self) -> None:
        os.fdatasync(self._fd)

    def identity(self) -> object:
        status = os.fstat(self._fd)
        return (status.st_dev, status.st_ino)

    def close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


class _FlockedFile:
    """`flock` on a file that holds the pid of whoever has it. The file stays: removing it would be a race."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(self._fd, 32, 0).strip()
            os.close(self._fd)
            raise LockHeld(int(text) if text.isdigit() else None) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


class RealDisk:
    """The file system."""

    def open_new(self, path: Path) -> DiskFile:
        return RealFile(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC)

    def open_append(self, path: Path) -> DiskFile:
        return RealFile(path, os.O_RDWR | os.O_APPEND)

    def open_read(self, path: Path) -> DiskFile:
        return RealFile(path, os.O_RDONLY)

    def lock(self, path: Path) -> Lock:
        return _FlockedFile(path)

    def identity(self, path: Path) -> object | None:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return None
        return (status.st_dev, status.st_ino)

    def names(self, folder: Path) -> list[str]:
        try:
            return sorted(os.listdir(folder))
        except FileNotFoundError:
            return []

    def make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        self.sync_folder(folder.parent)

    def rename(self, source: Path, target: Path) -> None:
        os.rename(source, target)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def sync_folder(self, folder: Path) -> None:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


#: The disk of this machine.
REAL_DISK: Disk = RealDisk()
