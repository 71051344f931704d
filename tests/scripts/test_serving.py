"""`perptape exchange` takes every option of the exchange, and says in one sentence what is wrong with one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from replay.exchange.rules import VenueRules
from scripts.cli.serving import Wanted, rules_of
from tests.scenarios.demos import ROOT
from tests.scripts.conftest import Perptape

_LIMIT_S = 20


def wanted(**options: object) -> Wanted:
    plain: dict[str, object] = dict.fromkeys(Wanted.__dataclass_fields__)
    plain |= {"seed": 1, "speed": "1", "port": 0, "start": "now", "friday_halt": False} | options
    return Wanted(**plain)  # type: ignore[arg-type]  # as typer fills it in


def test_without_options_the_rules_are_the_plain_ones() -> None:
    assert rules_of(wanted()) == VenueRules()


def test_options_stand_over_the_file_of_rules(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text('{"start_cash": "7", "position_limit": "9", "fees": {"maker_rate": "0.1"}, "friday_halt": true}')
    rules = rules_of(wanted(rules=file, start_cash="8", taker_rate="0.2"))
    assert (rules.start_cash, rules.position_limit, rules.friday_halt) == (Decimal(8), Decimal(9), True)
    assert (rules.fees.maker_rate, rules.fees.taker_rate) == (Decimal("0.1"), Decimal("0.2"))


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--rules", '{"star_cash": "7"}', "star_cash"),
        ("--rules", "[]", "object"),
        ("--faults", '[{"fault": "drpo"}]', "a fault is one of"),
        ("--settings", '{"edit": true}', "a setting is one of"),
        ("--start-cash", "-1", "zero or more"),
        ("--spot-cash", "much", "zero or more"),
        ("--start", "later", "subscribe, resume, now"),
        ("--speed", "0", "above zero"),
        ("--faults", None, "No such file"),
    ],
)
def test_what_is_wrong_with_an_option_is_said_and_ends_with_two(
    perptape: Perptape, tmp_path: Path, option: str, content: str | None, said: str
) -> None:
    value = content
    if option in ("--rules", "--faults", "--settings"):
        file = tmp_path / "given.json"
        if content is not None:
            file.write_text(content)
        value = str(file)
    assert value is not None
    ran = perptape("exchange", option, value)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert option in ran.err or content is None


def test_the_command_serves_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('[{"fault": "too_many_requests", "path": "/time"}]')
    (tmp_path / "settings.json").write_text('{"client_id": true}')
    command = [sys.executable, "-m", "scripts.perptape", "exchange", "--start", "now", "--ed25519", "--spot-cash", "5"]
    command += ["--faults", str(tmp_path / "faults.json"), "--settings", str(tmp_path / "settings.json")]
    command += ["--data-dir", str(tmp_path / "exchange")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            ready = json.loads(started.stdout.readline())
            with requests.Session() as session:
                session.trust_env = False
                time_url = ready["rest"] + "/api/v3/brokerage/time"
                assert [session.get(time_url, timeout=5).status_code for _ in range(2)] == [429, 200]
                assert session.get(ready["rest"] + "/control/settings", timeout=5).json()["client_id"] is True
                assert session.get(ready["rest"] + "/control/books", timeout=5).json()["spot"] == "5"
            assert "BEGIN" not in json.loads(Path(ready["key_file"]).read_text())["privateKey"]
        finally:
            started.send_signal(signal.SIGTERM)
            _, complaints = started.communicate(timeout=_LIMIT_S)
        assert (started.returncode, complaints) == (0, "")
