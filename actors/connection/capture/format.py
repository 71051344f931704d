"""How captured frames lie in their files: a zstd stream of entries, each with its checksum.

An entry is a line `crc at connection kind length` (receive time in nanoseconds UTC, the feed's count of connections;
the CRC-32 in hex is of the rest of the line and the bytes), the bytes themselves, and a line end. The first entry of a
file is its header, as JSON.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec

SUFFIX = ".frames.zst"
VERSION = 1
#: What the frames are written in: Advanced Trade's channels, or the older Exchange's flat messages.
ADVANCED, EXCHANGE = "advanced", "exchange"


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


def entry_bytes(at: int, connection: int, kind: str, payload: bytes) -> bytes:
    """One entry as it is written, before it is compressed."""
    head = f"{at} {connection} {kind} {len(payload)}".encode()
    return b"%s %s\n%s\n" % (crc_of(head, payload), head, payload)


def crc_of(head: bytes, payload: bytes) -> bytes:
    return b"%08x" % zlib.crc32(payload, zlib.crc32(head))


def capture_files(place: Path) -> list[Path]:
    """A file itself, or the captures of a folder, each feed's in the order they were written."""
    return [place] if not place.is_dir() else sorted(place.glob(f"*{SUFFIX}"), key=age_of)


def age_of(path: Path) -> tuple[str, int, int]:
    """What captures are sorted by: feed, run, number."""
    feed, run, number, *_ = [*path.name.split("."), "0", "0"]
    return feed, int(run) if run.isdigit() else 0, int(number) if number.isdigit() else 0
