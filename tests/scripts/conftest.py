"""The command line as a test calls it, and a log to ask about."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scripts import perptape as entry
from tests.scripts.made_up import write_session


class Ran(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Perptape = Callable[..., Ran]


@pytest.fixture
def perptape(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Perptape:
    """`perptape("status", path)`: the real entry, in this process, in an empty folder, without our environment."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["perptape", *map(str, arguments)])
        code = 0
        try:
            entry.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)

    return run


@pytest.fixture(scope="session")
def session_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a log whose one session ended in order."""
    path = tmp_path_factory.mktemp("log")
    write_session(path)
    return path


@pytest.fixture(scope="session")
def dead_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a log whose session died: no `SessionEnded`, and nobody writes it."""
    path = tmp_path_factory.mktemp("dead")
    write_session(path, ends=False)
    return path
