"""A result on paper says what it rests on."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from events.configuration import Configuration, FeeSetting, PaperSetting
from replay.assumptions import assumptions
from tests.scripts.conftest import Perptape, perptape  # noqa: F401  # the fixture

D = Decimal


def said(**setting: object) -> str:
    return " | ".join(assumptions(Configuration(paper=PaperSetting(**setting))))  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"latency_ms": 120}, "act 120 ms after their intent"),
        (
            {"fees": FeeSetting(taker_rate=D("0.0005"), per_contract=D("0.15"))},
            "taker 0.05 % of notional, and 0.15 per",
        ),
        ({"price_band": D("0.05")}, "at most 5 % through the mark"),
        ({}, "no price band is set"),
        ({}, "rates of the night"),
        ({"intraday_margin": True}, "rates of the present window"),
        ({"liquidation_rate": D("0.01")}, "taker's fee and 1 % of notional"),
        ({"settlement_times_utc": ("05:00", "17:00")}, "at 05:00, 17:00 UTC"),
        ({"settlement_times_utc": ()}, "no funding is paid"),
    ],
)
def test_every_setting_of_the_paper_exchange_is_an_assumption_in_words(
    setting: dict[str, object], expected: str
) -> None:
    assert expected in said(**setting)


def test_a_live_session_assumes_nothing() -> None:
    assert assumptions(Configuration(mode="live")) == ()


def test_a_backtest_prints_its_assumptions_with_its_result(perptape: Perptape) -> None:  # noqa: F811
    ran = perptape("backtest", "--seconds", 5)
    assert ran.code == 0, ran.err
    assert "assumed: orders and cancels act 50 ms" in " ".join(ran.out.split())
    result = json.loads(perptape("backtest", "--seconds", 5, "--json").out)
    assert result["assumptions"] == list(assumptions(Configuration()))
