"""Strategies by the name that a configuration gives them: "baseline", "funding", or `module:Class` of one's own."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from modulefinder import ModuleFinder
from pathlib import Path

from actors.strategies.baseline import create_baseline_strategy
from actors.strategies.funding_carry import create_funding_strategy
from actors.strategies.options import OptionError
from actors.strategies.protocol import Strategy
from events.configuration import StrategySetting

#: The strategies that ship, made of their options.
BUILT_IN: dict[str, Callable[[dict[str, str | int | bool]], Strategy]] = {
    "baseline": create_baseline_strategy,
    "funding": create_funding_strategy,
}


class StrategyNotLoaded(Exception):
    """A strategy cannot be made as configured; the sentence names it, the fault and the remedy."""


def load_strategy(setting: StrategySetting) -> Strategy:
    """Make the strategy of a setting. Raises `StrategyNotLoaded`.

    A user's class is called with its options as keywords. Modules are looked for where Python looks, and in the
    current folder.
    """
    try:
        built_in = BUILT_IN.get(setting.uses)
        if built_in is not None:
            return built_in(setting.options)
        kind = _class_of(setting.uses)
        strategy = kind(**setting.options)
    except OptionError as error:
        raise StrategyNotLoaded(f"strategy {setting.uses}: {error}") from error
    except TypeError as error:
        raise StrategyNotLoaded(
            f"strategy {setting.uses}: its class does not take these options ({error}); check [strategies.….options]"
        ) from error
    if not callable(getattr(strategy, "decide", None)):
        raise StrategyNotLoaded(
            f"strategy {setting.uses}: the class has no method decide(view); see actors/strategies/protocol.py"
        )
    return strategy  # type: ignore[no-any-return]  # it decides, as was just seen


def source_files(uses: str) -> list[Path]:
    """The files that a user's strategy is made of, part of the code's identity; none for ours. Raises the same.

    Its own module and every module that it imports, directly or not, from the folder it was found in.
    """
    if uses in BUILT_IN:
        return []
    kind = _class_of(uses)
    source = inspect.getsourcefile(kind)
    if source is None:
        return []
    file = Path(source).resolve()
    root = file.parents[kind.__module__.count(".")]
    finder = ModuleFinder(path=[str(root)])
    finder.run_script(str(file))
    found = (getattr(module, "__file__", None) for module in finder.modules.values())
    return sorted({file, *(Path(each).resolve() for each in found if each)})


def _class_of(uses: str) -> type:
    module_name, colon, class_name = uses.partition(":")
    if not (module_name and colon and class_name):
        ours = " or ".join(f'"{name}"' for name in BUILT_IN)
        raise StrategyNotLoaded(f'strategy "{uses}": write {ours}, or module:Class for one of your own')
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise StrategyNotLoaded(
            f"strategy {uses}: there is no module {error.name}; put {module_name.replace('.', '/')}.py into {here}, "
            "or install it"
        ) from error
    except Exception as error:
        raise StrategyNotLoaded(
            f"strategy {uses}: importing {module_name} raises {type(error).__name__}: {error}"
        ) from error
    kind = getattr(module, class_name, None)
    if not inspect.isclass(kind):
        raise StrategyNotLoaded(f"strategy {uses}: {module_name} has no class {class_name}")
    return kind
