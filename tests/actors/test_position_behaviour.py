"""The position keeper: every change is said; a difference is found, adjusted on evidence, taken back, cleared."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from actors.behaviours.position import PositionBehaviour
from events.event import Event
from events.feeds import ExchangeReconciled
from events.orders import OrderClosed, OrderReported, OrderSubmitted
from events.position import (
    AdjustmentApplied,
    AdjustmentReversed,
    DiscrepancyCleared,
    DiscrepancyFound,
    PositionChanged,
)
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Origin, Side
from tests.streams.desk import MINUTE, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, bought, filled, listed, reported, sold, started

TICK = ClockTicked()
FOUND = DiscrepancyFound(subject="position", product=BIP, ours=D(0), theirs=D(2))
CLEARED = DiscrepancyCleared(subject="position", product=BIP)


def opened() -> Desk:
    desk = Desk(PositionBehaviour())
    desk.hear(started(), listed())
    return desk


def reconciled(desk: Desk) -> ExchangeReconciled:
    return ExchangeReconciled(exchange_at=desk.at)


def submitted(kind: OrderKind = OrderKind.LIMIT_IOC) -> OrderSubmitted:
    return OrderSubmitted(
        order="o-1",
        proposal="p-1",
        strategy="baseline",
        product=BIP,
        side=Side.BUY,
        qty=D(2),
        kind=kind,
        limit_price=D(50_000),
        reduce_only=False,
        expires_at=0,
        reference_price=D(50_000),
    )


def resting() -> OrderReported:
    return OrderReported(
        order="o-1",
        exchange_order="x-1",
        product=BIP,
        side=Side.BUY,
        status=OrderStatus.OPEN,
        kind=OrderKind.LIMIT_GTC,
        qty=D(2),
        filled_qty=D(0),
        filled_value=D(0),
        fees=D(0),
        limit_price=D(50_000),
        exchange_at=0,
    )


def report(
    desk: Desk,
    qty: str,
    *,
    current: str | None = "50000",
    entry_price: str | None = None,
    unrealized: str | None = None,
) -> list[Event]:
    """A pass of the account poller: the exchange's position, then the word that all was asked for."""
    fact = reported(qty, at=desk.at, current_price=current, entry_price=entry_price, unrealized=unrealized)
    said = desk.hear(fact, by="account")
    return said + desk.hear(reconciled(desk), by="account")


def changed(qty: str, cost: str, *, realized: str = "0", fee: str = "0", entry: str | None = None) -> PositionChanged:
    return PositionChanged(
        product=BIP,
        qty=D(qty),
        cost=D(cost),
        entry_price=None if entry is None else D(entry),
        realized=D(realized),
        fee=D(fee),
    )


def test_every_fill_changes_a_position() -> None:
    desk = opened()
    assert desk.hear(bought("2", "50000", at=desk.at, fee="0.4")) == [changed("2", "1000", fee="0.4", entry="50000")]
    assert desk.hear(sold("1", "51000", at=desk.at)) == [changed("1", "500", realized="10", entry="50000")]
    assert desk.hear(sold("1", "49000", at=desk.at)) == [changed("0", "0", realized="-10")]


def test_fills_in_one_turn_are_said_one_by_one() -> None:
    desk = opened()
    said = desk.hear(bought("2", "50000", at=desk.at), sold("2", "51000", at=desk.at))
    assert said == [changed("2", "1000", entry="50000"), changed("0", "0", realized="20")]


def test_a_strangers_fill_is_our_position_too() -> None:
    desk = opened()
    foreign = filled(Side.SELL, "1", "50000", at=desk.at, origin=Origin.FOREIGN)
    assert desk.hear(foreign) == [changed("-1", "-500", entry="50000")]


def test_a_report_that_agrees_needs_no_word() -> None:
    desk = opened()
    desk.hear(bought("2", "50000", at=desk.at))
    assert report(desk, "2") == []


def test_a_difference_is_found_once() -> None:
    desk = opened()
    assert report(desk, "2") == [FOUND]
    desk.at += SECOND
    assert report(desk, "2") == []


def test_another_difference_is_found_anew() -> None:
    desk = opened()
    report(desk, "2")
    desk.at += SECOND
    assert report(desk, "3") == [DiscrepancyFound(subject="position", product=BIP, ours=D(0), theirs=D(3))]


def test_an_explained_difference_clears() -> None:
    desk = opened()
    report(desk, "2")
    assert desk.hear(bought("2", "50000", at=desk.at)) == [changed("2", "1000", entry="50000"), CLEARED]
    desk.at += MINUTE
    assert report(desk, "2") == []


def test_a_difference_that_the_exchange_takes_back_clears() -> None:
    desk = opened()
    report(desk, "2")
    desk.at += SECOND
    assert report(desk, "0") == [CLEARED]


def test_two_reports_ten_seconds_apart_with_fills_asked_for_between_adjust() -> None:
    desk = opened()
    report(desk, "2")
    desk.at += 10 * SECOND
    adjusted, moved, cleared = report(desk, "2", entry_price="49000")
    assert isinstance(adjusted, AdjustmentApplied)
    assert (adjusted.product, adjusted.qty, adjusted.price, adjusted.value) == (BIP, D(2), D(49_000), D(980))
    assert adjusted.evidence == (3, 6)
    assert moved == changed("2", "980", entry="49000")
    assert cleared == CLEARED


def test_evidence_less_than_ten_seconds_apart_adjusts_nothing() -> None:
    desk = opened()
    report(desk, "2")
    desk.at += 9 * SECOND
    assert report(desk, "2") == []


def test_the_same_report_delivered_twice_is_one_report() -> None:
    desk = opened()
    first = reported("2", at=desk.at, current_price="50000")
    desk.hear(first)
    desk.hear(reconciled(desk))
    assert desk.hear(first, reconciled(desk), TICK, after=MINUTE) == []


def test_three_reports_in_one_turn_adjust_once() -> None:
    desk = opened()
    report(desk, "2")
    desk.at += 10 * SECOND
    said = desk.hear(reported("2", at=desk.at, current_price="1"), reported("2", at=desk.at + 1, current_price="1"))
    assert len(of_kind(said, AdjustmentApplied)) == 1


def test_nothing_is_found_while_an_order_of_the_product_is_in_flight() -> None:
    desk = opened()
    desk.hear(submitted())
    assert report(desk, "2") == []
    desk.at += 20 * SECOND
    assert report(desk, "2") == []
    desk.hear(
        OrderClosed(order="o-1", exchange_order="x-1", product=BIP, status=OrderStatus.CANCELLED, filled_qty=D(0))
    )
    desk.at += 20 * SECOND
    assert report(desk, "2") == [FOUND]


def test_while_an_order_rests_a_report_waits_for_the_fills_own_message() -> None:
    desk = opened()
    desk.hear(submitted(OrderKind.LIMIT_GTC), resting())
    assert report(desk, "2") == []
    assert desk.hear(bought("2", "50000", at=desk.at - 1)) == [changed("2", "1000", entry="50000")]
    assert desk.hear(TICK, after=2 * SECOND) == []


def test_a_difference_beside_a_resting_order_is_found_two_seconds_later() -> None:
    desk = opened()
    desk.hear(submitted(OrderKind.LIMIT_GTC), resting())
    report(desk, "2")
    assert desk.hear(TICK, after=SECOND) == []
    assert desk.hear(TICK, after=SECOND) == [FOUND]


def test_a_position_found_at_the_first_sight_is_adopted_at_what_leaves_the_exchanges_equity_as_it_is() -> None:
    desk = Desk(PositionBehaviour())
    desk.hear(started(), listed())
    # long 2 bought at 48,000, settled at 49,000, now 50,000: the exchange shows 20 unrealized since settlement
    assert report(desk, "2", entry_price="48000", unrealized="20") == [FOUND]
    desk.at += MINUTE
    adjusted = report(desk, "2", entry_price="48000", unrealized="20")[0]
    assert isinstance(adjusted, AdjustmentApplied)
    assert (adjusted.qty, adjusted.price, adjusted.value) == (D(2), D(49_000), D(980))


def test_a_position_opened_behind_our_back_later_is_adopted_at_its_entry_price() -> None:
    desk = opened()
    report(desk, "0")
    desk.at += MINUTE
    report(desk, "-3", entry_price="48000", unrealized="20")
    desk.at += MINUTE
    adjusted = report(desk, "-3", entry_price="48000", unrealized="20")[0]
    assert isinstance(adjusted, AdjustmentApplied)
    assert (adjusted.qty, adjusted.price, adjusted.value) == (D(-3), D(48_000), D(-1_440))


def test_a_part_closed_behind_our_back_is_valued_at_the_exchanges_price() -> None:
    desk = opened()
    desk.hear(bought("2", "50000", at=desk.at - 1))
    report(desk, "1", current="51000", entry_price="50000")
    desk.at += MINUTE
    adjusted, moved, _ = report(desk, "1", current="51000", entry_price="50000")
    assert isinstance(adjusted, AdjustmentApplied)
    assert (adjusted.qty, adjusted.value) == (D(-1), D(-510))
    assert moved == changed("1", "500", realized="10", entry="50000")


@pytest.mark.parametrize("contract_size", ["0.01", None])
def test_nothing_is_adjusted_that_has_no_price_or_no_contract_size(contract_size: str | None) -> None:
    desk = Desk(PositionBehaviour())
    desk.hear(started(), listed(contract_size=contract_size))
    current = None if contract_size else "50000"
    report(desk, "2", current=current)
    desk.at += MINUTE
    assert report(desk, "2", current=current) == []


def adopted() -> tuple[Desk, AdjustmentApplied]:
    desk = opened()
    report(desk, "2", entry_price="49000")
    desk.at += MINUTE
    adjusted = report(desk, "2", entry_price="49000")[0]
    assert isinstance(adjusted, AdjustmentApplied)
    return desk, adjusted


def test_a_late_fill_that_explains_an_adjustment_takes_it_back() -> None:
    desk, adjusted = adopted()
    said = desk.hear(bought("2", "49100", at=desk.at - 30 * SECOND))
    assert said == [
        changed("4", "1962", entry="49050"),
        AdjustmentReversed(
            adjustment=adjusted.adjustment, product=BIP, qty=D(-2), price=adjusted.price, value=-adjusted.value
        ),
        changed("2", "982", entry="49100"),
    ]
    desk.at += MINUTE
    assert report(desk, "2") == []


def test_an_adjustment_is_taken_back_once_though_two_fills_explain_it() -> None:
    desk, _ = adopted()
    late = desk.at - 30 * SECOND
    said = desk.hear(bought("1", "49100", at=late), bought("1", "49100", at=late))
    assert len(of_kind(said, AdjustmentReversed)) == 1
    desk.at += MINUTE
    assert report(desk, "2") == []


def test_a_fill_after_the_evidence_takes_nothing_back() -> None:
    desk, _ = adopted()
    assert desk.hear(bought("2", "49100", at=desk.at + 1)) == [changed("4", "1962", entry="49050")]


def test_a_late_fill_of_the_other_side_does_not_explain_an_adjustment() -> None:
    desk, _ = adopted()
    said = desk.hear(sold("1", "49000", at=desk.at - SECOND))
    assert of_kind(said, AdjustmentReversed) == []
    assert said == [changed("1", "490", entry="49000")]
    desk.at += MINUTE
    assert report(desk, "2") == [DiscrepancyFound(subject="position", product=BIP, ours=D(1), theirs=D(2))]


def test_a_part_explained_leaves_the_rest_a_difference_to_be_adjusted_again() -> None:
    desk, _ = adopted()
    desk.hear(bought("1", "49100", at=desk.at - SECOND))
    qty = Decimal(0)
    for _ in range(3):
        desk.at += MINUTE
        for event in of_kind(report(desk, "2", entry_price="49000"), PositionChanged):
            qty = event.qty
    assert qty == D(2)


def test_adjustments_of_several_products_at_one_tick_have_ids_of_their_own() -> None:
    desk = Desk(PositionBehaviour())
    desk.hear(started(), listed("B"), listed("A"))
    for product in ("B", "A"):
        order = replace(submitted(OrderKind.LIMIT_GTC), product=product, order=product)
        rest = replace(resting(), product=product, order=product)
        desk.hear(order, rest)
    for _ in range(2):
        desk.at += MINUTE
        both = [reported("2", at=desk.at, product=product, current_price="5") for product in ("B", "A")]
        desk.hear(*both, reconciled(desk))
        said = desk.hear(TICK, after=3 * SECOND)
    applied = of_kind(said, AdjustmentApplied)
    assert [event.product for event in applied] == ["A", "B"]
    assert applied[0].adjustment != applied[1].adjustment


def test_a_new_session_gathers_its_own_evidence() -> None:
    desk = opened()
    report(desk, "2")
    desk.at += MINUTE
    desk.hear(started(session="s-2"))
    assert report(desk, "2") == []
    desk.at += MINUTE
    assert isinstance(report(desk, "2")[0], AdjustmentApplied)


def test_a_difference_in_cash_is_no_difference_in_position() -> None:
    desk = opened()
    cash = DiscrepancyFound(subject="cash", product=None, ours=D(1), theirs=D(2))
    assert desk.hear(cash, DiscrepancyCleared(subject="cash", product=None), TICK) == []
