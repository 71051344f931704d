"""Rows O5 and O6: the exchange comes back with nothing, and others trade on the account. Nothing is believed at once.

An account poller's round, orders, positions and risk over a small exchange: what it shows is put to them as they would
hear it, and an entry is asked for after each round.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.position import PositionBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.inquiry import Inquiry
from events.event import Event
from events.money import use_exact_arithmetic
from events.orders import OrderApproved, OrderClosed, OrderFilled, OrderRefused, OrderSubmitted, OrderWithheld
from events.position import AdjustmentApplied, DiscrepancyCleared, DiscrepancyFound
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Origin, Side
from projections.orders import Orders
from tests.actors.connection.lives import PRODUCTS, expect_verified
from tests.actors.connection.small_exchange import EXCHANGE_ID, Fate, Row, SmallExchange, Wire
from tests.streams.desk import SECOND, Desk, of_kind
from tests.streams.facts import BIP
from tests.streams.orders import marked, proposed, ready

D = Decimal


class Account:
    """Our side: what the account poller brings, and what follows."""

    def __init__(self) -> None:
        use_exact_arithmetic()
        self.exchange = SmallExchange()
        self.desk = ready(Desk(OrdersBehaviour(), PositionBehaviour(), RiskBehaviour()))
        self.exchange.clock = lambda: self.desk.at
        client = CoinbaseClient("http://small.exchange", rate_limit_per_minute=1_000_000)
        client.set_transport_for_testing(Wire(self.exchange))
        self.inquiry = Inquiry(client, PRODUCTS, lambda: self.desk.at)
        self.number = 0

    def round(self, after_s: int = 1) -> list[Event]:
        """Seconds pass, then the whole account is read."""
        said: list[Event] = []
        for _ in range(after_s):
            said += self.desk.hear(ClockTicked(), marked("50000", at=self.desk.at), by="clock", after=SECOND)
        self.exchange.at = max(self.exchange.at, self.desk.at)
        return said + self.desk.hear(*self.inquiry.everything(list(self.exchange.history)), by="account")

    def hand(self, side: Side, lots: int, **changes: object) -> Row:
        """Somebody else trades at this account, at once."""
        self.number += 1
        name = f"by-hand-{self.number}"
        self.exchange.at = max(self.exchange.at, self.desk.at)
        self.exchange.fills[name] = [(lots, 0)]
        wanted = {"client_order_id": name, "product_id": EXCHANGE_ID, "side": side.upper(), **changes}
        return self.exchange.take(wanted | {"order_configuration": {"market_market_ioc": {"base_size": str(lots)}}})

    def entry(self) -> str:
        """What risk says to an entry now: "" when it passes, else the code of its refusal."""
        self.number += 1
        said = self.desk.hear(
            proposed(Side.BUY, "1", at=self.desk.at, proposal=f"p-{self.number}", limit_price="50000"),
            by="strategy:baseline",
        )
        for intent in of_kind(said, OrderSubmitted):  # it is not sent in this test
            self.desk.hear(OrderWithheld(order=intent.order, reason="a test"), by="gateway")
        refusals = of_kind(said, OrderRefused)
        return refusals[0].code if refusals else ""

    @property
    def held(self) -> Decimal:
        behaviour = self.desk.seats["risk"].behaviour
        assert isinstance(behaviour, RiskBehaviour)
        return behaviour.state.account.held(BIP)


@pytest.fixture
def account() -> Iterator[Account]:
    """In the end every decision is derived again from the log."""
    account = Account()
    yield account
    expect_verified(account.desk.log, RiskBehaviour())


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("empty_for_s", [1, 3, 6, 8, 9])
def test_o5_an_exchange_that_comes_back_with_no_position_is_not_believed_at_once(
    account: Account, side: Side, empty_for_s: int
) -> None:
    account.hand(side, 4)
    account.round()
    account.round(12)
    held = account.held
    assert held == 4 * side.sign
    assert account.entry() == ""

    positions, account.exchange.positions = account.exchange.positions, list  # type: ignore[method-assign]  # it forgot
    for row in account.exchange.orders:
        account.exchange.end(row["order_id"])
    said = account.round()
    assert [found.theirs for found in of_kind(said, DiscrepancyFound)] == [D(0)]
    assert account.entry() == "position_in_doubt"
    said += account.round(empty_for_s - 1) if empty_for_s > 1 else []
    assert account.entry() == "position_in_doubt"
    assert account.held == held

    account.exchange.positions = positions  # type: ignore[method-assign]  # it remembers
    said += account.round()
    assert of_kind(said, DiscrepancyCleared)
    assert not of_kind(said, AdjustmentApplied)
    assert account.held == held
    assert account.entry() == ""


@pytest.mark.parametrize("side", list(Side))
def test_o5_while_the_position_is_in_doubt_only_the_exchange_itself_may_close_it(account: Account, side: Side) -> None:
    account.hand(side, 4)
    account.round()
    account.round(12)
    account.exchange.positions = list  # type: ignore[method-assign]  # it forgot
    account.round()
    out = side.opposite
    limit = "49750" if out is Side.SELL else "50250"
    exits = [
        proposed(out, "4", at=account.desk.at, proposal="limit", limit_price=limit, reduce_only=True),
        proposed(out, "4", at=account.desk.at, proposal="close", kind=OrderKind.CLOSE_POSITION, reduce_only=True),
    ]
    said = account.desk.hear(*exits, by="strategy:baseline")
    assert [refused.proposal for refused in of_kind(said, OrderRefused)] == ["limit"]
    assert [approved.proposal for approved in of_kind(said, OrderApproved)] == ["close"]


def test_o5_orders_that_a_restart_cancelled_are_over_and_nothing_is_sent_again(account: Account) -> None:
    account.round()
    intents = []
    for number in range(3):
        said = account.desk.hear(
            proposed(
                Side.BUY, "1", at=account.desk.at, proposal=f"rests-{number}", kind=OrderKind.LIMIT_GTC,
                limit_price="49000",
            ),
            by="strategy:baseline",
        )  # fmt: skip
        (intent,) = of_kind(said, OrderSubmitted)
        intents.append(intent)
        account.exchange.fates[intent.order] = Fate.REPLIED
        resting = {"limit_limit_gtc": {"base_size": "1", "limit_price": "49000"}}
        order = {"client_order_id": intent.order, "product_id": EXCHANGE_ID, "side": "BUY"}
        account.exchange.take(order | {"order_configuration": resting})
    account.round()
    for row in account.exchange.orders:
        account.exchange.end(row["order_id"])
    said = account.round()
    assert [closed.order for closed in of_kind(said, OrderClosed)] == [intent.order for intent in intents]
    assert not of_kind(account.round(60), OrderSubmitted)


MANUAL: dict[str, object] = {}
LIQUIDATION: dict[str, object] = {"is_liquidation": True, "order_type": "LIQUIDATION"}


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("lots", [1, 4])
@pytest.mark.parametrize(
    ("changes", "origin"), [(MANUAL, Origin.FOREIGN), (LIQUIDATION, Origin.LIQUIDATION)], ids=["by hand", "liquidation"]
)
def test_o6_what_others_trade_is_adopted_as_theirs_and_counts(
    account: Account, side: Side, lots: int, changes: dict[str, object], origin: Origin
) -> None:
    account.hand(Side.BUY, 2)
    account.round()
    account.round(12)
    account.hand(side, lots, **changes)
    said = account.round()
    (fill,) = of_kind(said, OrderFilled)
    assert (fill.origin, fill.side, fill.qty) == (origin, side, D(lots))
    assert account.held == 2 + side.sign * lots
    assert len(of_kind(said, DiscrepancyFound)) == len(of_kind(said, DiscrepancyCleared)), "explained in the same turn"
    said += account.round(12)
    assert not of_kind(said, AdjustmentApplied)
    assert account.entry() == ""


@pytest.mark.parametrize("lots", [1, 3])
def test_o6_a_position_that_is_taken_away_without_any_order_is_adopted_on_evidence(account: Account, lots: int) -> None:
    """Auto-deleveraging has no order of ours and no fill: only the position tells of it."""
    account.hand(Side.BUY, 3)
    account.round()
    account.round(12)
    left = [{"product_id": EXCHANGE_ID, "side": "LONG", "number_of_contracts": str(3 - lots), "current_price": "50000"}]
    account.exchange.positions = lambda: left if lots < 3 else []  # type: ignore[method-assign]  # it was taken away
    said = account.round()
    assert [found.theirs for found in of_kind(said, DiscrepancyFound)] == [D(3 - lots)]
    assert account.entry() == "position_in_doubt"
    said = account.round(12)
    if not of_kind(said, AdjustmentApplied):
        said += account.round(3)
    (adjusted,) = of_kind(said, AdjustmentApplied)
    assert adjusted.qty == -lots
    assert account.held == 3 - lots
    assert account.entry() == ""


def test_o6_another_programs_resting_order_counts_against_the_limits_and_is_left_alone(account: Account) -> None:
    account.round()
    resting = {"limit_limit_gtc": {"base_size": "39", "limit_price": "49900"}}
    order = {"client_order_id": "another-program", "product_id": EXCHANGE_ID, "side": "BUY"}
    account.exchange.take(order | {"order_configuration": resting})
    said = account.round()
    limited = account.desk.hear(
        proposed(Side.BUY, "2", at=account.desk.at, proposal="two", limit_price="50000"), by="strategy:baseline"
    )
    assert of_kind(limited, OrderRefused)[0].code == "exposure_symbol"
    said += account.desk.hear(KillSwitchThrown(reason="enough"), by="operator")
    status = {order.status for order in _orders(account).open_orders(BIP)}
    assert status == {OrderStatus.OPEN}


def _orders(account: Account) -> Orders:
    behaviour = account.desk.seats["orders"].behaviour
    assert isinstance(behaviour, OrdersBehaviour)
    return behaviour.state.orders
