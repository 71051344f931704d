"""`perptape exchange`: the local exchange as a command."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from replay.exchange.certificates import NoAuthority
from replay.exchange.memory import OtherTape
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions, PortTaken, serve
from replay.tapes import TapeUnreadable, generated_tape, open_tape
from scripts.cli.exits import CommandFailed, Exit


def serve_exchange(
    tape: Path | None, seed: int, speed: str, port: int, data_dir: Path | None, start_cash: Decimal, *, tls: bool
) -> None:
    """Serve until SIGINT, SIGTERM or `POST /control/stop`."""
    try:
        played = generated_tape(seed=seed) if tape is None else open_tape(tape)
        serve(
            ExchangeOptions(
                tape=played,
                speed=factor(speed),
                port=port,
                rules=VenueRules(start_cash=start_cash),
                folder=data_dir,
                remember_as=None if data_dir is None else played.digest,
                tls=tls,
            )
        )
    except (PortTaken, NoAuthority, TapeUnreadable, OtherTape) as error:
        raise CommandFailed(str(error)) from error


def factor(speed: str) -> float | None:
    """A speed as written: a factor above zero, or None for "max"."""
    if speed == "max":
        return None
    try:
        value = float(speed)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise CommandFailed(f"--speed {speed}: write a number above zero, or max", Exit.USAGE)
    return value
