"""Conversions of one currency into another: a quote first, then the trade of its id is committed."""

from __future__ import annotations

from decimal import Decimal

from actors.connection.amounts import decimal_text
from actors.connection.client.account_replies import Conversion, OneConversion
from actors.connection.client.line import Linked, queried, segment


def convert_quote(
    client: Linked,
    *,
    from_account: str,
    to_account: str,
    amount: Decimal,
    user_incentive_id: str | None = None,
    code_val: str | None = None,
) -> Conversion:
    """What `amount` of the first account's currency gives in the second's; its `id` commits it."""
    body: dict[str, object] = {
        "from_account": from_account,
        "to_account": to_account,
        "amount": decimal_text(amount),
    }
    incentive = dict(queried(user_incentive_id=user_incentive_id, code_val=code_val))
    if incentive:
        body["trade_incentive_metadata"] = incentive
    return client.line.post("/convert/quote", body, OneConversion).trade


def convert_commit(client: Linked, trade_id: str, *, from_account: str, to_account: str) -> Conversion:
    """Carry a quote out; sent once."""
    body = {"from_account": from_account, "to_account": to_account}
    return client.line.post(f"/convert/trade/{segment(trade_id)}", body, OneConversion).trade


def convert_trade(client: Linked, trade_id: str, *, from_account: str, to_account: str) -> Conversion:
    """What became of it."""
    query = queried(from_account=from_account, to_account=to_account)
    return client.line.get(f"/convert/trade/{segment(trade_id)}", OneConversion, query).trade
