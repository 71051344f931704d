"""The catalog: remembers the rules of every product, and says when the exchange has changed them."""

from __future__ import annotations

from collections.abc import Sequence

from events.catalog import ProductChanged, ProductListed
from events.event import Event
from events.record import Record
from projections.catalog import Catalog


class CatalogBehaviour:
    """Says `ProductChanged`, with the fields that differ, when a product is listed by other rules than before."""

    name = "catalog"
    hears: frozenset[type[Event]] = Catalog.hears | {ProductChanged}
    answers: frozenset[type[Event]] = frozenset({ProductListed})

    def __init__(self) -> None:
        self.state = Catalog()

    def fold(self, record: Record) -> None:
        self.state.fold(record)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:  # noqa: ARG002
        event = record.event
        if not isinstance(event, ProductListed):
            return ()
        fields = self.state.changed_fields(event.product)
        return (ProductChanged(product=event.product, fields=fields),) if fields else ()
