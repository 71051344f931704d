"""Facts in short: events with sensible parts, so that a test states only what it is about."""

from __future__ import annotations

from decimal import Decimal

from events.catalog import FundingRatePublished, ProductListed
from events.configuration import Configuration, ProductSetting
from events.market import QuoteChanged, TradePrinted
from events.orders import OrderFilled
from events.position import PositionReported
from events.session import SessionStarted
from events.terms import Clock, Origin, Side
from projections.notional import notional

D = Decimal
#: A contract of a hundredth of a coin, as the exchange lists it.
BIP = "BIP"
#: One coin a contract, as the seed's examples count.
ONE = "ONE"


def started(
    *, session: str = "s-1", mode: str = "live", start_equity: str | None = None, products: tuple[str, ...] = (BIP,)
) -> SessionStarted:
    configuration = Configuration(
        mode=mode,
        products={product: ProductSetting(exchange_id=f"{product}-20DEC30-CDE") for product in products},
        start_equity=None if start_equity is None else D(start_equity),
    )
    return SessionStarted(session=session, configuration=configuration, clock=Clock.TAPE, code="test")


def listed(
    product: str = BIP,
    *,
    contract_size: str | None = "0.01",
    funding_interval_s: int | None = 3_600,
    session_open: bool = True,
    price_increment: str = "5",
    exchange_at: int = 0,
) -> ProductListed:
    return ProductListed(
        product=product,
        exchange_id=f"{product}-20DEC30-CDE",
        venue="CDE",
        contract_size=None if contract_size is None else D(contract_size),
        price_increment=D(price_increment),
        size_increment=D(1),
        min_size=D(1),
        funding_interval_s=funding_interval_s,
        session_open=session_open,
        exchange_at=exchange_at,
    )


def filled(
    side: Side,
    qty: str | Decimal,
    price: str | Decimal,
    *,
    at: int,
    product: str = BIP,
    contract_size: str | Decimal = "0.01",
    fee: str | Decimal = "0",
    order: str = "o-1",
    origin: Origin = Origin.OURS,
) -> OrderFilled:
    qty, price = D(qty), D(price)
    return OrderFilled(
        order=order,
        exchange_order=f"x-{order}",
        strategy="baseline",
        product=product,
        side=side,
        qty=qty,
        value=notional(qty, contract_size=D(contract_size), price=price),
        price=price,
        fee=D(fee),
        filled_qty=qty,
        exchange_at=at,
        origin=origin,
    )


def bought(
    qty: str, price: str, *, at: int, product: str = BIP, contract_size: str = "0.01", fee: str = "0"
) -> OrderFilled:
    return filled(Side.BUY, qty, price, at=at, product=product, contract_size=contract_size, fee=fee)


def sold(
    qty: str, price: str, *, at: int, product: str = BIP, contract_size: str = "0.01", fee: str = "0"
) -> OrderFilled:
    return filled(Side.SELL, qty, price, at=at, product=product, contract_size=contract_size, fee=fee)


def traded(price: str | Decimal, *, at: int, product: str = BIP) -> TradePrinted:
    return TradePrinted(
        product=product, trade_id=f"t-{at}", price=D(price), size=D(1), aggressor=Side.BUY, exchange_at=at
    )


def quoted(bid: str | None, ask: str | None, *, at: int, product: str = BIP) -> QuoteChanged:
    return QuoteChanged(
        product=product,
        bid=None if bid is None else D(bid),
        bid_size=None if bid is None else D(3),
        ask=None if ask is None else D(ask),
        ask_size=None if ask is None else D(3),
        exchange_at=at,
    )


def rate(boundary: int, value: str, *, product: str = BIP) -> FundingRatePublished:
    return FundingRatePublished(product=product, boundary=boundary, rate=D(value), exchange_at=boundary)


def reported(
    qty: str,
    *,
    at: int,
    product: str = BIP,
    entry_price: str | None = None,
    current_price: str | None = None,
    unrealized: str | None = None,
) -> PositionReported:
    return PositionReported(
        product=product,
        qty=D(qty),
        entry_price=None if entry_price is None else D(entry_price),
        current_price=None if current_price is None else D(current_price),
        unrealized=None if unrealized is None else D(unrealized),
        exchange_at=at,
    )
