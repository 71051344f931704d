"""The seed's three test commands (line 196: all, performance, coverage), as the README has them here. Each is run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seed.samples import block, needs_the_seed

ROOT = Path(__file__).parents[2]
#: What stands in for everything, so that it takes seconds: the whole is what runs this test.
NARROW = ["tests/events/test_ids.py", "-p", "no:cacheprovider"]


def commands() -> list[list[str]]:
    """The README's commands that run tests, split as a shell would, comments left out."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("./scripts/test ") and "#" in line]
    found = [shlex.split(line, comments=True) for line in lines]
    return [words for place, words in enumerate(found) if words not in found[:place]]


def ran(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, "PERPTAPE_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs_the_seed
def test_196_the_readme_has_a_command_for_each_of_the_seeds() -> None:
    asked = re.findall(r"^# (.*)$", block(196), re.MULTILINE)
    assert asked == ["Run all Coinbase tests", "Run performance tests", "Run with coverage"]
    everything, performance, coverage = commands()
    assert everything == ["./scripts/test"]
    assert performance[1:] == ["tests/actors/connection/test_performance.py"]
    assert coverage[1] == "--coverage"


@pytest.mark.parametrize("place", [0, 2])
def test_196_the_command_runs_as_it_is_written_but_for_the_tests_it_is_given(place: int) -> None:
    words = commands()[place]
    flags = [word for word in words if word.startswith("-")]
    done = ran([words[0], *flags, *NARROW])
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert ("TOTAL" in done.stdout) is bool(flags)


def test_196_the_performance_command_runs_as_it_is_written() -> None:
    done = ran([*commands()[1], "-p", "no:cacheprovider"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
