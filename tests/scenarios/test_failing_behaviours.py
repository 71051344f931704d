"""A behaviour that raises or hangs in the middle of a run: recorded, rebuilt or left out, and the run verifies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from actors.behaviour import Behaviour, Seat
from actors.seats import make_seat
from actors.settings import JournalSettings, SystemSettings
from events.configuration import Configuration
from events.event import Event
from events.log import MemoryLog
from events.orders import OrderApproved, OrderSubmitted
from events.record import Record
from events.session import ActorFailed, ActorRestarted, SessionEnded
from replay.paper import paper_session
from replay.verify import Report, verify_commits
from tests.replay.markets import facts, short_market, trading


class Faulty:
    """A behaviour as it is, but for what `fault` does when it decides for the `at`-th time."""

    def __init__(self, inner: Behaviour, at: int, fault: Callable[[], None]) -> None:
        self._inner = inner
        self._left = at
        self._fault = fault
        self.name = inner.name
        self.hears = inner.hears
        self.answers = inner.answers

    @property
    def state(self) -> object:
        return self._inner.state

    @state.setter
    def state(self, state: object) -> None:
        self._inner.state = state

    def fold(self, record: Record) -> None:
        self._inner.fold(record)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        self._left -= 1
        if self._left == 0:
            self._fault()
        return self._inner.decide(record, outstanding)


def run(name: str, at: int, fault: Callable[[], None], hosting: str = "actors") -> tuple[list[Record], Report]:
    """A paper session in which one behaviour has a fault, once; and what verification says of its log."""
    tape, log = short_market(120), MemoryLog()
    made: list[str] = []

    def with_fault(wanted: str, configuration: Configuration) -> Seat:
        seat = make_seat(wanted, configuration)
        made.append(wanted)
        if wanted == name and made.count(name) == 1:
            return Seat(Faulty(seat.behaviour, at, fault))
        return seat

    settings = SystemSettings(configuration=trading(tape), journal=JournalSettings(hosting=hosting, answer_limit_s=0.5))
    paper_session(facts(tape), session="s", start=tape.start, settings=settings, log=log, make_seat=with_fault)
    return list(log.records()), verify_commits(log.commits)


def raises() -> None:
    raise ZeroDivisionError("no such luck")


def hangs() -> None:
    time.sleep(3)


@pytest.mark.parametrize("hosting", ["actors", "shared", "turn"])
@pytest.mark.parametrize("name", ["marks", "risk", "orders", "position", "paper", "strategy:trend"])
def test_one_that_raises_is_rebuilt_goes_on_and_the_run_verifies(name: str, hosting: str) -> None:
    records, report = run(name, 40, raises, hosting)
    failed = [r.event for r in records if isinstance(r.event, ActorFailed)]
    assert [(f.actor, f.error, f.hung) for f in failed] == [(name, "ZeroDivisionError: no such luck", False)]
    assert [r.event.actor for r in records if isinstance(r.event, ActorRestarted)] == [name]
    restarted = next(r.seq for r in records if isinstance(r.event, ActorRestarted))
    assert any(r.by == name for r in records if r.seq > restarted) or name in ("orders", "position")
    assert isinstance(records[-1].event, SessionEnded)
    assert set(records[-1].event.states) > {name}
    assert report.verified, report.differences


@pytest.mark.parametrize("name", ["marks", "risk", "strategy:trend"])
def test_one_that_hangs_is_left_out_and_the_run_verifies(name: str) -> None:
    records, report = run(name, 40, hangs)
    failed = [r.event for r in records if isinstance(r.event, ActorFailed)]
    assert [(f.actor, f.hung) for f in failed] == [(name, True)]
    assert not any(isinstance(r.event, ActorRestarted) for r in records)
    ended = records[-1].event
    assert isinstance(ended, SessionEnded)
    assert name not in ended.states
    assert report.verified, report.differences


def test_without_risk_nothing_is_approved_and_nothing_is_submitted() -> None:
    records, _ = run("risk", 5, hangs)
    out_from = next(r.seq for r in records if isinstance(r.event, ActorFailed))
    after = [r for r in records if r.seq > out_from]
    assert len(after) > 100
    assert not any(isinstance(r.event, OrderApproved | OrderSubmitted) for r in after)
