"""How large a position may become: every limit on size as one line, for the gate and for the room that is left.

With W the notional that a product can come to on the side of an order, each limit on size has the form

    slope x W <= budget

where the budget is what equity allows, less what all other products take up. The gate asks whether a limit holds
after an order; a strategy is told how far W may still grow, so that it sizes inside (trading rules A2, A11, B6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from events.catalog import ProductListed
from events.event import Part
from events.money import ONE, ZERO, floor_to, quotient
from events.orders import OrderApproved
from events.terms import Side
from projections.account import Account
from projections.exposure import Exposure, Pending
from projections.limits import Limits, initial_rate
from projections.notional import notional

_CENT = Decimal("0.01")
_PLACES = 8
_LEAST = ONE.scaleb(-_PLACES)


class Bound(Part, frozen=True):
    """One limit on size. `limit` is the name of the setting, `cap` its value as the user knows it."""

    code: str
    limit: str
    cap: Decimal
    slope: Decimal
    budget: Decimal
    is_cash: bool = False  # what orders cost comes off its budget

    def holds(self, worst: Decimal) -> bool:
        return self.slope * worst <= self.budget

    def left(self, taken: Decimal, cost_rate: Decimal) -> tuple[Decimal, Decimal]:
        """How much more it allows, as (budget, slope): a new order of notional x needs slope x x <= budget."""
        return self.budget - self.slope * taken, self.slope + cost_rate if self.is_cash else self.slope


class Others(Part, frozen=True):
    """What all other products take up: gross notional, margin by their caps, maintenance margin, costs to come."""

    gross: Decimal = ZERO
    margin: Decimal = ZERO
    maintenance: Decimal = ZERO
    reserved: Decimal = ZERO  # fees and slippage of their open orders


class Room(Part, frozen=True):
    """The notional by which a position may still grow on one side, and the setting that binds."""

    notional: Decimal
    limit: str


def others(account: Account, product: str, approved: Sequence[OrderApproved], *, at: int) -> Others | None:
    """What the other products take up; None when one of them has no price."""
    gross = margin = maintenance = reserved = ZERO
    for other in account.exposed_products(approved):
        if other == product:
            continue
        exposure, rules = account.exposure(other, approved), account.catalog.rules(other)
        if exposure is None or rules is None:
            return None
        gross += exposure.notional
        reserved += exposure.reserved
        side = Side.BUY if exposure.worth(Side.BUY) >= exposure.worth(Side.SELL) else Side.SELL
        maintenance += exposure.notional * account.limits.maintenance_rate(rules, side, at=at)
        cap = min(cap for _, _, cap in leverage_caps(account.limits, rules, side, at=at))
        margin += quotient(exposure.notional, cap, places=_PLACES)
    return Others(gross=gross, margin=margin, maintenance=maintenance, reserved=reserved)


def leverage_caps(
    limits: Limits, rules: ProductListed, side: Side, *, at: int, asked: Decimal | None = None
) -> list[tuple[str, str, Decimal]]:
    """All caps on the notional of a product as a multiple of equity: code, setting, cap (trading rules A2, B14)."""
    caps = [("leverage_global", "leverage_max_global", limits.limits.leverage_max_global)]
    own = limits.leverage_caps(rules.product, listed=rules.max_leverage, at=at)
    caps += [("leverage_symbol", "leverage_max_per_symbol", cap) for cap in own]
    rate = initial_rate(rules, side)
    if rate:
        caps.append(("leverage_margin", "the exchange's initial margin", _inverse_below(rate)))
    if asked is not None:
        caps.append(("leverage_order", "the order's own leverage", asked))
    return caps


def bounds(
    account: Account,
    rules: ProductListed,
    side: Side,
    *,
    equity: Decimal,
    other: Others,
    at: int,
    asked: Decimal | None = None,
    reserved: Decimal = ZERO,
) -> list[Bound]:
    """Every limit on the size of one product, in the order in which a refusal names them (protocol sheet 8.9).

    `reserved` is what this product's open orders would cost. It comes off what margin may be taken from.
    """
    limits, costs = account.limits.limits, reserved + other.reserved
    caps = leverage_caps(account.limits, rules, side, at=at, asked=asked)
    lines = [_line(code, name, cap, ONE, cap * equity) for code, name, cap in caps if code != "leverage_global"]
    most = limits.leverage_max_global
    lines.append(_line("leverage_global", "leverage_max_global", most, ONE, most * equity - other.gross))
    buffer = limits.min_liquidation_buffer_pct
    margin_rate = _inverse_above(min(cap for code, _, cap in caps if code != "leverage_order"))
    free = (ONE - buffer) * equity - other.margin - costs
    lines.append(_line("margin_buffer", "min_liquidation_buffer_pct", buffer, margin_rate, free, is_cash=True))
    most_notional = account.limits.max_notional(rules.product)
    if most_notional is not None:
        lines.append(_line("max_notional", "max_notional_per_symbol", most_notional, ONE, most_notional))
    share = limits.max_position_pct_per_symbol
    lines.append(_line("exposure_symbol", "max_position_pct_per_symbol", share, ONE, share * equity))
    share = limits.max_exposure_pct
    lines.append(_line("exposure_total", "max_exposure_pct", share, ONE, share * equity - other.gross))
    if limits.enable_pre_trade_liq_projection:
        rate = account.limits.maintenance_rate(rules, side, at=at)
        left = equity - costs - other.maintenance - buffer * other.gross
        slope = rate + buffer
        lines.append(_line("liquidation_projection", "min_liquidation_buffer_pct", buffer, slope, left, is_cash=True))
    return [line for line in lines if line.slope]


def room(
    account: Account, product: str, side: Side, *, price: Decimal, at: int, leverage: Decimal | None = None
) -> Room:
    """How much more of a product may be bought or sold at `price` or better, in quote currency.

    `leverage` is the cap that an order brings for itself.
    """
    return rooms(account, product, {side: price}, at=at, leverage=leverage)[side]


def rooms(
    account: Account,
    product: str,
    prices: Mapping[Side, Decimal],
    *,
    at: int,
    leverage: Decimal | None = None,
) -> dict[Side, Room]:
    """The room of each side at its price; what both sides share is counted once."""
    rules, exposure = account.catalog.rules(product), account.exposure(product)
    equity, other = account.equity(), others(account, product, (), at=at)
    if rules is None or exposure is None or rules.contract_size is None:
        return dict.fromkeys(prices, Room(notional=ZERO, limit="product without contract size or price"))
    if equity is None or other is None:
        return dict.fromkeys(prices, Room(notional=ZERO, limit="equity unknown"))
    found: dict[Side, Room] = {}
    for side, price in prices.items():
        lines = bounds(
            account, rules, side, equity=equity, other=other, at=at, asked=leverage, reserved=exposure.reserved
        )
        left = _tightest(lines, _taken(exposure, side, price), _cost_rate(exposure, side, price))
        left = min([left, *_caps(account.limits, price=price, contract_size=rules.contract_size)], key=_size)
        cents = floor_to(left.notional, _CENT) if left.notional > ZERO else ZERO
        found[side] = Room(notional=cents, limit=left.limit)
    return found


def _tightest(lines: Sequence[Bound], taken: Decimal, cost_rate: Decimal) -> Room:
    """What the line that allows least has left, the first of equals, to a cent below where a quotient does not end.

    Slopes are above zero, so nothing needs to be divided to compare.
    """
    tightest = lines[0]
    budget, slope = tightest.left(taken, cost_rate)
    for line in lines[1:]:
        its_budget, its_slope = line.left(taken, cost_rate)
        if its_budget * slope < budget * its_slope:
            tightest, budget, slope = line, its_budget, its_slope
    if slope != ONE and budget > ZERO:
        largest = floor_to(quotient(budget, slope, places=_PLACES), _CENT)
        budget = largest if slope * largest <= budget else largest - _CENT
    return Room(notional=budget, limit=tightest.limit)


def _caps(limits: Limits, *, price: Decimal, contract_size: Decimal) -> Iterator[Room]:
    """What a single order may be at most, whatever the account could carry."""
    largest, most = limits.limits.max_order_qty, limits.limits.max_order_notional
    if largest is not None:
        yield Room(notional=notional(largest, contract_size=contract_size, price=price), limit="max_order_qty")
    if most is not None:
        yield Room(notional=most, limit="max_order_notional")


def _cost_rate(exposure: Exposure, side: Side, price: Decimal) -> Decimal:
    """What one unit of notional bought or sold at `price` would cost, rounded up."""
    unit = exposure.cost_of(Pending(side=side, qty=ONE, price=price))
    worth = notional(ONE, contract_size=exposure.contract_size, price=price)
    if not worth:
        return ZERO
    rate = quotient(unit, worth, places=_PLACES)
    return rate if rate * worth >= unit else rate + _LEAST


def _size(room: Room) -> Decimal:
    return room.notional


def _taken(exposure: Exposure, side: Side, price: Decimal) -> Decimal:
    """What this side takes up already, counted at the price to come."""
    at_price = max(exposure.price_of(side), price)
    return notional(exposure.load(side), contract_size=exposure.contract_size, price=at_price)


@lru_cache(maxsize=256)
def _inverse_above(amount: Decimal) -> Decimal:
    """1 / amount, rounded up."""
    inverse = quotient(ONE, amount, places=_PLACES)
    return inverse if inverse * amount >= ONE else inverse + _LEAST


@lru_cache(maxsize=256)
def _inverse_below(amount: Decimal) -> Decimal:
    """1 / amount, rounded down."""
    inverse = quotient(ONE, amount, places=_PLACES)
    return inverse if inverse * amount <= ONE else inverse - _LEAST


def _line(code: str, limit: str, cap: Decimal, slope: Decimal, budget: Decimal, *, is_cash: bool = False) -> Bound:
    return Bound(code=code, limit=limit, cap=cap, slope=slope, budget=budget, is_cash=is_cash)
