"""The seed's adapter: what a running system knows, read from its log as it is written.

It trades nothing and talks to no exchange: the system does, and what it heard and did is in the log. Whatever a loop
is given, the adapter has folded before; so inside it, marks and results already contain it (trading rules B2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import localcontext
from pathlib import Path

import msgspec

from actors.brokerage.api_config import APIConfig
from actors.brokerage.mark_cache import MarkCache
from actors.brokerage.rows import LEVEL_1, LEVEL_2, TRADES, USER, Row, gap_row, row_of
from actors.brokerage.view import LogView
from actors.connection.client.coinbase import CoinbaseClient
from events.event import Event
from events.feeds import FeedGapFound
from events.log import DEFAULT_PATH, Place
from events.money import EXACT
from events.record import Record
from events.session import SessionEnded, SessionStarted
from events.store import EventStore

ProductIds = Sequence[str] | None


class CoinbaseBrokerage:
    """One log, followed. A stream begins behind what this adapter has read, and ends with the session."""

    def __init__(self, config: APIConfig | None = None, *, log: Path | str = DEFAULT_PATH) -> None:
        """`log` is the active file or the folder of a system's log, running or not. `config` is for `client` alone.

        Raises `AuthenticationError` when the configuration cannot work, and says why.
        """
        if config is not None:
            config.check()
        self._config = config
        self._view = LogView(log)
        self._view.catch_up()
        self._event_store = EventStore(log)
        self._mark_cache = MarkCache(
            None, marks=self._view.portfolio.marks, clock=lambda: self._view.at, product_of=self._view.product
        )
        self.ws_auth_provider = None if config is None else config.ws_auth_provider

    def client(self) -> CoinbaseClient:
        """A client with this configuration, for what a log does not hold."""
        return (APIConfig() if self._config is None else self._config).client()

    def stream_trades(self, product_ids: ProductIds = None) -> Iterator[Row]:
        """Trades between others: `trade_id, price, size, side` of the taker."""
        return self._stream(product_ids, TRADES)

    def stream_orderbook(self, product_ids: ProductIds = None, level: int = 1) -> Iterator[Row]:
        """Level 1: best prices, `bid, bid_size, ask, ask_size`. From level 2 on: `bids, asks` as (price, size).

        A `snapshot` replaces the book, an `update` sets levels anew, and a size of zero removes one.
        """
        if level < 1:
            raise ValueError(f"there is no level {level} of a book")
        return self._stream(product_ids, LEVEL_1 if level == 1 else LEVEL_2)

    def stream_user_events(self, product_ids: ProductIds = None) -> Iterator[Row]:
        """Our orders as the exchange reports them, each `fill` once, and `gap_detected` where messages were missed."""
        return self._stream(product_ids, USER, with_gaps=True)

    def get_position_pnl(self, symbol: str) -> Row:
        """One product's result, by now. Unknown is None; `realized_pnl` is gross. Raises `InvalidSymbol`."""
        self._view.catch_up()
        with localcontext(EXACT):
            result = self._view.portfolio.position_pnl(self._view.product(symbol), self._view.at)
        return msgspec.structs.asdict(result) | {"symbol": symbol}

    def get_portfolio_pnl(self) -> Row:
        """The account's result, by now, with a row for each product; `unknown` says why a number is None."""
        self._view.catch_up()
        with localcontext(EXACT):
            result = self._view.portfolio.pnl(self._view.at)
        rows = {product: msgspec.structs.asdict(row) for product, row in result.positions.items()}
        return msgspec.structs.asdict(result) | {"positions": rows}

    def close(self) -> None:
        """End all streams and let the log go."""
        self._view.close()

    def _stream(self, asked: ProductIds, kinds: frozenset[type[Event]], *, with_gaps: bool = False) -> Iterator[Row]:
        names = _Names(self._view, asked)
        return self._rows(self._view.place, names, kinds, with_gaps=with_gaps)

    def _rows(self, after: Place, names: _Names, kinds: frozenset[type[Event]], *, with_gaps: bool) -> Iterator[Row]:
        for commit in self._view.commits(after):
            for record in commit.records:
                event = record.event
                if type(event) in kinds:
                    row = names.named(record)
                    if row is not None:
                        yield row
                elif with_gaps and isinstance(event, FeedGapFound) and event.feed == "user":
                    yield gap_row(record, event)
                elif isinstance(event, SessionStarted):
                    names.expect_known()
                elif isinstance(event, SessionEnded):
                    return


class _Names:
    """The products of one stream, under the names they were asked for. None asked for: all, under our own."""

    def __init__(self, view: LogView, asked: ProductIds) -> None:
        self._view = view
        self._asked = None if asked is None else [asked] if isinstance(asked, str) else list(asked)
        self._by_product: dict[str, str] | None = None
        if view.place.seq:
            self.expect_known()

    def expect_known(self) -> None:
        """Raise `InvalidSymbol` for a name that no product has: a stream of nothing looks like a quiet market."""
        self._by_product = None if self._asked is None else {self._view.product(name): name for name in self._asked}

    def named(self, record: Record) -> Row | None:
        """The record's row; None for a product that was not asked for."""
        product: str = record.event.product  # type: ignore[union-attr,assignment]  # all that streams show have one
        name = product if self._by_product is None else self._by_product.get(product)
        if name is None:
            return None
        return {"product_id": name, "exchange_product_id": self._view.exchange_id(product)} | row_of(record)
