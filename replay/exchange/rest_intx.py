"""The retired international account (INTX) over REST: portfolio, positions, balances. Others may not look."""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request

from events.ids import derived_id
from events.money import ZERO, quotient
from events.terms import Side
from replay.exchange import money_bodies, treasury
from replay.exchange.acts import Allocate, PledgeAssets
from replay.exchange.desk import Desk
from replay.exchange.errors import ApiError, NotFound
from replay.exchange.intx import International
from replay.exchange.portfolios import PORTFOLIO
from replay.exchange.shapes import Json, number
from replay.exchange.venue import Venue


def portfolio(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = _venue(desk, request)
    figures = International(venue)
    summary = {
        "unrealized_pnl": figures.money(figures.unrealized),
        "buying_power": figures.money(figures.buying_power),
        "total_balance": figures.money(figures.total),
        "max_withdrawal_amount": figures.money(treasury.withdrawable(venue)),
    }
    return {"portfolios": [_portfolio_row(figures)], "summary": summary}


def _portfolio_row(figures: International) -> Json:
    in_liquidation = figures.venue.in_liquidation
    return {
        "portfolio_uuid": PORTFOLIO,
        "collateral": number(figures.collateral),
        "position_notional": number(figures.notional),
        "open_position_notional": number(figures.notional + figures.open_notional),
        "pending_fees": "0",
        "borrow": "0",
        "accrued_interest": "0",
        "rolling_debt": "0",
        "portfolio_initial_margin": number(figures.rate),
        "portfolio_im_notional": figures.money(figures.initial),
        "portfolio_maintenance_margin": number(quotient(figures.rate * 2, Decimal(3), places=8)),
        "portfolio_mm_notional": figures.money(figures.maintenance),
        "liquidation_percentage": figures.liquidation_percentage,
        "liquidation_buffer": number(figures.buffer),
        "margin_type": "MARGIN_TYPE_CROSS",
        "margin_flags": "PORTFOLIO_MARGIN_FLAGS_UNSPECIFIED",
        "liquidation_status": f"PORTFOLIO_LIQUIDATION_STATUS_{'' if in_liquidation else 'NOT_'}LIQUIDATING",
        "unrealized_pnl": figures.money(figures.unrealized),
        "total_balance": figures.money(figures.total),
    }


def positions(desk: Desk, request: Request, _body: bytes) -> Json:
    figures = International(_venue(desk, request))
    rows = [_whole_position(figures)] if figures.venue.holding.qty else []
    return {"positions": rows, "summary": {"aggregated_pnl": figures.money(figures.aggregated)}}


def position(desk: Desk, request: Request, _body: bytes) -> Json:
    venue = _venue(desk, request)
    if not venue.holding.qty or request.path_params["symbol"] != venue.product.exchange_id:
        raise NotFound("position not found")
    return {"position": _whole_position(International(venue))}


def _whole_position(figures: International) -> Json:
    """A position with its portfolio's figures, as recorded ones carry them."""
    money = figures.money
    room = {"buying_power": figures.buying_power, "max_withdrawal": treasury.withdrawable(figures.venue)}
    whole = {**_portfolio_row(figures), **{name: money(amount) for name, amount in room.items()}}
    return {**position_row(figures), "portfolio_summary": whole}


def balances(desk: Desk, request: Request, _body: bytes) -> Json:
    figures = International(_venue(desk, request))
    currency = figures.venue.product.quote_currency
    asset = {
        "asset_id": currency,
        "asset_uuid": derived_id("exchange", "asset", 1),
        "asset_name": currency,
        "status": "ACTIVE",
        "collateral_weight": "1",
        "account_collateral_limit": "",
        "ecosystem_collateral_limit_breached": False,
        "asset_icon_url": "",
        "supported_networks_enabled": False,
    }
    row = {
        "asset": asset,
        "quantity": number(figures.collateral),
        "hold": "0",
        "transfer_hold": "0",
        "collateral_value": number(figures.collateral),
        "collateral_weight": "1",
        "max_withdraw_amount": number(treasury.withdrawable(figures.venue)),
        "loan": "0",
        "loan_collateral_requirement_usd": "0",
        "pledged_quantity": "0",
    }
    held = {"portfolio_uuid": PORTFOLIO, "balances": [row], "is_margin_limit_reached": figures.buffer <= 0}
    return {"portfolio_balances": [held]}


def allocate(desk: Desk, _request: Request, body: bytes) -> Json:
    """Collateral for one position. Positions are held cross here, so it only cannot be withdrawn."""
    portfolio_uuid, symbol, amount, currency = money_bodies.read_allocation(body)
    venue = _checked(desk, portfolio_uuid)
    venue.act(Allocate(symbol=symbol, amount=amount, currency=currency))
    desk.tell()
    return {}


def multi_asset_collateral(desk: Desk, _request: Request, body: bytes) -> Json:
    portfolio_uuid, enabled = money_bodies.read_collateral(body)
    venue = _checked(desk, portfolio_uuid)
    venue.act(PledgeAssets(enabled=enabled))
    return {"multi_asset_collateral_enabled": venue.treasury.takes_other_assets}


def position_row(figures: International) -> Json:
    venue, holding, money = figures.venue, figures.venue.holding, figures.money
    return {
        "product_id": derived_id("exchange", "instrument", 1)[:8] + "-0-0",  # internal: who reads it keys on symbol
        "product_uuid": derived_id("exchange", "product", 1),
        "portfolio_uuid": PORTFOLIO,
        "symbol": venue.product.exchange_id,
        "vwap": money(figures.vwap),
        "entry_vwap": money(holding.entry_price or ZERO),
        "position_side": f"POSITION_SIDE_{'LONG' if holding.qty > 0 else 'SHORT'}",
        "net_size": number(holding.qty),
        "buy_order_size": figures.open_size(Side.BUY),
        "sell_order_size": figures.open_size(Side.SELL),
        "im_contribution": number(figures.rate),
        "unrealized_pnl": money(figures.unrealized),
        "mark_price": money(figures.mark),
        "liquidation_price": money(ZERO),
        "leverage": figures.leverage,
        "im_notional": money(figures.initial),
        "mm_notional": money(figures.maintenance),
        "position_notional": money(figures.notional),
        "margin_type": "MARGIN_TYPE_CROSS",
        "liquidation_buffer": number(figures.buffer),
        "liquidation_percentage": figures.liquidation_percentage,
        "aggregated_pnl": money(figures.aggregated),
    }


def _venue(desk: Desk, request: Request) -> Venue:
    """The venue for an account of this family and its own portfolio; anybody else may not look."""
    return _checked(desk, request.path_params["portfolio_uuid"])


def _checked(desk: Desk, portfolio_uuid: str) -> Venue:
    venue = desk.present()
    if not venue.is_international or portfolio_uuid != PORTFOLIO:
        raise ApiError(403, "User does not have the correct permissions", "PERMISSION_DENIED")
    return venue
