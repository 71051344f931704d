"""Carrying out an act: which noun of the exchange it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from replay.exchange import corrections, treasury
from replay.exchange.acts import (
    AnyAct,
    CancelSweep,
    Condition,
    Correct,
    Deposit,
    EndMaintenance,
    Liquidate,
    Maintain,
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
            venue.liquidate(act.size)
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
        case _:
            assert_never(act)
