"""Rules A17, A18, A20 and A23 of the trading rules: how orders protect, fill and make way. Each by its name."""

from __future__ import annotations

from typing import Any

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.protection import ProtectionBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.configuration import OrderSetting, RiskLimits
from events.feeds import ExchangeReconciled
from events.orders import (
    CancelProposed,
    CancelSubmitted,
    FillCorrected,
    FillEntry,
    FillsConfirmed,
    FillsReported,
    OrderApproved,
    OrderFilled,
    OrderRefused,
    OrderRejected,
    OrderSubmitted,
)
from events.position import PositionUnprotected
from events.risk import KillSwitchThrown, ReduceOnlyRequested
from events.session import ClockTicked
from events.terms import FillKind, OrderKind, OrderStatus, Side
from projections.positions import Positions
from tests.rules.gate import WIDE, asked, at_gate
from tests.streams.desk import MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, filled, listed
from tests.streams.orders import approved, marked, order_reported, position_of, with_limits

TICK = ClockTicked()


class TestA17Protection:
    @staticmethod
    def trade(desk: Desk, side: Side, qty: str, name: str) -> None:
        """Somebody trades at this account, at 60,000."""
        value = D(qty) * 600
        report = order_reported(
            "", OrderStatus.FILLED, qty, value=value, qty=qty, side=side, exchange_order=name, limit_price=None
        )
        desk.hear(report, by="user")

    def protected(self) -> tuple[Desk, OrderSubmitted]:
        desk = Desk(OrdersBehaviour(), RiskBehaviour(), ProtectionBehaviour())
        desk.hear(with_limits(RiskLimits(), orders=OrderSetting(protective_bracket=True)), by="session")
        desk.hear(listed(BIP), marked("60000"), ExchangeReconciled(exchange_at=desk.at), by="account")
        self.trade(desk, Side.BUY, "5", "o-1")
        (bracket,) = of_kind(desk.hear(TICK, by="clock", after=SECOND), OrderSubmitted)
        return desk, bracket

    def test_a17_each_position_has_a_reduce_only_bracket_at_the_exchange(self) -> None:
        """A stop at 57,000 for a long from 60,000, five percent below."""
        _, bracket = self.protected()
        assert (bracket.kind, bracket.side, bracket.qty) == (OrderKind.TRIGGER_BRACKET_GTC, Side.SELL, D(5))
        assert (bracket.reduce_only, bracket.stop_price) == (True, D(57_000))

    def test_a17_it_is_resized_after_a_fill_and_kept_by_the_kill_switch(self) -> None:
        desk, bracket = self.protected()
        report = order_reported(bracket.order, qty="5", side=Side.SELL, kind=bracket.kind, at=desk.at)
        desk.hear(report, by="user")
        assert of_kind(desk.hear(KillSwitchThrown(reason="enough"), by="operator"), CancelSubmitted) == []
        self.trade(desk, Side.SELL, "2", "o-2")
        said = [event for _ in range(5) for event in desk.hear(TICK, by="clock", after=SECOND)]
        assert {cancel.order for cancel in of_kind(said, CancelSubmitted)} == {bracket.order}

    def test_a17_where_the_exchange_takes_none_it_is_said(self) -> None:
        desk, bracket = self.protected()
        no = OrderRejected(order=bracket.order, code="UNSUPPORTED_ORDER_CONFIGURATION", message="no brackets here")
        desk.hear(no, by="gateway")
        said = [event for _ in range(3) for event in desk.hear(TICK, by="clock", after=SECOND)]
        assert [each.product for each in of_kind(said, PositionUnprotected)] == [BIP]


def entry(name: str, qty: str, price: str, fee: str, kind: FillKind = FillKind.FILL) -> FillEntry:
    return FillEntry(entry=name, trade=name, kind=kind, qty=D(qty), price=D(price), fee=D(fee), exchange_at=MONDAY)


class TestA18DerivedFills:
    def opened(self) -> tuple[Desk, str]:
        desk = Desk(OrdersBehaviour(), at=MONDAY)
        desk.hear(listed(BIP))
        (order,) = of_kind(desk.hear(approved(qty="8"), by="risk"), OrderSubmitted)
        return desk, order.order

    def test_a18_a_fill_is_the_difference_of_two_cumulative_reports(self) -> None:
        """5 filled for 2,915.00, then 8 for 4,664.60: a fill of 3 worth 1,749.60, at 58,320."""
        desk, order = self.opened()
        desk.hear(order_reported(order, filled="5", value="2915.00", qty="8"), by="user")
        said = desk.hear(order_reported(order, filled="8", value="4664.60", qty="8"), by="user")
        (fill,) = of_kind(said, OrderFilled)
        assert (fill.qty, fill.value, fill.price) == (D(3), D("1749.60"), D(58_320))

    def test_a18_the_list_of_fills_confirms_or_corrects_what_was_derived(self) -> None:
        desk, order = self.opened()
        report = order_reported(order, OrderStatus.FILLED, "8", value="4664.60", fees="3.73", qty="8")
        desk.hear(report, by="user")
        lines = (entry("e-1", "5", "58300", "2.33"), entry("e-2", "3", "58320", "1.40"))
        told = FillsReported(order=order, exchange_order=f"x-{order}", product=BIP, entries=lines)
        (confirmed,) = of_kind(desk.hear(told, by="account"), FillsConfirmed)
        assert (confirmed.qty, confirmed.value, confirmed.fees) == (D(8), D("4664.60"), D("3.73"))
        back = FillsReported(
            order=order,
            exchange_order=f"x-{order}",
            product=BIP,
            entries=(*lines, entry("e-3", "3", "58320", "-1.40", FillKind.REVERSAL)),
        )
        (corrected,) = of_kind(desk.hear(back, by="account"), FillCorrected)
        positions = Positions()
        for record in desk.log:
            positions.fold(record)
        assert corrected.side is Side.SELL or corrected.qty < 0
        assert (positions.of(BIP).qty, positions.of(BIP).fees) == (D(5), D("2.33"))


class TestA20SelfTrade:
    @pytest.mark.parametrize(("limit", "meets"), [("50010", True), ("50000", False)])
    def test_a20_an_order_that_would_cross_our_own_waits_until_that_one_is_confirmed_cancelled(
        self, limit: str, meets: bool
    ) -> None:
        """Our sell rests at 50,005: a buy up to 50,010 would meet it, one up to 50,000 would not."""
        desk = at_gate(WIDE)
        asked(desk, Side.SELL, "3", kind=OrderKind.LIMIT_GTC, limit_price="50005")
        (ours,) = self.sent(desk)
        terms = {"qty": "3", "side": Side.SELL, "limit_price": "50005", "at": desk.at}
        desk.hear(order_reported(ours.order, kind=ours.kind, **terms), by="user")  # type: ignore[arg-type]  # its keywords
        asked(desk, Side.BUY, "1", proposal="p-2", limit_price=limit)
        cancels = [r.event.order for r in desk.log if isinstance(r.event, CancelSubmitted)]
        assert cancels == ([ours.order] if meets else [])
        assert len(self.sent(desk)) == (1 if meets else 2)
        over = order_reported(ours.order, OrderStatus.CANCELLED, kind=ours.kind, **terms)  # type: ignore[arg-type]  # as above
        desk.hear(over, by="user")
        assert [order.proposal for order in self.sent(desk)] == ["p-1", "p-2"]

    @staticmethod
    def sent(desk: Desk) -> list[OrderSubmitted]:
        return [record.event for record in desk.log if isinstance(record.event, OrderSubmitted)]


class TestA23ReduceOnlyWithRestingOrders:
    def test_a23_on_entering_it_what_rests_and_could_increase_is_cancelled_until_confirmed(self) -> None:
        desk = at_gate(WIDE)
        buys = order_reported("buy", kind=OrderKind.LIMIT_GTC, limit_price="49000", at=desk.at)
        desk.hear(buys, by="user")
        said = desk.hear(ReduceOnlyRequested(product=BIP, reason="test"), by="operator")
        again = desk.hear(TICK, by="clock", after=6 * SECOND)
        assert [c.order for c in (*of_kind(said, CancelSubmitted), *of_kind(again, CancelSubmitted))] == ["buy", "buy"]

    def test_a23_when_the_position_shrinks_exits_are_cut_to_fit_the_newest_first(self) -> None:
        """Long 10 with exits of 6, then 4; the position falls to 7: the 6 stays, the 4 goes."""
        desk = at_gate(WIDE)
        desk.hear(position_of("10"), by="orders")
        orders = []
        for number, qty in enumerate(("6", "4")):
            asked(
                desk,
                Side.SELL,
                qty,
                proposal=f"p-{number}",
                reduce_only=True,
                kind=OrderKind.LIMIT_GTC,
                limit_price="60000",
            )
            sent = [r.event for r in desk.log if isinstance(r.event, OrderSubmitted)][-1]
            orders.append(sent.order)
            report = order_reported(sent.order, qty=qty, side=Side.SELL, kind=sent.kind, limit_price="60000")
            desk.hear(report, by="user")
        said = desk.hear(filled(Side.SELL, "3", "50000", at=desk.at, order="by-hand"), by="orders")
        assert [cancel.order for cancel in of_kind(said, CancelSubmitted)] == [orders[1]]

    def test_a23_a_cancel_request_frees_nothing_until_the_exchange_says_that_the_order_is_gone(self) -> None:
        desk = at_gate(WIDE)
        desk.hear(position_of("5"), by="orders")
        asked(desk, Side.SELL, "5", reduce_only=True, kind=OrderKind.LIMIT_GTC, limit_price="60000")
        (rests,) = (record.event for record in desk.log if isinstance(record.event, OrderSubmitted))
        terms: dict[str, Any] = {"qty": "5", "side": Side.SELL, "kind": rests.kind, "limit_price": "60000"}
        desk.hear(order_reported(rests.order, **terms), by="user")
        said = desk.hear(CancelProposed(strategy="s", order=rests.order, reason="test"), by="strategy:s")
        assert [cancel.order for cancel in of_kind(said, CancelSubmitted)] == [rests.order]
        again: dict[str, Any] = {"reduce_only": True, "kind": OrderKind.LIMIT_GTC, "limit_price": "61000"}
        assert isinstance(asked(desk, Side.SELL, "5", proposal="p-2", **again), OrderRefused)
        desk.hear(order_reported(rests.order, OrderStatus.CANCELLED, **terms), by="user")
        assert isinstance(asked(desk, Side.SELL, "5", proposal="p-3", **again), OrderApproved)
