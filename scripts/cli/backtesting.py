"""`perptape backtest`: a configuration over a tape, and the statement it ends with."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from actors.settings import load
from events.configuration import Configuration, ProductSetting, StrategySetting
from events.log import EventLog, FileLog, MemoryLog, read_records
from events.record import Record
from replay.assumptions import assumptions
from replay.backtest import backtest, tape_session
from replay.statement import Statement, statement
from replay.tapes import Tape, TapeUnreadable, generated_tape, open_tape
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.summary import show_statement


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest prints with `--json`."""

    tape: str
    session: str
    seconds: float
    head_digest: str
    simulated: bool
    assumptions: tuple[str, ...]
    statement: Statement


def run_backtest(
    path: Path | None, config: Path | None, seed: int, seconds: int, out: Path | None, *, as_json: bool
) -> None:
    """Print the statement of the configuration over the tape."""
    try:
        tape = generated_tape(seed=seed, duration_s=seconds) if path is None else open_tape(path)
    except TapeUnreadable as error:
        raise CommandFailed(str(error)) from error
    configuration = _configuration(config, tape)
    log: EventLog = MemoryLog() if out is None else _empty(out)
    session = tape_session(tape.digest, configuration)
    began = time.monotonic()
    place = backtest(tape.facts(), session=session, start=tape.start, configuration=configuration, log=log)
    tested = Tested(
        tape=tape.name,
        session=session,
        seconds=round(time.monotonic() - began, 3),
        head_digest=place.digest,
        simulated=True,
        assumptions=assumptions(configuration),
        statement=statement(log.records() if isinstance(log, MemoryLog) else _records(out)),
    )
    if as_json:
        print(msgspec.json.encode(tested).decode())
        return
    console = Console()
    console.print(f"backtest over {tape.name}: every fill is simulated by the paper exchange's rules", highlight=False)
    show_statement(console, tested.statement)
    for assumption in tested.assumptions:
        console.print(f"assumed: {assumption}", style="dim", highlight=False)


def _configuration(config: Path | None, tape: Tape) -> Configuration:
    if config is None:
        product = tape.product.product
        return Configuration(
            mode="paper",
            products={product: ProductSetting(exchange_id=tape.product.exchange_id)},
            strategies={"baseline": StrategySetting(uses="baseline", product=product)},
        )
    configuration = load(config, os.environ).settings.configuration
    if tape.product.product not in configuration.products:
        raise CommandFailed(
            f"{config}: the tape is of {tape.product.product}, which the file does not name; add "
            f'[products."{tape.product.product}"]',
            Exit.CONFIGURATION,
        )
    return msgspec.structs.replace(configuration, mode="paper")


def _empty(out: Path) -> FileLog:
    log = FileLog.open(out)
    if log.head.seq:
        log.close()
        raise CommandFailed(f"{out}: there is a log already; a backtest writes a new one, name another folder")
    return log


def _records(out: Path | None) -> Iterator[Record]:
    assert out is not None
    return read_records(out)
