"""The trial passes strategies that keep every law, and finds the one that a strategy breaks, on a simple stream."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from actors.settings import load
from actors.strategies.loading import StrategyNotLoaded
from events.log import read_records
from replay.strategy_kit import KitMissing, Trial, keep, setting_of, tried
from replay.strategy_kit.laws import (
    DETERMINISTIC,
    KILLED,
    LAWS,
    MEMORY,
    RAISES,
    REDUCES,
    first_fault,
)
from replay.strategy_kit.sessions import configuration_of
from replay.verify import verify

HERE = "tests.replay.strategy_kit.strategies"
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def trial(name: str, examples: int = 12, **options: str | int | bool) -> Trial:
    uses = name if name in ("baseline", "funding") else f"{HERE}:{name}"
    return tried(setting_of(uses, options), examples=examples)


@pytest.mark.parametrize("name", ["Momentum", "Remembering", "funding"])
def test_a_strategy_that_keeps_every_law_passes(name: str) -> None:
    passed = trial(name, examples=8)
    assert passed.failure is None
    assert passed.streams == 8
    assert passed.looks > 1_000
    if name != "Remembering":
        assert passed.proposals > 20


def test_the_baseline_passes_in_both_directions_with_adds() -> None:
    passed = trial("baseline", short_ma_period=2, long_ma_period=5, enable_shorts=True, max_adds=3)
    assert passed.failure is None
    assert passed.fills > 100


@pytest.mark.parametrize(
    ("name", "law", "said"),
    [
        ("Random", None, ""),  # whichever run notices first
        ("Timed", None, ""),
        ("Hashed", DETERMINISTIC, "another hash seed"),
        ("Located", DETERMINISTIC, "a fresh process"),
        ("Counting", MEMORY, "made anew for this look"),
        ("Raising", RAISES, "DivisionByZero"),
        ("Floating", RAISES, "no finite Decimal"),
        ("Approximate", RAISES, "no finite Decimal"),
        ("Numbered", RAISES, "Expected `str`"),
        ("Mute", RAISES, "returned NoneType, not a Decision"),
        ("Deaf", KILLED, "look at view.is_killed"),
        ("Backwards", REDUCES, "reduce-only, was asked for while 0 was held"),
    ],
)
def test_a_strategy_that_breaks_a_law_is_found(
    name: str, law: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay.strategy_kit.trial.SHRINK_S", 1.0)
    failure = trial(name, examples=40).failure
    assert failure is not None
    assert failure.fault.law == law or (law is None and failure.fault.law in (DETERMINISTIC, MEMORY))
    assert failure.fault.law in LAWS
    assert said in failure.fault.said


def test_a_failing_stream_is_made_simple() -> None:
    failure = trial("Deaf", examples=40).failure
    assert failure is not None
    assert len(failure.stream.phases) == 1
    assert failure.stream.phases[0].kind in ("kill", "flatten")
    assert failure.stream.phases[0].seconds <= 3


def test_a_failing_stream_is_kept_as_a_tape_and_a_log_that_verifies(tmp_path: Path) -> None:
    strategy = setting_of(f"{HERE}:Deaf", {})
    failure = tried(strategy, examples=40).failure
    assert failure is not None
    kept = keep(strategy, failure, tmp_path)
    assert load(kept.config, {}).settings.configuration == configuration_of(strategy)
    fault = first_fault(list(read_records(kept.log)))
    assert fault is not None
    assert (fault.law, fault.seq) == (failure.fault.law, failure.fault.seq)
    assert verify(kept.log).verified
    assert keep(strategy, failure, tmp_path).tape.parent.name == "killed-2"


def test_a_strategy_that_cannot_be_made_is_refused_before_anything_runs() -> None:
    with pytest.raises(StrategyNotLoaded, match="has no class Nobody"):
        trial("Nobody")


def test_without_hypothesis_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(KitMissing, match=r"perptape\[kit\]"):
        trial("Momentum")
