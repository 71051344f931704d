"""The doctor before a start: what is ready, what is not, and which exit code says so."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from actors.settings import load
from events.log import FileLog
from events.record import Record
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from scripts.cli.demonstration import Options, Ready, configuration
from scripts.cli.running import check_key
from tests.scenarios.demos import EXCHANGE_ID, ROOT, perptape

SERVE = """\
import sys
from pathlib import Path
from replay.exchange.server import ExchangeOptions, serve
from replay.tapes import generated_tape
may = sys.argv[2].split(",")
serve(ExchangeOptions(tape=generated_tape(seed=1), folder=Path(sys.argv[1]),
                      key_can_trade="trade" in may, key_can_transfer="transfer" in may))
"""


@contextmanager
def exchange_whose_key_may(rights: str, folder: Path) -> Iterator[Ready]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder), rights],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    try:
        yield Ready(**json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


class Checked(NamedTuple):
    """The doctor's end, its findings by check (the gravest of a name first), and all that it printed."""

    code: int
    ready: bool
    verdicts: dict[str, str]
    says: dict[str, str]
    printed: str


def configured(ready: Ready, folder: Path, *changes: tuple[str, str]) -> Path:
    """The demonstration's file, with texts of it replaced."""
    text = configuration(ready, Options(data_dir=folder), EXCHANGE_ID)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file = folder / "perptape.toml"
    file.write_text(text, encoding="utf-8")
    return file


def doctor(file: Path, *options: str) -> Checked:
    ran = perptape("doctor", "--config", file, "--json", *options, timeout_s=60)
    assert "Traceback" not in ran.stderr, ran.stderr
    said = json.loads(ran.stdout)
    assert said["exit_code"] == ran.returncode
    checks = sorted(said["checks"], key=lambda each: ["skipped", "ok", "warning", "failed"].index(each["verdict"]))
    for each in checks:
        assert each["remedy"] or each["verdict"] in ("ok", "skipped"), each
    verdicts = {each["check"]: each["verdict"] for each in checks}
    says = {each["check"]: each["says"] for each in checks}
    return Checked(ran.returncode, said["ready"], verdicts, says, ran.stdout + ran.stderr)


def faults(checked: Checked) -> set[str]:
    return {check for check, verdict in checked.verdicts.items() if verdict == "failed"}


def test_all_is_well_and_nothing_of_the_key_is_shown(tmp_path: Path, exchange: Ready) -> None:
    file = configured(exchange, tmp_path)
    checked = doctor(file)
    assert (checked.code, checked.ready, faults(checked)) == (0, True, set()), checked.says
    expected = {"configuration", "key", "clock", "permissions", "account", "product BTC-PERP"}
    assert {*expected, "market feed", "user feed", "disk", "log", "limits"} <= checked.verdicts.keys()
    assert EXCHANGE_ID in checked.says["product BTC-PERP"]
    key = json.loads(Path(exchange.key_file).read_text())
    for secret in (key["name"], *(line for line in key["privateKey"].splitlines() if len(line) > 20)):
        assert secret not in checked.printed
    assert not (tmp_path / "log").exists(), "the doctor begins no log"
    lines = perptape("doctor", "--config", file).stdout.splitlines()
    assert len(lines) == len(checked.verdicts) + 1
    assert lines[-1].split() == ["ok", "ready", "to", "trade"]


def test_at_debug_level_it_says_what_it_asks_and_shows_neither_key_nor_token(
    tmp_path: Path, exchange: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERPS_MIN_LOG_LEVEL", "DEBUG")
    checked = doctor(configured(exchange, tmp_path))
    assert checked.code == 0
    assert "/api/v3/brokerage/key_permissions" in checked.printed
    assert "eyJ" not in checked.printed, "a token is shown"
    for line in json.loads(Path(exchange.key_file).read_text())["privateKey"].splitlines():
        assert len(line) < 20 or line not in checked.printed


@pytest.mark.parametrize(("rights", "code"), [("", 7), ("trade,transfer", 7), ("trade", 0)])
def test_a_key_must_trade_and_must_not_transfer(tmp_path: Path, rights: str, code: int) -> None:
    with exchange_whose_key_may(rights, tmp_path / "ex") as ready:
        file = configured(ready, tmp_path)
        checked = doctor(file)
        assert checked.code == code
        assert faults(checked) == ({"permissions"} if code else set()), checked.says
        if "transfer" in rights:
            assert doctor(file, "--allow-transfer").code == 0


def test_a_clock_that_is_far_off_is_a_fault(tmp_path: Path, exchange: Ready) -> None:
    """The local exchange lives in the time of its tape: years from ours."""
    checked = doctor(configured(exchange, tmp_path, ('clock = "tape"', 'clock = "wall"')))
    assert (checked.code, faults(checked)) == (7, {"clock"}), checked.says
    assert "ahead of the exchange's" in checked.says["clock"]


def test_a_product_that_the_exchange_does_not_list_is_a_fault_of_the_file(tmp_path: Path, exchange: Ready) -> None:
    checked = doctor(configured(exchange, tmp_path, (EXCHANGE_ID, "BIP-20DEC31-CDE")))
    assert (checked.code, faults(checked)) == (3, {"product BTC-PERP"}), checked.says


def test_a_file_that_cannot_be_taken_is_the_only_finding(tmp_path: Path, exchange: Ready) -> None:
    checked = doctor(configured(exchange, tmp_path, ("max_daily_loss_pct", "max_daily_los_pct")))
    assert (checked.code, checked.verdicts) == (3, {"configuration": "failed"})
    assert doctor(tmp_path / "nowhere.toml").code == 3


def test_paper_needs_no_key_and_live_does(tmp_path: Path, exchange: Ready) -> None:
    no_key = ("key_file = ", "# key_file = ")
    paper = doctor(configured(exchange, tmp_path, no_key, ('"live"', '"paper"')))
    assert (paper.code, faults(paper)) == (0, set()), paper.says
    assert "permissions" not in paper.verdicts
    live = doctor(configured(exchange, tmp_path, no_key))
    assert (live.code, faults(live)) == (3, {"key"})


def test_an_exchange_that_cannot_be_reached_is_named_for_rest_and_for_each_feed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    nobody = Ready(f"http://{address}", f"ws://{address}", "key.json", "0", "1")
    no_key = ("key_file = ", "# key_file = ")
    checked = doctor(configured(nobody, tmp_path, no_key, ('"live"', '"paper"')))
    assert (checked.code, faults(checked)) == (7, {"clock", "market feed"}), checked.says
    assert checked.verdicts["products"] == "skipped"
    assert checked.verdicts["disk"] == "ok"


def begun_log(folder: Path, *, is_killed: bool = False) -> FileLog:
    log = FileLog.open(folder)
    event = KillSwitchThrown(reason="enough") if is_killed else ClockTicked()
    log.write([Record(seq=1, at=1, by="operator", event=event)])
    log.commit(sync=True)
    return log


def test_a_log_that_was_changed_is_found_and_named(tmp_path: Path, exchange: Ready) -> None:
    begun_log(tmp_path / "log").close()
    active = tmp_path / "log" / "events.jsonl"
    active.write_bytes(active.read_bytes().replace(b'"at":1,', b'"at":2,'))
    checked = doctor(configured(exchange, tmp_path))
    assert (checked.code, faults(checked)) == (5, {"log"}), checked.says
    assert "events.jsonl" in checked.says["log"]


def test_a_log_that_another_system_writes_is_named_with_its_process(tmp_path: Path, exchange: Ready) -> None:
    log = begun_log(tmp_path / "log")
    try:
        checked = doctor(configured(exchange, tmp_path))
    finally:
        log.close()
    assert (checked.code, faults(checked)) == (1, {"log"}), checked.says
    assert f"process {os.getpid()}" in checked.says["log"]


def test_a_thrown_kill_switch_is_not_ready_to_trade(tmp_path: Path, exchange: Ready) -> None:
    begun_log(tmp_path / "log", is_killed=True).close()
    checked = doctor(configured(exchange, tmp_path))
    assert (checked.code, faults(checked)) == (8, {"trading"}), checked.says
    assert "record 1" in checked.says["trading"]


def test_a_folder_that_cannot_be_written_is_a_fault_of_the_disk(tmp_path: Path, exchange: Ready) -> None:
    file = configured(exchange, tmp_path)
    file.write_text(file.read_text().replace(f'data_dir = "{tmp_path / "log"}"', 'data_dir = "/proc/perptape"'))
    checked = doctor(file)
    assert (checked.code, faults(checked)) == (1, {"disk"}), checked.says


def test_a_key_that_can_move_money_trades_only_where_the_settings_say_so(tmp_path: Path) -> None:
    with exchange_whose_key_may("trade,transfer", tmp_path) as ready:
        file = configured(ready, tmp_path)
        ran = perptape("run", "--live", "--config", file, timeout_s=60)
        assert ran.returncode == 7
        assert "exchange.allow_transfer" in ran.stderr
        assert not (tmp_path / "log").exists(), "nothing was begun"
        allowed = configured(ready, tmp_path, ("[exchange]", "[exchange]\nallow_transfer = true"))
        assert doctor(allowed).verdicts["permissions"] == "ok"
        check_key(load(allowed, {}).settings.exchange)


def test_the_bracket_that_shall_protect_positions_is_tried_by_preview(tmp_path: Path, exchange: Ready) -> None:
    without = doctor(configured(exchange, tmp_path))
    assert "bracket BTC-PERP" not in without.verdicts
    checked = doctor(configured(exchange, tmp_path, ("protective_bracket = false", "# by default")))
    assert checked.verdicts["bracket BTC-PERP"] == "ok", checked.says
    assert checked.says["bracket BTC-PERP"].startswith("the exchange takes one")
