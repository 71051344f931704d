"""Every recorded payload of the shared fixtures and who reads it here; what nobody reads stands with its reason.

`test_fixture_table.py` fails on a file that is in none of the tables, or in two.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

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

#: Messages of the older Exchange feed; read by `actors/connection/exchange_messages.py`.
EXCHANGE_MESSAGES = ("exchange_ws_messages.json",)

#: Bodies of REST replies; read by the replies' types of `actors/connection/`.
REST_BODIES = (
    "ccxt_fills_intx_perp.json",
    "ccxt_fills_spot.json",
    "ccxt_intx_position_2024.json",
    "ccxt_orders_batch_filled_market.json",
    "ccxt_product_cde_expiring_2024.json",
    "ccxt_product_intx_perp_2024.json",
    "ccxt_ticker_trades.json",
    "duplicate_client_order_id.json",
    "errors_rest.json",
    "exchange_candles.json",
    "exchange_error_404.json",
    "exchange_products_2021.json",
    "exchange_products_2025.json",
    "http_accounts.json",
    "http_candles.json",
    "http_cfm_balance_summary.json",
    "http_cfm_position.json",
    "http_cfm_positions.json",
    "http_fills.json",
    "http_order.json",
    "http_orders_list.json",
    "http_product.json",
    "http_product_book.json",
    "http_products.json",
    "http_products_future.json",
    "http_ticker.json",
    "jkorf_rest_accounts.json",
    "jkorf_rest_batch_cancel.json",
    "jkorf_rest_candles.json",
    "jkorf_rest_cfm_balance_summary_plain_measures.json",
    "jkorf_rest_cfm_current_margin_window.json",
    "jkorf_rest_cfm_margin_setting.json",
    "jkorf_rest_cfm_positions_plain_strings.json",
    "jkorf_rest_close_position.json",
    "jkorf_rest_create_order_all_shapes.json",
    "jkorf_rest_edit_order.json",
    "jkorf_rest_fills.json",
    "jkorf_rest_intx_balances.json",
    "jkorf_rest_intx_multi_asset_collateral.json",
    "jkorf_rest_intx_position.json",
    "jkorf_rest_key_permissions.json",
    "jkorf_rest_order.json",
    "jkorf_rest_orders_batch.json",
    "jkorf_rest_portfolio_breakdown.json",
    "jkorf_rest_portfolio_create.json",
    "jkorf_rest_portfolio_move_funds.json",
    "jkorf_rest_portfolios.json",
    "jkorf_rest_product_book.json",
    "jkorf_rest_product_book_aggregated.json",
    "jkorf_rest_products.json",
    "jkorf_rest_ticker_trades.json",
    "jkorf_rest_transaction_summary_docs.json",
    "jkorf_rest_transaction_summary_real.json",
    "order_failures_http200.json",
)

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
