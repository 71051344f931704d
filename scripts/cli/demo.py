"""`perptape demo`: the demonstration with its screen, its verification and its summary."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import msgspec
import typer
from rich.console import Console

from scripts.cli.demonstration import DemoFailed, Demonstration, Options, Outcome, judge, stop_on_signals
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.serving import factor
from scripts.cli.summary import show_outcome
from scripts.cli.watching import Watch

HOSTINGS = ("actors", "shared", "turn")
RESULTS = Path("results")


def run_demo(
    seconds: float | None,
    tape: Path | None,
    speed: str,
    seed: int,
    data_dir: Path | None,
    hosting: str,
    *,
    as_json: bool,
) -> None:
    """Exit code 0 when the log verifies and the exchange's books agree to the last digit, else 6."""
    factor(speed)
    if hosting not in HOSTINGS:
        raise CommandFailed(f"--hosting {hosting}: choose one of {', '.join(HOSTINGS)}", Exit.USAGE)
    if tape is not None and not tape.exists():
        raise CommandFailed(f"{tape}: there is no such tape", Exit.NOT_FOUND)
    options = Options(
        data_dir=(data_dir or _fresh_folder()).resolve(),
        tape=tape.resolve() if tape else None,
        speed=speed,
        seed=seed,
        seconds=seconds,
        hosting=hosting,
    )
    demonstration = Demonstration(options)
    try:
        outcome = _play(demonstration, as_json=as_json)
    except DemoFailed as error:
        raise CommandFailed(f"{error} (everything it left is in {options.data_dir})") from error
    finally:
        demonstration.close()
    if not outcome.verified or outcome.equity != outcome.exchange_equity:
        raise typer.Exit(Exit.DIVERGENCE)


def _play(demonstration: Demonstration, *, as_json: bool) -> Outcome:
    watched = not as_json and sys.stdout.isatty()
    with stop_on_signals() as stop:
        demonstration.start()
        if watched:
            with Watch(demonstration.log_dir):
                demonstration.wait(stop)
        else:
            _say(f"trading; the log grows in {demonstration.log_dir}; Ctrl-C ends it in order")
            demonstration.wait(stop)
        seconds = demonstration.seconds()
        books = demonstration.end()
    outcome, account, _ = judge(demonstration, books, seconds)
    if as_json:
        print(msgspec.json.encode(outcome).decode())
    else:
        console = Console()
        show_outcome(console, outcome, account)
        console.print(
            f"the log stays in {demonstration.log_dir}: try `perptape log tail` or `perptape verify` on it",
            highlight=False,
            soft_wrap=True,
        )
    return outcome


def _fresh_folder() -> Path:
    RESULTS.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=time.strftime("demo-%Y%m%d-%H%M%S-", time.gmtime()), dir=RESULTS))


def _say(sentence: str) -> None:
    print(f"perptape: {sentence}", file=sys.stderr, flush=True)
