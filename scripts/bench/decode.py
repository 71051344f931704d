"""P2: typed decode from the log with the chain and the order of all records checked, against a bare line loop."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from events.codec import encode
from events.log import FileLog, read_records
from events.record import Record
from scripts.bench.sample import sample_records

_RECORDS = 100_000
_FIRST_DAY, _GOAL = 0.6, 0.85
#: Records a commit: as a group commit makes them under load, and smaller.
_PER_COMMIT = (256, 32, 4, 1)


def measure(rounds: int) -> dict[str, object]:
    """A row for each size of commit; `ratio` is bare time by ours."""
    records = sample_records(_RECORDS)
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.jsonl")
        bare.write_bytes(b"".join([encode(record) + b"\n" for record in records]))
        logs = [_log(Path(folder, str(per_commit)), records, per_commit) for per_commit in _PER_COMMIT]
        seconds = [(_bare_seconds(bare), [_our_seconds(log) for log in logs]) for _ in range(rounds)]
    rows = []
    for index, per_commit in enumerate(_PER_COMMIT):
        rows.append(
            {
                "case": f"{per_commit} a commit",
                "reference_per_s": _RECORDS / median(bare_s for bare_s, _ in seconds),
                "ours_per_s": _RECORDS / median(ours[index] for _, ours in seconds),
                "ratio": median(bare_s / ours[index] for bare_s, ours in seconds),
                "first_day": _FIRST_DAY,
                "goal": _GOAL,
            }
        )
    return {
        "id": "P2",
        "title": "typed decode from the log with all checks",
        "reference": "msgspec tagged union, line by line",
        "rows": rows,
    }


def _log(folder: Path, records: list[Record], per_commit: int) -> Path:
    with FileLog.open(folder, durability="os", roll_bytes=1 << 40) as log:
        for start in range(0, len(records), per_commit):
            log.write(records[start : start + per_commit])
            log.commit()
    return folder


def _bare_seconds(path: Path) -> float:
    decode = msgspec.json.Decoder(Record).decode
    start = perf_counter()
    count = 0
    with path.open("rb") as lines:
        for line in lines:
            decode(line)
            count += 1
    seconds = perf_counter() - start
    assert count == _RECORDS
    return seconds


def _our_seconds(folder: Path) -> float:
    start = perf_counter()
    count = 0
    for _ in read_records(folder):
        count += 1
    seconds = perf_counter() - start
    assert count == _RECORDS
    return seconds
