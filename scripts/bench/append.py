"""P3: durable append. The log's own commit against bare encode + write + fdatasync, commit by commit in turn."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from events.codec import encode
from events.log import FileLog
from events.record import Record
from scripts.bench.sample import sample_records

#: Records a commit, how many commits a round, and the ratios to reach: first day, goal.
_SIZES = ((1, 400, 0.8, 0.95), (100, 100, 0.6, 0.85), (1000, 30, 0.4, 0.7))


def measure(rounds: int) -> dict[str, object]:
    """A row for each size of commit. `ratio` is bare time by ours at the median, `p99_ratio` ours by bare at p99."""
    return {
        "id": "P3",
        "title": "durable append, records a commit, chain included",
        "reference": "encode each record, one write, fdatasync",
        "rows": [_row(rounds, *size) for size in _SIZES],
    }


def _row(rounds: int, per_commit: int, commits: int, first_day: float, goal: float) -> dict[str, object]:
    records = sample_records(per_commit * commits)
    groups = [records[start : start + per_commit] for start in range(0, len(records), per_commit)]
    medians: list[tuple[float, float]] = []
    bare_all: list[float] = []
    ours_all: list[float] = []
    for number in range(rounds):
        bare, ours = _round(groups, ours_first=bool(number % 2))
        medians.append((median(bare), median(ours)))
        bare_all += bare
        ours_all += ours
    bare_s = median(pair[0] for pair in medians)
    ours_s = median(pair[1] for pair in medians)
    return {
        "case": f"{per_commit} a commit",
        "reference_per_s": per_commit / bare_s,
        "ours_per_s": per_commit / ours_s,
        "ratio": median(pair[0] / pair[1] for pair in medians),
        "p99_ratio": _p99(ours_all) / _p99(bare_all),
        "first_day": first_day,
        "goal": goal,
    }


def _round(groups: Sequence[Sequence[Record]], *, ours_first: bool) -> tuple[list[float], list[float]]:
    """The seconds of each commit, bare and ours, taken in turn so that both meet the same moods of the disk."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        fd = os.open(Path(folder, "bare.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        log = FileLog.open(folder, durability="every", roll_bytes=1 << 40)

        def bare(group: Sequence[Record]) -> None:
            block = b"".join([encode(record) + b"\n" for record in group])
            os.write(fd, block)
            os.fdatasync(fd)

        def ours(group: Sequence[Record]) -> None:
            log.write(group)
            log.commit()

        bare_s: list[float] = []
        ours_s: list[float] = []
        try:
            for group in groups:
                if ours_first:
                    ours_s.append(_seconds(ours, group))
                bare_s.append(_seconds(bare, group))
                if not ours_first:
                    ours_s.append(_seconds(ours, group))
        finally:
            os.close(fd)
            log.close()
    return bare_s, ours_s


def _seconds(act: Callable[[Sequence[Record]], None], group: Sequence[Record]) -> float:
    start = perf_counter()
    act(group)
    return perf_counter() - start


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]
