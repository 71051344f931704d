"""The options that commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Log = Annotated[
    Path | None,
    typer.Argument(help="A log file, its folder, or a data folder. Default: the configured one.", show_default=False),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration file. Default: perptape.toml here.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
At = Annotated[str | None, typer.Option("--at", help="As of this time, UTC: 2026-11-22T11:30:00Z.", show_default=False)]
Seq = Annotated[int | None, typer.Option("--seq", help="As of this record.", min=1, show_default=False)]
