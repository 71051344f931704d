"""`run_strategy()`, the runner by its old name: one strategy over a live feed, until an operator stops it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from actors.strategies.loading import StrategyNotLoaded
from actors.strict import ConfigurationError
from actors.system import Ended
from events.log import LogNotFound, read_records
from events.session import SessionStarted
from events.strategy import DecisionMade
from scripts.cli.demonstration import Options, Ready, configuration
from scripts.cli.exits import CommandFailed
from scripts.live_trade import run_strategy
from tests.scenarios.demos import EXCHANGE_ID, perptape


@pytest.fixture
def config(tmp_path: Path, exchange: Ready) -> Path:
    """A paper system on the local exchange's public feed: no key in the file."""
    live = configuration(exchange, Options(data_dir=tmp_path), EXCHANGE_ID)
    lines = [line for line in live.replace('"live"', '"paper"').splitlines() if not line.startswith("key_file")]
    file = tmp_path / "perptape.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def wait_for_a_decision(folder: Path, limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            if any(isinstance(record.event, DecisionMade) for record in read_records(folder)):
                return
        except LogNotFound:
            pass
        time.sleep(0.1)
    raise AssertionError(f"no decision within {limit_s:g} s")


def test_run_strategy_trades_one_strategy_until_it_is_stopped(tmp_path: Path, config: Path) -> None:
    ended: list[Ended] = []
    said: list[str] = []
    options = {"short_ma_period": 2, "long_ma_period": 4, "trailing_stop_pct": 0.02}
    runner = threading.Thread(
        target=lambda: ended.append(
            run_strategy("baseline", name="alone", options=options, config=config, say=said.append)
        )
    )
    runner.start()
    try:
        wait_for_a_decision(tmp_path / "log")
    finally:
        stopped = perptape("stop", "--config", config)
        runner.join(60)
    assert stopped.returncode == 0, stopped.stderr
    assert not runner.is_alive()
    assert ended[0].unknown_orders == ()
    started = next(r.event for r in read_records(tmp_path / "log") if isinstance(r.event, SessionStarted))
    strategies = started.configuration.strategies
    assert list(strategies) == ["alone"]
    assert strategies["alone"].options["trailing_stop_pct"] == "0.02"
    assert any("stopping" in sentence for sentence in said)


def test_run_strategy_refuses_what_a_file_would_be_refused_for(config: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no product ETH-PERP"):
        run_strategy(product="ETH-PERP", config=config)
    with pytest.raises(StrategyNotLoaded, match="short_ma"):
        run_strategy(options={"short_ma": 2}, config=config)
    with pytest.raises(CommandFailed, match="--live was asked for"):
        run_strategy(config=config, live=True)
