"""All wiring in one place: log, behaviours, host, journal, shells; start, stop, and what happens when it breaks.

    settings + source of market facts -> System.start() -> ... -> System.stop(reason) -> Ended

A system keeps its own list of everything it started; two can run in one process.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import pykka

from actors.behaviour import Seat
from actors.clocks import SessionClock, WallClock, WallTicker
from actors.door import Door, DoorClosed, Lane
from actors.halted import Halted
from actors.hosts import ActorHost, TurnHost
from actors.identity import code_identity
from actors.journal import EndSession, Journal
from actors.known import Known
from actors.operator import OperatorSocket, forget_note, left_note
from actors.scribe import Scribe, Shell, catch_up
from actors.seats import behaviour_names, make_seat, strategy_sources
from actors.settings import SystemSettings
from actors.start_check import StartReport, check_start
from actors.turns import Host
from actors.unsettled import Unsettled
from events.configuration import Configuration
from events.log import EventLog, LogWriteFailed, Place, SnapshotStore
from events.money import use_exact_arithmetic
from events.record import AnyEvent, Record
from events.session import ClockTicked, SessionStarted, StopRequested, Surroundings

#: How long a stop waits for the exchange's last word on our orders.
SETTLE_LIMIT_S = 10.0
#: How long a breakdown waits for the one cancelling of what rests.
CANCEL_LIMIT_S = 30.0


class Part(Protocol):
    """A shell with a thread of its own: a feed, a poller, a ticker."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Connection(Protocol):
    """The wires to an exchange: parts to start and stop, shells that hear commits, and two acts at the end."""

    @property
    def parts(self) -> Sequence[Part]: ...

    @property
    def shells(self) -> Sequence[Shell]: ...

    def last_look(self) -> int | None:
        """Ask the exchange once more for balances, positions and orders, and tell the door.

        Returns the exchange's time after that (ns); None where there is nobody to ask.
        """

    def cancel_all_once(self) -> None:
        """Cancel what rests, once, without an intent: the log cannot be written any more."""


class Ended(msgspec.Struct, frozen=True):
    """How a session ended: the log's head, the orders whose outcome stayed unknown, and what had halted trading."""

    place: Place
    unknown_orders: tuple[str, ...]
    halted_by: tuple[str, ...] = ()


class SystemBroken(RuntimeError):
    """The journal could not go on; what rested was cancelled once. The cause says why."""


class System:
    """One trading system over one log. Not restartable: a new session is a new `System`.

    `connect` makes the connection for a door and a look at the session's time; a tape feed is a connection too.
    """

    def __init__(
        self,
        settings: SystemSettings,
        *,
        log: EventLog,
        snapshots: SnapshotStore | None,
        clock: SessionClock,
        session: str,
        connect: Callable[[Door, Callable[[], int], Known], Connection],
        data_dir: Path | None = None,
        turn_facts: int | None = None,
        make_seat: Callable[[str, Configuration], Seat] = make_seat,
    ) -> None:
        use_exact_arithmetic()
        self.session = session
        self.broken: BaseException | None = None
        self._settings = settings
        self._log = log
        self._make_seat = make_seat
        self._data_dir = data_dir
        self._clock = clock
        self._last_cancel: threading.Thread | None = None
        self._stopping = threading.Event()
        self._stop_reason = ""
        self._code = code_identity(strategy_sources(settings.configuration))

        seats = [make_seat(name, settings.configuration) for name in behaviour_names(settings.configuration)]
        catch_up(seats, log, snapshots, self._code)
        self.start_report: StartReport = check_start(log, seats, self._code)
        known = Known.by(seats)
        self._unsettled = Unsettled(known.unsettled)
        self._halted = Halted(known)
        self._host = _host(settings, seats)
        self._door = Door(market_bound=settings.journal.market_bound)
        self._connection = connect(self._door, clock.now, known)
        self._journal = self._start_journal(settings, snapshots, turn_facts)
        self._ticker = WallTicker(clock, self._door) if isinstance(clock, WallClock) else None
        self._operator = OperatorSocket(data_dir, self._door, settings.configuration) if data_dir else None

    def start(self) -> None:
        """Record `SessionStarted`, then let the outside in."""
        self._say_and_wait(
            SessionStarted(
                session=self.session,
                configuration=self._settings.configuration,
                clock=self._clock.kind,
                code=self._code,
                surroundings=_surroundings(self._settings),
            )
        )
        if self._data_dir and (note := left_note(self._data_dir)):
            self._say_and_wait(note, by="operator")
            forget_note(self._data_dir)
        if self._ticker:
            self._ticker.start()
        if self._operator:
            self._operator.start()
        for part in self._connection.parts:
            part.start()

    def request_stop(self, reason: str) -> None:
        """Let `wait` return; callable from a signal handler or any thread."""
        self._stop_reason = self._stop_reason or reason
        self._stopping.set()

    def wait(self, timeout_s: float | None = None) -> str | None:
        """Wait for an operator, a signal, the end of a tape or a breakdown; the reason, or None when time is up."""
        return self._stop_reason if self._stopping.wait(timeout_s) else None

    def stop(self, reason: str, *, cancel_resting: bool = True) -> Ended:
        """End the session in order. Raises `SystemBroken` when the journal cannot.

        A tape ends by its own last fact: everything waiting is heard before the stop.
        """
        self._say_and_wait(StopRequested(reason=reason, cancel_resting=cancel_resting), lane=Lane.MARKET)
        self._unsettled.wait(SETTLE_LIMIT_S if self._settings.configuration.mode == "live" else 0.0)
        at = self._connection.last_look()
        self._say_and_wait(ClockTicked(), lane=Lane.MARKET, by="clock", time=at)  # what fell due meanwhile is said
        self._stop_parts()
        place: Place | None = self._journal.ask(EndSession(self.session, reason, self._unsettled.orders()))  # type: ignore[assignment]  # blocks, so no future
        self._close()
        if place is None:
            raise SystemBroken(str(self.broken)) from self.broken
        return Ended(place, self._unsettled.orders(), self._halted.reasons)

    def abandon(self) -> None:
        """After a breakdown: let what rests be cancelled, then everything go, without another word in the log."""
        self._door.close()
        if self._last_cancel is not None:
            self._last_cancel.join(CANCEL_LIMIT_S)
        self._stop_parts()
        self._close()
        with contextlib.suppress(LogWriteFailed):
            self._log.close()

    def _say_and_wait(
        self, event: AnyEvent, lane: Lane = Lane.OPERATOR, by: str = "session", time: int | None = None
    ) -> None:
        durable = threading.Event()
        try:
            self._door.tell(by, [event], lane, time, lambda _seq: durable.set())
        except DoorClosed:
            raise SystemBroken(str(self.broken)) from self.broken
        while not durable.wait(0.1):
            if self.broken is not None:
                raise SystemBroken(str(self.broken)) from self.broken

    def _on_broken(self, error: BaseException) -> None:
        """From the journal's thread: cancel once, elsewhere, and wake whoever waits."""
        self._last_cancel = threading.Thread(target=self._connection.cancel_all_once, name="cancel-once", daemon=True)
        self._last_cancel.start()
        self.broken = error
        self.request_stop(f"the journal stopped: {error}")

    def _start_journal(
        self, settings: SystemSettings, snapshots: SnapshotStore | None, turn_facts: int | None
    ) -> pykka.ActorRef[Journal]:
        scribe = Scribe(
            log=self._log,
            host=self._host,
            last_at=self.start_report.last_at,
            code=self._code,
            make_seat=lambda name: self._make_seat(name, settings.configuration),
            snapshots=snapshots,
            shells=(*self._connection.shells, self._unsettled, self._halted, _StopWatch(self.request_stop)),
            group_ms=settings.journal.group_ms,
            snapshot_every=settings.journal.snapshot_every,
        )
        return Journal.start(
            door=self._door,
            scribe=scribe,
            clock=self._clock,
            on_broken=self._on_broken,
            turn_facts=turn_facts or settings.journal.turn_facts,
        )

    def _stop_parts(self) -> None:
        if self._ticker:
            self._ticker.stop()
        if self._operator:
            self._operator.stop()
        for part in reversed(self._connection.parts):
            part.stop()

    def _close(self) -> None:
        self._journal.stop()
        self._host.close()


class _StopWatch:
    """Hears an operator's `StopRequested` and passes it on."""

    hears = frozenset({StopRequested})

    def __init__(self, request_stop: Callable[[str], None]) -> None:
        self._request_stop = request_stop

    def committed(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.by == "operator" and isinstance(record.event, StopRequested):
                self._request_stop(record.event.reason)


def _host(settings: SystemSettings, seats: Sequence[Seat]) -> Host:
    match settings.journal.hosting:
        case "turn":
            return TurnHost(seats)
        case "shared":
            return ActorHost([seats], answer_limit_s=settings.journal.answer_limit_s)
        case _:
            return ActorHost([[seat] for seat in seats], answer_limit_s=settings.journal.answer_limit_s)


def _surroundings(settings: SystemSettings) -> Surroundings:
    return Surroundings(
        host=socket.gethostname(),
        path=str(settings.data_dir),
        pid=os.getpid(),
        wall_time=time.time_ns(),
        hosting=settings.journal.hosting,
        python=platform.python_version(),
        msgspec=msgspec.__version__,
    )
