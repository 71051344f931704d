"""Orders at the paper exchange, and the reasons why one is not taken.

Codes are those of the exchange (protocol sheet 4.2); where its first reason says nothing, its second one is given.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.catalog import ProductListed
from events.money import ZERO, on_grid
from events.orders import OrderRejected, OrderReported, OrderSubmitted
from events.terms import NANOSECONDS, OrderKind, OrderStatus, Origin, Side
from projections.notional import notional

#: How long a good-till-date order rests that names no date: no longer than entries may (trading rules A17).
GTD_LIFE_NS = 600 * NANOSECONDS

_MARKET_KINDS = frozenset({OrderKind.MARKET_IOC, OrderKind.CLOSE_POSITION})


class PaperOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that the exchange took, with what it traded so far."""

    order: str
    exchange_order: str
    product: str
    side: Side
    kind: OrderKind
    qty: Decimal
    limit_price: Decimal | None
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    fees: Decimal = ZERO
    origin: Origin = Origin.OURS

    def report(
        self,
        status: OrderStatus,
        *,
        at: int,
        qty: Decimal = ZERO,
        value: Decimal = ZERO,
        fee: Decimal = ZERO,
        reason: str = "",
    ) -> OrderReported:
        """The cumulative view, with `qty` more traded for `value`."""
        return OrderReported(
            order=self.order,
            exchange_order=self.exchange_order,
            product=self.product,
            side=self.side,
            status=status,
            kind=self.kind,
            qty=self.qty,
            filled_qty=self.filled_qty + qty,
            filled_value=self.filled_value + value,
            fees=self.fees + fee,
            limit_price=self.limit_price,
            exchange_at=at,
            origin=self.origin,
            reason=reason,
        )


def order_of(report: OrderReported) -> PaperOrder:
    """The order as a report describes it."""
    return PaperOrder(
        order=report.order,
        exchange_order=report.exchange_order,
        product=report.product,
        side=report.side,
        kind=report.kind,
        qty=report.qty,
        limit_price=report.limit_price,
        filled_qty=report.filled_qty,
        filled_value=report.filled_value,
        fees=report.fees,
    )


def refusal(intent: OrderSubmitted, rules: ProductListed | None, *, at: int) -> OrderRejected | None:
    """Why the exchange does not take this order, by the product's rules alone; None when it does."""
    reason = _product_refusal(rules, intent, at)
    if reason is None:
        assert rules is not None, "an unknown product was refused"
        reason = _size_refusal(rules, intent) or _price_refusal(rules, intent)
    return reason and OrderRejected(order=intent.order, code=reason[0], message=reason[1])


def trades_now(rules: ProductListed | None, *, at: int) -> bool:
    """Whether anything of this product can change hands: it is listed, not expired, its session open, no flag set."""
    if rules is None or not rules.session_open or rules.trading_disabled:
        return False
    return not _is_over(rules, at)


def band_refusal(intent: OrderSubmitted, *, mark: Decimal | None, band: Decimal | None) -> OrderRejected | None:
    """Why a limit that reaches further through the mark than the band is not taken; None when it does not.

    Band 5 %, mark 50,000: a buy may be limited at up to 52,500, a sell at down to 47,500.
    """
    price, side = intent.limit_price, intent.side
    if price is None or mark is None or band is None or (price - mark) * side.sign <= band * mark:
        return None
    code = f"LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_{side.name}"
    message = f"Price {price} is further than {band} of {mark} through the market"
    return OrderRejected(order=intent.order, code=code, message=message)


def _is_over(rules: ProductListed, at: int) -> bool:
    return rules.contract_size is None or (rules.contract_expiry is not None and rules.contract_expiry <= at)


def _product_refusal(rules: ProductListed | None, intent: OrderSubmitted, at: int) -> tuple[str, str] | None:
    if rules is None:
        return "INVALID_PRODUCT_ID", f"Product {intent.product} is not listed"
    if _is_over(rules, at):
        return "UNTRADABLE_PRODUCT", f"{rules.product} cannot be traded"
    if rules.trading_disabled:
        return "TRADING_DISABLED", f"Trading in {rules.product} is disabled"
    if not rules.session_open:
        return "INVALID_FCM_TRADING_SESSION", f"The session of {rules.product} is closed"
    if rules.cancel_only:
        return "ORDER_ENTRY_DISABLED", f"{rules.product} takes cancels only"
    if rules.limit_only and intent.kind in _MARKET_KINDS:
        return "UNSUPPORTED_ORDER_CONFIGURATION", f"{rules.product} takes limit orders only"
    if rules.post_only and not intent.post_only:
        return "UNSUPPORTED_ORDER_CONFIGURATION", f"{rules.product} takes post-only orders only"
    return None


def _size_refusal(rules: ProductListed, intent: OrderSubmitted) -> tuple[str, str] | None:
    qty = intent.qty
    if qty < rules.min_size or qty <= 0:
        return "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", f"Size {qty} is below {rules.min_size}"
    if rules.max_size is not None and qty > rules.max_size:
        return "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE", f"Size {qty} is above {rules.max_size}"
    if not on_grid(qty, rules.size_increment):
        return "INVALID_SIZE_PRECISION", f"Size {qty} is no multiple of {rules.size_increment}"
    return None


def _price_refusal(rules: ProductListed, intent: OrderSubmitted) -> tuple[str, str] | None:
    price = intent.limit_price
    if price is None:
        return None
    if price <= 0:
        return "INVALID_LIMIT_PRICE", f"Price {price} is not above zero"
    if not on_grid(price, rules.price_increment):
        return "INVALID_PRICE_PRECISION", f"Price {price} is no multiple of {rules.price_increment}"
    assert rules.contract_size is not None, "a product without contract size was refused"
    value = notional(intent.qty, contract_size=rules.contract_size, price=price)
    if rules.min_notional is not None and value < rules.min_notional:
        return "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", f"Notional {value} is below {rules.min_notional}"
    return None
