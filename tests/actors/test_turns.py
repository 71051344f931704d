"""A turn is facts and everything that follows from them; its records are the same on every host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest

from actors.behaviour import Behaviour, Diverged, Seat
from actors.hosts import ActorHost, TurnHost
from actors.turns import MAX_WAVES, Host, RunawayTurn, Turns
from events.event import Event
from events.record import AnyEvent, Record
from events.session import ActorFailed, ClockTicked
from events.strategy import StrategyPaused
from tests.actors.toys import Echo, Hangs, Raises, Toy

TICK: tuple[str, AnyEvent] = ("clock", ClockTicked())
Hosting = Callable[[Sequence[Behaviour]], Host]


def in_turn(behaviours: Sequence[Behaviour]) -> Host:
    return TurnHost([Seat(b) for b in behaviours])


def one_actor_each(behaviours: Sequence[Behaviour]) -> Host:
    return ActorHost([[Seat(b)] for b in behaviours], answer_limit_s=0.5)


def one_mailbox(behaviours: Sequence[Behaviour]) -> Host:
    return ActorHost([[Seat(b) for b in behaviours]], answer_limit_s=0.5)


@pytest.fixture(params=[in_turn, one_actor_each, one_mailbox])
def hosting(request: pytest.FixtureRequest) -> Iterator[Hosting]:
    made: list[Host] = []

    def make(behaviours: Sequence[Behaviour]) -> Host:
        made.append(request.param(behaviours))
        return made[-1]

    yield make
    for host in made:
        host.close()


def behaviours() -> list[Behaviour]:
    return [Toy("zoe", says=2), Toy("abe", asks="zoe"), Toy("kim", says=0, asks="abe")]


def shown(records: Sequence[Record]) -> list[tuple[int, str, int | None, int, str]]:
    return [(r.seq, r.by, r.cause, r.index, type(r.event).__name__) for r in records]


def test_decisions_stand_by_cause_then_actor_then_index(hosting: Hosting) -> None:
    records, failures = Turns(hosting(behaviours())).run([TICK, TICK], at=7)
    assert not failures
    assert shown(records) == [
        (1, "clock", None, 0, "ClockTicked"),
        (2, "clock", None, 0, "ClockTicked"),
        (3, "abe", 1, 0, "StrategyPaused"),
        (4, "zoe", 1, 0, "StrategyPaused"),
        (5, "zoe", 1, 1, "StrategyPaused"),
        (6, "abe", 2, 0, "StrategyPaused"),
        (7, "zoe", 2, 0, "StrategyPaused"),
        (8, "zoe", 2, 1, "StrategyPaused"),
        (9, "kim", 3, 0, "StrategyResumed"),
        (10, "abe", 4, 0, "StrategyResumed"),
        (11, "abe", 5, 0, "StrategyResumed"),
        (12, "kim", 6, 0, "StrategyResumed"),
        (13, "abe", 7, 0, "StrategyResumed"),
        (14, "abe", 8, 0, "StrategyResumed"),
    ]
    assert {r.at for r in records} == {7}


def test_every_host_gives_the_same_records(hosting: Hosting) -> None:
    turns, reference = Turns(hosting(behaviours())), Turns(in_turn(behaviours()))
    for at in range(5):
        assert turns.run([TICK] * (at + 1), at) == reference.run([TICK] * (at + 1), at)


def test_every_host_ends_with_the_same_states(hosting: Hosting) -> None:
    host, reference = hosting(behaviours()), in_turn(behaviours())
    Turns(host).run([TICK, TICK], 1)
    Turns(reference).run([TICK, TICK], 1)
    assert host.snapshot() == reference.snapshot()


def test_deciding_sees_what_was_said_and_has_not_come_back(hosting: Hosting) -> None:
    records, _ = Turns(hosting([Toy("abe", asks="clock"), Toy("zoe", says=1)])).run([TICK], 1)
    assert [r.by for r in records] == ["clock", "abe", "zoe"]


def test_time_never_goes_back(hosting: Hosting) -> None:
    turns = Turns(hosting([]), last_seq=10, last_at=100)
    records, _ = turns.run([TICK], 50)
    assert (records[0].seq, records[0].at) == (11, 100)


def test_one_that_raises_is_a_fact_and_the_others_go_on(hosting: Hosting) -> None:
    turns = Turns(hosting([Raises("bad", at=2), Toy("zoe")]))
    records, failures = turns.run([TICK, TICK, TICK], 1)
    assert [(f.actor, f.record, f.error, f.hung) for f in failures] == [("bad", 2, "ValueError: no such price", False)]
    assert shown(records)[3:] == [
        (4, "supervisor", None, 0, "ActorFailed"),
        (5, "bad", 1, 0, "StrategyPaused"),
        (6, "zoe", 1, 0, "StrategyPaused"),
        (7, "zoe", 2, 0, "StrategyPaused"),
        (8, "zoe", 3, 0, "StrategyPaused"),
    ]
    later, _ = turns.run([TICK], 2)
    assert [r.by for r in later] == ["clock", "zoe"]


def test_one_that_hangs_is_left_out_and_the_others_go_on() -> None:
    host = one_actor_each([Hangs("bad", at=1, seconds=3.0), Toy("zoe")])
    records, failures = Turns(host).run([TICK], 1)
    assert [(f.actor, f.record, f.hung) for f in failures] == [("bad", 1, True)]
    assert isinstance(records[1].event, ActorFailed)
    assert [r.by for r in records] == ["clock", "supervisor", "zoe"]
    assert host.names == ("zoe",)
    host.close()


def test_a_rebuilt_behaviour_hears_the_next_turn(hosting: Hosting) -> None:
    host = hosting([Raises("bad", at=1), Toy("zoe")])
    turns = Turns(host)
    turns.run([TICK], 1)
    assert host.names == ("zoe",)
    host.admit(Seat(Toy("bad")))
    records, _ = turns.run([TICK], 2)
    assert [r.by for r in records] == ["clock", "bad", "zoe"]


def test_decisions_without_end_stop_the_system(hosting: Hosting) -> None:
    with pytest.raises(RunawayTurn, match=f"more than {MAX_WAVES} waves; the last came from abe"):
        Turns(hosting([Echo("abe")])).run([TICK], 1)


def test_an_own_record_that_was_never_said_is_refused() -> None:
    seat = Seat(Toy("abe"))
    seat.hear(Record(seq=1, at=1, by="clock", event=ClockTicked()))
    with pytest.raises(Diverged, match=r"abe said .* but record 2"):
        seat.follow(Record(seq=2, at=1, by="abe", cause=1, event=StrategyPaused(strategy="abe", reason="other")))


def test_a_snapshot_in_the_middle_of_a_turn_is_refused() -> None:
    seat = Seat(Toy("abe"))
    seat.hear(Record(seq=1, at=1, by="clock", event=ClockTicked()))
    with pytest.raises(AssertionError, match="1 answers outstanding"):
        seat.snapshot()


def test_a_restored_seat_is_the_one_that_was_snapshotted() -> None:
    seat, other = Seat(Toy("abe")), Seat(Toy("abe"))
    seat.follow(Record(seq=1, at=1, by="clock", event=ClockTicked()))
    other.restore(seat.snapshot())
    assert other.behaviour.state == seat.behaviour.state


def test_a_restored_mapping_is_gone_through_in_the_order_it_grew_in() -> None:
    class Book(msgspec.Struct):
        orders: dict[str, int] = {}

    seat, other = Seat(Toy("abe")), Seat(Toy("abe"))
    seat.behaviour.state, other.behaviour.state = Book({"z": 1, "a": 2}), Book()
    other.restore(seat.snapshot())
    assert list(other.behaviour.state.orders) == ["z", "a"]
    assert other.digest() == seat.digest()


class Folder(Toy):
    """Hears everything that Toy hears, and answers ticks only."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.answers = frozenset({ClockTicked})


def test_nobody_waits_for_one_that_only_folds_and_it_still_hears_all_in_order() -> None:
    host = one_actor_each([Folder("abe"), Toy("zoe", asks="abe")])
    turns = Turns(host)
    for at in range(1, 4):
        turns.run([("operator", StrategyPaused(strategy="x", reason="x"))] * 3, at)
        turns.run([TICK], at)
    turns.run([("operator", StrategyPaused(strategy="x", reason="x"))], 9)
    reference = in_turn([Folder("abe"), Toy("zoe", asks="abe")])
    other = Turns(reference)
    for at in range(1, 4):
        other.run([("operator", StrategyPaused(strategy="x", reason="x"))] * 3, at)
        other.run([TICK], at)
    other.run([("operator", StrategyPaused(strategy="x", reason="x"))], 9)
    assert host.snapshot() == reference.snapshot()
    host.close()


def test_one_that_fails_over_a_record_it_only_folds_is_told_with_the_next_wave() -> None:
    class Poisoned(Folder):
        def fold(self, record: Record) -> None:
            if isinstance(record.event, StrategyPaused) and record.by == "operator":
                raise ValueError("poison")
            super().fold(record)

    host = one_actor_each([Poisoned("bad"), Toy("zoe")])
    turns = Turns(host)
    first, failures = turns.run([("operator", StrategyPaused(strategy="x", reason="x"))], 1)
    assert (len(first), failures) == (1, [])
    records, failures = turns.run([TICK], 2)
    assert [(f.actor, f.record) for f in failures] == [("bad", 1)]
    assert [r.by for r in records] == ["clock", "supervisor", "zoe"]
    host.close()


def test_a_behaviour_is_not_asked_about_a_record_it_does_not_answer() -> None:
    class Talkative(Folder):
        def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
            return [StrategyPaused(strategy=self.name, reason="unasked")]

    records, _ = Turns(in_turn([Talkative("abe")])).run([("operator", StrategyPaused(strategy="x", reason="x"))], 1)
    assert len(records) == 1
