"""The seed's funding calculator: each boundary that passed with a position is accrued once, as the ledger would."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

from events.catalog import FundingRatePublished, ProductListed
from events.market import MarkUpdated
from events.money import EXACT, ONE, ZERO
from events.terms import NANOSECONDS, MarkSource
from projections.boundaries import Boundaries

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FundingCalculator:
    """Positive rate: longs pay shorts. Amounts are signed: above zero we receive.

    What was held, and the mark, count as of the call before the boundary; a rate counts for the boundary it names,
    and for later ones until another is known.
    """

    def __init__(self, *, interval_s: int = 3_600) -> None:
        """`interval_s` is the time between boundaries, which are its multiples in UTC."""
        self._interval_s = interval_s
        self._by_symbol: dict[str, Boundaries] = {}
        self._warned: set[str] = set()

    def accrue_if_due(
        self,
        symbol: str,
        position_size: Decimal,
        position_side: str,
        mark_price: Decimal | None,
        funding_rate: Decimal | None,
        next_funding_time: datetime | int | None,
        now: datetime | int,
        *,
        opened_at: datetime | int | None = None,
        contract_size: Decimal = ONE,
    ) -> Decimal:
        """What the boundaries since the call before bring, up to and including `now`; zero when none passed.

        `opened_at` is when a position that is shown for the first time was opened; boundaries from then on count.
        Times are aware or in nanoseconds UTC. Raises `ValueError` for a naive one, or one before the last call.
        """
        at = _nanoseconds(now)
        signed = abs(position_size) * (-1 if position_side.lower() == "short" else 1)
        with localcontext(EXACT):
            boundaries = self._by_symbol.get(symbol)
            if boundaries is None:
                since = at if opened_at is None else min(_nanoseconds(opened_at), at)
                boundaries = self._by_symbol[symbol] = self._begin(symbol, contract_size, since)
                self._show(boundaries, symbol, signed, mark_price, since)
            if boundaries.last_at > at:
                raise ValueError(f"{symbol}: {now} is before the last boundary that was accrued")
            self._take_rate(boundaries, symbol, funding_rate, next_funding_time, at)
            boundaries.pass_to(at + 1, at)
            amount = self._accrue(boundaries, symbol)
            self._show(boundaries, symbol, signed, mark_price, at)
        return amount

    def _begin(self, symbol: str, contract_size: Decimal, at: int) -> Boundaries:
        boundaries = Boundaries()
        rules = ProductListed(
            product=symbol,
            exchange_id=symbol,
            venue="",
            contract_size=contract_size,
            price_increment=ONE,
            size_increment=ONE,
            min_size=ONE,
            funding_interval_s=self._interval_s,
        )
        boundaries.list_product(rules, at)
        return boundaries

    def _take_rate(
        self, boundaries: Boundaries, symbol: str, rate: Decimal | None, due: datetime | int | None, at: int
    ) -> None:
        if rate is None or due is None:
            if symbol not in self._warned:
                self._warned.add(symbol)
                log.warning("%s: no funding rate or no time of it; its hours count at the last rate known", symbol)
            return
        self._warned.discard(symbol)
        boundary = _nanoseconds(due)
        boundary -= boundary % (self._interval_s * NANOSECONDS)
        boundaries.take_rate(FundingRatePublished(product=symbol, boundary=boundary, rate=rate, exchange_at=at))

    def _accrue(self, boundaries: Boundaries, symbol: str) -> Decimal:
        amount = ZERO
        for boundary in list(boundaries.waiting):
            if boundary.mark is None and boundary.qty:
                log.warning("%s: no mark was known at a boundary; nothing is accrued for it", symbol)
            amount += boundary.amount(boundaries.last_rate if boundary.rate is None else boundary.rate)
            boundaries.settle(boundary)
        return amount

    def _show(self, boundaries: Boundaries, symbol: str, signed: Decimal, mark: Decimal | None, at: int) -> None:
        """What is held from now on, and at which mark."""
        boundaries.qty = signed
        if mark is not None:
            boundaries.mark = MarkUpdated(product=symbol, price=mark, source=MarkSource.EXCHANGE, exchange_at=at)
            boundaries.is_mark_fresh = True


def _nanoseconds(time: datetime | int) -> int:
    if isinstance(time, int):
        return time
    if time.tzinfo is None:
        raise ValueError(f"{time} has no time zone; give UTC")
    return (time - _EPOCH) // timedelta(microseconds=1) * 1_000
