"""Every request of the client, asked of the local exchange over TLS, for an account of either family.

That the answers are of the right type is what the client checks; here they must also make sense.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.configurations import (
    CONFIGURATIONS,
    BracketGtc,
    BracketGtd,
    Configuration,
    LimitFok,
    LimitGtc,
    LimitGtd,
    LimitIoc,
    MarketFok,
    MarketIoc,
    ScaledGtc,
    StopDirection,
    StopLimitGtc,
    StopLimitGtd,
    TwapGtd,
)
from actors.connection.client.futures import INTRADAY_MARGIN
from actors.connection.errors import InsufficientFunds, OrderNotFound
from events.terms import NANOSECONDS
from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions
from replay.exchange.settings import Settings
from tests.actors.connection.test_requests import CASES
from tests.replay.exchange.market import BIP, ListTape, rate, snapshot, trade
from tests.replay.exchange.running import running
from tests.replay.exchange.test_intx import PERP

D = Decimal
US, INTX = "BIP-20DEC30-CDE", "BTC-PERP-INTX"


class Counted:
    """A client whose requests are counted by name."""

    def __init__(self, client: CoinbaseClient) -> None:
        self.asked: set[str] = set()
        self._client = client

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(self._client, name)


@contextmanager
def account(folder: Path, *, international: bool = False) -> Iterator[Counted]:
    """A funded account on a quiet market that is bid 60,000 and offered at 60,010 or so."""
    tape = ListTape([snapshot(0), rate(0, 0, "0.0001"), trade(1, 60_010)], PERP if international else BIP)
    options = ExchangeOptions(
        tape=tape,
        speed=None,
        start=Start.RESUME,
        folder=folder,
        tls=True,
        key_can_transfer=True,
        rules=VenueRules(spot_cash=D(1000)),
        settings=Settings(edits=True),
    )
    with running(options) as other:
        ready = other.ready
        key = Credentials.from_file(ready.key_file)
        client = CoinbaseClient(ready.rest, key, ca_file=ready.ca_file, rate_limit_per_minute=2000, max_retries=0)
        yield Counted(client)
        client.close()


def test_every_request_is_answered_by_the_local_exchange(tmp_path: Path) -> None:
    (tmp_path / "us").mkdir()
    (tmp_path / "intx").mkdir()
    with account(tmp_path / "us") as client:
        ask_of_markets(client)
        trade_one_future(client)
        ask_of_the_account(client)
        move_money(client)
        asked = set(client.asked)
    with account(tmp_path / "intx", international=True) as client:
        ask_of_the_retired_account(client)
        asked |= client.asked
    assert asked == set(CASES)


def ask_of_markets(client: Any) -> None:
    now = (client.get_time().iso or 0) // NANOSECONDS
    (product,) = client.get_products("FUTURE", [US])
    assert product == client.get_product(US)
    book = client.get_product_book(US, 1).pricebook
    (best,) = client.get_best_bid_ask([US])
    assert best.bids == book.bids
    assert client.get_ticker(US, 5).best_bid == book.bids[0].price
    assert client.get_candles(US, start_s=now - 600, end_s=now, granularity="ONE_MINUTE") is not None


def trade_one_future(client: Any) -> None:
    bid = client.get_product_book(US, 1).pricebook.bids[0].price
    rests = LimitGtc(base_size=D(2), limit_price=bid - 500, post_only=True)
    assert client.preview_order(product_id=US, side="BUY", order_configuration=rests).errs == []
    placed = client.place_order(client_order_id="rests", product_id=US, side="BUY", order_configuration=rests)
    assert client.get_order_historical(placed.order_id).configuration == rests
    assert client.edit_order_preview(placed.order_id, price=bid - 505, size=D(1)).errors == []
    client.edit_order(placed.order_id, price=bid - 505, size=D(1))
    with pytest.raises(OrderNotFound):
        client.edit_order("11111111-0000-4000-8000-000000000009", price=bid, size=D(1))
    assert [each.order_id for each in client.list_orders(order_status="OPEN")] == [placed.order_id]
    assert [each.success for each in client.cancel_orders([placed.order_id])] == [True]
    taken = MarketIoc(base_size=D(2))
    bought = client.place_order(client_order_id="takes", product_id=US, side="BUY", order_configuration=taken)
    assert sum(fill.size for fill in client.list_fills(order_ids=[bought.order_id])) == 2
    assert client.cfm_position(US) == client.cfm_positions()[0]
    client.close_position(client_order_id="closes", product_id=US)
    assert client.cfm_positions() == []


def ask_of_the_account(client: Any) -> None:
    allowed = client.get_key_permissions()
    assert allowed.can_trade
    assert allowed.can_transfer
    (first, *_) = client.get_accounts()
    assert client.get_account(first.uuid) == first
    assert client.get_transaction_summary("FUTURE", product_venue="FCM").fee_tier.taker_fee_rate is not None
    (method,) = client.list_payment_methods()
    assert client.get_payment_method(method.id) == method
    balance = client.cfm_balance_summary()
    assert balance.total_usd_balance == balance.cbi_usd_balance + balance.cfm_usd_balance
    assert client.cfm_intraday_current_margin_window().margin_window.margin_window_type
    client.cfm_set_intraday_margin_setting(INTRADAY_MARGIN)
    assert client.cfm_intraday_margin_setting() == INTRADAY_MARGIN


def move_money(client: Any) -> None:
    assert client.cfm_sweeps_schedule(D("12.50"))
    (sweep,) = client.cfm_sweeps()
    assert sweep.requested_amount.value == D("12.50")
    assert client.cfm_sweeps_cancel()
    assert client.cfm_sweeps() == []
    (home,) = client.list_portfolios()
    made = client.create_portfolio("Apart")
    moved = client.move_funds(D(25), "USD", source_uuid=home.uuid, target_uuid=made.uuid)
    assert moved.target_portfolio_uuid == made.uuid
    assert client.get_portfolio_breakdown(made.uuid).portfolio_balances.total_balance.value == 25
    client.move_funds(D(25), "USD", source_uuid=made.uuid, target_uuid=home.uuid)
    assert client.edit_portfolio(made.uuid, "Aside").name == "Aside"
    client.delete_portfolio(made.uuid)
    assert [each.uuid for each in client.list_portfolios() if not each.deleted] == [home.uuid]
    wallets = {"from_account": "USD", "to_account": "USDC"}
    quote = client.convert_quote(**wallets, amount=D(10))
    assert client.convert_commit(quote.id, **wallets).id == quote.id
    assert client.convert_trade(quote.id, **wallets).total.value == 10
    assert {each.currency: each.available_balance for each in client.get_accounts()}["USDC"] == 10


def ask_of_the_retired_account(client: Any) -> None:
    portfolio = client.get_key_permissions().portfolio_uuid
    bought = MarketIoc(base_size=D("0.01"))
    client.place_order(
        client_order_id="takes", product_id=INTX, side="BUY", order_configuration=bought, leverage="3",
        margin_type="CROSS",
    )  # fmt: skip
    (row,) = client.intx_portfolio(portfolio).portfolios
    assert row.portfolio_uuid == portfolio
    (position,) = client.intx_positions(portfolio).positions
    assert (position.symbol, position.net_size) == (INTX, D("0.01"))
    assert client.intx_position(portfolio, INTX) == position
    assert client.intx_balances(portfolio)[0].balances[0].quantity > 0
    assert client.intx_multi_asset_collateral(portfolio, enabled=True) is True
    client.intx_allocate(portfolio, INTX, D(1), "USDC")
    with pytest.raises(InsufficientFunds):
        client.intx_allocate(portfolio, INTX, D(10) ** 9, "USDC")


#: In 2030, before the contract ends.
END = 1_900_000_000 * NANOSECONDS

#: Each way to place an order, near a bid of 60,000.
EVERY_KIND: list[tuple[str, Callable[[Decimal], Configuration]]] = [
    ("SELL", lambda bid: MarketIoc(base_size=D(1))),
    ("SELL", lambda bid: MarketFok(base_size=D(1))),
    ("SELL", lambda bid: LimitIoc(base_size=D(1), limit_price=bid)),
    ("BUY", lambda bid: LimitGtc(base_size=D(1), limit_price=bid - 100)),
    ("BUY", lambda bid: LimitGtd(base_size=D(1), limit_price=bid - 100, end_time=END)),
    ("SELL", lambda bid: LimitFok(base_size=D(1), limit_price=bid)),
    (
        "SELL",
        lambda bid: StopLimitGtc(
            base_size=D(1), limit_price=bid - 510, stop_price=bid - 500, stop_direction=StopDirection.DOWN
        ),
    ),
    (
        "SELL",
        lambda bid: StopLimitGtd(
            base_size=D(1), limit_price=bid - 510, stop_price=bid - 500, stop_direction=StopDirection.DOWN, end_time=END
        ),
    ),
    ("SELL", lambda bid: BracketGtc(base_size=D(1), limit_price=bid + 500, stop_trigger_price=bid - 500)),
    ("SELL", lambda bid: BracketGtd(base_size=D(1), limit_price=bid + 500, stop_trigger_price=bid - 500, end_time=END)),
    (
        "BUY",
        lambda bid: TwapGtd(
            base_size=D(4), limit_price=bid, start_time=END - 600 * NANOSECONDS, end_time=END, number_buckets=D(2),
            bucket_size=D(2), bucket_duration="300s",
        ),
    ),
    (
        "BUY",
        lambda bid: ScaledGtc(
            base_size=D(4), num_orders=2, min_price=bid - 100, max_price=bid - 50, price_distribution="FLAT",
            size_distribution="FLAT",
        ),
    ),
]  # fmt: skip


def test_an_order_of_every_configuration_is_taken_and_told_as_it_was_sent(tmp_path: Path) -> None:
    told: set[str] = set()
    with account(tmp_path) as client:
        bid = client.get_product_book(US, 1).pricebook.bids[0].price
        client.place_order(
            client_order_id="position", product_id=US, side="BUY", order_configuration=MarketIoc(base_size=D(9))
        )
        for number, (side, order_of) in enumerate(EVERY_KIND):
            order = order_of(bid)
            placed = client.place_order(
                client_order_id=f"order-{number}", product_id=US, side=side, order_configuration=order
            )
            assert client.get_order_historical(placed.order_id).configuration == order
            client.cancel_orders([placed.order_id])
            told.add(order.key)
    assert told == set(CONFIGURATIONS)
