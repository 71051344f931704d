"""The exchange's books: what cash moved, what that is worth, and that no rounding ever enters the sum."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from events.money import ZERO
from events.terms import Side
from replay.exchange.books import Books
from tests.replay.exchange.market import told

SIZE = Decimal("0.01")
PRODUCT = "BTC-PERP"


def books(start: str = "1000") -> Books:
    opened = Books(start_cash=Decimal(start))
    opened.open(PRODUCT, SIZE)
    return opened


def fill(held: Books, side: Side, qty: int, price: int, fee: str = "0") -> None:
    held.fill(PRODUCT, side, Decimal(qty), price=Decimal(price), fee=Decimal(fee))


def test_a_partial_close_realizes_the_gain_of_what_was_closed() -> None:
    held = books()
    fill(held, Side.BUY, 3, 60_000)
    fill(held, Side.SELL, 1, 60_100)
    assert held.realized == 1
    assert held.holdings[PRODUCT].cost == 1_200
    assert held.unrealized({PRODUCT: Decimal(60_050)}) == 1


def test_a_flip_realizes_the_closed_part_and_opens_the_rest_at_the_price_of_the_fill() -> None:
    held = books()
    fill(held, Side.BUY, 2, 50_000)
    fill(held, Side.SELL, 5, 51_000)
    assert held.realized == 20
    assert held.holdings[PRODUCT].qty == -3
    assert held.holdings[PRODUCT].entry_price == 51_000


def test_a_short_gains_when_the_price_falls() -> None:
    held = books()
    fill(held, Side.SELL, 4, 60_000)
    assert held.unrealized({PRODUCT: Decimal(59_000)}) == 40


def test_fees_stand_apart_from_realized_profit() -> None:
    held = books()
    fill(held, Side.BUY, 1, 60_000, fee="0.5")
    fill(held, Side.SELL, 1, 60_100, fee="0.5")
    assert told(held.realized, held.fees, held.cash) == (1, 1, 1_000)


def test_longs_pay_a_positive_rate_and_shorts_get_the_same() -> None:
    long, short = books(), books()
    fill(long, Side.BUY, 5, 60_000)
    fill(short, Side.SELL, 5, 60_000)
    terms = {"mark": Decimal(60_000), "rate": Decimal("0.0001")}
    assert long.accrue(PRODUCT, 1, qty=Decimal(5), **terms).amount == Decimal("-0.3")
    assert short.accrue(PRODUCT, 1, qty=Decimal(-5), **terms).amount == Decimal("0.3")


def test_accrued_funding_is_equity_at_once_and_cash_only_at_the_settlement() -> None:
    held = books()
    fill(held, Side.BUY, 5, 60_000)
    marks = {PRODUCT: Decimal(60_000)}
    held.accrue(PRODUCT, 1, qty=Decimal(5), mark=Decimal(60_000), rate=Decimal("0.0001"))
    assert told(held.cash, held.equity(marks)) == (1_000, Decimal("999.7"))
    held.settle(2, marks)
    assert told(held.cash, held.equity(marks), held.funding_accrued) == (Decimal("999.7"), Decimal("999.7"), 0)


def test_a_settlement_turns_unrealized_into_cash_and_starts_the_day_anew() -> None:
    held = books()
    fill(held, Side.BUY, 10, 60_000)
    up = {PRODUCT: Decimal(60_500)}
    held.settle(1, up)
    assert told(held.cash, held.day_unrealized(up), held.unrealized(up)) == (1_050, 0, 50)
    fill(held, Side.SELL, 10, 60_400)
    assert told(held.day_realized, held.realized, held.cash) == (-10, 40, 1_040)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.sampled_from(Side), st.integers(1, 40), st.integers(1, 20_000)),
        st.tuples(st.just("accrue"), st.just(Side.BUY), st.integers(1, 9), st.integers(-500, 500)),
        st.tuples(st.just("settle"), st.just(Side.BUY), st.just(0), st.integers(1, 20_000)),
    ),
    max_size=40,
)


@given(steps, st.integers(1, 20_000))
def test_equity_is_start_plus_realized_minus_fees_plus_funding_plus_unrealized_to_the_last_digit(
    steps: list[tuple[str, Side, int, int]], mark: int
) -> None:
    """Against a ledger in rationals that knows no average: cash, and what the position is worth."""
    held = books()
    cash, qty = Fraction(1_000), Fraction(0)
    for kind, side, size, number in steps:
        price = Decimal(number) * 5
        if kind == "fill":
            fee = price * size * SIZE * Decimal("0.0008") + Decimal("0.14") * size
            held.fill(PRODUCT, side, Decimal(size), price=price, fee=fee)
            cash -= side.sign * size * Fraction(price) * Fraction(SIZE) + Fraction(fee)
            qty += side.sign * size
        elif kind == "accrue":
            rate = Decimal(number).scaleb(-6)
            held.accrue(PRODUCT, size, qty=held.holdings[PRODUCT].qty, mark=Decimal(60_000), rate=rate)
            cash -= qty * Fraction(SIZE) * 60_000 * Fraction(rate)
        else:
            held.settle(size, {PRODUCT: price})
    marks = {PRODUCT: Decimal(mark) * 5}
    funding = held.funding_paid + held.funding_accrued
    assert held.equity(marks) == held.start_cash + held.realized - held.fees + funding + held.unrealized(marks)
    assert held.cash + held.day_unrealized(marks) + held.funding_accrued == held.equity(marks)
    assert Fraction(held.equity(marks)) == cash + qty * Fraction(SIZE) * mark * 5
    if not qty:
        assert (held.unrealized(marks), held.day_unrealized(marks)) == (ZERO, ZERO)
