"""The laws as they are read from a log: each finds what breaks it, also where a desk in order would not let it."""

from __future__ import annotations

from typing import Any

import pytest

from events.ids import derived_id
from events.orders import Breach, OrderProposed, OrderRefused, OrderSubmitted
from events.record import AnyEvent, Record
from events.risk import KillSwitchReset, KillSwitchThrown
from events.session import ActorFailed, ClockTicked, StopRequested
from events.strategy import DecisionMade, StrategyFailed
from events.terms import Action, OrderKind, Side
from replay.strategy_kit.laws import KILLED, RAISES, REDUCES, SIZES, STOPS, first_fault
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, D, bought, filled, listed, started
from tests.streams.orders import proposed

TICK = ClockTicked()
BUYS = DecisionMade(strategy="s", product=BIP, action=Action.BUY, reason="Up", numbers={}, memory={})


def sent(side: Side, qty: str, *, reduce_only: bool = False, order: str = "o-1") -> OrderSubmitted:
    return OrderSubmitted(
        order=order,
        proposal="p-1",
        strategy="s",
        product=BIP,
        side=side,
        qty=D(qty),
        kind=OrderKind.LIMIT_IOC,
        limit_price=D(50_000),
        reduce_only=reduce_only,
        expires_at=MONDAY,
        reference_price=D(50_000),
    )


def asked(side: Side = Side.BUY, qty: str = "5", *, reduce_only: bool = False) -> OrderProposed:
    return proposed(side, qty, at=MONDAY, reduce_only=reduce_only)


def refused(code: str) -> OrderRefused:
    breach = Breach(code=code, limit="1", value="2", message=f"{code} is broken")
    return OrderRefused(
        proposal=derived_id("s", "strategy:s", 1, 0),
        strategy="s",
        product=BIP,
        side=Side.BUY,
        asked=D(5),
        code=code,
        message=breach.message,
        breaches=(breach,),
    )


def fault_of(*events: AnyEvent) -> tuple[str, int] | None:
    """The law that a log breaks and where; each proposal answers the last tick before it."""
    records, tick = [], 0
    for seq, event in enumerate([started(), listed(BIP), BUYS, *events], 1):
        tick = seq if isinstance(event, ClockTicked) else tick
        cause = tick if isinstance(event, OrderProposed) else None
        records.append(Record(seq=seq, at=MONDAY + seq, by="test", cause=cause, event=event))
    fault = first_fault(records)
    return None if fault is None else (fault.law, fault.seq - 3)


KILL: Any = KillSwitchThrown(reason="test")
RESET: Any = KillSwitchReset(reason="test")


def long(qty: str) -> AnyEvent:
    return bought(qty, "50000", at=MONDAY)


def traded(side: Side, qty: str) -> AnyEvent:
    return filled(side, qty, "50000", at=MONDAY, order="o-2")


def test_a_log_in_order_breaks_nothing() -> None:
    closes = traded(Side.SELL, "5")
    out = sent(Side.SELL, "5", reduce_only=True, order="o-2")
    assert fault_of(TICK, asked(), sent(Side.BUY, "5"), long("5"), TICK, KILL, TICK) is None
    assert (
        fault_of(long("5"), KILL, TICK, asked(Side.SELL, reduce_only=True), out, closes, RESET, TICK, asked()) is None
    )


@pytest.mark.parametrize(
    ("events", "law", "place"),
    [
        ((KILL, TICK, asked()), KILLED, 3),
        ((KILL, sent(Side.BUY, "5")), KILLED, 2),
        ((StopRequested(reason="test"), TICK, asked()), STOPS, 3),
        ((long("5"), StopRequested(reason="test"), TICK, asked(Side.SELL, reduce_only=True)), STOPS, 4),
        ((TICK, asked(Side.SELL, reduce_only=True)), REDUCES, 2),
        ((long("5"), TICK, asked(Side.BUY, reduce_only=True)), REDUCES, 3),
        ((long("5"), TICK, asked(Side.SELL, "6", reduce_only=True)), REDUCES, 3),
        ((long("5"), sent(Side.SELL, "6", reduce_only=True, order="o-2"), traded(Side.SELL, "6")), REDUCES, 3),
        ((long("5"), sent(Side.BUY, "1", reduce_only=True, order="o-2"), traded(Side.BUY, "1")), REDUCES, 3),
        ((TICK, refused("exposure_total")), SIZES, 2),
        ((StrategyFailed(strategy="s", product=BIP, error="E"),), RAISES, 1),
        ((ActorFailed(actor="strategy:s", record=1, error="E"),), RAISES, 1),
    ],
)
def test_what_breaks_a_law_is_found_at_its_record(events: tuple[AnyEvent, ...], law: str, place: int) -> None:
    assert fault_of(*events) == (law, place)


def test_what_was_decided_before_the_kill_or_the_stop_is_no_fault() -> None:
    assert fault_of(TICK, KILL, asked()) is None
    assert fault_of(TICK, StopRequested(reason="test"), asked()) is None


def test_a_refusal_that_says_nothing_of_size_and_anothers_failure_are_not_the_strategys() -> None:
    assert fault_of(TICK, refused("stale_mark"), ActorFailed(actor="marks", record=1, error="E")) is None
