"""A system killed at any moment and started again, while the exchange goes on: nothing lost, nothing doubled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import requests

from events.log import read_records
from events.orders import OrderFilled, OrderSubmitted
from events.session import SessionStarted
from replay.statement import statement
from scripts.cli.demonstration import Options, Ready, configuration
from tests.scenarios.demos import EXCHANGE_ID, ROOT, perptape, wait_for_intents

KILLS = 4


def start(config: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "run", "--live", "--config", str(config)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_after_every_kill_the_books_tie_out_and_no_order_is_there_twice(tmp_path: Path, exchange: Ready) -> None:
    chance = Random(4)
    config, log = tmp_path / "perptape.toml", tmp_path / "log"
    config.write_text(configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID), encoding="utf-8")
    said = 0
    for _ in range(KILLS):
        running = start(config)
        wait_for_intents(log, said + 1, limit_s=180)  # one of this session's own
        time.sleep(chance.random() * 0.2)  # anywhere between the intent and long after its fill
        running.kill()
        running.wait(10)
        said = sum(isinstance(record.event, OrderSubmitted) for record in read_records(log))
    last = start(config)
    wait_for_intents(log, said + 2, limit_s=180)  # an unknown order holds its product back
    requests.post(f"{exchange.rest}/control/pause", timeout=10).raise_for_status()
    assert perptape("stop", "--config", config).returncode == 0
    assert last.wait(60) == 0

    books = requests.get(f"{exchange.rest}/control/books", timeout=10).json()
    records = list(read_records(log))
    assert statement(records).equity == Decimal(books["equity"])
    sent = Counter(record.event.order for record in records if isinstance(record.event, OrderSubmitted))
    assert set(sent.values()) == {1}
    assert books["orders"] <= len(sent), "an intent may never have left; nothing else is at the exchange"
    filled = {record.event.exchange_order for record in records if isinstance(record.event, OrderFilled)}
    assert len(filled) <= books["orders"]
    assert sum(isinstance(record.event, SessionStarted) for record in records) == KILLS + 1
    assert perptape("verify", log).returncode == 0
