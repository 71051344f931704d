"""Limits as the seed writes them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.brokerage.risk_config import RiskConfig
from actors.environment import RISK
from actors.strict import ConfigurationError
from events.configuration import RiskLimits

#: Every limit that has a variable, with another value than its default, as the environment writes it.
WRITTEN: dict[str, str] = {
    "RISK_MAX_LEVERAGE": "10",
    "RISK_LEVERAGE_MAX_PER_SYMBOL": "BTC-PERP:5,ETH-PERP:8",
    "RISK_DAYTIME_START_UTC": "09:00",
    "RISK_DAYTIME_END_UTC": "17:00",
    "RISK_DAY_LEVERAGE_MAX_PER_SYMBOL": "BTC-PERP:4",
    "RISK_NIGHT_LEVERAGE_MAX_PER_SYMBOL": "BTC-PERP:2",
    "RISK_DAY_MMR_PER_SYMBOL": "BTC-PERP:0.01",
    "RISK_NIGHT_MMR_PER_SYMBOL": "BTC-PERP:0.02",
    "RISK_MIN_LIQUIDATION_BUFFER_PCT": "0.2",
    "RISK_ENABLE_PRE_TRADE_LIQ_PROJECTION": "false",
    "RISK_DEFAULT_MMR": "0.006",
    "RISK_DAILY_LOSS_LIMIT": "250",
    "RISK_MAX_DAILY_LOSS_PCT": "0.02",
    "RISK_MAX_EXPOSURE_PCT": "0.7",
    "RISK_MAX_POSITION_PCT_PER_SYMBOL": "0.3",
    "RISK_MAX_NOTIONAL_PER_SYMBOL": "BTC-PERP:50000",
    "RISK_SLIPPAGE_GUARD_BPS": "40",
    "RISK_KILL_SWITCH_ENABLED": "yes",
    "RISK_REDUCE_ONLY_MODE": "1",
    "RISK_MAX_MARK_STALENESS_SECONDS": "90",
    "RISK_ENABLE_VOLATILITY_CB": "true",
    "RISK_MAX_INTRADAY_VOL": "0.14",
    "RISK_VOL_WINDOW_PERIODS": "30",
    "RISK_CB_COOLDOWN_MIN": "15",
    "RISK_VOL_WARNING_THRESH": "0.16",
    "RISK_VOL_REDUCE_ONLY_THRESH": "0.21",
    "RISK_VOL_KILL_SWITCH_THRESH": "0.26",
}


def plain(config: RiskConfig) -> dict[str, Any]:
    """As JSON and TOML hold it: numbers as numbers."""
    found: dict[str, Any] = msgspec.to_builtins(config.frozen(), builtin_types=(Decimal,))
    return found


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{name}" = {toml(each)}' for name, each in value.items()) + " }"
    return json.dumps(value) if isinstance(value, (bool, str)) else str(value)


def test_every_variable_sets_its_limit() -> None:
    config, default = RiskConfig.from_env(WRITTEN), RiskLimits()
    assert {*WRITTEN, "RISK_MAX_TOTAL_EXPOSURE_PCT"} == {*RISK}
    same = {way[1] for variable, way in RISK.items() if getattr(config, way[1]) == getattr(default, way[1])}
    assert same == set()


def test_every_limit_reads_the_same_from_the_environment_from_json_and_from_toml(tmp_path: Path) -> None:
    config = RiskConfig.from_env(WRITTEN)
    as_json, as_toml = tmp_path / "risk.json", tmp_path / "risk.toml"
    as_json.write_text(json.dumps(plain(config), default=float))
    as_toml.write_text(
        "[risk]\n" + "".join(f"{name} = {toml(value)}\n" for name, value in plain(config).items() if value is not None)
    )
    assert RiskConfig.from_json(as_json) == RiskConfig.from_toml(as_toml) == config
    assert RiskConfig.from_env({"RISK_CONFIG_PATH": str(as_json)}) == config


def test_a_float_is_taken_as_the_digits_it_was_written_with() -> None:
    config = RiskConfig(max_exposure_pct=0.1, leverage_max_per_symbol={"BTC-PERP": 2.5})  # type: ignore[arg-type,dict-item]  # as the seed writes them
    assert (config.max_exposure_pct, config.leverage_max_per_symbol) == (Decimal("0.1"), {"BTC-PERP": Decimal("2.5")})
    config.slippage_guard_bps = 12.5  # type: ignore[assignment,misc]  # likewise
    assert config.slippage_guard_bps == Decimal("12.5")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("RISK_LEVERAGE_MAX_PER_SYMBOL", "BTC-PERP"),
        ("RISK_LEVERAGE_MAX_PER_SYMBOL", "BTC-PERP=5"),
        ("RISK_LEVERAGE_MAX_PER_SYMBOL", "BTC-PERP:5,BTC-PERP:6"),
        ("RISK_MAX_EXPOSURE_PCT", "NaN"),
        ("RISK_MAX_LEVERAGE", "0"),
        ("RISK_REDUCE_ONLY_MODE", "perhaps"),
        ("RISK_MAX_LEVERGE", "5"),
        ("RISK_DAYTIME_START_UTC", "9"),
    ],
)
def test_a_limit_that_is_malformed_is_named_and_never_dropped(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError):
        RiskConfig.from_env({variable: text})


def test_a_limit_that_cannot_stand_leaves_the_one_before_it() -> None:
    config = RiskConfig(max_exposure_pct=Decimal("0.5"))
    for name, value in (("max_exposure_pct", "much"), ("max_exposure_pct", -1), ("max_exposure", 1)):
        with pytest.raises(ConfigurationError):
            setattr(config, name, value)
    assert config == RiskConfig(max_exposure_pct=Decimal("0.5"))


@pytest.mark.parametrize(("name", "text"), [("risk.json", "[1]"), ("risk.json", "{"), ("risk.toml", "a = ")])
def test_a_file_that_holds_no_limits_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=name):
        RiskConfig.from_json(path) if name.endswith("json") else RiskConfig.from_toml(path)
