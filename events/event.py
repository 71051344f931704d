"""An event is something that happened: an immutable value, named by a past-tense noun phrase."""

from __future__ import annotations

import msgspec


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    tag=True,
    tag_field="type",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """The root of the vocabulary. Every subclass is one kind of event; its name is its tag in the log.

    Version 1 of an event is written under its class name. When its shape changes, the class gets the tag
    `Name@2` and the old shape a lift in `events.lifting`.
    """


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A value inside an event that is no event itself. Written whole, defaults included: an audit needs no guessing."""
