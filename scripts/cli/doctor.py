"""`perptape doctor`: one line a check, what to do where one fails, and an exit code; 0 means ready to trade."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import typer
from rich.text import Text

from actors.seats import behaviour_names, make_seat
from actors.settings import DEFAULT_FILE, ConfigurationError, SystemSettings, load
from actors.strategies.loading import StrategyNotLoaded
from events.money import use_exact_arithmetic
from scripts.cli.exchange_checks import check_exchange
from scripts.cli.exits import Exit
from scripts.cli.findings import Finding, Verdict, failed, gravest, ok
from scripts.cli.machine_checks import check_disk, check_limits, check_log
from scripts.cli.shown import console, print_json

_STYLE = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILED: "red", Verdict.SKIPPED: "dim"}


def run_doctor(config: Path | None, *, allow_transfer: bool, as_json: bool) -> None:
    """Look at everything a start needs, and trade nothing. Ends with the gravest fault's exit code."""
    use_exact_arithmetic()
    findings: list[Finding] = []
    for finding in examine(config or Path(DEFAULT_FILE), allow_transfer=allow_transfer):
        findings.append(finding)
        if not as_json:
            _show(finding)
    code = gravest(findings)
    if as_json:
        checks = [msgspec.to_builtins(finding) for finding in findings]
        print_json({"ready": code is Exit.OK, "exit_code": int(code), "checks": checks})
    else:
        _show(ok("ready", "to trade") if code is Exit.OK else failed("ready", "not to trade", "", code))
    if code is not Exit.OK:
        raise typer.Exit(code)


def examine(file: Path, *, allow_transfer: bool = False) -> Iterator[Finding]:
    """Every check in its order. Without a configuration there is nothing else to look at."""
    try:
        settings = load(file, os.environ).settings
        for name in behaviour_names(settings.configuration):
            make_seat(name, settings.configuration)
    except ConfigurationError as error:
        yield failed("configuration", f"{error.place}: {error.message}", error.remedy, Exit.CONFIGURATION)
        return
    except StrategyNotLoaded as error:
        yield failed("configuration", str(error), "see [strategies] in the file", Exit.CONFIGURATION)
        return
    yield ok("configuration", _configured(file, settings))
    yield from check_exchange(settings, allow_transfer=allow_transfer or settings.exchange.allow_transfer)
    yield check_disk(settings)
    yield from check_log(settings)
    yield from check_limits(settings)


def _configured(file: Path, settings: SystemSettings) -> str:
    configuration = settings.configuration
    products = ", ".join(configuration.products) or "no products"
    strategies = ", ".join(configuration.strategies) or "no strategies"
    return f"{file}: {configuration.mode}, {products}; {strategies}"


def _show(finding: Finding) -> None:
    line = Text(f"{finding.verdict:<8}", style=_STYLE[finding.verdict])
    line.append(f"{finding.check:<18}", style="bold")
    line.append(finding.says, style="default")
    if finding.remedy:
        line.append(f" -> {finding.remedy}", style="cyan")
    console().print(line, soft_wrap=True)
