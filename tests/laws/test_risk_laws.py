"""Risk: whatever is proposed, whatever happens, no approval breaks a limit, no exit is blocked, no kill is passed.

Held against a naive account in fractions, which adds up cash and orders from the log by itself.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from fractions import Fraction

import msgspec
from hypothesis import given

from actors.behaviour import Seat
from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.account import TransferReported
from events.configuration import FeeSetting, RiskLimits
from events.event import Event
from events.feeds import ExchangeReconciled
from events.ids import derived_id
from events.market import MarkUpdated
from events.orders import (
    OrderApproved,
    OrderClosed,
    OrderProposed,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
)
from events.record import Record
from events.risk import (
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import SessionStarted
from events.terms import Side
from tests.laws.cases import STREAMS
from tests.streams.floor import LIMITS, SIZES, Floor, Step, steps

#: What may stand in the way of an exit; anything else is a limit on entries.
FOR_ANY_ORDER = {"min_size", "price", "self_trade", "position_unknown", "nothing_to_reduce", "no_price"}


class Placed(msgspec.Struct):
    """An order as the naive account knows it."""

    product: str
    sign: int
    qty: Fraction
    price: Fraction
    takes_any_price: bool = False
    traded: Fraction = Fraction(0)
    value: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    is_over: bool = False

    @property
    def rest(self) -> Fraction:
        return Fraction(0) if self.is_over else max(self.qty - self.traded, Fraction(0))


class Naive:
    """Positions, cash and open orders, added up from the exchange's reports and our approvals."""

    def __init__(self) -> None:
        self.limits: RiskLimits = LIMITS
        self.cash: Fraction | None = None
        self.session = ""
        self.held: dict[str, Fraction] = {product: Fraction(0) for product in SIZES}
        self.marks: dict[str, Fraction] = {}
        self.orders: dict[str, Placed] = {}  # by proposal, of foreign ones by the exchange's id
        self.proposal_of: dict[str, str] = {}
        self.is_killed = False
        self.reduce_only: set[str | None] = set()
        self.is_reconciled = False

    def copy(self) -> Naive:
        """The same, to be told what the other never hears."""
        twin = copy.copy(self)
        twin.held, twin.marks, twin.proposal_of = dict(self.held), dict(self.marks), dict(self.proposal_of)
        twin.orders = {key: copy.copy(order) for key, order in self.orders.items()}
        twin.reduce_only = set(self.reduce_only)
        return twin

    def hear(self, record: Record) -> None:
        event = record.event
        match event:
            case SessionStarted():
                self.is_reconciled, self.session = False, event.session
                assert event.configuration.start_equity is not None
                if self.cash is None:
                    self.cash = Fraction(event.configuration.start_equity)
            case ExchangeReconciled():
                self.is_reconciled = True
            case TransferReported():
                self.pay(Fraction(event.amount))
            case MarkUpdated():
                self.marks[event.product] = Fraction(event.price)
            case OrderApproved():
                self.approve(event)
                self.proposal_of[derived_id(self.session, "orders", record.seq)] = event.proposal
            case OrderSubmitted():
                self.proposal_of[event.order] = event.proposal
            case OrderReported():
                self._report(event)
            case OrderClosed():
                proposal = self.proposal_of.get(event.order)
                if proposal is not None:
                    self.orders[proposal].is_over = True
            case KillSwitchThrown():
                self.is_killed = True
            case KillSwitchReset():
                self.is_killed = False
            case ReduceOnlyRequested() | ReduceOnlyEntered():
                self.reduce_only.add(event.product)
            case ReduceOnlyReleased() | ReduceOnlyLeft():
                self.reduce_only.discard(event.product)
            case LimitChanged():
                assert event.limit == "max_exposure_pct"
                self.limits = msgspec.structs.replace(
                    self.limits, max_exposure_pct=type(LIMITS.max_exposure_pct)(event.value)
                )

    def pay(self, amount: Fraction) -> None:
        assert self.cash is not None
        self.cash += amount

    def approve(self, event: OrderApproved) -> None:
        price = Fraction(event.limit_price or event.reference_price)
        is_any = event.limit_price is None
        self.orders[event.proposal] = Placed(event.product, event.side.sign, Fraction(event.qty), price, is_any)

    def _report(self, event: OrderReported) -> None:
        key = self.proposal_of.get(event.order, event.exchange_order)
        order = self.orders.get(key)
        if order is None:
            order = self.orders[key] = Placed(event.product, event.side.sign, Fraction(event.qty), Fraction(0))
        if event.filled_qty >= order.traded:
            self.held[event.product] += order.sign * (Fraction(event.filled_qty) - order.traded)
            self.pay(order.sign * (order.value - Fraction(event.filled_value)))
            self.pay(order.fees - Fraction(event.fees))
            order.traded, order.value = Fraction(event.filled_qty), Fraction(event.filled_value)
            order.fees = Fraction(event.fees)
        if event.status.is_final:
            order.is_over = True
        elif order.is_over and event.filled_qty < event.qty:
            order.is_over = False  # it had been given up, and it lives

    def equity(self) -> Fraction:
        assert self.cash is not None
        return self.cash + sum(qty * Fraction(SIZES[p]) * self.marks[p] for p, qty in self.held.items())

    def asked(self, product: str, sign: int) -> Fraction:
        return sum((o.rest for o in self.orders.values() if o.product == product and o.sign == sign), Fraction(0))

    def worst(self, product: str, sign: int) -> Fraction:
        """The notional that the product can come to on one side."""
        limits = [o.price for o in self.orders.values() if o.product == product and o.sign == sign and o.rest]
        qty = max(sign * self.held[product] + self.asked(product, sign), Fraction(0))
        return qty * Fraction(SIZES[product]) * max([self.marks[product], *limits])

    def gross(self, product: str, sign: int) -> Fraction:
        """The account's worst, this product counted on one side."""
        others = (max(self.worst(other, 1), self.worst(other, -1)) for other in SIZES if other != product)
        return self.worst(product, sign) + sum(others, Fraction(0))

    def costs(self) -> Fraction:
        """What all open orders would cost at once: fees, and what they give away against the mark."""
        total = Fraction(0)
        for order in self.orders.values():
            qty = order.rest * Fraction(SIZES[order.product])
            slip = max(order.sign * (order.price - self.marks[order.product]), Fraction(0))
            if order.takes_any_price:
                slip = order.price * Fraction(self.limits.slippage_guard_bps) / 10_000
            total += qty * (order.price * Fraction(FeeSetting().taker_rate) + slip)
        return total

    def reducible(self, product: str, sign: int) -> Fraction:
        return max(-sign * self.held[product] - self.asked(product, sign), Fraction(0))


def judged(floor: Floor) -> Iterator[tuple[Naive, OrderProposed, OrderApproved | OrderRefused]]:
    """Every proposal with its answer, and the account as it stood when it was judged."""
    log = floor.desk.log
    answers: dict[int, list[Event]] = {}
    for record in log:
        if record.by == "risk" and record.cause is not None:
            answers.setdefault(record.cause, []).append(record.event)
    naive, said_not_heard = Naive(), dict[str, OrderApproved]()
    entered: list[tuple[int, ReduceOnlyEntered]] = []
    for record in log:
        naive.hear(record)
        if isinstance(record.event, OrderApproved):
            said_not_heard.pop(record.event.proposal, None)
        if isinstance(record.event, OrderProposed):
            now = naive.copy()
            for approved in said_not_heard.values():  # what risk said in this turn and had not heard back
                now.approve(approved)
            now.reduce_only |= {said.product for at, said in entered if at == record.at}
            (answer,) = [each for each in answers[record.seq] if isinstance(each, OrderApproved | OrderRefused)]
            assert answer.proposal == record.event.proposal
            yield now, record.event, answer
        for said in answers.get(record.seq, ()):
            if isinstance(said, OrderApproved):
                said_not_heard[said.proposal] = said
            elif isinstance(said, ReduceOnlyEntered):
                entered.append((record.at, said))


@STREAMS
@given(steps)
def test_no_approval_breaks_a_limit_with_all_in_flight_counted(drawn: list[Step]) -> None:
    for naive, order, answer in judged(Floor().run(drawn)):
        if not isinstance(answer, OrderApproved) or answer.reduce_only:
            continue
        naive.approve(answer)
        limits, product, sign, equity = naive.limits, order.product, order.side.sign, naive.equity()
        worst, gross = naive.worst(product, sign), naive.gross(product, sign)
        assert worst <= Fraction(limits.max_position_pct_per_symbol) * equity
        assert gross <= Fraction(limits.max_exposure_pct) * equity
        assert gross <= Fraction(limits.leverage_max_global) * equity
        margin = gross / Fraction(limits.leverage_max_global)  # the tightest cap of both products
        assert margin + naive.costs() <= (1 - Fraction(limits.min_liquidation_buffer_pct)) * equity
        if product in limits.leverage_max_per_symbol:
            assert worst <= Fraction(limits.leverage_max_per_symbol[product]) * equity
        if product in limits.max_notional_per_symbol:
            assert worst <= Fraction(limits.max_notional_per_symbol[product])
        if answer.limit_price is not None:
            against = order.side.sign * (Fraction(answer.limit_price) - naive.marks[product])
            assert against <= naive.marks[product] * Fraction(limits.slippage_guard_bps) / 10_000


@STREAMS
@given(steps)
def test_nothing_that_increases_is_approved_behind_a_kill_or_in_reduce_only_mode(drawn: list[Step]) -> None:
    for naive, order, answer in judged(Floor().run(drawn)):
        if isinstance(answer, OrderApproved) and (naive.is_killed or naive.reduce_only & {None, order.product}):
            assert answer.reduce_only
            assert Fraction(answer.qty) <= naive.reducible(order.product, order.side.sign)


@STREAMS
@given(steps)
def test_what_reduces_is_never_blocked_by_what_limits_increases(drawn: list[Step]) -> None:
    for naive, order, answer in judged(Floor().run(drawn)):
        closing = min(Fraction(order.qty), naive.reducible(order.product, order.side.sign))
        if isinstance(answer, OrderApproved):
            assert Fraction(answer.qty) >= closing
        elif closing:
            assert answer.code in FOR_ANY_ORDER  # what an increase would break besides stands behind it


@STREAMS
@given(steps)
def test_the_sum_of_reducing_orders_never_exceeds_the_position_at_any_intent(drawn: list[Step]) -> None:
    naive = Naive()
    exits: dict[str, Placed] = {}
    for record in Floor().run(drawn).desk.log:
        event = record.event
        naive.hear(record)
        if isinstance(event, OrderSubmitted) and event.reduce_only:
            exits[event.order] = naive.orders[event.proposal]
            sign = event.side.sign
            asked = [each.rest for each in exits.values() if each.product == event.product and each.sign == sign]
            assert sum(asked, Fraction(0)) <= max(-sign * naive.held[event.product], Fraction(0))


@STREAMS
@given(steps)
def test_a_reduce_only_order_never_flips_a_position(drawn: list[Step]) -> None:
    """Filled whole the moment it is approved, with every exit before it, it leaves the position flat at most."""
    for naive, order, answer in judged(Floor().run(drawn)):
        if isinstance(answer, OrderApproved) and answer.reduce_only:
            sign, held = order.side.sign, naive.held[order.product]
            assert sign * held < 0
            after = held + sign * (Fraction(answer.qty) + naive.asked(order.product, sign))
            assert after * held >= 0


@STREAMS
@given(steps)
def test_orders_leave_by_intents_alone_and_each_intent_has_one_approval(drawn: list[Step]) -> None:
    approved: dict[str, OrderApproved] = {}
    for record in Floor().run(drawn).desk.log:
        if isinstance(record.event, OrderApproved):
            assert record.event.proposal not in approved
            approved[record.event.proposal] = record.event
        elif isinstance(record.event, OrderSubmitted):
            passed = approved.pop(record.event.proposal)
            assert (passed.qty, passed.side, passed.product) == (
                record.event.qty,
                record.event.side,
                record.event.product,
            )


def fold(records: list[Record], snapshots: dict[str, bytes] | None = None) -> dict[str, bytes]:
    seats = [Seat(OrdersBehaviour()), Seat(RiskBehaviour())]
    for seat in seats:
        if snapshots is not None:
            seat.restore(snapshots[seat.name])
        for record in records:
            if type(record.event) in seat.hears:
                seat.follow(record)
    return {seat.name: seat.snapshot() for seat in seats}


@STREAMS
@given(steps)
def test_state_is_what_a_reader_folds_and_a_snapshot_with_the_rest_is_the_whole(drawn: list[Step]) -> None:
    desk = Floor().run(drawn).desk
    log, whole = desk.log, desk.states()
    assert fold(log) == whole
    half = len(log) // 2
    assert fold(log[half:], fold(log[:half])) == whole


@STREAMS
@given(steps)
def test_the_equity_that_limits_are_measured_by_is_the_naive_one(drawn: list[Step]) -> None:
    desk = Floor().run(drawn).desk
    naive = Naive()
    for record in desk.log:
        naive.hear(record)
    account = desk.seats["risk"].behaviour.state.account
    assert Fraction(account.portfolio.equity()) == naive.equity()
    for product in SIZES:
        exposure = account.exposure(product)
        assert Fraction(exposure.held) == naive.held[product]
        for side in Side:
            assert Fraction(exposure.worth(side)) == naive.worst(product, side.sign)
