"""What the account holds, of either family, and what nobody configured."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.replies import KeyPermissions
from actors.connection.errors import PermissionDenied
from actors.connection.holdings import account_of
from events.account import BalanceReported, MarginWindowChanged
from events.catalog import ProductListed
from events.market import MarkReported
from events.position import PositionReported
from tests.actors.connection.test_account import AT, PRODUCT
from tests.actors.connection.test_account_facts import Asked, ask

__all__ = ["ask"]

D = Decimal
FUND = "018c4b12-9f87-7c36-897d-28fb6a1ea88d"
KEY = KeyPermissions(can_view=True, can_trade=True, can_transfer=False, portfolio_uuid=FUND, portfolio_type="INTX")


def usdc(value: str) -> dict[str, str]:
    return {"value": value, "currency": "USDC"}


#: The position is the one recorded in 2024, the sums are those that go with it.
ANSWERS: dict[str, Any] = {
    f"/intx/portfolio/{FUND}": {
        "portfolios": [
            {
                "portfolio_uuid": FUND,
                "collateral": "20.4184",
                "portfolio_im_notional": usdc("12.342"),
                "portfolio_mm_notional": usdc("0.814572"),
                "liquidation_percentage": "4689.3506",
                "liquidation_buffer": "19.677828",
                "unrealized_pnl": usdc("0.074"),
                "total_balance": usdc("20.4924"),
            }
        ]
    },
    f"/intx/positions/{FUND}": {
        "positions": [
            {
                "product_id": "1r4njf84-0-0",
                "symbol": "ADA-PERP-INTX",
                "vwap": usdc("0.6171"),
                "entry_vwap": usdc("0.6091"),
                "position_side": "POSITION_SIDE_LONG",
                "net_size": "20",
                "unrealized_pnl": usdc("0.074"),
                "mark_price": usdc("0.6208"),
            }
        ]
    },
    f"/intx/balances/{FUND}": {
        "portfolio_balances": [
            {
                "portfolio_uuid": FUND,
                "balances": [
                    {"asset": {"asset_name": "USDC"}, "quantity": "20.4184"},
                    {"asset": {"asset_name": "BTC"}, "quantity": "1"},
                ],
            }
        ]
    },
}


def client_with(answers: dict[str, Any]) -> CoinbaseClient:
    client = CoinbaseClient("http://an.exchange")

    def transport(method: str, url: str, headers: Any, body: Any, timeout: float) -> tuple[int, dict[str, str], str]:
        return 200, {}, json.dumps(answers[url.partition("/brokerage")[2]])

    client.set_transport_for_testing(transport)
    return client


def test_an_international_account_reads_like_any_other() -> None:
    account = account_of(client_with(ANSWERS), KEY, AT)
    (held,) = account.held
    assert held == ("ADA-PERP-INTX", D(20), D("0.6091"), D("0.6208"), D("0.074"))
    assert account.balance == BalanceReported(
        spot_usd=D(0),
        futures_usd=D("20.4184"),
        unrealized=D("0.074"),
        exchange_at=AT,
        initial_margin=D("12.342"),
        available_margin=D("20.4924"),
        liquidation_threshold=D("0.814572"),
        liquidation_buffer_percentage=D("4689.3506"),
    )


@pytest.mark.parametrize(
    ("path", "answer", "error"),
    [
        (f"/intx/portfolio/{FUND}", {"portfolios": []}, PermissionDenied),
        (f"/intx/balances/{FUND}", {"portfolio_balances": []}, ValueError),
        (f"/intx/positions/{FUND}", {"positions": [{"symbol": "ADA-PERP-INTX", "net_size": ""}]}, ValueError),
    ],
)
def test_an_international_account_that_says_too_little_is_an_error(
    path: str, answer: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        account_of(client_with({**ANSWERS, path: answer}), KEY, AT)


def test_an_international_key_is_asked_for_no_futures_window(ask: Callable[..., Asked]) -> None:
    asked = ask()
    asked.office.answers["/key_permissions"] = {
        "can_view": True,
        "can_trade": True,
        "can_transfer": False,
        "portfolio_uuid": FUND,
        "portfolio_type": "INTX",
    }
    asked.office.answers |= ANSWERS
    del asked.office.answers["/cfm/balance_summary"]
    del asked.office.answers["/cfm/intraday/current_margin_window"]
    assert asked.everything(MarginWindowChanged) == []
    (balance,) = asked.everything(BalanceReported)
    assert balance.futures_usd == D("20.4184")


# --- what nobody configured ------------------------------------------------------------------------------------------

ETH = "ETP-20DEC30-CDE"


def holding_another(asked: Asked) -> None:
    answers = asked.office.answers
    answers["/products"] = {"products": [PRODUCT, {**PRODUCT, "product_id": ETH, "display_name": "ETH PERP"}]}
    positions = answers["/cfm/positions"]["positions"]
    row = {
        "product_id": ETH,
        "side": "LONG",
        "number_of_contracts": "3",
        "avg_entry_price": "3000",
        "current_price": "3100",
        "unrealized_pnl": "30",
    }
    answers["/cfm/positions"] = {"positions": [*positions, row]}


def test_a_position_that_nobody_configured_is_told_with_its_rules_and_the_exchanges_price(
    ask: Callable[..., Asked],
) -> None:
    asked = ask()
    holding_another(asked)
    events = asked.inquiry.everything(())
    (position,) = [event for event in events if isinstance(event, PositionReported) and event.product == ETH]
    assert (position.qty, position.entry_price, position.unrealized) == (D(3), D(3_000), D(30))
    assert MarkReported(product=ETH, mark=D(3_100), index=None, exchange_at=AT) in events
    assert [event.product for event in events if isinstance(event, ProductListed)] == ["BTC-PERP", ETH]


def test_it_is_told_flat_when_the_complete_list_names_it_no_more(ask: Callable[..., Asked]) -> None:
    asked = ask()
    own = asked.office.answers["/cfm/positions"]
    holding_another(asked)
    asked.everything(PositionReported)
    asked.office.answers["/cfm/positions"] = own
    told = {event.product: event.qty for event in asked.everything(PositionReported)}
    assert told == {"BTC-PERP": D(-2), ETH: D(0)}
