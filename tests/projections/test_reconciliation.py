"""Our positions beside the exchange's reports."""

from __future__ import annotations

from events.feeds import ExchangeReconciled
from events.orders import OrderClosed, OrderReported, OrderSubmitted
from events.record import AnyEvent, Record
from events.terms import OrderKind, OrderStatus, Side
from projections.reconciliation import Reconciliation
from tests.streams.desk import SECOND
from tests.streams.facts import BIP, D, bought, reported, started

T = 1_000 * SECOND


def folded(*events: AnyEvent) -> Reconciliation:
    reconciliation = Reconciliation()
    for seq, event in enumerate(events, 1):
        reconciliation.fold(Record(seq=seq, at=T + seq, by="account", event=event))
    return reconciliation


def submitted(kind: OrderKind = OrderKind.LIMIT_IOC) -> OrderSubmitted:
    return OrderSubmitted(
        order="o-1",
        proposal="p-1",
        strategy="baseline",
        product=BIP,
        side=Side.BUY,
        qty=D(1),
        kind=kind,
        limit_price=D(50_000),
        reduce_only=False,
        expires_at=T,
        reference_price=D(50_000),
    )


def working(kind: OrderKind) -> OrderReported:
    return OrderReported(
        order="o-1",
        exchange_order="x-1",
        product=BIP,
        side=Side.BUY,
        status=OrderStatus.OPEN,
        kind=kind,
        qty=D(1),
        filled_qty=D(0),
        filled_value=D(0),
        fees=D(0),
        limit_price=D(50_000),
        exchange_at=T,
    )


CLOSED = OrderClosed(order="o-1", exchange_order="x-1", product=BIP, status=OrderStatus.FILLED, filled_qty=D(1))
ASKED = ExchangeReconciled(exchange_at=T)


def test_a_missing_report_is_not_a_flat_position() -> None:
    assert folded(bought("2", "50000", at=T)).difference(BIP) == D(0)


def test_the_difference_is_theirs_less_ours() -> None:
    assert folded(bought("2", "50000", at=T), reported("5", at=T + 1)).difference(BIP) == D(3)


def test_fills_after_the_report_was_told_are_left_out() -> None:
    assert folded(bought("2", "50000", at=T + 9 * SECOND), reported("0", at=T)).difference(BIP) == D(0)
    assert folded(bought("2", "50000", at=T + 9 * SECOND), reported("2", at=T)).difference(BIP) == D(2)


def test_what_traded_between_the_reports_time_and_its_telling_may_be_in_it_or_not() -> None:
    asked = T - SECOND  # told at T and a little more
    fills = bought("2", "50000", at=T), bought("3", "50000", at=T)
    assert folded(*fills, reported("0", at=asked)).difference(BIP) == D(0)
    assert folded(*fills, reported("2", at=asked)).difference(BIP) == D(0)
    assert folded(*fills, reported("5", at=asked)).difference(BIP) == D(0)
    assert folded(*fills, reported("4", at=asked)).difference(BIP) == D(4)


def test_a_fill_of_that_time_that_comes_late_explains_what_it_brings_closer_and_nothing_else() -> None:
    asked = T - SECOND
    assert folded(reported("2", at=asked), bought("2", "50000", at=T)).difference(BIP) == D(0)
    assert folded(reported("0", at=asked), bought("2", "50000", at=T)).difference(BIP) == D(0)
    assert folded(reported("-2", at=asked), bought("2", "50000", at=T)).difference(BIP) == D(-2)


def test_a_fill_from_before_the_report_that_comes_late_explains_it() -> None:
    assert folded(reported("2", at=T), bought("2", "50000", at=T - 1)).difference(BIP) == D(0)
    assert folded(reported("0", at=T), bought("2", "50000", at=T - 1)).difference(BIP) == D(-2)


def test_a_fill_of_the_moment_of_the_telling_may_still_be_in_it() -> None:
    assert folded(reported("2", at=T - SECOND), bought("2", "50000", at=T + 1)).difference(BIP) == D(0)
    assert folded(reported("2", at=T - SECOND), bought("2", "50000", at=T + 2)).difference(BIP) == D(2)


def test_a_late_fill_starts_the_evidence_anew_whatever_difference_it_leaves() -> None:
    late = bought("1", "50000", at=T - 1)
    found = folded(reported("3", at=T), late, ASKED, reported("3", at=T + 10 * SECOND))
    assert found.difference(BIP) == D(2)
    assert not found.is_confirmed(BIP)
    asked_again = folded(reported("3", at=T), late, reported("3", at=T + 1), ASKED, reported("3", at=T + 11 * SECOND))
    assert asked_again.is_confirmed(BIP)


def test_a_fill_from_after_the_telling_explains_nothing() -> None:
    assert folded(reported("2", at=T), bought("2", "50000", at=T + SECOND)).difference(BIP) == D(2)


def test_an_older_report_is_no_news_nor_is_one_delivered_twice() -> None:
    once = folded(reported("2", at=T), ASKED, reported("3", at=T - 1), reported("2", at=T))
    assert once.difference(BIP) == D(2)
    assert not once.is_confirmed(BIP)


def test_two_reports_ten_seconds_apart_confirm_when_fills_were_asked_for_between() -> None:
    assert folded(reported("2", at=T), ASKED, reported("2", at=T + 10 * SECOND)).is_confirmed(BIP)
    assert not folded(reported("2", at=T), ASKED, reported("2", at=T + 9 * SECOND)).is_confirmed(BIP)
    assert not folded(reported("2", at=T), reported("2", at=T + 10 * SECOND)).is_confirmed(BIP)
    assert not folded(reported("2", at=T), ASKED, reported("3", at=T + 10 * SECOND)).is_confirmed(BIP)


def test_an_order_sent_in_between_starts_the_evidence_anew() -> None:
    assert not folded(reported("2", at=T), ASKED, submitted(), CLOSED, reported("2", at=T + 10 * SECOND)).is_confirmed(
        BIP
    )


def test_a_report_while_an_order_is_in_flight_is_no_evidence() -> None:
    flying = folded(submitted(), reported("2", at=T), ASKED, CLOSED, reported("2", at=T + 10 * SECOND))
    assert not flying.is_confirmed(BIP)


def test_a_new_session_starts_the_evidence_anew() -> None:
    assert not folded(reported("2", at=T), ASKED, started(), reported("2", at=T + 10 * SECOND)).is_confirmed(BIP)


def test_an_order_is_in_flight_until_it_rests_or_is_over() -> None:
    assert folded(submitted()).is_in_flight(BIP)
    assert folded(submitted(), working(OrderKind.LIMIT_IOC)).is_in_flight(BIP)
    resting = folded(submitted(OrderKind.LIMIT_GTC), working(OrderKind.LIMIT_GTC))
    assert not resting.is_in_flight(BIP)
    assert resting.is_working(BIP)
    assert not folded(submitted(), CLOSED).is_working(BIP)


def test_an_order_that_we_never_sent_is_neither_in_flight_nor_working() -> None:
    assert not folded(working(OrderKind.LIMIT_GTC)).is_working(BIP)


def test_what_was_held_before_the_first_reconciliation_was_found_at_first_sight() -> None:
    assert folded(reported("2", at=T), ASKED, reported("2", at=T + 1)).of(BIP).at_first_sight
    assert not folded(reported("2", at=T), ASKED, reported("3", at=T + 1)).of(BIP).at_first_sight
    assert not folded(reported("0", at=T), ASKED, reported("2", at=T + 1)).of(BIP).at_first_sight
    assert not folded(ASKED, reported("2", at=T)).of(BIP).at_first_sight
