"""What the `log` commands do: records as lines, one record with its causes, counts, the chain, a cut."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter, deque
from pathlib import Path
from typing import Any

import msgspec
from rich.text import Text

from events.codec import encode
from events.log import Commit, Place, cut_log, follow, read_commits
from events.log.layout import Layout
from events.record import Record
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.places import is_written_now
from scripts.cli.shown import Json, clock_time, console, duration, print_json, table, time_utc
from scripts.cli.vocabulary import known_event

#: In a line of a tail, a field longer than this is cut.
FIELD_WIDTH = 60
#: A tail looks for the last commit line within so many bytes of the end.
TAIL_BYTES = 256 * 1024
_COMMIT_LINE = re.compile(rb'^\{"commit":\{"first":\d+,"last":(\d+),', re.MULTILINE)


class Wanted(msgspec.Struct, frozen=True):
    """Which records a command is about. Empty: all."""

    types: frozenset[str]
    by: str | None

    @classmethod
    def of(cls, types: list[str] | None, by: str | None) -> Wanted:
        """Raises `CommandFailed` (usage) for a type that is not in the vocabulary."""
        return cls(frozenset(known_event(each) for each in types or ()), by)

    def has(self, record: Record) -> bool:
        return (self.by is None or record.by == self.by) and (
            not self.types or type(record.event).__name__ in self.types
        )


class RecordPrinter:
    """Prints a record a line: as the log has it, or for the eye."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = console()
        self._day = ""

    def print(self, record: Record) -> None:
        if self._as_json:
            sys.stdout.buffer.write(encode(record) + b"\n")
            return
        day = time_utc(record.at)[:10]
        if day != self._day:
            self._day = day
            self._print(Text(day, style="dim"))
        cause = "" if record.cause is None else f"← {record.cause}"
        line = Text.assemble(
            (f"{record.seq:>9} ", "dim"),
            f"{time_utc(record.at, digits=3)[11:23]} ",
            (f"{record.by:<18} ", "cyan"),
            (f"{cause:<11} ", "dim"),
            (f"{type(record.event).__name__} ", "bold"),
            _fields(record),
        )
        self._print(line)

    def flush(self) -> None:
        sys.stdout.flush()

    def _print(self, line: Text) -> None:
        """A terminal gets one row a record; a file or a pipe gets all of it."""
        if self._console.is_terminal:
            self._console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            print(line.plain)


def print_last(path: Path, lines: int, wanted: Wanted, printer: RecordPrinter) -> Place | int:
    """The last records that are wanted; returns the place behind the log's end."""
    last: deque[Record] = deque(maxlen=lines)
    place: Place | int = 0
    after = 0 if wanted.types or wanted.by else max(0, _last_seq(path) - lines)
    for commit in read_commits(path, after):
        last.extend(record for record in commit.records if wanted.has(record))
        place = commit.place
    for record in last:
        printer.print(record)
    printer.flush()
    return place


def print_following(path: Path, after: Place | int, wanted: Wanted, printer: RecordPrinter) -> None:
    """Records as they are committed, until Ctrl-C, which is how this ends."""
    try:
        for commit in follow(path, after, poll_s=0.2):
            for record in commit.records:
                if wanted.has(record):
                    printer.print(record)
            printer.flush()
    except KeyboardInterrupt:
        return


def show(path: Path, seq: int, *, as_json: bool) -> None:
    """One record, the chain of causes up to its fact, what followed from it in its turn, and its commit."""
    commit = next(iter(read_commits(path, after=seq - 1)), None)
    found = next((record for record in commit.records if record.seq == seq), None) if commit else None
    if commit is None or found is None:
        raise CommandFailed(
            f"{path}: there is no record {seq}; `perptape log stats` says how many there are", Exit.NOT_FOUND
        )
    by_seq = {record.seq: record for record in commit.records}
    causes: list[Record] = []
    at = found
    while at.cause is not None and at.cause in by_seq:
        at = by_seq[at.cause]
        causes.insert(0, at)
    effects = [record for record in commit.records if record.cause == seq]
    if as_json:
        print_json(
            {
                "record": _plain(found),
                "causes": [_plain(record) for record in causes],
                "effects": [_plain(record) for record in effects],
                "commit": _commit(commit),
            }
        )
        return
    printer, out = RecordPrinter(as_json=False), console()
    for record in causes:
        printer.print(record)
    printer.print(found)
    out.print_json(encode(found).decode())
    for record in effects:
        printer.print(record)
    first, last = commit.records[0].seq, commit.records[-1].seq
    out.print(
        Text(
            f"commit {first}..{last} in {commit.file} at byte {commit.offset}, digest {commit.place.digest}",
            style="dim",
        )
    )


def stats(path: Path, *, as_json: bool) -> None:
    """Counts over the whole log."""
    kinds: Counter[str] = Counter()
    actors: Counter[str] = Counter()
    commits = records = decisions = largest = first_at = last_at = 0
    head: Place | None = None
    for commit in read_commits(path):
        commits += 1
        records += len(commit.records)
        largest = max(largest, len(commit.records))
        head = commit.place
        for record in commit.records:
            kinds[type(record.event).__name__] += 1
            actors[record.by] += 1
            decisions += record.cause is not None
            first_at, last_at = first_at or record.at, record.at
    files = _files(path)
    if as_json:
        print_json(
            {
                "log": str(path),
                "records": records,
                "decisions": decisions,
                "facts": records - decisions,
                "commits": commits,
                "largest_commit": largest,
                "first_at": time_utc(first_at) if first_at else None,
                "last_at": time_utc(last_at) if last_at else None,
                "head_seq": head.seq if head else 0,
                "head_digest": head.digest if head else None,
                "bytes": sum(size for _, size in files),
                "files": [{"file": name, "bytes": size} for name, size in files],
                "types": dict(kinds.most_common()),
                "by": dict(actors.most_common()),
            }
        )
        return
    out = console()
    out.print(
        f"{records:,} records ({records - decisions:,} facts, {decisions:,} decisions) in {commits:,} commits, "
        f"{duration(last_at - first_at)} from {time_utc(first_at, digits=0)} to {clock_time(last_at)}"
    )
    for name, size in files:
        out.print(f"{name}  {size:,} bytes")
    for title, counts in (("By kind", kinds), ("By whom", actors)):
        made = table(title, "", "records")
        for name, count in counts.most_common():
            made.add_row(name, f"{count:,}")
        out.print("")
        out.print(made)
    if head:
        out.print(f"\nhead {head.seq:,}  {head.digest}")


def verify_chain(path: Path, *, as_json: bool) -> None:
    """Read everything with its digests checked; damage is raised as the log's own error, with its place."""
    records = commits = 0
    head: Place | None = None
    for commit in read_commits(path):
        commits += 1
        records += len(commit.records)
        head = commit.place
    if as_json:
        digest = head.digest if head else None
        print_json({"log": str(path), "whole": True, "records": records, "commits": commits, "head_digest": digest})
        return
    console().print(
        f"the chain is whole: {records:,} records in {commits:,} commits, head {head.digest if head else 'nothing'}\n"
        "A changed fact with the whole chain recomputed, or a cut at a commit, shows only against a head digest that "
        "was kept elsewhere; `perptape verify` derives every decision again."
    )


def cut(path: Path, seq: int, reason: str) -> None:
    """Set everything behind `seq` aside, on purpose."""
    if is_written_now(path):
        raise CommandFailed(f"{path}: a system is writing this log; stop it first")
    done = cut_log(path, seq, reason=reason)
    console().print(
        f"cut behind record {done.after_seq}: {done.removed_bytes:,} bytes set aside in {done.kept_as}; "
        f"the log goes on behind record {done.place.seq}, which says so"
    )


def _last_seq(path: Path) -> int:
    """The last seq that a commit line near the active file's end names; 0 where none does. A hint where to begin."""
    layout = Layout(path)
    if (path.is_file() and path != layout.active) or not layout.active.exists():
        return 0
    with layout.active.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        named = _COMMIT_LINE.findall(file.read())
    return int(named[-1]) if named else 0


def _plain(record: Record) -> dict[str, Json]:
    plain: dict[str, Any] = msgspec.json.decode(encode(record))
    return {**plain, "time": time_utc(record.at)}


def _commit(commit: Commit) -> dict[str, Json]:
    return {
        "first": commit.records[0].seq,
        "last": commit.records[-1].seq,
        "digest": commit.place.digest,
        "file": commit.file,
        "offset": commit.offset,
    }


def _fields(record: Record) -> str:
    """The event's own fields, `name=value`, long ones cut, those at their default left out."""
    fields: dict[str, object] = msgspec.json.decode(encode(record))["event"]
    return "  ".join(f"{name}={_short(name, value)}" for name, value in fields.items() if name != "type")


def _short(name: str, value: object) -> str:
    if isinstance(value, int) and (name.endswith("_at") or name in ("boundary", "through", "as_of")):
        return time_utc(value, digits=3)[11:23]
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= FIELD_WIDTH else f"{text[: FIELD_WIDTH - 1]}…"


def _files(path: Path) -> list[tuple[str, int]]:
    layout = Layout(path)
    if path.is_file() and path != layout.active:
        return [(path.name, path.stat().st_size)]
    names = sorted(layout.folder.glob(f"{layout.stem}.*jsonl*"))
    return [(each.name, each.stat().st_size) for each in names if each.suffix in (".jsonl", ".zst")]
