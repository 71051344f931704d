"""The disk is full in the middle of trading: the system stops, cancels what rests, and the next start is clean."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from events.log import read_records
from scripts.cli.demonstration import Options, Ready, configuration
from tests.scenarios.demos import EXCHANGE_ID, ROOT, perptape, wait_for_books


def system(config: Path, *, most_bytes: int | None) -> subprocess.Popen[str]:
    """The trading system, whose files may not grow beyond so many bytes."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "run", "--live", "--config", str(config)],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509 - the test has no threads of its own
    )


def test_a_full_disk_stops_trading_cancels_what_rests_and_the_next_start_is_clean(
    tmp_path: Path, exchange: Ready
) -> None:
    client = CoinbaseClient(exchange.rest, Credentials.from_file(exchange.key_file))
    client.place_order(
        client_order_id="11111111-0000-4000-8000-000000000001",
        product_id=EXCHANGE_ID,
        side="BUY",
        order_configuration={"limit_limit_gtc": {"base_size": "1", "limit_price": "50000", "post_only": True}},
    )
    wait_for_books(exchange, "open_orders", 1)
    config = tmp_path / "perptape.toml"
    config.write_text(configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID), encoding="utf-8")

    full = system(config, most_bytes=400_000)
    _, said = full.communicate(timeout=90)
    assert full.returncode == 1, said
    assert "Traceback" not in said
    assert "cancelled once" in said.splitlines()[-1]
    wait_for_books(exchange, "open_orders", 0)
    written = [record.seq for record in read_records(tmp_path / "log")]
    assert written == list(range(1, len(written) + 1))

    clean = system(config, most_bytes=None)
    time_to_trade = time.monotonic() + 60
    while max(record.seq for record in read_records(tmp_path / "log")) < written[-1] + 200:
        assert clean.poll() is None
        assert time.monotonic() < time_to_trade
        time.sleep(0.1)
    assert perptape("stop", "--config", config).returncode == 0
    _, said = clean.communicate(timeout=60)
    assert clean.returncode == 0, said
    assert perptape("verify", tmp_path / "log").returncode == 0
