"""Products and their markets: what the client asks of them. With a key the private paths, else their public twins.

The public paths are cached by the exchange for about a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actors.connection.client.line import Linked, never_ends, queried, segment
from actors.connection.client.market_replies import (
    Candle,
    Candles,
    PriceBook,
    PriceBooks,
    Product,
    ProductBook,
    Products,
    ServerTime,
    Ticker,
)


def get_time(client: Linked) -> ServerTime:
    """The exchange's clock."""
    return client.line.get("/time", ServerTime)


def get_products(
    client: Linked,
    product_type: str | None = None,
    product_ids: Sequence[str] = (),
    *,
    contract_expiry_type: str | None = None,
    expiring_contract_status: str | None = None,
    get_tradability_status: bool | None = None,
    get_all_products: bool | None = None,
    page_size: int | None = None,
) -> list[Product]:
    """All products that fit. The exchange gives them in one piece unless `page_size` asks for pages.

    `contract_expiry_type` PERPETUAL finds no US perpetual: those call themselves EXPIRING.
    """
    path = _market(client, "/products")
    query = queried(
        product_ids=product_ids,
        product_type=product_type,
        contract_expiry_type=contract_expiry_type,
        expiring_contract_status=expiring_contract_status,
        get_tradability_status=get_tradability_status,
        get_all_products=get_all_products,
    )
    if page_size is None:
        return client.line.get(path, Products, query).products
    found: dict[str, Product] = {}
    while True:
        page = [*query, ("limit", str(page_size)), ("offset", str(len(found)))]
        products = client.line.get(path, Products, page).products
        before = len(found)
        found.update((product.product_id, product) for product in products)
        if len(products) < page_size:
            return list(found.values())
        if len(found) != before + len(products):
            raise never_ends(path)


def get_product(client: Linked, product_id: str, *, get_tradability_status: bool | None = None) -> Product:
    query = queried(get_tradability_status=get_tradability_status)
    return client.line.get(_market(client, f"/products/{segment(product_id)}"), Product, query)


def get_product_book(
    client: Linked,
    product_id: str,
    limit: int | None = None,
    *,
    aggregation_price_increment: Decimal | None = None,
) -> ProductBook:
    """The best first on either side; at most about a thousand levels come."""
    query = queried(product_id=product_id, limit=limit, aggregation_price_increment=aggregation_price_increment)
    return client.line.get(_market(client, "/product_book"), ProductBook, query)


def get_best_bid_ask(client: Linked, product_ids: Sequence[str] = ()) -> list[PriceBook]:
    """The best level of either side; needs a key."""
    return client.line.get("/best_bid_ask", PriceBooks, queried(product_ids=product_ids)).pricebooks


def get_ticker(
    client: Linked, product_id: str, limit: int = 100, *, start_s: int | None = None, end_s: int | None = None
) -> Ticker:
    """The last trades, newest first (at most 100 come), and the best prices. A trade's side is the maker's."""
    query = queried(limit=limit, start=start_s, end=end_s)
    return client.line.get(_market(client, f"/products/{segment(product_id)}/ticker"), Ticker, query)


def get_candles(
    client: Linked, product_id: str, *, start_s: int, end_s: int, granularity: str, limit: int | None = None
) -> list[Candle]:
    """Newest first; unix seconds; at most 350 rows, or the exchange refuses. No row where nothing traded."""
    query = queried(start=start_s, end=end_s, granularity=granularity, limit=limit)
    return client.line.get(_market(client, f"/products/{segment(product_id)}/candles"), Candles, query).candles


def _market(client: Linked, path: str) -> str:
    return path if client.line.credentials else f"/market{path}"
