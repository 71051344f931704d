"""The life of an order, as the orders behaviour says it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import asdict

from actors.behaviours.orders import GIVEN_UP_KEPT_NS, OrdersBehaviour
from events.configuration import Configuration, OrderSetting
from events.event import Event
from events.ids import derived_id
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelRejected,
    CancelSubmitted,
    OrderClosed,
    OrderFilled,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderSubmitted,
    OrderWithheld,
)
from events.position import AdjustmentApplied
from events.record import AnyEvent
from events.session import ClockTicked, SessionStarted, StopRequested
from events.terms import Clock, OrderKind, OrderStatus, Origin, Side
from projections.cancels import RETRY_NS
from projections.order import Stage
from projections.orders import KEPT_NS
from tests.streams.desk import MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, listed, started
from tests.streams.orders import approved, order_reported

D = Decimal


@pytest.fixture
def desk() -> Desk:
    desk = Desk(OrdersBehaviour())
    desk.hear(started(), listed(), by="session")
    return desk


def orders_of(desk: Desk) -> OrdersBehaviour:
    behaviour = desk.seats["orders"].behaviour
    assert isinstance(behaviour, OrdersBehaviour)
    return behaviour


def submit(desk: Desk, *, by: str = "risk", **what: object) -> str:
    """An approval, carried on to its intent; the order's id."""
    said = desk.hear(approved(**what), by=by)  # type: ignore[arg-type]  # the keywords of `approved`
    (submitted,) = of_kind(said, OrderSubmitted)
    return submitted.order


def told(desk: Desk, *facts: AnyEvent, after: int = SECOND) -> list[Event]:
    return desk.hear(*facts, by="user", after=after)


def test_an_approval_becomes_one_intent_with_an_id_that_can_be_derived_again(desk: Desk) -> None:
    said = desk.hear(approved(), by="risk")
    assert [type(event) for event in said] == [OrderSubmitted]
    (submitted,) = of_kind(said, OrderSubmitted)
    assert submitted.order == derived_id("s-1", "orders", desk.log[-2].seq, 0)
    assert (submitted.qty, submitted.limit_price, submitted.proposal) == (D(5), D(50_250), "p-1")


def test_two_approvals_in_one_turn_become_two_orders(desk: Desk) -> None:
    said = desk.hear(approved(proposal="p-1"), approved(proposal="p-2"), by="risk")
    assert len({event.order for event in of_kind(said, OrderSubmitted)}) == 2


def test_an_approval_that_expired_before_it_was_heard_lapses_and_is_never_an_intent(desk: Desk) -> None:
    said = desk.hear(approved(expires_at=MONDAY), by="risk", after=1)
    assert [type(event).__name__ for event in said] == ["OrderLapsed", "OrderClosed"]


def test_a_fill_is_the_difference_of_two_cumulative_reports(desk: Desk) -> None:
    order = submit(desk)
    assert told(desk, order_reported(order)) == []
    (first,) = of_kind(told(desk, order_reported(order, filled="2", value="1000.10", fees="0.8")), OrderFilled)
    (second,) = of_kind(told(desk, order_reported(order, filled="5", value="2501.00", fees="2.0")), OrderFilled)
    assert (first.qty, first.value, first.fee, first.filled_qty) == (D(2), D("1000.10"), D("0.8"), D(2))
    assert (second.qty, second.value, second.fee, second.filled_qty) == (D(3), D("1500.90"), D("1.2"), D(5))


def test_the_price_of_a_fill_is_shown_with_the_contract_size_in_it(desk: Desk) -> None:
    order = submit(desk)
    (fill,) = of_kind(told(desk, order_reported(order, filled="2", value="1001")), OrderFilled)
    assert fill.price == D(50_050)  # 1,001 USD for 2 contracts of 0.01


def test_a_report_delivered_twice_counts_once_in_one_turn_and_in_two(desk: Desk) -> None:
    order = submit(desk)
    report = order_reported(order, filled="2")
    assert len(of_kind(told(desk, report, report), OrderFilled)) == 1
    assert told(desk, report) == []


def test_two_reports_in_one_turn_are_two_fills_that_add_up(desk: Desk) -> None:
    order = submit(desk)
    said = told(desk, order_reported(order, filled="2"), order_reported(order, OrderStatus.FILLED, "5"))
    assert [fill.qty for fill in of_kind(said, OrderFilled)] == [D(2), D(3)]
    assert len(of_kind(said, OrderClosed)) == 1


def test_a_report_that_comes_late_with_less_is_ignored(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order, filled="4"))
    assert told(desk, order_reported(order, filled="2")) == []


def test_a_fee_corrected_without_a_new_fill_is_said_as_the_difference(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order, filled="2", fees="1.00", at=MONDAY))
    (fill,) = of_kind(told(desk, order_reported(order, filled="2", fees="0.90", at=MONDAY + SECOND)), OrderFilled)
    assert (fill.qty, fill.value, fill.fee, fill.price) == (D(0), D(0), D("-0.10"), D(50_000))
    assert told(desk, order_reported(order, filled="2", fees="1.00", at=MONDAY)) == []


def test_a_final_report_closes_the_order_once(desk: Desk) -> None:
    order = submit(desk)
    final = order_reported(order, OrderStatus.CANCELLED, "2", reason="IOC remainder")
    said = told(desk, final, final)
    assert [type(event) for event in said] == [OrderFilled, OrderClosed]
    (closed,) = of_kind(said, OrderClosed)
    assert (closed.status, closed.filled_qty, closed.reason) == (OrderStatus.CANCELLED, D(2), "IOC remainder")
    assert told(desk, final) == []


def test_an_older_report_does_not_bring_a_closed_order_back(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order, OrderStatus.CANCELLED, "2"))
    assert told(desk, order_reported(order, OrderStatus.OPEN, "1")) == []
    assert orders_of(desk).state.orders.open_orders() == []


def test_a_fill_reported_after_the_end_is_said_and_the_order_closed_again(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order, OrderStatus.CANCELLED, "2"))
    said = told(desk, order_reported(order, OrderStatus.CANCELLED, "3"))
    assert [type(event) for event in said] == [OrderFilled, OrderClosed]
    assert of_kind(said, OrderFilled)[0].qty == D(1)


def test_an_order_rejected_by_the_exchange_is_closed_as_failed(desk: Desk) -> None:
    order = submit(desk)
    said = told(desk, OrderRejected(order=order, code="INSUFFICIENT_FUND", message="Insufficient balance"))
    assert said == [
        OrderClosed(
            order=order,
            exchange_order="",
            product=BIP,
            status=OrderStatus.FAILED,
            filled_qty=D(0),
            reason="INSUFFICIENT_FUND: Insufficient balance",
        )
    ]


def test_an_intent_that_the_gateway_withheld_is_closed_as_cancelled(desk: Desk) -> None:
    order = submit(desk)
    (closed,) = of_kind(told(desk, OrderWithheld(order=order, reason="expired")), OrderClosed)
    assert (closed.status, closed.reason) == (OrderStatus.CANCELLED, "not sent: expired")


def test_what_the_exchange_reported_cannot_be_rejected_afterwards(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order))
    assert told(desk, OrderRejected(order=order, code="DUPLICATE_CLIENT_ORDER_ID", message="")) == []


def test_an_order_that_was_believed_rejected_and_turns_up_is_cancelled(desk: Desk) -> None:
    order = submit(desk)
    told(desk, OrderRejected(order=order, code="UNKNOWN", message="?"))
    (cancel,) = of_kind(told(desk, order_reported(order)), CancelSubmitted)
    assert cancel.order == order
    assert [each.order for each in orders_of(desk).state.orders.open_orders(BIP)] == [order]


def test_an_unknown_outcome_stays_unknown_for_any_time_until_there_is_evidence(desk: Desk) -> None:
    order = submit(desk)
    told(desk, OrderOutcomeUnknown(order=order, error="timeout"))
    assert told(desk, ClockTicked(), after=3 * KEPT_NS) == []
    assert [each.order for each in orders_of(desk).state.orders.unknown(BIP)] == [order]
    told(desk, order_reported(order))
    assert orders_of(desk).state.orders.unknown(BIP) == []


def test_an_unknown_outcome_after_a_report_changes_nothing(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order), OrderOutcomeUnknown(order=order, error="timeout"))
    assert orders_of(desk).state.orders.unknown(BIP) == []


def test_an_order_that_is_not_found_keeps_its_exposure_a_minute_and_is_then_closed(desk: Desk) -> None:
    order = submit(desk)
    told(desk, OrderOutcomeUnknown(order=order, error="timeout"))
    assert told(desk, OrderNotFound(order=order, listings=2)) == []
    assert told(desk, ClockTicked(), after=GIVEN_UP_KEPT_NS - 1) == []
    (closed,) = of_kind(told(desk, ClockTicked(), after=1), OrderClosed)
    assert (closed.status, closed.reason) == (OrderStatus.CANCELLED, "not found at the exchange")


def test_an_order_given_up_that_fills_after_all_is_counted_and_cancelled(desk: Desk) -> None:
    order = submit(desk)
    told(desk, OrderOutcomeUnknown(order=order, error="timeout"), OrderNotFound(order=order, listings=2))
    told(desk, ClockTicked(), after=GIVEN_UP_KEPT_NS)
    said = told(desk, order_reported(order, filled="1"))
    assert [type(event) for event in said] == [OrderFilled, CancelSubmitted]


def test_orders_of_an_earlier_session_are_unconfirmed_until_reported_in_this_one(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order))
    desk.hear(started(session="s-2"), by="session", after=SECOND)
    assert [each.order for each in orders_of(desk).state.orders.unknown(BIP)] == [order]
    told(desk, order_reported(order))
    assert orders_of(desk).state.orders.unknown(BIP) == []


def test_an_intent_of_an_earlier_session_that_was_never_sent_can_be_rejected_in_this_one(desk: Desk) -> None:
    order = submit(desk)
    desk.hear(started(session="s-2"), by="session", after=SECOND)
    said = told(desk, OrderRejected(order=order, code="LOST", message="never arrived"))
    assert [type(event) for event in said] == [OrderClosed]


def test_a_foreign_order_is_adopted_and_its_fills_are_ours(desk: Desk) -> None:
    said = told(desk, order_reported("", filled="2", exchange_order="manual-1", side=Side.SELL))
    (fill,) = of_kind(said, OrderFilled)
    assert (fill.order, fill.origin, fill.strategy, fill.side) == ("manual-1", Origin.FOREIGN, "", Side.SELL)
    assert told(desk, order_reported("app-7", filled="2", exchange_order="manual-1", side=Side.SELL)) == []


def test_a_liquidation_is_adopted_as_such(desk: Desk) -> None:
    said = told(desk, order_reported("", OrderStatus.FILLED, "5", exchange_order="liq", origin=Origin.LIQUIDATION))
    assert [type(event) for event in said] == [OrderFilled, OrderClosed]
    assert of_kind(said, OrderFilled)[0].origin is Origin.LIQUIDATION


def test_another_order_under_our_id_leaves_ours_unknown(desk: Desk) -> None:
    order = submit(desk, side=Side.BUY)
    said = told(desk, order_reported(order, filled="5", side=Side.SELL, exchange_order="old-order"))
    assert of_kind(said, OrderFilled)[0].order == "old-order"
    assert [each.order for each in orders_of(desk).state.orders.unknown(BIP)] == [order]


def test_a_report_without_a_limit_price_keeps_the_one_that_is_known(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order, limit_price=None))
    known = orders_of(desk).state.orders.get(order)
    assert known is not None
    assert known.limit_price == D(50_250)


def test_a_cancel_waits_until_the_exchanges_id_is_known(desk: Desk) -> None:
    order = submit(desk, kind=OrderKind.LIMIT_GTC)
    assert told(desk, CancelApproved(order=order, reason="no longer wanted")) == []
    (cancel,) = of_kind(told(desk, order_reported(order)), CancelSubmitted)
    assert (cancel.exchange_order, cancel.reason) == (f"x-{order}", "no longer wanted")


def test_a_cancel_is_asked_for_again_until_the_order_is_gone(desk: Desk) -> None:
    order = submit(desk, kind=OrderKind.LIMIT_GTC)
    told(desk, order_reported(order))
    assert len(of_kind(told(desk, CancelApproved(order=order, reason="r")), CancelSubmitted)) == 1
    assert told(desk, CancelRejected(order=order, code="DUPLICATE_CANCEL_REQUEST", message="")) == []
    assert told(desk, ClockTicked(), after=RETRY_NS - 2 * SECOND) == []
    assert len(of_kind(told(desk, ClockTicked()), CancelSubmitted)) == 1
    told(desk, order_reported(order, OrderStatus.CANCELLED))
    assert told(desk, ClockTicked(), after=RETRY_NS) == []


def test_two_ticks_in_a_turn_ask_for_a_cancel_once(desk: Desk) -> None:
    order = submit(desk, kind=OrderKind.LIMIT_GTC)
    told(desk, order_reported(order), CancelApproved(order=order, reason="r"))
    assert len(of_kind(told(desk, ClockTicked(), ClockTicked(), after=RETRY_NS), CancelSubmitted)) == 1


def test_cancel_all_takes_what_could_increase_and_keeps_what_only_reduces(desk: Desk) -> None:
    long = AdjustmentApplied(adjustment="a", product=BIP, qty=D(6), price=D(50_000), value=D(3_000), evidence=(1, 2))
    desk.hear(long, by="position")
    more = submit(desk, side=Side.BUY, qty="1", proposal="p-1", kind=OrderKind.LIMIT_GTC, limit_price="49750")
    fits = submit(desk, side=Side.SELL, qty="4", proposal="p-2", kind=OrderKind.LIMIT_GTC)
    flips = submit(desk, side=Side.SELL, qty="3", proposal="p-3", kind=OrderKind.LIMIT_GTC)
    for order, side in ((more, Side.BUY), (fits, Side.SELL), (flips, Side.SELL)):
        told(desk, order_reported(order, side=side, kind=OrderKind.LIMIT_GTC, limit_price=None))
    said = desk.hear(CancelAllOrdered(product=None, reason="kill switch"), by="risk")
    assert {cancel.order for cancel in of_kind(said, CancelSubmitted)} == {more, flips}


def test_an_order_in_flight_when_all_are_cancelled_is_cancelled_when_it_arrives(desk: Desk) -> None:
    order = submit(desk, kind=OrderKind.LIMIT_GTC)
    assert desk.hear(CancelAllOrdered(product=BIP, reason="kill switch"), by="risk") == []
    assert len(of_kind(told(desk, order_reported(order)), CancelSubmitted)) == 1


def test_a_stop_cancels_what_rests_but_not_the_protection_of_the_position(desk: Desk) -> None:
    rests = submit(desk, proposal="p-1", kind=OrderKind.LIMIT_GTC)
    protects = submit(desk, proposal="p-2", kind=OrderKind.TRIGGER_BRACKET_GTC)
    told(desk, order_reported(rests), order_reported(protects, kind=OrderKind.TRIGGER_BRACKET_GTC))
    said = desk.hear(StopRequested(reason="the end"), by="operator")
    assert [cancel.order for cancel in of_kind(said, CancelSubmitted)] == [rests]


def test_a_closed_order_is_forgotten_after_a_day_and_its_late_report_still_counts_once(desk: Desk) -> None:
    order = submit(desk)
    told(desk, order_reported(order, OrderStatus.CANCELLED, "2"))
    told(desk, ClockTicked(), after=KEPT_NS)
    assert orders_of(desk).state.orders.get(order) is None
    assert told(desk, order_reported(order, OrderStatus.CANCELLED, "2")) == []
    told(desk, ClockTicked(), after=KEPT_NS)
    (fill,) = of_kind(told(desk, order_reported(order, OrderStatus.CANCELLED, "3")), OrderFilled)
    assert (fill.qty, fill.filled_qty) == (D(1), D(3))


def test_what_a_failed_keeper_did_not_say_is_said_at_the_next_tick(desk: Desk) -> None:
    order = submit(desk)
    seat = desk.seats["orders"]
    missed = desk.log[-1]
    # The behaviour follows a report without answering it, as one does that is rebuilt from the log.
    report = order_reported(order, OrderStatus.FILLED, "5")
    seat.follow(type(missed)(seq=missed.seq + 1, at=desk.at, by="user", event=report))
    desk.turns.last_seq += 1
    said = told(desk, ClockTicked())
    assert [type(event) for event in said] == [OrderFilled, OrderClosed]


def test_an_approval_that_nobody_carried_out_becomes_an_intent_at_a_tick_while_it_is_good(desk: Desk) -> None:
    missed(desk, approved(expires_at=MONDAY + SECOND))
    (intent,) = of_kind(told(desk, ClockTicked()), OrderSubmitted)
    assert intent.expires_at == MONDAY + SECOND
    assert told(desk, ClockTicked()) == []


def test_an_approval_that_nobody_carried_out_lapses_when_its_time_is_over(desk: Desk) -> None:
    missed(desk, approved(expires_at=MONDAY + SECOND))
    said = told(desk, ClockTicked(), after=2 * SECOND)
    assert [type(event).__name__ for event in said] == ["OrderLapsed", "OrderClosed"]
    assert orders_of(desk).state.orders.open_orders() == []


def test_an_approval_of_an_earlier_session_is_never_carried_out_in_this_one(desk: Desk) -> None:
    missed(desk, approved(expires_at=MONDAY + SECOND))
    desk.hear(started(session="s-2"), by="session")
    assert told(desk, ClockTicked(), after=SECOND) == []
    assert [type(event).__name__ for event in told(desk, ClockTicked())] == ["OrderLapsed", "OrderClosed"]


def missed(desk: Desk, event: AnyEvent) -> None:
    """The behaviour follows an event without answering it, as one does that is rebuilt from the log."""
    seat, last = desk.seats["orders"], desk.log[-1]
    seat.follow(type(last)(seq=last.seq + 1, at=desk.at, by="risk", event=event))
    desk.turns.last_seq += 1


def test_an_exit_that_no_longer_fits_the_position_is_no_intent(desk: Desk) -> None:
    desk.hear(order_reported("", OrderStatus.FILLED, "5", exchange_order="bought"), by="user")
    sold = order_reported("", OrderStatus.FILLED, "3", qty="3", side=Side.SELL, exchange_order="sold")
    said = desk.hear(sold, approved(Side.SELL, "5", reduce_only=True), by="user")
    assert of_kind(said, OrderSubmitted) == []
    lapsed = [event for event in of_kind(said, OrderClosed) if event.reason]
    assert [event.reason for event in lapsed] == ["the position shrank since the approval"]


def test_the_stage_of_an_order_follows_what_was_said_of_it(desk: Desk) -> None:
    order = submit(desk)
    orders = orders_of(desk).state.orders
    assert orders.open[order].stage is Stage.SUBMITTED
    told(desk, order_reported(order))
    assert orders.open[order].stage is Stage.WORKING
    assert orders.open[order].leaves == D(5)
    told(desk, order_reported(order, OrderStatus.FILLED, "5"))
    assert orders.closed[order].stage is Stage.CLOSED


def test_an_ioc_that_left_as_an_order_that_rests_is_cancelled_as_soon_as_it_is_reported(desk: Desk) -> None:
    order = submit(desk)
    assert told(desk, order_reported(order, OrderStatus.PENDING)) == []  # as it was sent
    said = told(desk, order_reported(order, filled="2", kind=OrderKind.LIMIT_GTC))
    assert [type(event) for event in said] == [OrderFilled, CancelSubmitted]
    assert told(desk, order_reported(order, OrderStatus.FILLED, "5", kind=OrderKind.LIMIT_GTC))[0] == OrderFilled(
        **{**asdict(of_kind(said, OrderFilled)[0]), "qty": D(3), "value": D(1_500), "filled_qty": D(5)}
    )


def test_with_brackets_a_resting_entry_ends_by_itself_and_an_exit_does_not() -> None:
    desk = Desk(OrdersBehaviour())
    setting = OrderSetting(protective_bracket=True, entry_rests_s=600)
    configuration = Configuration(mode="live", orders=setting)
    desk.hear(SessionStarted(session="s", configuration=configuration, clock=Clock.TAPE, code="c"), by="session")
    desk.hear(listed(), order_reported("", OrderStatus.FILLED, "5", exchange_order="bought"), by="account")
    (entry,) = of_kind(desk.hear(approved(kind=OrderKind.LIMIT_GTC), by="risk"), OrderSubmitted)
    assert (entry.kind, entry.good_until) == (OrderKind.LIMIT_GTD, desk.at + 600 * SECOND)
    closes = approved(Side.SELL, "5", kind=OrderKind.LIMIT_GTC, reduce_only=True, limit_price="51000", proposal="p-2")
    (leaving,) = of_kind(desk.hear(closes, by="risk"), OrderSubmitted)
    assert (leaving.kind, leaving.good_until) == (OrderKind.LIMIT_GTC, None)
