"""Writes the golden log of a release that is not out yet: every event twice, with least and with all of its fields.

    python -m tests.golden.write release-1

Once a release is out its folder is never touched again; the next one gets another.
"""

from __future__ import annotations

import shutil
import sys
import types
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from events.event import Event
from events.log import FileLog
from events.record import Record
from tests.streams.events import EVENT_TYPES

GOLDEN = Path(__file__).parent
_START = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a golden log is known to be: `head` is the digest behind its last record."""

    records: int
    segments: int
    head: str


def write(release: str) -> Expected:
    """Write the log anew and note what it is."""
    folder = GOLDEN / release
    shutil.rmtree(folder, ignore_errors=True)
    middle = len(EVENT_TYPES) // 2
    _append(folder, EVENT_TYPES[:middle], seal=True)
    expected = _append(folder, EVENT_TYPES[middle:], seal=False)
    (folder / "events.jsonl.lock").unlink()
    (folder / "expected.json").write_bytes(msgspec.json.format(msgspec.json.encode(expected)) + b"\n")
    return expected


def _append(folder: Path, kinds: Sequence[type[Event]], *, seal: bool) -> Expected:
    log = FileLog.open(folder, durability="every", seal_in_background=False)
    for kind in kinds:
        for is_full in (False, True):
            seq = log.next_seq
            event = _made(kind, is_full)
            log.write([Record(seq=seq, at=_START + seq, by="golden", cause=seq - 1 or None, event=event)])
        log.commit()
    log.close(seal=seal)
    return Expected(records=log.head.seq, segments=log.segment, head=log.head.digest)


def _made(kind: type[msgspec.Struct], is_full: bool) -> Any:
    hints = get_type_hints(kind)
    fields = [field for field in msgspec.structs.fields(kind) if is_full or field.required]
    return kind(**{field.name: _value(hints[field.name], field.name, is_full) for field in fields})


def _value(hint: Any, name: str, is_full: bool) -> Any:
    """One value of a field's type, the same every time."""
    if hint in _VALUES:
        return _VALUES[hint]
    if hint is str:
        return f'{name} é\n"1"'
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _value(inner[0], name, is_full) if is_full or type(None) not in inner else None
    if origin is tuple:
        return tuple(_value(each, name, is_full) for each in inner if each is not Ellipsis)
    if origin is dict:
        return {name: _value(inner[1], name, is_full)}
    if issubclass(hint, Enum):
        return list(hint)[-1 if is_full else 0]
    return _made(hint, is_full)


_VALUES: dict[Any, Any] = {bool: True, int: 1_767_225_600_123_456_789, Decimal: Decimal("-12.50")}

if __name__ == "__main__":
    print(write(sys.argv[1]))
