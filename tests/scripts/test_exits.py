"""Every error the world can cause ends in one sentence and its documented code; a bug of ours is not dressed up."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from actors.behaviour import Diverged
from actors.connection.errors import AuthenticationError
from actors.operator import NotRunning, OperatorRefused
from actors.start_check import StateDiverged
from actors.strict import ConfigurationError
from events.log import Damage, LogDamaged, LogLocked, LogNotFound, LogTooNew
from scripts.cli.exits import CommandFailed, Exit, exit_code_of, sentence_of
from tests.scripts.conftest import Perptape


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandFailed("no"), 1),
        (CommandFailed("no", Exit.HALTED), 8),
        (ConfigurationError("file, key", "is wrong", "mend it"), 3),
        (LogNotFound("no log", file="x", remedy="y"), 4),
        (NotRunning("nobody"), 4),
        (OperatorRefused("no"), 1),
        (LogDamaged("a flipped bit", kind=Damage.DAMAGE, file="x", remedy="y"), 5),
        (LogTooNew("format 2", file="x", remedy="y"), 1),
        (LogLocked(file="x", holder=1), 1),
        (StateDiverged("other digest"), 6),
        (Diverged("said otherwise"), 6),
        (AuthenticationError("401"), 7),
        (OSError(errno.EADDRINUSE, "Address already in use"), 1),
    ],
)
def test_each_kind_of_error_has_its_code(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code


def test_an_error_counts_as_what_caused_it() -> None:
    wrapped = RuntimeError("the system stopped")
    wrapped.__cause__ = LogDamaged("a flipped bit", kind=Damage.DAMAGE, file="x", remedy="y")
    assert exit_code_of(wrapped) == Exit.INTEGRITY


def test_a_bug_of_ours_has_no_code() -> None:
    assert exit_code_of(KeyError("oops")) is None


def test_a_sentence_is_one_line() -> None:
    assert sentence_of(ValueError("two\nlines")) == "two lines"
    assert sentence_of(FileNotFoundError(errno.ENOENT, "No such file or directory", "tape.gz")) == (
        "tape.gz: No such file or directory"
    )


def test_an_unknown_command_and_an_unknown_option_are_usage_errors(perptape: Perptape) -> None:
    assert perptape("statuss").code == 2
    assert perptape("status", "--jsn").code == 2


def test_the_codes_are_those_that_the_readme_promises() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for code in Exit:
        assert f"| {code.value} |" in readme


def test_a_reader_that_goes_away_ends_the_command_quietly(session_log: Path) -> None:
    ran = subprocess.run(
        ["bash", "-c", '"$0" -m scripts.perptape log tail "$1" --json | head -n 1', sys.executable, str(session_log)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""


def test_help_starts_without_loading_what_only_commands_need() -> None:
    """P10: the command line starts fast, so its modules import what they need when they are called."""
    heavy = ("msgspec", "rich.table", "pykka", "requests", "websocket", "zstandard", "starlette", "cryptography")
    code = (
        "import sys\nimport scripts.perptape\nscripts.perptape.build()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout.strip() == "[]"
