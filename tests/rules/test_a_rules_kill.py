"""Rules A7 and A8 of the trading rules, the kill switch and fees, each by its name and its worked number."""

from __future__ import annotations

from actors.behaviours.funding import FundingBehaviour
from events.orders import (
    CancelRejected,
    CancelSubmitted,
    OrderApproved,
    OrderSubmitted,
)
from events.risk import (
    CloseRequested,
    KillSwitchThrown,
)
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Side
from projections.kill import SESSION_CLOSED, KillState, kill_progress
from projections.portfolio import Portfolio
from tests.rules.gate import WIDE, asked, at_gate, codes
from tests.streams.desk import MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, bought, listed, started
from tests.streams.orders import marked, order_reported, position_of

TICK = ClockTicked()


class TestA07KillSwitch:
    def test_a07_it_cancels_what_could_increase_and_keeps_what_reduces(self) -> None:
        """Long 10, a resting buy of 5, resting sells of 6 (older) and 7: the buy and the sell of 7 go."""
        desk = at_gate(WIDE)
        desk.hear(position_of("10"), by="orders")
        for order, side, qty in (("buy", Side.BUY, "5"), ("old", Side.SELL, "6"), ("new", Side.SELL, "7")):
            price = "49000" if side is Side.BUY else "51000"
            report = order_reported(order, qty=qty, side=side, kind=OrderKind.LIMIT_GTC, limit_price=price, at=desk.at)
            desk.hear(report, by="user")
        said = desk.hear(KillSwitchThrown(reason="enough"), by="operator")
        gone = [cancel.order for cancel in of_kind(said, CancelSubmitted)]
        assert gone == ["buy", "new"]
        again = desk.hear(TICK, by="clock", after=6 * SECOND)
        assert [cancel.order for cancel in of_kind(again, CancelSubmitted)] == gone, "until each is confirmed gone"
        assert "kill_switch" in codes(asked(desk, Side.BUY, "1"))
        for order, side, qty in (("buy", Side.BUY, "5"), ("new", Side.SELL, "7")):
            over = order_reported(order, OrderStatus.CANCELLED, qty=qty, side=side, at=desk.at)
            desk.hear(over, by="user")
        answer = asked(desk, Side.SELL, "8", proposal="p-2")
        assert isinstance(answer, OrderApproved)
        assert (answer.qty, answer.reduce_only) == (D(4), True)  # what the old exit leaves of 10

    def test_a07_a_kill_that_flattens_leaves_step_by_step_until_flat(self) -> None:
        desk = at_gate(WIDE)
        desk.hear(position_of("10"), by="orders")
        desk.hear(KillSwitchThrown(reason="enough", flatten=True), by="operator")
        (first,) = of_kind(desk.hear(TICK, by="clock", after=SECOND), OrderSubmitted)
        assert (first.side, first.qty, first.kind, first.reduce_only) == (Side.SELL, D(10), OrderKind.LIMIT_IOC, True)
        part = order_reported(first.order, OrderStatus.CANCELLED, "6", qty="10", side=Side.SELL, at=desk.at)
        desk.hear(part, by="user")
        (second,) = of_kind(desk.hear(TICK, by="clock", after=SECOND), OrderSubmitted)
        assert second.qty == D(4)

    def test_a07_an_operators_close_passes_the_switch(self) -> None:
        desk = at_gate(WIDE)
        desk.hear(position_of("10"), by="orders")
        desk.hear(KillSwitchThrown(reason="enough"), by="operator")
        desk.hear(CloseRequested(product=BIP, reason="mine"), by="operator")
        (sent,) = of_kind(desk.hear(TICK, by="clock", after=SECOND), OrderSubmitted)
        assert (sent.side, sent.qty, sent.reduce_only) == (Side.SELL, D(10), True)

    def test_a07_how_far_it_has_come_is_visible(self) -> None:
        desk = at_gate(WIDE)
        rests = {"qty": "5", "kind": OrderKind.LIMIT_GTC, "limit_price": "49000", "at": desk.at}
        desk.hear(order_reported("buy", **rests), by="user")  # type: ignore[arg-type]  # its keywords

        def state() -> KillState:
            keeper = desk.seats["orders"].behaviour.state
            kill = desk.seats["risk"].behaviour.state.account.limits.kill
            told = {"orders": keeper.orders, "positions": keeper.positions, "cancels": keeper.cancels}
            return kill_progress(is_killed=kill is not None, **told).state

        assert state() is KillState.OFF
        desk.hear(KillSwitchThrown(reason="enough"), by="operator")
        assert state() is KillState.THROWING
        desk.hear(CancelRejected(order="buy", code=SESSION_CLOSED, message="closed"), by="gateway")
        assert state() is KillState.CANNOT_CANCEL
        desk.hear(order_reported("buy", OrderStatus.CANCELLED, **rests), by="user")  # type: ignore[arg-type]  # as above
        assert state() is KillState.THROWN


class TestA08Fees:
    def test_a08_results_keep_the_seeds_keys_and_show_fees_apart(self) -> None:
        """8 contracts at 58,200 are worth 4,656; a taker's fee of 0.0008 is 3.7248."""
        desk = Desk(FundingBehaviour(), at=MONDAY)
        desk.hear(started(start_equity="100000"), listed(BIP), bought("8", "58200", at=MONDAY, fee="3.7248"))
        portfolio = Portfolio()
        for record in desk.log:
            portfolio.fold(record)
        unknown = portfolio.position_pnl(BIP, MONDAY)
        assert (unknown.unrealized_pnl, unknown.net_pnl, unknown.fees) == (None, None, D("3.7248"))
        assert portfolio.pnl(MONDAY).unknown == ("BIP: mark is unknown",)
        desk.hear(marked("58350"), by="marks")
        portfolio.fold(desk.log[-1])
        known = portfolio.position_pnl(BIP, MONDAY)
        assert (known.unrealized_pnl, known.realized_pnl, known.net_pnl) == (D(12), D(0), D("8.2752"))
        seeds = ("symbol", "qty", "side", "entry", "mark", "unrealized_pnl", "realized_pnl", "funding_accrued")
        ours = ("fees", "net_pnl", "contract_size", "mark_source", "mark_age_s")
        assert {*seeds, *ours} <= set(known.__struct_fields__)
