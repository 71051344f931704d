"""Laws of an order's way, over generated interleavings with the real gateway: no order twice, none lost, none stuck.

Each create meets a fate: its reply is lost after the order was taken, it arrives late, or the process dies around it,
between durable intent, send, reply and append. Whatever comes, the exchange was sent each id at most once, the log
ends with what the exchange has, and profit is counted once.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from events.money import use_exact_arithmetic
from events.orders import OrderSubmitted
from events.record import Record
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Side
from tests.actors.connection.lives import Life, expect_verified
from tests.actors.connection.small_exchange import TAKEN, Fate, Row, SmallExchange
from tests.laws.naive import NaiveLedger
from tests.streams.desk import SECOND
from tests.streams.facts import BIP
from tests.streams.orders import approved

INTERLEAVINGS = 200
#: So that none of our orders would trade with another: one that would, waits.
LIMITS = {Side.BUY: "49750", Side.SELL: "50250"}
#: An order that was given up is closed after a minute of session time.
GIVEN_UP_NS = 61 * SECOND

REPLIES = (Fate.REPLIED, Fate.REFUSED, Fate.LOST, Fate.FAILED, Fate.GARBLED, Fate.NEVER, Fate.LATE)
CRASHES = tuple(fate for fate in Fate if fate.name.startswith("DIES"))


class Plan(NamedTuple):
    """One order: what is asked, what trades of it at once, what becomes of its create; whether the next waits."""

    side: Side
    kind: OrderKind
    qty: int
    fills: tuple[tuple[int, int], ...]
    fate: Fate
    waits: bool


@st.composite
def plans(draw: st.DrawFn, fates: tuple[Fate, ...]) -> Plan:
    qty = draw(st.integers(1, 6))
    fills, left = [], qty
    while left and draw(st.booleans()):
        lots = draw(st.integers(1, left))
        fills.append((lots, draw(st.integers(-20, 20))))
        left -= lots
    return Plan(
        side=draw(st.sampled_from(Side)),
        kind=draw(st.sampled_from([OrderKind.LIMIT_IOC, OrderKind.LIMIT_GTC])),
        qty=qty,
        fills=tuple(fills),
        fate=draw(st.sampled_from(fates)),
        waits=draw(st.booleans()),
    )


def play(script: list[Plan]) -> tuple[SmallExchange, list[Record], dict[str, Plan]]:
    """Live through it, dying and living again; the exchange, the log, and each order's plan by its id."""
    use_exact_arithmetic()
    exchange = SmallExchange()
    life = Life(exchange, [], 1)
    lives, planned = 1, {}
    try:
        for plan in script:
            intent = submit(life, exchange, plan)
            planned[intent.order] = plan
            if plan.waits or plan.fate in CRASHES:
                life.pump(lambda life=life, order=intent.order: life.orders.get(order).stage != "submitted")  # type: ignore[misc]  # bound now
            if plan.fate in CRASHES:
                lives += 1
                life = Life(exchange, life.end(), lives)
                expect_unknown_blocks(life)
        settle(life, exchange)
    finally:
        log = life.end()
    return exchange, log, planned


def submit(life: Life, exchange: SmallExchange, plan: Plan) -> OrderSubmitted:
    """Approve an order and let its intent be durable. Its fate is set before the gateway can send it."""
    limit = LIMITS[plan.side]
    approval = approved(plan.side, str(plan.qty), kind=plan.kind, limit_price=limit, expires_at=life.desk.at + SECOND)
    gateway, life.gateway = life.gateway, None
    (intent,) = life.hear(approval, by="risk")
    life.gateway = gateway
    assert isinstance(intent, OrderSubmitted)
    exchange.fates[intent.order], exchange.fills[intent.order] = plan.fate, list(plan.fills)
    if plan.fate is Fate.DIES_DURABLE:
        life.wire.is_dead.set()
    else:
        assert gateway is not None
        gateway.committed([record for record in life.desk.log[-2:] if record.event == intent])
    return intent


def expect_unknown_blocks(life: Life) -> None:
    """What an earlier life left open is uncertain here, and risk takes no entries on its product, until it is told."""
    uncertain = {order.order for order in life.orders.unknown(BIP)}
    assert {*life.known.unsettled} <= uncertain


def settle(life: Life, exchange: SmallExchange) -> None:
    """Until nothing is uncertain: everything was reported as the exchange has it, or was given up on evidence."""

    def is_settled() -> bool:
        with exchange.lock:
            rows = {row["client_order_id"]: row for row in exchange.orders}
            for order in [*life.orders.open.values(), *life.orders.closed.values()]:
                row = rows.get(order.order)
                if row is not None and (order.is_uncertain or not is_as(row, order.told_qty, order.is_final)):
                    return False
                if row is None and order.is_open and not order.given_up_at:
                    return False
            return not exchange.under_way

    life.pump(is_settled)
    life.hear(ClockTicked(), by="clock", after=GIVEN_UP_NS)


def is_as(row: Row, qty: object, is_final: bool) -> bool:
    return Fraction(row["filled_size"]) == qty and (row["status"] != "OPEN") == is_final


def expect_the_truth(exchange: SmallExchange, log: list[Record], planned: dict[str, Plan]) -> None:
    """Nothing twice, nothing lost, nothing stuck, and money to the last digit."""
    assert max(Counter(exchange.arrived).values(), default=0) <= 1, exchange.arrived
    should_arrive = {order for order, plan in planned.items() if plan.fate in TAKEN}
    assert should_arrive - {*exchange.arrived} <= may_be_unsent(planned)
    assert {*exchange.arrived} <= should_arrive
    assert len(exchange.orders) == len(exchange.arrived)
    reader = Life(exchange, log, 99, gateway=False)
    for order, plan in planned.items():
        seen = reader.orders.get(order)
        assert seen is not None
        row = next((row for row in exchange.orders if row["client_order_id"] == order), None)
        assert seen.filled_qty == Fraction(row["filled_size"] if row else 0)
        assert seen.is_open == (row is not None and row["status"] == "OPEN"), (plan, seen)
        assert seen.status is not OrderStatus.FILLED or seen.filled_qty == plan.qty
    expect_money(exchange, log)
    expect_verified(log)


def may_be_unsent(planned: dict[str, Plan]) -> set[str]:
    """Orders that nobody waited for before the process died: they may have been in the gateway's hands still."""
    orders = list(planned)
    died = [place for place, plan in enumerate(planned.values()) if plan.fate in CRASHES]
    return {orders[place] for place in range(max(died, default=0)) if not planned[orders[place]].waits}


def expect_money(exchange: SmallExchange, log: list[Record]) -> None:
    """The position, the cash and the fees of the log are those of the exchange's own fills."""
    ledger = NaiveLedger()
    for record in log:
        ledger.take(record)
    signs = {"BUY": 1, "SELL": -1}
    rows = exchange.orders
    assert ledger.qty.get(BIP, 0) == sum(signs[row["side"]] * Fraction(row["filled_size"]) for row in rows)
    assert ledger.cash == -sum(signs[row["side"]] * Fraction(row["filled_value"]) for row in rows)
    assert ledger.fees == sum(Fraction(row["total_fees"]) for row in rows)


@settings(max_examples=INTERLEAVINGS)
@given(st.lists(plans(REPLIES), min_size=1, max_size=3))
def test_an_order_whose_reply_is_lost_is_at_the_exchange_once_and_in_the_log_as_it_is_there(script: list[Plan]) -> None:
    """O1."""
    expect_the_truth(*play(script))


@settings(max_examples=INTERLEAVINGS)
@given(st.lists(plans(CRASHES), min_size=1, max_size=2), st.lists(plans(REPLIES), max_size=1))
def test_a_process_that_dies_around_a_send_never_sends_it_again_and_finds_out_what_became_of_it(
    deaths: list[Plan], before: list[Plan]
) -> None:
    """O2: between intent and send, send and reply, reply and append; once or twice in a row."""
    expect_the_truth(*play([*before, *deaths]))
