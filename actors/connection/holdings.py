"""What the account holds and is worth, of either family: US futures (CFM), or the retired international venue (INTX).

Both come out alike: positions by the exchange's ids, signed, and one balance. A list of positions is complete.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from actors.connection.balances import balance_of
from actors.connection.client.account_replies import Money
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.intx_replies import IntxHeld, IntxPosition
from actors.connection.client.replies import FuturesPosition, KeyPermissions
from actors.connection.errors import PermissionDenied
from events.account import BalanceReported
from events.money import ZERO

#: What a portfolio of the international family is called in a key's permissions.
INTERNATIONAL = "INTX"
#: What counts as cash there; other assets are collateral and no cash.
_CASH = frozenset({"USDC", "USD"})


class Held(NamedTuple):
    """One position. `unrealized` counts from the exchange's last settlement, at `current_price`."""

    exchange_id: str
    qty: Decimal  # above zero long
    entry_price: Decimal | None
    current_price: Decimal | None
    unrealized: Decimal | None


class Account(NamedTuple):
    held: list[Held]
    balance: BalanceReported


def account_of(client: CoinbaseClient, key: KeyPermissions, at: int) -> Account:
    """The account that the key opens, as of `at`. Raises `PermissionDenied` for one without futures, `ValueError`."""
    return _international(client, key.portfolio_uuid, at) if is_international(key) else _futures(client, at)


def is_international(key: KeyPermissions) -> bool:
    return key.portfolio_type.upper() == INTERNATIONAL


def signed_qty(position: FuturesPosition) -> Decimal:
    """Contracts, above zero long. Raises `ValueError` where side or number are missing."""
    qty, side = position.number_of_contracts, position.side.rpartition("_")[2].upper()
    if qty is None or (side not in ("LONG", "SHORT") and qty):
        raise ValueError(f"position in {position.product_id}: {qty} contracts {position.side[:40]!r}")
    return -abs(qty) if side == "SHORT" and qty > 0 else qty


def _futures(client: CoinbaseClient, at: int) -> Account:
    summary = client.cfm_balance_summary()
    if summary is None:
        raise PermissionDenied("the account has no futures side: is it enabled for derivatives?", code="NO_FUTURES")
    held = [
        Held(
            exchange_id=position.product_id,
            qty=signed_qty(position),
            entry_price=position.avg_entry_price,
            current_price=position.current_price,
            unrealized=position.unrealized_pnl,
        )
        for position in client.cfm_positions()
    ]
    return Account(held, balance_of(summary, at))


def _international(client: CoinbaseClient, portfolio_uuid: str, at: int) -> Account:
    """Cash is what lies there in dollars; margin is that of the portfolio, whose liquidation is due at maintenance."""
    found = client.intx_portfolio(portfolio_uuid)
    portfolio = next((one for one in found.portfolios if one.portfolio_uuid == portfolio_uuid), None)
    if portfolio is None:
        raise PermissionDenied("the account has no international portfolio", code="NO_FUTURES")
    held = [_held(position) for position in client.intx_positions(portfolio_uuid).positions]
    cash = _cash(client.intx_balances(portfolio_uuid), portfolio_uuid)
    balance = BalanceReported(
        spot_usd=ZERO,
        futures_usd=cash,
        unrealized=_amount(portfolio.unrealized_pnl) or ZERO,
        exchange_at=at,
        initial_margin=_amount(portfolio.portfolio_im_notional),
        available_margin=_amount(portfolio.total_balance),
        liquidation_threshold=_amount(portfolio.portfolio_mm_notional),
        liquidation_buffer_percentage=portfolio.liquidation_percentage,
    )
    return Account(held, balance)


def _held(position: IntxPosition) -> Held:
    """Known by its symbol: its product id is the venue's own. Raises `ValueError` without a size."""
    if position.net_size is None:
        raise ValueError(f"position in {position.symbol} without a net_size")
    return Held(
        exchange_id=position.symbol,
        qty=position.net_size,
        entry_price=_amount(position.entry_vwap),
        current_price=_amount(position.mark_price),
        unrealized=_amount(position.unrealized_pnl),
    )


def _cash(held: list[IntxHeld], portfolio_uuid: str) -> Decimal:
    """Raises `ValueError` where the portfolio's balances, or an amount among them, are missing."""
    ours = next((one for one in held if one.portfolio_uuid == portfolio_uuid), None)
    if ours is None:
        raise ValueError("the portfolio's balances are not among those told")
    total = ZERO
    for balance in ours.balances:
        if balance.asset.asset_name.upper() in _CASH:
            if balance.quantity is None:
                raise ValueError(f"a balance of {balance.asset.asset_name} without a quantity")
            total += balance.quantity
    return total


def _amount(money: Money | None) -> Decimal | None:
    return None if money is None else money.value
