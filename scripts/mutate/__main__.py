"""`python -m scripts.mutate [MODULE…] [--show] [--json FILE] [--at-least PERCENT]`: mutates modules, runs their tests.

A module is a path like `projections/bounds.py`, or its last word; without any, all of them, which takes hours. Each is
mutated by mutmut in a copy of the checkout, so nothing here is touched. Exit code 1 when a module is below the least
rate. `--show` prints the changes that no test noticed, for somebody to look at; `--sample` judges three in ten.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.mutate.targets import concerned, modules

ROOT = Path(__file__).parents[2]
LEAST_PERCENT = 85.0
#: A module takes minutes; one that takes longer than this hangs.
LIMIT_S = 3_600
_COPIED = ("events", "projections", "actors", "replay", "scripts", "tests", "pyproject.toml")
#: Changes are numbered through each function; these numbers end in 1, 4 or 7.
_SAMPLE = "*__mutmut_*[147]"
_SURVIVED, _INTERRUPTED, _NO_TESTS, _SKIPPED = 0, 2, (5, 33), 34


class Report(NamedTuple):
    """One module: changes made, those that a test noticed, and the names of the others."""

    module: str
    mutants: int
    killed: int
    survivors: tuple[str, ...]

    @property
    def percent(self) -> float:
        return 100.0 * self.killed / self.mutants if self.mutants else 100.0

    def line(self) -> str:
        return f"{self.module:38} {self.mutants:5} {self.killed:5} {self.percent:6.1f} %"


class MutationFailed(RuntimeError):
    """mutmut could not judge a module; the text holds the end of what it said."""


def chosen(words: Sequence[str]) -> list[str]:
    """The modules meant; all without any words. Raises `ValueError` for one that is not in the table."""
    known, found = modules(), []
    for word in words:
        fits = [module for module in known if word in (module, Path(module).stem, Path(module).name)]
        if not fits:
            raise ValueError(f"{word} is none of the modules: {', '.join(known)}")
        found += fits
    return found or known


def mutate(module: str, *, show: bool = False, sample: bool = False) -> Iterator[Report | str]:
    """Mutate one module; its report, before it the changes that survived where they are asked for."""
    tests = concerned(module)
    with tempfile.TemporaryDirectory(prefix="mutate-") as name:
        place = Path(name)
        _copy(place)
        _configure(place / "pyproject.toml", module, tests)
        names = (_SAMPLE,) if sample else ()
        said = _mutmut(place, "run", "--max-children", str(os.cpu_count() or 1), *names)
        meta = place / "mutants" / f"{module}.meta"
        codes = json.loads(meta.read_text())["exit_code_by_key"] if meta.is_file() else {}
        if sample:
            codes = {mutant: code for mutant, code in codes.items() if code is not None}
        if not codes or None in codes.values() or _INTERRUPTED in codes.values():
            raise MutationFailed(f"{module}: {said[-3_000:]}")
        report = judged(module, codes)
        if show:
            for mutant in report.survivors:
                yield _mutmut(place, "show", mutant)
        yield report


def judged(module: str, codes: dict[str, int]) -> Report:
    """What the exit codes of mutmut come to: what hangs or crashes was noticed too."""
    counted = {mutant: code for mutant, code in codes.items() if code != _SKIPPED}
    survivors = tuple(name for name, code in counted.items() if code == _SURVIVED or code in _NO_TESTS)
    return Report(module, len(counted), len(counted) - len(survivors), survivors)


def _copy(place: Path) -> None:
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)


def _configure(settings: Path, module: str, tests: Sequence[str]) -> None:
    table = {
        "source_paths": [f"{name}/" for name in ("events", "projections", "actors", "replay", "scripts")],
        "only_mutate": [module],
        "pytest_add_cli_args": ["-q", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": list(tests),
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    settings.write_text(settings.read_text() + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def _mutmut(place: Path, *arguments: str) -> str:
    environment = {**os.environ, "PERPTAPE_TEST_PROFILE": "mutation"}
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.mutate", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="paths or last words; all without any")
    parser.add_argument("--show", action="store_true", help="print the changes that no test noticed")
    parser.add_argument("--sample", action="store_true", help="judge three changes in ten, evenly spread")
    parser.add_argument("--json", type=Path, help="write the reports to this file too")
    parser.add_argument("--at-least", type=float, default=LEAST_PERCENT, help="percent that must be killed")
    given = parser.parse_args(arguments)
    try:
        wanted = chosen(given.modules)
    except ValueError as error:
        parser.error(str(error))
    reports: list[Report] = []
    for module in wanted:
        for found in mutate(module, show=given.show, sample=given.sample):
            print(found.line() if isinstance(found, Report) else found, flush=True)
            if isinstance(found, Report):
                reports.append(found)
        if given.json:
            given.json.write_text(json.dumps([report._asdict() for report in reports], indent=1))
    whole = Report("all", sum(each.mutants for each in reports), sum(each.killed for each in reports), ())
    print(whole.line())
    return 1 if any(report.percent < given.at_least for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
