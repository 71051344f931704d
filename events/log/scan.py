"""Walks a segment's bytes commit by commit and checks the chain, holding no more than one commit and one chunk.

What does not check out is placed and named, never skipped:

- *damage*: the commit was known durable (a commit behind it says so), or it is whole to its newline and the last;
- *lost write*: it was never known durable and other commits stand behind it: a power cut kept the later bytes only.

What follows the last commit line is no commit. Whether it is the harmless beginning of one is asked in `torn`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn, Protocol

import msgspec

from events.log.errors import Damage, LogDamaged
from events.log.framing import (
    COMMIT_END,
    COMMIT_MARK,
    DIGEST_BYTES,
    MAX_COMMIT_BYTES,
    chained,
    parse_commit,
)
from events.log.protocol import Place

#: How much is read at once. Smaller costs calls, larger costs cache.
CHUNK_BYTES = 256 * 1024

_DIGEST_AND_END = DIGEST_BYTES + len(COMMIT_END)
_COMMIT_LINE = re.compile(rb'\n\{"commit":\{"first":\d+,"last":\d+,"durable":(\d+),"digest":"[0-9a-f]{64}"\}\}\n')
_LONGEST_COMMIT_LINE = 256


class ByteSource(Protocol):
    """Bytes in order. `read` returns at most `size`, and none at the end."""

    def read(self, size: int) -> bytes: ...


class Block(msgspec.Struct, frozen=True, gc=False):
    """One commit that checks out, not decoded yet. `offset` is its first byte in the file.

    Its lines are the bytes of `held` from `start` to `end`.
    """

    first: int
    last: int
    durable: int
    digest: str
    offset: int
    held: bytes
    start: int
    end: int


class Scan:
    """A walk that begins behind `place`, at byte `offset`.

    `lead` is the file's header when no commit of the file was read yet: it is part of the first one's digest.
    After the walk, `place` and `offset` are behind the last commit, and `tail` is what follows it.
    """

    def __init__(
        self, source: ByteSource, *, file: str, place: Place, offset: int, lead: bytes, is_closed: bool
    ) -> None:
        self.file = file
        self.place = place
        self.offset = offset
        self.lead = lead
        self.tail = b""
        self._source = source
        self._is_closed = is_closed

    def blocks(self) -> Iterator[Block]:
        """The commits from here to the end of the bytes."""
        held = b""  # bytes from `self.offset` on, behind what `start` has passed
        start = searched = 0
        while True:
            mark = held.find(COMMIT_MARK, searched)
            stop = held.find(b"\n", mark + 1) if mark >= 0 else -1
            if stop < 0:
                searched = mark if mark >= 0 else max(start, len(held) - len(COMMIT_MARK))
                if len(held) - start > MAX_COMMIT_BYTES:
                    self._damaged("no commit ends within the largest size one may have", None, behind=held[start:])
                more = self._source.read(max(CHUNK_BYTES, len(held) - start))
                if not more:
                    self.tail = held[start:]
                    return
                held, searched, start = held[start:] + more, searched - start, 0
                continue
            yield self._checked(held, start, mark + 1, stop + 1)
            start = searched = stop + 1

    def _checked(self, held: bytes, start: int, line: int, stop: int) -> Block:
        """The block from `start` whose commit line begins at `line` and ends before `stop`."""
        first = self.place.seq + 1
        commit = parse_commit(held[line:stop])
        if commit is None:
            self._damaged("a commit line is not spelled as one", None, behind=held[stop - 1 :])
        if commit.first > first:
            what = f"records {commit.first}..{commit.last} follow record {first - 1}"
            self._damaged(what, commit.first - 1, behind=held[line - 1 :])
        if commit.first < first or commit.last < first:
            what = f"a commit of records {commit.first}..{commit.last} follows record {first - 1}"
            self._damaged(what, None, behind=held[stop - 1 :])
        hashed = memoryview(held)[start : stop - _DIGEST_AND_END]
        digest = chained(self.place.digest.encode(), self.lead, hashed)
        if held[stop - _DIGEST_AND_END : stop] != digest.encode() + COMMIT_END:
            self._damaged("a commit's digest is not that of its bytes", commit.last, behind=held[stop - 1 :])
        block = Block(first, commit.last, commit.durable, digest, self.offset, held, start, line)
        self.offset += stop - start
        self.place = Place(commit.last, digest)
        self.lead = b""
        return block

    def _damaged(self, what: str, last: int | None, *, behind: bytes) -> NoReturn:
        """Refuse the commit behind `place`. `behind` is what was read of the bytes after it."""
        seq = self.place.seq
        raise LogDamaged(
            what,
            kind=Damage.DAMAGE if self._is_closed else self._kind(behind),
            file=self.file,
            offset=self.offset,
            first_seq=seq + 1,
            last_seq=last,
            remedy=f"Restore the file from a copy, or go on without these records: perptape log cut --at {seq}",
        )

    def _kind(self, behind: bytes) -> Damage:
        """Whether the bad commit was known durable, judged by the commits behind it; that reads to the file's end."""
        count = durable = 0
        while behind:
            end = 0
            for found in _COMMIT_LINE.finditer(behind):
                count += 1
                durable = max(durable, int(found[1]))
                end = found.end() - 1
            more = self._source.read(CHUNK_BYTES)
            behind = behind[max(end, len(behind) - _LONGEST_COMMIT_LINE) :] + more if more else b""
        return Damage.LOST_WRITE if count and durable <= self.place.seq else Damage.DAMAGE
