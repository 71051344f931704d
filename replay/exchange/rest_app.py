"""The older App API (`/v2`) as far as clients of this exchange ask it for names, rates, the time and wallets.

Widely used clients read currencies and rates there before they read any product, and balances by default. Replies are
wrapped in `data`; the epoch, places and exponents are JSON numbers. Shapes are those that such a client quotes from the
exchange: third-party knowledge, not the exchange's own pages.
"""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request

from events.ids import derived_id
from events.money import quotient
from events.terms import NANOSECONDS
from replay.exchange import rest_account
from replay.exchange.desk import Desk
from replay.exchange.errors import BadRequest
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

_ONE = Decimal(1)
_FIAT = {"USD": "US Dollar"}
_EXPONENTS = {"USD": 2, "USDC": 6}
_CRYPTO_EXPONENT = 8
_RATE_PLACES = 16


def time(desk: Desk, _request: Request, _body: bytes) -> Json:
    now = desk.present().now
    return {"data": {"iso": rfc3339(now), "epoch": now // NANOSECONDS}}


def currencies(_desk: Desk, _request: Request, _body: bytes) -> Json:
    """Money of states."""
    return {"data": [{"id": code, "name": name, "min_size": "0.01"} for code, name in _FIAT.items()]}


def crypto(desk: Desk, _request: Request, _body: bytes) -> Json:
    """What the products here are made of."""
    codes = [code for code in _values(desk.venue) if code not in _FIAT]
    return {"data": [_currency(code, place) for place, code in enumerate(codes, 1)]}


def exchange_rates(desk: Desk, request: Request, _body: bytes) -> Json:
    """How much of each currency one unit of `currency` (USD by default) is worth. Raises `BadRequest`."""
    values = _values(desk.present())
    currency = request.query_params.get("currency") or "USD"
    if currency not in values:
        raise BadRequest(f"unknown currency {currency}")
    rates = {code: number(quotient(values[currency], value, places=_RATE_PLACES)) for code, value in values.items()}
    return {"data": {"currency": currency, "rates": rates}}


def accounts(desk: Desk, _request: Request, _body: bytes) -> Json:
    """The wallets, on one page."""
    rows = [_account(wallet) for wallet in rest_account.wallets(desk.present())]
    nobody = dict.fromkeys(
        ("ending_before", "starting_after", "previous_ending_before", "next_starting_after", "previous_uri", "next_uri")
    )
    return {"pagination": {**nobody, "limit": 100, "order": "desc"}, "data": rows}


def _values(venue: Venue) -> dict[str, Decimal]:
    """What one unit of each currency is worth in dollars; the underlying by the mark, left out without one."""
    mark, values = venue.mark(), {"USD": _ONE, "USDC": _ONE}
    if mark and venue.product.underlying:
        values[venue.product.underlying] = mark
    return values


def _currency(code: str, place: int) -> Json:
    return {
        "asset_id": derived_id("exchange", f"asset {code}", 1),
        "code": code,
        "name": _FIAT.get(code, code),
        "color": "#0433FF",
        "sort_index": place,
        "exponent": _EXPONENTS.get(code, _CRYPTO_EXPONENT),
        "type": "fiat" if code in _FIAT else "crypto",
        "address_regex": "",
        "slug": code.lower(),
    }


def _account(wallet: Json) -> Json:
    code, balance = str(wallet["currency"]), wallet["available_balance"]
    assert isinstance(balance, dict)
    return {
        "id": wallet["uuid"],
        "name": wallet["name"],
        "primary": wallet["default"],
        "type": "fiat" if code in _FIAT else "wallet",
        "currency": _currency(code, 0),
        "balance": {"amount": balance["value"], "currency": code},
        "created_at": wallet["created_at"],
        "updated_at": wallet["updated_at"],
        "resource": "account",
        "resource_path": f"/v2/accounts/{wallet['uuid']}",
        "allow_deposits": True,
        "allow_withdrawals": True,
    }
