"""The closed vocabulary by name: what `--type` may be, and what `list events` shows."""

from __future__ import annotations

import functools
import typing

from actors.strict import nearest
from events.event import Event
from events.record import AnyEvent
from scripts.cli.exits import CommandFailed, Exit


@functools.cache
def event_names() -> dict[str, type[Event]]:
    """Every event type by its name, in the order of the vocabulary."""
    return {kind.__name__: kind for kind in typing.get_args(AnyEvent)}


def known_event(name: str) -> str:
    """The name as it is spelled. Raises `CommandFailed` (usage) for one that is not in the vocabulary."""
    for known in event_names():
        if known.lower() == name.lower():
            return known
    raise CommandFailed(f"--type {name}: there is no such event; {nearest(name, event_names())}", Exit.USAGE)
