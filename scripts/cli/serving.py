"""`perptape exchange`: the local exchange as a command."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from events.configuration import FeeSetting
from replay.exchange.auth import KeyType
from replay.exchange.certificates import NoAuthority
from replay.exchange.faults import AnyFault, BadFaults, read_faults
from replay.exchange.memory import OtherTape
from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions, PortTaken, serve
from replay.exchange.settings import BadSettings, Settings, change
from replay.tapes import TapeUnreadable, generated_tape, open_tape
from scripts.cli.exits import CommandFailed, Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The command's options as they were written; None is not given."""

    tape: Path | None
    seed: int
    speed: str
    port: int
    folder: Path | None
    tls: bool
    start: str
    ed25519: bool
    may_transfer: bool
    friday_halt: bool
    start_cash: str | None
    spot_cash: str | None
    maker_rate: str | None
    taker_rate: str | None
    fee_per_contract: str | None
    rules: Path | None
    settings: Path | None
    faults: Path | None


def serve_exchange(wanted: Wanted) -> None:
    """Serve until SIGINT, SIGTERM or `POST /control/stop`."""
    try:
        played = generated_tape(seed=wanted.seed) if wanted.tape is None else open_tape(wanted.tape)
        key_type: KeyType = "ed25519" if wanted.ed25519 else "ec"
        serve(
            ExchangeOptions(
                tape=played,
                speed=factor(wanted.speed),
                port=wanted.port,
                rules=rules_of(wanted),
                start=_start(wanted.start),
                key_type=key_type,
                key_can_transfer=wanted.may_transfer,
                folder=wanted.folder,
                remember_as=None if wanted.folder is None else played.digest,
                tls=wanted.tls,
                faults=_faults(wanted.faults),
                settings=_settings(wanted.settings),
            )
        )
    except (PortTaken, NoAuthority, TapeUnreadable, OtherTape) as error:
        raise CommandFailed(str(error)) from error


def rules_of(wanted: Wanted) -> VenueRules:
    """The rules of a file, those given by options in their place."""
    rules = VenueRules()
    if wanted.rules is not None:
        try:
            rules = msgspec.json.decode(_content(wanted.rules), type=VenueRules)
        except msgspec.MsgspecError as error:
            raise CommandFailed(f"--rules {wanted.rules}: {error}", Exit.USAGE) from None
    fees = FeeSetting(
        maker_rate=_amount("--maker-rate", wanted.maker_rate, rules.fees.maker_rate),
        taker_rate=_amount("--taker-rate", wanted.taker_rate, rules.fees.taker_rate),
        per_contract=_amount("--fee-per-contract", wanted.fee_per_contract, rules.fees.per_contract),
    )
    return msgspec.structs.replace(
        rules,
        start_cash=_amount("--start-cash", wanted.start_cash, rules.start_cash),
        spot_cash=_amount("--spot-cash", wanted.spot_cash, rules.spot_cash),
        fees=fees,
        friday_halt=rules.friday_halt or wanted.friday_halt,
    )


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


def _start(text: str) -> Start:
    try:
        return Start(text)
    except ValueError:
        known = ", ".join(one.value for one in Start)
        raise CommandFailed(f"--start {text}: write one of {known}", Exit.USAGE) from None


def _amount(option: str, text: str | None, otherwise: Decimal) -> Decimal:
    if text is None:
        return otherwise
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise CommandFailed(f"{option} {text}: write zero or more", Exit.USAGE)
    return amount


def _faults(path: Path | None) -> list[AnyFault]:
    try:
        return [] if path is None else read_faults(_content(path))
    except BadFaults as error:
        raise CommandFailed(f"--faults {path}: {error}", Exit.USAGE) from None


def _settings(path: Path | None) -> Settings:
    settings = Settings()
    if path is not None:
        try:
            change(settings, _content(path))
        except BadSettings as error:
            raise CommandFailed(f"--settings {path}: {error}", Exit.USAGE) from None
    return settings


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}", Exit.USAGE) from None
