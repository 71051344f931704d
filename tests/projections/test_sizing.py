"""A quantity is worth at most what was meant."""

from __future__ import annotations

import msgspec
import pytest

from projections.sizing import quantity_of
from tests.streams.facts import D, listed

PRICE = D(50_000)


@pytest.mark.parametrize(("amount", "qty"), [("9999", 19), ("10000", 20), ("500", 1), ("499.99", 0), ("0.01", 0)])
def test_a_quantity_is_the_largest_on_the_grid_that_the_amount_pays_for(amount: str, qty: int) -> None:
    assert quantity_of(D(amount), listed(), price=PRICE) == qty


def test_an_amount_short_of_a_step_by_less_than_the_division_shows_buys_one_step_less() -> None:
    assert quantity_of(D("999.9999999999"), listed(), price=PRICE) == 1
    assert quantity_of(D("499.9999999999"), listed(), price=PRICE) == 0


def test_a_quantity_is_in_whole_size_increments() -> None:
    tens = msgspec.structs.replace(listed(), size_increment=D(10))
    assert quantity_of(D(9_999), tens, price=PRICE) == 10
    assert quantity_of(D("9999.9999999999"), tens, price=PRICE) == 10


@pytest.mark.parametrize(("amount", "price"), [(0, 50_000), (-1, 50_000), (9_999, 0), (9_999, -50_000), (-9_999, -1)])
def test_nothing_is_bought_for_nothing_or_at_no_price(amount: int, price: int) -> None:
    assert quantity_of(D(amount), listed(), price=D(price)) == 0


def test_without_a_contract_size_there_is_no_quantity() -> None:
    assert quantity_of(D(9_999), listed(contract_size=None), price=PRICE) == 0
