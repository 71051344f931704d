"""Halts: entries wait before and after, what rests and could increase goes, exits stay (trading rules A16)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.catalog import ProductListed
from events.configuration import HaltSetting, RiskLimits
from events.event import Event
from events.feeds import ExchangeReconciled
from events.market import MarkUpdated, MarkWentStale
from events.orders import CancelAllOrdered, CancelSubmitted, OrderApproved, OrderRefused, OrderSubmitted
from events.risk import HaltNeared, HaltPassed
from events.session import ClockTicked
from events.terms import MarkSource, OrderKind, Side
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, ONE, D, listed
from tests.streams.orders import marked, order_reported, position_of, proposed, with_limits

#: Friday 2026-11-06, 17:00 in New York: five hours behind UTC.
HALT = MONDAY + 4 * 24 * HOUR + 22 * HOUR
TICK = ClockTicked()


def opened(at: int, product: ProductListed | None = None, halts: HaltSetting | None = None) -> Desk:
    """A desk on BIP with everything known, `at` some time."""
    desk = Desk(OrdersBehaviour(), RiskBehaviour(), at=at)
    more: dict[str, Any] = {} if halts is None else {"halts": halts}
    desk.hear(with_limits(RiskLimits(), equity="1000000", **more), by="session")
    desk.hear(product or listed(), listed(ONE, contract_size="1"))
    desk.hear(marked("50000", at=at), marked("50000", at=at, product=ONE), by="marks")
    desk.hear(ExchangeReconciled(exchange_at=at), by="account")
    return desk


def ask(desk: Desk, side: Side = Side.BUY, qty: str = "5", **what: Any) -> list[Event]:
    return desk.hear(proposed(side, qty, at=desk.at, **what), by="strategy:baseline")


def codes(desk: Desk, *args: Any, **what: Any) -> list[str]:
    """Why an order is refused; nothing when it is approved."""
    said = ask(desk, *args, **what)
    return [breach.code for refused in of_kind(said, OrderRefused) for breach in refused.breaches]


def minutes(desk: Desk, count: int) -> list[Event]:
    """Ticks once a minute, from the next one on."""
    return [event for _ in range(count) for event in desk.hear(TICK, by="clock", after=MINUTE)]


def test_five_minutes_before_the_weekly_halt_no_entry_passes_and_exits_do() -> None:
    desk = opened(HALT - 5 * MINUTE - SECOND)
    assert codes(desk) == []
    desk.hear(position_of("5", product=ONE, contract_size="1"), by="orders")
    desk.at += SECOND
    refused = of_kind(ask(desk, product=ONE, qty="1"), OrderRefused)[0]
    assert refused.message == "Entries in ONE wait: weekly halt (fri 17:00-18:00 in New York)"
    assert of_kind(ask(desk, Side.SELL, "5", product=ONE, reduce_only=True), OrderApproved)


def test_before_a_halt_what_rests_and_could_increase_is_cancelled_and_an_exit_stays() -> None:
    desk = opened(HALT - 6 * MINUTE)
    desk.hear(position_of("5"), by="orders")
    resting = {}
    for side, price in ((Side.BUY, "49000"), (Side.SELL, "60000")):
        said = ask(desk, side, "5", kind=OrderKind.LIMIT_GTC, limit_price=price, reduce_only=side is Side.SELL)
        resting[side] = of_kind(said, OrderSubmitted)[0].order
        desk.hear(order_reported(resting[side], side=side, kind=OrderKind.LIMIT_GTC, limit_price=price), by="user")
    assert of_kind(desk.hear(TICK, by="clock"), HaltNeared) == []
    said = desk.hear(TICK, by="clock", after=MINUTE)
    assert {event.product for event in of_kind(said, HaltNeared)} == {BIP, ONE}
    assert of_kind(said, HaltNeared)[0] == HaltNeared(
        product=BIP, starts_at=HALT, ends_at=HALT + HOUR, reason="weekly halt (fri 17:00-18:00 in New York)"
    )
    assert CancelAllOrdered(product=BIP, reason="weekly halt (fri 17:00-18:00 in New York)") in said
    assert [cancel.order for cancel in of_kind(said, CancelSubmitted)] == [resting[Side.BUY]]
    again = desk.hear(TICK, by="clock", after=6 * SECOND)
    assert of_kind(again, HaltNeared) == []
    assert [cancel.order for cancel in of_kind(again, CancelSubmitted)] == [resting[Side.BUY]], "until it is confirmed"


def test_after_the_open_entries_wait_for_two_samples_of_a_whole_book() -> None:
    desk = opened(HALT - MINUTE)
    minutes(desk, 60)
    desk.hear(TICK, by="clock", after=MINUTE - SECOND)
    assert desk.at == HALT + HOUR - SECOND
    assert codes(desk) == ["halt"]
    minutes(desk, 2)  # the mark at the open may be that of before the halt
    assert of_kind(ask(desk), OrderRefused)[0].message == (
        f"Entries in {BIP} wait: 1 of 2 samples of a whole book since the halt"
    )
    passed = of_kind(minutes(desk, 1), HaltPassed)
    assert passed == [HaltPassed(product=BIP, samples=2), HaltPassed(product=ONE, samples=2)]
    assert codes(desk) == []
    assert of_kind(minutes(desk, 3), HaltPassed) == []


def test_a_sample_without_a_whole_book_begins_the_count_anew() -> None:
    desk = opened(HALT + HOUR - SECOND)
    desk.hear(TICK, by="clock")
    minutes(desk, 2)
    alone = MarkUpdated(product=BIP, price=D(50_000), source=MarkSource.TRADE, exchange_at=desk.at)
    desk.hear(alone, by="marks")
    minutes(desk, 1)
    desk.hear(marked("50000", at=desk.at), by="marks")
    minutes(desk, 1)
    assert codes(desk) == ["halt"]
    desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="lost"), by="marks")
    minutes(desk, 1)
    desk.hear(marked("50000", at=desk.at), by="marks")
    minutes(desk, 1)
    assert codes(desk) == ["halt"]
    minutes(desk, 1)
    assert codes(desk) == []


def test_where_there_never_was_a_book_marks_of_trades_will_do() -> None:
    desk = Desk(OrdersBehaviour(), RiskBehaviour(), at=HALT + HOUR - SECOND)
    desk.hear(with_limits(RiskLimits()), by="session")
    desk.hear(listed(), MarkUpdated(product=BIP, price=D(50_000), source=MarkSource.TRADE, exchange_at=desk.at))
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    desk.hear(TICK, by="clock")
    assert len(of_kind(minutes(desk, 3), HaltPassed)) == 1
    assert codes(desk, qty="1") == []


def test_a_maintenance_that_was_announced_is_a_halt() -> None:
    start = MONDAY + 12 * HOUR
    times = {"maintenance_starts_at": start, "maintenance_ends_at": start + 3 * HOUR}
    desk = opened(start - 5 * MINUTE, msgspec.structs.replace(listed(), **times))
    (neared,) = of_kind(desk.hear(TICK, by="clock"), HaltNeared)
    assert (neared.product, neared.ends_at, neared.reason) == (BIP, start + 3 * HOUR, "maintenance")
    assert codes(desk) == ["halt"]
    assert codes(desk, product=ONE, qty="1") == []


def test_a_halt_that_is_called_off_before_it_begins_lets_entries_pass_at_once() -> None:
    start = MONDAY + 12 * HOUR
    desk = opened(start - 5 * MINUTE, msgspec.structs.replace(listed(), maintenance_starts_at=start))
    desk.hear(TICK, by="clock")
    desk.hear(listed())
    assert of_kind(desk.hear(TICK, by="clock", after=SECOND), HaltPassed) == [HaltPassed(product=BIP, samples=0)]
    assert codes(desk) == []


def test_a_product_that_does_not_trade_round_the_clock_stops_at_its_close() -> None:
    close = MONDAY + 21 * HOUR
    desk = opened(close - 5 * MINUTE, msgspec.structs.replace(listed(), closes_at=close))
    assert of_kind(desk.hear(TICK, by="clock"), HaltNeared) == [
        HaltNeared(product=BIP, starts_at=close, ends_at=None, reason="the session closes")
    ]


def test_a_session_that_is_closed_without_a_word_is_a_halt_until_it_was_open_for_two_samples() -> None:
    desk = opened(MONDAY + HOUR)
    desk.hear(listed(session_open=False, exchange_at=desk.at))
    (neared,) = of_kind(desk.hear(TICK, by="clock"), HaltNeared)
    assert (neared.ends_at, neared.reason) == (None, "the session is closed")
    assert codes(desk) == ["session_closed", "halt"]
    desk.hear(listed())
    minutes(desk, 2)
    assert codes(desk) == ["halt"]
    minutes(desk, 1)
    assert codes(desk) == []


@pytest.mark.parametrize("venue", ["INTX", "SPOT"])
def test_the_weekly_halt_is_that_of_the_us_futures_alone(venue: str) -> None:
    desk = opened(HALT, msgspec.structs.replace(listed(), venue=venue))
    assert {event.product for event in of_kind(desk.hear(TICK, by="clock"), HaltNeared)} == {ONE}
    assert codes(desk) == []


def test_how_long_before_and_how_many_samples_after_are_settings() -> None:
    halts = HaltSetting(lead_s=60, samples_after=1, weekly_new_york=("sun 19:00-19:30",))
    start = MONDAY  # Sunday 19:00 in New York
    desk = opened(start - MINUTE - SECOND, halts=halts)
    assert codes(desk) == []
    desk.at += SECOND
    assert codes(desk) == ["halt"]
    minutes(desk, 31)
    assert codes(desk) == ["halt"]
    assert len(of_kind(minutes(desk, 1), HaltPassed)) == 2
