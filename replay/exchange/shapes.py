"""The exchange's JSON of one account: orders, fills, positions, balances.

Decimals are text, printed plainly: no exponent, no trailing noise. Field names and enums follow the exchange.
"""

from __future__ import annotations

from decimal import Decimal

from events.money import ZERO, plain
from events.terms import OrderKind
from replay.exchange.balances import Balances, Measure
from replay.exchange.orders import Fill, Order, OrderConfiguration, Refusal
from replay.exchange.plans import Bracket, Ladder, Stop, Twap
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

#: What JSON is made of, as far as it is ours to build.
Json = dict[str, object]

ORDER_TYPES = {
    OrderKind.MARKET_IOC: "MARKET",
    OrderKind.LIMIT_IOC: "LIMIT",
    OrderKind.LIMIT_GTC: "LIMIT",
    OrderKind.LIMIT_GTD: "LIMIT",
    OrderKind.LIMIT_FOK: "LIMIT",
}
#: What of a position and of a margin window is money.
_MONEY = frozenset(
    {
        *("current_price", "avg_entry_price", "unrealized_pnl", "daily_realized_pnl"),
        *("initial_margin", "maintenance_margin", "total_hold", "futures_buying_power"),
    }
)
_PLAN_TYPES: dict[type, str] = {Stop: "STOP_LIMIT", Bracket: "BRACKET", Twap: "TWAP", Ladder: "SCALED"}


def number(amount: Decimal | None) -> str:
    """A decimal as text without exponent or trailing zeros; "" where there is no value."""
    return "" if amount is None else f"{plain(amount):f}"


def order_type(held: Order) -> str:
    """The exchange's word for the kind of order."""
    if held.is_liquidation:
        return "LIQUIDATION"
    plan = held.ticket.plan
    return ORDER_TYPES[held.ticket.kind] if plan is None else _PLAN_TYPES[type(plan)]


def trigger_status(held: Order) -> str:
    """INVALID_ORDER_TYPE is the exchange's word for an order that waits for no price."""
    if not isinstance(held.ticket.plan, Stop | Bracket):
        return "INVALID_ORDER_TYPE"
    return "STOP_TRIGGERED" if held.is_triggered else "STOP_PENDING"


def order(held: Order, venue: Venue, *, portfolio: str, user: str) -> Json:
    """An order as `GET /orders/historical/...` shows it."""
    ticket = held.ticket
    return {
        "order_id": held.order_id,
        "product_id": ticket.product,
        "user_id": user,
        "order_configuration": ticket.configuration,
        "side": ticket.side.name,
        "client_order_id": ticket.client_order_id,
        "status": held.shown_status,
        "time_in_force": ticket.time_in_force.value,
        "created_time": rfc3339(held.created_at),
        "completion_percentage": f"{held.completion:f}",
        "filled_size": number(held.filled),
        "average_filled_price": number(held.average_price),
        "fee": "",
        "number_of_fills": str(held.fills),
        "filled_value": number(held.value),
        "pending_cancel": held.is_cancel_queued and held.is_open,
        "size_in_quote": False,
        "total_fees": number(held.fees),
        "size_inclusive_of_fees": False,
        "total_value_after_fees": number(held.value_after_fees),
        "trigger_status": trigger_status(held),
        "order_type": order_type(held),
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": not held.is_open,
        "product_type": "FUTURE",
        "reject_message": held.reject_message,
        "cancel_message": held.cancel_message,
        "order_placement_source": "RETAIL_SIMPLE" if ticket.is_manual else "RETAIL_ADVANCED",
        "outstanding_hold_amount": number(hold_of(held, venue)),
        "is_liquidation": held.is_liquidation,
        "last_fill_time": None if held.last_fill_at is None else rfc3339(held.last_fill_at),
        "edit_history": [
            {"price": number(price), "size": number(size), "replace_accept_timestamp": rfc3339(at)}
            for price, size, at in held.edits
        ],
        "leverage": number(ticket.leverage),
        "margin_type": ticket.margin_type or "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": portfolio,
        "originating_order_id": held.originating_order_id,
        "attached_order_id": held.attached_order_id,
        "attached_order_configuration": _attached(held),
    }


def _attached(held: Order) -> Json | None:
    legs = held.ticket.attached
    if legs is None:
        return None
    prices = {"limit_price": number(legs.limit_price), "stop_trigger_price": number(legs.stop_price)}
    return {"trigger_bracket_gtc": prices}


def hold_of(held: Order, venue: Venue) -> Decimal:
    """Margin and fees that the rest of an order would bind by itself; a reducing one binds its fees."""
    leaves = held.leaves
    price = max(held.ticket.limit_price or ZERO, venue.mark() or ZERO)
    signed = leaves * held.ticket.side.sign
    window, _ = venue.window
    margin = ZERO if held.reduces_only or signed * venue.holding.qty < 0 else venue.rates.initial(window, signed, price)
    return margin + venue.fee(leaves, price, is_maker=False)


def accepted(held: Order, side: str, product_id: str, configuration: OrderConfiguration) -> Json:
    """The reply to a create that was taken. Side, product and configuration echo the request, not the order."""
    taken = {
        "order_id": held.order_id,
        "product_id": product_id,
        "side": side,
        "client_order_id": held.ticket.client_order_id,
        "attached_order_id": held.attached_order_id,
    }
    return {"success": True, "success_response": taken, "order_configuration": configuration}


def refused(refusal: Refusal, configuration: OrderConfiguration) -> Json:
    """The reply to a create that was not: HTTP 200, both vocabularies of reasons."""
    response = {
        "error": refusal.new_order,
        "message": refusal.message,
        "error_details": "",
        "preview_failure_reason": refusal.preview,
        "new_order_failure_reason": refusal.new_order,
    }
    return {"success": False, "error_response": response, "order_configuration": configuration}


def fill(entry: Fill, *, portfolio: str, user: str) -> Json:
    return {
        "entry_id": entry.entry_id,
        "trade_id": entry.trade_id,
        "order_id": entry.order.order_id,
        "trade_time": rfc3339(entry.at),
        "trade_type": entry.trade_type,
        "price": number(entry.price),
        "size": number(entry.qty),
        "commission": number(entry.fee),
        "product_id": entry.order.ticket.product,
        "sequence_timestamp": rfc3339(entry.at),
        "liquidity_indicator": "MAKER" if entry.is_maker else "TAKER",
        "size_in_quote": False,
        "user_id": user,
        "side": entry.order.ticket.side.name,
        "retail_portfolio_id": portfolio,
    }


def position(venue: Venue) -> Json | None:
    """The position as `cfm/positions` shows it, since the last settlement; None when flat, or held elsewhere."""
    holding, mark = venue.holding, venue.mark()
    if not holding.qty or mark is None or venue.is_international:
        return None
    expiry = venue.product.contract_expiry
    return {
        "product_id": venue.product.exchange_id,
        "expiration_time": None if expiry is None else rfc3339(expiry),
        "side": "LONG" if holding.qty > 0 else "SHORT",
        "number_of_contracts": number(abs(holding.qty)),
        "current_price": number(mark),
        "avg_entry_price": number(holding.entry_price),
        "unrealized_pnl": number(holding.worth(mark) - holding.carried),
        "daily_realized_pnl": number(holding.day_realized),
    }


def balance_summary(held: Balances, *, plainly: bool, plain_windows: bool = True) -> Json:
    """The balance summary; over REST money is an object, over WebSocket (`plainly`) plain text.

    In its windows it is text, unless `plain_windows` is off.
    """
    windows = [_measure(held.intraday), _measure(held.overnight)]
    intraday, overnight = windows if plain_windows else map(with_currency, windows)

    def money(amount: Decimal) -> object:
        return number(amount) if plainly else {"value": number(amount), "currency": "USD"}

    return {
        "futures_buying_power": money(held.present.buying_power),
        "total_usd_balance": money(held.total),
        "cbi_usd_balance": money(held.spot),
        "cfm_usd_balance": money(held.futures),
        "total_open_orders_hold_amount": money(held.present.hold),
        "unrealized_pnl": money(held.unrealized),
        "daily_realized_pnl": money(held.day_realized),
        "initial_margin": money(held.present.initial),
        "available_margin": money(held.available),
        "liquidation_threshold": money(held.present.maintenance),
        "liquidation_buffer_amount": money(held.available - held.present.maintenance),
        "liquidation_buffer_percentage": number(held.present.buffer_percent),
        "intraday_margin_window_measure": intraday,
        "overnight_margin_window_measure": overnight,
    }


def with_currency(row: Json) -> Json:
    """A position or a margin window with its money as `{value, currency}`, the other form that clients recorded."""
    return {name: {"value": value, "currency": "USD"} if name in _MONEY else value for name, value in row.items()}


def _measure(measure: Measure) -> Json:
    return {
        "margin_window_type": f"FCM_MARGIN_WINDOW_TYPE_{measure.window.name}",
        "margin_level": "MARGIN_LEVEL_TYPE_BASE",
        "initial_margin": number(measure.initial),
        "maintenance_margin": number(measure.maintenance),
        "liquidation_buffer_percentage": number(measure.buffer_percent),
        "total_hold": number(measure.hold),
        "futures_buying_power": number(measure.buying_power),
    }
