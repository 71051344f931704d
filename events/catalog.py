"""What can be traded, by which rules, and its published funding rates."""

from __future__ import annotations

from decimal import Decimal

from events.event import Event, Part


class MarginRates(Part, frozen=True):
    """Initial margin as a fraction of notional, by side. `None` where the exchange publishes none."""

    long: Decimal | None = None
    short: Decimal | None = None


class ProductListed(Event, frozen=True):
    """The rules of a product as the exchange gave them. `product` is our id, `exchange_id` the exchange's."""

    product: str
    exchange_id: str
    venue: str  # "CDE", "INTX", "SPOT" or a tape's own
    contract_size: Decimal | None  # base units in one unit of quantity; a product without one cannot be traded
    price_increment: Decimal
    size_increment: Decimal
    min_size: Decimal
    max_size: Decimal | None = None
    min_notional: Decimal | None = None
    quote_currency: str = "USD"
    underlying: str = ""
    display_name: str = ""
    contract_expiry: int | None = None  # nanoseconds UTC
    funding_interval_s: int | None = None  # None: no perpetual, pays no funding
    intraday_margin: MarginRates = MarginRates()
    overnight_margin: MarginRates = MarginRates()
    max_leverage: Decimal | None = None
    session_open: bool = True
    trading_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    exchange_at: int = 0
    closes_at: int | None = None  # the session's end, of products that do not trade round the clock; nanoseconds UTC
    maintenance_starts_at: int | None = None
    maintenance_ends_at: int | None = None


class ProductChanged(Event, frozen=True):
    """The catalog noticed that a product's rules are not what they were; `fields` names what differs."""

    product: str
    fields: tuple[str, ...]


class ProductStatusReported(Event, frozen=True):
    """What the feed says of a product between two listings: "online", or why not. It changes no rule by itself."""

    product: str
    status: str
    message: str
    exchange_at: int


class FundingRatePublished(Event, frozen=True):
    """The rate of the hour that ended at `boundary`, as a fraction of notional. Positive: longs pay shorts."""

    product: str
    boundary: int  # nanoseconds UTC
    rate: Decimal
    exchange_at: int = 0
