"""The seed's mark cache: a price as long as it may be traded on, and nothing otherwise."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from decimal import Decimal

from events.market import MarkUpdated
from events.record import Record
from events.terms import NANOSECONDS, MarkSource
from projections.marks import Marks

log = logging.getLogger(__name__)


class MarkCache:
    """Marks by symbol. Alone it is filled by `set_mark`; over the marks of a log it shows what the log says."""

    def __init__(
        self,
        ttl_seconds: int | None = 30,
        *,
        marks: Marks | None = None,
        clock: Callable[[], int] = time.time_ns,
        product_of: Callable[[str], str] = str,
    ) -> None:
        """`clock` gives nanoseconds UTC. `ttl_seconds` None: as old as it may be, unless the log calls it stale."""
        self._ttl_seconds = ttl_seconds
        self._marks = Marks() if marks is None else marks
        self._clock = clock
        self._product_of = product_of
        self._warned: set[str] = set()

    def set_mark(self, symbol: str, price: Decimal, at: int | None = None) -> None:
        """A mark was seen, at `at` in nanoseconds UTC, or now. One older than the last changes nothing."""
        product, seen_at = self._product_of(symbol), self._clock() if at is None else at
        last = self._marks.last(product)
        if not price.is_finite() or price <= 0:
            raise ValueError(f"a mark of {price} for {symbol}")
        if last is None or last.exchange_at <= seen_at:
            mark = MarkUpdated(product=product, price=price, source=MarkSource.EXCHANGE, exchange_at=seen_at)
            self._marks.fold(Record(seq=1, at=seen_at, by="cache", event=mark))

    def get_mark(self, symbol: str) -> Decimal | None:
        """The price; None when there was none yet, or it may not be traded on any more. Warns once a spell."""
        product = self._product_of(symbol)
        mark, ttl = self._marks.mark(product), self._ttl_seconds
        if mark is not None and (ttl is None or self._clock() - mark.exchange_at <= ttl * NANOSECONDS):
            self._warned.discard(product)
            return mark.price
        if self._marks.last(product) is not None and product not in self._warned:
            self._warned.add(product)
            log.warning("the mark of %s is stale", symbol)
        return None
