"""What a facade that stands alone says: facts in a log of its own, or in the one it was given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from events.log import EventLog, MemoryLog
from events.record import AnyEvent, Record
from events.store import EventStore


class OwnLog:
    """Writes records one by one; `store` shows them as the seed does."""

    def __init__(self, by: str, clock: Callable[[], int], store: EventStore | None = None) -> None:
        """`clock` gives nanoseconds UTC. Raises `ValueError` for a store of a file, which only its system writes."""
        self.store = EventStore(MemoryLog()) if store is None else store
        log = self.store.log
        if isinstance(log, (str, Path)):
            raise ValueError(f"{log} is written by its own system; give a store over a log that is open here")
        self._by = by
        self._clock = clock
        self._log: EventLog = log
        self._at = log.last_at

    def now(self) -> int:
        """The time; it never goes back."""
        self._at = max(self._at, self._clock())
        return self._at

    def say(self, *events: AnyEvent) -> list[Record]:
        """Record facts and commit them; as records, in their place."""
        first, at = self._log.head.seq + 1, self.now()
        records = [Record(seq=first + i, at=at, by=self._by, event=event) for i, event in enumerate(events)]
        self._log.write(records)
        self._log.commit(sync=True)
        return records
