"""From a commit that checks out to its records: decoded at full speed, lifted where an event is of an older shape."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from events.codec import decode, decode_lines
from events.lifting import UnknownTag, decode_lifting
from events.log.errors import Damage, LogDamaged, UnknownEvent
from events.log.scan import Block
from events.record import Record


def records_of(block: Block, *, not_before: int, file: str) -> tuple[Record, ...]:
    """The block's records: its seqs without a gap, time not going back, none before `not_before`."""
    try:
        records = decode_lines(block.lines)
    except (msgspec.DecodeError, UnicodeDecodeError):
        records = _decode_each(block, file)
    expected, at = block.first, not_before
    for record in records:
        if record.seq != expected or record.at < at:
            _out_of_place(block, file, record, expected, at)
        at = record.at
        expected += 1
    if expected != block.last + 1:
        _refuse(block, file, f"the commit says it ends at record {block.last}, but holds no record {expected}")
    return tuple(records)


def last_at_of(block: Block) -> int:
    """The time of a block's last record, whatever its event."""
    lines = bytes(block.lines)
    return _decode_timed(lines[lines.rfind(b"\n", 0, -1) + 1 :]).at


class _Timed(msgspec.Struct):
    at: int


_decode_timed = msgspec.json.Decoder(_Timed).decode


def _decode_each(block: Block, file: str) -> list[Record]:
    """The slow way: line by line, with lifts, so that what cannot be read is named with its own place."""
    records = []
    offset = block.offset
    for seq, line in enumerate(bytes(block.lines).splitlines(keepends=True), start=block.first):
        try:
            records.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            records.append(_decode_old(file, seq, offset, line))
        offset += len(line)
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
