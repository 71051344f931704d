"""A system in the hands of its operator: paper on a live feed, status, kill, resume, stop; and kill without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from events.event import Event
from events.feeds import FeedSubscribed
from events.log import LogNotFound, read_records
from events.orders import OrderFilled
from events.record import Record
from events.risk import KillSwitchReset, KillSwitchThrown
from replay.exchange.auth import issue_key, write_key_file
from scripts.cli.demonstration import Options, Ready, configuration
from tests.scenarios.demos import EXCHANGE_ID, ROOT, perptape, read_json, wait_for_books


@pytest.fixture
def config(tmp_path: Path, exchange: Ready) -> Path:
    """A paper system on the local exchange's public feed: no key in the file."""
    live = configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID)
    lines = [line for line in live.replace('"live"', '"paper"').splitlines() if not line.startswith("key_file")]
    file = tmp_path / "perptape.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def wait_for(folder: Path, wanted: Callable[[Record], bool], limit_s: float = 60.0) -> Record:
    """The first record that is wanted."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            for record in read_records(folder):
                if wanted(record):
                    return record
        except LogNotFound:
            pass
        time.sleep(0.1)
    raise AssertionError(f"it did not come within {limit_s:g} s")


def is_a(kind: type[Event]) -> Callable[[Record], bool]:
    return lambda record: isinstance(record.event, kind)


def test_a_paper_system_trades_a_live_feed_without_a_key_and_obeys_its_operator(tmp_path: Path, config: Path) -> None:
    log = tmp_path / "log"
    running = subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "run", "--config", str(config)],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(log, is_a(FeedSubscribed))
        wait_for(log, is_a(OrderFilled))
        status = read_json(perptape("status", "--config", config, "--json"))
        assert "running" in json.dumps(status)
        killed = read_json(perptape("kill", "--config", config, "--reason", "drill", "--json"))
        at = wait_for(log, is_a(KillSwitchThrown))
        assert killed == {"event": "KillSwitchThrown", "seq": at.seq}
        assert perptape("resume", "--config", config).returncode == 0
        wait_for(log, is_a(KillSwitchReset))
        assert perptape("stop", "--config", config).returncode == 0
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert "Traceback" not in said
    assert perptape("verify", log).returncode == 0


def test_kill_without_a_running_system_cancels_at_the_exchange_and_the_next_start_is_killed(
    tmp_path: Path, exchange: Ready
) -> None:
    client = CoinbaseClient(exchange.rest, Credentials.from_file(exchange.key_file))
    client.place_order(
        client_order_id="11111111-0000-4000-8000-000000000001",
        product_id=EXCHANGE_ID,
        side="BUY",
        order_configuration={"limit_limit_gtc": {"base_size": "1", "limit_price": "50000"}},
    )
    wait_for_books(exchange, "open_orders", 1)
    config = tmp_path / "perptape.toml"
    config.write_text(configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID), encoding="utf-8")
    ran = perptape("kill", "--config", config, "--reason", "from my phone")
    assert ran.returncode == 0, ran.stderr
    assert "1 resting orders were cancelled at the exchange itself" in ran.stdout
    wait_for_books(exchange, "open_orders", 0)
    running = subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "run", "--live", "--config", str(config)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        thrown = wait_for(tmp_path / "log", is_a(KillSwitchThrown))
        assert thrown.seq == 2
        assert thrown.event == KillSwitchThrown(reason="from my phone")
        assert perptape("stop", "--config", config).returncode == 0
        assert running.wait(60) == 8, "halted by risk when it ended"
    finally:
        running.kill()


def test_a_key_that_the_exchange_refuses_ends_the_session_with_its_own_code(tmp_path: Path, exchange: Ready) -> None:
    key, private = issue_key("organizations/x/apiKeys/somebody-elses", "ec")
    write_key_file(tmp_path / "foreign.json", key.name, private)
    config = tmp_path / "perptape.toml"
    text = configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID)
    config.write_text(text.replace(str(exchange.key_file), str(tmp_path / "foreign.json")), encoding="utf-8")
    ran = perptape("run", "--live", "--config", config, timeout_s=90)
    assert ran.returncode == 7, ran.stderr
    assert "Traceback" not in ran.stderr
