"""The retired international account (INTX): portfolio, positions, balances and collateral, for whoever still has one.

The exchange moved these perpetuals to another gateway in autumn 2026; the paths stay for a simulator and for history.
"""

from __future__ import annotations

from decimal import Decimal

from actors.connection.amounts import decimal_text
from actors.connection.client.intx_replies import (
    IntxBalances,
    IntxHeld,
    IntxPortfolios,
    IntxPosition,
    IntxPositions,
    MultiAssetCollateral,
    OneIntxPosition,
)
from actors.connection.client.line import Linked, segment
from actors.connection.client.reading import Empty


def intx_portfolio(client: Linked, portfolio_uuid: str) -> IntxPortfolios:
    """Margin and value of a portfolio; a list, although one was asked for, and its sum."""
    return client.line.get(f"/intx/portfolio/{segment(portfolio_uuid)}", IntxPortfolios)


def intx_positions(client: Linked, portfolio_uuid: str) -> IntxPositions:
    return client.line.get(f"/intx/positions/{segment(portfolio_uuid)}", IntxPositions)


def intx_position(client: Linked, portfolio_uuid: str, symbol: str) -> IntxPosition:
    return client.line.get(f"/intx/positions/{segment(portfolio_uuid)}/{segment(symbol)}", OneIntxPosition).position


def intx_balances(client: Linked, portfolio_uuid: str) -> list[IntxHeld]:
    return client.line.get(f"/intx/balances/{segment(portfolio_uuid)}", IntxBalances).portfolio_balances


def intx_allocate(client: Linked, portfolio_uuid: str, symbol: str, amount: Decimal, currency: str) -> None:
    """Give an isolated position this much of the portfolio's margin."""
    body = {
        "portfolio_uuid": portfolio_uuid,
        "symbol": symbol,
        "amount": decimal_text(amount),
        "currency": currency,
    }
    client.line.post("/intx/allocate", body, Empty)


def intx_multi_asset_collateral(client: Linked, portfolio_uuid: str, *, enabled: bool) -> bool | None:
    """Let other assets count as collateral, or not. There is no way to ask. None: the exchange did not say."""
    body = {"portfolio_uuid": portfolio_uuid, "multi_asset_collateral_enabled": enabled}
    return client.line.post("/intx/multi_asset_collateral", body, MultiAssetCollateral).is_enabled
