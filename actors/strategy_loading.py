"""From a configuration to strategies that run: the baseline by name, a user's own as `module:Class`.

A shell: it imports code. What cannot be loaded is refused with one sentence that says what to change.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

from actors.strategies.baseline import BaselinePerpsStrategy, create_baseline_strategy
from actors.strategies.options import OptionError
from actors.strategies.protocol import Strategy
from events.configuration import Configuration, StrategySetting
from projections.limit_rules import Fault

BASELINE = "baseline"


class StrategyLoadError(Exception):
    """A strategy cannot be loaded. The text names it and says what to change."""


def load_strategy(setting: StrategySetting, *, folder: Path | None = None) -> Strategy:
    """The strategy of a setting; `folder` is searched for its module first. Raises `StrategyLoadError`."""
    if setting.uses == BASELINE:
        try:
            return create_baseline_strategy(setting.options)
        except OptionError as error:
            raise StrategyLoadError(f"options of strategy {BASELINE!r}: {error}") from error
    kind = _class(setting.uses, folder)
    try:
        strategy = kind(**setting.options)
    except Exception as error:
        raise StrategyLoadError(
            f"strategy {setting.uses!r} cannot be made with its options {setting.options}: {error};"
            f" they are given to {kind.__name__}() by name"
        ) from error
    if not callable(getattr(strategy, "decide", None)):
        raise StrategyLoadError(f"strategy {setting.uses!r} has no method decide(view)")
    return strategy  # type: ignore[no-any-return]  # it has what the protocol asks for, as far as can be seen


def source_files(strategy: Strategy) -> list[Path]:
    """The modules a user's strategy consists of: its own, and those imported from the same folder. Sorted.

    The strategies that ship are part of the code's identity already and give none.
    """
    if isinstance(strategy, BaselinePerpsStrategy):
        return []
    own = inspect.getsourcefile(type(strategy))
    if own is None:
        return []
    folder = Path(own).resolve().parent
    files = {Path(own).resolve()}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py") and Path(file).resolve().is_relative_to(folder):
            files.add(Path(file).resolve())
    return sorted(files)


def check_strategies(configuration: Configuration) -> list[Fault]:
    """What is wrong with the strategies of a configuration, without importing them; empty when nothing is."""
    faults, taken = [], dict[str, str]()
    for name, setting in configuration.strategies.items():
        place = f"strategies.{name}"
        if setting.product not in configuration.products:
            named = ", ".join(configuration.products) or "none"
            message = f"{setting.product!r} is no product of this configuration"
            faults.append(Fault(f"{place}.product", message, f"products here are: {named}"))
        elif setting.product in taken:
            message = f"{setting.product} is traded by strategy {taken[setting.product]!r} already"
            faults.append(Fault(f"{place}.product", message, "give each strategy a product of its own"))
        taken.setdefault(setting.product, name)
        if setting.uses != BASELINE and not _is_named_well(setting.uses):
            message = f"{setting.uses!r} names no strategy"
            faults.append(Fault(f"{place}.uses", message, f"write {BASELINE!r} or 'module:Class'"))
    return faults


def _is_named_well(uses: str) -> bool:
    module, colon, name = uses.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *name.split(".")))


def _class(uses: str, folder: Path | None) -> type:
    if not _is_named_well(uses):
        raise StrategyLoadError(f"{uses!r} names no strategy; write {BASELINE!r} or 'module:Class'")
    module_name, _, name = uses.partition(":")
    if folder is not None and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and module_name.startswith(error.name):
            where = f" in {folder}" if folder is not None else ""
            raise StrategyLoadError(f"strategy {uses!r}: there is no module {module_name!r}{where}") from error
        raise StrategyLoadError(f"strategy {uses!r} does not import: {error}") from error
    except Exception as error:
        raise StrategyLoadError(f"strategy {uses!r} does not import: {type(error).__name__}: {error}") from error
    kind = getattr(module, name, None)
    if not isinstance(kind, type):
        classes = [each for each, value in vars(module).items() if isinstance(value, type)]
        there = ", ".join(sorted(classes)) or "none"
        raise StrategyLoadError(f"strategy {uses!r}: {module_name} has no class {name!r}; it has {there}")
    return kind
