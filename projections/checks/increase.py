"""The checks that bind only what increases a position: modes, freshness, leverage, margin, exposure, slippage.

Messages are those of the protocol sheet 8.9. A limit is exclusive: what equals it passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from events.catalog import ProductListed
from events.event import Part
from events.money import ZERO, plain, quotient, rounded
from events.orders import Breach, OrderApproved
from events.terms import Side
from projections.account import Account
from projections.bounds import Bound, Others, bounds, others
from projections.daily_loss import Loss
from projections.exposure import Pending
from projections.notional import notional
from projections.sight import Sight


class Increase(Part, frozen=True):
    """An order that increases: what is asked as a whole, and how much of it opens."""

    product: str
    side: Side
    qty: Decimal
    opening: Decimal
    price: Decimal | None  # the limit; None for an order that takes any price
    leverage: Decimal | None
    at: int


def mode_breaches(account: Account, product: str, *, guard: str | None) -> Iterator[Breach]:
    """Does a mode forbid every increase? `guard` is what a guard said in this turn and is not in the log yet."""
    if account.limits.is_killed:
        yield _breach("kill_switch", "off", "on", "Kill switch enabled - all trading halted")
    why = account.limits.why_reduce_only(product) or guard
    if why is not None:
        message = f"Reduce-only mode active - cannot increase position for {product}"
        yield _breach("reduce_only", "off", why, message)


def loss_breaches(loss: Loss | None) -> Iterator[Breach]:
    """Is the day's loss at its limit, though no guard has said so yet?"""
    if loss is not None and loss.is_breached:
        message = f"Daily loss {rounded(loss.amount, places=2)} has reached the limit of {loss.limit}"
        yield _breach("daily_loss", str(loss.limit), str(loss.amount), message)


def calm_breaches(waits: str, volatility: Decimal | None, product: str, *, limit: Decimal) -> Iterator[Breach]:
    """Is the market one to enter now? `waits` is why entries wait for a halt, `volatility` that which is too high."""
    if waits:
        yield _breach("halt", "trading", waits, f"Entries in {product} wait: {waits}")
    if volatility is not None:
        message = f"Volatility of {product} is {volatility:.1%} a year, at or above {limit:.1%}: no entries"
        yield _breach("volatility", str(limit), str(volatility), message)


def certainty_breaches(account: Account, sight: Sight, product: str) -> Iterator[Breach]:
    """Do we know what we would be trading on?"""
    if account.portfolio.marks.mark(product) is None:
        yield _breach("stale_mark", "fresh", "stale or unknown", f"Mark price of {product} is stale or unknown")
    if sight.deaf:
        message = f"The exchange's word on our orders may be missed (user feed {sight.deaf})"
        yield _breach("user_feed", "whole", sight.deaf, message)
    for order in account.orders.unknown(product):
        message = f"Outcome of order {order.order} is unknown - no entries in {product}"
        yield _breach("unknown_order", "none", order.order, message)


def size_breaches(
    account: Account, rules: ProductListed, order: Increase, approved: Sequence[OrderApproved]
) -> Iterator[Breach]:
    """Would the product, or the account, become larger than a limit allows?

    An order is judged by the side that it adds to; what the other side can come to, it does not change.
    """
    equity, before = account.equity(), account.exposure(order.product, approved)
    other = others(account, order.product, approved, at=order.at)
    if equity is None or before is None or other is None:
        why = "; ".join(account.portfolio.unknown()) or "a price is unknown"
        yield _breach("equity_unknown", "known", why, f"Equity is unknown ({why})")
        return
    pending = Pending(
        side=order.side, qty=order.qty, price=order.price or before.price, takes_any_price=order.price is None
    )
    after = before.plus(pending)
    lines = bounds(
        account,
        rules,
        order.side,
        equity=equity,
        other=other,
        at=order.at,
        asked=order.leverage,
        reserved=after.reserved,
    )
    case = Case(order.product, after.worth(order.side), other, equity, costs=after.reserved + other.reserved)
    for line in lines:
        if not line.holds(case.worst):
            yield _SENTENCES[line.code](line, case)


def order_breaches(
    account: Account, rules: ProductListed, order: Increase, *, approvals_in_a_minute: int
) -> Iterator[Breach]:
    """Is this order by itself too far from the mark, too large, or one too many?"""
    limits = account.limits.limits
    mark = account.portfolio.marks.mark(order.product)
    if mark is not None and order.price is not None:
        against_us = order.side.sign * (order.price - mark.price) * 10_000
        if against_us > limits.slippage_guard_bps * mark.price:
            bps = quotient(against_us, mark.price, places=2)
            message = (
                f"Expected slippage {bps:.0f} bps exceeds guard of {limits.slippage_guard_bps} bps for {order.product}"
                f" (price: {order.price}, mark: {mark.price})"
            )
            yield _breach("slippage", str(limits.slippage_guard_bps), str(bps), message)
    farthest = limits.max_price_distance_bps
    if farthest is not None and mark is not None and order.price is not None:
        distance = abs(order.price - mark.price) * 10_000
        if distance > farthest * mark.price:
            bps = quotient(distance, mark.price, places=2)
            message = (
                f"Price {order.price} is {bps:.0f} bps from the mark {mark.price}, at most {farthest} are allowed"
                f" for {order.product}"
            )
            yield _breach("max_price_distance", str(farthest), str(bps), message)
    if rules.max_size is not None and order.qty > rules.max_size:
        message = f"Quantity {order.qty} exceeds maximum size {rules.max_size} of {order.product}"
        yield _breach("max_size", str(rules.max_size), str(order.qty), message)
    if limits.max_order_qty is not None and order.opening > limits.max_order_qty:
        message = f"Quantity {order.opening} exceeds maximum of {limits.max_order_qty} for {order.product}"
        yield _breach("max_order_qty", str(limits.max_order_qty), str(order.opening), message)
    reference = order.price or (mark.price if mark is not None else None)
    if limits.max_order_notional is not None and reference is not None and rules.contract_size is not None:
        worth = notional(order.opening, contract_size=rules.contract_size, price=reference)
        if worth > limits.max_order_notional:
            message = f"Order notional {worth} exceeds maximum of {limits.max_order_notional} for {order.product}"
            yield _breach("max_order_notional", str(limits.max_order_notional), str(worth), message)
    most = limits.max_orders_per_minute
    if most is not None and approvals_in_a_minute >= most:
        message = f"{approvals_in_a_minute} orders in the last minute, at most {most} are allowed"
        yield _breach("max_orders_per_minute", str(most), str(approvals_in_a_minute), message)


class Case(NamedTuple):
    """What a sentence speaks of: the product, what it could come to, what the others take up, equity, costs to come."""

    product: str
    worst: Decimal
    other: Others
    equity: Decimal
    costs: Decimal = ZERO

    @property
    def gross(self) -> Decimal:
        return self.worst + self.other.gross


_Sentence = Callable[[Bound, Case], Breach]


def _leverage_of_product(line: Bound, case: Case) -> Breach:
    multiple, cap = _multiple(case.worst, case.equity), str(plain(rounded(line.cap, places=2)))
    message = (
        f"Leverage {multiple} exceeds {case.product} cap of {cap}x (notional: {case.worst}, equity: {case.equity})"
    )
    return _breach(line.code, cap, multiple, message)


def _leverage_of_account(line: Bound, case: Case) -> Breach:
    multiple = _multiple(case.gross, case.equity)
    return _breach(line.code, str(line.cap), multiple, f"Leverage {multiple} exceeds global cap of {line.cap}x")


def _margin_buffer(line: Bound, case: Case) -> Breach:
    margin = rounded(line.slope * case.worst + case.other.margin + case.costs, places=2)
    buffer = _share(case.equity - margin, case.equity)
    message = (
        f"Insufficient liquidation buffer: {buffer} < {line.cap:.1%} required"
        f" (margin needed: {margin}, equity: {case.equity})"
    )
    return _breach(line.code, f"{line.cap:.1%}", buffer, message)


def _projection(line: Bound, case: Case) -> Breach:
    maintenance = (line.slope - line.cap) * case.worst + case.other.maintenance
    buffer = quotient(max(case.equity - case.costs - maintenance, ZERO), case.gross, places=6)
    message = f"Projected liquidation buffer {buffer:.2%} < {line.cap:.2%} for {case.product}"
    return _breach(line.code, f"{line.cap:.2%}", f"{buffer:.2%}", message)


def _max_notional(line: Bound, case: Case) -> Breach:
    message = f"Symbol notional {case.worst} exceeds cap {line.cap} for {case.product}"
    return _breach(line.code, str(line.cap), str(case.worst), message)


def _exposure_of_product(line: Bound, case: Case) -> Breach:
    share = _share(case.worst, case.equity)
    message = f"Symbol exposure {share} exceeds cap of {line.cap:.1%} for {case.product}"
    return _breach(line.code, f"{line.cap:.1%}", share, message)


def _exposure_of_account(line: Bound, case: Case) -> Breach:
    share = _share(case.gross, case.equity)
    message = f"Total exposure {share} would exceed cap of {line.cap:.1%} (new notional: {case.worst})"
    return _breach(line.code, f"{line.cap:.1%}", share, message)


_SENTENCES: dict[str, _Sentence] = {
    "leverage_symbol": _leverage_of_product,
    "leverage_margin": _leverage_of_product,
    "leverage_order": _leverage_of_product,
    "leverage_global": _leverage_of_account,
    "margin_buffer": _margin_buffer,
    "max_notional": _max_notional,
    "exposure_symbol": _exposure_of_product,
    "exposure_total": _exposure_of_account,
    "liquidation_projection": _projection,
}


def _multiple(amount: Decimal, equity: Decimal) -> str:
    """Times equity; without equity any amount is too much."""
    return f"{quotient(amount, equity, places=6):.1f}x" if equity > ZERO else "∞x"


def _share(amount: Decimal, equity: Decimal) -> str:
    return f"{quotient(amount, equity, places=6):.1%}" if equity > ZERO else "∞%"


def _breach(code: str, limit: str, value: str, message: str) -> Breach:
    return Breach(code=code, limit=limit, value=value, message=message)
