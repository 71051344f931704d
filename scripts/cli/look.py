"""The reading commands: what is true now, or was at a time, on a running system and on a file alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.cli.options import AsJson, At, Config, Log, Seq

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scripts.cli.queries import Answer
    from scripts.cli.reading import Reader

PANEL = "Look"


def register(app: typer.Typer) -> None:
    for command in (status, positions, orders, pnl, funding, risk):
        app.command(rich_help_panel=PANEL)(command)


def status(
    log: Log = None,
    config: Config = None,
    as_json: AsJson = False,
    at: At = None,
    seq: Seq = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Keep looking on the live screen, until Ctrl-C.")
    ] = False,
) -> None:
    """The whole picture: session, marks, money, risk."""
    from scripts.cli import queries, views

    if watch:
        from scripts.cli.places import find_log
        from scripts.cli.watching import watch_until_interrupted

        watch_until_interrupted(find_log(log, config))
        return

    _answer(log, config, as_json, at, seq, queries.status, views.status)


def positions(log: Log = None, config: Config = None, as_json: AsJson = False, at: At = None, seq: Seq = None) -> None:
    """Positions with entry, mark and result."""
    from scripts.cli import queries, views

    _answer(log, config, as_json, at, seq, lambda reader: {"positions": queries.positions(reader)}, views.positions)


def orders(
    log: Log = None,
    config: Config = None,
    as_json: AsJson = False,
    at: At = None,
    seq: Seq = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those closed within the last day.")] = False,
) -> None:
    """Orders working, in flight, or unknown."""
    from scripts.cli import queries, views

    def ask(reader: Reader) -> Answer:
        return {"orders": queries.orders(reader, closed=everything), "counts": dict(reader.order_counts())}

    _answer(log, config, as_json, at, seq, ask, lambda reader: views.orders(reader, closed=everything))


def pnl(log: Log = None, config: Config = None, as_json: AsJson = False, at: At = None, seq: Seq = None) -> None:
    """Profit and loss, and whether the exchange agrees."""
    from scripts.cli import queries, views

    _answer(log, config, as_json, at, seq, queries.pnl, views.pnl)


def funding(log: Log = None, config: Config = None, as_json: AsJson = False, at: At = None, seq: Seq = None) -> None:
    """Funding accrued and paid, hour by hour."""
    from scripts.cli import queries, views

    _answer(log, config, as_json, at, seq, queries.funding, views.funding)


def risk(log: Log = None, config: Config = None, as_json: AsJson = False, at: At = None, seq: Seq = None) -> None:
    """Restrictions in force, and distance to limits."""
    from scripts.cli import queries, views

    _answer(log, config, as_json, at, seq, queries.risk, views.risk)


def _answer(
    log: Path | None,
    config: Path | None,
    as_json: bool,
    at: str | None,
    seq: int | None,
    ask: Callable[[Reader], Answer],
    view: Callable[[Reader], RenderableType],
) -> None:
    """Read the log up to the place, and print the answer with what it is an answer about."""
    from scripts.cli import places, shown, views
    from scripts.cli.reading import read_with_progress

    path = places.find_log(log, config)
    until = places.until(seq, at)
    reader = read_with_progress(path, until)
    life = reader.life(path)
    if as_json:
        about: Answer = {
            "log": str(path),
            "seq": reader.seq,
            "at": shown.time_utc(reader.at) if reader.at else None,
            "as_of": "now" if until.is_now else "then",
            "life": life.value,
            "silent_s": places.silent_s(path) if until.is_now and life is places.Life.RUNNING else None,
        }
        shown.print_json({**about, **ask(reader)})
        return
    console = shown.console()
    console.print(views.heading(reader, path, life, until))
    console.print(view(reader))
