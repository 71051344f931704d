"""`python -m scripts.bench [NAME…] [--rounds N] [--json]`: runs the measures and prints them beside their goals.

A measure is a module of this package with `measure(rounds) -> dict`: `id`, `title`, `reference`, and `rows`, each with
`case`, `ratio`, `first_day`, `goal` and whatever figures it has besides. Ratios are ours against a raw reference of
the same run; `below` in a row means that less is better. A flat dict of named figures is taken as well; there a ratio
is a figure whose name ends in "(first day >= 0.6)" or "<=". Exit code 1 when a ratio misses its first-day column.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

import scripts.bench

DEFAULT_ROUNDS = 5

_BOUND = re.compile(r"\(first day (>=|<=) ([\d.]+)\)")


def names() -> list[str]:
    """The modules of this package that measure something."""
    sources = sorted(Path(next(iter(scripts.bench.__path__))).glob("[!_]*.py"))
    return [path.stem for path in sources if "\ndef measure(" in path.read_text(encoding="utf-8")]


def run(chosen: Sequence[str], rounds: int) -> dict[str, Any]:
    """Every measure chosen, one after another: they share two cores with nobody else."""
    measures = []
    for name in chosen:
        print(f"measuring {name}, {rounds} rounds", file=sys.stderr)
        found = importlib.import_module(f"scripts.bench.{name}").measure(rounds)
        measures.append({"name": name, **(found if "rows" in found else _in_rows(found))})
    return {"python": platform.python_version(), "machine": platform.machine(), "rounds": rounds, "measures": measures}


def _in_rows(figures: Mapping[str, float]) -> dict[str, Any]:
    """Named figures as rows, those last that are ratios with a bound in their name."""
    ratios, others = [], []
    for name, value in figures.items():
        bound = _BOUND.search(name)
        if bound is None:
            others.append({"case": name, "figure": value})
        else:
            row = {"case": name[: bound.start()].rstrip(), "ratio": value, "first_day": float(bound[2])}
            ratios.append({**row, "below": bound[1] == "<="})
    return {"id": "", "title": "", "reference": "the figures named reference", "rows": [*others, *ratios]}


def verdict(row: Mapping[str, Any]) -> str:
    """How a row stands: "goal", "first day", "missed", or "" where it has no goal."""
    ratio, first_day, goal = row.get("ratio"), row.get("first_day"), row.get("goal")
    if ratio is None or first_day is None:
        return ""
    sign = -1 if row.get("below") else 1
    if goal is not None and sign * ratio >= sign * goal:
        return "goal"
    return "first day" if sign * ratio >= sign * first_day else "missed"


def missed(report: Mapping[str, Any]) -> bool:
    return any(verdict(row) == "missed" for measure in report["measures"] for row in measure["rows"])


def show(report: Mapping[str, Any], console: Console) -> None:
    for measure in report["measures"]:
        table = Table(
            title=f"{measure['id']}  {measure['title'] or measure['name']}".strip(),
            title_justify="left",
            box=None,
            header_style="dim",
        )
        known = ("case", "ratio", "first_day", "goal", "below", "held_back_by")
        figures = list(dict.fromkeys(key for row in measure["rows"] for key in row if key not in known))
        for place, name in enumerate(["case", *figures, "ratio", "first day", "goal", ""]):
            table.add_column(name.replace("_", " "), justify="right" if place else "left", no_wrap=True)
        for row in measure["rows"]:
            style = {"goal": "green", "first day": "yellow", "missed": "bold red"}.get(verdict(row), "")
            bounds = [_limit(row, "first_day"), _limit(row, "goal")]
            ratio = f"{row['ratio']:.2f}x" if row.get("ratio") is not None else ""
            table.add_row(
                row["case"],
                *(_figure(row.get(key)) for key in figures),
                ratio,
                *bounds,
                Text(verdict(row), style=style),
            )
        console.print(table)
        console.print(Text(f"against: {measure['reference']}", style="dim"))
        for row in measure["rows"]:
            if row.get("held_back_by"):
                console.print(Text(f"{row['case']}: held back by {row['held_back_by']}", style="yellow"))
        console.print()


def _limit(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else f"{'≤' if row.get('below') else '≥'} {value}x"


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description="What things cost, as ratios.")
    parser.add_argument("names", nargs="*", help="which measures; all when none is named")
    parser.add_argument(
        "--rounds", type=int, default=DEFAULT_ROUNDS, help=f"default {DEFAULT_ROUNDS}, in turn with the reference"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args(arguments)
    known = names()
    unknown = [name for name in options.names if name not in known]
    if unknown or options.rounds < 1:
        parser.error(
            f"no such measure: {', '.join(unknown)}; known: {', '.join(known)}" if unknown else "--rounds from 1"
        )
    report = run(options.names or known, options.rounds)
    if options.json:
        print(json.dumps(report))
    else:
        show(report, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
    return int(missed(report))


if __name__ == "__main__":
    sys.exit(main())
