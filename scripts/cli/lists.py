"""`perptape list`: products, strategies, runs, events."""

from __future__ import annotations

import typer

from scripts.cli.options import AsJson, Config, Log

lists = typer.Typer(help="List products, strategies, runs, or the events there are.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(lists, name="list", rich_help_panel="Look")


@lists.command()
def products(log: Log = None, config: Config = None, as_json: AsJson = False) -> None:
    """Products that a log has seen listed, with the rules in force; ours first."""
    from scripts.cli import listings

    listings.products(log, config, as_json=as_json)


@lists.command()
def strategies(config: Config = None, as_json: AsJson = False) -> None:
    """Strategies of the configuration, and those that ship."""
    from scripts.cli import listings

    listings.strategies(config, as_json=as_json)


@lists.command()
def runs(log: Log = None, config: Config = None, as_json: AsJson = False) -> None:
    """Every session in a log: when, how it was run, how it ended."""
    from scripts.cli import listings

    listings.runs(log, config, as_json=as_json)


@lists.command()
def events(as_json: AsJson = False) -> None:
    """The vocabulary: everything that can happen, by theme, with what it means."""
    from scripts.cli import listings

    listings.events(as_json=as_json)
