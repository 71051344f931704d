"""Faults of an older system in sizes, marks, funding and results (protocol sheet 8.4 to 8.7)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from actors.behaviours.funding import FundingBehaviour
from actors.brokerage import FundingCalculator, MarkCache, PositionState, enforce_perp_rules
from actors.connection.errors import InvalidRequestError
from events.catalog import ProductListed
from events.funding import FundingAccrued
from events.session import ClockTicked
from events.terms import NANOSECONDS, Side
from projections.portfolio import Portfolio
from projections.pricing import limit_on_grid
from tests.streams.desk import HOUR, MINUTE, MONDAY, Desk, of_kind
from tests.streams.facts import BIP, D, bought, listed, rate, sold, started
from tests.streams.orders import marked

RULES = ProductListed(
    product=BIP,
    exchange_id="BIP-20DEC30-CDE",
    venue="CDE",
    contract_size=D("0.01"),
    price_increment=D(5),
    size_increment=D(1),
    min_size=D(1),
    min_notional=D(1_000),
)


class TestSizes:
    def test_8_4_a_notional_counts_the_contract_size(self) -> None:
        # one contract at 50,000 is worth 500, not 50,000
        with pytest.raises(InvalidRequestError, match=r"Notional 500\S* below minimum 1000"):
            enforce_perp_rules(RULES, D(1), D(50_000))
        assert enforce_perp_rules(RULES, D(2), D(50_000)) == (D(2), D(50_000))

    def test_8_4_a_sell_limit_is_rounded_up_and_a_buy_limit_down(self) -> None:
        assert limit_on_grid(Side.SELL, D("50001"), increment=D(5)) == D(50_005)
        assert limit_on_grid(Side.BUY, D("50004"), increment=D(5)) == D(50_000)

    def test_8_4_a_market_order_is_held_to_the_least_notional_at_the_mark(self) -> None:
        with pytest.raises(InvalidRequestError, match="Notional"):
            enforce_perp_rules(RULES, D(1), mark=D(50_000))

    @pytest.mark.parametrize("qty", ["-1", "0"])
    def test_8_4_a_quantity_that_is_not_above_zero_is_refused(self, qty: str) -> None:
        with pytest.raises(InvalidRequestError, match="must be above zero"):
            enforce_perp_rules(RULES, D(qty), D(50_000))


class TestMarks:
    def test_8_5_ages_are_by_a_given_clock_and_a_time_without_a_zone_is_refused(self) -> None:
        now = [MONDAY]
        cache = MarkCache(30, clock=lambda: now[0])
        cache.set_mark(BIP, D(50_000))
        now[0] += 30 * NANOSECONDS
        assert cache.get_mark(BIP) == D(50_000)
        now[0] += 1
        assert cache.get_mark(BIP) is None
        naive = datetime(2026, 11, 2, 1)  # noqa: DTZ001 - what must be refused
        with pytest.raises(ValueError, match="no time zone"):
            FundingCalculator().accrue_if_due(BIP, D(1), "long", D(50_000), D("0.0001"), naive, naive)


def accrued(desk: Desk, boundary: int) -> list[FundingAccrued]:
    """What is said two seconds after a boundary whose rate is known."""
    desk.hear(rate(boundary, "0.0001"), by="account", after=boundary - desk.at)
    return of_kind(desk.hear(ClockTicked(), by="clock", after=2 * NANOSECONDS), FundingAccrued)


def funded(*, opened: int) -> Desk:
    desk = Desk(FundingBehaviour(), at=MONDAY)
    desk.hear(started(start_equity="100000"), listed(BIP), marked("50000"))
    desk.hear(bought("2", "50000", at=MONDAY + opened), by="orders", after=opened)
    return desk


class TestFunding:
    def test_8_6_a_position_pays_the_first_boundary_after_it_was_opened(self) -> None:
        desk = funded(opened=30 * MINUTE)
        (entry,) = accrued(desk, MONDAY + HOUR)
        assert (entry.boundary, entry.amount) == (MONDAY + HOUR, D("-0.1"))

    @pytest.mark.parametrize("shown", [-HOUR, 0, HOUR])
    def test_8_6_each_boundary_is_paid_once_whatever_time_the_exchange_shows(self, shown: int) -> None:
        desk = Desk(FundingBehaviour(), at=MONDAY)
        desk.hear(started(start_equity="100000"), listed(BIP), marked("50000"))
        desk.hear(rate(MONDAY + HOUR + shown, "0.0001"), by="account")
        desk.hear(bought("2", "50000", at=MONDAY + 2 * HOUR + MINUTE), by="orders", after=2 * HOUR + MINUTE)
        ticks = [desk.hear(ClockTicked(), by="clock", after=20 * MINUTE) for _ in range(6)]
        boundaries = [entry.boundary for said in ticks for entry in of_kind(said, FundingAccrued)]
        assert boundaries == [MONDAY + 3 * HOUR]  # the hour after waits for its rate

    def test_8_6_three_missed_hours_are_three_entries_with_their_own_marks(
        self,
    ) -> None:
        desk = funded(opened=30 * MINUTE)
        for hour, price in ((1, "51000"), (2, "52000"), (3, "53000")):
            at = MONDAY + hour * HOUR
            desk.hear(marked(price, at=at - MINUTE), by="marks", after=at - MINUTE - desk.at)
            desk.hear(rate(at, "0.0001"), by="account", after=at - desk.at)
        entries = of_kind(desk.hear(ClockTicked(), by="clock", after=3 * NANOSECONDS), FundingAccrued)
        assert [entry.mark for entry in entries] == [D(51_000), D(52_000), D(53_000)]
        assert [entry.amount for entry in entries] == [D("-0.102"), D("-0.104"), D("-0.106")]


def portfolio_of(desk: Desk) -> Portfolio:
    portfolio = Portfolio()
    for record in desk.log:
        portfolio.fold(record)
    return portfolio


class TestResults:
    def test_8_7_a_flat_position_has_neither_side_nor_entry(self) -> None:
        position = PositionState(BIP, "long", D(1), D(50_000))
        assert position.update_from_fill(D(1), D(51_000), "sell") == D(1_000)
        assert (position.side, position.entry_price) == ("flat", None)
        assert position.update_from_fill(D(1), D(40_000), "sell") == 0
        assert (position.side, position.entry_price) == ("short", D(40_000))

    def test_8_7_without_a_mark_the_open_gain_is_unknown_and_never_zero(self) -> None:
        assert PositionState(BIP, "long", D(1), D(50_000)).unrealized_pnl(None) is None
        desk = Desk(FundingBehaviour(), at=MONDAY)
        desk.hear(started(start_equity="100000"), listed(BIP), bought("2", "50000", at=MONDAY))
        portfolio = portfolio_of(desk)
        assert portfolio.position_pnl(BIP, MONDAY).unrealized_pnl is None
        assert portfolio.equity() is None
        assert portfolio.unknown()

    def test_8_7_fees_and_funding_stand_apart_from_realized_and_are_counted_once(self) -> None:
        desk = funded(opened=30 * MINUTE)
        accrued(desk, MONDAY + HOUR)
        desk.hear(sold("2", "50000", at=desk.at, fee="0.8"), by="orders")
        result = portfolio_of(desk).position_pnl(BIP, desk.at)
        assert (result.realized_pnl, result.fees, result.funding_accrued) == (D(0), D("0.8"), D("-0.1"))
        assert result.net_pnl == D("-0.9")

    def test_8_7_results_count_the_contract_size(self) -> None:
        position = PositionState(BIP, "long", D(2), D(50_000), contract_size=D("0.01"))
        assert position.unrealized_pnl(D(51_000)) == Decimal(20)
