"""Bad input gets one clear sentence with its place and remedy, the documented exit code, and no traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from replay.exchange.auth import issue_key, write_key_file
from replay.exchange.server import ExchangeOptions
from replay.tapes import generated_tape
from tests.replay.exchange.running import running
from tests.scenarios.demos import perptape

GOOD = """\
mode = "live"
data_dir = "data"

[exchange]
rest = "http://127.0.0.1:9"
ws = "ws://127.0.0.1:9"
user_ws = "ws://127.0.0.1:9"
key_file = "key.json"

[products."BTC-PERP"]
exchange_id = "BIP-20DEC30-CDE"

[strategies.main]
uses = "baseline"
product = "BTC-PERP"
"""


def refused(code: int, *arguments: str | Path) -> str:
    """Run it; it ends with the code, one line on stderr and no traceback. Returns the line."""
    ran = perptape(*arguments, timeout_s=60)
    assert ran.returncode == code, ran.stdout + ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    assert "Traceback" not in ran.stderr
    assert len(lines) == 1, ran.stderr
    return lines[0]


def written(folder: Path, text: str) -> Path:
    file = folder / "perptape.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "[risk]\nmax_leverag = 3\n", ["risk.max_leverag", "perptape.toml"]),
        (GOOD + '[risk.leverage_max_per_symbol]\n"ETH-PERP" = 3\n', ["ETH-PERP", "perptape.toml"]),
        (GOOD.replace('uses = "baseline"', 'uses = "nowhere:Strategy"'), ["nowhere"]),
        (GOOD.replace('uses = "baseline"', 'uses = "baseline"\noptions = { short_ma = 3 }'), ["short_ma"]),
    ],
)
def test_a_wrong_configuration_stops_the_start(tmp_path: Path, text: str, says: list[str]) -> None:
    sentence = refused(3, "run", "--live", "--config", written(tmp_path, text))
    for part in says:
        assert part in sentence


def test_a_missing_key_file_stops_the_start(tmp_path: Path) -> None:
    assert "key.json" in refused(7, "run", "--live", "--config", written(tmp_path, GOOD))


def test_live_needs_both_words(tmp_path: Path) -> None:
    config = written(tmp_path, GOOD)
    assert "--live" in refused(2, "run", "--config", config)
    assert 'mode = "paper"' in refused(3, "run", "--live", "--config", written(tmp_path, GOOD.replace("live", "paper")))


def test_a_file_that_is_no_tape_is_named(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("dear diary\n", encoding="utf-8")
    assert "notes.txt" in refused(1, "backtest", other)
    assert "notes.txt" in refused(1, "demo", "--tape", other, "--data-dir", tmp_path / "d")


def test_a_log_of_a_newer_version_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"log":{"format":99,"segment":1,"first":1,"previous":""}}\n')
    sentence = refused(1, "verify", tmp_path)
    assert "events.jsonl" in sentence
    assert "99" in sentence


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in refused(1, "exchange", "--port", str(port), "--data-dir", tmp_path)


def test_a_log_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    for command in ("verify", "status", "positions", "pnl"):
        assert "nowhere" in refused(4, command, tmp_path / "nowhere")


def test_an_operator_without_a_system_is_told_so(tmp_path: Path) -> None:
    assert "no system is running" in refused(4, "stop", "--data-dir", tmp_path)


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("http://127.0.0.1:9", "nobody listens at 127.0.0.1:9"),
        ("https://no-such-host.invalid", "no-such-host.invalid has no address"),
    ],
)
def test_r2_an_exchange_that_cannot_be_reached_begins_no_session(tmp_path: Path, rest: str, says: str) -> None:
    key, private = issue_key("organizations/a/apiKeys/b", "ec")
    write_key_file(tmp_path / "key.json", key.name, private)
    config = written(tmp_path, GOOD.replace("http://127.0.0.1:9", rest).replace("key.json", str(tmp_path / "key.json")))
    line = refused(7, "run", "--live", "--config", config)
    assert says in line
    assert not (tmp_path / "data").exists()


def test_r2_an_exchange_that_cannot_prove_itself_begins_no_session(tmp_path: Path) -> None:
    tls = ExchangeOptions(tape=generated_tape(seed=1), folder=tmp_path / "exchange", tls=True)
    with running(tls) as client:
        text = GOOD.replace("http://127.0.0.1:9", client.ready.rest).replace("key.json", client.ready.key_file)
        line = refused(7, "run", "--live", "--config", written(tmp_path, text))
    assert f"certificate of {client.host} is not trusted" in line
    assert not (tmp_path / "data").exists()
