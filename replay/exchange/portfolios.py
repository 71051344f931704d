"""The portfolios of the account's owner. Keys are bound to the first; the others hold cash and do not trade."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from events.ids import derived_id
from events.money import ZERO
from replay.exchange import treasury
from replay.exchange.acts import ActRefused, checked

if TYPE_CHECKING:
    from replay.exchange.acts import MoveFunds
    from replay.exchange.venue import Venue

#: The portfolio that trades.
PORTFOLIO = derived_id("exchange", "portfolio", 1)

_LONGEST_NAME = 100


@dataclass(slots=True)
class Portfolio:
    """One of the others; `cash` is in the account's currency."""

    uuid: str
    name: str
    cash: Decimal = ZERO
    is_deleted: bool = False


def create(venue: Venue, name: str) -> None:
    """Raises `ActRefused` for a name that is none, or taken."""
    _check_name(venue, name)
    others = venue.treasury.portfolios
    uuid = derived_id("exchange", "portfolio", len(others) + 2)
    others[uuid] = Portfolio(uuid, name)


def rename(venue: Venue, uuid: str, name: str) -> None:
    """Raises `ActRefused`; the first cannot be renamed."""
    _check_name(venue, name)
    _other(venue, uuid).name = name


def delete(venue: Venue, uuid: str) -> None:
    """Only an empty one. Raises `ActRefused`."""
    found = _other(venue, uuid)
    if found.cash:
        raise ActRefused("portfolio is not empty")
    found.is_deleted = True


def move_funds(venue: Venue, told: MoveFunds) -> None:
    """Cash goes from one portfolio to another; what leaves or reaches the first is a transfer. Raises `ActRefused`."""
    if told.currency != venue.product.quote_currency:
        raise ActRefused(f"currency must be {venue.product.quote_currency}")
    if told.source == told.target:
        raise ActRefused("source and target are the same portfolio")
    amount = checked(told.amount)
    source = None if told.source == PORTFOLIO else _other(venue, told.source)
    target = None if told.target == PORTFOLIO else _other(venue, told.target)
    if source is None:
        treasury.withdraw(venue, amount)
    elif amount > source.cash:
        raise ActRefused("insufficient funds in the source portfolio")
    else:
        source.cash -= amount
    if target is None:
        treasury.deposit(venue, amount)
    else:
        target.cash += amount


def _other(venue: Venue, uuid: str) -> Portfolio:
    found = venue.treasury.portfolios.get(uuid)
    if uuid == PORTFOLIO:
        raise ActRefused("the default portfolio stays as it is")
    if found is None or found.is_deleted:
        raise ActRefused("portfolio not found")
    return found


def _check_name(venue: Venue, name: str) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME:
        raise ActRefused(f"name must have from 1 to {_LONGEST_NAME} characters")
    if any(one.name == name and not one.is_deleted for one in venue.treasury.portfolios.values()):
        raise ActRefused(f"a portfolio {name} exists already")
