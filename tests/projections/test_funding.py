"""The funding ledger: an entry a boundary, corrected in place, a receivable until paid."""

from __future__ import annotations

from decimal import Decimal

from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.record import AnyEvent, Record
from events.terms import FundingStatus, MarkSource
from projections.funding import KEPT_ENTRIES, KEPT_PAYMENTS, FundingLedger
from tests.streams.desk import HOUR
from tests.streams.facts import BIP, D


def folded(*events: AnyEvent) -> FundingLedger:
    ledger = FundingLedger()
    for seq, event in enumerate(events, 1):
        ledger.fold(Record(seq=seq, at=seq, by="funding", event=event))
    return ledger


def accrued(
    hour: int, amount: str, *, status: FundingStatus = FundingStatus.FINAL, product: str = BIP
) -> FundingAccrued:
    return FundingAccrued(
        product=product,
        boundary=hour * HOUR,
        qty=D(1),
        mark=D(50_000),
        mark_source=MarkSource.MID,
        rate=D("0.0001"),
        amount=D(amount),
        status=status,
    )


def corrected(hour: int, before: str, after: str) -> FundingCorrected:
    return FundingCorrected(product=BIP, boundary=hour * HOUR, before=D(before), after=D(after), reason="late")


def paid(hour: int, amount: str) -> FundingPaid:
    return FundingPaid(product=BIP, amount=D(amount), through=hour * HOUR, exchange_at=hour * HOUR)


def test_accruals_are_a_receivable() -> None:
    funding = folded(accrued(1, "-0.05"), accrued(2, "-0.06")).of(BIP)
    assert (funding.total, funding.receivable, funding.paid) == (D("-0.11"), D("-0.11"), D(0))


def test_a_boundary_is_accrued_once() -> None:
    assert folded(accrued(1, "-0.05"), accrued(1, "-0.05")).total() == D("-0.05")


def test_a_correction_replaces_the_amount_and_firms_the_status() -> None:
    funding = folded(accrued(1, "-0.05", status=FundingStatus.ESTIMATED), corrected(1, "-0.05", "-0.07")).of(BIP)
    entry = funding.entry(HOUR)
    assert entry is not None
    assert (entry.amount, entry.status, funding.total) == (D("-0.07"), FundingStatus.FINAL, D("-0.07"))


def test_a_correction_said_twice_counts_once() -> None:
    assert folded(accrued(1, "-5"), corrected(1, "-5", "-7"), corrected(1, "-5", "-7")).total() == D(-7)


def test_a_payment_turns_the_receivable_into_cash_and_leaves_the_total() -> None:
    ledger = folded(accrued(1, "-5"), accrued(2, "-6"), accrued(3, "-7"), paid(2, "-11"))
    assert (ledger.total(), ledger.receivable(), ledger.of(BIP).paid) == (D(-18), D(-7), D(-11))
    assert ledger.of(BIP).paid_through == 2 * HOUR


def test_a_payment_delivered_twice_counts_once() -> None:
    assert folded(accrued(1, "-5"), paid(1, "-5"), paid(1, "-5")).of(BIP).paid == D(-5)


def test_payments_that_arrive_out_of_order_both_count() -> None:
    funding = folded(accrued(1, "-5"), accrued(2, "-6"), paid(2, "-6"), paid(1, "-5"), paid(2, "-6")).of(BIP)
    assert (funding.paid, funding.receivable, funding.paid_through) == (D(-11), D(0), 2 * HOUR)


def test_a_payment_without_an_accrual_is_entered_by_its_correction() -> None:
    ledger = folded(paid(1, "-5"), corrected(1, "0", "-5"))
    assert (ledger.total(), ledger.receivable()) == (D(-5), D(0))


def test_entries_stand_by_boundary_however_they_come() -> None:
    funding = folded(accrued(2, "1"), accrued(1, "2"), accrued(4, "4"), accrued(3, "8")).of(BIP)
    assert [entry.boundary for entry in funding.entries] == [HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]
    assert funding.entry(HOUR + 1) is None


def test_old_entries_live_on_in_the_total_and_are_not_accrued_again() -> None:
    ledger = folded(*(accrued(hour, "1") for hour in range(1, KEPT_ENTRIES + 3)), accrued(1, "1"))
    assert ledger.total() == D(KEPT_ENTRIES + 2)
    assert len(ledger.of(BIP).entries) == KEPT_ENTRIES


def test_a_product_without_funding_has_none() -> None:
    ledger = folded(accrued(1, "1"), accrued(1, "2", product="ETP"))
    assert ledger.of("SLP").total == D(0)
    assert ledger.of("ETP").total == D(2)


def test_an_entry_too_old_to_be_kept_is_the_oldest_and_is_accrued_once_but_still_corrected() -> None:
    hours = [accrued(hour, "1") for hour in range(1, KEPT_ENTRIES + 2)]
    assert [entry.boundary for entry in folded(*hours).of(BIP).entries[:2]] == [2 * HOUR, 3 * HOUR]
    assert folded(*hours, accrued(1, "1")).total() == D(KEPT_ENTRIES + 1)
    corrections = folded(*hours, corrected(1, "1", "4")).of(BIP)
    assert (corrections.total, corrections.entry(HOUR)) == (D(KEPT_ENTRIES + 4), None)


def test_a_payment_older_than_all_that_are_kept_is_held_to_have_been_counted() -> None:
    hours = range(2, 2 * KEPT_PAYMENTS + 2, 2)
    ledger = folded(*(paid(hour, "-1") for hour in hours))
    assert ledger.of(BIP).paid == D(-KEPT_PAYMENTS)
    assert folded(*(paid(hour, "-1") for hour in hours), paid(1, "-1")).of(BIP).paid == D(-KEPT_PAYMENTS)
    assert folded(*(paid(hour, "-1") for hour in hours), paid(3, "-1")).of(BIP).paid == D(-KEPT_PAYMENTS - 1)


def test_a_ledger_without_funding_totals_money_and_not_a_bare_number() -> None:
    ledger = FundingLedger()
    assert isinstance(ledger.total(), Decimal)
    assert isinstance(ledger.receivable(), Decimal)
