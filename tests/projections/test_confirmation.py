"""Which part of a result rests on confirmed fills."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.orders import FillCorrected, FillsConfirmed, OrderFilled
from events.record import AnyEvent, Record
from events.terms import Side
from projections.confirmation import Confirmation, Provisional
from replay.statement import Statement, statement
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, filled, listed, started

D = Decimal


def said(*events: AnyEvent) -> Statement:
    log = [
        Record(seq=seq, at=MONDAY, by="test", event=event)
        for seq, event in enumerate([started(start_equity="1000"), listed(), *events], 1)
    ]
    return statement(log)


def confirmed(fill: OrderFilled, fees: str) -> FillsConfirmed:
    return FillsConfirmed(
        order=fill.order,
        exchange_order=fill.exchange_order,
        product=BIP,
        qty=fill.qty,
        value=fill.value,
        fees=D(fees),
        entries=1,
    )


FIRST = filled(Side.BUY, "2", "50000", at=MONDAY, fee="0.60", order="o-1")
SECOND = filled(Side.SELL, "1", "50100", at=MONDAY, fee="0.30", order="o-2")


def test_what_the_list_of_fills_confirmed_is_told_apart_from_what_reports_told() -> None:
    account = said(FIRST, SECOND, confirmed(FIRST, "0.60"))
    assert (account.confirmed_orders, account.provisional_orders) == (1, 1)
    assert (account.provisional_value, account.provisional_fees) == (D(501), D("0.30"))


def test_a_correction_that_is_confirmed_leaves_nothing_provisional_and_is_in_the_fees() -> None:
    corrected = FillCorrected(
        **{**msgspec.structs.asdict(SECOND), "qty": D(0), "value": D(0), "fee": D("0.05")}, why="the list of fills"
    )
    account = said(FIRST, SECOND, confirmed(FIRST, "0.60"), corrected, confirmed(SECOND, "0.35"))
    assert (account.confirmed_orders, account.provisional_orders, account.provisional_fees) == (2, 0, D(0))
    assert account.fees == D("0.95")


def test_a_fill_after_the_confirmation_makes_its_order_provisional_again() -> None:
    more = msgspec.structs.replace(SECOND, filled_qty=D(2))
    account = said(FIRST, SECOND, confirmed(SECOND, "0.30"), more, confirmed(FIRST, "0.60"))
    assert (account.confirmed_orders, account.provisional_orders, account.provisional_value) == (1, 1, D(501))


def folded(*events: AnyEvent) -> Confirmation:
    kept = Confirmation()
    for seq, event in enumerate(events, 1):
        kept.fold(Record(seq=seq, at=MONDAY, by="orders", event=event))
    return kept


def test_all_that_an_order_was_told_to_have_traded_is_provisional_without_sign() -> None:
    kept = folded(SECOND, msgspec.structs.replace(SECOND, filled_qty=D(2), fee=D("0.20")))
    assert kept.provisional == {"o-2": Provisional(product=BIP, qty=D(2), value=D(1_002), fees=D("0.50"))}
    assert (kept.provisional_value, kept.provisional_fees, kept.is_whole) == (D(1_002), D("0.50"), False)


def test_what_is_confirmed_leaves_its_fees_and_makes_the_whole_sure() -> None:
    kept = folded(SECOND, confirmed(SECOND, "0.35"))
    assert (kept.confirmed, kept.provisional, kept.is_whole) == ({"o-2": D("0.35")}, {}, True)
