"""`perptape init` and `perptape config`: a file that explains itself, values with their source, secrets never shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from actors.environment import EXCHANGE, PREFIX, RISK
from actors.settings import SettingsFile, load
from actors.strategies.loading import load_strategy
from events.configuration import RiskLimits
from scripts.cli.settings_files import daily_loss_in_force
from scripts.cli.templates import ENVIRONMENT, SETTINGS
from tests.scripts.conftest import Perptape


def uncommented(text: str) -> str:
    """The template with every setting that stands behind a # in force."""
    return re.sub(r"^# (?=\[|[\w-]+ = )", "", text, flags=re.MULTILINE)


def test_init_writes_both_files_and_never_over_one(perptape: Perptape, tmp_path: Path) -> None:
    ran = perptape("init", "--yes")
    assert ran.code == 0
    assert (tmp_path / "perptape.toml").read_text() == SETTINGS
    assert (tmp_path / ".env.example").read_text() == ENVIRONMENT
    (tmp_path / "perptape.toml").write_text("mine")
    again = perptape("init", "--yes")
    assert again.code == 1
    assert "perptape.toml is there already" in again.err
    assert (tmp_path / "perptape.toml").read_text() == "mine"


def test_the_written_file_is_valid_and_trades_on_paper(perptape: Perptape, tmp_path: Path) -> None:
    perptape("init", "--yes")
    loaded = load(tmp_path / "perptape.toml", {})
    assert loaded.settings.configuration.mode == "paper"
    assert loaded.settings.configuration.risk == RiskLimits()


def test_the_written_file_names_every_setting_at_its_default() -> None:
    names = set(re.findall(r"^(?:# )?(\w+) = ", SETTINGS, flags=re.MULTILINE))
    names |= set(re.findall(r"^(?:# )?\[(?:risk\.)?([\w.]+)\]", SETTINGS, flags=re.MULTILINE))
    missing: list[str] = []

    def walk(kind: type[msgspec.Struct]) -> None:
        for field in msgspec.structs.fields(kind):
            if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
                walk(field.type)
            elif field.name not in names and field.name not in ("products", "strategies", "private_key"):
                missing.append(field.name)

    walk(SettingsFile)
    assert not missing


def test_the_written_file_with_every_comment_taken_away_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "perptape.toml"
    path.write_text(uncommented(SETTINGS).replace('key_name = "organizations', '# key_name = "organizations'))
    configuration = load(path, {}).settings.configuration
    load_strategy(configuration.strategies["main"])
    limits = configuration.risk
    assert limits.max_notional_per_symbol
    assert limits.daytime_start_utc == "09:00"
    unset = {"leverage_max_per_symbol", "max_notional_per_symbol", "day_leverage_max_per_symbol"}
    unset |= {"night_leverage_max_per_symbol", "day_mmr_per_symbol", "night_mmr_per_symbol", "max_order_qty"}
    unset |= {"max_orders_per_minute", "capital_cap_usd", "daily_loss_limit", "max_daily_loss_pct"}
    unset |= {"daytime_start_utc", "daytime_end_utc", "max_order_notional", "max_price_distance_bps"}
    for name in set(RiskLimits.__struct_fields__) - unset:
        assert getattr(limits, name) == getattr(RiskLimits(), name), f"the template says another default for {name}"


def test_every_variable_of_the_example_is_one_that_is_read() -> None:
    names = re.findall(r"^# ([A-Z_]+)=", ENVIRONMENT, flags=re.MULTILINE)
    assert len(names) > 8
    assert [name for name in names if name not in {**RISK, **EXCHANGE} and not name.startswith(PREFIX)] == []


def test_show_tells_every_value_with_its_source(
    perptape: Perptape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "perptape.toml").write_text("[risk]\nmax_exposure_pct = 0.5")
    monkeypatch.setenv("RISK_MAX_LEVERAGE", "2")
    values = perptape("config", "show", "--json").json
    assert values["risk.max_exposure_pct"] == {"value": "0.5", "source": "perptape.toml"}
    assert values["risk.leverage_max_global"] == {"value": "2", "source": "variable RISK_MAX_LEVERAGE"}
    assert values["journal.hosting"]["source"] == "default"
    changed = perptape("config", "show", "--json", "--changed").json
    assert set(changed) == {"risk.max_exposure_pct", "risk.leverage_max_global"}
    assert "variable RISK_MAX_LEVERAGE" in perptape("config", "show").out


def test_show_never_shows_a_secret(perptape: Perptape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINBASE_CDP_API_KEY", "a-name")
    monkeypatch.setenv("COINBASE_CDP_PRIVATE_KEY", "hunter2")
    for arguments in (("config", "show"), ("config", "show", "--json")):
        out = perptape(*arguments).out
        assert "(redacted)" in out
        assert "hunter2" not in out


@pytest.mark.parametrize(
    ("risk", "sentence"),
    [
        ("", "100 USD, the default"),
        ("daily_loss_limit = 250", "Daily loss: 250 USD."),
        ("max_daily_loss_pct = 0.02", "takes the place of the default of 100 USD"),
        ("daily_loss_limit = 250\nmax_daily_loss_pct = 0.02", "the tighter of 250 USD and 2%"),
    ],
)
def test_show_says_which_daily_loss_limit_counts(tmp_path: Path, risk: str, sentence: str) -> None:
    path = tmp_path / "perptape.toml"
    path.write_text(f"[risk]\n{risk}\n")
    assert sentence in daily_loss_in_force(load(path, {}))


def test_validate_says_what_is_wrong_with_exit_code_3(perptape: Perptape, tmp_path: Path) -> None:
    (tmp_path / "perptape.toml").write_text("[risk]\nmax_exposre_pct = 0.5")
    ran = perptape("config", "validate")
    assert ran.code == 3
    assert ran.err == "perptape: perptape.toml, risk.max_exposre_pct: no such setting; did you mean max_exposure_pct?\n"


def test_validate_says_what_is_valid(perptape: Perptape) -> None:
    perptape("init", "--yes")
    assert perptape("config", "validate", "--json").json == {
        "valid": True,
        "mode": "paper",
        "products": ["BTC-PERP"],
        "strategies": ["main"],
    }


def test_validate_imports_the_strategies(perptape: Perptape, tmp_path: Path) -> None:
    (tmp_path / "perptape.toml").write_text(
        '[products.BTC-PERP]\nexchange_id = "BIP-20DEC30-CDE"\n'
        '[strategies.mine]\nuses = "no_such_module:Mine"\nproduct = "BTC-PERP"\n'
    )
    ran = perptape("config", "validate")
    assert ran.code == 3
    assert "there is no module no_such_module" in ran.err


def test_a_file_that_is_named_and_not_there_is_a_configuration_error(perptape: Perptape) -> None:
    ran = perptape("config", "show", "--config", "none.toml")
    assert ran.code == 3
    assert "write one with `perptape init`" in ran.err


def test_the_schema_names_every_table_takes_numbers_as_text_and_leaves_secrets_out(perptape: Perptape) -> None:
    schema = perptape("config", "schema").json
    text = json.dumps(schema)
    definitions = schema["$defs"]
    assert definitions["RiskLimits"]["properties"]["max_exposure_pct"]["type"] == ["number", "string"]
    assert definitions["RiskLimits"]["additionalProperties"] is False
    assert set(definitions["SettingsFile"]["properties"]) == set(SettingsFile.__struct_fields__)
    assert "private_key" not in text
