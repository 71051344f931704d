"""Which behaviours a configuration calls for, and how each is made."""

from __future__ import annotations

from pathlib import Path

from actors.behaviour import Behaviour, Seat
from actors.behaviours.cash import CashBehaviour
from actors.behaviours.catalog import CatalogBehaviour
from actors.behaviours.funding import FundingBehaviour
from actors.behaviours.marks import MarksBehaviour
from actors.behaviours.netting import NettingBehaviour
from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.paper import PaperExchange
from actors.behaviours.position import PositionBehaviour
from actors.behaviours.protection import ProtectionBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.behaviours.strategy import StrategyBehaviour
from actors.strategies.loading import load_strategy, source_files
from events.configuration import Configuration

STRATEGY_PREFIX = "strategy:"

_ALWAYS = ("catalog", "marks", "position", "funding", "cash", "orders", "risk")


def behaviour_names(configuration: Configuration) -> tuple[str, ...]:
    """The names of the behaviours that a session of this configuration runs, sorted."""
    paper = ("paper",) if configuration.mode == "paper" else ()
    products = [setting.product for setting in configuration.strategies.values()]
    netting = ("netting",) if len(set(products)) < len(products) else ()
    protects = configuration.mode == "live" and configuration.orders.protective_bracket
    protection = ("protection",) if protects else ()
    strategies = (STRATEGY_PREFIX + name for name in configuration.strategies)
    return tuple(sorted((*_ALWAYS, *paper, *netting, *protection, *strategies)))


def make_seat(name: str, configuration: Configuration) -> Seat:
    """A fresh behaviour by its name, in its seat. What it needs to know it hears in `SessionStarted`.

    Only a strategy's rules come from the configuration given; its state is a function of the log alone. Raises
    `StrategyNotLoaded`.
    """
    return Seat(_behaviour(name, configuration))


def strategy_sources(configuration: Configuration) -> list[Path]:
    """The source files of users' strategies, part of the code's identity."""
    return sorted({path for setting in configuration.strategies.values() for path in source_files(setting.uses)})


def _behaviour(name: str, configuration: Configuration) -> Behaviour:
    match name:
        case "catalog":
            return CatalogBehaviour()
        case "marks":
            return MarksBehaviour()
        case "position":
            return PositionBehaviour()
        case "funding":
            return FundingBehaviour()
        case "cash":
            return CashBehaviour()
        case "orders":
            return OrdersBehaviour()
        case "risk":
            return RiskBehaviour()
        case "paper":
            return PaperExchange()
        case "netting":
            return NettingBehaviour()
        case "protection":
            return ProtectionBehaviour()
    assert name.startswith(STRATEGY_PREFIX), f"no behaviour is called {name!r}"
    own_name = name.removeprefix(STRATEGY_PREFIX)
    return StrategyBehaviour(own_name, load_strategy(configuration.strategies[own_name]))
