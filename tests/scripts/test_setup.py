"""`scripts/setup` does nothing twice, says what is missing, and keeps stdout for results."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `scripts/setup` looks at, and nothing to install."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts" / "setup")
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    (tmp_path / "pyproject.toml").write_text("# nothing\n")
    return tmp_path


def set_up(checkout: Path, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "scripts" / "setup")],
        env={**os.environ, "PYTHON": python},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def stamp_of(checkout: Path) -> str:
    digest = hashlib.sha256(f"{checkout} {sys.version}".encode())
    for name in ("requirements.lock", "pyproject.toml"):
        digest.update((checkout / name).read_bytes())
    return digest.hexdigest()


def test_without_python_it_says_which_one_is_needed(checkout: Path) -> None:
    ran = set_up(checkout, "no-such-python")
    assert ran.returncode == 1
    assert "Python 3.11 or newer is needed, and 'no-such-python' was not found" in ran.stderr


def test_an_old_python_is_refused_with_its_version(checkout: Path) -> None:
    old = checkout / "old-python"
    old.write_text('#!/bin/sh\ncase "$1" in -V) echo "Python 3.9.1" ;; *) exit 1 ;; esac\n')
    old.chmod(0o755)
    ran = set_up(checkout, str(old))
    assert ran.returncode == 1
    assert "is Python 3.9.1" in ran.stderr


def test_what_is_up_to_date_is_left_alone_in_silence(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    stamp = checkout / ".venv" / "perptape.stamp"
    stamp.write_text(stamp_of(checkout) + "\n")
    ran = set_up(checkout, sys.executable)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert [path.name for path in (checkout / ".venv").iterdir()] == ["perptape.stamp"]


def test_a_step_that_fails_is_shown_and_leaves_no_stamp(checkout: Path) -> None:
    broken = checkout / "broken-python"
    broken.write_text(f'#!/bin/sh\n[ "$1" = -m ] && echo "no space left" && exit 1\nexec "{sys.executable}" "$@"\n')
    broken.chmod(0o755)
    ran = set_up(checkout, str(broken))
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "no space left" in ran.stderr
    assert "-m venv --clear .venv' failed; what it said stands above" in ran.stderr
    assert not (checkout / ".venv" / "perptape.stamp").exists()
