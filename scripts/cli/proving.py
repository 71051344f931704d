"""`perptape verify`: a progress bar, what was found in words or JSON, and the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from replay.verify import Report, verify
from scripts.cli.exits import Exit
from scripts.cli.places import find_log


def run_verify(log: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Exit code 0: proven; 5: damaged; 6: the code does not say what the log says."""
    path = find_log(log, config)
    report = verified_with_progress(path, quiet=as_json or not sys.stderr.isatty())
    if as_json:
        print(msgspec.json.encode(report).decode())
    else:
        _show(path, report)
    if not report.verified:
        raise typer.Exit(Exit.DIVERGENCE)


def verified_with_progress(path: Path, *, quiet: bool) -> Report:
    """Verify, with a bar on stderr that counts bytes read."""
    if quiet:
        return verify(path)
    files = [path] if path.is_file() else list(path.glob("events*.jsonl*"))
    total = sum(file.stat().st_size for file in files)
    with Progress(
        TextColumn("verifying"),
        BarColumn(),
        TextColumn("{task.fields[records]:,} records"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("verify", total=total or None, records=0)
        return verify(path, progress=lambda c: progress.update(task, completed=c.offset, records=c.place.seq))


def _show(path: Path, report: Report) -> None:
    console = Console()
    for session in report.sessions:
        code = "this code" if session.same_code else "other code than this"
        end = "ended in order" if session.ended else "did not end in order"
        console.print(
            f"session {session.session}: records {session.first}..{session.last}, {session.decisions:,} decisions "
            f"derived again, {session.differences} differences; recorded by {code}, {end}",
            highlight=False,
            soft_wrap=True,
        )
    for difference in report.differences:
        console.print(f"\n[red]{difference.kind}[/] at record {difference.seq}, {difference.actor}", highlight=False)
        console.print(f"  recorded {difference.recorded}", highlight=False, markup=False)
        console.print(f"  derived  {difference.derived}", highlight=False, markup=False)
    said = "[green]verified[/]" if report.verified else "[red]NOT verified[/]"
    console.print(
        f"{said}: {path}, {report.records:,} records in {report.commits:,} commits, head {report.head_digest}",
        highlight=False,
        soft_wrap=True,
    )
