"""Records for other programs: lines of JSON as the log has them, or a table."""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from events.codec import canonical_bytes, encode
from events.record import Record
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.extracts import Wanted
from scripts.cli.places import NOW, Until
from scripts.cli.reading import records_until
from scripts.cli.shown import time_utc
from scripts.cli.vocabulary import event_names


def export(path: Path, shape: str, out: Path | None, wanted: Wanted, *, after: int = 0, until: Until = NOW) -> None:
    """Write the records wanted as lines of JSON, as a table, or as Parquet (which needs a file and DuckDB)."""
    if shape == "parquet":
        _write_parquet(path, out, wanted, after=after, until=until)
        return
    chosen = (record for record in records_until(path, until, after=after) if wanted.has(record))
    with _opened(out) as file:
        if shape == "jsonl":
            for record in chosen:
                file.write(encode(record).decode() + "\n")
        else:
            _write_csv(chosen, file, wanted)


_PARQUET_ROWS = """
    select seq, "at", "by", cause, coalesce("index", 0) as "index", event->>'type' as type, event
    from read_json($lines, format = 'newline_delimited', maximum_object_size = 67108864, columns = {
        seq: 'bigint', "at": 'bigint', "by": 'varchar', cause: 'bigint', "index": 'bigint', event: 'json'})
"""


def _write_parquet(path: Path, out: Path | None, wanted: Wanted, *, after: int, until: Until) -> None:
    """Place and type in columns of their own, the event as JSON."""
    if out is None:
        raise CommandFailed("--format parquet: name a file with --out", Exit.USAGE)
    try:
        import duckdb
    except ImportError as error:
        raise CommandFailed('--format parquet needs DuckDB: pip install "perptape[audit]"') from error
    with tempfile.TemporaryDirectory(prefix="perptape-export-") as folder, duckdb.connect() as connection:
        lines = Path(folder) / "log.jsonl"
        export(path, "jsonl", lines, wanted, after=after, until=until)
        connection.sql(_PARQUET_ROWS, params={"lines": str(lines)}).write_parquet(str(out))


def _write_csv(records: Iterable[Record], file: IO[str], wanted: Wanted) -> None:
    """One event type: a column a field. Several: the event as JSON in one column."""
    place = ["seq", "at", "time", "by", "cause", "index", "type"]
    only = event_names()[next(iter(wanted.types))] if len(wanted.types) == 1 else None
    fields = [*only.__struct_fields__] if only else ["event"]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*place, *fields])
    for record in records:
        row = [record.seq, record.at, time_utc(record.at), record.by, record.cause, record.index]
        event = record.event
        cells = [_cell(getattr(event, field)) for field in fields] if only else [canonical_bytes(event).decode()]
        writer.writerow([*row, type(event).__name__, *cells])


def _cell(value: object) -> object:
    """A field as a cell: plain values as they are, anything with parts as JSON."""
    if value is None or isinstance(value, (str, int)):
        return value
    text = canonical_bytes(value).decode()
    return text.strip('"') if text.startswith('"') else text


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        yield file
