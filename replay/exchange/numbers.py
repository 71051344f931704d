"""Numbers as clients write them, and the words for what cannot be read, with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from replay.exchange.errors import BadRequest

#: Longer numbers are refused, so that products of three of them stay exact.
_MAX_DIGITS = 18
_DECIMAL = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)
_KIND_NAMES: Mapping[type, str] = {str: "string", bool: "bool", int: "int32", dict: "message", list: "list"}


def decimal_of(value: object) -> Decimal | None:
    """A decimal written as text; None for anything else."""
    if not isinstance(value, str) or len(value) > _MAX_DIGITS or _DECIMAL.fullmatch(value) is None:
        return None
    return Decimal(value)


def integer_of(value: object) -> int | None:
    """A whole number, as JSON's or as text; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def unknown_field(body: bytes, name: str) -> BadRequest:
    return BadRequest(f'proto: {where(body, name)}: unknown field "{name}"', "unknown")


def wrong_type(body: bytes, name: str, wanted: type) -> BadRequest:
    return BadRequest(f"proto: {where(body, name)}: invalid value for {_KIND_NAMES[wanted]} field {name}", "unknown")


def invalid_enum(body: bytes, name: str, value: object) -> BadRequest:
    return BadRequest(f"proto: {where(body, name)}: invalid value for enum field {name}: {value!r}", "unknown")


def where(body: bytes, name: str) -> str:
    """The place of a field, as the exchange tells it: line and column, from 1."""
    before = body[: max(0, body.find(f'"{name}"'.encode()))]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f"(line {line}:{column})"
