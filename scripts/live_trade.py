"""The runner by its old name: one strategy, traded by the system of a configuration file until it is stopped.

    from scripts.live_trade import run_strategy
    run_strategy("baseline", product="BTC-PERP", options={"enable_shorts": True})

The command `perptape run` trades all the strategies that a file names; this trades one, which need not be in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from actors.admission import admitted
from actors.strategies.loading import load_strategy
from actors.strict import dotted
from actors.system import Ended
from events.configuration import Configuration, StrategySetting
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.running import run, settings_from, tell_stderr

Option = str | int | bool | float | Decimal


def run_strategy(
    uses: str = "baseline",
    *,
    product: str | None = None,
    options: Mapping[str, Option] | None = None,
    name: str = "main",
    config: Path | str = "perptape.toml",
    live: bool = False,
    say: Callable[[str], None] = tell_stderr,
) -> Ended:
    """Trade until Ctrl-C, SIGTERM or `perptape stop`; how the session ended.

    `uses` is "baseline", "funding" or `module:Class`; `product` is ours or the exchange's id, and may be left out where
    the file lists one. Paper unless both the file and `live` say otherwise. Raises `ConfigurationError`,
    `StrategyNotLoaded`, `CommandFailed`.
    """
    settings = settings_from(Path(config), live=live)
    configuration = settings.configuration
    setting = StrategySetting(
        uses=uses,
        product=_only(configuration) if product is None else product,
        options={option: _plain(value) for option, value in (options or {}).items()},
    )
    alone = msgspec.structs.replace(configuration, strategies={name: setting})
    alone = admitted(alone, lambda way: f"run_strategy, {dotted(way)}")
    load_strategy(alone.strategies[name])
    return run(msgspec.structs.replace(settings, configuration=alone), say)


def _only(configuration: Configuration) -> str:
    if len(configuration.products) != 1:
        names = ", ".join(configuration.products) or "none"
        raise CommandFailed(f"run_strategy: which product? The file lists {names}", Exit.USAGE)
    return next(iter(configuration.products))


def _plain(value: Option) -> str | int | bool:
    """As a file would have it: decimals in text, digit by digit."""
    return str(value) if isinstance(value, (float, Decimal)) else value
