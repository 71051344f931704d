"""Law: the same stream gives the same decisions, whoever runs it: another process, another hash seed, another zone.

Every stream is a session of its own, strategy, desk, risk, orders and paper exchange together; its digest is over every
byte of its records. Two fresh processes answer all of them.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from events.configuration import StrategySetting
from events.log import MemoryLog
from events.orders import OrderFilled
from replay.strategy_kit import setting_of
from replay.strategy_kit.fresh import FreshProcesses
from replay.strategy_kit.markets import KINDS, Phase, Stream, tape_of
from replay.strategy_kit.sessions import Question, digest_of_records, run

STREAMS = 500
STRATEGIES: tuple[StrategySetting, ...] = (
    setting_of("baseline", {"short_ma_period": 2, "long_ma_period": 4, "enable_shorts": True, "max_adds": 3}),
    setting_of("baseline", {"short_ma_period": 1, "long_ma_period": 3, "ma_cross_confirm_bars": 1}),
    setting_of("funding", {"enter_rate": "0.00001", "exit_rate": "0.000001"}),
    setting_of("tests.replay.strategy_kit.strategies:Momentum", {}),
    setting_of("tests.replay.strategy_kit.strategies:Remembering", {}),
)


def stream(number: int) -> Stream:
    """One to three phases of some seconds each, drawn by its number."""
    chance = random.Random(number)
    phases = tuple(
        Phase(
            kind=chance.choice(("walk", "trend", "trend", *KINDS)),
            seconds=chance.randint(3, 12),
            slope=chance.randint(-20, 20),
            lot=chance.randint(0, 999),
        )
        for _ in range(chance.randint(1, 3))
    )
    return Stream(phases=phases, stops=chance.random() < 0.2)


def test_the_same_stream_gives_the_same_decisions_in_a_fresh_process_with_another_hash_seed() -> None:
    fills: Counter[str] = Counter()
    here: list[str] = []
    with FreshProcesses() as fresh:
        for number in range(STREAMS):
            question = Question(STRATEGIES[number % len(STRATEGIES)], stream(number))
            fresh.ask(question)
            log = MemoryLog()
            run(question.strategy, tape_of(question.stream), log)
            records = list(log.records())
            here.append(digest_of_records(records))
            fills[question.strategy.uses] += sum(isinstance(record.event, OrderFilled) for record in records)
        for number in range(STREAMS):
            assert set(fresh.answers()) == {here[number]}, f"stream {number}: {stream(number)}"
    assert len(set(here)) > STREAMS * 0.9
    assert all(fills[each.uses] > 10 for each in STRATEGIES if not each.uses.endswith("Remembering")), fills


@pytest.mark.parametrize("number", range(3))
def test_streams_differ_from_each_other(number: int) -> None:
    assert stream(number) == stream(number) != stream(number + 1)
