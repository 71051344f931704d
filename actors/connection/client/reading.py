"""How a reply becomes what the system holds: typed, exact, with what we do not know kept beside what we do.

Numbers are read as they stand in the text, also those that are no texts: 0.1 is a tenth and not its nearest float.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar, cast, get_args

import msgspec

from actors.connection.amounts import wire_value

T = TypeVar("T")

_NOTHING: Mapping[str, msgspec.Raw] = MappingProxyType({})
_TABLE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


class Reply(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The root of the typed replies."""

    @property
    def unknown(self) -> Mapping[str, msgspec.Raw]:
        """The fields that the exchange sent and we have no name for, as received: JSON."""
        return cast(Mapping[str, msgspec.Raw], self.__dict__.get("_unknown", _NOTHING))


class Empty(Reply, frozen=True):
    """`{}`: the exchange took it, and has nothing to say."""


def read(kind: type[T], text: str | bytes) -> T:
    """A reply as its type. Raises what `amounts.UNREADABLE` lists, with the path of what is missing or malformed.

    >>> reply = read(Empty, '{"soon": "more"}')
    >>> bytes(reply.unknown["soon"])
    b'"more"'
    """
    reply = _decoder(cast(Any, kind)).decode(text)
    _keep(reply, text)
    return cast(T, reply)


def unknown_fields(value: object, path: str = "$") -> Iterator[str]:
    """The paths of all that was kept in a reply without a name of ours."""
    if isinstance(value, Reply):
        yield from (f"{path}.{name}" for name in value.unknown)
        for name in value.__struct_fields__:
            yield from unknown_fields(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from unknown_fields(each, f"{path}[]")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from unknown_fields(each, f"{path}.{name}")


def _keep(value: object, raw: str | bytes | msgspec.Raw) -> None:
    """Put what the text has more than the type beside it, at each depth."""
    if isinstance(value, Reply):
        if value.__struct_config__.array_like:
            return
        names, deeper = _plan(type(value))
        table = _TABLE.decode(raw)
        more = {name: part.copy() for name, part in table.items() if name not in names}
        if more:
            value.__dict__["_unknown"] = more
        for name, attribute in deeper:
            if name in table:
                _keep(getattr(value, attribute), table[name])
    elif isinstance(value, list) and value and isinstance(value[0], (Reply, list)):
        for each, part in zip(value, _ROWS.decode(raw), strict=True):
            _keep(each, part)
    elif isinstance(value, dict) and value:
        table = _TABLE.decode(raw)
        for name, each in value.items():
            _keep(each, table[name])


@cache
def _plan(kind: type[Reply]) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
    """The exchange's names of a reply's fields; and of those that hold replies, its names and ours."""
    fields = msgspec.structs.fields(kind)
    deeper = tuple((field.encode_name, field.name) for field in fields if _holds_replies(field.type))
    return frozenset(field.encode_name for field in fields), deeper


def _holds_replies(kind: Any) -> bool:
    if isinstance(kind, type) and issubclass(kind, Reply):
        return True
    return any(_holds_replies(each) for each in get_args(kind))


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=wire_value, float_hook=Decimal)
