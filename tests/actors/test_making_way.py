"""Orders that stand in each other's way: who waits, who goes, and what is cut to fit (trading rules A17, A20, A23)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.event import Event
from events.orders import (
    CancelSubmitted,
    OrderApproved,
    OrderClosed,
    OrderFilled,
    OrderLapsed,
    OrderOutcomeUnknown,
    OrderProposed,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
)
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Side
from tests.streams.desk import SECOND, Desk, of_kind
from tests.streams.facts import BIP
from tests.streams.orders import order_reported, proposed, ready

D = Decimal
GTC = OrderKind.LIMIT_GTC
BRACKET = OrderKind.TRIGGER_BRACKET_GTC


@pytest.fixture
def desk() -> Desk:
    """Long five contracts, by a trade of somebody at this account."""
    desk = ready(Desk(OrdersBehaviour(), RiskBehaviour()))
    by_hand(desk, Side.BUY, "5", "bought")
    return desk


def by_hand(desk: Desk, side: Side, qty: str, name: str) -> list[Event]:
    """Somebody else trades on this account."""
    return desk.hear(
        order_reported("", OrderStatus.FILLED, qty, qty=qty, side=side, exchange_order=name, limit_price=None),
        by="user",
    )


def ask(desk: Desk, side: Side, qty: str, kind: OrderKind, price: str | None, **more: object) -> list[Event]:
    desk.at += SECOND
    order = proposed(side, qty, at=desk.at, kind=kind, limit_price=price, reduce_only=side is Side.SELL)
    changed = {**{name: getattr(order, name) for name in order.__struct_fields__}, **more}
    return desk.hear(OrderProposed(**changed), by="strategy:baseline")


def intent(said: list[Event]) -> OrderSubmitted:
    (found,) = of_kind(said, OrderSubmitted)
    return found


def rests(desk: Desk, side: Side, qty: str, price: str, kind: OrderKind = GTC, stop: str | None = None) -> str:
    """An order of ours stands at the exchange; its id."""
    submitted = intent(ask(desk, side, qty, kind, price, stop_price=None if stop is None else D(stop)))
    desk.hear(report(submitted), by="user")
    return submitted.order


def report(order: OrderSubmitted, status: OrderStatus = OrderStatus.OPEN, filled: str = "0") -> OrderReported:
    return order_reported(
        order.order,
        status,
        filled,
        qty=order.qty,
        side=order.side,
        kind=order.kind,
        limit_price=None if order.limit_price is None else str(order.limit_price),
    )


def gone(desk: Desk, order: str, side: Side, qty: str, kind: OrderKind = GTC, filled: str = "0") -> list[Event]:
    """The exchange confirms that an order is cancelled."""
    return desk.hear(
        order_reported(order, OrderStatus.CANCELLED, filled, qty=qty, side=side, kind=kind, limit_price=None), by="user"
    )


def cancelled(said: list[Event]) -> list[str]:
    return [cancel.order for cancel in of_kind(said, CancelSubmitted)]


class TestWaiting:
    def test_an_exit_waits_until_the_entry_it_would_trade_with_is_confirmed_gone(self, desk: Desk) -> None:
        entry = rests(desk, Side.BUY, "2", "49900")
        said = ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750")
        assert (cancelled(said), of_kind(said, OrderSubmitted)) == ([entry], [])
        assert intent(gone(desk, entry, Side.BUY, "2")).qty == D(5)

    def test_a_request_to_cancel_frees_nothing_and_a_waiting_order_lapses_with_its_approval(self, desk: Desk) -> None:
        rests(desk, Side.SELL, "2", "50100")
        said = ask(desk, Side.BUY, "2", OrderKind.LIMIT_IOC, "50200")
        assert not of_kind(said, OrderSubmitted)
        in_time = desk.hear(ClockTicked(), by="clock", after=SECOND)
        assert not of_kind(in_time, OrderLapsed)
        late = desk.hear(ClockTicked(), by="clock", after=2 * SECOND)
        assert [type(event) for event in late] == [OrderLapsed, OrderClosed]

    def test_what_fills_while_another_waits_for_its_end_is_counted_first(self, desk: Desk) -> None:
        exit_ = rests(desk, Side.SELL, "2", "50100")
        ask(desk, Side.BUY, "2", OrderKind.LIMIT_IOC, "50200")
        said = gone(desk, exit_, Side.SELL, "2", filled="1")
        assert [fill.qty for fill in of_kind(said, OrderFilled)] == [D(1)]
        assert intent(said).side is Side.BUY

    def test_an_entry_that_waits_never_leaves_behind_a_kill_and_an_exit_does(self, desk: Desk) -> None:
        exit_ = rests(desk, Side.SELL, "2", "50100")
        ask(desk, Side.BUY, "2", OrderKind.LIMIT_IOC, "50200")
        said = desk.hear(KillSwitchThrown(reason="enough"), by="operator")
        assert [lapsed.reason for lapsed in of_kind(said, OrderLapsed)] == [
            "cancelled while it waited: kill switch: enough"
        ]
        assert not of_kind(gone(desk, exit_, Side.SELL, "2"), OrderSubmitted)
        bracket = rests(desk, Side.SELL, "5", "55000", BRACKET, stop="47500")
        ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750")
        desk.hear(KillSwitchThrown(reason="again"), by="operator")
        assert intent(gone(desk, bracket, Side.SELL, "5", BRACKET)).side is Side.SELL

    def test_orders_that_do_not_reach_each_other_do_not_wait(self, desk: Desk) -> None:
        rests(desk, Side.SELL, "2", "50300")
        assert intent(ask(desk, Side.BUY, "2", OrderKind.LIMIT_IOC, "50200")).limit_price == D(50_200)

    @pytest.mark.parametrize("is_exit", [True, False])
    def test_an_exit_that_finds_everything_held_by_what_rests_lets_that_be_cancelled(
        self, desk: Desk, is_exit: bool
    ) -> None:
        """An entry on the side of the exit holds the position too: with it the exit would be refused for days."""
        submitted = intent(ask(desk, Side.SELL, "5" if is_exit else "9", GTC, "55000", reduce_only=is_exit))
        desk.hear(report(submitted), by="user")
        kept = submitted.order
        said = ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750")
        assert [refused.code for refused in of_kind(said, OrderRefused)] == ["nothing_to_reduce"]
        assert cancelled(said) == [kept]


class TestBrackets:
    def test_an_exit_takes_the_bracket_away_and_leaves_when_that_is_confirmed(self, desk: Desk) -> None:
        bracket = rests(desk, Side.SELL, "5", "55000", BRACKET, stop="47500")
        said = ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750")
        assert of_kind(said, OrderApproved)[0].qty == D(5)
        assert (cancelled(said), of_kind(said, OrderSubmitted)) == ([bracket], [])
        assert intent(gone(desk, bracket, Side.SELL, "5", BRACKET)).qty == D(5)

    def test_an_exit_that_the_bracket_filled_meanwhile_is_not_sent(self, desk: Desk) -> None:
        bracket = rests(desk, Side.SELL, "5", "55000", BRACKET, stop="47500")
        ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750")
        filled = order_reported(bracket, OrderStatus.FILLED, "5", side=Side.SELL, kind=BRACKET, limit_price=None)
        said = desk.hear(filled, by="user")
        assert not of_kind(said, OrderSubmitted)
        assert "the position shrank since the approval" in [each.reason for each in of_kind(said, OrderClosed)]

    def test_a_bracket_of_which_nobody_knows_holds_up_an_exit_but_not_the_exchanges_own_close(self, desk: Desk) -> None:
        sent = intent(ask(desk, Side.SELL, "5", BRACKET, "55000", stop_price=D(47_500)))
        desk.hear(OrderOutcomeUnknown(order=sent.order, error="timed out"), by="gateway")
        assert not of_kind(ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750"), OrderSubmitted)
        desk.hear(ClockTicked(), by="clock", after=11 * SECOND)  # the exit's approval has lapsed
        assert intent(ask(desk, Side.SELL, "5", OrderKind.CLOSE_POSITION, None)).qty == D(5)

    def test_a_bracket_never_takes_more_than_the_position_less_what_reduces_it_already(self, desk: Desk) -> None:
        rests(desk, Side.SELL, "3", "50100")
        said = ask(desk, Side.SELL, "5", BRACKET, "55000", stop_price=D(47_500))
        assert (intent(said).qty, intent(said).stop_price) == (D(2), D(47_500))

    def test_a_bracket_and_an_entry_on_the_other_side_do_not_cross(self, desk: Desk) -> None:
        rests(desk, Side.SELL, "5", "55000", BRACKET, stop="47500")
        assert intent(ask(desk, Side.BUY, "1", OrderKind.LIMIT_IOC, "50200")).side is Side.BUY

    def test_the_kill_switch_keeps_the_bracket_and_a_flatten_takes_it_away_first(self, desk: Desk) -> None:
        bracket = rests(desk, Side.SELL, "5", "55000", BRACKET, stop="47500")
        assert cancelled(desk.hear(KillSwitchThrown(reason="enough"), by="operator")) == []
        desk.hear(KillSwitchThrown(reason="enough", flatten=True), by="operator")
        said = desk.hear(ClockTicked(), by="clock", after=SECOND)
        assert cancelled(said) == [bracket]
        assert intent(gone(desk, bracket, Side.SELL, "5", BRACKET)).qty == D(5)

    @pytest.mark.parametrize("stop", [None, "0", "-5", "NaN"])
    def test_a_bracket_without_a_stop_price_is_refused(self, desk: Desk, stop: str | None) -> None:
        said = ask(desk, Side.SELL, "5", BRACKET, "55000", stop_price=None if stop is None else D(stop))
        assert of_kind(said, OrderRefused)[0].code == "stop_price"

    def test_an_order_that_ends_at_a_time_needs_one_that_is_ahead(self, desk: Desk) -> None:
        for until in (None, desk.at):
            said = ask(desk, Side.BUY, "1", OrderKind.LIMIT_GTD, "49900", good_until=until)
            assert of_kind(said, OrderRefused)[0].code == "good_until"
        ends = desk.at + 600 * SECOND
        assert intent(ask(desk, Side.BUY, "1", OrderKind.LIMIT_GTD, "49900", good_until=ends)).good_until == ends


class TestCutting:
    def test_exits_are_cut_to_fit_when_the_position_shrinks_by_another_hand_the_newest_first(self, desk: Desk) -> None:
        old, new = rests(desk, Side.SELL, "3", "50100"), rests(desk, Side.SELL, "2", "50200")
        assert cancelled(by_hand(desk, Side.SELL, "1", "sold")) == [new]
        again = intent(gone(desk, new, Side.SELL, "2"))
        assert (again.qty, again.limit_price, again.kind, again.reduce_only) == (D(1), D(50_200), GTC, True)
        assert old in open_orders(desk)

    def test_an_exit_that_does_not_fit_at_all_is_cancelled_and_the_older_one_cut(self, desk: Desk) -> None:
        old, new = rests(desk, Side.SELL, "3", "50100"), rests(desk, Side.SELL, "2", "50200")
        assert cancelled(by_hand(desk, Side.SELL, "3", "sold")) == [old, new]
        assert not of_kind(gone(desk, new, Side.SELL, "2"), OrderSubmitted)
        assert intent(gone(desk, old, Side.SELL, "3")).qty == D(2)

    def test_what_filled_while_it_was_cut_is_not_placed_again(self, desk: Desk) -> None:
        exit_ = rests(desk, Side.SELL, "5", "50100")
        by_hand(desk, Side.SELL, "2", "sold")
        assert intent(gone(desk, exit_, Side.SELL, "5", filled="1")).qty == D(2)

    def test_an_exit_that_filled_whole_before_it_could_be_cut_is_not_placed_again(self, desk: Desk) -> None:
        exit_ = rests(desk, Side.SELL, "5", "50100")
        by_hand(desk, Side.SELL, "2", "sold")
        said = desk.hear(
            order_reported(exit_, OrderStatus.FILLED, "5", side=Side.SELL, kind=GTC, limit_price=None), by="user"
        )
        assert not of_kind(said, OrderSubmitted)

    def test_exits_all_go_when_the_position_is_flat(self, desk: Desk) -> None:
        old, new = rests(desk, Side.SELL, "3", "50100"), rests(desk, Side.SELL, "2", "50200")
        assert cancelled(by_hand(desk, Side.SELL, "5", "sold")) == [old, new]
        said = [*gone(desk, old, Side.SELL, "3"), *gone(desk, new, Side.SELL, "2")]
        assert not of_kind(said, OrderSubmitted)

    def test_an_exit_at_once_frees_what_a_stale_one_holds_and_its_next_step_fits(self, desk: Desk) -> None:
        stale = rests(desk, Side.SELL, "5", "50500")
        said = ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750")
        assert (of_kind(said, OrderRefused)[0].code, cancelled(said)) == ("nothing_to_reduce", [stale])
        gone(desk, stale, Side.SELL, "5")
        assert intent(ask(desk, Side.SELL, "5", OrderKind.LIMIT_IOC, "49750")).qty == D(5)


def open_orders(desk: Desk) -> list[str]:
    behaviour = desk.seats["orders"].behaviour
    assert isinstance(behaviour, OrdersBehaviour)
    return [order.order for order in behaviour.state.orders.open_orders(BIP)]
