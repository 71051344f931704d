"""A trading floor for laws: any proposals, any market, any exchange, operators at any time; every record is legal."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.account import TransferReported
from events.configuration import RiskLimits
from events.feeds import ExchangeReconciled
from events.market import MarkWentStale
from events.orders import CancelProposed, OrderNotFound, OrderOutcomeUnknown, OrderRejected, OrderReported
from events.record import AnyEvent
from events.risk import (
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Origin, Side
from projections.order import Stage
from tests.streams.desk import SECOND, Desk, Turn
from tests.streams.facts import BIP, ONE, listed
from tests.streams.orders import marked, order_reported, proposed, ready, with_limits

D = Decimal
SIZES = {BIP: D("0.01"), ONE: D(1)}
LIMITS = RiskLimits(
    leverage_max_global=D("0.8"),
    leverage_max_per_symbol={BIP: D(1)},
    max_notional_per_symbol={ONE: D(90_000)},
    max_position_pct_per_symbol=D("0.5"),
    max_exposure_pct=D("0.9"),
    daily_loss_limit=D(20_000),
)

#: One step: what happens, and four numbers that say how; the floor makes a legal fact of them.
Step = tuple[str, int, int, int, bool]
_WEIGHTS = {
    "propose": 30,
    "report": 25,
    "mark": 10,
    "tick": 6,
    "foreign": 3,
    "reject": 2,
    "unknown": 3,
    "not_found": 1,
    "cancel": 3,
    "stale": 1,
    "transfer": 2,
    "kill": 1,
    "flatten": 1,
    "reset": 6,
    "restrict": 1,
    "release": 6,
    "limit": 1,
    "session": 1,
}


def _drawn(seed: int, length: int) -> list[Step]:
    chance = random.Random(seed)  # evenly spread, and a shorter list is a prefix of a longer one
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    draw = chance.randrange
    return [
        (chance.choices(kinds, weights)[0], draw(10), draw(10), draw(10), chance.random() < 0.6) for _ in range(length)
    ]


steps = st.builds(_drawn, seed=st.integers(0, 2**32), length=st.integers(10, 100))


def listings() -> list[AnyEvent]:
    """A product in whole contracts, and one in quarters of a coin."""
    quarters = msgspec.structs.replace(listed(ONE, contract_size="1"), size_increment=D("0.25"), min_size=D("0.25"))
    return [listed(BIP), quarters]


class Floor:
    """Runs steps through orders and risk, as an exchange and an operator would. Keeps what the exchange knows."""

    def __init__(self) -> None:
        self.desk = ready(Desk(OrdersBehaviour(), RiskBehaviour()), LIMITS)
        self.desk.hear(*listings())
        self.traded: dict[str, OrderReported] = {}
        self.count = 0
        self.waiting: list[tuple[str, AnyEvent]] = []

    def run(self, drawn: list[Step]) -> Floor:
        for step in drawn:
            self.take(*step)
        self._turn(ClockTicked(), by="clock", alone=True)
        return self

    def take(self, kind: str, a: int, b: int, c: int, alone: bool) -> None:
        """One step. Where it is not `alone`, its fact waits and comes in one turn with the next."""
        self.count += 1
        product = ONE if a % 2 else BIP
        fact: AnyEvent | None = None
        by = "operator"
        match kind:
            case "propose":
                fact, by = self._proposal(product, a, b, c), "strategy:s"
            case "report":
                fact, by = self._report(a, b, c), "user"
            case "foreign":
                fact, by = self._foreign(product, b, c), "user"
            case "mark":
                fact, by = marked(D(46_000 + 500 * b + 100 * c), at=self.desk.at, product=product), "marks"
            case "stale":
                fact, by = MarkWentStale(product=product, age_ms=9_000, reason="quiet"), "marks"
            case "transfer":
                fact, by = self._transfer(b), "account"
            case "tick":
                fact, by = ClockTicked(), "clock"
            case "kill" | "flatten":
                fact = KillSwitchThrown(reason="test", flatten=kind == "flatten")
            case "reset":
                fact = KillSwitchReset(reason="test")
            case "restrict":
                fact = ReduceOnlyRequested(product=product if b % 2 else None, reason="test")
            case "release":
                fact = ReduceOnlyReleased(product=product if b % 2 else None, reason="test")
            case "limit":
                fact = LimitChanged(limit="max_exposure_pct", value=f"{D(b + 1) / 10}", reason="test")
            case "session":
                self._new_session()
                return
            case _:
                fact, by = self._outcome(kind, b), "gateway"
        if fact is not None:
            self._turn(fact, by=by, alone=alone)

    def _turn(self, fact: AnyEvent, *, by: str, alone: bool) -> None:
        self.waiting.append((by, fact))
        if alone or len(self.waiting) > 3:
            self.desk.take(Turn(self.desk.at + SECOND, tuple(self.waiting)))
            self.waiting = []

    def _new_session(self) -> None:
        if self.waiting:
            self._turn(ClockTicked(), by="clock", alone=True)
        self._turn(with_limits(LIMITS, session=f"s-{self.count}"), by="session", alone=True)
        self._turn(ExchangeReconciled(exchange_at=self.desk.at), by="account", alone=True)

    def _proposal(self, product: str, a: int, b: int, c: int) -> AnyEvent:
        kind = OrderKind.LIMIT_GTC if c % 2 else OrderKind.CLOSE_POSITION if c == 8 else OrderKind.LIMIT_IOC
        needs_limit = kind is OrderKind.LIMIT_GTC or c == 0
        qty = (b + 1) * (1 if a < 4 else 12) if product == BIP else D(b + 1) / (4 if a < 4 else 1)
        return proposed(
            Side.BUY if a % 4 < 2 else Side.SELL,
            D(qty),
            at=self.desk.at,
            proposal=f"p-{self.count}",
            product=product,
            limit_price=str(46_000 + 500 * b + 200 * c) if needs_limit else None,
            kind=kind,
            reduce_only=kind is OrderKind.CLOSE_POSITION or b < 2,
        )

    def _ours(self, which: int) -> Any:
        orders = self.desk.seats["orders"].behaviour.state.orders
        sent = [order for order in orders.open.values() if order.stage is not Stage.APPROVED]
        return sent[which % len(sent)] if sent else None

    def _report(self, a: int, b: int, c: int) -> AnyEvent | None:
        """The next cumulative report of an order of ours, or the last one again."""
        order = self._ours(a)
        if order is None:
            return None
        before = self.traded.get(order.order)
        if before is not None and (c == 9 or before.status.is_final):
            return before
        traded = before.filled_qty if before is not None else D(0)
        value = before.filled_value if before is not None else D(0)
        fees = before.fees if before is not None else D(0)
        part = min(D(b) if order.product == BIP else D(b) / 4, order.qty - traded)
        value += part * SIZES[order.product] * (46_000 + 500 * c)
        fees += part * D("0.01")
        traded += part
        is_over = traded == order.qty or c > 6
        status = (OrderStatus.FILLED if traded == order.qty else OrderStatus.CANCELLED) if is_over else OrderStatus.OPEN
        report = self.traded[order.order] = order_reported(
            order.order,
            status,
            traded,
            value=value,
            fees=fees,
            qty=order.qty,
            side=order.side,
            product=order.product,
            kind=order.kind,
            limit_price=None,
            at=self.desk.at,
        )
        return report

    def _foreign(self, product: str, b: int, c: int) -> AnyEvent:
        qty = D(b + 1) if product == BIP else D(b + 1) / 4
        return order_reported(
            "",
            OrderStatus.FILLED,
            qty,
            value=qty * SIZES[product] * 50_000,
            qty=qty,
            side=Side.BUY if c % 2 else Side.SELL,
            product=product,
            exchange_order=f"manual-{self.count}",
            at=self.desk.at,
            origin=Origin.LIQUIDATION if c == 8 else Origin.FOREIGN,
        )

    def _transfer(self, b: int) -> AnyEvent:
        amount = D(1_000 * (b - 4))
        return TransferReported(transfer=f"t-{self.count}", amount=amount, reason="test", exchange_at=self.desk.at)

    def _outcome(self, kind: str, which: int) -> AnyEvent | None:
        order = self._ours(which)
        if order is None:
            return None
        if kind == "cancel":
            return CancelProposed(strategy="s", order=order.order, reason="test")
        if order.order in self.traded:
            return None
        if kind == "reject":
            return OrderRejected(order=order.order, code="NO", message="no")
        if kind == "unknown":
            return OrderOutcomeUnknown(order=order.order, error="timeout")
        return OrderNotFound(order=order.order, listings=2)
