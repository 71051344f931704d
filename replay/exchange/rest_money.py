"""Conversions and payment methods over REST."""

from __future__ import annotations

from starlette.requests import Request

from events.ids import derived_id
from replay.exchange import money_bodies
from replay.exchange.acts import CommitConversion, QuoteConversion
from replay.exchange.conversions import WALLETS, Conversion, currency_of
from replay.exchange.desk import Desk
from replay.exchange.errors import NotFound
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

_PAYMENT_METHOD = derived_id("exchange", "payment method", 1)


def quote(desk: Desk, _request: Request, body: bytes) -> Json:
    venue = desk.present()
    source, target, amount = money_bodies.read_quote(body)
    venue.act(QuoteConversion(source=source, target=target, amount=amount))
    return {"trade": _trade(list(venue.treasury.conversions.values())[-1])}


def trade(desk: Desk, request: Request, _body: bytes) -> Json:
    """Both accounts are asked for besides the id."""
    venue, query = desk.present(), request.query_params
    found = venue.treasury.conversions.get(request.path_params["trade_id"])
    named = currency_of(query.get("from_account", "")), currency_of(query.get("to_account", ""))
    if found is None or named != (found.source, found.target):
        raise NotFound("trade not found")
    return {"trade": _trade(found)}


def commit(desk: Desk, request: Request, body: bytes) -> Json:
    venue, trade_id = desk.present(), request.path_params["trade_id"]
    source, target = money_bodies.read_commit(body)
    venue.act(CommitConversion(trade_id=trade_id, source=source, target=target))
    desk.tell()
    return {"trade": _trade(venue.treasury.conversions[trade_id])}


def payment_methods(desk: Desk, _request: Request, _body: bytes) -> Json:
    return {"payment_methods": [_bank(desk.venue)]}


def payment_method(desk: Desk, request: Request, _body: bytes) -> Json:
    if request.path_params["payment_method_id"] != _PAYMENT_METHOD:
        raise NotFound("payment method not found")
    return {"payment_method": _bank(desk.venue)}


def _trade(made: Conversion) -> Json:
    amount = {"value": number(made.amount), "currency": made.source}
    nothing = {"value": "0", "currency": made.source}
    fee = {"title": "Fee", "description": "", "amount": nothing, "label": "", "disclosure": None}
    one = {"amount": {"value": "1", "currency": "USD"}, "scale": 2}
    return {
        "id": made.trade_id,
        "status": "TRADE_STATUS_COMPLETED" if made.is_done else "TRADE_STATUS_CREATED",
        "user_entered_amount": amount,
        "amount": {"value": number(made.amount), "currency": made.target},
        "subtotal": amount,
        "total": amount,
        "fees": [],
        "total_fee": fee,
        "source": _end(made.source),
        "target": _end(made.target),
        "unit_price": {"target_to_fiat": one, "target_to_source": one, "source_to_fiat": one},
        "user_warnings": [],
        "user_reference": made.trade_id[:8].upper(),
        "source_currency": made.source,
        "target_currency": made.target,
        "cancellation_reason": {"message": "", "code": "", "error_code": "ERROR_CODE_UNSPECIFIED", "error_cta": ""},
        "source_id": WALLETS[made.source],
        "target_id": WALLETS[made.target],
        "exchange_rate": {"value": "1", "currency": made.target},
        "tax_details": [],
        "trade_incentive_info": None,
        "total_fee_without_tax": fee,
        "fiat_denoted_total": {"value": number(made.amount), "currency": "USD"},
    }


def _end(currency: str) -> Json:
    account = {"account_id": WALLETS[currency], "currency": currency, "owner": {"id": "", "uuid": "", "type": "RETAIL"}}
    return {"type": "LEDGER_ACCOUNT", "network": "internal", "ledger_account": account}


def _bank(venue: Venue) -> Json:
    opened = rfc3339(venue.opened_at)
    return {
        "id": _PAYMENT_METHOD,
        "type": "ACH",
        "name": "Local Bank ******0001",
        "currency": "USD",
        "verified": True,
        "allow_buy": True,
        "allow_sell": True,
        "allow_deposit": True,
        "allow_withdraw": True,
        "created_at": opened,
        "updated_at": opened,
    }
