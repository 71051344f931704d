"""The exchange's frames over WebSocket: the `events` of each channel, as JSON text ready to be put into an envelope.

Market trades carry the *maker's* side; books have the sides `bid` and `offer`; sizes are absolute and zero removes.
The user channel's names and spellings differ from REST, and stay so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.terms import Level, Side
from replay.exchange.balances import balances_of
from replay.exchange.candles import Candle
from replay.exchange.intx import International
from replay.exchange.listing import candle
from replay.exchange.orders import Order
from replay.exchange.plans import Bracket, Stop, Twap
from replay.exchange.shapes import Json, balance_summary, hold_of, number, order_type, trigger_status
from replay.exchange.times import UNSET, go_print, rfc3339
from replay.exchange.venue import Venue

#: Open orders in one message of the user channel's snapshot; a message with fewer ends it.
USER_BATCH = 50

_MAKER_SIDE = {Side.BUY: "SELL", Side.SELL: "BUY", None: "UNKNOWN_ORDER_SIDE"}
_EPOCH = "1970-01-01T00:00:00Z"


def dumped(events: Sequence[object]) -> str:
    return orjson.dumps(events).decode()


def trades(prints: Sequence[TradePrinted], product_id: str, *, kind: str = "update") -> str:
    """A batch of trades, given oldest first; within a message the newest stands first."""
    return dumped([{"type": kind, "trades": [trade(one, product_id) for one in reversed(prints)]}])


def trade(one: TradePrinted, product_id: str) -> Json:
    return {
        "product_id": product_id,
        "trade_id": one.trade_id,
        "price": f"{one.price:f}",
        "size": f"{one.size:f}",
        "time": rfc3339(one.exchange_at),
        "side": _MAKER_SIDE[one.aggressor],
    }


def book_snapshot(bids: Iterable[Level], asks: Iterable[Level], product_id: str) -> str:
    """The whole visible book; a snapshot's levels carry no time."""
    updates = _levels("bid", bids, _EPOCH) + _levels("offer", asks, _EPOCH)
    return dumped([{"type": "snapshot", "product_id": product_id, "updates": updates}])


def book_update(event: BookChanged, product_id: str) -> str:
    at = rfc3339(event.exchange_at)
    updates = _levels("bid", event.bids, at) + _levels("offer", event.asks, at)
    return dumped([{"type": "update", "product_id": product_id, "updates": updates}])


def book_events(event: BookSnapshotted | BookChanged, product_id: str) -> str:
    if isinstance(event, BookSnapshotted):
        return book_snapshot(event.bids, event.asks, product_id)
    return book_update(event, product_id)


def ticker(venue: Venue, *, kind: str, with_quotes: bool) -> str:
    """The product's figures; `ticker_batch` has no quotes."""
    day, last = venue.market.candles.day, venue.market.matching.last_trade
    row: Json = {
        "type": "ticker",
        "product_id": venue.product.exchange_id,
        "price": number(venue.mark() if last is None else last),
        "volume_24_h": number(day.volume),
        "low_24_h": number(day.low),
        "high_24_h": number(day.high),
        "low_52_w": number(day.low),
        "high_52_w": number(day.high),
        "price_percent_chg_24_h": number(day.change_percent),
    }
    if with_quotes:
        is_quoted = venue.session_open  # in the Friday halt the quotes are empty
        bid = venue.market.best(Side.BUY) if is_quoted else None
        ask = venue.market.best(Side.SELL) if is_quoted else None
        row["best_bid"], row["best_bid_quantity"] = (number(bid[0]), number(bid[1])) if bid else ("", "")
        row["best_ask"], row["best_ask_quantity"] = (number(ask[0]), number(ask[1])) if ask else ("", "")
    return dumped([{"type": kind, "tickers": [row]}])


def candles(buckets: Sequence[Candle], product_id: str, *, kind: str) -> str:
    """Five-minute buckets, newest first."""
    rows = [{**candle(bucket), "product_id": product_id} for bucket in reversed(buckets)]
    return dumped([{"type": kind, "candles": rows}])


def status(venue: Venue) -> str:
    listed = venue.product
    row = {
        "product_type": "FUTURE",
        "id": listed.exchange_id,
        "base_currency": "",
        "quote_currency": listed.quote_currency,
        "base_increment": number(listed.size_increment),
        "quote_increment": "0.01",
        "display_name": listed.display_name,
        "status": "online" if venue.session_open and not listed.trading_disabled else "offline",
        "status_message": _state_of(venue),
        "min_market_funds": number(listed.min_notional) or "0",
    }
    return dumped([{"type": "snapshot", "products": [row]}])


def _state_of(venue: Venue) -> str:
    """Why the product does not trade as ever; "" when it does."""
    listed = venue.product
    if venue.conditions.is_maintained(venue.now):
        return "maintenance"
    if not venue.session_open:
        return "session closed"
    modes = ("trading_disabled", "cancel_only", "limit_only", "post_only")
    return next((mode.replace("_", " ") for mode in modes if getattr(listed, mode)), "")


def heartbeat(at: int, uptime_ns: int, counter: int) -> str:
    return dumped([{"current_time": go_print(at, uptime_ns), "heartbeat_counter": counter}])


def subscriptions(held: dict[str, list[str]]) -> str:
    """Everything the connection is subscribed to."""
    return dumped([{"subscriptions": held}])


def balance(venue: Venue, *, kind: str) -> str:
    return dumped([{"type": kind, "fcm_balance_summary": balance_summary(balances_of(venue), plainly=True)}])


def user_snapshot(open_orders: Sequence[Order], venue: Venue, *, portfolio: str) -> list[str]:
    """The open orders in messages of 50, the last one shorter, empty if need be."""
    rows = [user_order(order, venue, portfolio=portfolio) for order in open_orders]
    batches = [rows[first : first + USER_BATCH] for first in range(0, len(rows) + 1, USER_BATCH)]
    return [
        dumped([{"type": "snapshot", "orders": batch, "positions": _positions(venue, portfolio)}]) for batch in batches
    ]


def user_update(order: Order, venue: Venue, *, portfolio: str, is_sparse: bool = False) -> str:
    """One order as it stood after one change: running totals, no fills; `is_sparse` without its prices."""
    row = user_order(order, venue, portfolio=portfolio)
    if is_sparse:
        del row["limit_price"], row["stop_price"]
    return dumped([{"type": "update", "orders": [row]}])


def user_order(order: Order, venue: Venue, *, portfolio: str) -> Json:
    ticket, plan = order.ticket, order.ticket.plan
    stop = plan.price if isinstance(plan, Stop) else plan.stop_price if isinstance(plan, Bracket) else None
    return {
        "avg_price": number(order.average_price),
        "cancel_reason": order.cancel_message,
        "client_order_id": ticket.client_order_id,
        "completion_percentage": f"{order.completion:f}",
        "contract_expiry_type": "EXPIRING" if venue.product.contract_expiry else "PERPETUAL",
        "cumulative_quantity": number(order.filled),
        "filled_value": number(order.value),
        "leaves_quantity": number(order.leaves),
        "limit_price": number(ticket.limit_price),
        "number_of_fills": str(order.fills),
        "order_id": order.order_id,
        "order_side": ticket.side.name,
        "order_type": order_type(order).replace("_", " ").title(),
        "outstanding_hold_amount": number(hold_of(order, venue)),
        "post_only": "true" if ticket.post_only else "false",
        "product_id": ticket.product,
        "product_type": "FUTURE",
        "reject_reason": order.reject_message,
        "retail_portfolio_id": portfolio,
        "risk_managed_by": "MANAGED_BY_VENUE" if venue.is_international else "MANAGED_BY_FCM",
        "status": order.shown_status,
        "stop_price": number(stop),
        "time_in_force": ticket.time_in_force.value,
        "total_fees": number(order.fees),
        "total_value_after_fees": number(order.value_after_fees),
        "trigger_status": trigger_status(order),
        "creation_time": rfc3339(order.created_at),
        "end_time": UNSET if ticket.expires_at is None else rfc3339(ticket.expires_at),
        "start_time": rfc3339(plan.starts_at) if isinstance(plan, Twap) else UNSET,
    }


def _levels(side: str, levels: Iterable[Level], at: str) -> list[Json]:
    return [
        {"side": side, "event_time": at, "price_level": f"{price:f}", "new_quantity": f"{size:f}"}
        for price, size in levels
    ]


def _positions(venue: Venue, portfolio: str) -> Json:
    """The lists that come with a snapshot; the exchange calls them beta, and REST is the truth."""
    holding, mark = venue.holding, venue.mark()
    if not holding.qty or mark is None:
        return {"perpetual_futures_positions": [], "expiring_futures_positions": []}
    if venue.is_international:
        return {"perpetual_futures_positions": [_perpetual(venue, portfolio)], "expiring_futures_positions": []}
    row = {
        "product_id": venue.product.exchange_id,
        "side": "Long" if holding.qty > 0 else "Short",
        "number_of_contracts": number(abs(holding.qty)),
        "realized_pnl": number(holding.day_realized),
        "unrealized_pnl": number(holding.worth(mark) - holding.carried),
        "entry_price": number(holding.entry_price),
    }
    return {"perpetual_futures_positions": [], "expiring_futures_positions": [row]}


def _perpetual(venue: Venue, portfolio: str) -> Json:
    """An international position: sides in title case, money without its currency."""
    figures, holding = International(venue), venue.holding
    return {
        "product_id": venue.product.exchange_id,
        "portfolio_uuid": portfolio,
        "vwap": number(figures.vwap),
        "entry_vwap": number(holding.entry_price),
        "position_side": "Long" if holding.qty > 0 else "Short",
        "margin_type": "Cross",
        "net_size": number(holding.qty),
        "buy_order_size": figures.open_size(Side.BUY),
        "sell_order_size": figures.open_size(Side.SELL),
        "leverage": figures.leverage,
        "mark_price": number(figures.mark),
        "liquidation_price": "0",
        "im_notional": number(figures.initial),
        "mm_notional": number(figures.maintenance),
        "position_notional": number(figures.notional),
        "unrealized_pnl": number(figures.unrealized),
        "aggregated_pnl": number(figures.aggregated),
    }
