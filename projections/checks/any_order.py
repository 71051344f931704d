"""The checks that hold for any order, an exit too: it must be one that the exchange can take, and decided just now."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from events.catalog import ProductListed
from events.event import Part
from events.money import ZERO, floor_to
from events.orders import Breach, OrderProposed
from events.terms import NANOSECONDS, OrderKind, Origin
from projections.account import Account
from projections.crossing import crossed_by
from projections.notional import is_inverse, notional
from projections.pricing import limit_on_grid
from projections.sight import Sight

_PRICELESS = frozenset({OrderKind.MARKET_IOC, OrderKind.CLOSE_POSITION})
_STOPS = frozenset(kind for kind in OrderKind if kind.is_bracket) | {OrderKind.STOP_LIMIT_GTC, OrderKind.STOP_LIMIT_GTD}
_ENDING = frozenset({OrderKind.LIMIT_GTD, OrderKind.STOP_LIMIT_GTD, OrderKind.TRIGGER_BRACKET_GTD})


class Fitted(Part, frozen=True):
    """An order on the exchange's grid: size rounded down, the limit so that it asks for no worse than was meant."""

    qty: Decimal
    price: Decimal | None
    stop_price: Decimal | None = None


def fitted(order: OrderProposed, rules: ProductListed) -> Fitted:
    price = order.limit_price
    if price is not None:  # what is no number is no price
        price = limit_on_grid(order.side, price, increment=rules.price_increment) if price.is_finite() else ZERO
    qty = floor_to(order.qty, rules.size_increment) if order.qty.is_finite() else ZERO
    stop_price = order.stop_price
    if stop_price is not None:  # rounded to where it triggers sooner: a buy's down, a sell's up
        is_number = stop_price.is_finite()
        stop_price = limit_on_grid(order.side, stop_price, increment=rules.price_increment) if is_number else ZERO
    return Fitted(qty=qty, price=price, stop_price=stop_price)


def product_breaches(account: Account, sight: Sight, order: OrderProposed, *, at: int) -> Iterator[Breach]:
    """Is the product known, open for this kind of order, and our position in it certain?"""
    product, rules = order.product, account.catalog.rules(order.product)
    if rules is None:
        yield _breach("unknown_product", "listed", "unknown", f"Product {product} is not in the catalog")
        return
    if is_inverse(rules):
        message = (
            f"{product} is an inverse contract, quoted in its underlying {rules.underlying}: only linear ones trade"
        )
        yield _breach("inverse_contract", "linear", "inverse", message)
    elif rules.contract_size is None:
        yield _breach("no_contract_size", "known", "unknown", f"Contract size of {product} is unknown")
    closed = _why_closed(rules, order, at)
    if closed:
        yield _breach("session_closed", "open", closed, f"{product} takes no such order now: {closed}")
    if not sight.is_reconciled:
        message = f"Position in {product} is not confirmed by the exchange in this session"
        yield _breach("position_unknown", "confirmed", "unconfirmed", message)
    doubt = sight.in_doubt.get(product)
    if doubt is not None and order.kind is not OrderKind.CLOSE_POSITION:
        message = f"Position in {product} is in doubt: ours {doubt.ours}, the exchange's {doubt.theirs}"
        yield _breach("position_in_doubt", str(doubt.ours), str(doubt.theirs), message)


def form_breaches(account: Account, rules: ProductListed, order: OrderProposed, *, at: int) -> Iterator[Breach]:
    """Are size and price such as the exchange takes, and is the decision fresh?"""
    product, fit = order.product, fitted(order, rules)
    if fit.qty < rules.min_size or fit.qty <= ZERO:
        message = f"Quantity {order.qty} below minimum size {rules.min_size} for {product}"
        yield _breach("min_size", str(rules.min_size), str(order.qty), message)
    if (fit.price is not None and fit.price <= ZERO) or (fit.price is None and _needs_price(order)):
        yield _breach("price", "above zero", str(order.limit_price), f"Limit price {order.limit_price} for {product}")
    elif fit.price is not None and rules.min_notional is not None and rules.contract_size is not None:
        worth = notional(fit.qty, contract_size=rules.contract_size, price=fit.price)
        if worth < rules.min_notional and not order.reduce_only:
            message = f"Notional {worth} below minimum {rules.min_notional} for {product}"
            yield _breach("min_notional", str(rules.min_notional), str(worth), message)
    limit_s = account.limits.limits.max_decision_age_s
    if at - order.as_of > limit_s * NANOSECONDS:
        age_s = (at - order.as_of) // NANOSECONDS
        message = f"Decision for {product} is {age_s} s old, at most {limit_s} s are allowed"
        yield _breach("decision_age", str(limit_s), str(age_s), message)
    if order.kind in _STOPS and (fit.stop_price is None or fit.stop_price <= ZERO):
        yield _breach("stop_price", "above zero", str(order.stop_price), f"Stop price {order.stop_price} for {product}")
    if order.kind in _ENDING and (order.good_until is None or order.good_until <= at):
        message = f"Order for {product} ends at a time that is {'past' if order.good_until else 'not given'}"
        yield _breach("good_until", "ahead", str(order.good_until), message)
    crossed = crossed_by(account.orders.open_orders(product), order.side, fit.price)
    foreign = [each for each in crossed if each.origin is not Origin.OURS and not order.kind.is_bracket]
    if foreign:  # ours is cancelled and waited for; another program's is not ours to take away
        message = f"Order would trade with the account's own resting order {foreign[0].order} in {product}"
        yield _breach("self_trade", "none", foreign[0].order, message)


def _needs_price(order: OrderProposed) -> bool:
    """A limit IOC without a price goes out at the guard price; other limits must bring their own."""
    return order.kind not in _PRICELESS and order.kind is not OrderKind.LIMIT_IOC


def _why_closed(rules: ProductListed, order: OrderProposed, at: int) -> str:
    if rules.contract_expiry is not None and at >= rules.contract_expiry:
        return "the contract has expired"
    if not rules.session_open:
        return "the session is closed"
    if rules.trading_disabled:
        return "trading is disabled"
    if rules.cancel_only:
        return "only cancels are taken"
    if rules.limit_only and order.kind in _PRICELESS:
        return "only limit orders are taken"
    if rules.post_only and not order.post_only:
        return "only post-only orders are taken"
    return ""


def _breach(code: str, limit: str, value: str, message: str) -> Breach:
    return Breach(code=code, limit=limit, value=value, message=message)
