"""Cancels that are wanted: when one is due, how often it was asked for, and what the exchange said."""

from __future__ import annotations

import pytest

from events.orders import CancelRejected, CancelSubmitted
from events.record import AnyEvent, Record
from projections.cancels import RETRY_NS, Cancel, Cancels
from projections.orders import Orders
from projections.positions import Positions
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, listed, started
from tests.streams.orders import order_reported


def orders() -> Orders:
    known = Orders()
    said: list[AnyEvent] = [started(), listed(), order_reported("t-1"), order_reported("t-2")]
    for seq, event in enumerate(said, 1):
        known.fold(Record(seq=seq, at=MONDAY, by="any", event=event))
    return known


def folded(*happened: tuple[int, AnyEvent]) -> Cancels:
    cancels = Cancels(wanted={"t-1": Cancel(reason="stop")})
    for seq, (at, event) in enumerate(happened, 1):
        cancels.fold(Record(seq=seq, at=at, by="any", event=event), orders(), Positions())
    return cancels


def asked(order: str = "t-1") -> CancelSubmitted:
    return CancelSubmitted(order=order, exchange_order=f"x-{order}", product=BIP, reason="stop")


def test_a_cancel_counts_how_often_it_was_asked_for_and_when_last() -> None:
    cancels = folded((MONDAY, asked()), (MONDAY + 7, asked()))
    assert cancels.wanted == {"t-1": Cancel(reason="stop", asked_at=MONDAY + 7, times=2)}


def test_a_cancel_keeps_the_exchanges_last_refusal() -> None:
    refused = [CancelRejected(order="t-1", code=code, message="no") for code in ("first", "last")]
    assert folded(*((MONDAY, one) for one in refused)).wanted["t-1"].refused == "last"


def test_what_is_said_of_an_order_whose_cancel_is_not_wanted_changes_nothing() -> None:
    strange = CancelRejected(order="t-2", code="gone", message="no")
    assert folded((MONDAY, asked("t-2")), (MONDAY, strange)) == folded()


@pytest.mark.parametrize(("later", "is_due"), [(0, False), (RETRY_NS - 1, False), (RETRY_NS, True)])
def test_a_cancel_is_due_again_when_it_was_not_confirmed_in_time(later: int, is_due: bool) -> None:
    order = orders().open["t-1"]
    assert folded().due(order, MONDAY) == Cancel(reason="stop")
    assert (folded((MONDAY, asked())).due(order, MONDAY + later) is not None) is is_due


def test_nothing_is_due_for_an_order_whose_cancel_is_not_wanted_or_whose_id_at_the_exchange_is_unknown() -> None:
    order = orders().open["t-1"]
    order.exchange_order = ""
    assert folded().due(order, MONDAY) is None
    assert folded().due(orders().open["t-2"], MONDAY) is None
