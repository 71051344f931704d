"""One clock a session: the wall that never goes back, or the time that a tape's facts carry."""

from __future__ import annotations

from actors.clocks import TapeClock, WallClock, WallTicker
from actors.door import Door, Fact, Lane
from events.record import AnyEvent
from events.session import ClockJumped, ClockTicked
from events.strategy import StrategyPaused
from events.terms import NANOSECONDS

S = NANOSECONDS


def market(at: int) -> Fact:
    return Fact("market", StrategyPaused(strategy="s", reason=str(at)), Lane.MARKET, at, None)


def test_a_second_that_passes_on_a_tape_is_a_turn_of_its_own() -> None:
    clock = TapeClock(start=10 * S)
    turns = list(clock.turns([market(10 * S + 1), market(11 * S - 1), market(11 * S), market(13 * S + 5)]))
    assert [(at, [type(f.event).__name__ for f in facts]) for at, facts in turns] == [
        (11 * S - 1, ["StrategyPaused", "StrategyPaused"]),
        (11 * S, ["ClockTicked"]),
        (11 * S, ["StrategyPaused"]),
        (13 * S, ["ClockTicked"]),
        (13 * S + 5, ["StrategyPaused"]),
    ]
    assert clock.now() == 13 * S + 5


def test_only_the_market_moves_a_tapes_clock_and_never_back() -> None:
    clock = TapeClock(start=10 * S)
    user = Fact("user", ClockTicked(), Lane.ORDERS, 99 * S, None)
    assert [at for at, _ in clock.turns([user, market(10 * S + 9), market(10 * S + 3)])] == [10 * S + 9]


def test_cutting_facts_into_turns_does_not_depend_on_how_many_wait() -> None:
    facts = [market(10 * S + i * S // 3) for i in range(20)]
    together, apart = TapeClock(10 * S), TapeClock(10 * S)
    ticks = [at for at, turn in together.turns(facts) if isinstance(turn[0].event, ClockTicked)]
    assert ticks == [at for fact in facts for at, turn in apart.turns([fact]) if isinstance(turn[0].event, ClockTicked)]


def test_the_wall_clock_never_goes_back() -> None:
    clock = WallClock()
    times = [clock.now() for _ in range(1000)]
    assert times == sorted(times)
    assert abs(clock.drift_ns()) < S


class MovedWall(WallClock):
    """A wall that an administrator, a time server or a suspend has moved."""

    moved = 0

    def drift_ns(self) -> int:
        return super().drift_ns() + self.moved


JUMPS_S = (-86_400, -7_200, -3_600, -30, -2, 2, 30, 3_600, 7_200, 86_400)


def test_t1_a_wall_that_jumps_is_said_once_and_moves_no_session() -> None:
    began = WallClock()
    before = began.now()
    walls = [(MovedWall(), Door()) for _ in JUMPS_S]
    tickers = [WallTicker(clock, door) for clock, door in walls]
    for ticker in tickers:
        ticker.start()
    for (clock, door), by_s in zip(walls, JUMPS_S, strict=True):
        ticks(door, 1)
        clock.moved = by_s * S
    told = [ticks(door, 2) for _, door in walls]
    for ticker in tickers:
        ticker.stop()
    assert [[round(event.by_ns / S) for event in each if isinstance(event, ClockJumped)] for each in told] == [
        [by_s] for by_s in JUMPS_S
    ]
    passed = began.now() - before
    assert all(abs(clock.now() - before - passed) < S for clock, _ in walls), "the session's own time went on as ever"


def ticks(door: Door, count: int) -> list[AnyEvent]:
    """What the clock says up to so many seconds from now, and what it said with the last."""
    told: list[AnyEvent] = []
    while sum(isinstance(event, ClockTicked) for event in told) < count:
        assert door.wait(3)
        told += [fact.event for fact in door.take(8)]
    return told


def test_the_wall_ticks_every_second_into_the_first_lane() -> None:
    door, clock = Door(), WallClock()
    ticker = WallTicker(clock, door)
    ticker.start()
    assert door.wait(3)
    ticker.stop()
    assert isinstance(door.take(1)[0].event, ClockTicked)
