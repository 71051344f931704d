"""Facts come in by lanes, and a flood of market facts waits outside."""

from __future__ import annotations

import threading

import pytest

from actors.door import Door, DoorClosed, Lane
from events.session import ClockTicked
from events.strategy import StrategyPaused

TICK = ClockTicked()


def pause(reason: str) -> StrategyPaused:
    return StrategyPaused(strategy="s", reason=reason)


def test_operators_come_first_then_orders_then_the_market() -> None:
    door = Door()
    door.tell("market", [pause("m1"), pause("m2")], Lane.MARKET)
    door.tell("user", [pause("o1")], Lane.ORDERS)
    door.tell("operator", [pause("k1")], Lane.OPERATOR)
    assert [fact.event.reason for fact in door.take(3) if isinstance(fact.event, StrategyPaused)] == ["k1", "o1", "m1"]
    assert [fact.by for fact in door.take(10)] == ["market"]


def test_the_one_who_serves_is_knocked_up_once_until_it_leaves() -> None:
    door, knocks = Door(), []
    door.knock = lambda: knocks.append(1)
    for _ in range(3):
        door.tell("clock", [TICK], Lane.OPERATOR)
    assert len(knocks) == 1
    assert not door.leave(), "facts wait"
    door.take(3)
    assert door.leave()
    door.tell("clock", [TICK], Lane.OPERATOR)
    assert len(knocks) == 2


def test_a_feed_too_far_ahead_waits_until_a_turn_is_over() -> None:
    door = Door(market_bound=2)
    door.tell("market", [TICK, TICK], Lane.MARKET)
    came_in = threading.Event()

    def feed() -> None:
        door.tell("market", [TICK], Lane.MARKET)
        came_in.set()

    thread = threading.Thread(target=feed)
    thread.start()
    door.tell("operator", [TICK], Lane.OPERATOR)  # other lanes never wait
    taken = door.take(3)
    assert not came_in.is_set(), "taken is not yet heard"
    door.turn_is_over(taken)
    assert came_in.wait(5)
    thread.join()


def test_a_closed_door_turns_everybody_away_but_what_waits_can_be_taken() -> None:
    door = Door(market_bound=1)
    door.tell("market", [TICK], Lane.MARKET)
    turned_away: list[str] = []

    def feed() -> None:
        try:
            door.tell("market", [TICK], Lane.MARKET)
        except DoorClosed:
            turned_away.append("feed")

    thread = threading.Thread(target=feed)
    thread.start()
    door.close()
    thread.join(5)
    assert turned_away == ["feed"]
    with pytest.raises(DoorClosed):
        door.tell("user", [TICK], Lane.ORDERS)
    assert len(door.take(10)) == 1


def test_waiting_ends_when_facts_come_or_time_is_up() -> None:
    door = Door()
    assert not door.wait(0.01)
    threading.Timer(0.01, lambda: door.tell("clock", [TICK], Lane.OPERATOR)).start()
    door.knock = lambda: None
    door.tell("clock", [TICK], Lane.OPERATOR)
    assert door.wait(5)
