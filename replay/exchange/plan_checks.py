"""Whether an order with a plan may enter: the checks that its stops, legs and parts need besides those of any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from events.money import ZERO, on_grid
from events.terms import NANOSECONDS, Side
from projections.parts import entered_by
from projections.triggers import is_reached
from replay.exchange.orders import Refusal, Ticket
from replay.exchange.plans import Attached, Bracket, Ladder, Stop, Twap

if TYPE_CHECKING:
    from replay.exchange.venue import Venue

_UNKNOWN = "UNKNOWN_FAILURE_REASON"
_UNKNOWN_PREVIEW = "UNKNOWN_PREVIEW_FAILURE_REASON"
_LONGEST_NS = 30 * 86_400 * NANOSECONDS
_SHORTEST_PART_NS = NANOSECONDS
_MOST_RUNGS = 100


def refusal_of_plan(ticket: Ticket, venue: Venue) -> Refusal | None:
    """The first reason against the ticket's plan, or what hangs on it; None when there is none."""
    plan = ticket.plan
    match plan:
        case None:
            return None if ticket.attached is None else _of_attached(ticket, ticket.attached, venue)
        case Stop():
            return _of_stop(ticket, plan, venue)
        case Bracket():
            return _of_bracket(ticket, plan, venue)
        case Twap():
            return _of_twap(ticket, plan, venue)
        case Ladder():
            return _of_ladder(ticket, plan, venue)
        case _:
            assert_never(plan)


def _of_stop(ticket: Ticket, plan: Stop, venue: Venue) -> Refusal | None:
    last, limit = venue.market.matching.last_trade, ticket.limit_price
    if not on_grid(plan.price, venue.product.price_increment):
        return Refusal("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_STOP_PRICE_PRECISION", "stop_price is off the grid")
    if limit is not None and ticket.side is Side.BUY and plan.rises and limit < plan.price:
        return Refusal(_UNKNOWN, "PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE", "stop_price is above limit_price")
    if limit is not None and ticket.side is Side.SELL and not plan.rises and limit > plan.price:
        return Refusal(_UNKNOWN, "PREVIEW_STOP_PRICE_BELOW_LIMIT_PRICE", "stop_price is below limit_price")
    if last is not None and is_reached(last, plan.price, rises=plan.rises):
        where = "BELOW" if plan.rises else "ABOVE"
        preview = f"PREVIEW_STOP_PRICE_{where}_LAST_TRADE_PRICE"
        return Refusal("STOP_ALREADY_TRIGGERED", preview, f"the last trade at {last:f} reached {plan.price:f} already")
    return None


def _of_bracket(ticket: Ticket, plan: Bracket, venue: Venue) -> Refusal | None:
    assert ticket.limit_price is not None, "a bracket has a limit"
    if not venue.conditions.takes_brackets:
        return Refusal("BRACKET_ORDER_NOT_SUPPORTED", _UNKNOWN_PREVIEW, "brackets are not taken for this product")
    legs = Attached(limit_price=ticket.limit_price, stop_price=plan.stop_price)
    refusal = _of_legs(ticket.side, legs, venue)
    if refusal is not None:
        return refusal
    held, sign = venue.holding.qty, ticket.side.sign
    others = sum((order.leaves for order in venue.ledger.open.values() if order.reduces_only), ZERO)
    if held * sign >= 0 or ticket.qty + others > abs(held):
        message = f"The position is {held:f}, brackets close {others:f} of it already"
        return Refusal(_UNKNOWN, "PREVIEW_BRACKET_ORDER_SIZE_EXCEEDS_POSITION", message)
    last = venue.market.matching.last_trade
    if last is None:
        return None
    if (ticket.limit_price - last) * sign >= 0:
        end = "LOW" if ticket.side is Side.SELL else "HIGH"
        return Refusal(f"TAKE_PROFIT_PRICE_TOO_{end}", _UNKNOWN_PREVIEW, f"limit_price is no profit at {last:f}")
    if is_reached(last, plan.stop_price, rises=ticket.side is Side.BUY):
        end = "HIGH" if ticket.side is Side.SELL else "LOW"
        return Refusal(f"STOP_LOSS_PRICE_TOO_{end}", _UNKNOWN_PREVIEW, f"{last:f} reached stop_trigger_price already")
    return None


def _of_attached(ticket: Ticket, attached: Attached, venue: Venue) -> Refusal | None:
    """A bracket that is to begin with the order's fills: its legs lie on both sides of where the order trades."""
    if not venue.conditions.takes_brackets:
        return Refusal("BRACKET_ORDER_NOT_SUPPORTED", _UNKNOWN_PREVIEW, "brackets are not taken for this product")
    refusal = _of_legs(ticket.side.opposite, attached, venue)
    reference = ticket.limit_price or venue.mark()
    if refusal is not None or reference is None:
        return refusal
    if (attached.limit_price - reference) * ticket.side.sign <= 0:
        return Refusal("INVALID_BRACKET_LIMIT_PRICE", _UNKNOWN_PREVIEW, "limit_price of the bracket is no profit")
    if (attached.stop_price - reference) * ticket.side.sign >= 0:
        return Refusal("INVALID_BRACKET_STOP_TRIGGER_PRICE", _UNKNOWN_PREVIEW, "stop_trigger_price is no loss")
    return None


def _of_legs(side: Side, legs: Attached, venue: Venue) -> Refusal | None:
    grid = venue.product.price_increment
    if legs.limit_price <= 0 or not on_grid(legs.limit_price, grid):
        return Refusal("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_PRICE_PRECISION", "limit_price is off the grid")
    if legs.stop_price <= 0 or not on_grid(legs.stop_price, grid):
        message = "stop_trigger_price is off the grid"
        return Refusal("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_STOP_PRICE_PRECISION", message)
    if (legs.stop_price - legs.limit_price) * side.sign <= 0:
        return Refusal("INVALID_BRACKET_PRICES", _UNKNOWN_PREVIEW, "stop_trigger_price lies beyond limit_price")
    return None


def _of_twap(ticket: Ticket, plan: Twap, venue: Venue) -> Refusal | None:
    ends = ticket.expires_at
    assert ends is not None, "an order over time has an end"
    if ends <= plan.starts_at:
        return Refusal("INVALID_REQUEST", "PREVIEW_INVALID_END_TIME", "end_time is before start_time")
    if plan.bucket_ns < _SHORTEST_PART_NS:
        return Refusal("DURATION_TOO_SMALL", _UNKNOWN_PREVIEW, "bucket_duration is below a second")
    if ends - plan.starts_at > _LONGEST_NS or plan.starts_at + plan.bucket_ns * (plan.buckets - 1) >= ends:
        return Refusal("DURATION_TOO_LARGE", _UNKNOWN_PREVIEW, "the buckets do not fit between start and end")
    product = venue.product
    smallest = entered_by(ticket.qty, 1, of=plan.buckets, increment=product.size_increment)
    if smallest < product.min_size:
        message = f"a bucket would be {smallest:f}"
        return Refusal("BUCKET_SIZE_SMALLER_THAN_BASE_MIN", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", message)
    return None


def _of_ladder(ticket: Ticket, plan: Ladder, venue: Venue) -> Refusal | None:
    product = venue.product
    grid = product.price_increment
    if not on_grid(plan.lowest, grid) or not on_grid(plan.highest, grid):
        message = f"min_price and max_price must be multiples of {grid:f}"
        return Refusal("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_PRICE_PRECISION", message)
    if plan.count < 2 or plan.lowest >= plan.highest:
        return Refusal("SCALED_PARAM_INFEASIBLE", _UNKNOWN_PREVIEW, "two orders at least, between two prices")
    if plan.count > _MOST_RUNGS:
        return Refusal("SCALED_MAX_ORDER_VIOLATION", _UNKNOWN_PREVIEW, f"at most {_MOST_RUNGS} orders")
    rungs = plan.rungs(ticket.qty, price_increment=grid, size_increment=product.size_increment)
    if not rungs:
        return Refusal("SCALED_PARAM_INFEASIBLE", _UNKNOWN_PREVIEW, "the sizes cannot differ by so much")
    if min(size for _, size in rungs) < product.min_size:
        return Refusal("SCALED_MIN_ORDER_VIOLATION", _UNKNOWN_PREVIEW, f"a part is below {product.min_size:f}")
    return None
