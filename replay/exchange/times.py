"""Time as the exchange writes it: RFC 3339 in UTC with up to nine digits. Inside, time is nanoseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from events.terms import NANOSECONDS

#: What the exchange prints for a time that is not set.
UNSET = "0001-01-01T00:00:00Z"

_FORM = re.compile(r"(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})")


def rfc3339(at: int) -> str:
    """`2026-04-07T14:30:03.123456789Z`; microseconds where that is exact, no fraction where the second is whole."""
    second, fraction = divmod(at, NANOSECONDS)
    if not fraction:
        return _second(second) + "Z"
    if fraction % 1000:
        return f"{_second(second)}.{fraction:09d}Z"
    return f"{_second(second)}.{fraction // 1000:06d}Z"


def nanoseconds_of(text: str) -> int:
    """The time of an RFC 3339 text, nanoseconds UTC. Raises `ValueError` for any other text."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    whole, fraction, zone = form.groups()
    moment = datetime.fromisoformat(whole.upper() + ("+00:00" if zone in "Zz" else zone))
    return int(moment.timestamp()) * NANOSECONDS + int((fraction or "").ljust(9, "0"))


def go_print(at: int, uptime_ns: int) -> str:
    """The exchange's own print of a time in its heartbeats; nobody parses it."""
    second, fraction = divmod(at, NANOSECONDS)
    return f"{_second(second).replace('T', ' ')}.{fraction:09d} +0000 UTC m=+{uptime_ns / NANOSECONDS:.9f}"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
