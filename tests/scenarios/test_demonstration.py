"""The main job, end to end: a market over real sockets, real orders, a log that proves itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.log import read_records
from events.market import BookChanged, TradePrinted
from events.session import SessionEnded, SessionStarted
from tests.paths import SHARED_DATA, needs_shared_data
from tests.scenarios.demos import demo, kill_9, perptape, read_json, start_demo, wait_for_intents


@pytest.mark.parametrize("hosting", ["actors", "turn"])
def test_the_demo_trades_ties_out_to_the_last_digit_and_verifies(tmp_path: Path, hosting: str) -> None:
    outcome = demo("--seconds", "12", "--speed", "60", "--data-dir", tmp_path, "--hosting", hosting)
    assert outcome.verified
    assert outcome.orders_submitted > 0
    assert outcome.fills > 0
    assert outcome.ties_out()
    proven = perptape("verify", tmp_path / "log", "--json")
    assert proven.returncode == 0
    report = read_json(proven)
    assert report["head_digest"] == outcome.head_digest
    assert report["state_digest"] == outcome.state_digest


@needs_shared_data
def test_a_recorded_session_is_carried_whole_through_sockets_actors_and_log(tmp_path: Path) -> None:
    tape = SHARED_DATA / "perp-feed" / "btcusdt_20240808.gz"
    outcome = demo("--tape", tape, "--speed", "max", "--data-dir", tmp_path)
    assert outcome.verified
    assert outcome.fills > 0
    assert outcome.ties_out()
    kinds = [type(record.event) for record in read_records(tmp_path / "log")]
    assert kinds.count(TradePrinted) == 21_313
    assert kinds.count(BookChanged) > 6_000


@needs_shared_data
def test_a_tape_of_trades_alone_fills_nothing_and_verifies_all_the_same(tmp_path: Path) -> None:
    tape = SHARED_DATA / "perp-feed" / "tardis_binance-futures_trades_BTCUSDT_20200222.csv.gz"
    outcome = demo("--tape", tape, "--speed", "max", "--data-dir", tmp_path)
    assert outcome.verified
    assert outcome.ties_out()
    assert (outcome.orders_submitted > 0, outcome.fills) == (True, 0)


@pytest.mark.parametrize("intents", [1, 3])
def test_after_kill_9_the_same_data_goes_on_reconciled_and_both_sessions_verify(tmp_path: Path, intents: int) -> None:
    killed = start_demo("--speed", "60", "--data-dir", tmp_path)
    wait_for_intents(tmp_path / "log", intents)
    kill_9(killed)
    outcome = demo("--seconds", "10", "--speed", "60", "--data-dir", tmp_path)
    assert outcome.verified
    assert outcome.ties_out()
    kinds = [type(record.event) for record in read_records(tmp_path / "log")]
    assert kinds.count(SessionStarted) == 2
    assert kinds.count(SessionEnded) == 1


def test_a_demo_that_ends_right_behind_a_funding_boundary_ties_out(tmp_path: Path) -> None:
    """The first boundary is an hour from the start: at this speed it has just passed when the demo ends."""
    outcome = demo("--seconds", "13", "--speed", "300", "--data-dir", tmp_path, "--hosting", "turn")
    assert outcome.verified
    assert outcome.ties_out()
