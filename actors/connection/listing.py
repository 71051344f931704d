"""A product as the exchange describes it, as our rules and rates. Nothing is read from the shape of its id."""

from __future__ import annotations

from decimal import Decimal

from actors.connection.client.market_replies import FutureDetails, MarginRate, Product
from events.catalog import FundingRatePublished, MarginRates, ProductListed
from events.market import MarkReported
from events.terms import NANOSECONDS

#: Perpetual-style futures without a stated interval accrue hourly.
HOURLY_S = 3_600
_VENUES = {"FCM": "CDE", "INTX": "INTX", "CBE": "SPOT"}


def listed(product: Product, ours: str, at: int) -> ProductListed:
    """The product's rules. Prices step by `price_increment`; a future without a contract size has none here either.

    Raises `ValueError` for a product without increments, which nobody could round to.
    """
    future = product.future_product_details
    session = product.fcm_trading_session_details
    price_increment = product.price_increment or product.quote_increment
    size_increment = product.base_increment
    if not price_increment or not size_increment:
        raise ValueError(f"{product.product_id} has no price or size increment")
    return ProductListed(
        product=ours,
        exchange_id=product.product_id,
        venue=_VENUES.get(product.product_venue, product.product_venue or product.product_type),
        contract_size=future.contract_size if future else None,
        price_increment=price_increment,
        size_increment=size_increment,
        min_size=product.base_min_size or size_increment,
        max_size=product.base_max_size,
        min_notional=product.quote_min_size or None,
        quote_currency=product.quote_currency_id or "USD",
        underlying=future.contract_root_unit if future else product.base_currency_id,
        display_name=product.display_name,
        contract_expiry=future.contract_expiry if future else None,
        funding_interval_s=funding_interval_s(product),
        intraday_margin=_margin(future.intraday_margin_rate if future else None),
        overnight_margin=_margin(future.overnight_margin_rate if future else None),
        max_leverage=(future.perpetual_details.max_leverage or None) if future and future.perpetual_details else None,
        session_open=session.is_session_open if session else True,
        trading_disabled=product.trading_disabled or product.is_disabled or product.view_only,
        cancel_only=product.cancel_only,
        limit_only=product.limit_only,
        post_only=product.post_only,
        exchange_at=at,
        closes_at=session.close_time if session and not _is_round_the_clock(product) else None,
        maintenance_starts_at=session.maintenance.start_time if session and session.maintenance else None,
        maintenance_ends_at=session.maintenance.end_time if session and session.maintenance else None,
    )


def _is_round_the_clock(product: Product) -> bool:
    """Whether the end of a session is only the roll of the trade date, and stops nothing (trading rules A16)."""
    future = product.future_product_details
    return future is None or bool(future.twenty_four_by_seven) or funding_interval_s(product) is not None


def funding_interval_s(product: Product) -> int | None:
    """Seconds between funding boundaries; None for what pays no funding.

    US perpetual-style futures call themselves EXPIRING; they are known by their funding fields, or by their name.
    """
    future = product.future_product_details
    if future is None:
        return None
    stated = future.funding_interval.removesuffix("s")
    if stated.isdecimal() and int(stated) > 0:
        return int(stated)
    inner = future.perpetual_details
    has_funding = future.funding_rate is not None or (inner is not None and inner.funding_rate is not None)
    is_perpetual = future.contract_expiry_type == "PERPETUAL" or "PERP" in product.display_name.upper()
    return HOURLY_S if has_funding or is_perpetual else None


def funding_of(product: Product, ours: str, at: int) -> FundingRatePublished | None:
    """The rate that the exchange shows, with the boundary it belongs to, which may still be ahead of `at`.

    CDE fills the outer fields and shows the hour just ended; INTX filled the inner ones and showed the next.
    """
    future, interval = product.future_product_details, funding_interval_s(product)
    if future is None or interval is None:
        return None
    rate, boundary = _rate(future)
    if rate is None or boundary is None:
        return None
    boundary -= boundary % (interval * NANOSECONDS)
    return FundingRatePublished(product=ours, boundary=boundary, rate=rate, exchange_at=at)


def index_of(product: Product, ours: str, at: int) -> MarkReported | None:
    """The index that the exchange shows; it bounds our marks. The settlement price is no mark (trading rules A6)."""
    future = product.future_product_details
    if future is None or not future.index_price:
        return None
    return MarkReported(product=ours, mark=None, index=future.index_price, exchange_at=at)


def _rate(future: FutureDetails) -> tuple[Decimal | None, int | None]:
    inner = future.perpetual_details
    if future.funding_rate is not None or inner is None:
        return future.funding_rate, future.funding_time
    return inner.funding_rate, inner.funding_time


def _margin(rate: MarginRate | None) -> MarginRates:
    return MarginRates(long=rate.long_margin_rate, short=rate.short_margin_rate) if rate else MarginRates()
