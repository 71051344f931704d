"""What clients send about money: portfolios, conversions, sweeps, margin. Read as strictly as orders are."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from replay.exchange.errors import BadRequest
from replay.exchange.forms import check_fields, decimal_of, fields_of

_MOVE_FIELDS: Mapping[str, type] = {"funds": dict, "source_portfolio_uuid": str, "target_portfolio_uuid": str}
_QUOTE_FIELDS: Mapping[str, type] = {
    "from_account": str,
    "to_account": str,
    "amount": str,
    "trade_incentive_metadata": dict,
}
_ALLOCATION_FIELDS: Mapping[str, type] = {"portfolio_uuid": str, "symbol": str, "amount": str, "currency": str}
_SWEEP_FIELDS: Mapping[str, type] = {"usd_amount": str}
_SETTING_FIELDS: Mapping[str, type] = {"setting": str}


def read_setting(body: bytes) -> str:
    """`POST /cfm/intraday/margin_setting`: the setting's name. Raises `BadRequest`."""
    setting = fields_of(body, _SETTING_FIELDS).get("setting")
    if setting not in ("INTRADAY_MARGIN_SETTING_STANDARD", "INTRADAY_MARGIN_SETTING_INTRADAY"):
        raise BadRequest(f"unknown setting {setting!r}")
    return str(setting)


def read_name(body: bytes) -> str:
    """`POST /portfolios`, `PUT /portfolios/{uuid}`: the name. Raises `BadRequest`."""
    return str(fields_of(body, {"name": str}).get("name") or "")


def read_move(body: bytes) -> tuple[Decimal, str, str, str]:
    """`POST /portfolios/move_funds`: amount, currency, source, target. Raises `BadRequest`."""
    fields = fields_of(body, _MOVE_FIELDS)
    funds = fields.get("funds") or {}
    assert isinstance(funds, dict), "checked with the other fields"
    check_fields(funds, {"value": str, "currency": str}, body)
    source, target = (str(fields.get(f"{end}_portfolio_uuid") or "") for end in ("source", "target"))
    return _amount(funds.get("value"), "funds"), str(funds.get("currency") or ""), source, target


def read_quote(body: bytes) -> tuple[str, str, Decimal]:
    """`POST /convert/quote`: from, to, amount. Raises `BadRequest`."""
    fields = fields_of(body, _QUOTE_FIELDS)
    source, target = str(fields.get("from_account") or ""), str(fields.get("to_account") or "")
    return source, target, _amount(fields.get("amount"), "amount")


def read_commit(body: bytes) -> tuple[str, str]:
    """`POST /convert/trade/{id}`: from, to. Raises `BadRequest`."""
    fields = fields_of(body, {"from_account": str, "to_account": str})
    return str(fields.get("from_account") or ""), str(fields.get("to_account") or "")


def read_allocation(body: bytes) -> tuple[str, str, Decimal, str]:
    """`POST /intx/allocate`: portfolio, symbol, amount, currency. Raises `BadRequest`."""
    fields = fields_of(body, _ALLOCATION_FIELDS)
    portfolio, symbol, currency = (str(fields.get(name) or "") for name in ("portfolio_uuid", "symbol", "currency"))
    return portfolio, symbol, _amount(fields.get("amount"), "amount"), currency


def read_collateral(body: bytes) -> tuple[str, bool]:
    """`POST /intx/multi_asset_collateral`: portfolio, whether. Raises `BadRequest`."""
    fields = fields_of(body, {"portfolio_uuid": str, "multi_asset_collateral_enabled": bool})
    return str(fields.get("portfolio_uuid") or ""), bool(fields.get("multi_asset_collateral_enabled"))


def _amount(value: object, name: str) -> Decimal:
    amount = decimal_of(value)
    if amount is None:
        raise BadRequest(f"{name} must be a number")
    return amount


def read_sweep(body: bytes) -> Decimal | None:
    """`POST /cfm/sweeps/schedule`: the amount, None for all of it. Raises `BadRequest`."""
    text = fields_of(body, _SWEEP_FIELDS).get("usd_amount")
    amount = decimal_of(text)
    if text and amount is None:
        raise BadRequest("usd_amount must be a number")
    return amount
