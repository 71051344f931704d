"""Money beside the futures account: the spot wallet, and the sweep that is to bring futures cash there.

Spot cash backs futures too, so a move between the two changes what lies where, never what the account is worth. Money
that comes from outside, or goes there, is a transfer in the books: it changes worth and is no profit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from events.ids import derived_id
from events.money import ZERO
from replay.exchange.acts import ActRefused, checked
from replay.exchange.balances import balances_of

if TYPE_CHECKING:
    from replay.exchange.conversions import Conversion
    from replay.exchange.portfolios import Portfolio
    from replay.exchange.venue import Venue


@dataclass(frozen=True, slots=True)
class Sweep:
    """Futures cash that is to become spot cash; None is all that may go."""

    sweep_id: str
    amount: Decimal | None
    due_at: int | None  # the settlement it takes place with


@dataclass(slots=True)
class Treasury:
    """`spot` is USD in the spot wallet; there is one sweep at most."""

    spot: Decimal
    sweep: Sweep | None = None
    sweeps: int = 0
    usdc: Decimal = ZERO
    portfolios: dict[str, Portfolio] = field(default_factory=dict)  # besides the one that trades
    conversions: dict[str, Conversion] = field(default_factory=dict)
    allocated: dict[str, Decimal] = field(default_factory=dict)  # collateral by symbol
    takes_other_assets: bool = False


def deposit(venue: Venue, amount: Decimal) -> None:
    """Money arrives from outside; at the international venue as collateral."""
    venue.books.transfers += checked(amount)
    if not venue.is_international:
        venue.treasury.spot += amount


def withdraw(venue: Venue, amount: Decimal) -> None:
    """Money leaves, as far as it backs nothing. Raises `ActRefused`."""
    if checked(amount) > withdrawable(venue):
        raise ActRefused(f"only {withdrawable(venue):f} may be withdrawn")
    venue.books.transfers -= amount
    if not venue.is_international:
        venue.treasury.spot -= amount


def withdrawable(venue: Venue) -> Decimal:
    """What may leave the account: the spot wallet, or the collateral, as far as it backs nothing."""
    held = balances_of(venue)
    free = held.present.buying_power - max(ZERO, held.unrealized) - sum(venue.treasury.allocated.values(), ZERO)
    free = max(ZERO, free)
    return free if venue.is_international else min(free, venue.treasury.spot)


def to_futures(venue: Venue, amount: Decimal) -> None:
    """Spot cash becomes futures cash. Raises `ActRefused`."""
    _has_futures(venue)
    if checked(amount) > venue.treasury.spot:
        raise ActRefused(f"only {venue.treasury.spot:f} are in the spot wallet")
    venue.treasury.spot -= amount


def to_spot(venue: Venue, amount: Decimal) -> None:
    """Futures cash becomes spot cash at once. Raises `ActRefused`."""
    _has_futures(venue)
    if checked(amount) > sweepable(venue):
        raise ActRefused(f"only {sweepable(venue):f} may leave the futures account")
    venue.treasury.spot += amount


def sweepable(venue: Venue) -> Decimal:
    """Futures cash that neither a loss since the settlement nor the margin of position and orders needs."""
    held = balances_of(venue)
    return max(ZERO, held.futures + min(ZERO, held.unrealized) - held.present.initial - held.present.hold)


def schedule_sweep(venue: Venue, amount: Decimal | None) -> None:
    """Put a sweep down for the next settlement. Raises `ActRefused`."""
    _has_futures(venue)
    treasury = venue.treasury
    if treasury.sweep is not None:
        raise ActRefused("a sweep is pending already")
    if amount is not None and checked(amount) > sweepable(venue):
        raise ActRefused("insufficient funds for the sweep")
    treasury.sweeps += 1
    treasury.sweep = Sweep(derived_id("exchange", "sweep", treasury.sweeps), amount, venue.next_settlement)


def cancel_sweep(venue: Venue) -> None:
    """Raises `ActRefused` when none is pending."""
    if venue.treasury.sweep is None:
        raise ActRefused("no sweep is pending")
    venue.treasury.sweep = None


def sweep(venue: Venue) -> None:
    """Carry out the sweep that is pending, if any: as much of it as may go by now."""
    pending = venue.treasury.sweep
    if pending is not None:
        most = sweepable(venue)
        venue.treasury.spot += most if pending.amount is None else min(most, pending.amount)
        venue.treasury.sweep = None


def allocate(venue: Venue, symbol: str, amount: Decimal, currency: str) -> None:
    """Set collateral aside for a position, in place of what was; it is not withdrawn then. Raises `ActRefused`."""
    _is_international(venue)
    if symbol != venue.product.exchange_id or currency != venue.product.quote_currency:
        raise ActRefused(f"{symbol} in {currency} is not held here")
    if checked(amount) > withdrawable(venue) + venue.treasury.allocated.get(symbol, ZERO):
        raise ActRefused("insufficient funds")
    venue.treasury.allocated[symbol] = amount


def pledge(venue: Venue, *, enabled: bool) -> None:
    """Whether other assets may be collateral; there are none here. Raises `ActRefused`."""
    _is_international(venue)
    venue.treasury.takes_other_assets = enabled


def _is_international(venue: Venue) -> None:
    if not venue.is_international:
        raise ActRefused("this account is no international one")


def _has_futures(venue: Venue) -> None:
    if venue.is_international:
        raise ActRefused("this account has no US futures")
