"""The power goes at any call to the disk, and of what was not synced any part is lost, in any order.

What was acknowledged as durable is always there. What was not may be there, be cut, or make the log refuse to open: a
hole with later bytes behind it is never passed over. Then an operator cuts it, and the same holds.
"""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from events.codec import encode
from events.log import Damage, FileLog, LogDamaged, cut_log
from events.log.filelog import Durability
from events.session import LogWasCut
from tests.events.simdisk import PowerCut, SimDisk
from tests.events.turns import turn

_SEEDS = 1_500 if os.environ.get("CI") else 400


@pytest.mark.parametrize("durability", ["grouped", "every", "os"])
def test_no_power_cut_loses_what_was_durable_or_invents_anything(durability: Durability) -> None:
    outcomes = Counter(_one_life(seed, durability) for seed in range(_SEEDS))
    assert sum(outcomes.values()) == _SEEDS
    assert outcomes["whole"] > 100
    assert outcomes["cut"] > 0
    assert outcomes[Damage.DAMAGE] > 0, "whole to its newline and the last: not told from damage"
    if durability != "every":
        assert outcomes[Damage.LOST_WRITE] > 20


def _one_life(seed: int, durability: Durability) -> str:
    chance = random.Random(seed)
    disk = SimDisk()
    disk.cut_at = chance.randrange(15, 90)
    durable, written = 0, list[bytes]()
    try:
        log = FileLog.open(
            "log",
            durability=durability,
            roll_bytes=chance.choice([1_500, 1_000_000]),
            disk=disk,
            seal_in_background=False,
        )
        for _ in range(40):
            records = turn(log.next_seq, chance.randrange(1, 6), text="x" * chance.randrange(700))
            written += map(encode, records)
            log.write(records)
            log.commit(sync=chance.random() < 0.2)
            durable = log.durable
    except PowerCut:
        pass
    return _after(disk.crash(chance), durable, written)


def _after(disk: SimDisk, durable: int, written: list[bytes]) -> str:
    """Open what is left, check it, and go on with it; says how it came up."""
    refusal: LogDamaged | None = None
    try:
        log = FileLog.open("log", disk=disk, seal_in_background=False)
    except LogDamaged as damaged:
        refusal = damaged
    if refusal is not None:
        assert refusal.first_seq is not None
        assert refusal.first_seq > durable, "what was durable is refused"
        cut_log("log", refusal.first_seq - 1, "power cut", disk=disk)
        log = FileLog.open("log", disk=disk, seal_in_background=False)
    records = list(log.records())
    if refusal is not None:
        assert isinstance(records.pop().event, LogWasCut)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert len(records) >= durable
    assert [encode(record) for record in records] == written[: len(records)]
    log.write(turn(log.next_seq))
    log.commit(sync=True)
    log.close()
    if refusal is not None:
        return refusal.kind
    return "cut" if log.recovered else "whole"
