"""Every recorded payload of the shared fixtures and who reads it here; what nobody reads stands with its reason.

`test_fixture_table.py` fails on a file that is in none of the tables, or in two.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from actors.connection.client.account_replies import (
    FundsMoved,
    MarginSetting,
    OnePortfolio,
    PortfolioBreakdown,
    Portfolios,
    TransactionSummary,
)
from actors.connection.client.edit_replies import EditReply
from actors.connection.client.intx_replies import IntxBalances, MultiAssetCollateral, OneIntxPosition
from actors.connection.client.market_replies import Candles, Product, ProductBook, Products, Ticker
from actors.connection.client.replies import (
    Accounts,
    CancelResults,
    CurrentMarginWindow,
    ErrorBody,
    Fills,
    FuturesBalance,
    FuturesPositions,
    KeyPermissions,
    OneFuturesPosition,
    OneOrder,
    OrderReply,
    Orders,
)
from actors.connection.older_exchange.replies import ExchangeBook, ExchangeCandle, ExchangeProduct
from tests.paths import SHARED_DATA

FIXTURES = SHARED_DATA / "coinbase-fixtures"

#: Frames of the Advanced Trade feed; read by `actors/connection/frames.py`.
ADVANCED_FRAMES = (
    "jkorf_ws_candles_session.json",
    "jkorf_ws_futures_balance_summary_session.json",
    "jkorf_ws_heartbeats_session.json",
    "jkorf_ws_market_trades_session.json",
    "jkorf_ws_status_session.json",
    "jkorf_ws_ticker_batch_session.json",
    "jkorf_ws_ticker_session.json",
    "jkorf_ws_user_session.json",
    "ws_candles.json",
    "ws_errors.json",
    "ws_heartbeats.json",
    "ws_l2_data_snapshot.json",
    "ws_l2_data_update.json",
    "ws_live_perp_intx_20260907.jsonl",
    "ws_market_trades.json",
    "ws_subscriptions.json",
    "ws_ticker.json",
    "ws_user.json",
)

#: Messages of the older Exchange feed; read by `actors/connection/older_exchange/messages.py`.
EXCHANGE_MESSAGES = ("exchange_ws_messages.json",)


class Body(NamedTuple):
    """What a recorded REST reply is read as; `within` is where in the file its bodies lie."""

    kind: Any
    within: str = ""


#: Bodies of REST replies, and the type that each is read into; `test_recorded_replies.py` reads them.
REST_BODIES: dict[str, Body] = {
    "ccxt_fills_intx_perp.json": Body(Fills),
    "ccxt_fills_spot.json": Body(Fills),
    "ccxt_intx_position_2024.json": Body(OneIntxPosition),
    "ccxt_orders_batch_filled_market.json": Body(Orders),
    "ccxt_product_cde_expiring_2024.json": Body(Product),
    "ccxt_product_intx_perp_2024.json": Body(Product),
    "ccxt_ticker_trades.json": Body(Ticker),
    "duplicate_client_order_id.json": Body(OrderReply, "reply"),
    "errors_rest.json": Body(ErrorBody, "body"),
    "exchange_candles.json": Body(list[ExchangeCandle]),
    "exchange_error_404.json": Body(ErrorBody),
    "exchange_products_2021.json": Body(list[ExchangeProduct]),
    "exchange_products_2025.json": Body(list[ExchangeProduct]),
    "http_accounts.json": Body(Accounts),
    "http_candles.json": Body(Candles),
    "http_cfm_balance_summary.json": Body(FuturesBalance),
    "http_cfm_position.json": Body(OneFuturesPosition),
    "http_cfm_positions.json": Body(FuturesPositions),
    "http_fills.json": Body(Fills),
    "http_order.json": Body(OneOrder),
    "http_orders_list.json": Body(Orders),
    "http_product.json": Body(Product),
    "http_product_book.json": Body(ProductBook),
    "http_products.json": Body(Products),
    "http_products_future.json": Body(Products),
    "http_ticker.json": Body(Ticker),
    "jkorf_rest_accounts.json": Body(Accounts),
    "jkorf_rest_batch_cancel.json": Body(CancelResults),
    "jkorf_rest_candles.json": Body(Candles),
    "jkorf_rest_cfm_balance_summary_plain_measures.json": Body(FuturesBalance),
    "jkorf_rest_cfm_current_margin_window.json": Body(CurrentMarginWindow),
    "jkorf_rest_cfm_margin_setting.json": Body(MarginSetting),
    "jkorf_rest_cfm_positions_plain_strings.json": Body(FuturesPositions),
    "jkorf_rest_close_position.json": Body(OrderReply),
    "jkorf_rest_create_order_all_shapes.json": Body(OrderReply),
    "jkorf_rest_edit_order.json": Body(EditReply),
    "jkorf_rest_fills.json": Body(Fills),
    "jkorf_rest_intx_balances.json": Body(IntxBalances),
    "jkorf_rest_intx_multi_asset_collateral.json": Body(MultiAssetCollateral),
    "jkorf_rest_intx_position.json": Body(OneIntxPosition),
    "jkorf_rest_key_permissions.json": Body(KeyPermissions),
    "jkorf_rest_order.json": Body(OneOrder),
    "jkorf_rest_orders_batch.json": Body(Orders),
    "jkorf_rest_portfolio_breakdown.json": Body(PortfolioBreakdown),
    "jkorf_rest_portfolio_create.json": Body(OnePortfolio),
    "jkorf_rest_portfolio_move_funds.json": Body(FundsMoved),
    "jkorf_rest_portfolios.json": Body(Portfolios),
    "jkorf_rest_product_book.json": Body(ProductBook),
    "jkorf_rest_product_book_aggregated.json": Body(ExchangeBook),  # of the older exchange, by its rows
    "jkorf_rest_products.json": Body(Products),
    "jkorf_rest_ticker_trades.json": Body(Ticker),
    "jkorf_rest_transaction_summary_docs.json": Body(TransactionSummary),
    "jkorf_rest_transaction_summary_real.json": Body(TransactionSummary),
    "order_failures_http200.json": Body(OrderReply, "[]"),
}

#: Nobody reads these as payloads, and why.
UNREAD = {
    "INDEX.md": "says where the others come from",
    "enums_orders.json": "words of orders and refusals, no payload; the words are tested one by one",
    "exchange_ws_subscribe.json": "what a client sends; the feed's own subscribe is compared with it",
}

#: Channels that bring no event, and why.
WITHOUT_EVENTS = {
    "subscriptions": "acknowledgements",
    "heartbeats": "signs of life",
    "": "errors, which have no channel",
}


def advanced_frames() -> Iterator[tuple[str, bytes]]:
    """Every frame that the exchange sent, from all recordings of Advanced Trade: a name and its bytes."""
    for name in ADVANCED_FRAMES:
        path = FIXTURES / name
        if path.exists():
            yield from ((f"{name}[{place}]", raw) for place, raw in enumerate(_frames(path)))


def _frames(path: Path) -> list[bytes]:
    raw = path.read_bytes()
    if path.suffix == ".jsonl":
        return [line for line in raw.splitlines() if line]
    if path.name.startswith("jkorf"):
        return [bytes(step.msg) for step in msgspec.json.decode(raw, type=list[_Step]) if step.dir == "server"]
    return [bytes(each) for each in msgspec.json.decode(raw, type=list[msgspec.Raw])] if raw[:1] == b"[" else [raw]


class _Step(msgspec.Struct):
    """One message of a recorded session; `dir` is client or server."""

    dir: str
    msg: msgspec.Raw
