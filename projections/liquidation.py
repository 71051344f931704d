"""How far the market is from liquidating the account."""

from __future__ import annotations

from decimal import Decimal

from events.money import ZERO, quotient
from events.terms import Side
from projections.account import Account
from projections.notional import notional


def liquidation_buffer(account: Account, *, at: int) -> Decimal | None:
    """The adverse move of all marks, as a fraction, that brings equity down to maintenance margin (trading rules A2).

    (equity − maintenance) / gross notional: with equity 10,000 and a long of 40,000 at a maintenance rate of 5 % it
    is (10,000 − 2,000) / 40,000 = 20 %. None while nothing is held, or while equity is unknown.
    """
    gross = maintenance = ZERO
    for position in account.portfolio.positions.open():
        rules, price = account.catalog.rules(position.product), account.portfolio.marks.price(position.product)
        if rules is None or position.contract_size is None or price is None:
            return None
        worth = notional(abs(position.qty), contract_size=position.contract_size, price=price)
        side = Side.BUY if position.qty > 0 else Side.SELL
        gross += worth
        maintenance += worth * account.limits.maintenance_rate(rules, side, at=at)
    equity = account.portfolio.equity()
    return None if not gross or equity is None else quotient(equity - maintenance, gross, places=8)
