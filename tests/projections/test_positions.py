"""Positions by cost: increase, reduce, close, flip, and adjustments taken back."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from events.orders import OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import AnyEvent, Record
from projections.notional import notional
from projections.positions import Effect, Position, Positions
from tests.streams.facts import BIP, D, bought, listed, sold


def folded(*events: AnyEvent) -> Positions:
    positions = Positions()
    for seq, event in enumerate((listed(), *events), 1):
        positions.fold(Record(seq=seq, at=1_000 + seq, by="orders", event=event))
    return positions


def after(*events: AnyEvent) -> Position:
    return folded(*events).of(BIP)


def adjusted(qty: str, price: str, *, adjustment: str = "a-1") -> AdjustmentApplied:
    value = notional(D(qty), contract_size=D("0.01"), price=D(price))
    return AdjustmentApplied(
        adjustment=adjustment, product=BIP, qty=D(qty), price=D(price), value=value, evidence=(1, 2)
    )


def reversed_(applied: AdjustmentApplied) -> AdjustmentReversed:
    return AdjustmentReversed(
        adjustment=applied.adjustment,
        product=applied.product,
        qty=-applied.qty,
        price=applied.price,
        value=-applied.value,
    )


def test_an_increase_adds_its_value_to_the_cost() -> None:
    position = after(bought("2", "50000", at=1), bought("1", "53000", at=2))
    assert (position.qty, position.cost, position.realized) == (D(3), D(1_530), D(0))
    assert position.entry_price == D(51_000)


def test_a_short_costs_less_than_nothing() -> None:
    position = after(sold("2", "50000", at=1))
    assert (position.qty, position.cost, position.side) == (D(-2), D(-1_000), "short")
    assert position.entry_price == D(50_000)


def test_a_partial_close_takes_its_share_of_the_cost_and_realizes_the_rest() -> None:
    position = after(bought("2", "50000", at=1), sold("1", "51000", at=2))
    assert (position.qty, position.cost, position.realized) == (D(1), D(500), D(10))


def test_a_partial_close_of_a_short_realizes_the_fall() -> None:
    position = after(sold("4", "50000", at=1), bought("1", "49000", at=2))
    assert (position.qty, position.cost, position.realized) == (D(-3), D(-1_500), D(10))


def test_what_a_share_was_rounded_by_stays_in_the_cost() -> None:
    position = after(bought("3", "100", at=1), bought("4", "101", at=2), sold("2", "200", at=3), sold("5", "200", at=4))
    assert (position.qty, position.cost) == (D(0), D(0))
    assert position.realized == D(14) - D("3.00") - D("4.04")  # to the last digit, though 7.04 x 2/7 is no decimal


def test_a_rounded_share_has_18_decimals() -> None:
    position = after(bought("7", "100", at=1), sold("1", "200", at=2), bought("1", "101", at=3), sold("3", "90", at=4))
    exponent = position.cost.as_tuple().exponent
    assert isinstance(exponent, int)
    assert exponent >= -18


def test_a_close_leaves_neither_cost_nor_entry() -> None:
    position = after(bought("2", "50000", at=1), sold("2", "49000", at=2))
    assert (position.qty, position.cost, position.realized) == (D(0), D(0), D(-20))
    assert position.entry_price is None
    assert position.opened_at is None
    assert position.side == "flat"


def test_a_flip_closes_what_is_held_and_opens_the_rest_at_the_fills_price() -> None:
    position = after(bought("1", "50000", at=1), sold("3", "51000", at=2))
    assert (position.qty, position.cost, position.realized) == (D(-2), D(-1_020), D(10))
    assert position.entry_price == D(51_000)
    assert position.opened_at == 2


def test_a_flip_from_short_to_long() -> None:
    position = after(sold("1", "50000", at=1), bought("2", "51000", at=2))
    assert (position.qty, position.cost, position.realized) == (D(1), D(510), D(-10))


def test_a_flip_whose_value_does_not_divide_loses_nothing() -> None:
    third = OrderFilled(
        **{f: getattr(sold("3", "1", at=2), f) for f in OrderFilled.__struct_fields__ if f != "value"}, value=D(100)
    )
    position = after(bought("1", "5000", at=1), third)
    assert position.realized - position.cost == D(100) - D(50)  # cash in less cash out
    assert position.cost == -D("66.666666666666666667")


def test_fees_stand_apart_from_what_was_realized() -> None:
    position = after(bought("2", "50000", at=1, fee="0.4"), sold("2", "51000", at=2, fee="0.5"))
    assert (position.realized, position.fees) == (D(20), D("0.9"))


def test_a_rebate_is_a_negative_fee() -> None:
    assert after(bought("2", "50000", at=1, fee="-0.1")).fees == D("-0.1")


def test_a_position_is_as_old_as_the_fill_that_opened_it() -> None:
    assert after(bought("2", "50000", at=7), bought("1", "50000", at=9), sold("1", "1", at=11)).opened_at == 7
    reopened = after(bought("2", "50000", at=7), sold("2", "50000", at=9), bought("1", "50000", at=11))
    assert reopened.opened_at == 11
    assert reopened.changed_at == 11


def test_the_latest_change_is_kept_for_whoever_shows_it() -> None:
    position = after(bought("2", "50000", at=1, fee="0.4"), sold("1", "51000", at=2, fee="0.2"))
    assert (position.change_realized, position.change_fee) == (D(10), D("0.2"))


def test_a_product_never_seen_is_flat() -> None:
    positions = folded()
    assert positions.of("ETP").qty == D(0)
    assert positions.of("ETP").product == "ETP"
    assert positions.open() == []


def test_no_entry_price_is_shown_without_a_contract_size() -> None:
    positions = Positions()
    positions.fold(Record(seq=1, at=1, by="orders", event=bought("1", "50000", at=1)))
    assert positions.of(BIP).entry_price is None


def test_an_adjustment_moves_the_position_at_its_own_value() -> None:
    position = after(bought("2", "50000", at=1), adjusted("-1", "51000"))
    assert (position.qty, position.cost, position.realized) == (D(1), D(500), D(10))


def test_an_adjustment_taken_back_leaves_no_trace() -> None:
    applied = adjusted("-1", "51000")
    late = sold("1", "51100", at=3)
    with_detour = after(bought("2", "50000", at=1), applied, late, reversed_(applied))
    straight = after(bought("2", "50000", at=1), late)
    assert (with_detour.qty, with_detour.cost, with_detour.realized) == (straight.qty, straight.cost, straight.realized)


def test_an_adoption_taken_back_leaves_no_trace() -> None:
    applied = adjusted("3", "51000")
    late = bought("3", "50500", at=3)
    with_detour = after(applied, late, reversed_(applied))
    assert (with_detour.qty, with_detour.cost, with_detour.realized) == (D(3), D(1_515), D(0))


def test_an_adjustment_is_taken_back_once() -> None:
    applied = adjusted("3", "51000")
    assert after(applied, reversed_(applied), reversed_(applied)).qty == D(0)


@pytest.mark.parametrize("others", [("-3",), ("-5",), ("2", "-6"), ("-2", "-2", "4")])
def test_whatever_happened_in_between_taking_back_keeps_cash_and_gains_together(others: tuple[str, ...]) -> None:
    applied = adjusted("3", "51000")
    fills = [bought(qty, "50000", at=5) if D(qty) > 0 else sold(str(-D(qty)), "50000", at=5) for qty in others]
    position = after(applied, *fills, reversed_(applied))
    traded = sum((fill.value * fill.side.sign for fill in fills), D(0))
    assert position.qty == sum(map(Decimal, others))
    assert position.cost - position.realized == traded
    assert position.cost == 0 or (position.cost > 0) is (position.qty > 0)


def test_totals_are_over_all_products() -> None:
    positions = folded(
        bought("2", "50000", at=1, fee="1"),
        sold("2", "51000", at=2, fee="1"),
        bought("1", "100", at=1, product="ONE", contract_size="1", fee="2"),
        sold("1", "90", at=2, product="ONE", contract_size="1"),
    )
    assert positions.realized == D(10)
    assert positions.fees == D(4)


@pytest.mark.parametrize("fills", [(), (bought("2", "50000", at=1),), (sold("2", "50000", at=1),)])
def test_a_correction_without_a_quantity_is_realized_and_opens_nothing(fills: tuple[OrderFilled, ...]) -> None:
    before = after(*fills)
    correction = msgspec.structs.replace(sold("0", "1", at=2, fee="-0.10"), value=D("-3"))
    position = after(*fills, correction)
    assert (position.qty, position.cost, position.opened_at) == (before.qty, before.cost, before.opened_at)
    assert (position.realized - before.realized, position.fees) == (D(-3), D("-0.10"))


class TestWhatIsTakenBack:
    """An adjustment that turns out wrong is undone; when the position began is kept right."""

    def position(self, *, qty: str, cost: str, opened_at: int | None = 1) -> Position:
        return Position(product=BIP, qty=D(qty), cost=D(cost), contract_size=D("0.01"), opened_at=opened_at)

    def test_what_is_left_keeps_its_beginning(self) -> None:
        held = self.position(qty="5", cost="2500")
        held.take_back(Effect(qty=D(2), cost=D(1_000), realized=D(0)), at=9)
        assert (held.qty, held.cost, held.opened_at, held.changed_at) == (D(3), D(1_500), 1, 9)

    def test_nothing_left_has_no_beginning_and_realizes_what_cost_is_left(self) -> None:
        held = self.position(qty="2", cost="1010")
        held.take_back(Effect(qty=D(2), cost=D(1_000), realized=D(3)), at=9)
        assert (held.qty, held.cost, held.opened_at) == (D(0), D(0), None)
        assert (held.realized, held.change_realized) == (D(-13), D(-13))

    def test_a_position_out_of_none_or_on_the_other_side_begins_anew(self) -> None:
        flat = self.position(qty="0", cost="0", opened_at=None)
        flat.take_back(Effect(qty=D(-1), cost=D(-500), realized=D(0)), at=9)
        assert (flat.qty, flat.cost, flat.opened_at) == (D(1), D(500), 9)
        turned = self.position(qty="1", cost="500")
        turned.take_back(Effect(qty=D(3), cost=D(1_500), realized=D(0)), at=9)
        assert (turned.qty, turned.cost, turned.opened_at) == (D(-2), D(-1_000), 9)

    def test_a_cost_on_the_wrong_side_is_realized(self) -> None:
        held = self.position(qty="3", cost="100")
        held.take_back(Effect(qty=D(1), cost=D(600), realized=D(0)), at=9)
        assert (held.qty, held.cost, held.realized, held.opened_at) == (D(2), D(0), D(500), 1)
