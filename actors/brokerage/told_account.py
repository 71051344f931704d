"""An account as somebody tells it: positions, marks and equity by hand, in the shape that the checks ask."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias, TypedDict

import msgspec

from events.catalog import ProductListed
from events.configuration import Configuration, FeeSetting, PaperSetting, ProductSetting, RiskLimits
from events.market import MarkUpdated
from events.money import ONE, ZERO
from events.terms import MarkSource
from projections.account import Account
from projections.catalog import Catalog
from projections.limits import Limits
from projections.marks import Marks
from projections.notional import as_linear, notional
from projections.portfolio import Portfolio
from projections.positions import Position, Positions

#: Who tells an account tells equity as he counts it; what fees take of it is his.
_FREE = PaperSetting(fees=FeeSetting(maker_rate=ZERO, taker_rate=ZERO))


class HeldPosition(TypedDict, total=False):
    """A position as the seed writes it. `qty` is in the exchange's unit; without `side` its sign counts.

    `notional`, where it is given, is what the position is worth; else qty x contract size x mark.
    """

    side: str  # "long" or "short"
    qty: Decimal
    mark: Decimal
    price: Decimal
    notional: Decimal
    contract_size: Decimal
    liquidation_price: Decimal | None
    liq_price: Decimal | None  # the seed's other word for it


Held: TypeAlias = Mapping[str, HeldPosition]


class Market(msgspec.Struct, frozen=True):
    """What is known of the products: their rules, and their fresh marks."""

    listings: Mapping[str, ProductListed]
    marks: Mapping[str, Decimal]


def told_account(
    limits: RiskLimits, market: Market, held: Held, *, equity: Decimal, reduce_only: Mapping[str, str], at: int
) -> Account:
    """The account with these positions, each at cost of its present worth, so that `equity` is what it says."""
    account = Account(portfolio=Portfolio(start=equity, start_from="told"), catalog=Catalog())
    products = {**dict.fromkeys(market.listings, True), **dict.fromkeys(held, True)}
    configuration = Configuration(
        products={product: ProductSetting(exchange_id=_exchange_id(market, product)) for product in products},
        risk=limits,
        paper=_FREE,
    )
    account.limits = Limits(configuration=configuration, limits=limits, reduce_only=dict(reduce_only))
    account.portfolio.positions = Positions(by_product={})
    account.portfolio.marks = Marks()
    for product, listing in market.listings.items():
        account.catalog.listings[product] = as_linear(listing)
    for product, mark in market.marks.items():
        _price(account, product, mark, at)
    for product, position in held.items():
        if position.get("qty"):
            _hold(account, product, position, at)
    return account


def signed_qty(position: HeldPosition) -> Decimal:
    """Above zero long, below zero short."""
    qty = position.get("qty", ZERO)
    return -abs(qty) if position.get("side", "").lower() == "short" else qty


def mark_of(position: HeldPosition) -> Decimal | None:
    return position.get("mark") or position.get("price")


def _hold(account: Account, product: str, position: HeldPosition, at: int) -> None:
    qty, listing = signed_qty(position), account.catalog.listings.get(product)
    price = account.portfolio.marks.price(product) or mark_of(position)
    size = position.get("contract_size") or (ONE if listing is None else listing.contract_size)
    worth = position.get("notional")
    if listing is None:  # nothing is known of it but what it is worth
        listing = _unlisted(product, size or ONE)
        account.catalog.listings[product] = listing
    if worth is not None:
        worth = abs(worth) if qty > 0 else -abs(worth)
        qty, size, price = ONE if qty > 0 else -ONE, ONE, abs(worth)
        account.catalog.listings[product] = msgspec.structs.replace(listing, contract_size=ONE)
    elif price is not None and size is not None:
        worth = notional(qty, contract_size=size, price=price)
    if price is not None:
        _price(account, product, price, at)
    account.portfolio.positions.by_product[product] = Position(
        product=product, qty=qty, cost=worth or ZERO, contract_size=size, opened_at=at, changed_at=at
    )


def _price(account: Account, product: str, price: Decimal, at: int) -> None:
    account.portfolio.marks.latest[product] = MarkUpdated(
        product=product, price=price, source=MarkSource.EXCHANGE, exchange_at=at
    )


def _exchange_id(market: Market, product: str) -> str:
    listing = market.listings.get(product)
    return product if listing is None else listing.exchange_id


def _unlisted(product: str, size: Decimal) -> ProductListed:
    return ProductListed(
        product=product,
        exchange_id=product,
        venue="",
        contract_size=size,
        price_increment=ONE,
        size_increment=ONE,
        min_size=ONE,
    )
