"""`perptape test-strategy`: a verdict in words or JSON, and a failing stream that backtest and verify take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.conftest import Perptape

DEAF = """\
from decimal import Decimal
from actors.strategies.protocol import Decision, View
from events.terms import Action

class Deaf:
    def __init__(self, usd: int = 5000) -> None:
        self.usd = usd

    def decide(self, view: View) -> Decision:
        if view.qty:
            return Decision(action=Action.HOLD, reason="Holding")
        return Decision(action=Action.BUY, reason="Always", target_notional=Decimal(self.usd))
"""


def test_a_good_strategy_passes_with_its_options(perptape: Perptape) -> None:
    ran = perptape("test-strategy", "baseline", "--option", "enable_shorts=true", "--examples", 5, "--json")
    assert ran.code == 0
    assert ran.json["passed"] is True
    assert ran.json["streams"] == 5
    assert ran.json["orders_proposed"] > 0
    assert ran.json["failure"] is None
    shown = perptape("test-strategy", "funding", "--option", "enter_rate=1", "--examples", 2).out
    assert "passed: funding, 2 streams" in shown
    assert "it never asked for an order" in shown


def test_a_failing_stream_is_a_tape_that_gives_the_same_session_again(perptape: Perptape, tmp_path: Path) -> None:
    (tmp_path / "deaf_one.py").write_text(DEAF)
    ran = perptape("test-strategy", "deaf_one:Deaf", "--option", "usd=7000", "--examples", 40, "--json")
    assert ran.code == 1
    assert ran.json["failure"]["fault"]["law"] == "killed"
    tape, config, log = (ran.json["kept"][name] for name in ("tape", "config", "log"))
    assert Path(tape) == Path("results/strategy-kit/killed/tape.jsonl")
    assert perptape("verify", log).code == 0
    again = perptape("backtest", tape, "--config", config, "--out", "again", "--json")
    assert again.code == 0
    first, second = (perptape("log", "export", folder).out.splitlines() for folder in (log, "again"))
    assert first == second
    assert perptape("verify", "again").code == 0


def test_a_failure_says_the_law_the_place_and_what_to_run(perptape: Perptape, tmp_path: Path) -> None:
    (tmp_path / "deaf_two.py").write_text(DEAF)
    ran = perptape("test-strategy", "deaf_two:Deaf", "--examples", 40, "--out", "kept")
    assert ran.code == 1
    assert "no increase is asked for behind a kill switch" in ran.out
    assert "look at view.is_killed" in ran.out
    assert "perptape backtest kept/killed/tape.jsonl --config kept/killed/perptape.toml" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("nowhere:Nobody",), 3, "there is no module nowhere"),
        (("carry",), 3, 'write "baseline" or "funding"'),
        (("baseline", "--option", "short"), 2, "write name=value"),
        (("baseline", "--option", "shorts=1"), 3, "unknown option 'shorts'"),
    ],
)
def test_what_cannot_be_tested_is_said_in_one_sentence(
    perptape: Perptape, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    ran = perptape("test-strategy", *arguments)
    assert ran.code == code
    assert sentence in ran.err
