"""`perptape init` and `perptape config`: write a configuration, show what is in force and why, check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import AsJson, Config

config = typer.Typer(help="The settings in force: show, validate, schema.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Set up")(init)
    app.add_typer(config, name="config", rich_help_panel="Set up")


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made when missing.")] = Path(),
    strategy: Annotated[
        str | None,
        typer.Option("--strategy", help="Also write strategies/NAME.py, a strategy that works.", metavar="NAME"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; still never writes over a file.")] = False,
) -> None:
    """Write perptape.toml and .env.example, commented.

    For paper trading on the live feed; never writes over a file. With --strategy in a folder that has a perptape.toml,
    only the strategy is written, and what to enter is said.
    """
    from scripts.cli import settings_files

    settings_files.write(folder, strategy, ask=not yes)


@config.command("show")
def show(
    config: Config = None,
    as_json: AsJson = False,
    changed: Annotated[bool, typer.Option("--changed", help="Leave out what is at its default.")] = False,
) -> None:
    """Every value in force with where it was written. Secrets are redacted."""
    from scripts.cli import settings_files

    settings_files.show(config, as_json=as_json, only_changed=changed)


@config.command("validate")
def validate(config: Config = None, as_json: AsJson = False) -> None:
    """Check file and environment as a start would, strategies included. Exit code 3 when something cannot be taken."""
    from scripts.cli import settings_files

    settings_files.validate(config, as_json=as_json)


@config.command("schema")
def schema() -> None:
    """The JSON Schema of perptape.toml, for editors."""
    from scripts.cli import settings_files

    settings_files.print_schema()
