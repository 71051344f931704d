"""JSON as the exchange's protobuf reads it: known fields of known types, and the place of what cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

import orjson

from replay.exchange.errors import BadRequest

#: The type of a field, or the two that it may have.
Form = type | tuple[type, type]

#: Longer numbers are refused, so that products of three of them stay exact.
_MAX_DIGITS = 18
_DECIMAL = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)
_KIND_NAMES: Mapping[type, str] = {str: "string", bool: "bool", int: "int32", dict: "message", list: "list"}


def fields_of(body: bytes, known: Mapping[str, Form]) -> dict[str, object]:
    """The fields of a JSON object, none but those that are known. Raises `BadRequest`."""
    try:
        sent = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"proto: syntax error (line {error.lineno}:{error.colno}): {error.msg}", "unknown") from None
    if not isinstance(sent, dict):
        raise BadRequest("proto: syntax error (line 1:1): unexpected token", "unknown")
    check_fields(sent, known, body)
    return sent


def check_fields(sent: dict[str, object], known: Mapping[str, Form], body: bytes) -> None:
    """Raises `BadRequest` for a field that is unknown or of another type; null is not given."""
    for name, value in sent.items():
        if name not in known:
            raise unknown_field(body, name)
        form = known[name]
        if value is not None and type(value) not in (form if isinstance(form, tuple) else (form,)):
            raise wrong_type(body, name, form[0] if isinstance(form, tuple) else form)


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
