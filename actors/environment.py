"""The environment on top of the file: `PERPTAPE__SECTION__KEY`, and the seed's own variables.

A variable that begins like one of ours and is none stops the start: a mistyped limit must not be no limit.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from actors.strict import ConfigurationError, Text, Way, nearest

PREFIX = "PERPTAPE__"

#: The seed's variables (protocol sheet 8.8). The later of two names for one setting wins.
RISK: dict[str, Way] = {
    "RISK_MAX_LEVERAGE": ("risk", "leverage_max_global"),
    "RISK_LEVERAGE_MAX_PER_SYMBOL": ("risk", "leverage_max_per_symbol"),
    "RISK_DAYTIME_START_UTC": ("risk", "daytime_start_utc"),
    "RISK_DAYTIME_END_UTC": ("risk", "daytime_end_utc"),
    "RISK_DAY_LEVERAGE_MAX_PER_SYMBOL": ("risk", "day_leverage_max_per_symbol"),
    "RISK_NIGHT_LEVERAGE_MAX_PER_SYMBOL": ("risk", "night_leverage_max_per_symbol"),
    "RISK_DAY_MMR_PER_SYMBOL": ("risk", "day_mmr_per_symbol"),
    "RISK_NIGHT_MMR_PER_SYMBOL": ("risk", "night_mmr_per_symbol"),
    "RISK_MIN_LIQUIDATION_BUFFER_PCT": ("risk", "min_liquidation_buffer_pct"),
    "RISK_ENABLE_PRE_TRADE_LIQ_PROJECTION": ("risk", "enable_pre_trade_liq_projection"),
    "RISK_DEFAULT_MMR": ("risk", "default_maintenance_margin_rate"),
    "RISK_DAILY_LOSS_LIMIT": ("risk", "daily_loss_limit"),
    "RISK_MAX_DAILY_LOSS_PCT": ("risk", "max_daily_loss_pct"),
    "RISK_MAX_TOTAL_EXPOSURE_PCT": ("risk", "max_exposure_pct"),
    "RISK_MAX_EXPOSURE_PCT": ("risk", "max_exposure_pct"),
    "RISK_MAX_POSITION_PCT_PER_SYMBOL": ("risk", "max_position_pct_per_symbol"),
    "RISK_MAX_NOTIONAL_PER_SYMBOL": ("risk", "max_notional_per_symbol"),
    "RISK_SLIPPAGE_GUARD_BPS": ("risk", "slippage_guard_bps"),
    "RISK_KILL_SWITCH_ENABLED": ("risk", "kill_switch_enabled"),
    "RISK_REDUCE_ONLY_MODE": ("risk", "reduce_only_mode"),
    "RISK_MAX_MARK_STALENESS_SECONDS": ("risk", "max_mark_staleness_seconds"),
    "RISK_ENABLE_VOLATILITY_CB": ("risk", "enable_volatility_circuit_breaker"),
    "RISK_MAX_INTRADAY_VOL": ("risk", "max_intraday_volatility_threshold"),
    "RISK_VOL_WINDOW_PERIODS": ("risk", "volatility_window_periods"),
    "RISK_CB_COOLDOWN_MIN": ("risk", "circuit_breaker_cooldown_minutes"),
    "RISK_VOL_WARNING_THRESH": ("risk", "volatility_warning_threshold"),
    "RISK_VOL_REDUCE_ONLY_THRESH": ("risk", "volatility_reduce_only_threshold"),
    "RISK_VOL_KILL_SWITCH_THRESH": ("risk", "volatility_kill_switch_threshold"),
}
#: A JSON file with fields of the risk table, below the single variables.
RISK_FILE = "RISK_CONFIG_PATH"
#: Other names that the risk file may use, from the seed's code.
RISK_FILE_NAMES: dict[str, str] = {"max_leverage": "leverage_max_global"}

#: The seed's variables for the exchange (8.14). Others that begin with COINBASE_ are not ours to judge.
EXCHANGE: dict[str, Way] = {
    "COINBASE_API_BASE": ("exchange", "rest"),
    "COINBASE_WS_URL": ("exchange", "ws"),
    "COINBASE_CDP_API_KEY": ("exchange", "key_name"),
    "COINBASE_CDP_PRIVATE_KEY": ("exchange", "private_key"),
    "COINBASE_CDP_PRIVATE_KEY_PATH": ("exchange", "key_file"),
    "COINBASE_PROD_CDP_API_KEY": ("exchange", "key_name"),
    "COINBASE_PROD_CDP_PRIVATE_KEY": ("exchange", "private_key"),
    "COINBASE_PROD_CDP_PRIVATE_KEY_PATH": ("exchange", "key_file"),
}
#: Others of the seed (8.14) that mean a setting here.
OTHERS: dict[str, Way] = {
    "EVENT_STORE_ROOT": ("data_dir",),
    "ORDER_PREVIEW_ENABLED": ("orders", "preview_before_place"),
}
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


class Written:
    """What was written, wherever: one nested mapping, and for each way where it came from."""

    def __init__(self, raw: dict[str, Any], source: str) -> None:
        self.raw = raw
        self._file = source
        self._sources: dict[Way, str] = {}

    def put(self, way: Way, value: object, source: str) -> None:
        """Write over what stands at `way`. Raises `ConfigurationError` when a value stands where a table must."""
        table = self.raw
        for name in way[:-1]:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise ConfigurationError(source, f"{name} is no table", "give the table's keys one by one")
        table[way[-1]] = value
        self._sources = {each: where for each, where in self._sources.items() if each[: len(way)] != way}
        self._sources[way] = source

    def source(self, way: Way) -> str:
        """Where the value at `way` was written: a variable, a file, or "default"."""
        for length in range(len(way), 0, -1):
            if way[:length] in self._sources:
                return self._sources[way[:length]]
        at: Any = self.raw
        for name in way:
            if not isinstance(at, Mapping) or name not in at:
                return "default"
            at = at[name]
        return self._file

    def names(self, way: Way) -> list[str]:
        """The keys of the table at `way`, none where there is no table."""
        at: Any = self.raw
        for name in way:
            at = at.get(name) if isinstance(at, Mapping) else None
        return list(at) if isinstance(at, Mapping) else []


def overlay(written: Written, environment: Mapping[str, str], shape: type[msgspec.Struct]) -> None:
    """Write the environment's settings over the file's. `shape` is the whole configuration's type."""
    _risk_file(written, environment)
    for name in sorted(environment):
        if name.startswith("RISK_") and name not in RISK and name != RISK_FILE:
            raise ConfigurationError(f"variable {name}", "no such limit", nearest(name, [*RISK, RISK_FILE]))
    for name, way in {**RISK, **EXCHANGE, **OTHERS}.items():
        if name in environment:
            written.put(way, Text(environment[name]), f"variable {name}")
    for name in sorted(environment):
        if name.startswith(PREFIX):
            written.put(_way(name, written, shape), Text(environment[name]), f"variable {name}")


def refuse_live(environment: Mapping[str, str]) -> None:
    """Derivatives need Advanced Trade and a CDP key. Raises `ConfigurationError` where a variable says otherwise.

    The seed wants COINBASE_ENABLE_DERIVATIVES=1 besides; here `mode = "live"` says so, and only a no is heard.
    """
    for name, refused, why in (
        ("BROKER", lambda word: word != "coinbase", "this system trades at coinbase only"),
        ("COINBASE_API_MODE", lambda word: word != "advanced", "derivatives trade on Advanced Trade only"),
        ("COINBASE_AUTH_TYPE", lambda word: word != "jwt", "derivatives need a CDP key, whose tokens are JWT"),
        ("COINBASE_ENABLE_DERIVATIVES", lambda word: word in _NO, "derivatives are switched off"),
        ("COINBASE_SANDBOX", lambda word: word in _YES, "the sandbox has no derivatives and no fills"),
    ):
        word = environment.get(name, "").strip().lower()
        if word and refused(word):
            raise ConfigurationError(f"variable {name}", why, "unset it, or trade on paper")


def _risk_file(written: Written, environment: Mapping[str, str]) -> None:
    path = environment.get(RISK_FILE, "").strip()
    if not path:
        return
    place = f"variable {RISK_FILE}"
    try:
        limits: object = json.loads(Path(path).read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(place, f"{path} cannot be read ({error.strerror})", "name a readable file") from None
    except ValueError as error:
        raise ConfigurationError(path, f"this is no JSON ({error})", "repair it, or unset the variable") from None
    if not isinstance(limits, dict):
        raise ConfigurationError(path, "this is no JSON object", 'write the limits as {"max_exposure_pct": 0.5}')
    for name, value in limits.items():
        written.put(("risk", RISK_FILE_NAMES.get(str(name), str(name))), value, path)


def _way(variable: str, written: Written, shape: type[msgspec.Struct]) -> Way:
    """The setting that a `PERPTAPE__` variable means, found along the types. Case does not matter; - is written _."""
    way: Way = ()
    kind: Any = shape
    for segment in variable.removeprefix(PREFIX).split("__"):
        hints = _hints(kind)
        if hints is None:
            names = [*written.names(way), *(written.names(("products",)) if way[0] == "risk" else ())]
            found = next((name for name in names if _flat(name) == _flat(segment)), segment)
            inner = typing.get_args(kind)
            if len(inner) != 2:
                raise ConfigurationError(f"variable {variable}", f"{'.'.join(way)} has no parts", "shorten its name")
            way, kind = (*way, found.lower() if way[-1] == "options" else found), inner[1]
            continue
        names = [name for name in hints if _flat(name) == _flat(segment)]
        if not names:
            raise ConfigurationError(f"variable {variable}", f"no such setting as {segment}", nearest(segment, hints))
        way, kind = (*way, names[0]), hints[names[0]]
    return way


def _hints(kind: Any) -> dict[str, Any] | None:
    """The fields of a table's type; None for anything else."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType) or not isinstance(kind, type):
        return None
    return typing.get_type_hints(kind) if issubclass(kind, msgspec.Struct) else None


def _flat(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
