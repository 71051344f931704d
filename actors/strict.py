"""Strict reading of plain mappings into our types: what is unknown, missing or malformed is named, with its place.

The file gives TOML's own types, with decimal fractions as `Decimal`. The environment gives text, marked as such,
which is read by the type it is meant for. Nothing is guessed and nothing is dropped.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

#: The way to a value: ("risk", "max_exposure_pct"). Product names may hold dots, so it is not a dotted text.
Way = tuple[str, ...]

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


class ConfigurationError(Exception):
    """A setting cannot be taken. `place` names file and key or the variable, `remedy` what to do about it."""

    def __init__(self, place: str, message: str, remedy: str) -> None:
        super().__init__(f"{place}: {message}; {remedy}")
        self.place = place
        self.message = message
        self.remedy = remedy


class Text(str):
    """A value from the environment: text whatever it means."""

    __slots__ = ()


def dotted(way: Way) -> str:
    """The way as TOML would write it: names with other than letters, digits, - and _ stand in quotes."""
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"' for name in way)


def nearest(name: str, known: Iterable[str]) -> str:
    """What to say about a name that is not known: the closest one, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(name.lower(), [each.lower() for each in names], n=1, cutoff=0.6)
    if close:
        return f"did you mean {next(each for each in names if each.lower() == close[0])}?"
    return f"known here: {', '.join(names)}" if names else "nothing can stand here"


class StrictReader:
    """Reads one mapping. `place` says for a way where its value was written."""

    def __init__(self, place: Callable[[Way], str]) -> None:
        self._place = place

    def read(self, kind: typing.Any, value: object, way: Way = ()) -> typing.Any:
        """`value` as a `kind`. Raises `ConfigurationError` at the first thing that is wrong."""
        origin = typing.get_origin(kind)
        if origin in (typing.Union, types.UnionType):
            return self._one_of(typing.get_args(kind), value, way)
        if origin is dict:
            return self._mapping(typing.get_args(kind)[1], value, way)
        if origin is tuple:
            return self._row(typing.get_args(kind)[0], value, way)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind, value, way)
        return self._leaf(kind, value, way)

    def _struct(self, kind: type[msgspec.Struct], value: object, way: Way) -> msgspec.Struct:
        table = self._table(value, way)
        hints = typing.get_type_hints(kind)
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        for name in table:
            if name not in fields:
                raise self._wrong((*way, name), "no such setting", nearest(name, fields))
        for name, field in fields.items():
            if field.required and name not in table:
                raise self._wrong((*way, name), "is missing", f"set {name} under [{dotted(way)}]")
        return kind(**{name: self.read(hints[name], each, (*way, name)) for name, each in table.items()})

    def _mapping(self, kind: typing.Any, value: object, way: Way) -> dict[str, object]:
        if isinstance(value, Text):
            value = self._pairs(value, way)
        return {name: self.read(kind, each, (*way, name)) for name, each in self._table(value, way).items()}

    def _row(self, kind: typing.Any, value: object, way: Way) -> tuple[object, ...]:
        if isinstance(value, Text):
            value = [Text(each.strip()) for each in value.split(",") if each.strip()]
        if not isinstance(value, list):
            raise self._wrong(way, f"{shown(value)} is not a list", 'write it as ["…", "…"]')
        return tuple(self.read(kind, each, way) for each in value)

    def _one_of(self, kinds: tuple[typing.Any, ...], value: object, way: Way) -> object:
        if type(None) in kinds and (
            value is None or (isinstance(value, Text) and value.strip().lower() in ("", "none"))
        ):
            return None
        given = [kind for kind in kinds if kind is not type(None)]
        return self.read(given[0], value, way) if len(given) == 1 else self._option(value, way)

    def _option(self, value: object, way: Way) -> str | int | bool:
        """A strategy's own option: text, whole number or yes/no; a decimal fraction goes as the text it is."""
        if isinstance(value, Text):
            word = value.strip()
            if word.lower() in ("true", "false"):
                return word.lower() == "true"
            return int(word) if re.fullmatch(r"[+-]?\d+", word) else str(word)
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, (str, int)):
            return value
        raise self._wrong(way, f"{shown(value)} is no option", "an option is a text, a number, true or false")

    def _leaf(self, kind: typing.Any, value: object, way: Way) -> object:
        if kind is Decimal:
            return self._number(value, way)
        if kind is float:  # seconds of waiting, never money
            return float(self._number(value, way))
        if kind is int:
            return self._whole(value, way)
        if kind is bool:
            return self._yes_or_no(value, way)
        if not isinstance(value, str):
            hint = (
                "write it in quotes" if isinstance(value, (date, datetime, time, int, Decimal)) else "a text is meant"
            )
            raise self._wrong(way, f"{shown(value)} is not a text", hint)
        return Path(value) if kind is Path else str(value)

    def _number(self, value: object, way: Way) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
            raise self._wrong(way, f"{shown(value)} is not a number", "write a number such as 0.25")
        try:
            number = Decimal(value.strip() if isinstance(value, str) else value)
        except InvalidOperation:
            raise self._wrong(way, f"{shown(value)} is not a number", "write a number such as 0.25") from None
        if not number.is_finite():
            raise self._wrong(way, f"{shown(value)} is no limit at all", "write a finite number, or leave the line out")
        return number

    def _whole(self, value: object, way: Way) -> int:
        if isinstance(value, Text) and re.fullmatch(r"\s*[+-]?\d+\s*", value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(way, f"{shown(value)} is not a whole number", "write digits only, such as 30")
        return value

    def _yes_or_no(self, value: object, way: Way) -> bool:
        if isinstance(value, Text) and value.strip().lower() in _TRUE | _FALSE:
            return value.strip().lower() in _TRUE
        if not isinstance(value, bool):
            raise self._wrong(way, f"{shown(value)} is neither true nor false", "write true or false")
        return value

    def _pairs(self, text: Text, way: Way) -> dict[str, Text]:
        """`BTC-PERP:10,ETH-PERP:8`, the seed's way to write a map in a variable."""
        pairs: dict[str, Text] = {}
        for pair in filter(None, (each.strip() for each in text.split(","))):
            name, colon, each = (part.strip() for part in pair.rpartition(":"))
            if not (name and colon and each):
                raise self._wrong(way, f"{shown(pair)} is no pair", "write NAME:VALUE,NAME:VALUE")
            if name in pairs:
                raise self._wrong(way, f"{name} stands there twice", "keep one of them")
            pairs[name] = Text(each)
        return pairs

    def _table(self, value: object, way: Way) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            raise self._wrong(way, f"{shown(value)} is not a table", f"open one with [{dotted(way)}]")
        return value

    def _wrong(self, way: Way, message: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(self._place(way), message, remedy)


def shown(value: object) -> str:
    """A value as the writer of the file wrote it, at most 60 characters."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
