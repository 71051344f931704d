"""The limits on size as lines: what each allows, what other products take, and which one binds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from events.catalog import MarginRates, ProductListed
from events.configuration import RiskLimits
from events.record import AnyEvent, Record
from events.terms import OrderStatus, Side
from projections.account import Account
from projections.bounds import Bound, Others, Room, bounds, leverage_caps, others, room, rooms
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, ONE, listed
from tests.streams.orders import approved, marked, order_reported, position_of, with_limits

D = Decimal
#: A third product: ten coins a contract, with margin rates of its own.
TEN = "TEN"


def margined(product: str = TEN, *, size: str = "10", long: str = "0.25", short: str = "0.5") -> ProductListed:
    rates = MarginRates(long=D(long), short=D(short))
    return msgspec.structs.replace(
        listed(product, contract_size=size), overnight_margin=rates, intraday_margin=MarginRates(long=D("0.1"))
    )


def account(*events: AnyEvent, equity: str = "100000", **limits: Any) -> Account:
    folded = Account()
    known = (listed(BIP), listed(ONE, contract_size="1"), margined())
    marks = (marked("50000"), marked("2000", product=ONE), marked("10", product=TEN))
    for seq, event in enumerate((with_limits(RiskLimits(**limits), equity=equity), *known, *marks, *events), 1):
        folded.fold(Record(seq=seq, at=MONDAY, by="test", event=event))
    return folded


def held(product: str, qty: str, *, price: str, size: str) -> AnyEvent:
    return position_of(qty, price=price, product=product, contract_size=size)


ONES = held(ONE, "3", price="2000", size="1")  # worth 6,000
TENS = held(TEN, "-20", price="10", size="10")  # worth 2,000, short


class TestOthers:
    def test_every_other_product_takes_its_notional_its_margin_by_its_side_and_its_maintenance(self) -> None:
        found = others(account(ONES, TENS), BIP, (), at=MONDAY)
        assert found == Others(
            gross=D(8_000),
            margin=D(6_000) / 5 + D(2_000) / 2,  # a cap of 5, and the initial rate of 0.5 for shorts
            maintenance=D(6_000) * D("0.005") + D(2_000) * D("0.33335"),
            reserved=D(0),
        )

    def test_a_long_is_counted_by_the_rates_of_longs(self) -> None:
        found = others(account(held(TEN, "20", price="10", size="10")), BIP, (), at=MONDAY)
        assert found is not None
        assert (found.margin, found.maintenance) == (D(2_000) / 4, D(2_000) * D("0.166675"))

    def test_where_both_sides_are_as_large_the_buying_one_counts(self) -> None:
        orders = [
            order_reported(f"o-{side.value}", qty="20", side=side, product=TEN, limit_price="10") for side in Side
        ]
        found = others(account(*orders), BIP, (), at=MONDAY)
        assert found is not None
        assert found.margin == D(500)
        assert found.reserved == D("1.6") * 2

    def test_the_product_itself_is_none_of_them_and_approvals_count(self) -> None:
        assert others(account(ONES), ONE, (), at=MONDAY) == Others()
        approval = msgspec.structs.replace(approved(product=ONE, qty="2", limit_price="2000"))
        found = others(account(), BIP, (approval,), at=MONDAY)
        assert found is not None
        assert (found.gross, found.reserved) == (D(4_000), D("3.2"))

    def test_costs_of_all_of_them_add_up(self) -> None:
        orders = [
            order_reported("a", qty="1", product=ONE, limit_price="2000"),
            order_reported("b", qty="10", product=TEN, limit_price="10"),
        ]
        found = others(account(*orders), BIP, (), at=MONDAY)
        assert found is not None
        assert (found.gross, found.reserved) == (D(3_000), D("2.4"))

    def test_a_product_of_which_nothing_is_known_makes_it_unknown(self) -> None:
        stranger = order_reported("s", qty="1", product="?", limit_price="7")
        assert others(account(stranger), BIP, (), at=MONDAY) is None

    def test_an_order_that_is_gone_takes_nothing(self) -> None:
        over = order_reported("s", OrderStatus.CANCELLED, qty="1", product=ONE, limit_price="2000")
        found = others(account(over), BIP, (), at=MONDAY)
        assert found is not None
        assert (found.gross, found.reserved) == (D(0), D(0))


class TestCaps:
    def test_all_caps_are_named_the_global_one_first(self) -> None:
        now = account(
            leverage_max_global=D(7),
            leverage_max_per_symbol={BIP: D(6)},
            day_leverage_max_per_symbol={BIP: D(3)},
        )
        rules = msgspec.structs.replace(margined(BIP), max_leverage=D(9))
        assert leverage_caps(now.limits, rules, Side.SELL, at=MONDAY, asked=D(2)) == [
            ("leverage_global", "leverage_max_global", D(7)),
            ("leverage_symbol", "leverage_max_per_symbol", D(6)),
            ("leverage_symbol", "leverage_max_per_symbol", D(3)),
            ("leverage_symbol", "leverage_max_per_symbol", D(9)),
            ("leverage_margin", "the exchange's initial margin", D(2)),
            ("leverage_order", "the order's own leverage", D(2)),
        ]

    def test_one_over_the_initial_rate_is_rounded_down(self) -> None:
        caps = leverage_caps(account().limits, margined(long="0.3"), Side.BUY, at=MONDAY)
        assert caps[-1] == ("leverage_margin", "the exchange's initial margin", D("3.33333333"))

    def test_without_rates_of_its_own_only_the_global_cap_holds(self) -> None:
        assert [code for code, *_ in leverage_caps(account().limits, listed(BIP), Side.BUY, at=MONDAY)] == [
            "leverage_global"
        ]


def lines(now: Account, side: Side = Side.BUY, **more: Any) -> dict[str, tuple[Decimal, Decimal, Decimal, bool]]:
    """By code: cap, slope, budget, whether orders' costs come off."""
    equity = now.equity()
    assert equity is not None
    other = others(now, TEN, (), at=MONDAY)
    assert other is not None
    rules = now.catalog.rules(TEN)
    assert rules is not None
    found = bounds(now, rules, side, equity=equity, other=other, at=MONDAY, **more)
    return {line.code: (line.cap, line.slope, line.budget, line.is_cash) for line in found}


class TestBounds:
    def test_each_limit_is_a_line(self) -> None:
        resting = order_reported("a", qty="1", product=ONE, limit_price="2000")  # costs 1.6
        now = account(ONES, resting, max_notional_per_symbol={TEN: D(700)})
        assert lines(now, reserved=D("0.4")) == {
            "leverage_margin": (D(4), D(1), D(400_000), False),
            "leverage_global": (D(5), D(1), D(492_000), False),
            "margin_buffer": (D("0.15"), D("0.25"), D(85_000) - 1_600 - 2, True),
            "max_notional": (D(700), D(1), D(700), False),
            "exposure_symbol": (D("0.2"), D(1), D(20_000), False),
            "exposure_total": (D("0.8"), D(1), D(72_000), False),
            "liquidation_projection": (D("0.15"), D("0.316675"), D(100_000) - 2 - 40 - 1_200, True),
        }

    def test_the_orders_own_leverage_is_a_cap_that_changes_no_margin(self) -> None:
        found = lines(account(), asked=D(2))
        assert found["leverage_order"] == (D(2), D(1), D(200_000), False)
        assert found["margin_buffer"][1] == D("0.25")

    def test_they_come_in_the_order_of_the_refusals(self) -> None:
        assert list(lines(account(), asked=D(2))) == [
            "leverage_margin",
            "leverage_order",
            "leverage_global",
            "margin_buffer",
            "exposure_symbol",
            "exposure_total",
            "liquidation_projection",
        ]

    def test_the_projection_can_be_switched_off(self) -> None:
        assert "liquidation_projection" not in lines(account(enable_pre_trade_liq_projection=False))

    def test_a_line_that_nothing_can_break_is_left_out(self) -> None:
        free = account(min_liquidation_buffer_pct=D(0), day_mmr_per_symbol={TEN: D(0)})
        assert "liquidation_projection" not in lines(free)

    def test_a_line_holds_what_equals_it(self) -> None:
        line = Bound(code="c", limit="l", cap=D(1), slope=D("0.25"), budget=D(100))
        assert line.holds(D(400))
        assert not line.holds(D("400.01"))

    def test_the_margin_of_a_cap_without_end_is_rounded_up(self) -> None:
        assert lines(account(leverage_max_global=D(3)))["margin_buffer"][1] == D("0.33333334")


class TestRooms:
    def at(self, now: Account, side: Side = Side.BUY, price: str = "10") -> Room:
        return room(now, TEN, side, price=D(price), at=MONDAY)

    def test_both_sides_are_told_at_once(self) -> None:
        now = account(TENS)
        both = rooms(now, TEN, {Side.BUY: D(10), Side.SELL: D(10)}, at=MONDAY)
        assert both == {side: self.at(now, side) for side in Side}
        assert both[Side.BUY].notional == D(20_000)
        assert both[Side.SELL].notional == D(18_000)

    @pytest.mark.parametrize(("price", "left"), [("10", "19800.00"), ("20", "19600.00")])
    def test_what_a_side_has_already_counts_at_the_price_to_come(self, price: str, left: str) -> None:
        now = account(held(TEN, "2", price="10", size="10"))
        assert self.at(now, price=price).notional == D(left)

    def test_an_open_orders_higher_limit_counts(self) -> None:
        resting = order_reported("o", qty="2", product=TEN, limit_price="12")
        assert self.at(account(resting)).notional == D(20_000) - 240

    def test_there_is_no_room_below_zero(self) -> None:
        assert self.at(account(held(TEN, "300", price="10", size="10"))).notional == 0

    def test_nothing_is_allowed_of_a_product_without_rules_contract_size_or_equity(self) -> None:
        assert room(account(), "?", Side.BUY, price=D(1), at=MONDAY) == Room(
            notional=D(0), limit="product without contract size or price"
        )
        sizeless = account(msgspec.structs.replace(margined(), contract_size=None))
        assert self.at(sizeless).limit == "product without contract size or price"
        unpriced = account(held("NEW", "1", price="7", size="1"))
        assert self.at(unpriced) == Room(notional=D(0), limit="equity unknown")

    def test_the_orders_own_leverage_binds_its_room(self) -> None:
        found = room(account(), TEN, Side.BUY, price=D(10), at=MONDAY, leverage=D("0.1"))
        assert found == Room(notional=D(10_000), limit="the order's own leverage")

    def test_costs_come_off_what_margin_leaves_to_a_cent(self) -> None:
        wide: dict[str, Any] = {"max_position_pct_per_symbol": D(9), "max_exposure_pct": D(9)}
        wide |= {
            "min_liquidation_buffer_pct": D(0),
            "leverage_max_global": D(9),
            "leverage_max_per_symbol": {TEN: D(4)},
        }
        now = account(**wide)
        assert self.at(now) == Room(notional=D("398724.08"), limit="min_liquidation_buffer_pct")  # 100,000 / 0.2508
        dearer = self.at(now, price="11")  # a tenth above the mark is given away: 100,000 / (0.2508 + 1 / 11)
        assert dearer == Room(notional=D("292646.58"), limit="min_liquidation_buffer_pct")
        cheaper = self.at(now, price="9")
        assert cheaper.notional == D("398724.08")

    def test_a_largest_order_binds_by_quantity_or_by_worth(self) -> None:
        assert self.at(account(max_order_qty=D(3))) == Room(notional=D(300), limit="max_order_qty")
        assert self.at(account(max_order_notional=D(200))) == Room(notional=D(200), limit="max_order_notional")
        assert self.at(account(max_order_qty=D(10**6))).limit == "max_position_pct_per_symbol"

    def test_of_equal_limits_the_first_is_named(self) -> None:
        now = account(max_position_pct_per_symbol=D("0.5"), max_exposure_pct=D("0.5"))
        assert self.at(now) == Room(notional=D(50_000), limit="max_position_pct_per_symbol")
