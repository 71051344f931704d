"""The exchange's clock beside ours: asked with each round, said when it has changed by more than noise."""

from __future__ import annotations

from collections.abc import Callable

from actors.connection.client.market_replies import ServerTime
from events.session import ClockSkewMeasured

#: A change of less is not worth a word; what the round trip leaves uncertain, twice, is not either.
LEAST_CHANGE_NS = 250_000_000
_MILLISECOND = 1_000_000


def exchange_time(reply: ServerTime) -> int | None:
    """Nanoseconds UTC, None where it says none. `iso` may be of whole seconds; both are cut off: the later counts."""
    told = [int(reply.epoch_millis) * _MILLISECOND] if reply.epoch_millis.isdigit() else []
    return max([*told, *([reply.iso] if reply.iso is not None else [])], default=None)


def skew_between(ask: Callable[[], int | None], now: Callable[[], int]) -> tuple[int | None, ClockSkewMeasured | None]:
    """The exchange's time, and its clock less ours as of the middle of the round trip. None where it told no time."""
    before = now()
    theirs = ask()
    half = max(0, now() - before) // 2
    if theirs is None:
        return None, None
    return theirs, ClockSkewMeasured(skew_ns=theirs - before - half, uncertain_by_ns=half)


def is_news(measured: ClockSkewMeasured, told_ns: int) -> bool:
    """Whether a measurement differs from what was told by more than its own noise."""
    return abs(measured.skew_ns - told_ns) > max(LEAST_CHANGE_NS, 2 * measured.uncertain_by_ns)
