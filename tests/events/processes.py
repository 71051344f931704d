"""Writers in processes of their own, and what they said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def writer_command(folder: Path, commits: int, *limit: int) -> list[str]:
    return [sys.executable, "-m", "tests.events.writer", str(folder), str(commits), *map(str, limit)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def run_writer(folder: Path, commits: int, *limit: int, before: tuple[str, ...] = ()) -> list[str]:
    """Run a writer to its end and return the lines it printed."""
    done = subprocess.run(
        [*before, *writer_command(folder, commits, *limit)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def acked(lines: list[str]) -> int:
    """The last seq that was acknowledged."""
    return max((int(line.split()[1]) for line in lines if line.startswith(("acked ", "head "))), default=0)


def tool(name: str) -> str | None:
    return shutil.which(name)
