"""Old shapes of events, lifted to the present ones on read. What is written is never rewritten.

An event whose shape changes gets the tag `Name@2`, and its old tag a lift here: a function from the old event's
fields, as JSON gave them (decimals as text), to those of the next version. Lifts chain: from version 1 to 2 to 3.
A field added with a default needs none. Digests are over bytes as written, comparisons between lifted values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias, get_args

import msgspec

from events.codec import decode
from events.record import AnyEvent, Record

Fields: TypeAlias = dict[str, object]


class Lift(NamedTuple):
    """From an old tag to the next: the tag it becomes, and how its fields change."""

    to: str
    change: Callable[[Fields], Fields]


#: By old tag. Release 1 is the first: nothing to lift yet.
LIFTS: dict[str, Lift] = {}

#: The tags written today.
TAGS: frozenset[str] = frozenset(event.__struct_config__.tag for event in get_args(AnyEvent))


class UnknownTag(ValueError):
    """An event that is neither of the vocabulary nor liftable to it."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        super().__init__(f"unknown event {tag!r}")


def decode_lifting(line: bytes) -> Record:
    """The record of a line of any release.

    Raises `UnknownTag`, or `msgspec.DecodeError` (also its `ValidationError`) when a known shape is not kept.
    """
    raw = msgspec.json.decode(line, type=dict[str, object])
    event = raw.get("event")
    if not isinstance(event, dict):
        raise msgspec.ValidationError("Expected `object` - at `$.event`")
    raw["event"] = lifted(event)
    return decode(msgspec.json.encode(raw))


def lifted(event: Fields) -> Fields:
    """The event in the present shape of its kind; `type` is among the fields."""
    for tag in _path(str(event.get("type"))):
        if tag in LIFTS:
            lift = LIFTS[tag]
            event = {"type": lift.to, **lift.change({name: event[name] for name in event if name != "type"})}
    return event


def tags_that_become(tags: frozenset[str]) -> frozenset[str]:
    """These tags and all older ones that are lifted to one of them: what to look for in a log of any age."""
    return tags | {old for old in LIFTS if _path(old)[-1] in tags}


def _path(tag: str) -> list[str]:
    """The tag and those it becomes, up to one that is written today."""
    path = [tag]
    while path[-1] not in TAGS:
        if path[-1] not in LIFTS:
            raise UnknownTag(path[-1])
        following = LIFTS[path[-1]].to
        assert following not in path, f"the lifts lead in a circle at {following!r}"
        path.append(following)
    return path
