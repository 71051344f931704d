"""The log in memory: for tests, backtests and what-ifs. The same chain, the same refusals, and nothing survives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from events.codec import encode_lines
from events.log.decoding import records_of
from events.log.errors import LogWriteFailed, off_place
from events.log.framing import COMMIT_END, chained, commit_head, header_line
from events.log.order import expect_to_follow
from events.log.protocol import BEGINNING, Commit, Place, Recovery
from events.log.scan import Block
from events.record import Record

_FILE = "memory"


class MemoryLog:
    """An `EventLog` that keeps its commits as bytes. Its digests are those of a `FileLog` that synced as often."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._header = header_line(segment=1, first=1, previous=BEGINNING.digest)
        self._size = len(self._header)
        self._head = BEGINNING
        self._durable = 0
        self._open: list[Record] = []
        self._last_at = 0
        self._is_closed = False

    @property
    def head(self) -> Place:
        return self._head

    @property
    def next_seq(self) -> int:
        return self._head.seq + len(self._open) + 1

    @property
    def last_at(self) -> int:
        return self._last_at

    @property
    def durable(self) -> int:
        return self._durable

    @property
    def is_pending(self) -> bool:
        return bool(self._open)

    @property
    def segment(self) -> int:
        return 1

    @property
    def recovered(self) -> Recovery | None:
        return None

    def write(self, records: Sequence[Record]) -> None:
        self._expect_open()
        _, last_at = expect_to_follow(records, next_seq=self.next_seq, last_at=self._last_at, file=_FILE)
        encode_lines(records)
        self._open.extend(records)
        self._last_at = last_at

    def commit(self, sync: bool = False) -> Place:
        self._expect_open()
        if self._open:
            self._close_commit()
        if sync:
            self._durable = self._head.seq
        return self._head

    def sync(self) -> None:
        self._expect_open()
        self._durable = self._head.seq

    def records(self, after: int | Place = 0) -> Iterator[Record]:
        seq = after.seq if isinstance(after, Place) else after
        records = chain.from_iterable(commit.records for commit in self.commits(after))
        return (record for record in records if record.seq > seq)

    def commits(self, after: int | Place = 0) -> Iterator[Commit]:
        if isinstance(after, Place) and not self.has(after):
            raise off_place(after.seq, after.digest, why="no commit ends there so", file=_FILE)
        return self._commits(after.seq if isinstance(after, Place) else after)

    def has(self, place: Place) -> bool:
        return place == BEGINNING or any(Place(block.last, block.digest) == place for block in self._blocks)

    def close(self) -> None:
        if not self._is_closed:
            self.commit(sync=True)
            self._is_closed = True

    def _commits(self, after: int) -> Iterator[Commit]:
        at = 0
        for block in self._blocks:
            if block.last > after:
                records = records_of(block, not_before=at, file=_FILE)
                at = records[-1].at
                yield Commit(
                    records=records,
                    place=Place(block.last, block.digest),
                    durable=block.durable,
                    file=_FILE,
                    offset=block.offset,
                )

    def _close_commit(self) -> None:
        first, last = self._head.seq + 1, self._head.seq + len(self._open)
        lines = encode_lines(self._open)
        head = commit_head(first=first, last=last, durable=self._durable)
        lead = b"" if self._blocks else self._header
        digest = chained(self._head.digest.encode(), lead, lines + head)
        end = self._size + len(lines) + len(head) + len(digest) + len(COMMIT_END)
        self._blocks.append(Block(first, last, self._durable, digest, self._size, lines, 0, len(lines)))
        self._head, self._size, self._open = Place(last, digest), end, []

    def _expect_open(self) -> None:
        if self._is_closed:
            raise LogWriteFailed("was closed by this process", file=_FILE)
