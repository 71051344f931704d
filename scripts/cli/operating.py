"""What operators say to a running system: kill, resume, stop.

Without a running system, kill goes to the exchange itself.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from actors.connection.cancel_all import CancelAll
from actors.operator import NotRunning, OperatorAct, act
from actors.settings import DEFAULT_FILE, load
from events.account import FlowNamed
from events.risk import (
    CloseRequested,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import StopRequested
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.places import data_dir as configured_data_dir


def kill_trading(config: Path | None, data_dir: Path | None, reason: str, *, flatten: bool, as_json: bool) -> None:
    """Throw the kill switch of the running system; where none runs, cancel at the exchange and leave a note."""
    folder = data_dir or configured_data_dir(config)
    request = KillSwitchThrown(reason=reason, flatten=flatten)
    try:
        _say(folder, [request], as_json=as_json)
    except NotRunning as not_running:
        cancelled = _cancel_at_the_exchange(config, not_running)
        _leave_note(folder, request)
        if as_json:
            print(json.dumps({"running": False, **msgspec.to_builtins(cancelled)}))
        else:
            print(f"{not_running}; {len(cancelled.asked)} resting orders were cancelled at the exchange itself")
            print("the next start will begin killed")
        if cancelled.error or cancelled.refused:
            faults = [*([cancelled.error] if cancelled.error else []), *cancelled.refused.values()]
            raise CommandFailed(f"not everything could be cancelled: {'; '.join(faults)}", Exit.EXCHANGE) from None


def resume_trading(
    config: Path | None, data_dir: Path | None, reason: str, *, product: str | None = None, as_json: bool
) -> None:
    """Reset the kill switch and release the reduce-only mode; of a product, only its own restriction."""
    folder = data_dir or configured_data_dir(config)
    if product is not None:
        _say(folder, [ReduceOnlyReleased(product=product, reason=reason)], as_json=as_json)
        return
    _say(folder, [KillSwitchReset(reason=reason), ReduceOnlyReleased(product=None, reason=reason)], as_json=as_json)


def close_position(config: Path | None, data_dir: Path | None, product: str, reason: str, *, as_json: bool) -> None:
    """Close one position step by step; the kill switch does not stand in its way."""
    folder = data_dir or configured_data_dir(config)
    _say(folder, [CloseRequested(product=product, reason=reason)], as_json=as_json)


def change_limit(
    config: Path | None, data_dir: Path | None, name: str, value: str, reason: str, *, as_json: bool
) -> None:
    """Set one limit of the running system. What it cannot be is refused with what it can be."""
    folder = data_dir or configured_data_dir(config)
    _say(folder, [LimitChanged(limit=name, value=value, reason=reason)], as_json=as_json)


def restrict(config: Path | None, data_dir: Path | None, product: str | None, reason: str, *, as_json: bool) -> None:
    """Only what reduces may pass, in one product or in all."""
    folder = data_dir or configured_data_dir(config)
    _say(folder, [ReduceOnlyRequested(product=product, reason=reason)], as_json=as_json)


def stop_system(config: Path | None, data_dir: Path | None, reason: str, *, keep_orders: bool, as_json: bool) -> None:
    """Ask for an orderly end."""
    folder = data_dir or configured_data_dir(config)
    _say(folder, [StopRequested(reason=reason, cancel_resting=not keep_orders)], as_json=as_json)


def name_flow(
    config: Path | None, data_dir: Path | None, *, came_in: str | None, left: str | None, name: str, as_json: bool
) -> None:
    """Name money that came into the account or left it, or say that it will leave. Exactly one of the two amounts."""
    text = came_in if came_in is not None else left
    if text is None or (came_in is not None and left is not None):
        raise CommandFailed("say either what came in (--in) or what left (--out)", Exit.USAGE)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise CommandFailed(f"{text!r} is no amount above zero", Exit.USAGE)
    signed = amount if came_in is not None else -amount
    folder = data_dir or configured_data_dir(config)
    _say(folder, [FlowNamed(amount=signed, name=name)], as_json=as_json)


def _say(folder: Path, requests: list[OperatorAct], *, as_json: bool) -> None:
    for request in requests:
        seq = act(folder, request)
        name = type(request).__name__
        print(json.dumps({"event": name, "seq": seq}) if as_json else f"{name} is record {seq}, and durable")


def _cancel_at_the_exchange(config: Path | None, not_running: NotRunning) -> CancelAll:
    from scripts.cli.running import cancel_resting

    file = config or Path(DEFAULT_FILE)
    if not file.exists():
        raise CommandFailed(
            f"{not_running}; and without a configuration file (--config) the exchange cannot be asked to cancel",
            Exit.NOT_FOUND,
        ) from not_running
    return cancel_resting(load(file, os.environ).settings.exchange)


def _leave_note(folder: Path, request: KillSwitchThrown) -> None:
    from actors.operator import leave_note

    leave_note(folder, request)
