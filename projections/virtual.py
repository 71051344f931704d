"""Whose the account's position is: what each strategy holds, earned and paid of it, and what nobody of ours did.

An order belongs to the strategy that proposed it, and so do its fills and their fees. What no strategy ordered (manual
trades, liquidations, brackets, an operator's flattening, adjustments) first takes away what stands against it: of the
holder "external", then of strategies, the largest first; the rest is held as "external". Its fee is shared by what it
took. Funding of a boundary is shared by |virtual quantity| as of that boundary (trading rules A19).

Every record hands out exactly what the account itself changed by, to the last digit: quantities, fees and funding of
all holders add up to the account's, and so does `cost - realized`, hence the result at any mark. Realized gains alone
need not: of long 2 for one and short 1 for another the account has closed 1 (`projections.attribution` shows it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import msgspec

from events.catalog import ProductListed
from events.event import Event
from events.funding import FundingAccrued, FundingCorrected
from events.money import ZERO
from events.orders import FillCorrected, InternalCrossed, OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.session import SessionStarted
from events.terms import NANOSECONDS, Origin
from projections.portfolio import Portfolio
from projections.positions import Position, share_of

#: Who holds what no strategy ordered.
EXTERNAL = "external"
#: What risk orders by itself, and the bracket that protects a position, belong to no strategy.
NOBODY = frozenset({"", "risk", "protection"})
#: Boundaries for which a late fill can still change the shares: two days of hours.
KEPT_STANDS = 48
#: Adjustments that can still be taken back, the latest.
KEPT_ADJUSTMENTS = 100


class Holding(Position, kw_only=True):
    """One holder's part of a product's position. Funding is signed: above zero it receives."""

    funding: Decimal = ZERO


class Stand(msgspec.Struct, kw_only=True):
    """What everybody held at a boundary, signed, and how its funding is shared so far."""

    boundary: int
    qtys: dict[str, Decimal]
    shares: dict[str, Decimal] = msgspec.field(default_factory=dict)


class Taken(msgspec.Struct, kw_only=True):
    """Which parts of an adjustment went to whom, for the day it is taken back."""

    adjustment: str
    at: int
    parts: list[tuple[str, Decimal]]


class Change(NamedTuple):
    """By how much the account's position changed. `value` is that of `cost - realized`: what was traded for."""

    qty: Decimal
    value: Decimal
    fee: Decimal


class Shared(msgspec.Struct, kw_only=True):
    """One product: its holders, and what of the account has been handed out to them."""

    holders: dict[str, Holding] = msgspec.field(default_factory=dict)
    qty: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    contract_size: Decimal | None = None
    interval_ns: int = 0
    next_at: int = 0  # the next boundary
    stands: list[Stand] = msgspec.field(default_factory=list)

    def own(self, holder: str) -> Holding:
        holding = self.holders.get(holder)
        if holding is None:
            holding = self.holders[holder] = Holding(contract_size=self.contract_size)
        return holding

    def change_of(self, position: Position) -> Change:
        """What the account's position moved by since it was last handed out."""
        value = position.cost - position.realized
        change = Change(position.qty - self.qty, value - self.value, position.fees - self.fees)
        self.qty, self.value, self.fees = position.qty, value, position.fees
        return change

    def pass_to(self, time: int) -> None:
        """Remember who held what at every boundary before `time`."""
        interval = self.interval_ns
        if not interval or self.next_at >= time:
            return
        self.next_at = max(self.next_at, ((time - KEPT_STANDS * interval) // interval) * interval)
        qtys = {holder: holding.qty for holder, holding in self.holders.items() if holding.qty}
        while self.next_at < time:
            self.stands.append(Stand(boundary=self.next_at, qtys=dict(qtys)))
            self.next_at += interval
        del self.stands[:-KEPT_STANDS]

    def trade(self, parts: Sequence[tuple[str, Decimal]], change: Change, *, at: int, noticed_at: int) -> None:
        """Let each holder trade its part of the change, at the change's own price."""
        self.pass_to(min(at, noticed_at + self.interval_ns))
        left = change.value
        for place, (holder, qty) in enumerate(parts):
            is_last = place == len(parts) - 1
            value = left if is_last or not change.qty else share_of(change.value, part=qty, whole=change.qty)
            left -= value
            self.own(holder).trade(qty, value, fee=ZERO, at=at)
            for stand in self.stands:
                if stand.boundary >= at and qty:
                    stand.qtys[holder] = stand.qtys.get(holder, ZERO) + qty

    def charge(self, amounts: Mapping[str, Decimal]) -> None:
        """Fees, by holder."""
        for holder, amount in amounts.items():
            holding = self.own(holder)
            holding.change_fee = amount
            holding.fees += amount

    def fund(self, boundary: int, total: Decimal) -> None:
        """The product's funding came to `total` through this boundary's entry: share the entry anew."""
        self.pass_to(boundary + 1)
        change, self.funding = total - self.funding, total
        stand = next((stand for stand in self.stands if stand.boundary == boundary), None)
        if stand is None:  # too long ago to know who held what
            stand = Stand(boundary=boundary, qtys={name: each.qty for name, each in self.holders.items()})
        before, amount = stand.shares, sum(stand.shares.values(), change)
        stand.shares = split(amount, stand.qtys)
        for holder in sorted({*before, *stand.shares}):
            self.own(holder).funding += stand.shares.get(holder, ZERO) - before.get(holder, ZERO)

    def parts_of_order(self, strategy: str, change: Change, *, is_alone: bool) -> list[tuple[str, Decimal]]:
        """An order is its strategy's. One that has the product to itself also trades what is held externally."""
        if not is_alone:
            return [(strategy, change.qty)]
        return self._taken(change.qty, [strategy, EXTERNAL], rest=strategy)

    def parts_of_others(self, change: Change) -> list[tuple[str, Decimal]]:
        """What nobody of ours ordered takes what stands against it, the largest first, and leaves the rest external."""
        names = sorted(self.holders, key=lambda name: (name != EXTERNAL, -abs(self.holders[name].qty), name))
        return self._taken(change.qty, names, rest=EXTERNAL)

    def _taken(self, delta: Decimal, names: Sequence[str], *, rest: str) -> list[tuple[str, Decimal]]:
        taken: dict[str, Decimal] = {}
        for name in names:
            held = self.own(name).qty if name in self.holders else ZERO
            if held * delta < 0:
                taken[name] = max(delta, -held) if delta < 0 else min(delta, -held)
                delta -= taken[name]
        if delta or not taken:
            taken[rest] = taken.get(rest, ZERO) + delta
        return list(taken.items())


class Virtuals(msgspec.Struct, kw_only=True):
    """All products. Folds a record after the portfolio did."""

    hears: ClassVar[frozenset[type[Event]]] = Portfolio.hears | {InternalCrossed}

    by_product: dict[str, Shared] = msgspec.field(default_factory=dict)
    crowded: list[str] = msgspec.field(default_factory=list)  # products with more than one strategy
    adjusted: list[Taken] = msgspec.field(default_factory=list)  # oldest first

    def fold(self, record: Record, portfolio: Portfolio) -> None:
        """Hand out what the record changed. `portfolio` has folded it already."""
        step = _STEPS.get(type(record.event))
        if step is not None:
            step(self, record, record.event, portfolio)

    def is_shared(self, product: str) -> bool:
        """Whether more than one strategy trades it in this session."""
        return product in self.crowded

    def of(self, product: str, holder: str) -> Holding:
        """One holder's part of a position; a flat one where it never had any."""
        shared = self.by_product.get(product)
        found = None if shared is None else shared.holders.get(holder)
        return found or Holding(product=product)

    def _start(self, _record: Record, event: SessionStarted, _portfolio: Portfolio) -> None:
        products = [setting.product for setting in event.configuration.strategies.values()]
        self.crowded = sorted({product for product in products if products.count(product) > 1})

    def _list(self, record: Record, event: ProductListed, _portfolio: Portfolio) -> None:
        shared = self._own(event.product)
        shared.contract_size = event.contract_size
        for holding in shared.holders.values():
            holding.contract_size = event.contract_size
        interval = (event.funding_interval_s or 0) * NANOSECONDS
        if interval and interval != shared.interval_ns:
            shared.next_at = (record.at // interval + 1) * interval
        shared.interval_ns = interval

    def _fill(self, record: Record, event: OrderFilled, portfolio: Portfolio) -> None:
        shared = self._own(event.product)
        change = shared.change_of(portfolio.positions.of(event.product))
        if event.origin is Origin.OURS and event.strategy not in NOBODY:
            is_alone = event.product not in self.crowded
            parts = shared.parts_of_order(event.strategy, change, is_alone=is_alone)
            shared.trade(parts, change, at=event.exchange_at, noticed_at=record.at)
            shared.charge({event.strategy: change.fee})
        else:
            parts = shared.parts_of_others(change)
            shared.trade(parts, change, at=event.exchange_at, noticed_at=record.at)
            shared.charge(split(change.fee, dict(parts)))

    def _adjust(self, record: Record, event: AdjustmentApplied, portfolio: Portfolio) -> None:
        shared = self._own(event.product)
        change = shared.change_of(portfolio.positions.of(event.product))
        parts = shared.parts_of_others(change)
        shared.trade(parts, change, at=record.at, noticed_at=record.at)
        self.adjusted.append(Taken(adjustment=event.adjustment, at=record.at, parts=parts))
        del self.adjusted[:-KEPT_ADJUSTMENTS]

    def _reverse(self, record: Record, event: AdjustmentReversed, portfolio: Portfolio) -> None:
        shared = self._own(event.product)
        change = shared.change_of(portfolio.positions.of(event.product))
        taken = next((each for each in self.adjusted if each.adjustment == event.adjustment), None)
        self.adjusted = [each for each in self.adjusted if each is not taken]
        back = [] if taken is None else [(holder, -qty) for holder, qty in taken.parts]
        if taken is None or sum((qty for _, qty in back), ZERO) != change.qty:
            back = shared.parts_of_others(change)
        shared.trade(back, change, at=record.at if taken is None else taken.at, noticed_at=record.at)

    def _cross(self, record: Record, event: InternalCrossed, _portfolio: Portfolio) -> None:
        shared = self._own(event.product)
        for holder, sign in ((event.buyer, 1), (event.seller, -1)):
            change = Change(sign * event.qty, sign * event.value, ZERO)
            shared.trade([(holder, change.qty)], change, at=record.at, noticed_at=record.at)

    def _fund(self, _record: Record, event: FundingAccrued | FundingCorrected, portfolio: Portfolio) -> None:
        self._own(event.product).fund(event.boundary, portfolio.ledger.of(event.product).total)

    def _own(self, product: str) -> Shared:
        shared = self.by_product.get(product)
        if shared is None:
            shared = self.by_product[product] = Shared()
        return shared


def split(amount: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """An amount by |weight|, exactly: the largest takes what rounding leaves. Nobody has weight: it is external.

    10 among a: 5 and b: -3 is 6.25 and 3.75.
    """
    names = sorted((name for name, weight in weights.items() if weight), key=lambda name: (abs(weights[name]), name))
    if not names:
        return {EXTERNAL: amount}
    whole = sum((abs(weights[name]) for name in names), ZERO)
    shares = {name: share_of(amount, part=abs(weights[name]), whole=whole) for name in names[:-1]}
    shares[names[-1]] = amount - sum(shares.values(), ZERO)
    return dict(sorted(shares.items()))


_STEPS: dict[type[Event], Any] = {
    SessionStarted: Virtuals._start,
    ProductListed: Virtuals._list,
    OrderFilled: Virtuals._fill,
    FillCorrected: Virtuals._fill,
    AdjustmentApplied: Virtuals._adjust,
    AdjustmentReversed: Virtuals._reverse,
    InternalCrossed: Virtuals._cross,
    FundingAccrued: Virtuals._fund,
    FundingCorrected: Virtuals._fund,
}

#: What changes a part, or whose it is; marks do not.
SHARED = frozenset(_STEPS)
