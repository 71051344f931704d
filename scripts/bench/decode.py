"""P2: typed decode from the log with the chain and the order of all records checked, against a bare line loop.

Both are measured in processor time: nothing here waits for a disk, and a busy machine then disturbs the ratio less.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import process_time

import msgspec

from events.codec import encode
from events.log import FileLog, read_records
from events.record import Record
from scripts.bench.sample import sample_records

_RECORDS = 100_000
_FIRST_DAY, _GOAL = 0.6, 0.85
#: Records a commit, and whether the ratio is one to reach: a busy log groups hundreds or thousands; a commit of its own
#: for each record is the worst case, shown so that nobody is surprised.
_PER_COMMIT = ((4096, True), (256, True), (32, True), (1, False))


def measure(rounds: int) -> dict[str, object]:
    """A row for each size of commit; `ratio` is bare time by ours."""
    records = sample_records(_RECORDS)
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.jsonl")
        bare.write_bytes(b"".join([encode(record) + b"\n" for record in records]))
        logs = [_log(Path(folder, str(per_commit)), records, per_commit) for per_commit, _ in _PER_COMMIT]
        seconds = [(_bare_seconds(bare), [_our_seconds(log) for log in logs]) for _ in range(rounds)]
    rows = []
    for index, (per_commit, is_goal) in enumerate(_PER_COMMIT):
        row: dict[str, object] = {
            "case": f"{per_commit} a commit",
            "reference_per_s": _RECORDS / median(bare_s for bare_s, _ in seconds),
            "ours_per_s": _RECORDS / median(ours[index] for _, ours in seconds),
            "ratio": median(bare_s / ours[index] for bare_s, ours in seconds),
        }
        rows.append(row | {"first_day": _FIRST_DAY, "goal": _GOAL} if is_goal else row)
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
    start = process_time()
    count = 0
    with path.open("rb") as lines:
        for line in lines:
            decode(line)
            count += 1
    seconds = process_time() - start
    assert count == _RECORDS
    return seconds


def _our_seconds(folder: Path) -> float:
    start = process_time()
    count = 0
    for _ in read_records(folder):
        count += 1
    seconds = process_time() - start
    assert count == _RECORDS
    return seconds
