"""Whether an order may enter: the checks of the exchange in their order, with the reasons it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.money import ZERO, on_grid, plain
from events.terms import OrderKind
from projections.matching import NO_LIQUIDITY, POST_ONLY_WOULD_CROSS
from replay.exchange.margin import OpenInterest
from replay.exchange.orders import Refusal, Ticket, TimeInForce
from replay.exchange.plan_checks import refusal_of_plan
from replay.exchange.plans import Bracket, Stop, Twap
from replay.exchange.times import rfc3339

if TYPE_CHECKING:
    from replay.exchange.venue import Venue

_UNKNOWN = "UNKNOWN_FAILURE_REASON"
_UNKNOWN_PREVIEW = "UNKNOWN_PREVIEW_FAILURE_REASON"


def refusal_of(ticket: Ticket, venue: Venue, *, is_close: bool) -> Refusal | None:
    """The first reason against the ticket at the venue's present state; None when there is none."""
    return (
        _of_product(ticket, venue)
        or _of_leverage(ticket, venue)
        or _of_size(ticket, venue)
        or _of_price(ticket, venue)
        or _of_time(ticket, venue)
        or refusal_of_plan(ticket, venue)
        or (None if isinstance(ticket.plan, Stop | Twap) else meets_market(ticket, venue))
        or (None if is_close or isinstance(ticket.plan, Bracket) else _of_backing(ticket, venue))
    )


def _of_product(ticket: Ticket, venue: Venue) -> Refusal | None:
    product = venue.product
    conditions = venue.conditions
    if conditions.is_geofenced:
        return _both("GEOFENCING_RESTRICTION", "Trading is not allowed from where you are")
    if venue.in_liquidation:
        return _both("IN_LIQUIDATION", "The account is being liquidated")
    if ticket.product != product.exchange_id:
        return _both("INVALID_PRODUCT_ID", f"Product {ticket.product} is not traded here")
    if product.trading_disabled:
        return _both("TRADING_DISABLED", f"Trading of {ticket.product} is disabled")
    if conditions.is_halted:
        return _both("PRODUCT_TRADING_HALTED", f"Trading of {ticket.product} is halted")
    if product.cancel_only:
        return _both("UNTRADABLE_PRODUCT", f"{ticket.product} is in cancel only mode")
    if not venue.session_open:
        return _both("INVALID_FCM_TRADING_SESSION", f"The session of {ticket.product} is closed")
    if product.limit_only and ticket.kind is OrderKind.MARKET_IOC:
        return _both("UNTRADABLE_PRODUCT", f"{ticket.product} is in limit only mode")
    if product.post_only and not ticket.post_only:
        return _both("UNTRADABLE_PRODUCT", f"{ticket.product} is in post only mode")
    if ticket.kind is OrderKind.LIMIT_IOC and not conditions.takes_limit_ioc:
        return Refusal("UNSUPPORTED_ORDER_CONFIGURATION", _UNKNOWN_PREVIEW, "sor_limit_ioc is not taken here")
    return _of_hours(ticket, venue) if conditions.is_after_hours else None


def _of_hours(ticket: Ticket, venue: Venue) -> Refusal | None:
    """After hours only limit orders that rest are taken."""
    if ticket.kind is OrderKind.MARKET_IOC or ticket.plan is not None:
        return _both("FUTURES_AFTER_HOUR_INVALID_ORDER_TYPE", f"only limit orders are taken at {rfc3339(venue.now)}")
    if ticket.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        return _both("FUTURES_AFTER_HOUR_INVALID_TIME_IN_FORCE", "only orders that rest are taken after hours")
    return None


def _of_leverage(ticket: Ticket, venue: Venue) -> Refusal | None:
    """International products take leverage up to their own, and are held cross; others do not look at it."""
    if not venue.is_international:
        return None
    most = venue.product.max_leverage
    if ticket.leverage is not None and (ticket.leverage < 1 or (most is not None and ticket.leverage > most)):
        return _both("INVALID_LEVERAGE", f"leverage must be from 1 to {'any' if most is None else f'{most:f}'}")
    if ticket.margin_type not in ("", "CROSS"):
        preview = "PREVIEW_OPPOSITE_MARGIN_TYPE_EXISTS" if venue.holding.qty else "PREVIEW_INVALID_MARGIN_TYPE"
        return Refusal("INVALID_MARGIN_TYPE", preview, "margin_type must be CROSS")
    return None


def _of_size(ticket: Ticket, venue: Venue) -> Refusal | None:
    product, qty = venue.product, ticket.qty
    if qty <= 0 or qty < product.min_size:
        return Refusal(_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", f"base_size is below {product.min_size:f}")
    if product.max_size is not None and qty > product.max_size:
        return Refusal(_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE", f"base_size is above {product.max_size:f}")
    if not on_grid(qty, product.size_increment):
        return _both("INVALID_SIZE_PRECISION", f"base_size is no multiple of {product.size_increment:f}")
    price = ticket.limit_price or venue.mark()
    if product.min_notional is not None and price is not None:
        notional = qty * venue.holding.contract_size * price
        if notional < product.min_notional:
            message = f"The order is worth less than {product.min_notional:f}"
            return Refusal(_UNKNOWN, "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", message)
    return None


def _of_price(ticket: Ticket, venue: Venue) -> Refusal | None:
    price, mark, band = ticket.limit_price, venue.mark(), venue.rules.price_band
    if price is None:
        return None
    if not on_grid(price, venue.product.price_increment):
        return _both("INVALID_PRICE_PRECISION", f"limit_price is no multiple of {venue.product.price_increment:f}")
    if mark is not None and band is not None and (price - mark) * ticket.side.sign > band * mark:
        name = f"LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_{ticket.side.name}"
        return _both(name, f"limit_price is further than {band:f} of {mark:f} through the market")
    reach = venue.rules.price_reach
    if mark is not None and reach is not None and (mark - price) * ticket.side.sign > reach * mark:
        return _both("LIMIT_PRICE_TOO_FAR_FROM_MARKET", f"limit_price is further than {reach:f} from {mark:f}")
    return None


def _of_time(ticket: Ticket, venue: Venue) -> Refusal | None:
    ends, expiry = ticket.expires_at, venue.product.contract_expiry
    if ends is not None and ends <= venue.now:
        return Refusal("END_TIME_IS_IN_THE_PAST", "PREVIEW_INVALID_END_TIME", "end_time is in the past")
    if ends is not None and expiry is not None and ends > expiry:
        return Refusal("END_TIME_AFTER_CONTRACT_EXPIRATION", "PREVIEW_INVALID_END_TIME", "end_time is after expiry")
    return None


def meets_market(ticket: Ticket, venue: Venue) -> Refusal | None:
    """Whether the book would take the ticket now: None, or why not."""
    found = venue.market.matching.preview(
        "",
        side=ticket.side,
        qty=ticket.qty,
        kind=ticket.kind,
        limit_price=ticket.limit_price,
        post_only=ticket.post_only,
    )
    if found.code in (POST_ONLY_WOULD_CROSS, NO_LIQUIDITY):
        return _both(found.code, found.message)
    if found.code:
        return Refusal(found.code, "UNKNOWN_PREVIEW_FAILURE_REASON", found.message)
    return None


def _of_backing(ticket: Ticket, venue: Venue) -> Refusal | None:
    """What only an order that may open something is asked: limits of the position, and margin."""
    return _of_limits(ticket, venue) or _of_margin(ticket, venue)


def _of_limits(ticket: Ticket, venue: Venue) -> Refusal | None:
    """The position that the order could lead to, with all open orders of its side, against the limits of position."""
    same = [one.leaves for one in venue.open_interest() if one.side is ticket.side]
    end = (venue.holding.qty * ticket.side.sign) + sum(same, ZERO) + ticket.qty
    rules = venue.rules
    for limit, what in (
        (rules.position_limit, "ACCOUNT_POSITION"),
        (rules.company_limit, "COMPANY_POSITION"),
        (rules.open_interest_limit, "OPEN_INTEREST"),
    ):
        if limit is not None and end > limit:
            message = f"The position could become {end:f}, the limit is {limit:f}"
            return Refusal("BREACHED_RISK_LIMIT", f"PREVIEW_BREACHED_{what}_LIMIT", message)
    return None


def _of_margin(ticket: Ticket, venue: Venue) -> Refusal | None:
    """An order that asks for more margin than before must leave no more asked than there is."""
    mark = venue.mark() or ticket.limit_price
    if mark is None:
        return _both(NO_LIQUIDITY, "No price is known yet")
    orders = venue.open_interest()
    mine = OpenInterest(ticket.side, ticket.qty, ticket.limit_price or ZERO)
    rates, (window, _), held = venue.rates, venue.window, venue.holding.qty
    before = rates.worst(window, held, mark, orders)
    after = rates.worst(window, held, mark, [*orders, mine])
    needed = after + venue.fee(ticket.qty, max(mark, mine.price), is_maker=False)
    if after <= before or needed <= venue.available():
        return None
    if venue.available() < rates.initial(window, held, mark):
        message = "The account has less than the initial margin of its position"
        return Refusal("IN_LIQUIDATION", "PREVIEW_INVALID_MARGIN_HEALTH", message)
    if venue.is_international:
        return _both("INSUFFICIENT_FUND", "Insufficient balance in source account")
    return Refusal(
        "INSUFFICIENT_FUNDS",
        "PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES",
        f"The order needs {plain(needed):f} of margin and fees, available are {plain(venue.available()):f}",
    )


def _both(name: str, message: str) -> Refusal:
    """A reason that both vocabularies share, the one with its prefix."""
    return Refusal(name, f"PREVIEW_{name}", message)
