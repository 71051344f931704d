"""A backtest: the same behaviours over a tape, called directly, without sockets or mailboxes.

The log it writes is the log that a paper session on that tape writes, record for record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from actors.clocks import TapeClock
from actors.door import Fact, Lane
from actors.hosts import TurnHost
from actors.identity import code_identity
from actors.scribe import Scribe
from actors.seats import behaviour_names, make_seat, strategy_sources
from events.codec import digest_of
from events.configuration import Configuration
from events.log import EventLog, Place
from events.money import use_exact_arithmetic
from events.record import AnyEvent
from events.session import ClockTicked, SessionStarted, StopRequested, Surroundings
from events.terms import Clock

TAPE_ENDED = "the tape ended"


def tape_session(tape_digest: str, configuration: Configuration) -> str:
    """The id of a session on a tape: a function of tape and configuration, so that two runs are the same session."""
    return hashlib.sha256(f"{tape_digest}|{digest_of(configuration)}".encode()).hexdigest()[:16]


def backtest(
    tape: Iterable[tuple[int, AnyEvent]],
    *,
    session: str,
    start: int,
    configuration: Configuration,
    log: EventLog,
    surroundings: Surroundings | None = None,
    progress: Callable[[int], None] | None = None,
    code: str | None = None,
) -> Place:
    """Run a configuration over a tape from `start` (ns) and leave the whole session in `log`. Returns its head.

    `progress` is told the tape's time now and then. `code` is the code's identity where the caller has it already:
    to read all sources takes longer than a short session.
    """
    use_exact_arithmetic()
    code = code or code_of(configuration)
    host = TurnHost([make_seat(name, configuration) for name in behaviour_names(configuration)])
    scribe = Scribe(
        log=log,
        host=host,
        last_at=0,
        code=code,
        make_seat=lambda name: make_seat(name, configuration),
        group_ms=1000,
    )
    clock = TapeClock(start)
    started = SessionStarted(
        session=session,
        configuration=configuration,
        clock=Clock.TAPE,
        code=code,
        surroundings=surroundings or Surroundings(hosting="turn"),
    )
    scribe.run([_said(started)], start)
    for count, (time, event) in enumerate(tape):
        for at, turn in clock.turns([Fact("market", event, Lane.MARKET, time, None)]):
            scribe.run(turn, at)
        if progress and count % 4096 == 0:
            progress(time)
    scribe.run([_said(StopRequested(reason=TAPE_ENDED))], clock.now())
    scribe.run([Fact("clock", ClockTicked(), Lane.MARKET, None, None)], clock.now())
    return scribe.end(session, TAPE_ENDED, (), clock.now())


def code_of(configuration: Configuration) -> str:
    """The identity of the code that decides under a configuration, its strategies' own modules included."""
    return code_identity(strategy_sources(configuration))


def _said(event: AnyEvent) -> Fact:
    return Fact("session", event, Lane.OPERATOR, None, None)
