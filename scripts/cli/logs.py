"""`perptape log`: read a log as it is, line by line, and prove that its chain is whole."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import AsJson, At, Config, Log

log = typer.Typer(help="Read the log as it is: tail, show, stats, verify, cut, export.", no_args_is_help=True)

Types = Annotated[
    list[str] | None,
    typer.Option("--type", "-t", help="Only events of this type; may be repeated.", show_default=False),
]
By = Annotated[str | None, typer.Option("--by", help="Only what this actor said.", show_default=False)]


class ExportFormat(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    app.add_typer(log, name="log", rich_help_panel="Look")


@log.command()
def tail(
    log: Log = None,
    config: Config = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many records from the end.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as records are committed, until Ctrl-C.")
    ] = False,
    types: Types = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """The last records, and those to come. With --json one record a line, as the log has it."""
    from scripts.cli import extracts, places

    path = places.find_log(log, config)
    printer = extracts.RecordPrinter(as_json=as_json)
    wanted = extracts.Wanted.of(types, by)
    place = extracts.print_last(path, lines, wanted, printer)
    if follow:
        extracts.print_following(path, place, wanted, printer)


@log.command()
def show(
    seq: Annotated[int, typer.Argument(min=1, help="The record's number.")],
    log: Log = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """One record whole, with what caused it, what followed from it, and the commit it stands in."""
    from scripts.cli import extracts, places

    extracts.show(places.find_log(log, config), seq, as_json=as_json)


@log.command()
def stats(log: Log = None, config: Config = None, as_json: AsJson = False) -> None:
    """How many records of which kind by whom, over what time, in how many commits and bytes."""
    from scripts.cli import extracts, places

    extracts.stats(places.find_log(log, config), as_json=as_json)


@log.command()
def verify(log: Log = None, config: Config = None, as_json: AsJson = False) -> None:
    """Check the chain: nothing changed, nothing cut out. `perptape verify` also derives every decision again."""
    from scripts.cli import extracts, places

    extracts.verify_chain(places.find_log(log, config), as_json=as_json)


@log.command()
def cut(
    seq: Annotated[int, typer.Option("--at", min=0, help="The last record to keep.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    log: Log = None,
    config: Config = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Go on after damage: set everything behind a record aside. The bytes are kept, and the cut is recorded."""
    from scripts.cli import extracts, places

    path = places.find_log(log, config)
    if not yes:
        typer.confirm(f"Set aside every record of {path} behind {seq}?", abort=True)
    extracts.cut(path, seq, reason)


@log.command()
def export(
    log: Log = None,
    config: Config = None,
    shape: Annotated[
        ExportFormat, typer.Option("--format", help="jsonl: records as they are; csv, parquet: a table.")
    ] = (ExportFormat.JSONL),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file. Default: standard output.")] = None,
    types: Types = None,
    by: By = None,
    after: Annotated[int, typer.Option("--after", min=0, help="Begin behind this record.")] = 0,
    seq: Annotated[int | None, typer.Option("--seq", min=1, help="End with this record.", show_default=False)] = None,
    at: At = None,
) -> None:
    """Records for other programs. With one --type, csv has a column for each of its fields."""
    from scripts.cli import exports, extracts, places

    path = places.find_log(log, config)
    wanted = extracts.Wanted.of(types, by)
    exports.export(path, shape.value, out, wanted, after=after, until=places.until(seq, at))
