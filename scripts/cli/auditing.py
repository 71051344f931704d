"""`perptape audit`: the log exported, its books recomputed in SQL, and set beside the projections."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import msgspec
import typer
from rich.text import Text

from events.log import read_records
from events.money import plain
from replay.audit import AuditImpossible, audit, compared
from replay.statement import statement
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.exports import export
from scripts.cli.extracts import Wanted
from scripts.cli.places import find_log
from scripts.cli.shown import console, print_json, table


def run_audit(log: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Exit code 0: equal to the last digit; 6: not."""
    path = find_log(log, config)
    with tempfile.TemporaryDirectory(prefix="perptape-audit-") as folder:
        exported = Path(folder) / "log.jsonl"
        export(path, "jsonl", exported, Wanted.of(None, None))
        try:
            books = audit(exported)
        except AuditImpossible as error:
            raise CommandFailed(str(error).replace(str(exported), str(path))) from error
    lines = compared(books, statement(read_records(path)))
    agrees = all(line.agrees for line in lines)
    if as_json:
        print_json(
            {
                "agrees": agrees,
                "funding_recomputed": books.funding_recomputed,
                "figures": {line.figure: msgspec.to_builtins(line) for line in lines},
            }
        )
    else:
        made = table("", "figure", "projections", "SQL", "", left=1)
        for line in lines:
            said = Text("equal", style="green") if line.agrees else Text("DIFFERENT", style="red")
            made.add_row(line.figure, _plain(line.projections), _plain(line.queries), said)
        made.add_row("funding from rates", "", _plain(books.funding_recomputed), "")
        console().print(made)
    if not agrees:
        raise typer.Exit(Exit.DIVERGENCE)


def _plain(figure: Decimal | None) -> str:
    return "unknown" if figure is None else f"{plain(figure):f}"
