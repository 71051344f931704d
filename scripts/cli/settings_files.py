"""The configuration file as it is written, shown, checked and described."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.text import Text

from actors.settings import DEFAULT_FILE, ConfigurationError, Loaded, SettingsFile, load
from actors.strategies.loading import load_strategy
from scripts.cli.exits import CommandFailed
from scripts.cli.shown import console, print_json, table

ENVIRONMENT_FILE = ".env.example"


def write(folder: Path, strategy: str | None, *, ask: bool) -> None:
    """Write the files into `folder`. Raises `CommandFailed` when one is there already."""
    from scripts.cli.scaffolds import Scaffold
    from scripts.cli.templates import ENVIRONMENT, SETTINGS

    scaffold = None if strategy is None else Scaffold(strategy)
    is_entered = scaffold is None or not (folder / DEFAULT_FILE).exists()
    texts = {}
    if is_entered:
        texts[folder / DEFAULT_FILE] = SETTINGS if scaffold is None else scaffold.configured()
        texts[folder / ENVIRONMENT_FILE] = ENVIRONMENT
    if scaffold is not None:
        texts[folder / scaffold.path] = scaffold.text
    _write_new(texts, ask=ask)
    if scaffold is None:
        typer.echo("next: perptape config show, then perptape demo, or perptape run for paper trading on the live feed")
        return
    if not is_entered:
        typer.echo(f"enter it into {folder / DEFAULT_FILE}, with its product:\n\n{scaffold.entry}\n")
    typer.echo(f"next: perptape test-strategy {scaffold.uses}, then perptape backtest --config {DEFAULT_FILE}")


def _write_new(texts: dict[Path, str], *, ask: bool) -> None:
    for path in texts:
        if path.exists():
            raise CommandFailed(f"{path} is there already; move it away, or name another folder")
    if ask:
        typer.confirm(f"Write {' and '.join(str(path) for path in texts)}?", default=True, abort=True)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        typer.echo(f"wrote {path}")


def show(path: Path | None, *, as_json: bool, only_changed: bool) -> None:
    loaded = _load(path)
    rows = [each for each in loaded.resolved if not only_changed or each.source != "default"]
    if as_json:
        print_json({each.name: {"value": each.value, "source": each.source} for each in rows})
        return
    made = table("", "setting", "value", "source", left=3)
    for each in rows:
        style = "dim" if each.source == "default" else ""
        made.add_row(Text(each.name, style=style), Text(each.value, style=style), Text(each.source, style=style))
    out = console()
    out.print(made)
    out.print(Text(f"\n{daily_loss_in_force(loaded)}"))


def daily_loss_in_force(loaded: Loaded) -> str:
    """Which of the two daily loss limits counts (trading rules A4)."""
    risk = loaded.settings.configuration.risk
    amount, part = risk.daily_loss_limit, risk.max_daily_loss_pct
    if amount is None and part is None:
        return "Daily loss: 100 USD, the default, since neither daily_loss_limit nor max_daily_loss_pct is set."
    if amount is None:
        return f"Daily loss: {part:%} of the equity at 00:00 UTC; it takes the place of the default of 100 USD."
    if part is None:
        return f"Daily loss: {amount} USD."
    return f"Daily loss: the tighter of {amount} USD and {part:%} of the equity at 00:00 UTC."


def validate(path: Path | None, *, as_json: bool) -> None:
    """Raises `ConfigurationError` for what cannot be taken."""
    loaded = _load(path)
    _import_strategies(loaded)
    configuration = loaded.settings.configuration
    if as_json:
        print_json(
            {
                "valid": True,
                "mode": configuration.mode,
                "products": list(configuration.products),
                "strategies": list(configuration.strategies),
            }
        )
        return
    console().print(
        f"valid: {configuration.mode}, {len(configuration.products)} products, "
        f"{len(configuration.strategies)} strategies; {daily_loss_in_force(loaded)}"
    )


def print_schema() -> None:
    """JSON Schema 2020-12. A decimal may be written as a number or, digit by digit, as text."""
    schema = msgspec.json.schema(SettingsFile, schema_hook=_path_schema)
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = False
        definition.get("properties", {}).pop("private_key", None)
    print_json(_with_numbers({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}))


def _path_schema(kind: type) -> dict[str, Any]:
    if kind is Path:
        return {"type": "string"}
    raise NotImplementedError


def _with_numbers(node: Any) -> Any:
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            return {"type": ["number", "string"]}
        if "$ref" in node and "$defs" not in node:
            return {"$ref": node["$ref"]}  # the defaults stand at the table's own settings
        return {name: _with_numbers(each) for name, each in node.items()}
    if isinstance(node, list):
        return [_with_numbers(each) for each in node]
    return str(node) if isinstance(node, (Decimal, Path)) else node


def _load(path: Path | None) -> Loaded:
    if path is None and Path(DEFAULT_FILE).exists():
        path = Path(DEFAULT_FILE)
    return load(path, os.environ)


def _import_strategies(loaded: Loaded) -> None:
    """Every strategy named can be imported and made. Raises `StrategyNotLoaded` for one that cannot."""
    for setting in loaded.settings.configuration.strategies.values():
        load_strategy(setting)


__all__ = ["ConfigurationError", "daily_loss_in_force", "print_schema", "show", "validate", "write"]
