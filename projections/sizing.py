"""From a notional to a quantity that the exchange takes: down to the grid, never up."""

from __future__ import annotations

from decimal import Decimal

from events.catalog import ProductListed
from events.money import ONE, ZERO, floor_to, quotient
from projections.notional import notional

_PLACES = 12


def quantity_of(amount: Decimal, rules: ProductListed, *, price: Decimal) -> Decimal:
    """The largest quantity on the grid that is worth at most `amount` at `price`; zero where one step is worth more.

    9,999 at 50,000 with contracts of 0.01 is 19 contracts, worth 9,500; one more would be worth 10,000.
    """
    if rules.contract_size is None or amount <= ZERO or price <= ZERO:
        return ZERO
    step = rules.size_increment
    qty = floor_to(
        quotient(amount, notional(ONE, contract_size=rules.contract_size, price=price), places=_PLACES), step
    )
    while qty > ZERO and notional(qty, contract_size=rules.contract_size, price=price) > amount:
        qty -= step  # the quotient was rounded up to the next step
    return qty
