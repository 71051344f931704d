"""The seed's `system` table: how often a request is tried again, and how long it waits before."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

import msgspec

from actors.strict import ConfigurationError, StrictReader, dotted


class ClientOptions(TypedDict):
    """Keywords of `CoinbaseClient`."""

    max_retries: int
    retry_delay: float
    jitter_factor: float


class SystemConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Tries after the first, seconds before the second, and the share that jitter adds: 0.1 is at most 9 % more."""

    max_retries: int = 3
    retry_delay: float = 1.0
    jitter_factor: float = 0.1

    @property
    def client_options(self) -> ClientOptions:
        return ClientOptions(
            max_retries=self.max_retries, retry_delay=self.retry_delay, jitter_factor=self.jitter_factor
        )

    @classmethod
    def of(cls, config: object, source: str = "system config") -> SystemConfig:
        """From `{"system": {...}}`. Raises `ConfigurationError` naming what is wrong."""
        if not isinstance(config, Mapping) or not isinstance(config.get("system", {}), Mapping):
            raise ConfigurationError(source, "this is no table", 'write {"system": {…}}')
        table = {name: Decimal(str(each)) if isinstance(each, float) else each for name, each in _system(config)}
        read: SystemConfig = StrictReader(lambda way: f"{source}, {dotted(('system', *way))}").read(cls, table)
        for name in ("max_retries", "retry_delay", "jitter_factor"):
            if getattr(read, name) < 0:
                raise ConfigurationError(f"{source}, system.{name}", "is below zero", "write 0 or more")
        return read

    @classmethod
    def from_json(cls, path: str | Path) -> SystemConfig:
        try:
            return cls.of(json.loads(Path(path).read_bytes()), str(path))
        except (OSError, ValueError) as error:
            raise ConfigurationError(str(path), f"cannot be read ({error})", "name a JSON file") from None

    @classmethod
    def from_toml(cls, path: str | Path) -> SystemConfig:
        try:
            return cls.of(tomllib.loads(Path(path).read_text(encoding="utf-8")), str(path))
        except (OSError, ValueError) as error:
            raise ConfigurationError(str(path), f"cannot be read ({error})", "name a TOML file") from None


def _system(config: Mapping[str, object]) -> list[tuple[str, object]]:
    table = config.get("system", {})
    return list(table.items()) if isinstance(table, Mapping) else []
