"""Whether risk has halted trading: the kill switch, or reduce-only for everything. A session that ends so says so."""

from __future__ import annotations

from collections.abc import Sequence

from actors.known import EVERYTHING, Known
from events.event import Event
from events.record import Record
from events.risk import (
    KillSwitchReset,
    KillSwitchThrown,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)


class Halted:
    """A shell that hears what halts and what releases. `reasons` is empty while trading goes on."""

    hears: frozenset[type[Event]] = frozenset(
        {
            KillSwitchThrown,
            KillSwitchReset,
            ReduceOnlyEntered,
            ReduceOnlyLeft,
            ReduceOnlyRequested,
            ReduceOnlyReleased,
        }
    )

    def __init__(self, known: Known) -> None:
        self._killed = "since an earlier session" if known.is_killed else ""
        self._reduce_only = "since an earlier session" if EVERYTHING in known.reduce_only else ""

    @property
    def reasons(self) -> tuple[str, ...]:
        killed = (f"kill switch thrown: {self._killed}",) if self._killed else ()
        reduce_only = (f"reduce-only: {self._reduce_only}",) if self._reduce_only else ()
        return killed + reduce_only

    def committed(self, records: Sequence[Record]) -> None:
        for record in records:
            match record.event:
                case KillSwitchThrown(reason=reason):
                    self._killed = reason
                case KillSwitchReset():
                    self._killed = ""
                case ReduceOnlyEntered(product=None, reason=reason) | ReduceOnlyRequested(product=None, reason=reason):
                    self._reduce_only = reason
                case ReduceOnlyLeft(product=None) | ReduceOnlyReleased(product=None):
                    self._reduce_only = ""
                case _:
                    pass
