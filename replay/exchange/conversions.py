"""Conversions between USD and USDC, one to one and free: quoted first, then committed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from events.ids import derived_id
from replay.exchange import treasury
from replay.exchange.acts import ActRefused, checked

if TYPE_CHECKING:
    from replay.exchange.venue import Venue

#: The wallets that can be converted between, by currency.
WALLETS = {"USD": derived_id("exchange", "account", 1), "USDC": derived_id("exchange", "account", 2)}


@dataclass(slots=True)
class Conversion:
    """A quote, and once committed a trade."""

    trade_id: str
    source: str  # currency
    target: str
    amount: Decimal
    is_done: bool = False


def quote(venue: Venue, source: str, target: str, amount: Decimal) -> None:
    """Reserves nothing. Raises `ActRefused`."""
    if venue.is_international:
        raise ActRefused("this account has no wallets to convert between")
    names = (currency_of(source), currency_of(target))
    if names[0] == names[1]:
        raise ActRefused("source and target are the same")
    _check_funds(venue, names[0], checked(amount))
    made = venue.treasury.conversions
    trade_id = derived_id("exchange", "conversion", len(made) + 1)
    made[trade_id] = Conversion(trade_id, *names, amount)


def commit(venue: Venue, trade_id: str, source: str, target: str) -> None:
    """Carry a quote out, once. Raises `ActRefused`."""
    found = venue.treasury.conversions.get(trade_id)
    if found is None or (currency_of(source), currency_of(target)) != (found.source, found.target):
        raise ActRefused("trade not found")
    if found.is_done:
        raise ActRefused("trade was committed already")
    _check_funds(venue, found.source, found.amount)
    found.is_done = True
    if found.source == "USD":
        treasury.withdraw(venue, found.amount)
        venue.treasury.usdc += found.amount
    else:
        venue.treasury.usdc -= found.amount
        treasury.deposit(venue, found.amount)


def currency_of(account: str) -> str:
    """The currency of a wallet, named by it or by the wallet's id. Raises `ActRefused`."""
    for currency, uuid in WALLETS.items():
        if account in (currency, uuid):
            return currency
    raise ActRefused("account is not available")


def _check_funds(venue: Venue, currency: str, amount: Decimal) -> None:
    held = treasury.withdrawable(venue) if currency == "USD" else venue.treasury.usdc
    if amount > held:
        raise ActRefused("insufficient funds")
