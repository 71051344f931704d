"""The session, its clock, and the health of its actors."""

from __future__ import annotations

from events.configuration import Configuration
from events.event import Event, Part
from events.terms import Clock


class Surroundings(Part, frozen=True):
    """Where a session ran: true of the machine, not of the decisions, so left out of comparisons and digests."""

    host: str = ""
    path: str = ""
    pid: int = 0
    wall_time: int = 0  # nanoseconds UTC
    hosting: str = ""  # "actors" or "turn"
    python: str = ""
    msgspec: str = ""


class SessionStarted(Event, frozen=True):
    """A run of the system begins: its identity, its rules, its code. The first record of every session."""

    session: str
    configuration: Configuration
    clock: Clock
    code: str  # digest over the sources of events, projections, behaviours and strategies
    surroundings: Surroundings = Surroundings()


class StopRequested(Event, frozen=True):
    """The run shall end: strategies propose nothing more, and what rests is cancelled if so asked."""

    reason: str
    cancel_resting: bool = True


class SessionEnded(Event, frozen=True):
    """A run ended in order. `states` are the digests of all behaviours' states, `state_digest` is over them.

    No behaviour hears it, so the states are those of the record before. `unknown_orders` are those whose outcome the
    exchange had not told by then.
    """

    session: str
    reason: str
    code: str  # as in SessionStarted
    state_digest: str
    states: dict[str, str]
    unknown_orders: tuple[str, ...] = ()


class ClockTicked(Event, frozen=True):
    """A second of the session's clock has passed; the time is the record's."""


class ClockJumped(Event, frozen=True):
    """The wall clock moved against the monotonic one."""

    by_ns: int


class ClockSkewMeasured(Event, frozen=True):
    """The exchange's clock less ours, said when it has changed by more than a threshold. Ages are corrected by it.

    `uncertain_by_ns` is half of the round trip that it was measured in.
    """

    skew_ns: int
    uncertain_by_ns: int = 0


class ActorFailed(Event, frozen=True):
    """A behaviour raised, or did not answer in time, at a record. It says nothing until it is restarted."""

    actor: str
    record: int  # seq of the record it was told
    error: str
    hung: bool = False


class ActorRestarted(Event, frozen=True):
    """A behaviour was rebuilt from the log and listens again, from this record on."""

    actor: str


class LogWasCut(Event, frozen=True):
    """An operator went on after damage: records after `after_seq` were set aside."""

    after_seq: int
    removed_bytes: int
    kept_as: str
    reason: str
