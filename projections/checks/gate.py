"""The gate: one proposal in, one answer out, with the size an order may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from events.catalog import ProductListed
from events.event import Event
from events.money import ZERO, floor_to
from events.orders import Breach, CancelApproved, OrderApproved, OrderProposed, OrderRefused
from events.risk import ReduceOnlyEntered
from events.terms import OrderKind, Origin, Side
from projections.account import Account
from projections.checks.any_order import fitted, form_breaches, product_breaches
from projections.checks.increase import (
    Increase,
    calm_breaches,
    certainty_breaches,
    loss_breaches,
    mode_breaches,
    order_breaches,
    size_breaches,
)
from projections.crossing import brackets_of, crossed_by
from projections.daily_loss import Loss
from projections.exits import step_order
from projections.exposure import Exposure
from projections.halts import Halts
from projections.order import Order
from projections.pricing import guard_price
from projections.sight import Sight
from projections.turbulence import Breaker

_MILLISECOND = 1_000_000


class Sized(NamedTuple):
    """An order in two parts: what closes of the position, and what opens or increases one."""

    closing: Decimal
    opening: Decimal


class Gate(NamedTuple):
    """The account as it stands, with what was approved and entered in this turn and is not in the log yet."""

    account: Account
    sight: Sight
    at: int
    approved: tuple[OrderApproved, ...] = ()
    entered: tuple[ReduceOnlyEntered, ...] = ()
    entries_in_a_minute: int = 0
    loss: Loss | None = None  # of the day, where no guard has said it yet
    halts: Halts | None = None  # None: whoever asks knows of no halts
    breaker: Breaker | None = None

    def judge(self, order: OrderProposed) -> Sequence[Event]:
        """OrderApproved or OrderRefused, and the cancels of what of ours stands in the way: an approved order waits."""
        rules = self.account.catalog.rules(order.product)
        breaches = list(product_breaches(self.account, self.sight, order, at=self.at))
        if rules is not None and rules.contract_size is not None:
            breaches += form_breaches(self.account, rules, order, at=self.at)
        if rules is None or rules.contract_size is None:
            return [_refusal(order, breaches)]
        sized = self._sized(order, rules)
        cut = self._increase_breaches(order, rules, sized) if sized.opening > ZERO else []
        if breaches:  # what an increase would break besides is recorded too
            return [_refusal(order, [*breaches, *cut])]
        if cut:
            sized = Sized(sized.closing, ZERO)
        qty = sized.closing + sized.opening
        if qty < rules.min_size or qty <= ZERO:
            return [_refusal(order, cut or [self._nothing_to_reduce(order)]), *self._free_stale_exits(order)]
        approval = self._approval(order, rules, qty, is_exit=not sized.opening, cut=cut)
        if approval is None:
            return [_refusal(order, [_no_price(order)])]
        return [approval, *self._make_way(approval)]

    def _sized(self, order: OrderProposed, rules: ProductListed) -> Sized:
        """The size on the grid, split at the position that is not yet being reduced (trading rules B8)."""
        exposure = self.account.exposure(order.product, self.approved)
        assert exposure is not None, "a product with a contract size has an exposure"
        qty = fitted(order, rules).qty
        if not order.kind.is_bracket:  # protection steps aside for an exit
            exposure = _without(exposure, brackets_of(self.account.orders.open_orders(order.product), order.side))
        closing = min(qty, floor_to(exposure.reducible(order.side), rules.size_increment))
        opening = qty - closing
        if rules.max_size is not None:
            closing = min(closing, floor_to(rules.max_size, rules.size_increment))
        return Sized(closing, ZERO if order.reduce_only else opening)

    def _increase_breaches(self, order: OrderProposed, rules: ProductListed, sized: Sized) -> list[Breach]:
        account, product = self.account, order.product
        guard = next((said.reason for said in self.entered if said.product in (None, product)), None)
        increase = Increase(
            product=product,
            side=order.side,
            qty=sized.closing + sized.opening,
            opening=sized.opening,
            price=self._price(order, rules, is_exit=False),
            leverage=order.leverage,
            at=self.at,
        )
        entries = self.entries_in_a_minute + sum(not said.reduce_only for said in self.approved)
        return [
            *mode_breaches(account, product, guard=guard),
            *loss_breaches(self.loss),
            *self._calm_breaches(product),
            *certainty_breaches(account, self.sight, product),
            *size_breaches(account, rules, increase, self.approved),
            *order_breaches(account, rules, increase, approvals_in_a_minute=entries),
        ]

    def _calm_breaches(self, product: str) -> Iterator[Breach]:
        limits = self.account.limits.limits
        waits = "" if self.halts is None else self.halts.why_entries_wait(product, self.at)
        volatility = None if self.breaker is None else self.breaker.too_volatile(product, limits)
        return calm_breaches(waits, volatility, product, limit=limits.max_intraday_volatility_threshold)

    def _approval(
        self, order: OrderProposed, rules: ProductListed, qty: Decimal, *, is_exit: bool, cut: Sequence[Breach]
    ) -> OrderApproved | None:
        """None when the order needs a price and there is none to go by."""
        limits = self.account.limits.limits
        price = self._price(order, rules, is_exit=is_exit)
        if order.kind is OrderKind.LIMIT_IOC and price is None:
            return None
        mark = self.account.portfolio.marks.price(order.product)
        ttl_ms = limits.exit_approval_ttl_ms if is_exit else limits.approval_ttl_ms
        return OrderApproved(
            proposal=order.proposal,
            strategy=order.strategy,
            product=order.product,
            side=order.side,
            asked=order.qty,
            qty=qty,
            kind=order.kind,
            limit_price=price,
            reduce_only=is_exit,
            expires_at=self.at + ttl_ms * _MILLISECOND,
            reference_price=mark or price or ZERO,
            post_only=order.post_only,
            leverage=order.leverage,
            cut=tuple(cut),
            stop_price=fitted(order, rules).stop_price,
            good_until=order.good_until,
        )

    def _price(self, order: OrderProposed, rules: ProductListed, *, is_exit: bool) -> Decimal | None:
        """The order's own limit on the grid; of a limit IOC without one the guard price, for an exit a wider one."""
        if order.limit_price is not None or order.kind is not OrderKind.LIMIT_IOC:
            return fitted(order, rules).price
        marks, guard_bps = self.account.portfolio.marks, self.account.limits.limits.slippage_guard_bps
        mark, last = marks.mark(order.product), marks.price(order.product)
        if is_exit:
            step = step_order(
                1,
                side=order.side,
                price=last,
                is_fresh=mark is not None,
                guard_bps=guard_bps,
                increment=rules.price_increment,
            )
            return step.limit_price
        if mark is None:
            return None
        return guard_price(order.side, mark.price, band_bps=guard_bps, increment=rules.price_increment)

    def _make_way(self, approval: OrderApproved) -> list[Event]:
        """What of ours an order would trade with, or holds what it closes, is cancelled; the order waits for that."""
        if approval.kind.is_bracket:
            return []
        orders = self.account.orders.open_orders(approval.product)
        standing = crossed_by(orders, approval.side, approval.limit_price)
        if approval.reduce_only:
            standing += brackets_of(orders, approval.side)
        return _cancelled(standing, f"stands in the way of proposal {approval.proposal}")

    def _free_stale_exits(self, order: OrderProposed) -> list[Event]:
        """An exit that leaves at once finds everything held by what rests: it goes, so that the exit's next step fits.

        An entry that rests on that side holds the position as much as an exit does, and may rest for days.
        """
        if not order.reduce_only or order.kind.rests:
            return []
        orders = self.account.orders.open_orders(order.product)
        resting = [each for each in orders if each.side is order.side and each.kind.rests]
        return _cancelled(resting, f"holds what proposal {order.proposal} is to close")

    def _nothing_to_reduce(self, order: OrderProposed) -> Breach:
        held = self.account.held(order.product)
        message = f"Nothing left to reduce in {order.product}: position {held}, less what reduces it already"
        return Breach(code="nothing_to_reduce", limit=str(held), value=str(order.qty), message=message)


def _without(exposure: Exposure, orders: Sequence[Order]) -> Exposure:
    """The exposure as it will be when these are gone."""
    rest = sum((order.rest for order in orders), ZERO)
    if not rest:
        return exposure
    is_buying = orders[0].side is Side.BUY
    changed = {"buying": exposure.buying - rest} if is_buying else {"selling": exposure.selling - rest}
    return msgspec.structs.replace(exposure, **changed)


def _cancelled(orders: Sequence[Order], reason: str) -> list[Event]:
    return [CancelApproved(order=order.order, reason=reason) for order in orders if order.origin is Origin.OURS]


def _no_price(order: OrderProposed) -> Breach:
    message = f"No price of {order.product} is known to set a limit by"
    return Breach(code="no_price", limit="known", value="unknown", message=message)


def _refusal(order: OrderProposed, breaches: Sequence[Breach]) -> OrderRefused:
    return OrderRefused(
        proposal=order.proposal,
        strategy=order.strategy,
        product=order.product,
        side=order.side,
        asked=order.qty,
        code=breaches[0].code,
        message=breaches[0].message,
        breaches=tuple(breaches),
    )
