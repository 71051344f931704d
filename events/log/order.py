"""What a writer checks before it takes a turn: seqs without a gap, time not going back. Readers check the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from events.log.errors import RecordOutOfPlace
from events.record import Record


def expect_to_follow(records: Sequence[Record], *, next_seq: int, last_at: int, file: Path | str) -> tuple[int, int]:
    """The next seq and the last time behind these records. Raises `RecordOutOfPlace`."""
    expected, at = next_seq, last_at
    for record in records:
        if record.seq != expected or record.at < at:
            raise RecordOutOfPlace(
                f"record {record.seq} at {record.at} cannot follow record {expected - 1} at {at}",
                file=file,
                first_seq=record.seq,
                remedy="Please report this as a bug",
            )
        at = record.at
        expected += 1
    return expected, at
