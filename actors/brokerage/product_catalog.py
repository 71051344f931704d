"""The seed's product catalog: trading rules and funding of products, as the exchange describes them by REST."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.market_replies import Product
from actors.connection.errors import InvalidRequestError, InvalidSymbol
from actors.connection.listing import funding_interval_s, funding_of, listed
from events.catalog import ProductListed
from events.money import EXACT, ZERO, floor_to
from events.terms import NANOSECONDS
from projections.notional import is_inverse, notional


def to_product(product: Product, symbol: str | None = None, *, at: int = 0) -> ProductListed:
    """A product's rules from the exchange's description; `symbol` is our id, the exchange's where there is none.

    Raises `ValueError` for a product without increments.
    """
    return listed(product, symbol or product.product_id, at)


class ProductCatalog:
    """Products by our symbols or the exchange's ids; read anew when older than `ttl_seconds`."""

    def __init__(
        self,
        client: CoinbaseClient,
        *,
        ttl_seconds: int = 900,
        aliases: Mapping[str, str] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`aliases` gives the exchange's id for our symbol. `clock` gives nanoseconds UTC."""
        self._client = client
        self._ttl_ns = ttl_seconds * NANOSECONDS
        self._aliases = dict(aliases or {})
        self._clock = clock
        self._products: dict[str, Product] = {}
        self._read_at: int | None = None

    def refresh(self) -> None:
        """Ask for all products now. Raises `BrokerageError`; what was known then stays."""
        products = {product.product_id: product for product in self._client.get_products()}
        self._products, self._read_at = products, self._clock()

    def get(self, symbol: str) -> ProductListed:
        """The rules in force. Raises `InvalidSymbol` for a product that the exchange does not list."""
        return to_product(self._product(symbol), symbol, at=self._read_at or 0)

    def get_funding(self, symbol: str) -> tuple[Decimal, int] | tuple[None, None]:
        """The rate shown, and the next boundary in nanoseconds UTC; (None, None) for what pays no funding.

        US perpetual-style futures show the rate of the hour just ended: the next boundary is reckoned from there.
        """
        product, now = self._product(symbol), self._clock()
        rate, interval_s = funding_of(product, symbol, now), funding_interval_s(product)
        if rate is None or interval_s is None:
            return None, None
        interval = interval_s * NANOSECONDS
        return rate.rate, max(rate.boundary, (now // interval + 1) * interval)

    def enforce_perp_rules(
        self, symbol: str, qty: Decimal, price: Decimal | None = None
    ) -> tuple[Decimal, Decimal | None]:
        """The same as the function, for a product of this catalog."""
        return enforce_perp_rules(self.get(symbol), qty, price)

    def _product(self, symbol: str) -> Product:
        if self._read_at is None or self._clock() - self._read_at > self._ttl_ns:
            self.refresh()
        product = self._products.get(self._aliases.get(symbol, symbol))
        if product is None:
            raise InvalidSymbol(f"the exchange lists no product {symbol}")
        return product


def enforce_perp_rules(
    product: ProductListed, qty: Decimal, price: Decimal | None = None, *, mark: Decimal | None = None
) -> tuple[Decimal, Decimal | None]:
    """Quantity and price on the product's grid, both floored (trading rules B11), and large enough.

    `mark` values an order without a price, where one is known. Raises `InvalidRequestError`.

    A tick of 0.05 makes 50,000.1234 into 50,000.10; the gate of a running system rounds by side instead.
    """
    if is_inverse(product):
        raise InvalidRequestError(f"{product.product} is an inverse contract: only linear ones trade")
    with localcontext(EXACT):
        for name, amount in (("Quantity", qty), ("Price", price)):
            if amount is not None and not (amount.is_finite() and amount > ZERO):
                raise InvalidRequestError(f"{name} {amount} for {product.product} must be above zero")
        on_grid = floor_to(qty, product.size_increment) if product.size_increment else qty
        tick = product.price_increment
        limit = floor_to(price, tick) if price is not None and tick else price
        if on_grid < product.min_size or not on_grid:
            message = f"Quantity {on_grid} below minimum size {product.min_size} for {product.product}"
            raise InvalidRequestError(message)
        if limit is not None and not limit:
            raise InvalidRequestError(f"Price {price} for {product.product} is below one tick of {tick}")
        value_at = limit if limit is not None else mark
        if product.min_notional is not None and value_at is not None:
            if product.contract_size is None:
                raise InvalidRequestError(f"Contract size of {product.product} is unknown")
            worth = notional(on_grid, contract_size=product.contract_size, price=value_at)
            if worth < product.min_notional:
                message = f"Notional {worth} below minimum {product.min_notional} for {product.product}"
                raise InvalidRequestError(message)
    return on_grid, limit
