"""When the exchange turns variation margin and funding into cash."""

from __future__ import annotations

from collections.abc import Sequence

from events.terms import NANOSECONDS
from projections.limit_rules import minute_of

_DAY_NS = 86_400 * NANOSECONDS
_MINUTE_NS = 60 * NANOSECONDS
#: The retired international family settles every five minutes.
INTERNATIONAL = "INTX"
_FIVE_MINUTES_NS = 5 * _MINUTE_NS


def last_settlement(at: int, times_utc: Sequence[str], *, every_five: bool = False) -> int:
    """The last settlement at or before `at`, nanoseconds UTC; 0 where there are none.

    `times_utc` are times of the day ("04:00"); `every_five`: each fifth minute besides.
    """
    midnight = at - at % _DAY_NS
    times = [midnight - days * _DAY_NS + minute_of(text) * _MINUTE_NS for days in (0, 1) for text in times_utc]
    if every_five:
        times.append(at - at % _FIVE_MINUTES_NS)
    return max((time for time in times if time <= at), default=0)
