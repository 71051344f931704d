"""Exposure and room: what a product can come to, and how far it may still grow."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.configuration import RiskLimits
from events.record import AnyEvent, Record
from events.terms import Side
from projections.account import Account
from projections.bounds import Bound, Room, bounds, others, room
from projections.exposure import Charges, Exposure, Pending
from projections.pricing import exit_band_bps, guard_price, limit_on_grid
from projections.sizing import quantity_of
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, ONE, listed
from tests.streams.orders import marked, order_reported, position_of, with_limits

D = Decimal


def exposure(held: str = "0", *orders: tuple[Side, str, str | None], price: str = "100") -> Exposure:
    pending = [Pending(side=side, qty=D(qty), price=None if at is None else D(at)) for side, qty, at in orders]
    base = Exposure(product=BIP, contract_size=D("0.01"), price=D(price), held=D(held))
    return base.with_all(pending)


def account(limits: RiskLimits, *events: AnyEvent, equity: str = "10000") -> Account:
    folded = Account()
    facts = (with_limits(limits, equity=equity), listed(BIP), listed(ONE, contract_size="1"), *events)
    for seq, event in enumerate(facts, 1):
        folded.fold(Record(seq=seq, at=MONDAY, by="test", event=event))
    return folded


@pytest.mark.parametrize(
    ("held", "orders", "worst"),
    [
        ("0", [], "0"),
        ("2", [], "2"),
        ("-2", [], "2"),
        ("2", [(Side.BUY, "3", None), (Side.SELL, "4", None)], "5"),
        ("2", [(Side.BUY, "1", None), (Side.SELL, "9", None)], "7"),
        ("-2", [(Side.BUY, "1", None)], "2"),
        ("-2", [(Side.BUY, "5", None)], "3"),
    ],
)
def test_the_worst_side_counts(held: str, orders: list[tuple[Side, str, str | None]], worst: str) -> None:
    assert exposure(held, *orders).notional == D(worst)  # at 100, a contract of 0.01 is worth 1


def test_a_side_is_counted_at_its_highest_limit_or_the_mark() -> None:
    orders = [(Side.BUY, "1", "110"), (Side.BUY, "1", "90"), (Side.SELL, "4", "95")]
    mixed = exposure("0", *orders)
    assert (mixed.worth(Side.BUY), mixed.worth(Side.SELL)) == (D("2.2"), D(4))


@given(
    held=st.integers(-20, 20),
    orders=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 20)), max_size=6),
    chosen=st.sets(st.integers(0, 5)),
)
def test_no_outcome_of_the_open_orders_is_worse_than_the_exposure(
    held: int, orders: list[tuple[Side, int]], chosen: set[int]
) -> None:
    outcome = held + sum(side.sign * qty for i, (side, qty) in enumerate(orders) if i in chosen)
    worst = exposure(str(held), *((side, str(qty), None) for side, qty in orders))
    assert abs(outcome) <= worst.notional


@pytest.mark.parametrize(
    ("held", "orders", "side", "left"),
    [
        ("5", [], Side.SELL, "5"),
        ("5", [], Side.BUY, "0"),
        ("-5", [], Side.BUY, "5"),
        ("5", [(Side.SELL, "3", None)], Side.SELL, "2"),
        ("5", [(Side.SELL, "8", None)], Side.SELL, "0"),
        ("5", [(Side.BUY, "8", None)], Side.SELL, "5"),
        ("0", [(Side.BUY, "8", None)], Side.SELL, "0"),
    ],
)
def test_what_can_still_be_reduced_is_the_position_less_what_reduces_it_already(
    held: str, orders: list[tuple[Side, str, str | None]], side: Side, left: str
) -> None:
    assert exposure(held, *orders).reducible(side) == D(left)


class TestRoom:
    def at(self, limits: RiskLimits, *events: AnyEvent, price: str = "50000", side: Side = Side.BUY) -> Room:
        return room(account(limits, marked("50000"), *events), BIP, side, price=D(price), at=MONDAY)

    def test_the_tightest_limit_binds_and_is_named(self) -> None:
        assert self.at(RiskLimits()) == Room(notional=D("2000.00"), limit="max_position_pct_per_symbol")
        small = RiskLimits(max_notional_per_symbol={BIP: D(300)})
        assert self.at(small) == Room(notional=D("300.00"), limit="max_notional_per_symbol")
        few = RiskLimits(max_order_qty=D(2))
        assert self.at(few) == Room(notional=D("1000.00"), limit="max_order_qty")
        cheap = RiskLimits(max_order_qty=D(2), max_order_notional=D(700))
        assert self.at(cheap) == Room(notional=D("700.00"), limit="max_order_notional")

    def test_fees_come_off_the_room_that_margin_leaves(self) -> None:
        margin_binds = RiskLimits(
            max_position_pct_per_symbol=D(9), max_exposure_pct=D(9), min_liquidation_buffer_pct=D(0)
        )
        left = self.at(margin_binds)  # 10,000 / (1/5 + 0.0008), to a cent below
        assert left == Room(notional=D("49800.79"), limit="min_liquidation_buffer_pct")

    def test_a_position_and_open_orders_take_their_part(self) -> None:
        held = position_of("1")
        assert self.at(RiskLimits(), held).notional == D("2000.00") - 500
        resting = order_reported("o", qty="1", limit_price="50000")
        assert self.at(RiskLimits(), held, resting).notional == D("2000.00") - 1_000

    def test_other_products_take_from_what_all_may_come_to(self) -> None:
        other = position_of("0.15", product=ONE, contract_size="1")
        left = self.at(RiskLimits(max_position_pct_per_symbol=D(1)), marked("50000", product=ONE), other)
        assert left == Room(notional=D("500.00"), limit="max_exposure_pct")

    def test_there_is_no_room_without_a_price_or_beyond_a_limit(self) -> None:
        nothing = account(RiskLimits())
        assert room(nothing, "?", Side.BUY, price=D(1), at=MONDAY).notional == D(0)
        assert self.at(RiskLimits(), position_of("9")) == Room(notional=D(0), limit="max_position_pct_per_symbol")

    @given(
        held=st.integers(-6, 6),
        side=st.sampled_from(Side),
        position_pct=st.integers(1, 40),
        exposure_pct=st.integers(1, 40),
        buffer=st.integers(0, 90),
        leverage=st.integers(1, 30),
    )
    def test_what_fits_the_room_fits_every_limit_and_a_contract_more_does_not(
        self, held: int, side: Side, position_pct: int, exposure_pct: int, buffer: int, leverage: int
    ) -> None:
        limits = RiskLimits(
            max_position_pct_per_symbol=D(position_pct) / 10,
            max_exposure_pct=D(exposure_pct) / 10,
            min_liquidation_buffer_pct=D(buffer) / 100,
            leverage_max_global=D(leverage) / 10,
        )
        now = account(limits, marked("50000"), position_of(str(held))) if held else account(limits, marked("50000"))
        rules, before = now.catalog.rules(BIP), now.exposure(BIP)
        assert rules is not None
        assert before is not None
        left = room(now, BIP, side, price=D(50_000), at=MONDAY)
        other, equity = others(now, BIP, (), at=MONDAY), now.equity()
        assert other is not None
        assert equity is not None
        load = before.load(side)

        def fits(qty: Decimal) -> bool:
            after = before.plus(Pending(side=side, qty=qty, price=D(50_000)))
            lines = bounds(now, rules, side, equity=equity, other=other, at=MONDAY, reserved=after.reserved)
            return all(line.holds((load + qty) * 500) for line in lines)

        most = quantity_of(left.notional, rules, price=D(50_000))
        if left.notional:
            assert fits(most)
        assert not fits(most + 1)


def test_a_bound_says_what_is_left_and_only_one_of_cash_pays_for_the_order() -> None:
    third = Bound(code="c", limit="l", cap=D(1), slope=D(3), budget=D(100))
    assert third.left(D(20), D("0.5")) == (D(40), D(3))
    assert msgspec.structs.replace(third, is_cash=True).left(D(20), D("0.5")) == (D(40), D("3.5"))


class TestCosts:
    def test_an_order_costs_its_fee_and_what_its_limit_gives_away(self) -> None:
        charges = Charges(rate=D("0.0008"), per_contract=D("0.1"), allowance_bps=D(50))
        now = Exposure(product=BIP, contract_size=D("0.01"), price=D(50_000), held=D(0), charges=charges)
        three: dict[str, Any] = {"qty": D(3), "price": D(50_250)}
        assert now.cost_of(Pending(side=Side.BUY, **three)) == D("1.206") + D("0.3") + D("7.50")
        assert now.cost_of(Pending(side=Side.SELL, **three)) == D("1.206") + D("0.3")
        assert now.cost_of(Pending(side=Side.SELL, qty=D(3), price=D(49_750))) == D("1.194") + D("0.3") + D("7.50")
        any_price = Pending(side=Side.BUY, qty=D(3), price=D(50_000), takes_any_price=True)
        assert now.cost_of(any_price) == D("1.2") + D("0.3") + D("7.5")

    def test_costs_of_both_sides_are_reserved_and_none_is_guessed_without_a_mark(self) -> None:
        charges = Charges(rate=D("0.001"))
        now = Exposure(product=BIP, contract_size=D("0.01"), price=D(100), held=D(2), charges=charges)
        both = now.with_all([Pending(side=side, qty=D(5), price=D(100)) for side in Side])
        assert both.reserved == D("0.010")
        unpriced = msgspec.structs.replace(now, price=D(0))
        assert unpriced.cost_of(Pending(side=Side.BUY, qty=D(5), price=D(100))) == D("0.005")


class TestPrices:
    def test_a_limit_on_the_grid_asks_for_no_worse(self) -> None:
        assert limit_on_grid(Side.BUY, D("50004.9"), increment=D(5)) == D(50_000)
        assert limit_on_grid(Side.SELL, D("50000.1"), increment=D(5)) == D(50_005)

    def test_the_guard_price_lies_at_most_the_band_away(self) -> None:
        assert guard_price(Side.BUY, D(50_001), band_bps=D(50), increment=D(5)) == D(50_250)
        assert guard_price(Side.SELL, D(50_001), band_bps=D(50), increment=D(5)) == D(49_755)

    def test_an_exit_reaches_further_at_each_step_up_to_five_percent(self) -> None:
        bands = [exit_band_bps(D(50), step=step) for step in (0, 1, 4, 9, 10, 99)]
        assert bands == [D(50), D(100), D(250), D(500), D(500), D(500)]
        assert exit_band_bps(D(800), step=3) == D(800)

    @pytest.mark.parametrize(
        ("amount", "price", "qty"),
        [("9999", "50000", "19"), ("10000", "50000", "20"), ("499.99", "50000", "0"), ("-1", "50000", "0")],
    )
    def test_a_quantity_is_the_largest_that_the_amount_covers(self, amount: str, price: str, qty: str) -> None:
        assert quantity_of(D(amount), listed(), price=D(price)) == D(qty)

    @given(
        amount=st.decimals(0, 10**9, places=2), price=st.integers(1, 10**6), size=st.sampled_from(["0.01", "3", "7"])
    )
    def test_one_step_more_would_cost_more_than_the_amount(self, amount: Decimal, price: int, size: str) -> None:
        qty = quantity_of(amount, listed(contract_size=size), price=D(price))
        assert qty * D(size) * price <= amount < (qty + 1) * D(size) * price
