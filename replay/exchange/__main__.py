"""`python -m replay.exchange --tape FILE`: a tape as an exchange, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path

from events.configuration import FeeSetting
from replay.exchange.certificates import NoAuthority
from replay.exchange.faults import read_faults
from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions, PortTaken, TapeLike, serve
from replay.exchange.settings import Settings, change
from replay.tapes import TapeUnreadable, generated_tape, open_tape


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop. Exit code 0, or 1 with one sentence on what is wrong."""
    try:
        serve(_options(_parser().parse_args(arguments)))
    except (PortTaken, NoAuthority, TapeUnreadable, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m replay.exchange", description=__doc__)
    parser.add_argument("--tape", type=Path, help="a recorded tape; without it one is generated")
    parser.add_argument("--seed", type=int, default=1, help="of the generated tape")
    parser.add_argument("--speed", type=_speed, default=1.0, help="times real time, or max")
    parser.add_argument("--port", type=int, default=0, help="0 is any free one")
    parser.add_argument("--start", choices=[start.value for start in Start], default=Start.SUBSCRIBE.value)
    parser.add_argument("--start-cash", type=_decimal, default=VenueRules().start_cash)
    parser.add_argument("--maker-rate", type=_decimal, default=FeeSetting().maker_rate)
    parser.add_argument("--taker-rate", type=_decimal, default=FeeSetting().taker_rate)
    parser.add_argument("--fee-per-contract", type=_decimal, default=FeeSetting().per_contract)
    parser.add_argument("--key-type", choices=["ec", "ed25519"], default="ec")
    parser.add_argument("--data-dir", type=Path, help="for the key file; a temporary folder by default")
    parser.add_argument("--friday-halt", action="store_true", help="no orders on Fridays, 17 to 18 in New York")
    parser.add_argument("--faults", type=Path, help="a JSON list of faults, as for POST /control/faults")
    parser.add_argument("--settings", type=Path, help="a JSON object of settings, as for POST /control/settings")
    parser.add_argument("--tls", action="store_true", help="serve https and wss with an authority of its own")
    return parser


def _options(given: argparse.Namespace) -> ExchangeOptions:
    tape: TapeLike = generated_tape(seed=given.seed) if given.tape is None else open_tape(given.tape)
    fees = FeeSetting(maker_rate=given.maker_rate, taker_rate=given.taker_rate, per_contract=given.fee_per_contract)
    settings = Settings()
    if given.settings is not None:
        change(settings, given.settings.read_bytes())
    return ExchangeOptions(
        tape=tape,
        speed=given.speed,
        port=given.port,
        rules=VenueRules(start_cash=given.start_cash, fees=fees, friday_halt=given.friday_halt),
        start=Start(given.start),
        key_type=given.key_type,
        folder=given.data_dir,
        tls=given.tls,
        faults=() if given.faults is None else read_faults(given.faults.read_bytes()),
        settings=settings,
    )


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    speed = float(text)
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError("speed must be above zero, or max")
    return speed


def _decimal(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"not a number: {text}") from None
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"must be zero or more: {text}")
    return amount


if __name__ == "__main__":
    sys.exit(main())
