"""Portfolios over REST: the only one there is, and what lies in it."""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request

from events.ids import derived_id
from events.money import ZERO
from replay.exchange import money_bodies, rest_intx, shapes
from replay.exchange.acts import CreatePortfolio, DeletePortfolio, MoveFunds, RenamePortfolio
from replay.exchange.balances import balances_of
from replay.exchange.desk import USD_ACCOUNT, Desk
from replay.exchange.errors import NotFound
from replay.exchange.intx import International
from replay.exchange.portfolios import PORTFOLIO, Portfolio
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

_BALANCES = (
    "total_balance",
    "total_futures_balance",
    "total_cash_equivalent_balance",
    "total_crypto_balance",
    "futures_unrealized_pnl",
    "perp_unrealized_pnl",
)


def portfolios(desk: Desk, request: Request, _body: bytes) -> Json:
    """All that were not deleted, of one type where it is asked for."""
    wanted = request.query_params.get("portfolio_type") or "UNDEFINED"
    rows = [_named(desk.venue)]
    rows += [_other(one) for one in desk.venue.treasury.portfolios.values() if not one.is_deleted]
    return {"portfolios": [row for row in rows if wanted in ("UNDEFINED", row["type"])]}


def create(desk: Desk, _request: Request, body: bytes) -> Json:
    venue = desk.present()
    venue.act(CreatePortfolio(name=money_bodies.read_name(body)))
    return {"portfolio": _other(list(venue.treasury.portfolios.values())[-1])}


def rename(desk: Desk, request: Request, body: bytes) -> Json:
    venue, uuid = desk.present(), request.path_params["portfolio_uuid"]
    _known(venue, uuid)
    venue.act(RenamePortfolio(uuid=uuid, name=money_bodies.read_name(body)))
    return {"portfolio": _other(venue.treasury.portfolios[uuid])}


def delete(desk: Desk, request: Request, _body: bytes) -> Json:
    venue, uuid = desk.present(), request.path_params["portfolio_uuid"]
    _known(venue, uuid)
    venue.act(DeletePortfolio(uuid=uuid))
    return {}


def move_funds(desk: Desk, _request: Request, body: bytes) -> Json:
    """Cash from one portfolio to another; the answer names both."""
    amount, currency, source, target = money_bodies.read_move(body)
    venue = desk.present()
    for uuid in (source, target):
        _known(venue, uuid)
    venue.act(MoveFunds(amount=amount, currency=currency, source=source, target=target))
    desk.tell()
    return {"source_portfolio_uuid": source, "target_portfolio_uuid": target}


def breakdown(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = desk.present()
    uuid = request.path_params["portfolio_uuid"]
    _known(venue, uuid)
    if uuid != PORTFOLIO:
        return {"breakdown": _of_other(venue.treasury.portfolios[uuid])}
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
        "spot_positions": [_cash(venue.treasury.spot, USD_ACCOUNT)],
        "perp_positions": _perpetuals(venue),
        "futures_positions": _futures(venue),
    }
    return {"breakdown": found}


def type_of(venue: Venue) -> str:
    return "INTX" if venue.is_international else "DEFAULT"


def _named(venue: Venue) -> Json:
    kind = type_of(venue)
    return {"name": kind.title(), "uuid": PORTFOLIO, "type": kind, "deleted": False}


def _known(venue: Venue, uuid: str) -> None:
    found = venue.treasury.portfolios.get(uuid)
    if uuid != PORTFOLIO and (found is None or found.is_deleted):
        raise NotFound("portfolio not found")


def _other(one: Portfolio) -> Json:
    return {"name": one.name, "uuid": one.uuid, "type": "CONSUMER", "deleted": one.is_deleted}


def _of_other(one: Portfolio) -> Json:
    """A portfolio that holds cash and nothing else."""
    cash = {"value": number(one.cash), "currency": "USD"}
    nothing = {"value": "0", "currency": "USD"}
    balances = dict.fromkeys(_BALANCES, nothing) | {"total_balance": cash, "total_cash_equivalent_balance": cash}
    return {
        "portfolio": _other(one),
        "portfolio_balances": balances,
        "spot_positions": [_cash(one.cash, derived_id("exchange", f"account of {one.uuid}", 1))] if one.cash else [],
        "perp_positions": [],
        "futures_positions": [],
    }


def _cash(amount: Decimal, account_uuid: str) -> Json:
    cash = number(amount)
    return {
        "asset": "USD",
        "account_uuid": account_uuid,
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
