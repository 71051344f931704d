"""Two runs of one tape in paper give the same records and states, on whatever host and in whatever surroundings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from events.log import MemoryLog
from events.orders import OrderFilled, OrderSubmitted
from events.record import Record
from events.session import SessionEnded, SessionStarted, Surroundings
from replay.backtest import backtest
from replay.paper import paper_session
from tests.replay.markets import facts, settings_of, short_market, trading

ROOT = Path(__file__).parents[2]


def undressed(records: Sequence[Record]) -> list[Record]:
    """Records without what `SessionStarted` says of host, path and wall time."""
    return [
        msgspec.structs.replace(r, event=msgspec.structs.replace(r.event, surroundings=Surroundings()))
        if isinstance(r.event, SessionStarted)
        else r
        for r in records
    ]


def paper(hosting: str) -> list[Record]:
    tape, log = short_market(), MemoryLog()
    paper_session(facts(tape), session="s", start=tape.start, settings=settings_of(trading(tape), hosting), log=log)
    return list(log.records())


def simulated() -> list[Record]:
    tape, log = short_market(), MemoryLog()
    backtest(facts(tape), session="s", start=tape.start, configuration=trading(tape), log=log)
    return list(log.records())


@pytest.fixture(scope="module")
def reference() -> list[Record]:
    return undressed(simulated())


def test_the_market_is_worth_the_test(reference: list[Record]) -> None:
    kinds = [type(record.event) for record in reference]
    assert kinds.count(OrderSubmitted) >= 3
    assert kinds.count(OrderFilled) >= 3


@pytest.mark.parametrize("hosting", ["actors", "shared", "turn"])
def test_paper_writes_the_backtests_records_on_every_host(reference: list[Record], hosting: str) -> None:
    assert undressed(paper(hosting)) == reference


def test_two_systems_in_one_process_do_not_know_of_each_other(reference: list[Record]) -> None:
    import threading

    results: dict[str, list[Record]] = {}
    threads = [
        threading.Thread(target=lambda h=hosting: results.__setitem__(h, undressed(paper(h))))
        for hosting in ("actors", "turn")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {"actors": reference, "turn": reference}


@pytest.mark.parametrize(
    ("environment", "flags"),
    [
        ({"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu"}, []),
        ({"PYTHONHASHSEED": "4242", "LC_ALL": "C", "TZ": "America/New_York"}, ["-O"]),
        ({"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}, ["-X", "dev"]),
    ],
)
def test_another_process_with_other_surroundings_reaches_the_same_states(
    reference: list[Record], environment: dict[str, str], flags: list[str]
) -> None:
    program = (
        "import json; from tests.replay.test_repeatability import paper; r = paper('actors'); "
        "print(json.dumps([len(r), r[-1].event.state_digest]))"
    )
    ran = subprocess.run(
        [sys.executable, *flags, "-W", "error", "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    ended = reference[-1].event
    assert isinstance(ended, SessionEnded)
    assert json.loads(ran.stdout) == [len(reference), ended.state_digest]
