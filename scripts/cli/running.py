"""A trading system from its settings: log, clock, connection; until it is stopped, or breaks."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from actors.clocks import SessionClock, TapeClock, WallClock
from actors.connection.auth import Credentials
from actors.connection.cancel_all import CancelAll, cancel_all_once
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.errors import BrokerageError, PermissionDenied
from actors.connection.feeds import FeedManners
from actors.connection.live import Address, CaptureTo, CoinbaseConnection
from actors.connection.standing import Standing
from actors.connection.told_before import last_trades
from actors.door import Door
from actors.known import Known
from actors.settings import ExchangeSettings, FeedSettings, SystemSettings, load
from actors.start_check import StartReport
from actors.strategies.loading import load_strategy
from actors.system import Ended, System, SystemBroken
from events.log import FileLog, SnapshotStore
from scripts.cli.exits import CommandFailed, Exit

SNAPSHOTS = "snapshots"


def settings_from(config: Path, *, live: bool, capture: Path | None = None) -> SystemSettings:
    """The settings of a file, its strategies loadable. Live needs both the file's word and the command line's.

    `capture`, if given, takes the place of the file's `feeds.capture`.
    """
    settings = load(config, os.environ).settings
    if capture is not None:
        settings = msgspec.structs.replace(settings, feeds=msgspec.structs.replace(settings.feeds, capture=capture))
    for strategy in settings.configuration.strategies.values():
        load_strategy(strategy)
    mode = settings.configuration.mode
    if live and mode != "live":
        raise CommandFailed(f'{config}: --live was asked for, but the file says mode = "{mode}"', Exit.CONFIGURATION)
    if mode == "live" and not live:
        raise CommandFailed(
            f'{config}: the file says mode = "live"; real orders need `perptape run --live` as well', Exit.USAGE
        )
    if live and settings.exchange.key_file is None and settings.exchange.private_key is None:
        raise CommandFailed(f"{config}: live trading needs exchange.key_file", Exit.CONFIGURATION)
    return settings


def run(settings: SystemSettings, say: Callable[[str], None]) -> Ended:
    """Trade until Ctrl-C, SIGTERM or an operator's stop. `say` gets sentences for people."""
    if settings.configuration.mode == "live":
        check_key(settings.exchange)
    log = open_log(settings)
    if log.recovered:
        cut = log.recovered
        say(
            f"the log ended within a commit that was never acknowledged: {cut.removed_bytes} bytes "
            f"({cut.records} records) were cut from {cut.file} at byte {cut.offset}; record {cut.after_seq} is the last"
        )
    clock = _clock(settings, log)

    refusals: list[BrokerageError] = []

    def refused(error: BrokerageError) -> None:
        refusals.append(error)
        system.request_stop(f"the exchange refuses this key: {error}")

    def connect(door: Door, now: Callable[[], int], known: Known) -> CoinbaseConnection:
        exchange = settings.exchange
        return CoinbaseConnection(
            door,
            now,
            known.unsettled,
            address=Address(exchange.rest, exchange.ws, exchange.user_ws, _text(exchange.ca_file), exchange.proxy),
            credentials=credentials_of(exchange),
            products={setting.exchange_id: name for name, setting in settings.configuration.products.items()},
            live=settings.configuration.mode == "live",
            standing=Standing(killed=known.is_killed, reduce_only=known.reduce_only),
            last_trades=last_trades(settings.data_dir, known.priced),
            on_refusal=refused,
            rate_limit_per_minute=exchange.rate_limit_per_minute,
            manners=FeedManners(products_per_subscribe=settings.feeds.products_per_subscribe),
            own_clock=exchange.clock != "tape",
            history_s=settings.configuration.marks.interval_s,
            extra_channels=settings.feeds.extra_channels,
            capture=_capture(settings.feeds),
        )

    system = System(
        settings,
        log=log,
        snapshots=SnapshotStore(settings.data_dir / SNAPSHOTS),
        clock=clock,
        session=secrets.token_hex(8),
        connect=connect,
        data_dir=settings.data_dir,
    )
    say(_start_sentence(system.start_report))
    with stopping_signals(system):
        try:
            system.start()
            say(f"session {system.session} runs; log in {settings.data_dir}")
            reason = None
            while reason is None:
                reason = system.wait(0.5)
            say(f"stopping: {reason}")
            ended = system.stop(reason)
        except SystemBroken as broken:
            system.abandon()
            raise CommandFailed(
                f"the system stopped, and what rested was cancelled once: {broken}", Exit.ERROR
            ) from broken
    say(f"session ended at record {ended.place.seq}, head {ended.place.digest[:16]}")
    if ended.unknown_orders:
        say(f"orders whose outcome the exchange has not told: {', '.join(ended.unknown_orders)}")
    if refusals:
        raise refusals[0]
    return ended


def _capture(feeds: FeedSettings) -> CaptureTo | None:
    return None if feeds.capture is None else CaptureTo(feeds.capture, feeds.capture_mb * 1024**2)


def _clock(settings: SystemSettings, log: FileLog) -> SessionClock:
    if settings.exchange.clock == "tape":
        with_exchange = client_of(settings.exchange)
        return TapeClock(max(with_exchange.get_time().iso or 0, log.last_at))
    return WallClock()


def credentials_of(exchange: ExchangeSettings) -> Credentials | None:
    """The key as it was given: a file, or a name with the secret from the environment; None without any."""
    if exchange.key_file is not None:
        return Credentials.from_file(exchange.key_file, exchange.key_name or "")
    if exchange.key_name is not None and exchange.private_key is not None:
        return Credentials(exchange.key_name, exchange.private_key)
    return None


def client_of(exchange: ExchangeSettings) -> CoinbaseClient:
    """A client for a few questions, outside a running system."""
    ca_file = _text(exchange.ca_file)
    return CoinbaseClient(exchange.rest, credentials_of(exchange), ca_file=ca_file, proxy=exchange.proxy)


def check_key(exchange: ExchangeSettings) -> None:
    """Ask the exchange what this key may, before anything starts. Raises `BrokerageError`.

    A key that can move money off the account is refused unless `exchange.allow_transfer` says that it must be this one.
    """
    client = client_of(exchange)
    try:
        allowed = client.get_key_permissions()
    finally:
        client.close()
    if not allowed.can_trade:
        raise PermissionDenied(f"the key in {exchange.key_file} may not trade; allow it at the exchange, or run paper")
    if allowed.can_transfer and not exchange.allow_transfer:
        raise PermissionDenied(
            f"the key in {exchange.key_file} can move money off the account; make one without Transfer, "
            "or set exchange.allow_transfer = true if it must be this one"
        )


def cancel_resting(exchange: ExchangeSettings) -> CancelAll:
    """Cancel what rests on the account, at the exchange itself."""
    client = client_of(exchange)
    try:
        return cancel_all_once(client)
    finally:
        client.close()


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def open_log(settings: SystemSettings) -> FileLog:
    """The log of these settings, locked for writing."""
    return FileLog.open(
        settings.data_dir,
        durability=settings.journal.durability,  # type: ignore[arg-type]  # checked when the settings were read
        roll_bytes=settings.journal.roll_bytes,
    )


@contextlib.contextmanager
def stopping_signals(system: System) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the system to stop in order; the second one ends the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        system.request_stop(signal.Signals(number).name)

    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, before in kept.items():
        if before is not signal.SIG_IGN:
            signal.signal(number, ask)
    try:
        yield
    finally:
        for number, before in kept.items():
            signal.signal(number, before)


def tell_stderr(sentence: str) -> None:
    """Sentences for people go to stderr; stdout is for results."""
    print(f"perptape: {sentence}", file=sys.stderr, flush=True)


def _start_sentence(report: StartReport) -> str:
    if report.previous == "none":
        return "a new log"
    if report.previous == "crashed":
        return (
            "the session before did not end in order; its log was folded, and the exchange is asked what became of it"
        )
    if report.differing:
        return (
            f"session {report.session} ended under other code; this code sees the past of "
            f"{', '.join(report.differing)} differently "
            "(perptape verify says how)"
        )
    return f"session {report.session} ended in order, and its states are the same now"
