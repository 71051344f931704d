"""A system that goes on where it stopped: what the log has of the market is not told a second time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import requests

from events.event import Event
from events.feeds import FeedSubscribed
from events.log import LogNotFound, read_records
from events.market import TradePrinted
from events.record import Record
from events.session import SessionStarted
from scripts.cli.demonstration import Options, Ready, configuration
from tests.scenarios.demos import EXCHANGE_ID, ROOT, perptape

Kind = TypeVar("Kind", bound=Event)


@contextmanager
def running(config: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "run", "--config", str(config)],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        assert perptape("stop", "--config", config).returncode == 0
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def tape(exchange: Ready, what: str) -> None:
    requests.post(f"{exchange.rest}/control/{what}", timeout=10).raise_for_status()


def records(log: Path) -> list[Record]:
    try:
        return list(read_records(log))
    except LogNotFound:
        return []


def wait_for(log: Path, kind: type[Event], *, session: int, count: int = 1, limit_s: float = 60.0) -> None:
    """Until a session, counted from 1, has so many events of a kind."""
    deadline = time.monotonic() + limit_s
    while len(told := by_session(log, kind)) < session or len(told[-1]) < count:
        assert time.monotonic() < deadline, f"session {session} told {[len(each) for each in told]} {kind.__name__}"
        time.sleep(0.1)


def by_session(log: Path, kind: type[Kind]) -> list[list[Kind]]:
    """The events of a kind, session by session."""
    sessions: list[list[Kind]] = []
    for record in records(log):
        if isinstance(record.event, SessionStarted):
            sessions.append([])
        elif isinstance(record.event, kind):
            sessions[-1].append(record.event)
    return sessions


def test_the_first_snapshot_of_a_session_does_not_repeat_the_trades_of_the_one_before(
    tmp_path: Path, exchange: Ready
) -> None:
    paper = configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID).replace('"live"', '"paper"')
    config, log = tmp_path / "perptape.toml", tmp_path / "log"
    config.write_text("".join(line for line in paper.splitlines(keepends=True) if not line.startswith("key_file")))
    with running(config):
        wait_for(log, TradePrinted, session=1, count=30)
        tape(exchange, "pause")  # so that the next snapshot is of trades that this session was told
    with running(config):
        wait_for(log, FeedSubscribed, session=2)
        tape(exchange, "resume")
        wait_for(log, TradePrinted, session=2, count=30)
    counts = Counter(trade.trade_id for session in by_session(log, TradePrinted) for trade in session)
    assert [trade for trade, count in counts.items() if count > 1] == []
