"""Netting: what strategies want of one product in the same wave crosses here first; only the rest goes to risk.

There is one where strategies share a product. Every wish (`OrderWanted`) of a wave is gathered; then buyers and sellers
whose limits allow it trade with each other at the mark, in the order in which they spoke, and what is left of each wish
is proposed under its own name (trading rules A19). Nothing crosses without a fresh mark, nor while only reducing orders
pass: then every wish is proposed as it is, and risk judges it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from events.event import Event
from events.market import MarkUpdated
from events.money import ZERO
from events.orders import InternalCrossed, OrderProposed, OrderWanted, WishesGathered
from events.record import Record
from events.terms import OrderKind, Side
from projections.account import Account
from projections.notional import notional
from projections.virtual import Virtuals

NAME = "netting"
#: Orders that would trade at once or not at all; one that rests in the book crosses with nobody here.
_AT_ONCE = frozenset({OrderKind.LIMIT_IOC, OrderKind.MARKET_IOC})


class NettingState(msgspec.Struct, kw_only=True):
    account: Account = msgspec.field(default_factory=Account)
    virtuals: Virtuals = msgspec.field(default_factory=Virtuals)
    wishes: list[OrderWanted] = msgspec.field(default_factory=list)  # of this turn, not yet gathered
    gathered: list[OrderWanted] = msgspec.field(default_factory=list)  # of one product, to be netted now


class NettingBehaviour:
    """Says WishesGathered, InternalCrossed, and OrderProposed in the name of strategies."""

    name = NAME
    hears: frozenset[type[Event]] = (
        Account.hears | Virtuals.hears | frozenset[type[Event]]((OrderWanted, WishesGathered, OrderProposed))
    )
    answers: frozenset[type[Event]] = frozenset({OrderWanted, WishesGathered})

    def __init__(self) -> None:
        self.state = NettingState()

    def fold(self, record: Record) -> None:
        state, event = self.state, record.event
        state.account.fold(record)
        if type(event) is MarkUpdated:
            return
        state.virtuals.fold(record, state.account.portfolio)
        if isinstance(event, OrderWanted):
            state.wishes = [wish for wish in state.wishes if wish.as_of == event.as_of]
            state.wishes.append(event)
        elif isinstance(event, WishesGathered):
            state.gathered = [wish for wish in state.wishes if wish.product == event.product]
            state.wishes = [wish for wish in state.wishes if wish.product != event.product]

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        event = record.event
        if isinstance(event, OrderWanted):
            call = WishesGathered(product=event.product)
            return () if call in outstanding else [call]
        if isinstance(event, WishesGathered):
            return self._net()
        return ()

    def _net(self) -> list[Event]:
        wishes = self.state.gathered
        left = {wish.proposal: wish.qty for wish in wishes}
        crosses: list[Event] = []
        if wishes and (price := self._price(wishes[0].product)) is not None:
            book = _Crossing(self.state, wishes[0].product, price)
            for buy in wishes:
                for sell in wishes:
                    qty = min(left[buy.proposal], left[sell.proposal])
                    if qty > ZERO and _would_cross(buy, sell, price):
                        crosses.append(book.cross(buy, sell, qty))
                        left[buy.proposal] -= qty
                        left[sell.proposal] -= qty
        return crosses + [_rest(wish, left[wish.proposal]) for wish in wishes if left[wish.proposal]]

    def _price(self, product: str) -> Decimal | None:
        """The mark that strategies may trade at with each other; None while they may not."""
        account = self.state.account
        if account.limits.is_killed or account.limits.why_reduce_only(product) is not None:
            return None
        mark = account.portfolio.marks.mark(product)
        return None if mark is None else mark.price


class _Crossing:
    """One product's crosses at one price, and what both sides hold after each."""

    def __init__(self, state: NettingState, product: str, price: Decimal) -> None:
        rules = state.account.catalog.rules(product)
        assert rules is not None, "a product with a mark is listed"
        assert rules.contract_size is not None, "a product that is traded has a contract size"
        self._product, self._price, self._contract_size = product, price, rules.contract_size
        self._virtuals = state.virtuals
        self._held: dict[str, Decimal] = {}

    def cross(self, buy: OrderWanted, sell: OrderWanted, qty: Decimal) -> InternalCrossed:
        for wish, signed in ((buy, qty), (sell, -qty)):
            held = self._held.get(wish.strategy)
            held = self._virtuals.of(self._product, wish.strategy).qty if held is None else held
            self._held[wish.strategy] = held + signed
        return InternalCrossed(
            product=self._product,
            buyer=buy.strategy,
            seller=sell.strategy,
            buy_proposal=buy.proposal,
            sell_proposal=sell.proposal,
            qty=qty,
            price=self._price,
            value=notional(qty, contract_size=self._contract_size, price=self._price),
            buyer_qty=self._held[buy.strategy],
            seller_qty=self._held[sell.strategy],
        )


def _would_cross(buy: OrderWanted, sell: OrderWanted, price: Decimal) -> bool:
    """Whether both want to trade at once, on opposite sides, at this price or a worse one."""
    if buy.side is not Side.BUY or sell.side is not Side.SELL or buy.strategy == sell.strategy:
        return False
    if buy.post_only or sell.post_only or buy.kind not in _AT_ONCE or sell.kind not in _AT_ONCE:
        return False
    highest, lowest = buy.limit_price, sell.limit_price
    return (highest is None or price <= highest) and (lowest is None or price >= lowest)


def _rest(wish: OrderWanted, qty: Decimal) -> OrderProposed:
    fields = {name: getattr(wish, name) for name in OrderProposed.__struct_fields__ if name != "qty"}
    return OrderProposed(qty=qty, **fields)
