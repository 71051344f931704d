"""A strategy's desk on any market: sized into its room, one order in flight, the same decisions again and again."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.behaviour import Seat
from actors.behaviours.netting import NettingBehaviour
from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.behaviours.strategy import StrategyBehaviour
from actors.strategies.baseline import create_baseline_strategy
from events.configuration import MarkSetting, RiskLimits, StrategySetting
from events.feeds import ExchangeReconciled
from events.market import MarkWentStale
from events.money import floor_to
from events.orders import (
    InternalCrossed,
    OrderClosed,
    OrderFilled,
    OrderProposed,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
)
from events.record import AnyEvent
from events.risk import ReduceOnlyReleased, ReduceOnlyRequested
from events.session import ClockTicked
from events.strategy import DecisionMade
from events.terms import Action, OrderStatus, Side
from projections.account import Account
from projections.attribution import attribution
from projections.portfolio import Portfolio
from projections.virtual import Virtuals
from tests.streams.desk import SECOND, Desk
from tests.streams.facts import BIP, listed
from tests.streams.orders import marked, order_reported, with_limits

D = Decimal
OPTIONS = {
    "short_ma_period": 2,
    "long_ma_period": 5,
    "enable_shorts": True,
    "max_adds": 3,
    "position_fraction": "0.4",
    "trailing_stop_pct": "0.004",
}
#: Strategies that share the product see other crosses.
PACES = {"b": {"short_ma_period": 3, "long_ma_period": 8}, "c": {"short_ma_period": 1, "long_ma_period": 2}}
LIMITS = RiskLimits(max_position_pct_per_symbol=D(3), max_exposure_pct=D(3), max_daily_loss_pct=D("0.2"))
#: What a strategy's own size can break: it knows the room, so never.
SIZES = {
    "leverage_global",
    "leverage_symbol",
    "leverage_order",
    "leverage_margin",
    "margin_buffer",
    "exposure_symbol",
    "exposure_total",
    "liquidation_projection",
    "max_order_qty",
    "min_size",
    "slippage",
}

markets = st.tuples(st.integers(0, 2**32), st.integers(20, 200))


class Market:
    """A walk of marks, one a second, and an exchange that fills what it is sent: whole, in part, late or not at all."""

    def __init__(self, seed: int, length: int, names: str = "s") -> None:
        self.chance = random.Random(seed)  # evenly spread, and a shorter market is the beginning of a longer one
        netting = [NettingBehaviour()] if len(names) > 1 else []
        self.desk = Desk(OrdersBehaviour(), RiskBehaviour(), *netting, *map(self.behaviour, names))
        self.price = D(50_000)
        self.sent: list[OrderSubmitted] = []
        settings = {name: StrategySetting(uses="baseline", product=BIP) for name in names}
        marks = MarkSetting(interval_s=1)
        self.desk.hear(with_limits(LIMITS, equity="100000", strategies=settings, marks=marks), by="session")
        self.desk.hear(listed(BIP), marked("50000"))
        self.desk.hear(ExchangeReconciled(exchange_at=self.desk.at), by="account")
        for _ in range(length):
            self.step()

    @staticmethod
    def behaviour(name: str = "s") -> StrategyBehaviour:
        return StrategyBehaviour(name, create_baseline_strategy(OPTIONS | PACES.get(name, {})))

    def step(self) -> None:
        self.price += self.chance.choice((-150, -50, -10, 0, 10, 50, 150))
        facts: list[AnyEvent] = [marked(self.price, at=self.desk.at)]
        luck = self.chance.random()
        if luck < 0.02:
            facts.append(MarkWentStale(product=BIP, age_ms=9_000, reason="quiet"))
        elif luck < 0.03:
            facts.append(ReduceOnlyRequested(product=None, reason="test"))
        elif luck < 0.08:
            facts.append(ReduceOnlyReleased(product=None, reason="test"))
        facts += [self.answer(order) for order in self.sent if self.chance.random() < 0.7]
        answered = {fact.order for fact in facts if isinstance(fact, OrderReported)}
        self.sent = [order for order in self.sent if order.order not in answered]
        said = self.desk.hear(*facts, *([ClockTicked()] * self.chance.choice((1, 1, 2))), by="exchange", after=SECOND)
        self.sent += [event for event in said if isinstance(event, OrderSubmitted)]

    def answer(self, order: OrderSubmitted) -> OrderReported:
        """An immediate-or-cancel order's end: filled whole, in part, or not at all, at the mark."""
        part = self.chance.choice((D(1), D(1), D("0.5"), D(0)))
        filled = floor_to(order.qty * part, D(1))
        return order_reported(
            order.order,
            OrderStatus.FILLED if filled == order.qty else OrderStatus.CANCELLED,
            filled,
            value=filled * self.price * D("0.01"),
            fees=filled * D("0.20"),
            qty=order.qty,
            side=order.side,
            kind=order.kind,
            limit_price=None,
            at=self.desk.at,
        )


@given(markets)
def test_what_is_sized_into_the_room_passes_the_gate(market: tuple[int, int]) -> None:
    for record in Market(*market).desk.log:
        if isinstance(record.event, OrderRefused):
            assert not {breach.code for breach in record.event.breaches} & SIZES, record.event


@given(markets)
def test_there_is_never_more_than_one_order_of_a_strategy_in_flight(market: tuple[int, int]) -> None:
    in_flight: set[str] = set()
    for record in Market(*market).desk.log:
        if isinstance(record.event, OrderSubmitted):
            assert not in_flight
            in_flight.add(record.event.order)
        elif isinstance(record.event, OrderClosed):
            in_flight.discard(record.event.order)


@given(markets)
def test_every_order_follows_from_a_decision_and_every_exit_only_reduces(market: tuple[int, int]) -> None:
    held, wanted = D(0), False
    for record in Market(*market).desk.log:
        event = record.event
        if isinstance(event, OrderFilled):
            held += event.side.sign * event.qty
            wanted = wanted and held != 0
        elif isinstance(event, DecisionMade):
            wanted = wanted or event.action is Action.CLOSE
            last = event
        elif isinstance(event, OrderProposed):
            if event.reduce_only:
                assert wanted
                assert event.side is (Side.SELL if held > 0 else Side.BUY)
            else:
                assert last.action is (Action.BUY if event.side is Side.BUY else Action.SELL)
                assert event.reason == last.reason


@given(markets, st.integers(0, 1_000), st.sampled_from(["s", "b", "netting"]))
def test_a_snapshot_with_the_rest_is_the_whole_and_every_decision_is_derived_again(
    market: tuple[int, int], cut: int, who: str
) -> None:
    def anew() -> Seat:
        return Seat(NettingBehaviour() if who == "netting" else Market.behaviour(who))

    desk = Market(*market, names="s" if who == "s" else "abc").desk
    turns: list[list[Any]] = []
    for record in desk.log:
        if not record.is_decision and (not turns or turns[-1][-1].at != record.at):
            turns.append([])
        turns[-1].append(record)
    place = cut % len(turns)

    first = anew()
    for record in (record for turn in turns[:place] for record in turn):
        if type(record.event) in first.hears:
            first.follow(record)
    again = anew()
    again.restore(first.snapshot())
    said: dict[int, list[AnyEvent]] = {}
    for record in (record for turn in turns[place:] for record in turn):
        if record.by == again.name and record.cause is not None:
            said.setdefault(record.cause, []).append(record.event)
    for record in (record for turn in turns[place:] for record in turn):
        if type(record.event) in again.hears:
            assert list(again.hear(record)) == said.get(record.seq, [])
    assert again.snapshot() == desk.states()[again.name]


@given(markets)
def test_strategies_that_share_a_product_hold_together_what_the_account_holds(market: tuple[int, int]) -> None:
    desk = Market(*market, names="abc").desk
    portfolio, virtuals = Portfolio(), Virtuals()
    for record in desk.log:
        portfolio.fold(record)
        virtuals.fold(record, portfolio)
        rows, held = attribution(virtuals, BIP, portfolio), portfolio.positions.of(BIP).qty
        assert sum((row.qty for row in rows), D(0)) == held
        assert sum((row.fees for row in rows), D(0)) == portfolio.fees
        if isinstance(record.event, InternalCrossed):
            assert virtuals.of(BIP, record.event.buyer).qty == record.event.buyer_qty
            assert virtuals.of(BIP, record.event.seller).qty == record.event.seller_qty
    for name in "abc":
        watch = desk.seats[f"strategy:{name}"].behaviour.state.watch
        assert watch.held == virtuals.of(BIP, name).qty


@given(markets)
def test_wishes_of_opposite_sides_that_would_trade_with_each_other_never_leave_together(
    market: tuple[int, int],
) -> None:
    sides: dict[int, set[Side]] = {}
    account = Account()
    for record in Market(*market, names="abc").desk.log:
        event = record.event
        account.fold(record)
        may_cross = account.limits.why_reduce_only(BIP) is None and account.portfolio.marks.mark(BIP) is not None
        if isinstance(event, OrderProposed) and may_cross and record.cause is not None:
            sides.setdefault(record.cause, set()).add(event.side)
    assert all(len(both) == 1 for both in sides.values())


def test_shared_markets_are_worth_the_laws() -> None:
    kinds = [type(record.event) for seed in range(10) for record in Market(seed, 150, names="abc").desk.log]
    assert kinds.count(InternalCrossed) > 20
    assert kinds.count(OrderFilled) > 200


def test_the_markets_are_worth_the_laws() -> None:
    kinds = [type(record.event) for seed in range(20) for record in Market(seed, 150).desk.log]
    assert kinds.count(OrderFilled) > 200
    assert kinds.count(OrderProposed) > kinds.count(OrderFilled)
