"""The log: every event in its place, in whole commits, each chained to the one before. The log is the system.

Write through `FileLog.open(...)` or a `MemoryLog()`; read with `read_records`, `read_commits` and `follow`. Imports
the vocabulary and its codec, nothing else of ours.
"""

from events.log.cutting import Cut, cut_log
from events.log.errors import (
    Damage,
    LogDamaged,
    LogError,
    LogLocked,
    LogNotFound,
    LogReadFailed,
    LogTooNew,
    LogWriteFailed,
    NotALog,
    RecordOutOfPlace,
    UnknownEvent,
)
from events.log.filelog import Durability, FileLog
from events.log.layout import DEFAULT_PATH
from events.log.memory import MemoryLog
from events.log.protocol import BEGINNING, Commit, EventLog, Place, Recovery
from events.log.reading import Follower, follow, read_commits, read_records
from events.log.snapshots import Snapshot, SnapshotStore

__all__ = [
    "BEGINNING",
    "DEFAULT_PATH",
    "Commit",
    "Cut",
    "Damage",
    "Durability",
    "EventLog",
    "FileLog",
    "Follower",
    "LogDamaged",
    "LogError",
    "LogLocked",
    "LogNotFound",
    "LogReadFailed",
    "LogTooNew",
    "LogWriteFailed",
    "MemoryLog",
    "NotALog",
    "Place",
    "RecordOutOfPlace",
    "Recovery",
    "Snapshot",
    "SnapshotStore",
    "UnknownEvent",
    "cut_log",
    "follow",
    "read_commits",
    "read_records",
]
