"""One file, the environment on top: what is set is in force, and what cannot be taken is named with its remedy."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from actors.connection.feeds import FeedManners
from actors.connection.live import RATE_LIMIT_PER_MINUTE, Address
from actors.environment import RISK
from actors.settings import ConfigurationError, FeedSettings, Loaded, SystemSettings, load
from actors.strategies.loading import BUILT_IN
from events.configuration import RiskLimits

BTC = '[products.BTC-PERP]\nexchange_id = "BIP-20DEC30-CDE"\n'
ETH = '[products.ETH-PERP]\nexchange_id = "ETP-20DEC30-CDE"\n'

Given = Callable[..., Loaded]


@pytest.fixture
def given(tmp_path: Path) -> Given:
    """`given(toml, VARIABLE="value")`: the settings of a file with that text under that environment."""

    def read(text: str = "", **environment: str) -> Loaded:
        path = tmp_path / "perptape.toml"
        path.write_text(text)
        return load(path, environment)

    return read


def risk(loaded: Loaded) -> RiskLimits:
    return loaded.settings.configuration.risk


def source(loaded: Loaded, name: str) -> str:
    return next(each.source for each in loaded.resolved if each.name == name)


def value(loaded: Loaded, name: str) -> str:
    return next(each.value for each in loaded.resolved if each.name == name)


def test_without_a_file_everything_is_at_its_default_and_trading_is_on_paper() -> None:
    loaded = load(None, {})
    assert loaded.settings == SystemSettings()
    assert loaded.settings.configuration.mode == "paper"
    assert {each.source for each in loaded.resolved} == {"default"}


def test_fractions_in_the_file_are_taken_digit_by_digit_and_never_pass_through_a_float(given: Given) -> None:
    assert risk(given("[risk]\nmax_exposure_pct = 0.1000000000000000055511151231")).max_exposure_pct == Decimal(
        "0.1000000000000000055511151231"
    )


def test_a_decimal_may_be_written_as_text_and_a_whole_number_too(given: Given) -> None:
    limits = risk(given('[risk]\nmax_exposure_pct = "0.70"\nleverage_max_global = 3'))
    assert str(limits.max_exposure_pct) == "0.70"
    assert limits.leverage_max_global == Decimal(3)


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("[risk]\nmax_exposre_pct = 1", "risk.max_exposre_pct", "did you mean max_exposure_pct?"),
        ("[rsk]\nx = 1", "rsk", "did you mean risk?"),
        ("[paper.fees]\nmakr_rate = 0", "paper.fees.makr_rate", "did you mean maker_rate?"),
        (BTC + "size = 1", "products.BTC-PERP.size", "exchange_id"),
        ("[products.BTC-PERP]", "products.BTC-PERP.exchange_id", "set exchange_id under [products.BTC-PERP]"),
        ("[risk]\nmax_exposure_pct = true", "risk.max_exposure_pct", "write a number"),
        ('[risk]\nmax_exposure_pct = "lots"', "risk.max_exposure_pct", "write a number"),
        ("[risk]\nmax_exposure_pct = inf", "risk.max_exposure_pct", "finite"),
        ("[risk]\nmax_exposure_pct = nan", "risk.max_exposure_pct", "finite"),
        ("[marks]\nttl_s = 1.5", "marks.ttl_s", "digits only"),
        ("[risk]\nreduce_only_mode = 1", "risk.reduce_only_mode", "true or false"),
        ("[risk]\ndaytime_start_utc = 09:00:00", "risk.daytime_start_utc", "quotes"),
        ("risk = 5", "risk", "open one with [risk]"),
        ("[paper]\nsettlement_times_utc = 5", "paper.settlement_times_utc", "write it as"),
        ('mode = "real"', "mode", '"paper" or "live"'),
        ('[journal]\nhosting = "cloud"', "journal.hosting", '"turn"'),
        ('[journal]\ndurability = "never"', "journal.durability", '"grouped"'),
        ('[exchange]\nclock = "sun"', "exchange.clock", '"tape"'),
        ("[journal]\ngroup_ms = 0", "journal.group_ms", "above 0"),
        ("[risk]\nmin_liquidation_buffer_pct = 15", "risk.min_liquidation_buffer_pct", "0.15 is 15 %"),
        ("[risk]\nmax_daily_loss_pct = 2", "risk.max_daily_loss_pct", "0.02 is 2 %"),
        ("[risk]\nleverage_max_global = 0", "risk.leverage_max_global", "above 0"),
        ("[risk]\nmax_order_qty = -1", "risk.max_order_qty", "above 0"),
        (BTC + "[risk.day_mmr_per_symbol]\nBTC-PERP = 3", "risk.day_mmr_per_symbol.BTC-PERP", "at most 1"),
        ('[risk]\ndaytime_start_utc = "09:00"', "risk.daytime_start_utc", "both or neither"),
        (
            '[risk]\ndaytime_start_utc = "9 am"\ndaytime_end_utc = "17:00"',
            "risk.daytime_start_utc",
            'write UTC as "09:00"',
        ),
        ("[risk]\nvolatility_warning_threshold = 0.9", "risk.volatility_warning_threshold", "warning <= reduce_only"),
        ("[risk]\nvolatility_window_periods = 241", "risk.volatility_window_periods", "from 2 to 240"),
        ("[risk]\nmax_correlated_concentration = 1.5", "risk.max_correlated_concentration", "at most 1"),
        ('[halts]\nweekly_new_york = ["friday 17-18"]', "halts.weekly_new_york", '"fri 17:00-18:00"'),
        ('[halts]\nweekly_new_york = ["fri 18:00-17:00"]', "halts.weekly_new_york", '"fri 17:00-18:00"'),
        ("[halts]\nlead_s = -1", "halts.lead_s", "0 or more"),
        ('[paper]\nsettlement_times_utc = ["25:00"]', "paper.settlement_times_utc", "UTC"),
        (BTC + '[strategies.a]\nuses = "a file.py"\nproduct = "BTC-PERP"', "strategies.a.uses", "module:Class"),
        ('[strategies.a]\nuses = "baseline"', "strategies.a.product", "set product"),
        ('[exchange]\nrest = "api.coinbase.com"', "exchange.rest", "https://host"),
        ('[exchange]\nrest = "http://api.coinbase.com"', "exchange.rest", "https://"),
        ('[exchange]\nws = "ws://10.1.2.3:80"', "exchange.ws", "wss://"),
    ],
)
def test_what_cannot_be_taken_is_named_with_file_key_and_remedy(
    given: Given, text: str, place: str, remedy: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        given(text)
    assert caught.value.place.endswith(f"perptape.toml, {place}")
    assert remedy in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_the_local_exchange_may_be_reached_without_tls(given: Given) -> None:
    loaded = given(
        '[exchange]\nrest = "http://127.0.0.1:8001"\nws = "ws://localhost:8001"\nuser_ws = "ws://[::1]:8001"'
    )
    assert loaded.settings.exchange.rest == "http://127.0.0.1:8001"


def test_a_file_that_is_no_toml_is_named_with_its_line(given: Given) -> None:
    with pytest.raises(ConfigurationError, match=r"perptape.toml: this is no TOML: .*line 2"):
        given("mode = 'paper'\nrisk = !")


def test_a_file_that_is_not_there_is_answered_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="perptape init"):
        load(tmp_path / "none.toml", {})


def test_a_file_that_is_not_text_is_refused_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "perptape.toml"
    path.write_bytes(b"mode = '\xff'")
    with pytest.raises(ConfigurationError, match="byte 8 is not UTF-8"):
        load(path, {})


# Limits by alias: a limit under a name that no product has would be no limit.


def test_a_limit_written_under_the_exchanges_id_is_the_limit_of_our_product(given: Given) -> None:
    loaded = given(BTC + '[risk.max_notional_per_symbol]\n"BIP-20DEC30-CDE" = 5000')
    assert risk(loaded).max_notional_per_symbol == {"BTC-PERP": Decimal(5000)}
    assert source(loaded, "risk.max_notional_per_symbol.BTC-PERP").endswith("perptape.toml")


def test_a_limit_for_an_unknown_product_stops_the_start(given: Given) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no product BTC-PREP; did you mean BTC-PERP\?"):
        given(BTC + "[risk.max_notional_per_symbol]\nBTC-PREP = 5000")


def test_a_limit_without_any_product_stops_the_start(given: Given) -> None:
    with pytest.raises(ConfigurationError, match=r"list it as \[products.BTC-PERP\]"):
        given("[risk.leverage_max_per_symbol]\nBTC-PERP = 3")


def test_two_limits_for_one_product_under_two_names_stop_the_start(given: Given) -> None:
    with pytest.raises(ConfigurationError, match="BTC-PERP has this limit twice"):
        given(BTC + '[risk.leverage_max_per_symbol]\nBTC-PERP = 3\n"BIP-20DEC30-CDE" = 5')


def test_two_products_of_one_exchange_id_stop_the_start(given: Given) -> None:
    with pytest.raises(ConfigurationError, match="BIP-20DEC30-CDE is BTC-PERP already"):
        given(BTC + '[products.BIP]\nexchange_id = "BIP-20DEC30-CDE"')


def test_a_strategy_names_its_product_by_either_id_and_its_options_are_kept_as_written(given: Given) -> None:
    loaded = given(
        BTC + '[strategies.main]\nuses = "baseline"\nproduct = "BIP-20DEC30-CDE"\n'
        "options = { trailing_stop_pct = 0.010, short = 5, enable_shorts = true }"
    )
    main = loaded.settings.configuration.strategies["main"]
    assert main.product == "BTC-PERP"
    assert main.options == {"trailing_stop_pct": "0.010", "short": 5, "enable_shorts": True}


# The environment on top.

EXAMPLES = {
    "leverage_max_global": ("7", Decimal(7)),
    "leverage_max_per_symbol": ("BTC-PERP:10,ETH-PERP:8", {"BTC-PERP": Decimal(10), "ETH-PERP": Decimal(8)}),
    "day_leverage_max_per_symbol": ("BTC-PERP:10", {"BTC-PERP": Decimal(10)}),
    "night_leverage_max_per_symbol": ("BTC-PERP:4", {"BTC-PERP": Decimal(4)}),
    "day_mmr_per_symbol": ("BTC-PERP:0.05", {"BTC-PERP": Decimal("0.05")}),
    "night_mmr_per_symbol": ("BIP-20DEC30-CDE:0.2", {"BTC-PERP": Decimal("0.2")}),
    "daytime_start_utc": ("09:00", "09:00"),
    "daytime_end_utc": ("17:30", "17:30"),
    "min_liquidation_buffer_pct": ("0.2", Decimal("0.2")),
    "enable_pre_trade_liq_projection": ("no", False),
    "default_maintenance_margin_rate": ("0.01", Decimal("0.01")),
    "daily_loss_limit": ("250", Decimal(250)),
    "max_daily_loss_pct": ("0.02", Decimal("0.02")),
    "max_exposure_pct": ("0.5", Decimal("0.5")),
    "max_position_pct_per_symbol": ("0.1", Decimal("0.1")),
    "max_notional_per_symbol": ("ETH-PERP:1000.5", {"ETH-PERP": Decimal("1000.5")}),
    "slippage_guard_bps": ("25", Decimal(25)),
    "kill_switch_enabled": ("1", True),
    "reduce_only_mode": ("YES", True),
    "max_mark_staleness_seconds": ("90", 90),
    "enable_volatility_circuit_breaker": ("true", True),
    "max_intraday_volatility_threshold": ("0.3", Decimal("0.3")),
    "volatility_window_periods": ("30", 30),
    "circuit_breaker_cooldown_minutes": ("15", 15),
    "volatility_warning_threshold": ("0.05", Decimal("0.05")),
    "volatility_reduce_only_threshold": ("0.22", Decimal("0.22")),
    "volatility_kill_switch_threshold": ("0.5", Decimal("0.5")),
}


@pytest.mark.parametrize("variable", RISK)
def test_each_of_the_seeds_variables_sets_its_limit_over_the_file(given: Given, variable: str) -> None:
    field = RISK[variable][1]
    text, meant = EXAMPLES[field]
    other = {"daytime_start_utc": "RISK_DAYTIME_END_UTC", "daytime_end_utc": "RISK_DAYTIME_START_UTC"}
    company = {other[field]: "20:00"} if field in other else {}
    loaded = given(BTC + ETH, **{variable: text}, **company)
    assert getattr(risk(loaded), field) == meant != getattr(RiskLimits(), field)
    names = [each for each in loaded.resolved if each.source == f"variable {variable}"]
    assert names
    assert all(each.name.startswith(f"risk.{field}") for each in names)


@pytest.mark.parametrize("limit", [name for name in RiskLimits.__struct_fields__ if name.endswith("_per_symbol")])
def test_every_limit_by_product_must_name_a_product(given: Given, limit: str) -> None:
    if not isinstance(getattr(RiskLimits(), limit), dict):
        assert limit == "max_position_pct_per_symbol"  # one number for all
        return
    with pytest.raises(ConfigurationError, match=f"risk.{limit}.SOL-PERP: there is no product SOL-PERP"):
        given(BTC + f"[risk.{limit}]\nSOL-PERP = 0.1")


def test_two_strategies_may_share_a_product(given: Given) -> None:
    one = '[strategies.one]\nuses = "baseline"\nproduct = "BTC-PERP"\n'
    loaded = given(BTC + one + one.replace("one", "two"))
    strategies = loaded.settings.configuration.strategies
    assert [each.product for each in strategies.values()] == ["BTC-PERP", "BTC-PERP"]


@pytest.mark.parametrize("name", ["external", "netting", "risk", "protection"])
def test_a_strategy_cannot_have_a_name_that_results_are_attributed_to(given: Given, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"strategies.{name}: .* no strategy"):
        given(BTC + f'[strategies.{name}]\nuses = "baseline"\nproduct = "BTC-PERP"\n')


def test_a_map_in_a_variable_takes_the_place_of_the_files_whole_map(given: Given) -> None:
    loaded = given(
        BTC + ETH + "[risk.leverage_max_per_symbol]\nETH-PERP = 2", RISK_LEVERAGE_MAX_PER_SYMBOL="BTC-PERP:3"
    )
    assert risk(loaded).leverage_max_per_symbol == {"BTC-PERP": Decimal(3)}


@pytest.mark.parametrize(
    "text", ["BTC-PERP", "BTC-PERP:", ":3", "BTC-PERP:3,BTC-PERP:4", "BTC-PERP:many", "SOL-PERP:3"]
)
def test_a_malformed_map_in_a_variable_is_refused_and_not_ignored(given: Given, text: str) -> None:
    with pytest.raises(ConfigurationError, match="variable RISK_LEVERAGE_MAX_PER_SYMBOL: "):
        given(BTC, RISK_LEVERAGE_MAX_PER_SYMBOL=text)


def test_a_variable_that_names_no_limit_stops_the_start(given: Given) -> None:
    with pytest.raises(
        ConfigurationError, match=r"variable RISK_MAX_LEVRAGE: no such limit; did you mean RISK_MAX_LEVERAGE\?"
    ):
        given(RISK_MAX_LEVRAGE="3")


def test_the_old_name_of_the_exposure_limit_yields_to_the_new_one(given: Given) -> None:
    assert risk(given(RISK_MAX_TOTAL_EXPOSURE_PCT="0.3")).max_exposure_pct == Decimal("0.3")
    both = given(RISK_MAX_TOTAL_EXPOSURE_PCT="0.3", RISK_MAX_EXPOSURE_PCT="0.4")
    assert risk(both).max_exposure_pct == Decimal("0.4")


def test_our_own_variables_reach_every_setting_and_win_over_the_seeds(given: Given) -> None:
    loaded = given(
        BTC + '[strategies.main]\nuses = "baseline"\nproduct = "BTC-PERP"',
        RISK_MAX_LEVERAGE="3",
        PERPTAPE__RISK__LEVERAGE_MAX_GLOBAL="2",
        PERPTAPE__RISK__MAX_NOTIONAL_PER_SYMBOL__BTC_PERP="900",
        PERPTAPE__RISK__MAX_DAILY_LOSS_PCT="none",
        PERPTAPE__PAPER__FEES__TAKER_RATE="0.001",
        PERPTAPE__PAPER__SETTLEMENT_TIMES_UTC="05:00, 17:00",
        PERPTAPE__STRATEGIES__MAIN__OPTIONS__SHORT="4",
        PERPTAPE__STRATEGIES__MAIN__OPTIONS__ENABLE_SHORTS="true",
        PERPTAPE__JOURNAL__ANSWER_LIMIT_S="2.5",
        PERPTAPE__DATA_DIR="elsewhere",
    )
    configuration = loaded.settings.configuration
    assert configuration.risk.leverage_max_global == 2
    assert configuration.risk.max_notional_per_symbol == {"BTC-PERP": Decimal(900)}
    assert configuration.risk.max_daily_loss_pct is None
    assert configuration.paper.fees.taker_rate == Decimal("0.001")
    assert configuration.paper.settlement_times_utc == ("05:00", "17:00")
    assert configuration.strategies["main"].options == {"short": 4, "enable_shorts": True}
    assert loaded.settings.journal.answer_limit_s == 2.5
    assert loaded.settings.data_dir == Path("elsewhere")
    assert source(loaded, "risk.leverage_max_global") == "variable PERPTAPE__RISK__LEVERAGE_MAX_GLOBAL"


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("PERPTAPE__RISK__LEVERAGE_MAX_GLOBL", "leverage_max_global"),
        ("PERPTAPE__RSK__X", "risk"),
        ("PERPTAPE__RISK__LEVERAGE_MAX_GLOBAL__BTC", "shorten"),
    ],
)
def test_a_variable_of_ours_that_means_nothing_stops_the_start(given: Given, variable: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        given(**{variable: "1"})
    assert caught.value.place == f"variable {variable}"
    assert remedy in caught.value.remedy


def test_a_bad_value_in_a_variable_is_placed_at_the_variable(given: Given) -> None:
    with pytest.raises(ConfigurationError, match='variable RISK_MAX_EXPOSURE_PCT: "half" is not a number'):
        given(RISK_MAX_EXPOSURE_PCT="half")


def test_the_seeds_risk_file_stands_between_the_file_and_the_variables(given: Given, tmp_path: Path) -> None:
    limits = tmp_path / "risk.json"
    limits.write_text(json.dumps({"max_leverage": 3, "max_exposure_pct": 0.6, "slippage_guard_bps": 10}))
    loaded = given(
        "[risk]\nmax_exposure_pct = 0.9\nmax_mark_staleness_seconds = 60",
        RISK_CONFIG_PATH=str(limits),
        RISK_SLIPPAGE_GUARD_BPS="20",
    )
    assert risk(loaded).leverage_max_global == 3
    assert risk(loaded).max_exposure_pct == Decimal("0.6")
    assert risk(loaded).slippage_guard_bps == 20
    assert risk(loaded).max_mark_staleness_seconds == 60
    assert source(loaded, "risk.max_exposure_pct") == str(limits)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "no JSON"), ("[1]", "no JSON object"), ('{"max_lev": 3}', "no such setting")]
)
def test_a_risk_file_that_cannot_be_taken_is_named(given: Given, tmp_path: Path, text: str, message: str) -> None:
    limits = tmp_path / "risk.json"
    limits.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        given(RISK_CONFIG_PATH=str(limits))
    assert str(limits) in caught.value.place


# Secrets, paths and addresses stay outside of what a session is made of.


def test_a_secret_comes_from_the_environment_and_is_never_shown(given: Given) -> None:
    loaded = given(COINBASE_CDP_API_KEY="organizations/1/apiKeys/2", COINBASE_CDP_PRIVATE_KEY="-----BEGIN")
    assert loaded.settings.exchange.private_key == "-----BEGIN"
    assert value(loaded, "exchange.private_key") == "(redacted)"
    assert value(loaded, "exchange.key_name") == "(redacted)"
    assert not any("BEGIN" in each.value or "apiKeys" in each.value for each in loaded.resolved)


def test_settings_printed_whole_show_no_secret_and_everything_else(given: Given) -> None:
    loaded = given(
        COINBASE_CDP_API_KEY="organizations/CANARY/apiKeys/2",
        COINBASE_CDP_PRIVATE_KEY="-----BEGIN CANARY",
        PERPTAPE__EXCHANGE__PROXY="http://me:CANARY@127.0.0.1:3128",
    )
    console = Console(record=True, file=io.StringIO(), width=200)
    console.print(loaded, loaded.settings.exchange)
    manners = FeedManners(proxy=loaded.settings.exchange.proxy)
    address = Address(proxy=loaded.settings.exchange.proxy)
    for shown in (repr(loaded), f"{loaded.settings}", console.export_text(), repr(manners), f"{address}"):
        assert "CANARY" not in shown
    assert "rate_limit_per_minute=1200" in repr(loaded.settings)
    assert "rest='https://api.coinbase.com'" in repr(address)
    assert "missed_heartbeats=3" in repr(manners)


def test_a_secret_in_the_file_is_refused_without_repeating_it(given: Given) -> None:
    with pytest.raises(ConfigurationError, match="a secret stands in the file") as caught:
        given('[exchange]\nkey_name = "k"\nprivate_key = "hunter2"')
    assert "hunter2" not in str(caught.value)


def test_half_a_key_is_refused(given: Given) -> None:
    with pytest.raises(ConfigurationError, match="a key needs its name and its secret"):
        given(COINBASE_CDP_PRIVATE_KEY="-----BEGIN")
    with pytest.raises(ConfigurationError, match="a key needs its name and its secret"):
        given(COINBASE_CDP_API_KEY="organizations/1/apiKeys/2")
    alone = given(COINBASE_CDP_API_KEY="organizations/1/apiKeys/2", COINBASE_CDP_PRIVATE_KEY_PATH="key.pem").settings
    assert (alone.exchange.key_name, alone.exchange.key_file) == ("organizations/1/apiKeys/2", Path("key.pem"))


def test_paths_in_the_file_are_meant_from_the_files_folder(given: Given, tmp_path: Path) -> None:
    loaded = given('data_dir = "runs"\n[exchange]\nkey_file = "keys/cdp.json"\nca_file = "/etc/ca.pem"')
    assert loaded.settings.data_dir == tmp_path / "runs"
    assert loaded.settings.exchange.key_file == tmp_path / "keys" / "cdp.json"
    assert loaded.settings.exchange.ca_file == Path("/etc/ca.pem")
    assert given().settings.data_dir == Path("results/managed")
    assert given(COINBASE_CDP_PRIVATE_KEY_PATH="k.json").settings.exchange.key_file == Path("k.json")


def test_the_rate_limit_of_the_running_system_is_a_setting_and_one_that_lets_nothing_through_is_refused(
    given: Given,
) -> None:
    assert given().settings.exchange.rate_limit_per_minute == RATE_LIMIT_PER_MINUTE
    assert given("[exchange]\nrate_limit_per_minute = 600").settings.exchange.rate_limit_per_minute == 600
    with pytest.raises(ConfigurationError, match="let nothing through"):
        given(PERPTAPE__EXCHANGE__RATE_LIMIT_PER_MINUTE="0")


@pytest.mark.parametrize(
    ("name", "word", "why"),
    [
        ("BROKER", "kraken", "coinbase only"),
        ("COINBASE_API_MODE", "exchange", "Advanced Trade only"),
        ("COINBASE_AUTH_TYPE", "HMAC", "a CDP key"),
        ("COINBASE_ENABLE_DERIVATIVES", "0", "switched off"),
        ("COINBASE_SANDBOX", "1", "no derivatives"),
    ],
)
def test_what_derivatives_need_is_asked_for_before_live_trading_and_not_before_paper(
    given: Given, name: str, word: str, why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        given('mode = "live"\n' + BTC, **{name: word})
    assert refused.value.place == f"variable {name}"
    assert given(BTC, **{name: word}).settings.configuration.mode == "paper"
    usual = {"BROKER": "coinbase", "COINBASE_API_MODE": "advanced", "COINBASE_AUTH_TYPE": "JWT"}
    usual |= {"COINBASE_ENABLE_DERIVATIVES": "1", "COINBASE_SANDBOX": "0"}
    assert given('mode = "live"\n' + BTC, **usual).settings.configuration.mode == "live"


def test_the_seeds_variables_for_the_log_and_for_previews_are_settings(given: Given) -> None:
    settings = given(EVENT_STORE_ROOT="/var/log/perps", ORDER_PREVIEW_ENABLED="1").settings
    assert settings.data_dir == Path("/var/log/perps")
    assert settings.configuration.orders.preview_before_place


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_strategy_that_ships_can_be_named(given: Given, name: str) -> None:
    loaded = given(BTC + f'[strategies.one]\nuses = "{name}"\nproduct = "BTC-PERP"\n')
    assert loaded.settings.configuration.strategies["one"].uses == name


# The feeds.


def test_the_feeds_take_more_channels_and_keep_their_frames_when_the_file_says_so(given: Given, tmp_path: Path) -> None:
    assert given().settings.feeds == FeedSettings()
    feeds = given('[feeds]\nextra_channels = ["candles", "status"]\ncapture = "frames"\ncapture_mb = 64').settings.feeds
    assert feeds == FeedSettings(extra_channels=("candles", "status"), capture=tmp_path / "frames", capture_mb=64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('extra_channels = ["level3"]', '"level3" is no channel of those'),
        ("products_per_subscribe = 0", "0 is out of range"),
        ("capture_mb = 0", "0 is out of range"),
    ],
)
def test_feeds_that_cannot_be_are_refused(given: Given, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        given(f"[feeds]\n{text}")


def test_a_proxys_password_comes_from_the_environment_and_is_never_shown(given: Given) -> None:
    plain = given('[exchange]\nproxy = "http://127.0.0.1:3128"')
    assert value(plain, "exchange.proxy") == "http://127.0.0.1:3128"
    loaded = given(PERPTAPE__EXCHANGE__PROXY="http://me:hunter2@127.0.0.1:3128")
    assert loaded.settings.exchange.proxy == "http://me:hunter2@127.0.0.1:3128"
    assert value(loaded, "exchange.proxy") == "(redacted)"
    for text in ("http://me:hunter2@127.0.0.1:3128", "socks5://hunter2:1"):
        with pytest.raises(ConfigurationError, match=r"a secret stands in the file|that is no proxy") as caught:
            given(f'[exchange]\nproxy = "{text}"')
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('mode = "paper"\n[orders]\nprotective_bracket = true\n', "the paper exchange holds no brackets"),
        ('[orders]\nlimit_ioc_as = "limit_limit_ioc"\n', "no way to send a limit IOC"),
        ("[orders]\nbracket_stop_pct = 5\n", "out of range"),
        ("[orders]\nentry_rests_s = 0\n", "out of range"),
    ],
)
def test_a_way_to_send_orders_that_cannot_be_is_refused(tmp_path: Path, written: str, says: str) -> None:
    file = tmp_path / "perptape.toml"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=says):
        load(file, {})


@pytest.mark.parametrize(
    ("written", "is_protected"),
    [
        ('mode = "live"\n', True),
        ('mode = "paper"\n', False),
        ('mode = "live"\n[orders]\nprotective_bracket = false\n', False),
        ('mode = "live"\n[orders]\nbracket_stop_pct = 0.03\n', True),
    ],
)
def test_live_each_position_is_protected_unless_somebody_wrote_otherwise(
    tmp_path: Path, written: str, is_protected: bool
) -> None:
    file = tmp_path / "perptape.toml"
    file.write_text(written, encoding="utf-8")
    loaded = load(file, {})
    assert loaded.settings.configuration.orders.protective_bracket is is_protected
    (shown,) = [each for each in loaded.resolved if each.name == "orders.protective_bracket"]
    assert shown.value == str(is_protected).lower()
