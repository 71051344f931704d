"""The code's identity changes with whatever shapes a decision, and with nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from actors.identity import code_identity
from actors.strategies.loading import source_files


@pytest.fixture
def strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's strategy of two modules, one importing the other."""
    for name in ("signals_of_mine", "strategy_of_mine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "signals_of_mine.py").write_text("THRESHOLD = 3\n", encoding="utf-8")
    (tmp_path / "strategy_of_mine.py").write_text(
        "from signals_of_mine import THRESHOLD\n\nclass Mine:\n    def decide(self, view):\n        return THRESHOLD\n",
        encoding="utf-8",
    )
    (tmp_path / "notes.py").write_text("UNUSED = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_strategy_is_made_of_its_module_and_what_that_imports_beside_it(strategy: Path) -> None:
    assert [file.name for file in source_files("strategy_of_mine:Mine")] == [
        "signals_of_mine.py",
        "strategy_of_mine.py",
    ]
    assert source_files("baseline") == []


def test_the_identity_changes_with_a_module_that_the_strategy_imports(strategy: Path) -> None:
    before = code_identity(source_files("strategy_of_mine:Mine"))
    (strategy / "notes.py").write_text("UNUSED = 2\n", encoding="utf-8")
    assert code_identity(source_files("strategy_of_mine:Mine")) == before
    (strategy / "signals_of_mine.py").write_text("THRESHOLD = 4\n", encoding="utf-8")
    assert code_identity(source_files("strategy_of_mine:Mine")) != before


def test_the_identity_without_strategies_is_that_of_our_own_code() -> None:
    assert code_identity() == code_identity([])
    assert len(code_identity()) == 64
