"""Small logs to break: ticks and kills, a turn at a time, and the places behind each commit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from events.log import EventLog, FileLog, Place, read_records
from events.record import Record
from events.risk import KillSwitchThrown
from events.session import ClockTicked

SECOND = 1_000_000_000


def turn(first: int, count: int = 2, *, text: str = "drill") -> list[Record]:
    """A turn of `count` records from seq `first` on; its time is its first seq in seconds."""
    at = first * SECOND
    head = Record(seq=first, at=at, by="operator", event=KillSwitchThrown(reason=text))
    return [head, *(Record(seq=seq, at=at, by="clock", event=ClockTicked()) for seq in range(first + 1, first + count))]


def fill(log: EventLog, commits: int, per_commit: int = 2, *, sync: bool = False) -> list[Place]:
    """Write that many commits of one turn each; returns the places behind them."""
    places = []
    for _ in range(commits):
        log.write(turn(log.next_seq, per_commit))
        places.append(log.commit(sync))
    return places


def log_of(folder: Path, commits: int, per_commit: int = 2, *, roll_bytes: int = 1 << 30) -> list[Place]:
    """A log in files, closed again; returns the places behind its commits."""
    with FileLog.open(folder, durability="every", roll_bytes=roll_bytes, seal_in_background=False) as log:
        return fill(log, commits, per_commit)


def seqs(path: Path) -> list[int]:
    return [record.seq for record in read_records(path)]


def expected_seqs(places: Sequence[Place]) -> list[int]:
    return list(range(1, places[-1].seq + 1)) if places else []
