"""A feed that reads a tape instead of a socket: market facts in order, with the time they carry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from actors.door import Door, DoorClosed, Lane
from events.record import AnyEvent


class TapeFeed:
    """Tells the door a tape, fact by fact; the door makes it wait. `on_finished` is called once, from its thread."""

    def __init__(self, tape: Iterable[tuple[int, AnyEvent]], door: Door, on_finished: Callable[[], None]) -> None:
        self._tape = tape
        self._door = door
        self._on_finished = on_finished
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="tape", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End between two facts; returns when the thread has ended."""
        self._stopped = True
        self._thread.join()

    def _run(self) -> None:
        try:
            for time, event in self._tape:
                if self._stopped:
                    return
                self._door.tell("market", [event], Lane.MARKET, time)
        except DoorClosed:
            return
        finally:
            self._on_finished()


class TapeConnection:
    """A tape in the place of an exchange: one feed, nothing to ask and nothing to cancel."""

    def __init__(self, tape: Iterable[tuple[int, AnyEvent]], door: Door, on_finished: Callable[[], None]) -> None:
        self.parts = (TapeFeed(tape, door, on_finished),)
        self.shells = ()

    def last_look(self) -> None:
        """A tape knows nothing of us, and has no time beyond its last fact."""

    def cancel_all_once(self) -> None:
        """Nothing rests anywhere but in the paper exchange, whose book is the log."""
