"""How a change of cash is read: funding, money from outside, a move between pockets, or nothing known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.money import ZERO
from projections.inference import Due, Reading, exact_reading, nearest_reading, shares
from tests.streams.facts import D

HOUR = 3_600
LATER = Due(through=2 * HOUR, by_product={"A": D("-0.3"), "B": D("-0.1")})
EARLIER = Due(through=HOUR, by_product={"A": D("-0.25"), "B": ZERO})
DUES = [LATER, EARLIER]


def test_a_due_is_worth_what_its_products_are() -> None:
    assert (LATER.amount, EARLIER.amount) == (D("-0.4"), D("-0.25"))


@pytest.mark.parametrize(
    ("change", "spot_moved", "expected"),
    [
        ("-0.4", "0", Reading(funding=D("-0.4"), due=LATER)),
        ("-0.25", "0", Reading(funding=D("-0.25"), due=EARLIER)),
        ("-0.4", "1000", Reading(funding=D("-0.4"), due=LATER)),  # a move to spot nets to zero
        ("4999.6", "5000", Reading(funding=D("-0.4"), due=LATER, flow=D(5_000))),
        ("-300.25", "-300", Reading(funding=D("-0.25"), due=EARLIER, flow=D(-300))),
        ("5000", "5000", Reading(flow=D(5_000))),
    ],
)
def test_what_fits_to_the_last_digit_is_the_reading(change: str, spot_moved: str, expected: Reading) -> None:
    assert exact_reading(D(change), spot_moved=D(spot_moved), dues=DUES) == expected


@pytest.mark.parametrize(("change", "spot_moved"), [("-0.41", "0"), ("4999", "5000"), ("1", "0")])
def test_what_fits_nothing_has_no_exact_reading(change: str, spot_moved: str) -> None:
    assert exact_reading(D(change), spot_moved=D(spot_moved), dues=DUES) is None


def test_without_dues_only_a_flow_fits() -> None:
    assert exact_reading(D("-0.4"), spot_moved=ZERO, dues=[]) is None
    assert exact_reading(D(7), spot_moved=D(7), dues=[]) == Reading(flow=D(7))


def near(change: str, spot_moved: str = "0", bound: str = "1") -> Reading:
    return nearest_reading(D(change), spot_moved=D(spot_moved), dues=DUES, bound=D(bound))


def test_the_nearest_to_what_was_accrued_wins() -> None:
    assert near("-0.27") == Reading(funding=D("-0.27"), due=EARLIER)
    assert near("-0.39") == Reading(funding=D("-0.39"), due=LATER)
    assert near("4999.5", "5000") == Reading(funding=D("-0.5"), due=LATER, flow=D(5_000))


def test_the_bound_is_how_far_a_payment_may_be_off() -> None:
    assert near("-1.4", bound="1") == Reading(funding=D("-1.4"), due=LATER)
    assert near("-1.41", bound="1") == Reading()


@pytest.mark.parametrize(
    ("change", "spot_moved", "flow"),
    [("-300", "-1300", "-300"), ("4990", "5000", "5000"), ("-5", "0", "0"), ("-30", "30", "-30")],
)
def test_beyond_all_bounds_spot_alone_explains_a_flow(change: str, spot_moved: str, flow: str) -> None:
    assert near(change, spot_moved, bound="-1") == Reading(flow=D(flow))


def paid(reading: Reading, fallback: str | None = None) -> dict[str, Decimal]:
    return shares(reading, fallback=fallback)


def test_each_product_is_paid_what_it_accrued_and_the_one_with_most_takes_the_difference() -> None:
    assert paid(Reading(funding=D("-0.4"), due=LATER)) == {"A": D("-0.3"), "B": D("-0.1")}
    assert paid(Reading(funding=D("-0.5"), due=LATER)) == {"A": D("-0.4"), "B": D("-0.1")}
    assert paid(Reading(funding=D("-0.2"), due=EARLIER)) == {"A": D("-0.2")}


def test_where_nothing_was_accrued_the_largest_position_takes_it() -> None:
    nothing = Due(through=HOUR, by_product={"A": ZERO})
    assert paid(Reading(funding=D("-0.2"), due=nothing), fallback="B") == {"B": D("-0.2")}
    assert paid(Reading(funding=D("-0.2"), due=nothing)) == {}
    assert paid(Reading(flow=D(5))) == {}
