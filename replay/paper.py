"""A paper session on a tape: the whole live system, mailboxes and log included, with a tape as its feed.

One fact a turn: the log is a function of tape, configuration and code, on either host, and the backtest's is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from actors.behaviour import Seat
from actors.clocks import TapeClock
from actors.door import Door
from actors.known import Known
from actors.seats import make_seat
from actors.settings import SystemSettings
from actors.system import Ended, System, SystemBroken
from actors.tape_feed import TapeConnection
from events.configuration import Configuration
from events.log import EventLog, SnapshotStore
from events.record import AnyEvent
from replay.backtest import TAPE_ENDED


def paper_session(
    tape: Iterable[tuple[int, AnyEvent]],
    *,
    session: str,
    start: int,
    settings: SystemSettings,
    log: EventLog,
    snapshots: SnapshotStore | None = None,
    data_dir: Path | None = None,
    running: Callable[[System], None] | None = None,
    make_seat: Callable[[str, Configuration], Seat] = make_seat,
) -> Ended:
    """Run the system over a tape from `start` (ns) to its end. Raises `SystemBroken` when the journal cannot go on.

    `running` is handed the started system; an operator's stop ends the session before the tape.
    """

    def tape_ended() -> None:
        system.request_stop(TAPE_ENDED)

    def connect(door: Door, _now: Callable[[], int], _known: Known) -> TapeConnection:
        return TapeConnection(tape, door, tape_ended)

    system = System(
        settings,
        log=log,
        snapshots=snapshots,
        clock=TapeClock(start),
        session=session,
        connect=connect,
        data_dir=data_dir,
        turn_facts=1,
        make_seat=make_seat,
    )
    system.start()
    if running:
        running(system)
    reason = system.wait()
    assert reason is not None
    try:
        return system.stop(reason)
    except SystemBroken:
        system.abandon()
        raise
