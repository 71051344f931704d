"""`perptape init --strategy NAME`: a strategy of some fifteen lines that passes its tests and trades as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.settings import load
from scripts.cli.scaffolds import Scaffold
from tests.scripts.conftest import Perptape

README = Path(__file__).parents[2] / "README.md"


def test_the_scaffold_is_entered_passes_test_strategy_and_trades_in_a_backtest(
    perptape: Perptape, tmp_path: Path
) -> None:
    ran = perptape("init", "--strategy", "high_water", "--yes")
    assert ran.code == 0
    assert "perptape test-strategy strategies.high_water:HighWater" in ran.out
    setting = load(tmp_path / "perptape.toml", {}).settings.configuration.strategies
    assert {name: each.uses for name, each in setting.items()} == {"high_water": "strategies.high_water:HighWater"}
    assert perptape("config", "validate").code == 0
    tried = perptape("test-strategy", "strategies.high_water:HighWater", "--examples", 12, "--json")
    assert tried.code == 0
    assert tried.json["orders_proposed"] > 5
    tested = perptape("backtest", "--config", "perptape.toml", "--seconds", 7200, "--out", "log", "--json")
    assert tested.code == 0
    assert tested.json["statement"]["orders_submitted"] > 0
    assert tested.json["statement"]["actor_failures"] == 0
    assert perptape("verify", "log").code == 0


def test_beside_a_configuration_only_the_strategy_is_written_and_its_entry_said(
    perptape: Perptape, tmp_path: Path
) -> None:
    (tmp_path / "perptape.toml").write_text("mine")
    ran = perptape("init", "--strategy", "second_idea", "--yes")
    assert ran.code == 0
    assert (tmp_path / "perptape.toml").read_text() == "mine"
    assert not (tmp_path / ".env.example").exists()
    assert '[strategies.second_idea]\nuses = "strategies.second_idea:SecondIdea"' in ran.out
    again = perptape("init", "--strategy", "second_idea", "--yes")
    assert again.code == 1
    assert "second_idea.py is there already" in again.err


@pytest.mark.parametrize("name", ["My Idea", "class", "9lives", "a.b", "../x", ""])
def test_a_name_that_is_no_modules_is_a_usage_error(perptape: Perptape, tmp_path: Path, name: str) -> None:
    ran = perptape("init", "--strategy", name, "--yes")
    assert ran.code == 2
    assert "write a name like my_idea" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_the_scaffold_has_some_fifteen_lines_and_is_the_one_that_the_readme_shows() -> None:
    text = Scaffold("breakout").text
    body = text.partition("class ")[2]
    assert len([line for line in body.splitlines() if line.strip()]) <= 15
    assert f"```python\n{text}```" in README.read_text()
