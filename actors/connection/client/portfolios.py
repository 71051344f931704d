"""Portfolios: made, named, looked into, emptied and deleted. A CDP key is bound to one of them."""

from __future__ import annotations

from decimal import Decimal

from actors.connection.amounts import decimal_text
from actors.connection.client.account_replies import (
    Breakdown,
    FundsMoved,
    OnePortfolio,
    Portfolio,
    PortfolioBreakdown,
    Portfolios,
)
from actors.connection.client.line import Linked, queried, segment
from actors.connection.client.reading import Empty


def list_portfolios(client: Linked, portfolio_type: str | None = None) -> list[Portfolio]:
    return client.line.get("/portfolios", Portfolios, queried(portfolio_type=portfolio_type)).portfolios


def create_portfolio(client: Linked, name: str) -> Portfolio:
    return client.line.post("/portfolios", {"name": name}, OnePortfolio).portfolio


def edit_portfolio(client: Linked, portfolio_uuid: str, name: str) -> Portfolio:
    """Give it another name."""
    return client.line.put(f"/portfolios/{segment(portfolio_uuid)}", {"name": name}, OnePortfolio).portfolio


def delete_portfolio(client: Linked, portfolio_uuid: str) -> None:
    client.line.delete(f"/portfolios/{segment(portfolio_uuid)}", Empty)


def get_portfolio_breakdown(client: Linked, portfolio_uuid: str, *, currency: str | None = None) -> Breakdown:
    """What a portfolio holds: balances, spot, perpetuals, futures."""
    query = queried(currency=currency)
    return client.line.get(f"/portfolios/{segment(portfolio_uuid)}", PortfolioBreakdown, query).breakdown


def move_funds(client: Linked, value: Decimal, currency: str, *, source_uuid: str, target_uuid: str) -> FundsMoved:
    """Move money between two portfolios; sent once. The key needs the permission to transfer."""
    body = {
        "funds": {"value": decimal_text(value), "currency": currency},
        "source_portfolio_uuid": source_uuid,
        "target_portfolio_uuid": target_uuid,
    }
    return client.line.post("/portfolios/move_funds", body, FundsMoved)
