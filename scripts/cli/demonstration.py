"""The demonstration: the local exchange in one process, the trading system in another, and this one looks on.

exchange ◀── REST, WebSocket ──▶ trading system ──▶ log ──▶ this process: screen, verification, summary
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import requests

from actors.operator import NotRunning, act
from events.log import read_commits
from events.money import plain
from events.session import StopRequested
from replay.statement import Statement, statement
from replay.verify import Report, verify
from scripts.cli.exits import Exit

#: The local exchange has this long to get ready, and the trading system to end in order.
READY_LIMIT_S = 60.0
END_LIMIT_S = 60.0
#: Ended tapes and Ctrl-C are looked for this often.
LOOK_S = 0.2


class DemoFailed(RuntimeError):
    """A process of the demonstration did not do its part; the message says which, and what it said last."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for. `speed` is a factor or "max"."""

    data_dir: Path
    tape: Path | None = None
    speed: str = "30"
    seed: int = 1
    seconds: float | None = None
    hosting: str = "actors"


class Ready(msgspec.Struct, frozen=True):
    """The exchange's one line when it is ready."""

    rest: str
    ws: str
    key_file: str
    clock: str | int
    speed: str | float
    ca_file: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the demonstration proved: the JSON object of `--json`, in the order of its fields."""

    seconds: float
    events: int
    orders_submitted: int
    fills: int
    start_equity: Decimal | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    fees: Decimal
    funding: Decimal
    equity: Decimal | None
    exchange_equity: Decimal
    head_digest: str
    state_digest: str
    verified: bool


class Demonstration:
    """Starts both processes, ends them in the right order, and reads what they left."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.config_file = options.data_dir / "perptape.toml"
        self._exchange: subprocess.Popen[str] | None = None
        self._system: subprocess.Popen[str] | None = None
        self._ready: Ready | None = None
        self._started = 0.0

    @property
    def log_dir(self) -> Path:
        return self.options.data_dir / "log"

    def start(self) -> None:
        """Both processes run and trade. Raises `DemoFailed`."""
        self.options.data_dir.mkdir(parents=True, exist_ok=True)
        self._exchange = self._spawn("exchange", self._exchange_arguments())
        self._ready = self._await_ready(self._exchange)
        self.config_file.write_text(configuration(self._ready, self.options, self._product()), encoding="utf-8")
        self._system = self._spawn("run", ["--config", str(self.config_file), "--live"])
        self._started = time.monotonic()

    def wait(self, stop: threading.Event) -> None:
        """Until the time is over, the tape has ended, or somebody says stop. Raises `DemoFailed` if a process dies."""
        assert self._system and self._exchange
        end = None if self.options.seconds is None else self._started + self.options.seconds
        while not stop.wait(LOOK_S):
            for name, process in (("trading system", self._system), ("exchange", self._exchange)):
                if process.poll() is not None:
                    raise DemoFailed(
                        f"the {name} ended by itself (exit {process.returncode}): {self._last_words(name)}"
                    )
            if end is not None and time.monotonic() >= end:
                return
            if self._books().get("ended") and self._has_caught_up():
                return

    def end(self) -> dict[str, object]:
        """Stop the tape, then the trading system in order, then the exchange; returns the exchange's own books."""
        assert self._system and self._exchange
        self._control("pause")
        try:
            act(self.log_dir, StopRequested(reason="the demonstration is over"))
        except NotRunning as error:
            raise DemoFailed(f"the trading system does not answer: {self._last_words('trading system')}") from error
        try:
            code = self._system.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise DemoFailed(f"the trading system did not end within {END_LIMIT_S:g} s") from error
        if code not in (Exit.OK, Exit.HALTED):
            raise DemoFailed(f"the trading system ended with {code}: {self._last_words('trading system')}")
        books = self._books()
        self.close()
        return books

    def close(self) -> None:
        """Let no process outlive this one. Safe to call at any time."""
        for process in (self._system, self._exchange):
            if process and process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def seconds(self) -> float:
        return time.monotonic() - self._started

    def _exchange_arguments(self) -> list[str]:
        options = self.options
        tape = ["--tape", str(options.tape)] if options.tape else ["--seed", str(options.seed)]
        return [*tape, "--speed", options.speed, "--port", "0", "--data-dir", str(options.data_dir / "exchange")]

    def _spawn(self, command: str, arguments: list[str]) -> subprocess.Popen[str]:
        with (self.options.data_dir / f"{command}.err").open("w") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "scripts.perptape", command, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads run yet that could hold a lock
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def _await_ready(self, process: subprocess.Popen[str]) -> Ready:
        assert process.stdout
        timer = threading.Timer(READY_LIMIT_S, process.kill)
        timer.start()
        try:
            line = process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise DemoFailed(f"the exchange did not get ready: {self._last_words('exchange')}")
        return msgspec.json.decode(line, type=Ready)

    def _last_words(self, name: str) -> str:
        file = self.options.data_dir / ("run.err" if name == "trading system" else "exchange.err")
        lines = [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def _product(self) -> str:
        """The exchange's id of the one product it lists."""
        assert self._ready
        reply = requests.get(f"{self._ready.rest}/api/v3/brokerage/market/products", timeout=10)
        return str(reply.json()["products"][0]["product_id"])

    def _books(self) -> dict[str, object]:
        assert self._ready
        reply = requests.get(f"{self._ready.rest}/control/books", timeout=10)
        return dict(reply.json())

    def _control(self, what: str) -> None:
        assert self._ready
        requests.post(f"{self._ready.rest}/control/{what}", timeout=10).raise_for_status()

    def _has_caught_up(self) -> bool:
        """The log grows no more: what the exchange sent has been heard."""
        before = sum(file.stat().st_size for file in self.log_dir.iterdir() if file.is_file())
        time.sleep(3 * LOOK_S)
        return before == sum(file.stat().st_size for file in self.log_dir.iterdir() if file.is_file())


def configuration(ready: Ready, options: Options, exchange_id: str) -> str:
    """The trading system's configuration file, as a user would write it."""
    ca_file = f'ca_file = "{ready.ca_file}"\n' if ready.ca_file else ""
    return f"""\
# Written by `perptape demo`: the same file a user writes, pointed at the local exchange.
mode = "live"
data_dir = "{options.data_dir / "log"}"

[exchange]
rest = "{ready.rest}"
ws = "{ready.ws}"
user_ws = "{ready.ws}"
key_file = "{ready.key_file}"
{ca_file}clock = "tape"  # follow the local exchange's own clock

[journal]
hosting = "{options.hosting}"

[products."BTC-PERP"]
exchange_id = "{exchange_id}"

[marks]
interval_s = 2  # a demonstration is short: look at the market every two seconds of its time

[risk]
max_daily_loss_pct = "0.05"

[orders]
protective_bracket = false  # a bracket outlives the process, and nothing of a demonstration shall

[strategies.baseline]
uses = "baseline"
product = "BTC-PERP"
options = {{ enable_shorts = true }}
"""


def judge(
    demonstration: Demonstration,
    books: dict[str, object],
    seconds: float,
    progress: Callable[[int], None] | None = None,
) -> tuple[Outcome, Statement, Report]:
    """Verify the log that was left, and set its statement against the exchange's books."""
    log = demonstration.log_dir
    report = verify(log, progress=(lambda commit: progress(commit.place.seq)) if progress else None)
    account = statement(record for commit in read_commits(log) for record in commit.records)
    outcome = Outcome(
        seconds=round(seconds, 3),
        events=report.records,
        orders_submitted=account.orders_submitted,
        fills=account.fills,
        start_equity=_plain(account.start_equity),
        realized_pnl=plain(account.realized_pnl),
        unrealized_pnl=_plain(account.unrealized_pnl),
        fees=plain(account.fees),
        funding=plain(account.funding),
        equity=_plain(account.equity),
        exchange_equity=plain(Decimal(str(books["equity"]))),
        head_digest=report.head_digest,
        state_digest=report.state_digest,
        verified=report.verified,
    )
    return outcome, account, report


def _plain(amount: Decimal | None) -> Decimal | None:
    """Equal amounts print alike, for whoever compares the text."""
    return None if amount is None else plain(amount)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set the event instead of ending the process."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _die_with_parent() -> None:
    """In the child: a Ctrl-C at the terminal is the parent's to handle, and its death is the child's too (Linux)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
