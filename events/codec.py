"""One codec with canonical bytes: a record is one line of JSON, and the same record is always the same line.

Fields stand in the order of their definition, fields at their default are left out, decimals are strings with
their digits as given. `encode(decode(line)) == line` for every line that this codec wrote.
"""

from __future__ import annotations

import hashlib

import msgspec

from events.record import Record

_encoder = msgspec.json.Encoder(decimal_format="string", order=None)
_canonical = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_decoder = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """The record's line, without its newline."""
    return _encoder.encode(record)


def decode(line: bytes) -> Record:
    """The record of a line. Raises `msgspec.ValidationError` or `DecodeError` naming the path that is wrong."""
    return _decoder.decode(line)


def canonical_bytes(value: object) -> bytes:
    """Any of our values as canonical JSON, mappings sorted: what digests and snapshots are made of."""
    return _canonical.encode(value)


def digest_of(value: object) -> str:
    """SHA-256 over the canonical bytes, in hex."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
