"""How a position is left: step by step, reaching further each time, until it is flat (trading rules A13).

A step is a limit IOC at a band around the mark, or around the last price where the mark is stale. A step that filled
something is followed at once by the next; one that did not, after a pause that doubles. From the fifth step on every
other one asks the exchange itself to close the position.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from events.orders import OrderProposed
from events.terms import NANOSECONDS, OrderKind, Side
from projections.account import Account
from projections.pricing import exit_band_bps, guard_price

_LONGEST_PAUSE_S = 30
_CLOSE_FROM_STEP = 4
#: Without a fresh mark the market may have gone: the band starts this many steps wider.
_BLIND_STEPS = 2


class Exit(msgspec.Struct, kw_only=True):
    """A position that is wanted flat: why, how many steps were taken in vain, and when the next one is due (ns)."""

    reason: str
    step: int = 0
    next_at: int = 0

    def took_step(self, at: int) -> None:
        self.next_at = at + min(2**self.step, _LONGEST_PAUSE_S) * NANOSECONDS
        self.step += 1

    def got_filled(self) -> None:
        """What trades needs no wider band and no pause."""
        self.step, self.next_at = min(self.step, 1), 0


class StepOrder(NamedTuple):
    """How the next step leaves. `limit_price` is None where the exchange closes the position itself."""

    kind: OrderKind
    limit_price: Decimal | None


def step_order(
    step: int,
    *,
    side: Side,
    price: Decimal | None,
    is_fresh: bool,
    guard_bps: Decimal,
    increment: Decimal,
    may_close: bool = True,
) -> StepOrder:
    """The order of a step, counted from 0. `price` is the mark or the last known price; None: there never was one.

    Not `may_close`: the exchange is never asked to close the position, which is not all ours to close.
    """
    if may_close and (price is None or (step >= _CLOSE_FROM_STEP and step % 2 == 0)):
        return StepOrder(OrderKind.CLOSE_POSITION, None)
    if price is None:
        return StepOrder(OrderKind.LIMIT_IOC, None)
    band = exit_band_bps(guard_bps, step=step if is_fresh else step + _BLIND_STEPS)
    return StepOrder(OrderKind.LIMIT_IOC, guard_price(side, price, band_bps=band, increment=increment))


def step_proposal(
    account: Account,
    product: str,
    step: int,
    *,
    proposal: str,
    strategy: str,
    reason: str,
    at: int,
    own: Decimal | None = None,
) -> OrderProposed | None:
    """The next order out of a position; None when there is none, or the product is not listed.

    `own` is a strategy's part of it, signed, where it shares the product. Leaving a part that the account's position
    does not contain increases on the other side: risk splits such an order, so it reaches no further than an entry
    may, and nobody closes the account's position.
    """
    held, rules = account.held(product), account.catalog.rules(product)
    is_contained = own is None or (own * held > 0 and abs(own) <= abs(held))
    held = held if own is None else own
    if not held or rules is None:
        return None
    marks = account.portfolio.marks
    side = Side.SELL if held > 0 else Side.BUY
    kind, limit_price = step_order(
        step if is_contained else 0,
        side=side,
        price=marks.price(product),
        is_fresh=marks.mark(product) is not None,
        guard_bps=account.limits.limits.slippage_guard_bps,
        increment=rules.price_increment,
        may_close=own is None,
    )
    if kind is OrderKind.LIMIT_IOC and limit_price is None:
        return None
    return OrderProposed(
        proposal=proposal,
        strategy=strategy,
        product=product,
        side=side,
        qty=abs(held),
        kind=kind,
        limit_price=limit_price,
        reduce_only=is_contained,
        as_of=at,
        reason=reason,
        mark=marks.price(product),
    )
