"""Market data over REST: time, products, books, candles, recent trades."""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request

from events.terms import NANOSECONDS, Side
from replay.exchange import frames, listing, queries
from replay.exchange.candles import GRANULARITY_S
from replay.exchange.desk import Desk
from replay.exchange.errors import ApiError, BadRequest, NotFound
from replay.exchange.faults import ClockSkew
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

_CANDLE_LIMIT = 350
_TICKER_SHOWN = 100
_TICKER_LIMIT = 1_000


def time(desk: Desk, _request: Request, _body: bytes) -> Json:
    """The exchange's own time."""
    now = desk.present().now
    skew = desk.faults.lag(ClockSkew, now)
    now += 0 if skew is None else int(skew.seconds * NANOSECONDS)
    return {"iso": rfc3339(now), "epochSeconds": str(now // NANOSECONDS), "epochMillis": str(now // 1_000_000)}


def products(desk: Desk, request: Request, _body: bytes) -> Json:
    venue, query = desk.present(), request.query_params
    row = listing.product(venue)
    expiry = row["future_product_details"]
    assert isinstance(expiry, dict)
    wanted = queries.words(request, "product_ids")
    fits = (
        (not wanted or venue.product.exchange_id in wanted)
        and query.get("product_type", "FUTURE") in ("FUTURE", "UNKNOWN_PRODUCT_TYPE")
        and query.get("contract_expiry_type", "UNKNOWN_CONTRACT_EXPIRY_TYPE")
        in ("UNKNOWN_CONTRACT_EXPIRY_TYPE", expiry["contract_expiry_type"])
    )
    rows = [row] if fits else []
    limit = queries.integer(request, "limit")
    rows = rows[queries.integer(request, "offset") or 0 :][:limit]
    return {"products": rows, "num_products": len(rows), "pagination": None}


def product(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = desk.present()
    _known(venue, request.path_params["product_id"])
    return listing.product(venue)


def product_book(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = desk.present()
    _known(venue, request.query_params.get("product_id", ""))
    aggregate = queries.decimal(request, "aggregation_price_increment")
    return listing.product_book(venue, limit=queries.integer(request, "limit", least=1), aggregate=aggregate)


def best_bid_ask(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = desk.present()
    for product_id in queries.words(request, "product_ids"):
        _known(venue, product_id)
    return {"pricebooks": [listing.pricebook(venue, limit=1)]}


def candles(desk: Desk, request: Request, _body: bytes) -> Json:
    """Newest first; start and end are seconds since 1970."""
    venue, name = desk.present(), request.query_params.get("granularity", "")
    _known(venue, request.path_params["product_id"])
    if name not in GRANULARITY_S:
        raise BadRequest(f"granularity must be one of {', '.join(GRANULARITY_S)}")
    start, end = queries.integer(request, "start"), queries.integer(request, "end")
    if start is None or end is None or end < start:
        raise BadRequest("start and end must be unix seconds, start first")
    if (end - start) // GRANULARITY_S[name] > _CANDLE_LIMIT:
        raise BadRequest(f"number of candles requested should be less than {_CANDLE_LIMIT} ")
    limit = queries.integer(request, "limit", least=1) or _CANDLE_LIMIT
    found = venue.market.candles.between(start, end, GRANULARITY_S[name])
    return {"candles": [listing.candle(bucket) for bucket in reversed(found)][:limit]}


def ticker(desk: Desk, request: Request, _body: bytes) -> Json:
    """Recent trades, newest first, with the maker's side."""
    venue = desk.present()
    _known(venue, request.path_params["product_id"])
    limit = queries.integer(request, "limit", least=1)
    if limit is None:
        raise BadRequest("limit must be given")
    if limit > _TICKER_LIMIT:
        raise ApiError(500, "", "INTERNAL")
    start, end = queries.integer(request, "start"), queries.integer(request, "end")
    found = [
        frames.trade(one, venue.product.exchange_id) | {"bid": "", "ask": "", "exchange": "coinbase"}
        for one in reversed(venue.market.trades)
        if (start is None or one.exchange_at >= start * NANOSECONDS)
        and (end is None or one.exchange_at <= end * NANOSECONDS)
    ]
    bid, ask = venue.market.best(Side.BUY), venue.market.best(Side.SELL)
    return {"trades": found[: min(limit, _TICKER_SHOWN)], "best_bid": _price(bid), "best_ask": _price(ask)}


def _price(level: tuple[Decimal, Decimal] | None) -> str:
    return number(level[0]) if level else ""


def _known(venue: Venue, product_id: str) -> None:
    if product_id != venue.product.exchange_id:
        raise NotFound(f"Product {product_id} not supported")
