"""One strategy over one stream: the session's log, and the same session looked at without a memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache

import msgspec

from actors.behaviour import Seat
from actors.behaviours.strategy import StrategyBehaviour
from actors.seats import STRATEGY_PREFIX
from actors.strategies.loading import load_strategy
from actors.strategies.protocol import DEFAULT_WINDOW, Decision, View
from events.codec import canonical_bytes, encode
from events.configuration import Configuration, MarkSetting, ProductSetting, RiskLimits, StrategySetting
from events.event import Event
from events.log import EventLog, MemoryLog
from events.record import AnyEvent, Record
from events.session import SessionEnded, SessionStarted
from replay.backtest import backtest, code_of, tape_session
from replay.strategy_kit.laws import MEMORY, Fault
from replay.strategy_kit.markets import Stream, tape_of
from replay.tapes import Tape
from replay.tapes.generated import BIP

NAME = "tested"


class Question(msgspec.Struct, frozen=True):
    """A strategy and a stream: all that another process needs to run the same session."""

    strategy: StrategySetting
    stream: Stream


def setting_of(uses: str, options: dict[str, str | int | bool]) -> StrategySetting:
    """The strategy as a configuration names it, on the product of the streams."""
    return StrategySetting(uses=uses, product=BIP.product, options=options)


def configuration_of(strategy: StrategySetting) -> Configuration:
    """A look every second, and limits at their defaults but for the daily loss: every stream is one long bad day."""
    return Configuration(
        mode="paper",
        products={BIP.product: ProductSetting(exchange_id=BIP.exchange_id)},
        marks=MarkSetting(interval_s=1),
        risk=RiskLimits(max_daily_loss_pct=Decimal("0.5")),
        strategies={NAME: strategy},
    )


def run(strategy: StrategySetting, tape: Tape, log: EventLog) -> None:
    """Leave the session in the log."""
    configuration = configuration_of(strategy)
    session, code = tape_session(tape.digest, configuration), _code(strategy.uses)
    backtest(tape.facts(), session=session, start=tape.start, configuration=configuration, log=log, code=code)


@cache
def _code(uses: str) -> str:
    """Once a process: what was imported is what runs, and many sessions are short."""
    return code_of(configuration_of(setting_of(uses, {})))


def digest_of_session(question: Question) -> str:
    """The digest of a session that nobody keeps."""
    log = MemoryLog()
    run(question.strategy, tape_of(question.stream), log)
    return digest_of_records(log.records())


def digest_of_records(records: Iterable[Record]) -> str:
    """Over every byte of a session but what it says of the code: somebody may be writing on it."""
    digest = hashlib.sha256()
    for record in records:
        if isinstance(record.event, SessionEnded):
            ended = msgspec.structs.replace(record.event, code="")
            digest.update(encode(msgspec.structs.replace(record, event=ended)))
        elif not isinstance(record.event, SessionStarted):
            digest.update(encode(record))
    return digest.hexdigest()


class _Forgetful:
    """A strategy that is made anew for each look."""

    def __init__(self, setting: StrategySetting) -> None:
        self._setting = setting
        self.window = int(getattr(load_strategy(setting), "window", DEFAULT_WINDOW))

    def decide(self, view: View) -> Decision:
        return load_strategy(self._setting).decide(view)


def kept_something(strategy: StrategySetting, records: Sequence[Record]) -> Fault | None:
    """The first decision that a strategy without a past does not make: what a restart at that place would change."""
    name = STRATEGY_PREFIX + NAME
    seat = Seat(StrategyBehaviour(NAME, _Forgetful(strategy)))
    recorded: dict[int, list[AnyEvent]] = {}
    for record in records:
        if record.by == name and record.cause is not None:
            recorded.setdefault(record.cause, []).append(record.event)
    for record in records:
        if type(record.event) not in seat.hears:
            continue
        seat.follow(record)
        said = recorded.get(record.seq, [])
        derived = seat.answer(record)
        if not _same(derived, said):
            words = f"it decided {_shown(said)}; made anew for this look it decides {_shown(derived)}"
            return Fault(law=MEMORY, seq=record.seq, said=words)
        seat.take_as_said(said)
    return None


def _same(derived: Sequence[Event], said: Sequence[Event]) -> bool:
    return canonical_bytes(list(derived)) == canonical_bytes(list(said))


def _shown(events: Sequence[Event]) -> str:
    return canonical_bytes(list(events)).decode() if events else "nothing"
