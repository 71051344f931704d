"""The benchmark runner: what counts as reached, and what it prints."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from actors.connection.market_feed import CHANNELS, EXTRA_CHANNELS
from scripts.bench import __main__ as bench
from scripts.bench import frames


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"ratio": 0.9, "first_day": 0.6, "goal": 0.85}, "goal"),
        ({"ratio": 0.7, "first_day": 0.6, "goal": 0.85}, "first day"),
        ({"ratio": 0.5, "first_day": 0.6, "goal": 0.85}, "missed"),
        ({"ratio": 1.2, "first_day": 2.0, "goal": 1.3, "below": True}, "goal"),
        ({"ratio": 2.4, "first_day": 2.0, "goal": 1.3, "below": True}, "missed"),
        ({"ratio": 0.5}, ""),
    ],
)
def test_a_ratio_is_judged_by_its_columns_and_its_direction(row: dict[str, float], expected: str) -> None:
    assert bench.verdict(row) == expected


def test_every_measure_that_performance_asks_for_from_the_first_day_is_found() -> None:
    assert {"append", "decode", "live_path", "frames", "rest"} <= set(bench.names())
    assert "sample" not in bench.names()


def test_named_figures_become_rows_and_their_bounds_are_held() -> None:
    measure = bench._in_rows({"P5 actors: facts per s": 60_000.0, "P5 actors: ratio (first day >= 0.6)": 0.5})
    report = {"measures": [{"name": "live", **measure}]}
    assert measure["rows"][1] == {"case": "P5 actors: ratio", "ratio": 0.5, "first_day": 0.6, "below": False}
    assert bench.missed(report)


def test_a_missed_ratio_is_shown_with_what_holds_it_back() -> None:
    row = {
        "case": "one",
        "ours_per_s": 12_345.6,
        "ratio": 0.5,
        "first_day": 0.6,
        "goal": 0.8,
        "held_back_by": "the disk",
    }
    report = {"measures": [{"name": "x", "id": "P9", "title": "a title", "reference": "a loop", "rows": [row]}]}
    out = io.StringIO()
    bench.show(report, Console(file=out, width=120))
    text = out.getvalue()
    for shown in ("P9", "12,346", "0.50x", "≥ 0.6x", "missed", "held back by the disk", "against: a loop"):
        assert shown in text


def test_an_unknown_measure_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["nonsense"])
    assert ended.value.code == 2
    assert "no such measure: nonsense" in capsys.readouterr().err


@pytest.mark.parametrize("case", frames.frames())
def test_every_frame_that_is_measured_is_one_that_says_something(case: str) -> None:
    reader = frames._reader(case)
    said = [reader(raw) for raw in frames.frames()[case][:3]]
    says_nothing = case in ("heartbeats", "subscriptions")
    assert bool(said[0]) != says_nothing
    if len(said) > 1:
        assert all(said), "a frame that is told once only would be measured as nothing"


def test_every_channel_of_the_exchange_is_measured() -> None:
    measured = {case.partition(",")[0] for case in frames.frames()}
    assert {*CHANNELS, *EXTRA_CHANNELS, "user", "futures_balance_summary", "heartbeats", "subscriptions"} <= measured
