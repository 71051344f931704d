"""The exchange's JSON of the market: the product with its state, its book, its candles.

A US perpetual-style future tells its funding in the outer details, the retired international one in the inner.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from events.catalog import MarginRates
from events.money import ZERO, quotient
from events.terms import NANOSECONDS, Level, Side
from replay.exchange.candles import Candle
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

#: Fields for screens and for the exchange's own names, empty in every recorded future; so are its two best prices.
_EMPTY: Json = dict.fromkeys(
    ("market_cap", "base_cbrn", "quote_cbrn", "product_cbrn", "icon_color", "icon_url", "display_name_overwrite"), ""
) | {"is_alpha_testing": False, "about_description": "", "best_bid_price": "", "best_ask_price": ""}


def product(venue: Venue) -> Json:
    """One product with its state: price, rates, session."""
    listed, day = venue.product, venue.market.candles.day
    bid, ask = venue.market.best(Side.BUY), venue.market.best(Side.SELL)
    last = venue.market.matching.last_trade
    price = venue.mark() if last is None else last
    middle = None if bid is None or ask is None else (bid[0] + ask[0]) / 2
    turnover = None if price is None else day.volume * price * venue.holding.contract_size
    return {
        "product_id": listed.exchange_id,
        "price": number(price),
        "price_percentage_change_24h": number(day.change_percent),
        "volume_24h": number(day.volume),
        "volume_percentage_change_24h": "",
        "base_increment": number(listed.size_increment),
        "quote_increment": "0.01",
        "quote_min_size": number(listed.min_notional or ZERO),
        "quote_max_size": "100000000",
        "base_min_size": number(listed.min_size),
        "base_max_size": number(listed.max_size),
        "base_name": "",
        "quote_name": "US Dollar" if listed.quote_currency == "USD" else listed.quote_currency,
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "",
        "cancel_only": listed.cancel_only,
        "limit_only": listed.limit_only,
        "post_only": listed.post_only,
        "trading_disabled": listed.trading_disabled,
        "auction_mode": False,
        "product_type": "FUTURE",
        "quote_currency_id": listed.quote_currency,
        "base_currency_id": "",
        "fcm_trading_session_details": _session(venue),
        "mid_market_price": number(middle),
        "alias": "",
        "alias_to": [],
        "base_display_symbol": "",
        "quote_display_symbol": listed.quote_currency,
        "view_only": False,
        "price_increment": number(listed.price_increment),
        "display_name": listed.display_name,
        "product_venue": "INTX" if venue.is_international else "FCM",
        "approximate_quote_24h_volume": number(turnover),
        "new_at": None,
        **_EMPTY,
        "future_product_details": _future(venue),
    }


def pricebook(venue: Venue, *, limit: int | None = None, aggregate: Decimal | None = None) -> Json:
    """Bids and asks, best first."""
    book = venue.market.matching.book
    bids, asks = book.depth(Side.BUY), book.depth(Side.SELL)
    if aggregate:
        bids, asks = _aggregated(bids, aggregate, up=False), _aggregated(asks, aggregate, up=True)
    return {
        "product_id": venue.product.exchange_id,
        "bids": levels(bids[:limit]),
        "asks": levels(asks[:limit]),
        "time": rfc3339(book.exchange_at or venue.now),
    }


def product_book(venue: Venue, *, limit: int | None, aggregate: Decimal | None) -> Json:
    """The reply of `product_book`: the book, the last trade, the middle and the spread."""
    bid, ask = venue.market.best(Side.BUY), venue.market.best(Side.SELL)
    middle = None if bid is None or ask is None else (bid[0] + ask[0]) / 2
    spread = None if bid is None or ask is None else ask[0] - bid[0]
    basis_points = None if not middle or spread is None else quotient(spread * 10_000, middle, places=12)
    return {
        "pricebook": pricebook(venue, limit=limit, aggregate=aggregate),
        "last": number(venue.market.matching.last_trade),
        "mid_market": number(middle),
        "spread_bps": number(basis_points),
        "spread_absolute": number(spread),
    }


def levels(side: Sequence[Level]) -> list[Json]:
    return [{"price": number(price), "size": number(size)} for price, size in side]


def candle(bucket: Candle) -> Json:
    return {
        "start": str(bucket.start),
        "low": number(bucket.low),
        "high": number(bucket.high),
        "open": number(bucket.open),
        "close": number(bucket.close),
        "volume": number(bucket.volume),
    }


def _session(venue: Venue) -> Json | None:
    now = venue.now
    if venue.is_international:
        return None
    day = 86_400 * NANOSECONDS
    opened = (now - 21 * 3_600 * NANOSECONDS) // day * day + 21 * 3_600 * NANOSECONDS
    state = "OPEN" if venue.session_open else "CLOSED"
    conditions = venue.conditions
    reason = "EXCHANGE_MAINTENANCE" if conditions.is_maintained(now) else "UNDEFINED"
    maintenance = None
    if conditions.maintenance is not None:
        begins, ends = conditions.maintenance
        maintenance = {"start_time": rfc3339(begins), "end_time": rfc3339(ends)}
    return {
        "is_session_open": venue.session_open,
        "open_time": rfc3339(opened),
        "close_time": rfc3339(opened + day),
        "session_state": f"FCM_TRADING_SESSION_STATE_{state}",
        "after_hours_order_entry_disabled": conditions.is_after_hours,
        "closed_reason": f"FCM_TRADING_SESSION_CLOSED_REASON_{reason}",
        "maintenance": maintenance,
    }


def _future(venue: Venue) -> Json:
    listed, rate = venue.product, venue.funding.published
    is_intx = venue.is_international
    code = listed.exchange_id.split("-", 1)[0]
    funding_rate = "" if rate is None else number(rate.rate)
    funding_time = None if rate is None else rfc3339(rate.boundary)
    expiry = listed.contract_expiry
    return {
        "venue": "" if is_intx else listed.venue.lower(),
        "contract_code": code,
        "contract_expiry": None if expiry is None else rfc3339(expiry),
        "contract_size": number(listed.contract_size),
        "contract_root_unit": listed.underlying or code,
        "group_description": listed.display_name,
        "contract_expiry_timezone": "Europe/London",
        "group_short_description": listed.display_name,
        "risk_managed_by": "MANAGED_BY_VENUE" if is_intx else "MANAGED_BY_FCM",
        "contract_expiry_type": "PERPETUAL" if is_intx or expiry is None else "EXPIRING",
        "perpetual_details": {
            "open_interest": "0",
            "funding_rate": funding_rate if is_intx else "",
            "funding_time": funding_time if is_intx else None,
            "max_leverage": number(listed.max_leverage) if is_intx else "",
            "base_asset_uuid": "",
            "underlying_type": "",
        },
        "contract_display_name": listed.display_name,
        "time_to_expiry_ms": "" if expiry is None else str(max(0, expiry - venue.now) // 1_000_000),
        "non_crypto": False,
        "contract_expiry_name": "" if expiry is None else rfc3339(expiry)[:7],
        "twenty_four_by_seven": True,
        "funding_interval": "" if listed.funding_interval_s is None else f"{listed.funding_interval_s}s",
        "open_interest": "0",
        "funding_rate": "" if is_intx else funding_rate,
        "funding_time": None if is_intx else funding_time,
        "display_name": listed.display_name,
        "region_enabled": {},
        "intraday_margin_rate": _rates(listed.intraday_margin),
        "overnight_margin_rate": _rates(listed.overnight_margin),
        "settlement_price": "",
        "futures_asset_type": "FUTURES_ASSET_TYPE_CRYPTO",
        "index_price": "",
        "contract_code_display_name": "",
        "product_group_cbrn": "",
    }


def _rates(rates: MarginRates) -> Json:
    return {"long_margin_rate": number(rates.long), "short_margin_rate": number(rates.short)}


def _aggregated(side: Sequence[Level], increment: Decimal, *, up: bool) -> list[Level]:
    """Levels gathered on a coarser grid: bids down to it, asks up to it."""
    gathered: dict[Decimal, Decimal] = {}
    for price, size in side:
        rest = price % increment
        at = price if not rest else price - rest + (increment if up else ZERO)
        gathered[at] = gathered.get(at, ZERO) + size
    return list(gathered.items())
