"""`perptape test-strategy`: a strategy on generated markets, what was seen, and the stream that it fails on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from events.configuration import StrategySetting
from replay.strategy_kit import LAWS, Kept, KitMissing, Trial, keep, setting_of, tried
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.shown import Json, console, print_json


def run_test_strategy(uses: str, options: Sequence[str], examples: int, out: Path, *, as_json: bool) -> None:
    """Exit code 0: every law held on every stream; 1: one did not."""
    strategy = setting_of(uses, dict(map(_option, options)))
    try:
        trial = _tried(strategy, examples, quiet=as_json or not sys.stderr.isatty())
    except KitMissing as error:
        raise CommandFailed(str(error)) from error
    kept = None if trial.failure is None else keep(strategy, trial.failure, out)
    if as_json:
        print_json(_report(trial, kept))
    else:
        _show(trial, kept)
    if kept is not None:
        raise typer.Exit(Exit.ERROR)


def _tried(strategy: StrategySetting, examples: int, *, quiet: bool) -> Trial:
    if quiet:
        return tried(strategy, examples=examples)
    columns = (TextColumn("testing"), BarColumn(), TextColumn("{task.completed} streams"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("testing", total=examples)
        return tried(strategy, examples=examples, progress=lambda done: progress.update(task, completed=done))


def _report(trial: Trial, kept: Kept | None) -> dict[str, Json]:
    failure = trial.failure
    return {
        "strategy": trial.strategy.uses,
        "passed": failure is None,
        "streams": trial.streams,
        "looks": trial.looks,
        "orders_proposed": trial.proposals,
        "fills": trial.fills,
        "failure": None if failure is None else msgspec.to_builtins(failure),
        "kept": None if kept is None else msgspec.to_builtins(kept, enc_hook=str),
    }


def _show(trial: Trial, kept: Kept | None) -> None:
    out, failure = console(), trial.failure
    seen = f"{trial.streams:,} streams, {trial.looks:,} looks, {trial.proposals:,} orders, {trial.fills:,} fills"
    if failure is None or kept is None:
        out.print(f"[green]passed[/]: {trial.strategy.uses}, {seen}", highlight=False)
        for law in LAWS.values():
            out.print(f"  {law}", highlight=False, markup=False)
        if not trial.proposals:
            out.print("it never asked for an order: the laws about orders were not put to the test", highlight=False)
        return
    out.print(f"[red]FAILED[/]: {trial.strategy.uses}, after {seen}", highlight=False)
    for line in (
        f"  the law     {LAWS[failure.fault.law]}",
        f"  at record   {failure.fault.seq}" if failure.fault.seq else "  at record   unknown: two whole runs differ",
        f"  how         {failure.fault.said}",
        f"  the market  {', '.join(f'{phase.kind} for {phase.seconds} s' for phase in failure.stream.phases)}",
        f"  again       perptape backtest {kept.tape} --config {kept.config}",
        f"  its log     perptape log show {failure.fault.seq or 1} {kept.log}",
    ):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _option(text: str) -> tuple[str, str | int | bool]:
    """`name=value`, with whole numbers, true and false as such."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise CommandFailed(f"--option {text}: write name=value", Exit.USAGE)
    if value in ("true", "false"):
        return name, value == "true"
    return name, int(value) if value.removeprefix("-").isdecimal() else value
