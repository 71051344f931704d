"""Our own format: a first line with the product, then one event of our vocabulary a line, written by our codec's rules.

{"tape":1,"name":"…","product":{"type":"ProductListed",…}}
{"at":1772460000000000000,"event":{"type":"TradePrinted",…}}
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from io import BufferedWriter
from itertools import islice
from pathlib import Path

import msgspec

from events.catalog import ProductListed
from events.record import AnyEvent
from replay.tapes.lines import numbered_lines, recording
from replay.tapes.tape import Moment, Tape, TapeUnreadable

VERSION = 1
_REMEDY = "record the tape again, or cut it before this line"


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    tape: int
    name: str
    product: ProductListed


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    at: int
    event: AnyEvent


_heads = msgspec.json.Decoder(_Head)
_lines = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder(decimal_format="string")


def is_this_format(line: bytes) -> bool:
    """Whether the first line of a file looks like this."""
    return line.startswith(b'{"tape":')


def record_tape(tape: Tape, path: Path, *, events: int | None = None) -> int:
    """Write a tape, or its first `events` events, to a file; returns how many. A name that ends in `.gz` is compressed.

    The same tape always gives the same bytes. An endless tape needs `events`.
    """
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
                return _write(tape, compressed, events)
        return _write(tape, file, events)


def read_recorded(path: Path) -> Tape:
    """A tape of our own format. Raises `TapeUnreadable`, for damage inside while it is read."""
    number, line = next(numbered_lines(path))
    try:
        head = _heads.decode(line)
    except msgspec.MsgspecError as error:
        raise TapeUnreadable(path, number, str(error), _REMEDY) from error
    if head.tape > VERSION:
        fault = f"a tape of version {head.tape}, newer than {VERSION}"
        raise TapeUnreadable(path, number, fault, "read it with the version of perptape that wrote it")
    return recording(path, head.product, read=lambda: _moments(path), name=head.name)


def _moments(path: Path) -> Iterator[Moment]:
    reached = 0
    for number, line in islice(numbered_lines(path), 1, None):
        try:
            moment = _lines.decode(line)
        except msgspec.MsgspecError as error:
            raise TapeUnreadable(path, number, str(error), _REMEDY) from error
        if moment.at < reached:
            raise TapeUnreadable(path, number, f"time goes back from {reached} to {moment.at}", _REMEDY)
        reached = moment.at
        yield moment.at, moment.event


def _write(tape: Tape, file: BufferedWriter | gzip.GzipFile, events: int | None) -> int:
    file.write(_encoder.encode(_Head(tape=VERSION, name=tape.name, product=tape.product)) + b"\n")
    count = 0
    for at, event in islice(tape, events):
        file.write(_encoder.encode(_Line(at=at, event=event)) + b"\n")
        count += 1
    return count
