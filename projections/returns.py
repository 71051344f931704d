"""Returns of the sampled marks, and what they say: how much a product moves in a year, how much products move as one.

    volatility = stdev(ln(mark / mark before)) x sqrt(seconds in 365 days / seconds between samples)     (A22)

A stdev of 0.0002 a minute is 0.145 a year. Logarithms and roots never end, so both are taken under a context of their
own with fixed precision and rounded by name: the same marks give the same digits on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from typing import NamedTuple

import msgspec

from events.money import ONE, ZERO, quotient, rounded

#: Returns kept of a product, whatever a window asks for: the state is a function of the log alone.
RETURNS_KEPT = 240
YEAR_S = 365 * 86_400
_PLACES = 12
_SHOWN_PLACES = 6
_INEXACT = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


class Returns(msgspec.Struct, kw_only=True):
    """The logarithmic returns of one product, oldest first, without a gap. `mark` is that of the latest sample."""

    mark: Decimal | None = None
    returns: list[Decimal] = msgspec.field(default_factory=list)

    def sample(self, mark: Decimal | None) -> None:
        """Take the mark of a sample; without one (a gap) the window starts anew."""
        if mark is None or mark <= ZERO:
            self.lose()
            return
        if self.mark is not None:
            self.returns.append(log_return(self.mark, mark))
            del self.returns[:-RETURNS_KEPT]
        self.mark = mark

    def lose(self) -> None:
        self.mark = None
        self.returns.clear()

    def volatility(self, periods: int, *, interval_s: int) -> Decimal | None:
        """A year's, over the last `periods` returns; None while there are fewer."""
        return volatility(self.returns[-periods:], interval_s=interval_s) if len(self.returns) >= periods else None


class Concentration(NamedTuple):
    """How much of one thing the positions are: 1 when all move as one, 1 / n for n equal ones that do not.

    `assumed` names the pairs whose correlation is unknown and was taken at its worst.
    """

    amount: Decimal
    assumed: tuple[str, ...]


def log_return(before: Decimal, now: Decimal) -> Decimal:
    """ln(now / before), to 12 decimals."""
    return rounded(_INEXACT.ln(_INEXACT.divide(now, before)), places=_PLACES)


def volatility(returns: Sequence[Decimal], *, interval_s: int) -> Decimal:
    """The yearly standard deviation of returns one `interval_s` apart, to 6 decimals. At least two are needed."""
    squares = _deviations(returns, returns)
    variance = _INEXACT.divide(squares, Decimal(len(returns) * (len(returns) - 1)))
    yearly = _INEXACT.multiply(_INEXACT.sqrt(variance), _a_year(interval_s))
    return rounded(yearly, places=_SHOWN_PLACES)


def correlation(ours: Sequence[Decimal], theirs: Sequence[Decimal]) -> Decimal | None:
    """The correlation of the returns that both have last, from -1 to 1, to 6 decimals; None where it has no meaning."""
    count = min(len(ours), len(theirs))
    if count < 2:
        return None
    ours, theirs = ours[-count:], theirs[-count:]
    product = _INEXACT.multiply(_deviations(ours, ours), _deviations(theirs, theirs))
    if not product:
        return None
    found = rounded(_INEXACT.divide(_deviations(ours, theirs), _INEXACT.sqrt(product)), places=_SHOWN_PLACES)
    return max(-ONE, min(ONE, found))


def concentration(
    notionals: Mapping[str, Decimal], returns: Mapping[str, Sequence[Decimal]], *, periods: int
) -> Concentration | None:
    """The sum over all pairs of weight x weight x correlation, weights being signed shares of gross notional.

    `notionals` are signed: long 6,000 of one and 4,000 of another that moves with it give 1; short 4,000 gives 0.04.
    None with fewer than two positions. An unknown correlation counts as the worst there is.
    """
    held = {product: worth for product, worth in notionals.items() if worth}
    if len(held) < 2:
        return None
    names, assumed, total = list(held), [], ZERO
    for place, one in enumerate(names):
        total += held[one] * held[one]
        for other in names[place + 1 :]:
            ours, theirs = returns.get(one, ())[-periods:], returns.get(other, ())[-periods:]
            enough = min(len(ours), len(theirs)) >= periods
            known = correlation(ours, theirs) if enough else None
            both = held[one] * held[other]
            if known is None:
                assumed.append(f"{one}/{other}")
                total += 2 * abs(both)
            else:
                total += 2 * both * known
    gross = sum(map(abs, held.values()), ZERO)
    return Concentration(quotient(total, gross * gross, places=_SHOWN_PLACES), tuple(assumed))


def _deviations(ours: Sequence[Decimal], theirs: Sequence[Decimal]) -> Decimal:
    """n x the sum of (our return - our mean) x (their return - their mean), exact."""
    count = len(ours)
    products = sum((a * b for a, b in zip(ours, theirs, strict=True)), ZERO)
    return count * products - sum(ours, ZERO) * sum(theirs, ZERO)


@lru_cache(maxsize=16)
def _a_year(interval_s: int) -> Decimal:
    return _INEXACT.sqrt(_INEXACT.divide(Decimal(YEAR_S), Decimal(interval_s)))
