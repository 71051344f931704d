"""A fortnight lived through on paper: real systems on one log, ended in order or killed, one after another."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from actors.settings import JournalSettings, SystemSettings
from events.codec import encode
from events.configuration import (
    Configuration,
    FeeSetting,
    MarkSetting,
    PaperSetting,
    ProductSetting,
    RiskLimits,
    StrategySetting,
)
from events.log import FileLog, SnapshotStore, read_records
from events.money import use_exact_arithmetic
from events.record import AnyEvent, Record
from events.session import ClockTicked
from replay.paper import paper_session
from replay.tapes.fortnight import ETP, Fortnight, Life
from replay.tapes.generated import BIP
from replay.tapes.happenings import told_at_start
from replay.tapes.tape import Moment

D = Decimal
START_CASH = D(100_000)
SETTLEMENTS = ("04:00", "16:00")
SNAPSHOTS = "snapshots"
#: Every other kill also leaves the beginning of a block behind, as a power cut would.
_TEAR_EVERY = 2


def configuration(plan: Fortnight) -> Configuration:
    """Two products, three strategies of which two share one, limits that let the reckless one have its way."""
    return Configuration(
        mode="paper",
        products={product.product: ProductSetting(exchange_id=product.exchange_id) for product in (BIP, ETP)},
        marks=MarkSetting(interval_s=300, ttl_s=900),
        risk=RiskLimits(
            leverage_max_global=D(10),
            max_exposure_pct=D(10),
            max_position_pct_per_symbol=D(10),
            min_liquidation_buffer_pct=D(0),
            max_daily_loss_pct=D("0.25"),
            daily_loss_auto_release=True,
            max_mark_staleness_seconds=900,
        ),
        strategies={
            "trend": StrategySetting(
                uses="baseline",
                product=BIP.product,
                options={"short_ma_period": 3, "long_ma_period": 8, "enable_shorts": True, "target_leverage": 1},
            ),
            "other": StrategySetting(
                uses="tests.scenarios.fortnight_strategies:Restless",
                product=BIP.product,
                options={"seed": plan.seed + 1_000},
            ),
            "restless": StrategySetting(
                uses="tests.scenarios.fortnight_strategies:Restless",
                product=ETP.product,
                options={"seed": plan.seed, "lever_from": plan.lever.start, "lever_to": plan.lever.end},
            ),
        },
        paper=PaperSetting(
            start_cash=START_CASH,
            fees=FeeSetting(per_contract=D("0.15")),
            settlement_times_utc=SETTLEMENTS,
            price_band=D("0.05"),
            intraday_margin=True,
        ),
    )


def live_through(plan: Fortnight, tape: list[Moment], folder: Path) -> None:
    """Every life of the plan in a process of its own, on the log in `folder`."""
    for number, life in enumerate(plan.lives):
        process = os.fork()
        if not process:
            _live_and_exit(plan, life, number, tape, folder)
        _, status = os.waitpid(process, 0)
        ended = os.waitstatus_to_exitcode(status)
        assert ended == (-signal.SIGKILL if life.is_killed else 0), f"life {number} ended with {ended}"
        if life.is_killed and number % _TEAR_EVERY == 0:
            _tear(folder)


def _live_and_exit(plan: Fortnight, life: Life, number: int, tape: list[Moment], folder: Path) -> None:
    try:
        _live(plan, life, number, tape, folder)
    except BaseException:  # noqa: BLE001  # a child of the test runner must end here, whatever happened
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _live(plan: Fortnight, life: Life, number: int, tape: list[Moment], folder: Path) -> None:
    use_exact_arithmetic()
    journal = JournalSettings(hosting="turn", durability="os", snapshot_every=20_000, market_bound=256)
    paper_session(
        _heard(tape, life),
        session=f"fortnight-{plan.seed}-{number}",
        start=life.span.start,
        settings=SystemSettings(configuration=configuration(plan), journal=journal),
        log=FileLog.open(folder, durability="os"),
        snapshots=SnapshotStore(folder / SNAPSHOTS),
    )


def _heard(tape: list[Moment], life: Life) -> Iterator[tuple[int, AnyEvent]]:
    """What a session hears; one that is to be killed ends with the process, in the middle of whatever it does."""
    for event in told_at_start(tape, life.span.start):
        yield life.span.start, event
    for at, event in tape:
        if life.span.holds(at):
            yield at, event
    if life.is_killed:
        os.kill(os.getpid(), signal.SIGKILL)


def _tear(folder: Path) -> None:
    """The beginning of a record that was being written behind the last commit."""
    last = None
    for last in read_records(folder):  # noqa: B007  # the last one is wanted
        pass
    assert last is not None
    line = encode(Record(seq=last.seq + 1, at=last.at, by="clock", event=ClockTicked()))
    with (folder / "events.jsonl").open("ab") as file:
        file.write(line[: len(line) // 2])
