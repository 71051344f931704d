"""Lines of a text file, plain or compressed, with their numbers; damage becomes an error that names its place."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

import zstandard

from events.catalog import ProductListed
from projections.notional import is_inverse
from replay.tapes.tape import Moment, Tape, TapeUnreadable

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_COPY_AGAIN = "copy or record it again"
#: A line longer than this is no line of a tape. The largest book of the exchange is half as large.
MAX_LINE_BYTES = 16 * 1024 * 1024


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, the line without its end). Empty lines are left out. Raises `TapeUnreadable`."""
    number = 0
    try:
        with path.open("rb") as file, _uncompressed(file) as text:
            while line := text.readline(MAX_LINE_BYTES):
                number += 1
                if len(line) == MAX_LINE_BYTES:
                    raise TapeUnreadable(path, number, "a line without end", "is it a tape at all?")
                if stripped := line.strip():
                    yield number, stripped
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise TapeUnreadable(path, number + 1, f"compressed bytes are damaged ({error})", _COPY_AGAIN) from error
    except OSError as error:
        raise TapeUnreadable(path, None, error.strerror or str(error), "check the path and its permissions") from error


def recording(
    path: Path, product: ProductListed, *, read: Callable[[], Iterator[Moment]], name: str | None = None
) -> Tape:
    """The tape of a file: identified by its bytes, called as the file unless it has a name of its own.

    Raises `TapeUnreadable` where its beginning cannot be read.
    """
    if is_inverse(product):
        raise TapeUnreadable(path, None, "its product is an inverse contract", "only linear contracts are computed")
    start = next((time for time, _ in read()), None)
    if start is None:
        raise TapeUnreadable(path, None, "the tape is empty", _COPY_AGAIN)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Tape(name=name or path.name.split(".")[0], product=product, digest=digest, start=start, read=read)


def _uncompressed(file: BinaryIO) -> IO[bytes] | gzip.GzipFile:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(_GZIP):
        return gzip.open(file)
    if magic == _ZSTD:
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    return file
