"""Options of a strategy, as a configuration file writes them, into the types that the strategy declares."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

_Config = TypeVar("_Config")


class OptionError(ValueError):
    """An option is unknown or cannot have this value. The text names it and says what to write."""


def read_options(kind: type[_Config], options: Mapping[str, Any]) -> _Config:
    """A dataclass of options, from text, numbers and booleans. Raises `OptionError`."""
    assert dataclasses.is_dataclass(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    for name in options:
        if name not in known:
            raise OptionError(f"unknown option {name!r}; known here: {', '.join(known)}")
    exact = {name: as_decimal(value) if isinstance(value, float) else value for name, value in options.items()}
    try:
        return msgspec.convert(exact, kind, strict=False)
    except msgspec.ValidationError as error:
        raise OptionError(_named(str(error))) from error
    except ValueError as error:
        raise OptionError(str(error)) from error


def as_decimal(value: Any) -> Any:
    """Numbers of any kind as the decimal that was written; what is no number stays as it is."""
    if isinstance(value, Decimal) or value is None or isinstance(value, bool):
        return value
    return Decimal(str(value))


def _named(error: str) -> str:
    """msgspec's sentence, with the option in front: `Expected int - at `$.max_adds`` -> `max_adds: expected int`."""
    text, at, place = error.partition(" - at `$.")
    return f"{place.rstrip('`')}: {text[0].lower()}{text[1:]}" if at else error
