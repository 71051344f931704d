"""Two strategies on one product, live over sockets: they cross, what they earned adds up, and the exchange agrees."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

from events.log import LogNotFound, read_records
from events.orders import InternalCrossed
from scripts.cli.demonstration import Options, Ready, configuration
from tests.scenarios.demos import EXCHANGE_ID, ROOT, perptape

QUICK = """
[strategies.quick]
uses = "baseline"
product = "BTC-PERP"
options = { short_ma_period = 1, long_ma_period = 3, enable_shorts = true }
"""


def wait_for_a_cross(folder: Path, limit_s: float = 90.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            if any(isinstance(record.event, InternalCrossed) for record in read_records(folder)):
                return
        except LogNotFound:
            pass
        time.sleep(0.5)
    raise AssertionError(f"nothing crossed within {limit_s:g} s")


def test_two_strategies_share_a_product_live_and_everything_adds_up(tmp_path: Path, exchange: Ready) -> None:
    config, log = tmp_path / "perptape.toml", tmp_path / "log"
    config.write_text(configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID) + QUICK, encoding="utf-8")
    running = subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "run", "--live", "--config", str(config)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for_a_cross(log)
        assert perptape("stop", "--config", config).returncode == 0
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert perptape("verify", log).returncode == 0
    result = json.loads(perptape("pnl", log, "--json").stdout)
    rows = result["attribution"]
    assert {row["strategy"] for row in rows} >= {"baseline", "quick"}
    for column, total in (("realized", "total_realized"), ("fees", "fees"), ("funding", "total_funding")):
        assert sum(Decimal(row[column]) for row in rows) == Decimal(result[total])
    assert Decimal(result["tie_out"]["difference"]) == 0
