"""What the account is worth and what is bound: the figures of the exchange's balance summary.

Liquidation is due when what is available falls to the threshold, the maintenance margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from events.money import ZERO, quotient
from events.terms import MarginWindow
from replay.exchange.margin import maintenance

if TYPE_CHECKING:
    from replay.exchange.venue import Venue

#: The buffer shown where nothing is at risk; shown percentages end here.
_FULL_BUFFER = Decimal(1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Margin by the rates of one window."""

    window: MarginWindow
    initial: Decimal
    maintenance: Decimal
    hold: Decimal  # of open orders, above the position's own margin, fees included
    buffer_percent: Decimal  # (available - maintenance) / maintenance
    buying_power: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """The summary. `futures + spot + unrealized` is the equity without the accrued funding."""

    spot: Decimal
    futures: Decimal
    unrealized: Decimal  # since the last settlement
    day_realized: Decimal
    available: Decimal
    present: Measure  # by the window that binds the account now
    intraday: Measure
    overnight: Measure

    @property
    def total(self) -> Decimal:
        return self.spot + self.futures


def balances_of(venue: Venue) -> Balances:
    """The account as it stands at the venue's present time."""
    spot = venue.treasury.spot
    window, _ = venue.window
    return Balances(
        spot=spot,
        futures=venue.books.cash - spot,
        unrealized=venue.books.day_unrealized(venue.marks()),
        day_realized=venue.books.day_realized,
        available=venue.available(),
        present=_measure(venue, window),
        intraday=_measure(venue, MarginWindow.INTRADAY),
        overnight=_measure(venue, MarginWindow.OVERNIGHT),
    )


def _measure(venue: Venue, window: MarginWindow) -> Measure:
    mark, available = venue.mark() or ZERO, venue.available()
    orders, held = venue.open_interest(), venue.holding.qty
    initial = venue.rates.initial(window, held, mark)
    fees = sum((venue.fee(order.leaves, max(mark, order.price), is_maker=False) for order in orders), ZERO)
    hold = venue.rates.worst(window, held, mark, orders) - initial + fees
    threshold = maintenance(initial)
    return Measure(
        window=window,
        initial=initial,
        maintenance=threshold,
        hold=hold,
        buffer_percent=_buffer(available, threshold),
        buying_power=max(ZERO, available - initial - hold),
    )


def _buffer(available: Decimal, threshold: Decimal) -> Decimal:
    if not threshold:
        return _FULL_BUFFER
    return min(_FULL_BUFFER, quotient((available - threshold) * 100, threshold, places=2))
