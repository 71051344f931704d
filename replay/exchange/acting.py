"""Carrying out an act: which noun of the exchange it concerns."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

from events.money import on_grid
from replay.exchange import conversions, corrections, portfolios, treasury
from replay.exchange.acts import (
    ActRefused,
    Allocate,
    AnyAct,
    CancelAll,
    CancelSweep,
    CommitConversion,
    Condition,
    Correct,
    CreatePortfolio,
    DeletePortfolio,
    Deposit,
    EndMaintenance,
    Liquidate,
    Maintain,
    MoveFunds,
    PledgeAssets,
    QuoteConversion,
    RenamePortfolio,
    ScheduleSweep,
    SetMargin,
    Settle,
    ToFutures,
    ToSpot,
    Withdraw,
)

if TYPE_CHECKING:
    from replay.exchange.venue import Venue


def carry_out(venue: Venue, act: AnyAct) -> None:
    """Do it at the venue's present. Raises `ActRefused`; then nothing changed."""
    match act:
        case Deposit():
            treasury.deposit(venue, act.amount)
        case Withdraw():
            treasury.withdraw(venue, act.amount)
        case ToFutures():
            treasury.to_futures(venue, act.amount)
        case ToSpot():
            treasury.to_spot(venue, act.amount)
        case ScheduleSweep():
            treasury.schedule_sweep(venue, act.amount)
        case CancelSweep():
            treasury.cancel_sweep(venue)
        case Settle():
            venue.settle()
        case Liquidate():
            venue.liquidate(_size(venue, act.size))
        case CancelAll():
            venue.floor.cancel_all("Cancelled by the exchange")
        case Maintain():
            venue.conditions.announce(act, now=venue.now)
        case EndMaintenance():
            venue.conditions.maintenance = None
        case Condition():
            venue.conditions.take(act)
            venue.relist()
        case Correct():
            corrections.correct(venue, act.entry_id, act.price)
        case SetMargin():
            venue.intraday_margin = act.intraday
        case CreatePortfolio():
            portfolios.create(venue, act.name)
        case RenamePortfolio():
            portfolios.rename(venue, act.uuid, act.name)
        case DeletePortfolio():
            portfolios.delete(venue, act.uuid)
        case MoveFunds():
            portfolios.move_funds(venue, act)
        case QuoteConversion():
            conversions.quote(venue, act.source, act.target, act.amount)
        case CommitConversion():
            conversions.commit(venue, act.trade_id, act.source, act.target)
        case Allocate():
            treasury.allocate(venue, act.symbol, act.amount, act.currency)
        case PledgeAssets():
            treasury.pledge(venue, enabled=act.enabled)
        case _:
            assert_never(act)


def _size(venue: Venue, size: Decimal | None) -> Decimal | None:
    """A size that can be traded; None is all of it. Raises `ActRefused`."""
    if size is not None and not (size.is_finite() and size > 0 and on_grid(size, venue.product.size_increment)):
        raise ActRefused(f"size must be a multiple of {venue.product.size_increment:f}")
    return size
