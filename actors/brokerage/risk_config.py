"""The limits as the seed writes them: floats and keywords in, `Decimal` out, and they can be set in place."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from actors.admission import admitted
from actors.environment import RISK_FILE_NAMES, Written, overlay
from actors.strict import ConfigurationError, StrictReader, dotted
from events.configuration import Configuration, ProductSetting, RiskLimits


class _RiskFile(msgspec.Struct, frozen=True):
    """What a file or the environment may hold: the risk table, nothing else."""

    risk: RiskLimits = RiskLimits()


class RiskConfig(RiskLimits, frozen=False):  # type: ignore[misc]  # of the same fields; the seed sets them in place
    """Every limit of `RiskLimits`, under the same names. Floats are taken as written: 0.2 is Decimal("0.2").

    A limit that is misspelled or malformed raises `ConfigurationError`, also when it is set: no limit is ever lost.
    """

    if TYPE_CHECKING:  # what the seed sets in place; a type checker takes the fields of a frozen type as read-only
        reduce_only_mode: bool = False
        kill_switch_enabled: bool = False

    def __post_init__(self) -> None:
        for name, value in _checked({name: getattr(self, name) for name in self.__struct_fields__}).items():
            msgspec.structs.force_setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.__struct_fields__:
            _checked({name: value})  # says which limit was meant
        now = {each: getattr(self, each) for each in self.__struct_fields__}
        msgspec.structs.force_setattr(self, name, _checked(now | {name: value})[name])

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> RiskConfig:
        """From the RISK_ variables of the protocol sheet 8.8; RISK_CONFIG_PATH names a JSON file below them."""
        written = Written({}, "the environment")
        given = os.environ if environment is None else environment
        overlay(written, {name: text for name, text in given.items() if name.startswith("RISK_")}, _RiskFile)

        def place(way: tuple[str, ...]) -> str:
            return written.source(way)

        read: _RiskFile = StrictReader(place).read(_RiskFile, written.raw)
        return cls(**{name: getattr(read.risk, name) for name in RiskLimits.__struct_fields__})

    @classmethod
    def from_json(cls, path: str | Path) -> RiskConfig:
        """From a JSON object of limits."""
        try:
            return cls._of(json.loads(_text(path), parse_float=Decimal), str(path))
        except json.JSONDecodeError as error:
            raise ConfigurationError(str(path), f"this is no JSON ({error})", "repair that line") from None

    @classmethod
    def from_toml(cls, path: str | Path) -> RiskConfig:
        """From a TOML file, its [risk] table if it has one."""
        try:
            table = tomllib.loads(_text(path), parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(str(path), f"this is no TOML: {error}", "repair that line") from None
        return cls._of(table.get("risk", table), str(path))

    def frozen(self) -> RiskLimits:
        """The limits as they are now, as the risk engine takes them."""
        return RiskLimits(**_checked({name: getattr(self, name) for name in RiskLimits.__struct_fields__}))

    @classmethod
    def _of(cls, table: object, source: str) -> RiskConfig:
        if not isinstance(table, Mapping):
            raise ConfigurationError(source, "this is no table of limits", "write NAME = VALUE for each")
        names = [str(name) for name in table]
        limits: dict[str, Any] = {RISK_FILE_NAMES.get(name, name): table[name] for name in names}
        return cls(**_checked(limits, source))


def _checked(limits: Mapping[str, object], source: str = "RiskConfig") -> dict[str, Any]:
    """The limits by their types and within their bounds. Raises `ConfigurationError` naming the limit."""

    def place(way: tuple[str, ...]) -> str:
        return f"{source}, {dotted(way)}" if way else source

    table = {name: _exact(value) for name, value in limits.items()}
    read: RiskLimits = StrictReader(place).read(RiskLimits, table)
    symbols = sorted({symbol for name in table for symbol in _symbols(getattr(read, name))})
    products = {symbol: ProductSetting(exchange_id=symbol) for symbol in symbols}
    risk = admitted(Configuration(products=products, risk=read), lambda way: place(way[1:])).risk
    return {name: getattr(risk, name) for name in table}


def _exact(value: object) -> object:
    """A float as the digits it was written with (trading rules B12)."""
    if isinstance(value, float):
        return Decimal(str(value))
    return {name: _exact(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _symbols(limit: object) -> list[str]:
    return list(limit) if isinstance(limit, dict) else []


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(path), f"the file cannot be read ({error})", "name another") from None
