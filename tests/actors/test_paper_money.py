"""The paper exchange's money: margin before an increase, funding by the boundary, reports that add up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.behaviours.paper_books import Holding, PaperBooks
from actors.behaviours.paper_funding import NEVER, next_settlement
from actors.behaviours.paper_margin import Resting, margin, strictest_rate
from events.account import BalanceReported
from events.catalog import MarginRates
from events.event import Event
from events.funding import FundingPaid
from events.orders import OrderRejected, OrderReported
from events.position import PositionReported
from events.session import ClockTicked
from events.terms import NANOSECONDS, OrderKind, Side
from tests.actors.paper_rig import CONFIGURATION, HOUR, PRODUCT, RULES, START, Bench, book, order, rate, reports, trade

D = Decimal
SECOND = NANOSECONDS
SETTLEMENT = START + 2 * HOUR  # 16:00


def poor(cash: str) -> Bench:
    paper = msgspec.structs.replace(CONFIGURATION.paper, start_cash=D(cash))
    return Bench.open(msgspec.structs.replace(CONFIGURATION, paper=paper))


def paid(said: list[Event]) -> list[FundingPaid]:
    return [event for event in said if isinstance(event, FundingPaid)]


def equity(bench: Bench) -> Decimal:
    balance = bench.balance()
    return balance.futures_usd + balance.unrealized


# Margin.


def test_an_increase_must_fit_the_stricter_initial_margin_and_its_fee() -> None:
    # 10 contracts at 50,005 are worth 5,000.50; a quarter is 1,250.125, the fee 5.4004.
    (refused,) = poor("1255.52").submit(order(qty=10, limit=50_005))
    assert isinstance(refused, OrderRejected)
    assert refused.code == "INSUFFICIENT_FUNDS"
    (filled,) = reports(poor("1255.53").submit(order(qty=10, limit=50_005)))
    assert filled.filled_qty == 10


def test_a_short_needs_the_shorts_margin() -> None:
    (refused,) = poor("1400").submit(order(qty=10, limit=49_995, side=Side.SELL))
    assert isinstance(refused, OrderRejected)
    assert reports(poor("1600").submit(order(qty=10, limit=49_995, side=Side.SELL)))


def test_resting_orders_bind_margin_too() -> None:
    bench = poor("2000")
    assert reports(bench.submit(order("rests", kind=OrderKind.LIMIT_GTC, limit=49_990, qty=10)))
    (refused,) = bench.submit(order("more", qty=10, limit=50_005))
    assert isinstance(refused, OrderRejected)


def test_a_reduction_needs_no_margin() -> None:
    bench = poor("1260")
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(book(bid=40_000, ask=40_005))  # a thousand is lost: nothing is left to carry an increase
    (sold,) = reports(bench.submit(order("out", side=Side.SELL, qty=10, limit=40_000)))
    assert sold.filled_qty == 10


def test_a_close_sells_what_is_held_and_nothing_is_closed_where_nothing_is() -> None:
    bench = Bench.open()
    (refused,) = bench.submit(order("none", side=Side.SELL, kind=OrderKind.CLOSE_POSITION, limit=None))
    assert isinstance(refused, OrderRejected)
    assert refused.code == "CANNOT_CLOSE_ZERO_POSITION"
    bench.submit(order(qty=3))
    (closed,) = reports(bench.submit(order("all", side=Side.SELL, kind=OrderKind.CLOSE_POSITION, limit=None, qty=5)))
    assert (closed.qty, closed.filled_qty) == (D(3), D(3))


def test_without_published_rates_the_highest_leverage_counts_and_without_that_there_is_no_credit() -> None:
    bare = msgspec.structs.replace(RULES, intraday_margin=MarginRates(), overnight_margin=MarginRates())
    assert strictest_rate(RULES, Side.SELL) == D("0.30")
    assert strictest_rate(msgspec.structs.replace(bare, max_leverage=D(8)), Side.BUY) == D("0.125")
    assert strictest_rate(bare, Side.BUY) == 1


def test_a_product_that_cannot_be_traded_binds_no_margin() -> None:
    unlisted = msgspec.structs.replace(RULES, contract_size=None)
    assert margin(unlisted, D(5), (), mark=D(50_000)) == 0
    assert margin(RULES, D(5), (), mark=D(50_000)) == D("0.25") * 2_500


def test_of_orders_on_both_sides_the_worse_side_binds() -> None:
    buys = Resting(side=Side.BUY, leaves=D(9), price=D(50_000))
    sells = Resting(side=Side.SELL, leaves=D(2), price=D(50_000))
    assert margin(RULES, D(0), (buys, sells), mark=D(49_000)) == D("0.25") * 4_500
    assert margin(RULES, D(-9), (buys, sells), mark=D(49_000)) == D("0.30") * 5_500


# Holdings.


@given(st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.integers(1, 999)), max_size=20))
def test_cash_and_open_gain_are_what_fractions_say(fills: list[tuple[int, int]]) -> None:
    books = PaperBooks(cash=D(0))
    cash, held = Fraction(0), 0
    for qty, price in fills:
        side = Side.BUY if qty > 0 else Side.SELL
        books.trade(PRODUCT, side, qty=D(abs(qty)), value=D(abs(qty) * price) * D("0.01"), fee=D("0.1"))
        cash -= Fraction(qty * price, 100) + Fraction(1, 10)
        held += qty
        assert books.qty(PRODUCT) == held
        gain = books.unrealized(PRODUCT, rules=RULES, mark=D(500))
        assert books.cash is not None
        assert Fraction(books.cash) + Fraction(gain) == cash + Fraction(held * 500, 100)


def test_closing_realizes_the_difference_and_leaves_nothing() -> None:
    holding = Holding()
    assert holding.trade(D(3), D(300)) == 0
    assert holding.trade(D(-1), D(-110)) == 10
    assert (holding.qty, holding.cost) == (D(2), D(200))
    assert holding.trade(D(-3), D(-330)) == 20
    assert (holding.qty, holding.cost) == (D(-1), D(-110))
    assert holding.trade(D(1), D(100)) == 10
    assert (holding.qty, holding.cost) == (D(0), D(0))


# Funding.


def test_funding_is_owed_at_each_boundary_with_position_and_mark_of_then_and_paid_at_the_settlement() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(trade(50_000, 1, None, at=bench.at))  # the mark is the median of 49,995, 50,000 and 50,005
    assert not paid(bench.tell(ClockTicked(), rate(START + HOUR), at=START + HOUR))
    bench.tell(book(bid=51_000, ask=51_010))
    bench.tell(trade(51_005, 1, None, at=bench.at), at=bench.at + SECOND)
    (payment,) = paid(bench.tell(ClockTicked(), rate(SETTLEMENT, "-0.0002"), at=SETTLEMENT))
    assert payment.amount == -D("0.0001") * 5_000 + D("0.0002") * D("5100.5")
    assert payment.through == SETTLEMENT


def test_a_short_receives_what_a_long_pays() -> None:
    amounts = []
    for side, limit in ((Side.BUY, 50_005), (Side.SELL, 49_995)):
        bench = Bench.open()
        bench.submit(order(side=side, qty=10, limit=limit))
        bench.tell(trade(50_000, 1, None, at=bench.at))
        bench.tell(ClockTicked(), rate(START + HOUR), at=START + HOUR)
        amounts += [event.amount for event in paid(bench.tell(ClockTicked(), rate(SETTLEMENT, "0"), at=SETTLEMENT))]
    assert amounts == [D("-0.5"), D("0.5")]


def test_three_boundaries_passed_in_one_step_are_owed_three_times() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(trade(50_000, 1, None, at=bench.at))
    for hour in (1, 2):
        bench.tell(rate(START + hour * HOUR))
    (payment,) = paid(bench.tell(ClockTicked(), at=SETTLEMENT + SECOND))
    assert payment.amount == -2 * D("0.5")
    assert payment.through == SETTLEMENT


def test_a_position_opened_after_a_boundary_owes_nothing_for_it() -> None:
    bench = Bench.open()
    bench.tell(ClockTicked(), rate(START + HOUR), at=START + HOUR)
    bench.submit(order(qty=10, limit=50_005))
    assert not paid(bench.tell(ClockTicked(), at=SETTLEMENT))


def test_a_boundary_without_a_rate_pays_nothing() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    for at in (SETTLEMENT, SETTLEMENT + 60 * SECOND, SETTLEMENT + 24 * HOUR, SETTLEMENT + 25 * HOUR):
        assert not paid(bench.tell(ClockTicked(), at=at))


def test_a_settlement_waits_a_minute_for_its_rates_and_pays_a_later_one_when_it_comes() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(trade(50_000, 1, None, at=bench.at))
    bench.tell(ClockTicked(), rate(START + HOUR), at=START + HOUR)
    assert not paid(bench.tell(ClockTicked(), at=SETTLEMENT))
    (payment,) = paid(bench.tell(ClockTicked(), at=SETTLEMENT + 60 * SECOND))
    assert payment.amount == -D("0.5")
    (late,) = paid(bench.tell(rate(SETTLEMENT, "0.0002"), at=SETTLEMENT + 120 * SECOND))
    assert late.amount == -D("1.0")


def test_a_rate_that_comes_in_the_breath_of_a_payment_is_not_lost() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(trade(50_000, 1, None, at=bench.at))
    bench.tell(ClockTicked(), rate(START + HOUR), at=START + HOUR)
    said = bench.tell(ClockTicked(), rate(SETTLEMENT), at=SETTLEMENT + 60 * SECOND)
    said += bench.tell(ClockTicked(), at=SETTLEMENT + 61 * SECOND)
    said += bench.tell(ClockTicked(), at=SETTLEMENT + 24 * HOUR)
    assert sum(event.amount for event in paid(said)) == -D("1.0")


def test_funding_paid_moves_cash_once() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(trade(50_000, 1, None, at=bench.at))
    bench.tell(ClockTicked(), rate(START + HOUR), at=START + HOUR)
    before = equity(bench)
    bench.tell(ClockTicked(), at=SETTLEMENT)
    assert paid(bench.tell(ClockTicked(), at=SETTLEMENT + 60 * SECOND))
    assert equity(bench) == before - D("0.5")
    assert not paid(bench.tell(ClockTicked(), at=SETTLEMENT + 24 * HOUR))


def test_a_product_that_pays_no_funding_owes_none() -> None:
    bench = Bench.open()
    bench.tell(msgspec.structs.replace(RULES, funding_interval_s=None))
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(trade(50_000, 1, None, at=bench.at))
    bench.tell(ClockTicked(), rate(START + HOUR), at=START + HOUR)
    assert not paid(bench.tell(ClockTicked(), at=SETTLEMENT + 60 * SECOND))


@pytest.mark.parametrize(
    ("after", "times", "hours"),
    [(0, ("04:00", "16:00"), 4), (4, ("04:00", "16:00"), 16), (16, ("04:00", "16:00"), 28), (3, ("04:30",), 4.5)],
)
def test_the_next_settlement_is_later_than_now(after: int, times: tuple[str, ...], hours: float) -> None:
    assert next_settlement(after * HOUR, times) == int(hours * HOUR)
    assert next_settlement(after * HOUR, ()) == NEVER


# Reports.


def test_the_account_is_reported_every_minute_and_adds_up() -> None:
    bench = Bench.open()
    (filled,) = reports(bench.submit(order(qty=10, limit=50_005)))
    said = bench.tell(ClockTicked(), at=bench.at + 60 * SECOND)
    position = next(event for event in said if isinstance(event, PositionReported))
    balance = next(event for event in said if isinstance(event, BalanceReported))
    assert (position.qty, position.entry_price, position.current_price) == (D(10), D(50_005), D(50_000))
    assert position.unrealized == balance.unrealized == D("-0.5")
    assert balance.spot_usd + balance.futures_usd == 100_000 - filled.fees
    assert balance.initial_margin == D("0.25") * 5_000
    assert balance.liquidation_threshold == D("833.33")
    assert not bench.tell(ClockTicked(), at=bench.at + 59 * SECOND)
    assert bench.tell(ClockTicked(), at=bench.at + SECOND)


def test_the_account_is_not_reported_in_the_breath_of_a_fill() -> None:
    bench = Bench.open()
    bench.tell(order(qty=10))
    said = bench.tell(ClockTicked(), at=bench.at + 60 * SECOND)
    assert [type(event) for event in said] == [OrderReported]
    assert BalanceReported in [type(event) for event in bench.tell(ClockTicked(), at=bench.at + SECOND)]
