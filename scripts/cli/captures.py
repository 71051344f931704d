"""`perptape capture`: frames that were kept as received, read back and decoded again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import AsJson

captures = typer.Typer(help="Frames that `run --capture` kept: decode them again, or count them.", no_args_is_help=True)

Place = Annotated[Path, typer.Argument(help="A capture file, or the folder of captures.", show_default=False)]


def register(app: typer.Typer) -> None:
    app.add_typer(captures, name="capture", rich_help_panel="Look")


@captures.command()
def decode(place: Place) -> None:
    """The facts that the feeds told, from the frames they received, one JSON object a line."""
    from scripts.cli.captured import print_facts

    print_facts(place)


@captures.command()
def frames(place: Place, as_json: AsJson = False) -> None:
    """How many frames each file holds, of which connections, from when to when, and whether it is whole."""
    from scripts.cli.captured import print_files

    print_files(place, as_json=as_json)
