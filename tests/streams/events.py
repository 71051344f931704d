"""Any event of the vocabulary, any record, any log: made from the types themselves, so that a new event is in at once.

Numbers, times and texts are arbitrary within what their types allow; nothing here makes sense on a desk. Streams that
do are in the other modules of this package.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from events.event import Event
from events.record import AnyEvent, Record

#: Every kind of event, in the order of the vocabulary.
EVENT_TYPES: tuple[type[Event], ...] = get_args(AnyEvent)

_LARGEST = 2**63 - 1

decimals: SearchStrategy[Decimal] = st.one_of(
    st.builds(
        lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**18), 10**18), st.integers(0, 12)
    ),
    st.sampled_from([Decimal(text) for text in ("0", "-0", "0.00", "1E+3", "1.0", "1.00", "0.00000001", "-0.5")]),
)
times: SearchStrategy[int] = st.integers(0, _LARGEST)


def events_of(kind: type[Event]) -> SearchStrategy[Any]:
    """Any event of one kind; fields with a default are given or left out."""
    return _structs(kind)


@cache
def any_event() -> SearchStrategy[AnyEvent]:
    return st.one_of([_structs(kind) for kind in EVENT_TYPES])


@st.composite
def records(draw: st.DrawFn, seq: int | None = None, at: int | None = None) -> Record:
    """A fact or a decision, at this place or any."""
    place = draw(st.integers(1, _LARGEST)) if seq is None else seq
    is_decision = draw(st.booleans())
    return Record(
        seq=place,
        at=draw(times) if at is None else at,
        by=draw(st.text(max_size=12)),
        cause=draw(st.integers(1, _LARGEST)) if is_decision else None,
        index=draw(st.integers(0, 9)) if is_decision else 0,
        event=draw(any_event()),
    )


@st.composite
def turns(draw: st.DrawFn, max_turns: int = 6, max_records: int = 4) -> list[list[Record]]:
    """A log as turns: seqs from 1 without a gap, one time a turn, never backwards."""
    log: list[list[Record]] = []
    seq, at = 1, draw(st.integers(0, 10**18))
    for _ in range(draw(st.integers(0, max_turns))):
        count = draw(st.integers(1, max_records))
        log.append([draw(records(seq=seq + offset, at=at)) for offset in range(count)])
        seq += count
        at += draw(st.integers(0, 10**12))
    return log


@cache
def _structs(kind: type[msgspec.Struct]) -> SearchStrategy[Any]:
    hints = get_type_hints(kind)
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for field in msgspec.structs.fields(kind):
        (required if field.required else optional)[field.name] = _values(hints[field.name])
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: kind(**fields))


def _values(hint: Any) -> SearchStrategy[Any]:
    """Any value of a field's type."""
    plain = _PLAIN.get(hint)
    if plain is not None:
        return plain
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of([_values(each) for each in inner])
    if origin is tuple:
        return _tuples(inner)
    if origin is dict:
        return st.dictionaries(_values(inner[0]), _values(inner[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _structs(hint)
    raise NotImplementedError(f"a field of type {hint!r}: teach this module to make one")


def _tuples(inner: Sequence[Any]) -> SearchStrategy[Any]:
    if len(inner) == 2 and inner[1] is Ellipsis:
        return st.lists(_values(inner[0]), max_size=3).map(tuple)
    return st.tuples(*[_values(each) for each in inner])


_PLAIN: dict[Any, SearchStrategy[Any]] = {
    Decimal: decimals,
    int: st.integers(-_LARGEST, _LARGEST),
    str: st.text(max_size=20),
    bool: st.booleans(),
    type(None): st.none(),
}
