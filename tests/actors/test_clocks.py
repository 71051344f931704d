"""One clock a session: the wall that never goes back, or the time that a tape's facts carry."""

from __future__ import annotations

from actors.clocks import TapeClock, WallClock, WallTicker
from actors.door import Door, Fact, Lane
from events.session import ClockTicked
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


def test_the_wall_ticks_every_second_into_the_first_lane() -> None:
    door, clock = Door(), WallClock()
    ticker = WallTicker(clock, door)
    ticker.start()
    assert door.wait(3)
    ticker.stop()
    assert isinstance(door.take(1)[0].event, ClockTicked)
