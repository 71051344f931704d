"""What must hold of every session that a strategy trades, read from its log alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from actors.seats import STRATEGY_PREFIX
from events.event import Event
from events.money import ZERO
from events.orders import OrderFilled, OrderProposed, OrderRefused, OrderSubmitted
from events.record import Record
from events.risk import KillSwitchReset, KillSwitchThrown
from events.session import ActorFailed, ClockTicked, StopRequested
from events.strategy import DecisionMade, StrategyFailed
from projections.account import Account

RAISES, SIZES, REDUCES, KILLED, STOPS = "raises", "sizes", "reduces", "killed", "stops"
DETERMINISTIC, MEMORY = "deterministic", "memory"
#: Every law, in words. What a log alone can tell is read here; the rest takes another run.
LAWS = {
    RAISES: "decide() never raises, and what it returns can be written and read again",
    SIZES: "no size breaks a limit: what is asked for fits the room",
    REDUCES: "an order that should only reduce does, and never flips the position",
    KILLED: "no increase is asked for behind a kill switch",
    STOPS: "nothing is asked for behind a stop",
    DETERMINISTIC: "the same stream gives the same decisions, in a fresh process too",
    MEMORY: "nothing is kept between looks but Decision.memory",
}

#: Refusals that speak of a size: a strategy knows its room, and the desk sizes into it, so they never come.
_SIZE_CODES = frozenset(
    {
        "leverage_global",
        "leverage_symbol",
        "leverage_order",
        "leverage_margin",
        "margin_buffer",
        "max_notional",
        "exposure_symbol",
        "exposure_total",
        "liquidation_projection",
        "max_order_qty",
        "min_size",
    }
)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A law that does not hold: which, at which record, and how."""

    law: str
    seq: int
    said: str


def first_fault(records: Sequence[Record]) -> Fault | None:
    """The first place where one of the laws does not hold. The money context must be in force."""
    reader = _Reader()
    for record in records:
        if said := reader.take(record):
            law, sentence = said
            return Fault(law=law, seq=record.seq, said=sentence)
    return None


_Said = tuple[str, str] | None


class _Reader:
    """Reads a log once, with what was held and said so far."""

    def __init__(self) -> None:
        self._account = Account()
        self._held_at: dict[int, Decimal] = {}  # by the seq of the tick that a strategy answers
        self._reducing: set[str] = set()  # orders that were submitted as reduce-only
        self._killed_at: int | None = None
        self._stopped_at: int | None = None
        self._product = ""

    def take(self, record: Record) -> _Said:
        event = record.event
        kind = type(event)
        before = self._held()
        if kind in Account.hears:
            self._account.fold(record)
        check = _CHECKS.get(kind)
        return None if check is None else check(self, record, before)

    def _held(self) -> Decimal:
        return self._account.portfolio.positions.of(self._product).qty if self._product else ZERO

    def _tick(self, record: Record, _before: Decimal) -> _Said:
        self._held_at = {record.seq: self._account.held(self._product) if self._product else ZERO}
        return None

    def _decided(self, record: Record, _before: Decimal) -> _Said:
        event = record.event
        assert isinstance(event, DecisionMade)
        self._product = event.product
        return None

    def _proposed(self, record: Record, _before: Decimal) -> _Said:
        event = record.event
        assert isinstance(event, OrderProposed)
        cause = record.cause or 0
        if self._stopped_at is not None and cause > self._stopped_at:
            return STOPS, f"{_order(event)} was asked for behind the stop at record {self._stopped_at}"
        if not event.reduce_only:
            if self._killed_at is not None and cause > self._killed_at:
                sentence = f"behind the kill at record {self._killed_at}: look at view.is_killed"
                return KILLED, f"{_order(event)} was asked for {sentence}"
            return None
        held = self._held_at.get(cause, ZERO)
        if held * event.side.sign >= 0 or event.qty > abs(held):
            return REDUCES, f"{_order(event)}, reduce-only, was asked for while {held} was held"
        return None

    def _submitted(self, record: Record, _before: Decimal) -> _Said:
        event = record.event
        assert isinstance(event, OrderSubmitted)
        if event.reduce_only:
            self._reducing.add(event.order)
        elif self._killed_at is not None:
            return KILLED, f"{_order(event)} was sent behind the kill at record {self._killed_at}"
        return None

    def _filled(self, record: Record, before: Decimal) -> _Said:
        event = record.event
        assert isinstance(event, OrderFilled)
        now = self._held()
        if event.order in self._reducing and (before * now < 0 or abs(now) > abs(before)):
            return REDUCES, f"a reduce-only order took the position from {before} to {now}"
        return None

    def _refused(self, record: Record, _before: Decimal) -> _Said:
        event = record.event
        assert isinstance(event, OrderRefused)
        for breach in event.breaches:
            if breach.code in _SIZE_CODES:
                return SIZES, breach.message
        return None

    def _failed(self, record: Record, _before: Decimal) -> _Said:
        event = record.event
        assert isinstance(event, StrategyFailed)
        return RAISES, f"decide() raised {event.error}"

    def _broke(self, record: Record, _before: Decimal) -> _Said:
        event = record.event
        assert isinstance(event, ActorFailed)
        if event.actor.startswith(STRATEGY_PREFIX):
            return RAISES, f"its decision cannot be carried out: {event.error}"
        return None

    def _kill(self, record: Record, _before: Decimal) -> _Said:
        self._killed_at = record.seq if isinstance(record.event, KillSwitchThrown) else None
        return None

    def _stop(self, record: Record, _before: Decimal) -> _Said:
        self._stopped_at = record.seq
        return None


_CHECKS: dict[type[Event], Callable[[_Reader, Record, Decimal], _Said]] = {
    ClockTicked: _Reader._tick,
    DecisionMade: _Reader._decided,
    OrderProposed: _Reader._proposed,
    OrderSubmitted: _Reader._submitted,
    OrderFilled: _Reader._filled,
    OrderRefused: _Reader._refused,
    StrategyFailed: _Reader._failed,
    ActorFailed: _Reader._broke,
    KillSwitchThrown: _Reader._kill,
    KillSwitchReset: _Reader._kill,
    StopRequested: _Reader._stop,
}


def _order(event: OrderProposed | OrderSubmitted) -> str:
    return f"an order to {event.side} {event.qty} {event.product}"
