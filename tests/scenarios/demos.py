"""The demonstration run as a user runs it: processes, sockets, a log in a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import requests

from scripts.cli.demonstration import Ready

ROOT = Path(__file__).parents[2]
LIMIT_S = 180
#: The product of the generated market.
EXCHANGE_ID = "BIP-20DEC30-CDE"


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON object that `demo --json` prints: exactly these names."""

    seconds: float
    events: int
    orders_submitted: int
    fills: int
    start_equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    funding: Decimal
    equity: Decimal
    exchange_equity: Decimal
    head_digest: str
    state_digest: str
    verified: bool

    def ties_out(self) -> bool:
        """The ledger adds up to the last digit, and to what the exchange says."""
        ours = self.start_equity + self.realized_pnl - self.fees + self.funding + self.unrealized_pnl
        return ours == self.equity == self.exchange_equity


def perptape(*arguments: str | Path, timeout_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scripts.perptape", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def demo(*arguments: str | Path) -> Outcome:
    """A whole demonstration; fails with what it said when it does not end with 0."""
    ran = perptape("demo", "--json", *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return msgspec.json.decode(ran.stdout, type=Outcome)


def start_demo(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """A demonstration in a process group of its own, to be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.perptape", "demo", "--json", *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for_intents(log_dir: Path, count: int, limit_s: float = 60.0) -> None:
    """Until the log holds so many order intents."""
    deadline = time.monotonic() + limit_s
    active = log_dir / "events.jsonl"
    while time.monotonic() < deadline:
        if active.exists() and active.read_bytes().count(b'"type":"OrderSubmitted"') >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"{active} did not come to hold {count} intents within {limit_s:g} s")


def kill_9(process: subprocess.Popen[bytes]) -> None:
    """The whole group at once, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def read_json(ran: subprocess.CompletedProcess[str]) -> dict[str, object]:
    return dict(json.loads(ran.stdout))


def wait_for_books(ready: Ready, name: str, value: object, limit_s: float = 30.0) -> None:
    """Until the local exchange's own books say so."""
    deadline = time.monotonic() + limit_s
    while (seen := requests.get(f"{ready.rest}/control/books", timeout=10).json()[name]) != value:
        assert time.monotonic() < deadline, f"{name} is {seen}, not {value}"
        time.sleep(0.05)
