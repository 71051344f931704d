"""The rules of the house that no linter knows, held as ordinary tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import events

ROOT = Path(__file__).parents[1]
PACKAGES = ("events", "projections", "actors", "replay", "scripts")
MAX_LINES = 400

#: Names that say nothing. A module is one noun of the desk.
EMPTY_NAMES = frozenset(
    {
        "manager",
        "managers",
        "service",
        "services",
        "handler",
        "handlers",
        "helper",
        "helpers",
        "util",
        "utils",
        "utility",
    }
    | {"utilities", "data", "info", "process", "processor", "base", "common", "core", "misc", "stuff"}
)

#: Where decisions are made: no clock, no chance, no id that is drawn.
PURE = ("events/", "projections/", "actors/behaviours/", "actors/strategies/", "actors/behaviour.py")
#: Shells inside the pure folders: the log, and what imports users' strategies.
SHELLS_WITHIN = ("events/log/", "events/store.py", "actors/strategies/loading.py")

AMBIENT_CALL = re.compile(
    r"^(time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|sleep|localtime|gmtime)"
    r"|(datetime\.)?(datetime|date)\.(now|utcnow|today)|uuid\.uuid[14]|uuid[14]|random\..+|secrets\..+|os\.urandom|getrandbits)$"
)
#: Never, anywhere: naive times, chance without a seed, ids that nobody can derive again.
FORBIDDEN_CALL = re.compile(
    r"^((datetime\.)?datetime\.(utcnow|utcfromtimestamp)|uuid\.uuid1|uuid1"
    r"|random\.(random|randint|randrange|choice|choices|shuffle|sample|uniform|gauss|seed))$"
)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Every call in a file: its line, and what is called as written."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def is_pure(path: Path) -> bool:
    return place(path).startswith(PURE) and not place(path).startswith(SHELLS_WITHIN)


def test_the_package_events_is_ours_and_not_the_one_of_the_package_index() -> None:
    assert events.__file__ is not None
    assert Path(events.__file__) == ROOT / "events" / "__init__.py"


def test_every_file_fits_one_sitting() -> None:
    long = {place(path): lines for path in sources(*PACKAGES) if (lines := path.read_text().count("\n")) > MAX_LINES}
    assert not long, f"over {MAX_LINES} lines, wants a second noun: {long}"


def test_no_module_has_an_empty_name() -> None:
    empty = [place(path) for path in sources(*PACKAGES) if EMPTY_NAMES & {path.stem, path.parent.name}]
    assert not empty


def test_the_pure_folders_read_no_clock_and_draw_no_lots() -> None:
    found = [
        f"{place(path)}:{line} {called}"
        for path in sources(*PACKAGES)
        if is_pure(path)
        for line, called in calls(path)
        if AMBIENT_CALL.match(called)
    ]
    assert not found


def test_no_naive_time_and_no_chance_without_a_seed_anywhere() -> None:
    found = [
        f"{place(path)}:{line} {called}"
        for path in sources(*PACKAGES, "tests")
        for line, called in calls(path)
        if FORBIDDEN_CALL.match(called)
    ]
    assert not found


def test_the_websocket_trace_is_never_switched_on_since_it_prints_tokens() -> None:
    found = [place(path) for path in sources(*PACKAGES) if any("enableTrace" in called for _, called in calls(path))]
    assert not found


def test_tests_use_small_real_fakes_and_no_mock_library() -> None:
    imports = re.compile(r"^\s*(from unittest(\.mock)? import|import unittest|import mock|from mock )", re.MULTILINE)
    assert not [place(path) for path in sources("tests") if imports.search(path.read_text())]


@pytest.mark.parametrize("folder", [*PACKAGES, "tests"])
def test_every_package_says_what_it_is_and_holds_no_logic_in_its_entry(folder: str) -> None:
    for directory in sorted({path.parent for path in sources(folder)}):
        entry = directory / "__init__.py"
        assert entry.is_file(), f"{place(directory)} has no __init__.py"
        tree = ast.parse(entry.read_bytes())
        assert ast.get_docstring(tree), f"{place(entry)} has no docstring"
        allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)
        logic = [ast.unparse(node) for node in tree.body if not isinstance(node, allowed)]
        assert not logic, f"{place(entry)} holds logic: {logic}"


def test_every_module_opens_with_a_sentence() -> None:
    assert not [
        place(path) for path in sources(*PACKAGES, "tests") if not ast.get_docstring(ast.parse(path.read_bytes()))
    ]


def test_the_lock_names_no_registry_and_pins_every_package_with_its_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert not re.search(r"^\s*(-i|-f|--\S*index\S*|--find-links|--trusted-host)\b", lock, re.MULTILINE)
    entries = re.split(r"\n(?=[A-Za-z0-9])", "\n" + re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE))[1:]
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_no_file_names_a_folder_of_one_machine() -> None:
    folders = re.compile(r"(?<![\w.])/(" + "|".join(("work", "root", "home")) + r")/\w")
    texts = [path for path in sources(*PACKAGES, "tests") if path != Path(__file__)]
    texts += [ROOT / name for name in ("README.md", "pyproject.toml", ".ci/run", ".pre-commit-config.yaml")]
    texts += [ROOT / "scripts" / name for name in ("setup", "test", "check", "demo")]
    assert not [place(path) for path in texts if folders.search(path.read_text())]


@pytest.mark.parametrize("name", ["scripts/setup", "scripts/test", "scripts/check", "scripts/demo", ".ci/run"])
def test_every_command_of_the_house_is_executable_and_stops_at_the_first_error(name: str) -> None:
    path = ROOT / name
    assert path.stat().st_mode & 0o111
    lines = path.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
