"""What positions and orders must be backed by at the paper exchange (trading rules A2).

Initial margin is rate x notional of the worse side, maintenance two thirds of it. What increases must fit the stricter
rate of all windows, since the next one may be the stricter; what is held is judged by the rates of the present window.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from events.account import MarginWindowChanged
from events.catalog import MarginRates, ProductListed
from events.money import ONE, ZERO, quotient
from events.terms import MarginWindow, Side
from projections.notional import notional

#: Decimals of a rate that follows from a highest leverage.
_RATE_PLACES = 12
#: Maintenance margin is about two thirds of the initial one.
_MAINTENANCE = (Decimal(2), Decimal(3))

#: The initial margin of a position of this side, as a fraction of its notional.
Rate = Callable[[ProductListed, Side], Decimal]


class Resting(msgspec.Struct, frozen=True, kw_only=True):
    """An order's claim on margin: what could still fill, at the price it would count with."""

    side: Side
    leaves: Decimal
    price: Decimal


def strictest_rate(rules: ProductListed, side: Side) -> Decimal:
    """The stricter rate of day and night. A product that publishes neither rates nor a leverage gives no credit."""
    published = [
        rate for window in (rules.intraday_margin, rules.overnight_margin) if (rate := _of(window, side)) is not None
    ]
    if published:
        return max(published)
    return quotient(ONE, rules.max_leverage, places=_RATE_PLACES) if rules.max_leverage else ONE


def intraday_rate(rules: ProductListed, side: Side) -> Decimal:
    """The rate of the intraday window; the strictest where the product publishes none for it."""
    rate = _of(rules.intraday_margin, side)
    return strictest_rate(rules, side) if rate is None else rate


def overnight_rate(rules: ProductListed, side: Side) -> Decimal:
    """The rate of the overnight window; the strictest where the product publishes none for it."""
    rate = _of(rules.overnight_margin, side)
    return strictest_rate(rules, side) if rate is None else rate


def present_rate(window: MarginWindowChanged | None, *, has_opted_in: bool, at: int) -> Rate:
    """The rate of the window in force at `at`. Intraday takes the account's opting in and the exchange's word.

    A window whose end has passed without a word about the next counts as over: the night's rates hold again.
    """
    is_intraday = (
        has_opted_in
        and window is not None
        and window.window is MarginWindow.INTRADAY
        and (window.ends_at is None or at < window.ends_at)
    )
    return intraday_rate if is_intraday else overnight_rate


def margin(
    rules: ProductListed,
    qty: Decimal,
    orders: tuple[Resting, ...],
    *,
    mark: Decimal | None,
    rate: Rate = strictest_rate,
) -> Decimal:
    """Initial margin of a product: the worse of what is held with all buys filled, and with all sells filled.

    Orders count at their price or the mark, whichever is higher (A11).
    """
    if rules.contract_size is None:
        return ZERO
    worst = ZERO
    for side in (Side.BUY, Side.SELL):
        signed = qty
        price = mark or ZERO
        for order in orders:
            if order.side is side:
                signed += side.sign * order.leaves
                price = max(price, order.price)
        if signed * side.sign > 0:
            bound = notional(abs(signed), contract_size=rules.contract_size, price=price) * rate(rules, side)
            worst = max(worst, bound)
    return worst


def maintenance(initial: Decimal) -> Decimal:
    """The margin at which the exchange liquidates, rounded to cents: 1,250.00 initial is 833.33."""
    return quotient(initial * _MAINTENANCE[0], _MAINTENANCE[1], places=2)


def _of(rates: MarginRates, side: Side) -> Decimal | None:
    return rates.long if side is Side.BUY else rates.short
