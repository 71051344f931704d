"""Whether the bytes behind the last commit are the harmless beginning of a commit, or a commit that was damaged.

A crash or a full disk leaves a prefix of a block: whole record lines with the next seqs, then perhaps a piece of a
line. Nobody was told of it, so it may be cut. Anything else that ends in a newline was written whole, and acknowledged
for all we know: a commit line with a flipped byte must not be taken for an unfinished write.
"""

from __future__ import annotations

import re

import msgspec


class _Numbered(msgspec.Struct):
    """Of a record's line only its seq: the event may be of a version that we don't know."""

    seq: int


_decode = msgspec.json.Decoder(_Numbered).decode

#: A commit line, or what is left of one, whose newline became something else.
_WHOLE_BUT_FOR_ITS_NEWLINE = re.compile(rb'\{.*"\}\}.\Z', re.DOTALL)


def unfinished_records(tail: bytes, next_seq: int) -> int | None:
    """How many whole record lines an unfinished commit has; None when the tail cannot be the beginning of one."""
    *lines, rest = tail.split(b"\n")
    for count, line in enumerate(lines):
        try:
            seq = _decode(line).seq
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if seq != next_seq + count:
            return None
    if _WHOLE_BUT_FOR_ITS_NEWLINE.match(rest) and rest.startswith(b'{"c'):
        return None
    return len(lines)
