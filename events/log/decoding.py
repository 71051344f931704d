"""From a commit that checks out to its records: decoded at full speed, lifted where an event is of an older shape."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NoReturn

import msgspec

from events.codec import decode, decode_lines
from events.lifting import UnknownTag, decode_lifting
from events.log.errors import Damage, LogDamaged, UnknownEvent
from events.log.scan import Block
from events.record import Record

#: Commits are decoded in pieces that stay in the processor's cache while they are looked at.
_PIECE_BYTES = 32 * 1024


def records_of(block: Block, *, not_before: int, file: str) -> tuple[Record, ...]:
    """The block's records: its seqs without a gap, time not going back, none before `not_before`."""
    pieces = list(pieces_of(block, not_before=not_before, file=file))
    return tuple(pieces[0]) if len(pieces) == 1 else tuple(chain.from_iterable(pieces))


def pieces_of(block: Block, *, not_before: int, file: str) -> Iterator[list[Record]]:
    """The same in pieces, decoded as they are asked for. The chain was checked over all of them."""
    held, start, end = block.held, block.start, block.end
    expected, at = block.first, not_before
    while start < end:
        stop = held.find(b"\n", min(start + _PIECE_BYTES, end - 1), end) + 1
        try:
            records = decode_lines(held[start:stop])
        except (msgspec.DecodeError, UnicodeDecodeError):
            records = _decode_each(held[start:stop], file, expected, block.offset + start - block.start)
        for record in records:
            now = record.at
            if record.seq != expected or now < at:
                _out_of_place(block, file, record, expected, at)
            at = now
            expected += 1
        start = stop
        if start == end and expected != block.last + 1:
            _refuse(block, file, f"the commit says it ends at record {block.last}, but holds no record {expected}")
        if records:
            yield records


def last_at_of(block: Block) -> int:
    """The time of a block's last record, whatever its event."""
    last = max(block.start, block.held.rfind(b"\n", block.start, block.end - 1) + 1)
    return _decode_timed(block.held[last : block.end]).at


class _Timed(msgspec.Struct):
    at: int


_decode_timed = msgspec.json.Decoder(_Timed).decode


def _decode_each(lines: bytes, file: str, seq: int, offset: int) -> list[Record]:
    """The slow way: line by line, with lifts, so that what cannot be read is named with its own place."""
    records = []
    for line in lines.splitlines(keepends=True):
        try:
            records.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            records.append(_decode_old(file, seq, offset, line))
        offset += len(line)
        seq += 1
    return records


def _decode_old(file: str, seq: int, offset: int, line: bytes) -> Record:
    try:
        return decode_lifting(line)
    except UnknownTag as unknown:
        raise UnknownEvent(tag=unknown.tag, file=file, offset=offset, seq=seq) from unknown
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LogDamaged(
            f"the chain is right, but record {seq} cannot be read: {error}",
            kind=Damage.OUT_OF_PLACE,
            file=file,
            offset=offset,
            first_seq=seq,
            remedy="The line was not written by perptape, or by a later version: read it with the one that wrote it",
        ) from error


def _out_of_place(block: Block, file: str, record: Record, expected: int, at: int) -> NoReturn:
    if record.seq != expected:
        _refuse(block, file, f"record {record.seq} stands where record {expected} belongs")
    _refuse(block, file, f"record {record.seq} is from {record.at}, before {at} of the record before it")


def _refuse(block: Block, file: str, what: str) -> NoReturn:
    raise LogDamaged(
        f"the chain is right, but {what}",
        kind=Damage.OUT_OF_PLACE,
        file=file,
        offset=block.offset,
        first_seq=block.first,
        last_seq=block.last,
        remedy=f"Somebody rewrote the log: restore it, or go on without: perptape log cut --at {block.first - 1}",
    )
