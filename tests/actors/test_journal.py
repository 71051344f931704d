"""The journal: whole turns, commits before anybody outside learns of them, and actors that fail without hurting it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pykka
import pytest

from actors.behaviour import Behaviour, Seat
from actors.clocks import TapeClock
from actors.door import Door, DoorClosed, Lane
from actors.hosts import ActorHost, TurnHost
from actors.journal import EndSession, Journal
from actors.scribe import MAX_RESTARTS, Scribe, catch_up
from actors.turns import Host
from events.event import Event
from events.log import EventLog, LogWriteFailed, MemoryLog, Place, SnapshotStore
from events.record import AnyEvent, Record
from events.session import ActorFailed, ActorRestarted, ClockTicked, SessionEnded
from events.strategy import StrategyPaused, StrategyResumed
from tests.actors.toys import Hangs, Raises, Toy

Make = Callable[[str], Behaviour]


class Listener:
    """A shell that keeps what it was told, and how far the log was then."""

    hears: frozenset[type[Event]] = frozenset({StrategyPaused})

    def __init__(self, log: EventLog) -> None:
        self.told: list[Record] = []
        self.heads: list[int] = []
        self._log = log

    def committed(self, records: Sequence[Record]) -> None:
        self.told += records
        self.heads.append(self._log.head.seq)


class FailsAt(MemoryLog):
    """A log whose `nth` commit cannot be written."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self._left = nth

    def commit(self, sync: bool = False) -> Place:
        self._left -= self.is_pending
        if self._left <= 0:
            raise LogWriteFailed("no space left on device", file="memory")
        return super().commit(sync)


class Desk:
    """A running journal over behaviours made by name."""

    def __init__(
        self,
        make: Make,
        names: Sequence[str],
        *,
        log: EventLog | None = None,
        in_turn: bool = False,
        snapshots: SnapshotStore | None = None,
        group_ms: int = 5,
    ) -> None:
        self.log = log or MemoryLog()
        self.broken: list[BaseException] = []
        self.broke = threading.Event()
        self.door = Door()
        self.listener = Listener(self.log)
        seats = [Seat(make(name)) for name in names]
        self.host: Host = TurnHost(seats) if in_turn else ActorHost([[s] for s in seats], answer_limit_s=0.5)
        scribe = Scribe(
            log=self.log,
            host=self.host,
            last_at=0,
            code="test",
            make_seat=lambda name: Seat(make(name)),
            snapshots=snapshots,
            shells=[self.listener],
            group_ms=group_ms,
            snapshot_every=10,
        )
        self.ref: pykka.ActorRef[Journal] = Journal.start(
            door=self.door, scribe=scribe, clock=TapeClock(0), on_broken=self._on_broken
        )

    def say(self, event: AnyEvent, by: str = "operator") -> int:
        """Tell it as an operator would and return the seq once it is durable."""
        seqs: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.door.tell(by, [event], Lane.OPERATOR, None, seqs.put)
        return seqs.get(timeout=5)

    def end(self) -> Place | None:
        return self.ref.ask(EndSession("s", "over", ()))  # type: ignore[return-value]  # blocks, so no future

    def records(self) -> list[Record]:
        return list(self.log.records())

    def close(self) -> None:
        self.door.close()
        self.ref.stop()
        self.host.close()

    def _on_broken(self, error: BaseException) -> None:
        self.broken.append(error)
        self.broke.set()


@pytest.fixture
def desk() -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(*args: object, **options: object) -> Desk:
        desks.append(Desk(*args, **options))  # type: ignore[arg-type]  # handed through as given
        return desks[-1]

    yield make
    for one in desks:
        one.close()


def kinds(records: Sequence[Record]) -> list[str]:
    return [f"{record.by} {type(record.event).__name__}" for record in records]


@pytest.mark.parametrize("in_turn", [True, False])
def test_an_operator_is_answered_when_the_whole_turn_is_durable(desk: Callable[..., Desk], in_turn: bool) -> None:
    one = desk(Toy, ["abe", "zoe"], in_turn=in_turn, group_ms=60_000)
    assert one.say(ClockTicked()) == 1
    assert one.log.head.seq == 3
    assert kinds(one.records()) == ["operator ClockTicked", "abe StrategyPaused", "zoe StrategyPaused"]


def test_a_shell_hears_only_what_is_committed_and_only_what_it_hears(desk: Callable[..., Desk]) -> None:
    one = desk(Toy, ["abe"])
    one.say(ClockTicked())
    assert kinds(one.listener.told) == ["abe StrategyPaused"]
    assert one.listener.heads == [2]


def test_market_facts_are_committed_within_the_group_time(desk: Callable[..., Desk]) -> None:
    one = desk(Toy, ["abe"], group_ms=5)
    heard = threading.Event()
    one.listener.committed = lambda records: heard.set()  # type: ignore[method-assign]  # to wait for the commit
    one.door.tell("market", [ClockTicked()], Lane.MARKET, 1)
    assert heard.wait(5)
    assert one.log.head.seq == 2


@pytest.mark.parametrize("in_turn", [True, False])
def test_one_that_raises_is_rebuilt_from_the_log_and_goes_on(desk: Callable[..., Desk], in_turn: bool) -> None:
    born: list[str] = []

    def make(name: str) -> Behaviour:
        born.append(name)
        return Raises(name, at=3) if name == "bad" and born.count("bad") == 1 else Toy(name)

    one = desk(make, ["bad", "zoe"], in_turn=in_turn)
    for _ in range(4):
        one.say(ClockTicked())
    one.end()
    events = kinds(one.records())
    assert events[6:] == [
        "operator ClockTicked",
        "supervisor ActorFailed",
        "zoe StrategyPaused",
        "supervisor ActorRestarted",
        "operator ClockTicked",
        "bad StrategyPaused",
        "zoe StrategyPaused",
        "session SessionEnded",
    ]
    reader = Seat(Toy("bad"))
    catch_up([reader], one.log, None, "test")
    ended = one.records()[-1].event
    assert isinstance(ended, SessionEnded)
    assert one.host.names == ("bad", "zoe")
    assert ended.states["bad"] == reader.digest(), "it knew all that a reader of the log knows"


def test_one_that_fails_again_and_again_stays_out(desk: Callable[..., Desk]) -> None:
    one = desk(lambda name: Raises(name, at=1), ["bad"])
    for _ in range(MAX_RESTARTS + 2):
        one.say(ClockTicked())
    events = [type(record.event) for record in one.records()]
    assert events.count(ActorFailed) == MAX_RESTARTS + 1
    assert events.count(ActorRestarted) == MAX_RESTARTS
    assert one.host.names == ()


def test_one_that_the_record_kills_again_on_rebuilding_stays_out(desk: Callable[..., Desk]) -> None:
    class Poisoned(Toy):
        def fold(self, record: Record) -> None:
            if isinstance(record.event, StrategyResumed):
                raise ValueError("poison")
            super().fold(record)

    one = desk(Poisoned, ["bad"])
    one.say(StrategyResumed(strategy="x", reason="x"))
    one.say(ClockTicked())
    assert kinds(one.records()) == ["operator StrategyResumed", "supervisor ActorFailed", "operator ClockTicked"]


def test_one_that_hangs_stays_out_and_the_journal_goes_on(desk: Callable[..., Desk]) -> None:
    one = desk(lambda name: Hangs(name, at=1, seconds=2.0) if name == "bad" else Toy(name), ["bad", "zoe"])
    one.say(ClockTicked())
    one.say(ClockTicked())
    assert kinds(one.records()) == [
        "operator ClockTicked",
        "supervisor ActorFailed",
        "zoe StrategyPaused",
        "operator ClockTicked",
        "zoe StrategyPaused",
    ]
    assert not one.broken


def test_an_actor_killed_from_outside_never_hurts_the_journal(desk: Callable[..., Desk]) -> None:
    one = desk(Toy, ["bad", "zoe"])
    assert isinstance(one.host, ActorHost)
    one.host._boxes["bad"].ref.stop()
    one.say(ClockTicked())
    one.say(ClockTicked())
    assert kinds(one.records()) == [
        "operator ClockTicked",
        "supervisor ActorFailed",
        "zoe StrategyPaused",
        "supervisor ActorRestarted",
        "operator ClockTicked",
        "bad StrategyPaused",
        "zoe StrategyPaused",
    ]
    assert not one.broken


def test_a_commit_that_fails_stops_the_journal_and_nothing_is_acknowledged(desk: Callable[..., Desk]) -> None:
    one = desk(Toy, ["abe"], log=FailsAt(2))
    one.say(ClockTicked())
    told = len(one.listener.told)
    acknowledged: list[int] = []
    one.door.tell("operator", [ClockTicked()], Lane.OPERATOR, None, acknowledged.append)
    assert one.broke.wait(5)
    assert isinstance(one.broken[0], LogWriteFailed)
    assert acknowledged == []
    assert len(one.listener.told) == told
    with pytest.raises(DoorClosed):
        one.door.tell("market", [ClockTicked()], Lane.MARKET, 1)
    assert one.end() is None
    assert one.log.head.seq == 2


def test_a_session_ends_with_the_digests_that_a_reader_of_the_log_finds(desk: Callable[..., Desk]) -> None:
    one = desk(Toy, ["abe", "zoe"])
    one.say(ClockTicked())
    place = one.end()
    ended = one.records()[-1].event
    assert isinstance(ended, SessionEnded)
    assert place == one.log.head
    readers = [Seat(Toy(name)) for name in ("abe", "zoe")]
    catch_up(readers, one.log, None, "test")
    assert ended.states == {seat.name: seat.digest() for seat in readers}


def test_a_restart_from_a_snapshot_knows_what_a_restart_from_the_log_knows(
    desk: Callable[..., Desk], tmp_path: Path
) -> None:
    snapshots = SnapshotStore(tmp_path)
    one = desk(Toy, ["abe", "zoe"], snapshots=snapshots)
    for _ in range(20):
        one.say(ClockTicked())
    whole, shortened = ([Seat(Toy(name)) for name in ("abe", "zoe")] for _ in range(2))
    assert catch_up(whole, one.log, None, "test") == 60
    assert catch_up(shortened, one.log, snapshots, "test") < 15
    assert [s.snapshot() for s in whole] == [s.snapshot() for s in shortened]
    assert catch_up(shortened, one.log, snapshots, "other code") == 60, "another code's snapshot is not believed"
