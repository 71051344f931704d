"""The journal: the one actor that writes. It takes facts from the door and has them placed, turn by turn.

Nothing outside the process learns of a record before its commit. A write that fails stops it for good: no retry, no
further acknowledgement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pykka

from actors.clocks import SessionClock
from actors.door import Door
from actors.scribe import Scribe
from events.log import Place
from events.money import use_exact_arithmetic


class Knock:
    """The door's message: facts wait."""


class EndSession(NamedTuple):
    """Close the door, hear what still waits, end the session. Answered with the log's head, or None when broken."""

    session: str
    reason: str
    unknown_orders: tuple[str, ...]


class Journal(pykka.ThreadingActor):
    """Serves the door. `on_broken` is called once, from its thread, when it can go on no more."""

    use_daemon_thread = True

    def __init__(
        self,
        *,
        door: Door,
        scribe: Scribe,
        clock: SessionClock,
        on_broken: Callable[[BaseException], None],
        turn_facts: int = 256,
    ) -> None:
        super().__init__()
        self._door = door
        self._scribe = scribe
        self._clock = clock
        self._on_broken = on_broken
        self._turn_facts = turn_facts
        self._broken = False

    def on_start(self) -> None:
        use_exact_arithmetic()
        self._door.knock = lambda: self.actor_ref.tell(Knock())

    def on_receive(self, message: object) -> Place | None:
        if self._broken:
            return None
        try:
            if isinstance(message, Knock):
                self._serve()
            elif isinstance(message, EndSession):
                return self._end(message)
        except BaseException as error:  # noqa: BLE001 - the journal's own failure stops the system, loudly
            self._broken = True
            self._door.close()
            self._on_broken(error)
        return None

    def _serve(self) -> None:
        """Run turns until nothing waits and everything is committed."""
        while True:
            facts = self._door.take(self._turn_facts)
            if facts:
                for at, turn in self._clock.turns(facts):
                    self._scribe.run(turn, at)
                self._door.turn_is_over(facts)
                continue
            due_s = self._scribe.commit_due_s()
            if due_s is not None:
                if not self._door.wait(due_s):
                    self._scribe.commit()
            elif self._door.leave():
                return

    def _end(self, message: EndSession) -> Place:
        self._door.close()
        self._serve()
        return self._scribe.end(message.session, message.reason, message.unknown_orders, self._clock.now())
