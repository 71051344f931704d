"""One codec with canonical bytes: a record is one line of JSON, and the line of a record read is the line it had.

Fields stand in the order of their definition, fields left at their default are left out, decimals are strings with
their digits as given. `encode(decode(line)) == line` for every line that this codec wrote. A default spelled out by
whoever made the event may be written out too, so what is compared between runs is records, never their lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from events.record import Record

_encoder = msgspec.json.Encoder(decimal_format="string", order=None)
_canonical = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_decoder = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """The record's line, without its newline. Raises `UnicodeEncodeError` for text that is no Unicode."""
    return _encoder.encode(record)


def decode(line: bytes) -> Record:
    """The record of a line. Raises `msgspec.ValidationError` or `DecodeError` naming the path that is wrong."""
    return _decoder.decode(line)


def encode_lines(records: Sequence[Record]) -> bytes:
    """The records' lines, each with its newline."""
    return _encoder.encode_lines(records)


def decode_lines(lines: bytes | memoryview) -> list[Record]:
    """The records of lines, each with its newline. Raises as `decode` does, naming the line in the path."""
    return _decoder.decode_lines(lines)


def canonical_bytes(value: object) -> bytes:
    """Any of our values as canonical JSON, mappings sorted: what digests and snapshots are made of."""
    return _canonical.encode(value)


def state_bytes(state: object) -> bytes:
    """A state as it grew: mappings keep the order of their keys, which is a part of what the state knows."""
    return _encoder.encode(state)


def digest_of(value: object) -> str:
    """SHA-256 over the canonical bytes, in hex."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
