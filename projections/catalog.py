"""What can be traded, under which of our names, by which rules, and at which funding rate it last paid."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from events.catalog import FundingRatePublished, ProductListed
from events.event import Event
from events.record import Record
from events.session import SessionStarted
from projections.notional import as_linear

#: When a listing was read says nothing about the product.
_NOT_A_RULE = frozenset({"exchange_at"})
_RULES = tuple(field for field in ProductListed.__struct_fields__ if field not in _NOT_A_RULE)


_HEARD = frozenset[type[Event]]({SessionStarted, ProductListed, FundingRatePublished})


class Catalog(msgspec.Struct, kw_only=True):
    """The rules of every product ever listed, the latest listing first in force."""

    hears: ClassVar[frozenset[type[Event]]] = _HEARD

    listings: dict[str, ProductListed] = msgspec.field(default_factory=dict)
    replaced: dict[str, ProductListed] = msgspec.field(default_factory=dict)
    rates: dict[str, FundingRatePublished] = msgspec.field(default_factory=dict)
    aliases: dict[str, str] = msgspec.field(default_factory=dict)

    def fold(self, record: Record) -> None:
        event = record.event
        if type(event) not in _HEARD:
            return
        if isinstance(event, FundingRatePublished):
            known = self.rates.get(event.product)
            if known is None or (event.boundary, event.exchange_at) >= (known.boundary, known.exchange_at):
                self.rates[event.product] = event
        elif isinstance(event, ProductListed):
            known_listing = self.listings.get(event.product)
            if known_listing is not None:
                self.replaced[event.product] = known_listing
            self.listings[event.product] = as_linear(event)
            self.aliases[event.exchange_id] = event.product
        elif isinstance(event, SessionStarted):
            for product, setting in event.configuration.products.items():
                self.aliases[setting.exchange_id] = product

    def rules(self, product: str) -> ProductListed | None:
        """The rules in force; None for a product that was never listed."""
        return self.listings.get(product)

    def last_rate(self, product: str) -> FundingRatePublished | None:
        """The rate of the latest boundary that has one."""
        return self.rates.get(product)

    def product_of(self, exchange_id: str) -> str | None:
        """Our id for the exchange's; our own id is taken as well. None when neither is known."""
        return exchange_id if exchange_id in self.listings else self.aliases.get(exchange_id)

    def changed_fields(self, product: str) -> tuple[str, ...]:
        """Which rules the latest listing set to something else than the one before it, in the order of the fields."""
        before, now = self.replaced.get(product), self.listings.get(product)
        if before is None or now is None:
            return ()
        return tuple(field for field in _RULES if getattr(before, field) != getattr(now, field))
