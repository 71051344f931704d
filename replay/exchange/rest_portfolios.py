"""Portfolios over REST: the only one there is, and what lies in it."""

from __future__ import annotations

from starlette.requests import Request

from events.money import ZERO
from replay.exchange import rest_intx, shapes
from replay.exchange.balances import balances_of
from replay.exchange.desk import PORTFOLIO, USD_ACCOUNT, Desk
from replay.exchange.errors import NotFound
from replay.exchange.intx import International
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue


def portfolios(desk: Desk, _request: Request, _body: bytes) -> Json:
    return {"portfolios": [_named(desk.venue)]}


def breakdown(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = desk.present()
    if request.path_params["portfolio_uuid"] != PORTFOLIO:
        raise NotFound("portfolio not found")
    held = balances_of(venue)
    is_perp = venue.is_international
    amounts = {
        "total_balance": held.total + held.unrealized,
        "total_futures_balance": held.futures + held.unrealized,
        "total_cash_equivalent_balance": held.spot,
        "total_crypto_balance": ZERO,
        "futures_unrealized_pnl": ZERO if is_perp else held.unrealized,
        "perp_unrealized_pnl": held.unrealized if is_perp else ZERO,
    }
    found = {
        "portfolio": _named(venue),
        "portfolio_balances": {name: {"value": number(amount), "currency": "USD"} for name, amount in amounts.items()},
        "spot_positions": [_cash(venue)],
        "perp_positions": _perpetuals(venue),
        "futures_positions": _futures(venue),
    }
    return {"breakdown": found}


def type_of(venue: Venue) -> str:
    return "INTX" if venue.is_international else "DEFAULT"


def _named(venue: Venue) -> Json:
    kind = type_of(venue)
    return {"name": kind.title(), "uuid": PORTFOLIO, "type": kind, "deleted": False}


def _cash(venue: Venue) -> Json:
    cash = number(venue.treasury.spot)
    return {
        "asset": "USD",
        "account_uuid": USD_ACCOUNT,
        "total_balance_fiat": cash,
        "total_balance_crypto": cash,
        "available_to_trade_fiat": cash,
        "allocation": "0",
        "one_day_change": "0",
        "cost_basis": {"value": "0", "currency": "USD"},
        "asset_img_url": "",
        "is_cash": True,
    }


def _perpetuals(venue: Venue) -> list[Json]:
    """International positions; here each amount of money is told twice, in the user's currency and in its own."""
    if not venue.is_international or not venue.holding.qty:
        return []
    row = rest_intx.position_row(International(venue))
    told = {
        name: {"userNativeCurrency": amount, "rawCurrency": amount} if isinstance(amount, dict) else amount
        for name, amount in row.items()
    }
    return [told | {"asset_image_url": "", "position_side": f"FUTURES_{row['position_side']}"}]


def _futures(venue: Venue) -> list[Json]:
    row = shapes.position(venue)
    mark = venue.mark()
    if row is None or mark is None:
        return []
    listed, expiry = venue.product, venue.product.contract_expiry
    return [
        {
            "product_id": row["product_id"],
            "contract_size": number(listed.contract_size),
            "side": f"FUTURES_POSITION_SIDE_{row['side']}",
            "amount": row["number_of_contracts"],
            "avg_entry_price": row["avg_entry_price"],
            "current_price": row["current_price"],
            "unrealized_pnl": row["unrealized_pnl"],
            "expiry": "" if expiry is None else rfc3339(expiry),
            "underlying_asset": listed.underlying,
            "asset_img_url": "",
            "product_name": listed.display_name,
            "venue": listed.venue,
            "notional_value": number(abs(venue.holding.worth(mark))),
        }
    ]
