"""A failing stream kept: as a tape, with the configuration to run it again, and the log of the session it gave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from events.configuration import StrategySetting
from events.log import FileLog
from events.money import use_exact_arithmetic
from replay.strategy_kit.markets import tape_of
from replay.strategy_kit.sessions import NAME, run
from replay.strategy_kit.trial import Failure
from replay.tapes import open_tape, record_tape
from replay.tapes.generated import BIP

_CONFIGURATION = """\
# The session that the strategy kit ran: `perptape backtest {tape} --config {config}` runs it again.
mode = "paper"

[products.{product}]
exchange_id = "{exchange_id}"

[strategies.{name}]
uses = {uses}
product = "{product}"
{options}
[marks]
interval_s = 1

[risk]
max_daily_loss_pct = "0.5"
"""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Where it lies: a tape, its configuration, and the folder of its log."""

    tape: Path
    config: Path
    log: Path


def keep(strategy: StrategySetting, failure: Failure, folder: Path) -> Kept:
    """Write all three into a new folder below `folder`."""
    use_exact_arithmetic()
    place = _new(folder, failure.fault.law)
    kept = Kept(tape=place / "tape.jsonl", config=place / "perptape.toml", log=place / "log")
    tape = tape_of(failure.stream)
    record_tape(replace(tape, name=f"{strategy.uses} breaks {failure.fault.law}"), kept.tape)
    kept.config.write_text(_configuration(strategy, kept), encoding="utf-8")
    log = FileLog.open(kept.log)
    try:
        run(strategy, open_tape(kept.tape), log)
    finally:
        log.close()
    return kept


def _new(folder: Path, law: str) -> Path:
    """A folder that is not there yet: raises, then raises-2, raises-3."""
    count = 1
    while True:
        place = folder / (law if count == 1 else f"{law}-{count}")
        if not place.exists():
            place.mkdir(parents=True)
            return place
        count += 1


def _configuration(strategy: StrategySetting, kept: Kept) -> str:
    pairs = ", ".join(f"{name} = {_toml(value)}" for name, value in strategy.options.items())
    return _CONFIGURATION.format(
        tape=kept.tape,
        config=kept.config,
        product=BIP.product,
        exchange_id=BIP.exchange_id,
        name=NAME,
        uses=_toml(strategy.uses),
        options=f"options = {{ {pairs} }}\n" if pairs else "",
    )


def _toml(value: str | int | bool) -> str:
    """JSON's text is TOML's for text, whole numbers and booleans."""
    return msgspec.json.encode(value).decode()
