"""Orders in every configuration the exchange knows (protocol sheet 3.6.1), typed on the way out and on the way in.

Sizes and prices are `Decimal`, times nanoseconds UTC. There is no stop that becomes a market order and no trailing
stop; limit IOC is `sor_limit_ioc`. Which of these a product takes, its venue says: TWAP and scaled are for spot.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, TypeAlias

import msgspec

from actors.connection.amounts import Amount, Instant, Text, decimal_text, rfc3339
from actors.connection.client.reading import Reply
from actors.connection.errors import InvalidOrder

#: The one key of an order's configuration with its fields, as the exchange reads them.
Written: TypeAlias = dict[str, dict[str, str | bool | int]]

_TIMES = frozenset({"start_time", "end_time"})


class StopDirection(StrEnum):
    """UP triggers when a trade prints at the stop price or above, DOWN at or below."""

    UP = "STOP_DIRECTION_STOP_UP"
    DOWN = "STOP_DIRECTION_STOP_DOWN"


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """How an order is to be carried out. `key` is the exchange's name for it."""

    key: ClassVar[str] = ""

    def written(self, *, is_attached: bool = False) -> Written:
        """As the exchange reads it. Raises `InvalidOrder` for a size or price that is none.

        `is_attached`: hung onto another order, whose size it takes.

        >>> LimitGtc(base_size=Decimal("3.0"), limit_price=Decimal(68925), post_only=True).written()
        {'limit_limit_gtc': {'base_size': '3', 'limit_price': '68925', 'post_only': True}}
        """
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        for name, value in fields.items():
            if isinstance(value, Decimal) and not (value.is_finite() and value > 0):
                raise InvalidOrder(f"{self.key}: {name} is {value}, not above zero", code="INVALID_CONFIGURATION")
        sizes = [name for name in ("base_size", "quote_size") if fields.get(name) is not None]
        if len(sizes) != (0 if is_attached else 1):
            wanted = "no size of its own" if is_attached else "one size"
            given = " and ".join(sizes) or "none"
            raise InvalidOrder(f"{self.key}: wanted is {wanted}, given {given}", code="INVALID_CONFIGURATION")
        return {self.key: {name: _written(name, value) for name, value in fields.items() if value is not None}}


def _written(name: str, value: object) -> str | bool | int:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if name in _TIMES and isinstance(value, int):
        return rfc3339(value)
    assert isinstance(value, (str, bool, int)), f"{name} is a {type(value).__name__}"
    return value


class MarketIoc(Configuration, frozen=True, kw_only=True):
    """At the market; what is not filled at once is cancelled. A `quote_size` is for spot buys."""

    key = "market_market_ioc"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    rfq_disabled: bool | None = None


class MarketFok(Configuration, frozen=True, kw_only=True):
    """At the market, all or nothing; futures only."""

    key = "market_market_fok"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None


class LimitIoc(Configuration, frozen=True, kw_only=True):
    """At the limit or better; what is not filled at once is cancelled."""

    key = "sor_limit_ioc"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    limit_price: Decimal
    rfq_disabled: bool | None = None


class LimitGtc(Configuration, frozen=True, kw_only=True):
    """At the limit or better, until cancelled. `post_only`: refused if it would cross."""

    key = "limit_limit_gtc"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    limit_price: Decimal
    post_only: bool = False
    rfq_disabled: bool | None = None


class LimitGtd(Configuration, frozen=True, kw_only=True):
    """At the limit or better, until `end_time`."""

    key = "limit_limit_gtd"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    limit_price: Decimal
    end_time: int
    post_only: bool = False


class LimitFok(Configuration, frozen=True, kw_only=True):
    """At the limit or better, all or nothing."""

    key = "limit_limit_fok"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    limit_price: Decimal


class StopLimitGtc(Configuration, frozen=True, kw_only=True):
    """A limit order from the moment that a trade prints at the stop price or beyond."""

    key = "stop_limit_stop_limit_gtc"
    base_size: Decimal
    limit_price: Decimal
    stop_price: Decimal
    stop_direction: StopDirection


class StopLimitGtd(Configuration, frozen=True, kw_only=True):
    """As `StopLimitGtc`, until `end_time`."""

    key = "stop_limit_stop_limit_gtd"
    base_size: Decimal
    limit_price: Decimal
    stop_price: Decimal
    stop_direction: StopDirection
    end_time: int


class BracketGtc(Configuration, frozen=True, kw_only=True):
    """Closes a position: profit at `limit_price`, loss at `stop_trigger_price`, as a limit 5 % through it.

    Without `base_size` only where it is attached to another order.
    """

    key = "trigger_bracket_gtc"
    base_size: Decimal | None = None
    limit_price: Decimal
    stop_trigger_price: Decimal


class BracketGtd(Configuration, frozen=True, kw_only=True):
    """As `BracketGtc`, until `end_time`."""

    key = "trigger_bracket_gtd"
    base_size: Decimal | None = None
    limit_price: Decimal
    stop_trigger_price: Decimal
    end_time: int


class TwapGtd(Configuration, frozen=True, kw_only=True):
    """The size in equal parts over a time. `bucket_duration` is a text of seconds, such as "300s"."""

    key = "twap_limit_gtd"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    limit_price: Decimal
    start_time: int
    end_time: int
    number_buckets: Decimal
    bucket_size: Decimal
    bucket_duration: str


class ScaledGtc(Configuration, frozen=True, kw_only=True):
    """The size as a ladder of `num_orders` limits from `min_price` to `max_price`."""

    key = "scaled_limit_gtc"
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    num_orders: int
    min_price: Decimal
    max_price: Decimal
    price_distribution: str
    size_distribution: str
    size_diff: Decimal | None = None
    size_ratio: Decimal | None = None


#: By the exchange's key.
CONFIGURATIONS: dict[str, type[Configuration]] = {
    kind.key: kind
    for kind in (
        MarketIoc,
        MarketFok,
        LimitIoc,
        LimitGtc,
        LimitGtd,
        LimitFok,
        StopLimitGtc,
        StopLimitGtd,
        BracketGtc,
        BracketGtd,
        TwapGtd,
        ScaledGtc,
    )
}


class OrderSize(Reply, frozen=True):
    """The inside of any order configuration, as the exchange tells it."""

    base_size: Amount = None
    quote_size: Amount = None
    limit_price: Amount = None
    stop_price: Amount = None
    stop_trigger_price: Amount = None
    stop_direction: Text = ""
    post_only: bool = False
    rfq_disabled: bool | None = None
    rfq_enabled: bool | None = None
    start_time: Instant = None
    end_time: Instant = None
    number_buckets: Amount = None
    bucket_size: Amount = None
    bucket_duration: Text = ""
    num_orders: Amount = None
    min_price: Amount = None
    max_price: Amount = None
    price_distribution: Text = ""
    size_distribution: Text = ""
    size_diff: Amount = None
    size_ratio: Amount = None


def typed(key: str, size: OrderSize) -> Configuration | None:
    """What the exchange told of an order's configuration, in our words; None where they do not suffice."""
    kind = CONFIGURATIONS.get(key)
    if kind is None:
        return None
    told = {name: getattr(size, name) for name in kind.__struct_fields__}
    if size.num_orders is not None and "num_orders" in told:
        told["num_orders"] = int(size.num_orders)
    try:
        return msgspec.convert({name: value for name, value in told.items() if value is not None}, kind)
    except msgspec.ValidationError:
        return None
