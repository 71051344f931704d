"""The comparison at start: is what we know now what we knew when the last session ended?

Restart is replay, so the states folded from the log must be those whose digests `SessionEnded` wrote. With the same
code another digest means that the fold is not what it was: the system refuses to trade. With other code it says which
behaviours see the past differently now.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.behaviour import Seat
from events.log import EventLog
from events.session import SessionEnded


class StartReport(msgspec.Struct, frozen=True):
    """What the start found: `previous` is "none", "ended" or "crashed"."""

    previous: str
    session: str = ""
    same_code: bool = True
    last_at: int = 0
    differing: tuple[str, ...] = ()  # behaviours whose state is not what it was


class StateDiverged(RuntimeError):
    """The same code folds the same log to another state. Nothing may be traded on it."""


def check_start(log: EventLog, seats: Sequence[Seat], code: str) -> StartReport:
    """Compare the seats, caught up to the log's head, with the last `SessionEnded`. Raises `StateDiverged`."""
    if log.head.seq == 0:
        return StartReport(previous="none")
    *_, last = log.records(after=log.head.seq - 1)
    ended = last.event
    if not isinstance(ended, SessionEnded):
        return StartReport(previous="crashed", last_at=last.at)
    differing = tuple(
        seat.name for seat in seats if seat.name in ended.states and seat.digest() != ended.states[seat.name]
    )
    if differing and ended.code == code:
        raise StateDiverged(
            f"session {ended.session} ended with other states of {', '.join(differing)} than this same code folds from "
            f"its log (record {last.seq}). Run `perptape verify` on the log; do not trade on it before it is explained."
        )
    return StartReport("ended", ended.session, ended.code == code, last.at, differing)
