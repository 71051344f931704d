"""What the `capture` commands do."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from actors.connection.capture.facts import CaptureReading
from actors.connection.capture.file import CaptureFile
from actors.connection.capture.format import CaptureDamaged, capture_files
from events.money import use_exact_arithmetic
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.shown import console, print_json, table, time_utc


def print_facts(place: Path) -> None:
    """One line a fact; on stderr what is not whole. Raises `CommandFailed` behind the last fact before a damage."""
    use_exact_arithmetic()
    try:
        reading = CaptureReading(_files(place))
        for told in reading:
            row = {"received_at": told.received_at, "by": told.by, "time": told.time, "event": told.event}
            sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
        sys.stdout.buffer.flush()
    except CaptureDamaged as damage:
        raise CommandFailed(str(damage), Exit.INTEGRITY) from damage
    for remark in reading.remarks:
        print(remark, file=sys.stderr)


def print_files(place: Path, *, as_json: bool) -> None:
    """A row for each file."""
    rows = [_counted(path) for path in _files(place)]
    if as_json:
        print_json({"files": rows})
        return
    shown = table("", "file", "frames", "connections", "from", "to", "whole")
    for row in rows:
        shown.add_row(*(str(row[name]) for name in ("file", "frames", "connections", "from", "to", "whole")))
    console().print(shown)


def _counted(path: Path) -> dict[str, str | int]:
    frames, connections, first, last = 0, set[int](), 0, 0
    try:
        file = CaptureFile(path)
        for entry in file:
            frames += entry.kind == "frame"
            connections.add(entry.connection)
            first, last = first or entry.at, entry.at
        whole = file.cut_short or "yes"
    except CaptureDamaged as damage:
        whole = str(damage)
    begin, end = (time_utc(first), time_utc(last)) if first else ("", "")
    return {
        "file": path.name,
        "frames": frames,
        "connections": len(connections),
        "from": begin,
        "to": end,
        "whole": whole,
    }


def _files(place: Path) -> list[Path]:
    files = capture_files(place)
    if not files or not files[0].exists():
        raise CommandFailed(f"{place}: no captured frames are here", Exit.NOT_FOUND)
    return files
