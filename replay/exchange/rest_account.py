"""The account over REST: wallet, futures balance and positions, margin windows, fees, permissions."""

from __future__ import annotations

from decimal import Decimal

import orjson
from starlette.requests import Request

from events.money import ZERO
from replay.exchange import money_bodies, queries, shapes
from replay.exchange.acts import CancelSweep, ScheduleSweep, SetMargin
from replay.exchange.auth import ApiKey
from replay.exchange.balances import balances_of
from replay.exchange.conversions import WALLETS
from replay.exchange.desk import Desk
from replay.exchange.errors import NotFound
from replay.exchange.faults import EmptyPositions
from replay.exchange.portfolios import PORTFOLIO
from replay.exchange.rest_portfolios import type_of
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

_ACCOUNTS_LIMIT, _ACCOUNTS_MOST = 49, 250
_SETTINGS = {True: "INTRADAY_MARGIN_SETTING_INTRADAY", False: "INTRADAY_MARGIN_SETTING_STANDARD"}


def accounts(desk: Desk, request: Request, _body: bytes) -> Json:
    """A page of the wallets."""
    is_ours = (request.query_params.get("retail_portfolio_id") or PORTFOLIO) == PORTFOLIO
    held = wallets(desk.present()) if is_ours else []
    rows = [(len(held) - place, wallet) for place, wallet in enumerate(held)]
    limit = min(queries.integer(request, "limit", least=1) or _ACCOUNTS_LIMIT, _ACCOUNTS_MOST)
    shown, cursor = queries.page(rows, cursor=request.query_params.get("cursor"), limit=limit)
    return {"accounts": shown, "has_next": bool(cursor), "cursor": cursor, "size": len(shown)}


def account(desk: Desk, request: Request, _body: bytes) -> Json:
    for wallet in wallets(desk.present()):
        if wallet["uuid"] == request.path_params["account_id"]:
            return {"account": wallet}
    raise NotFound("account not found")


def key_permissions(desk: Desk, request: Request, _body: bytes) -> Json:
    key: ApiKey = request.state.key
    return {
        "can_view": key.can_view,
        "can_trade": key.can_trade,
        "can_transfer": key.can_transfer,
        "portfolio_uuid": PORTFOLIO,
        "portfolio_type": type_of(desk.venue),
    }


def balance_summary(desk: Desk, _request: Request, _body: bytes) -> Json:
    held = balances_of(desk.present())
    return {
        "balance_summary": shapes.balance_summary(held, plainly=False, plain_windows=not desk.settings.money_objects)
    }


def positions(desk: Desk, _request: Request, _body: bytes) -> Json:
    row = _position(desk)
    return {"positions": [] if row is None else [row]}


def position(desk: Desk, request: Request, _body: bytes) -> Json:
    row = _position(desk)
    if row is None or request.path_params["product_id"] != row["product_id"]:
        raise NotFound("position not found")
    return {"position": row}


def _position(desk: Desk) -> Json | None:
    venue = desk.present()
    if desk.faults.lag(EmptyPositions, venue.now) is not None:
        return None
    row = shapes.position(venue)
    return shapes.with_currency(row) if row is not None and desk.settings.money_objects else row


def sweeps(desk: Desk, _request: Request, _body: bytes) -> Json:
    """The sweep that is pending, if any."""
    pending = desk.present().treasury.sweep
    if pending is None:
        return {"sweeps": []}
    row = {
        "id": pending.sweep_id,
        "requested_amount": {"value": number(pending.amount or ZERO), "currency": "USD"},
        "should_sweep_all": pending.amount is None,
        "status": "PENDING",
        "schedule_time": None if pending.due_at is None else rfc3339(pending.due_at),
    }
    return {"sweeps": [row]}


def schedule_sweep(desk: Desk, _request: Request, body: bytes) -> Json:
    """Without an amount everything that may go is swept."""
    desk.present().act(ScheduleSweep(amount=money_bodies.read_sweep(body)))
    return {"success": True}


def cancel_sweep(desk: Desk, _request: Request, _body: bytes) -> Json:
    desk.present().act(CancelSweep())
    return {"success": True}


def current_margin_window(desk: Desk, _request: Request, _body: bytes) -> Json:
    window, ends_at = desk.present().window
    return {
        "margin_window": {"margin_window_type": f"MARGIN_WINDOW_TYPE_{window.name}", "end_time": rfc3339(ends_at)},
        "is_intraday_margin_killswitch_enabled": False,
        "is_intraday_margin_enrollment_killswitch_enabled": False,
    }


def margin_setting(desk: Desk, _request: Request, _body: bytes) -> Json:
    return {"setting": _SETTINGS[desk.present().intraday_margin]}


def set_margin_setting(desk: Desk, _request: Request, body: bytes) -> Json:
    desk.present().act(SetMargin(intraday=money_bodies.read_setting(body) == _SETTINGS[True]))
    desk.tell()
    return {}


def transaction_summary(desk: Desk, _request: Request, _body: bytes) -> Json:
    """Fee rates and totals. The totals are JSON numbers at the real exchange too."""
    venue = desk.present()
    volume, fees = sum((order.value for order in venue.ledger.orders), ZERO), venue.books.fees
    held = balances_of(venue)
    return {
        "total_volume": _json_number(number(volume)),
        "total_fees": _json_number(number(fees)),
        "fee_tier": {
            "pricing_tier": "Local",
            "usd_from": "",
            "usd_to": "",
            "taker_fee_rate": number(venue.rules.fees.taker_rate),
            "maker_fee_rate": number(venue.rules.fees.maker_rate),
            "aop_from": "",
            "aop_to": "",
            "perps_vol_from": "",
            "perps_vol_to": "",
            "futures_vol_from": "0",
            "futures_vol_to": "",
            "volume_types_and_range": [{"volume_types": ["VOLUME_TYPE_US_DERIVATIVES"], "vol_from": "0", "vol_to": ""}],
        },
        "margin_rate": None,
        "goods_and_services_tax": None,
        "advanced_trade_only_volume": _json_number(number(volume)),
        "advanced_trade_only_fees": _json_number(number(fees)),
        "coinbase_pro_volume": 0,
        "coinbase_pro_fees": 0,
        "total_balance": number(held.total + held.unrealized),
        "has_promo_fee": False,
        "volume_breakdown": [{"volume_type": "VOLUME_TYPE_US_DERIVATIVES", "volume": _json_number(number(volume))}],
        "has_cost_plus_commission": False,
    }


def _json_number(text: str) -> orjson.Fragment:
    """A decimal as a JSON number, digit by digit."""
    return orjson.Fragment(text)


def wallets(venue: Venue) -> list[Json]:
    """The wallets that were ever funded, dollars first."""
    found = [_wallet(venue, "USD", venue.treasury.spot)]
    if any(made.is_done for made in venue.treasury.conversions.values()):
        found.append(_wallet(venue, "USDC", venue.treasury.usdc))
    return found


def _wallet(venue: Venue, currency: str, amount: Decimal) -> Json:
    opened = rfc3339(venue.opened_at)
    return {
        "uuid": WALLETS[currency],
        "name": f"{currency} Wallet",
        "currency": currency,
        "available_balance": {"value": number(amount), "currency": currency},
        "default": currency == "USD",
        "active": True,
        "created_at": opened,
        "updated_at": opened,
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if currency == "USD" else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": "0", "currency": currency},
        "retail_portfolio_id": PORTFOLIO,
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }
