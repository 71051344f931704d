"""A local exchange in a process of its own, on a generated market."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.cli.demonstration import Ready
from tests.scenarios.demos import ROOT


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Ready]:
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "exchange", "--speed", "60", "--data-dir", str(tmp_path / "ex")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    try:
        yield Ready(**json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
