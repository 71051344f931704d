"""What an auditor does to a log, and what the command line says of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from events.log import FileLog, read_commits
from events.strategy import DecisionMade
from replay.backtest import backtest
from tests.replay.markets import facts, short_market, trading
from tests.scenarios.demos import perptape, read_json


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A recorded session of two minutes."""
    tape, folder = short_market(120), tmp_path / "log"
    backtest(facts(tape), session="s", start=tape.start, configuration=trading(tape), log=FileLog.open(folder))
    return folder


def test_an_untouched_log_is_proven(log: Path) -> None:
    assert perptape("verify", log).returncode == 0


def test_a_flipped_byte_is_an_integrity_failure(log: Path) -> None:
    file = log / "events.jsonl"
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0x01
    file.write_bytes(content)
    ran = perptape("verify", log)
    assert ran.returncode == 5
    assert "events.jsonl" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_changed_decision_with_the_chain_recomputed_is_a_divergence(log: Path, tmp_path: Path) -> None:
    forged = FileLog.open(tmp_path / "forged")
    changed = 0
    for commit in read_commits(log):
        records = list(commit.records)
        for i, record in enumerate(records):
            if isinstance(record.event, DecisionMade) and not changed:
                records[i] = msgspec.structs.replace(
                    record, event=msgspec.structs.replace(record.event, reason="Because I say so")
                )
                changed = record.seq
        forged.write(records)
        forged.commit()
    forged.close()
    ran = perptape("verify", tmp_path / "forged", "--json")
    assert ran.returncode == 6
    differences = read_json(ran)["differences"]
    assert isinstance(differences, list)
    assert [(d["kind"], d["actor"]) for d in differences] == [("decision", "strategy:trend")]
    assert "Because I say so" in differences[0]["recorded"]
