"""The account's worth: the identity, its start, what is unknown and why, and the tie-out."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from events.account import BalanceReported, TransferReported
from events.funding import FundingAccrued, FundingPaid
from events.market import MarkUpdated, MarkWentStale
from events.record import AnyEvent, Record
from events.terms import FundingStatus, MarkSource
from projections.portfolio import Portfolio
from tests.streams.desk import HOUR, SECOND
from tests.streams.facts import BIP, ONE, D, bought, listed, reported, sold, started

AT = 1_000 * SECOND


def folded(*events: AnyEvent) -> Portfolio:
    portfolio = Portfolio()
    for seq, event in enumerate(events, 1):
        portfolio.fold(Record(seq=seq, at=AT, by="any", event=event))
    return portfolio


def marked(price: str, *, product: str = BIP, at: int = AT) -> MarkUpdated:
    return MarkUpdated(product=product, price=D(price), source=MarkSource.BOOK_AND_TRADE, exchange_at=at)


def balance(spot: str, futures: str, *, unrealized: str = "0", at: int = AT) -> BalanceReported:
    return BalanceReported(spot_usd=D(spot), futures_usd=D(futures), unrealized=D(unrealized), exchange_at=at)


def transferred(amount: str, *, transfer: str = "t-1", at: int = AT + 1) -> TransferReported:
    return TransferReported(transfer=transfer, amount=D(amount), reason="deposit", exchange_at=at)


def accrued(amount: str, *, product: str = BIP) -> FundingAccrued:
    return FundingAccrued(
        product=product,
        boundary=HOUR,
        qty=D(1),
        mark=D(50_000),
        mark_source=MarkSource.MID,
        rate=D("0.0001"),
        amount=D(amount),
        status=FundingStatus.FINAL,
    )


def test_equity_is_start_transfers_realized_fees_funding_and_unrealized() -> None:
    portfolio = folded(
        started(start_equity="10000"),
        listed(),
        transferred("500"),
        bought("2", "50000", at=AT, fee="0.7"),
        sold("1", "51000", at=AT, fee="0.3"),
        accrued("-0.05"),
        marked("52000"),
    )
    assert portfolio.start == D(10_000)
    assert portfolio.transfers == D(500)
    assert portfolio.realized == D(10)
    assert portfolio.fees == D(1)
    assert portfolio.funding == D("-0.05")
    assert portfolio.unrealized() == D(20)
    assert portfolio.equity() == D("10528.95")


def test_the_configured_start_wins() -> None:
    assert folded(started(start_equity="7", mode="paper"), balance("1", "2")).start == D(7)


def test_paper_starts_with_the_paper_exchanges_cash() -> None:
    assert folded(started(mode="paper"), balance("1", "2")).start == D(100_000)


def test_live_starts_with_the_cash_of_the_first_balance_report() -> None:
    portfolio = folded(started(), balance("2000", "8000", unrealized="150"), balance("1", "1", at=AT + 1))
    assert portfolio.start == D(10_000)


def test_the_start_of_the_log_is_the_start_of_every_session() -> None:
    assert folded(started(start_equity="7"), started(session="s-2", start_equity="9")).start == D(7)


def test_without_a_start_equity_is_unknown_and_says_why() -> None:
    portfolio = folded(started())
    assert portfolio.equity() is None
    assert portfolio.unknown() == ("no start equity: no balance report yet",)


def test_a_transfer_counts_once_however_often_it_is_reported() -> None:
    assert folded(started(start_equity="1"), transferred("500"), transferred("500")).transfers == D(500)


def test_a_transfer_that_the_first_balance_contains_does_not_count_again() -> None:
    portfolio = folded(
        started(), transferred("300", transfer="a", at=AT), balance("300", "0"), transferred("500", transfer="b", at=AT)
    )
    assert (portfolio.start, portfolio.transfers) == (D(300), D(0))


def test_a_missing_mark_is_unknown_and_never_a_gain_of_zero() -> None:
    portfolio = folded(started(start_equity="100"), listed(), bought("2", "50000", at=AT))
    assert portfolio.unrealized() is None
    assert portfolio.equity() is None
    assert portfolio.unknown() == ("BIP: mark is unknown",)


def test_a_flat_account_needs_no_mark() -> None:
    portfolio = folded(started(start_equity="100"), listed(), bought("2", "50000", at=AT), sold("2", "50000", at=AT))
    assert portfolio.equity() == D(100)


def test_a_stale_mark_still_values_but_not_for_those_who_want_fresh_ones() -> None:
    stale = MarkWentStale(product=BIP, age_ms=1, reason="lost")
    portfolio = folded(started(start_equity="100"), listed(), bought("1", "50000", at=AT), marked("50100"), stale)
    assert portfolio.equity() == D(101)
    assert portfolio.equity(fresh_only=True) is None
    assert portfolio.unknown(fresh_only=True) == ("BIP: mark is stale",)


def test_a_product_without_contract_size_has_no_known_worth() -> None:
    portfolio = folded(started(start_equity="100"), bought("1", "50000", at=AT), marked("50100"))
    assert portfolio.equity() is None
    assert portfolio.unknown() == ("BIP: no contract size",)


def test_prices_given_take_the_place_of_marks() -> None:
    portfolio = folded(started(start_equity="100"), listed(), bought("1", "50000", at=AT), marked("50100"))
    assert portfolio.equity({BIP: D(50_500)}) == D(105)


def test_the_position_row_of_the_seed_with_one_coin_a_contract() -> None:
    portfolio = folded(
        listed(ONE, contract_size="1"),
        bought("1.5", "50000", at=AT, product=ONE, contract_size="1"),
        sold("0.5", "51000", at=AT, product=ONE, contract_size="1", fee="3"),
        accrued("-5", product=ONE),
        marked("51000", product=ONE),
    )
    row = portfolio.position_pnl(ONE, AT + 2 * SECOND)
    assert msgspec.structs.asdict(row) == {
        "symbol": ONE,
        "qty": D(1),
        "side": "long",
        "entry": D(50_000),
        "mark": D(51_000),
        "unrealized_pnl": D(1_000),
        "realized_pnl": D(500),
        "funding_accrued": D(-5),
        "fees": D(3),
        "net_pnl": D(1_492),
        "contract_size": D(1),
        "base_qty": D(1),
        "mark_source": "book_and_trade",
        "mark_age_s": D(2),
        "is_mark_fresh": True,
    }


def test_the_same_row_of_a_hundredth_coin_a_contract_is_a_hundredth() -> None:
    portfolio = folded(listed(), bought("1", "50000", at=AT), marked("51000"))
    row = portfolio.position_pnl(BIP, AT)
    assert (row.unrealized_pnl, row.base_qty) == (D(10), D("0.01"))


def test_a_short_row_shows_its_size_without_sign() -> None:
    row = folded(listed(), sold("3", "51000", at=AT), marked("50000")).position_pnl(BIP, AT)
    assert (row.qty, row.side, row.unrealized_pnl, row.base_qty) == (D(3), "short", D(30), D("-0.03"))


def test_no_key_vanishes_for_a_product_never_heard_of() -> None:
    row = folded().position_pnl("ETP", AT)
    assert (row.side, row.qty, row.unrealized_pnl, row.net_pnl) == ("flat", D(0), D(0), D(0))
    assert (row.entry, row.mark, row.contract_size, row.base_qty, row.mark_age_s) == (None,) * 5


def test_the_portfolio_row_sums_and_names_what_is_unknown() -> None:
    portfolio = folded(
        started(start_equity="1000"), listed(), bought("1", "50000", at=AT, fee="1"), accrued("-0.5"), listed("ETP")
    )
    unknown = portfolio.pnl(AT)
    assert (unknown.total_unrealized, unknown.net_pnl, unknown.equity) == (None, None, None)
    assert unknown.unknown == ("BIP: mark is unknown",)
    portfolio.fold(Record(seq=99, at=AT, by="marks", event=marked("50100")))
    known = portfolio.pnl(AT)
    assert (known.total_unrealized, known.total_realized, known.total_funding) == (D(1), D(0), D("-0.5"))
    assert (known.fees, known.net_pnl, known.equity) == (D(1), D("-0.5"), D("999.5"))
    assert sorted(known.positions) == [BIP, "ETP"]


def test_the_exchanges_equity_is_its_cash_and_its_unrealized_gain() -> None:
    assert folded().exchange_equity is None
    assert folded(balance("2000", "8000", unrealized="150")).exchange_equity == D(10_150)


def test_an_older_balance_report_is_no_news() -> None:
    assert folded(balance("1", "2", at=AT), balance("3", "4", at=AT - 1)).exchange_equity == D(3)


def held(*events: AnyEvent) -> Portfolio:
    """1 contract bought at 50,000 from 1,000 in cash, our mark at 50,100, the exchange's price at 50,200."""
    return folded(
        started(start_equity="1000"),
        listed(),
        bought("1", "50000", at=AT),
        marked("50100"),
        reported("1", at=AT, current_price="50200", unrealized="2"),
        *events,
    )


def test_tie_out_is_at_the_exchanges_prices_and_keeps_the_valuation_apart() -> None:
    tie_out = held(balance("500", "500", unrealized="2")).tie_out()
    assert (tie_out.ours, tie_out.theirs, tie_out.difference) == (D(1_002), D(1_002), D(0))
    assert tie_out.valuation == D(-1)
    assert tie_out.unknown == ()


def test_tie_out_leaves_out_what_is_accrued_and_not_yet_paid() -> None:
    tie_out = held(accrued("-0.5"), balance("1000", "0", unrealized="2")).tie_out()
    assert (tie_out.receivable, tie_out.difference) == (D("-0.5"), D(0))
    paid = FundingPaid(product=BIP, amount=D("-0.5"), through=HOUR, exchange_at=AT)
    after = held(accrued("-0.5"), paid, balance("999.5", "0", unrealized="2")).tie_out()
    assert (after.receivable, after.difference) == (D(0), D(0))


def test_what_does_not_tie_out_is_named_to_the_cent() -> None:
    assert held(balance("990", "0", unrealized="2")).tie_out().difference == D(10)


@pytest.mark.parametrize(("prices", "difference"), [({BIP: D(50_200)}, D(0)), ({BIP: D(50_300)}, D(1))])
def test_tie_out_takes_prices_from_whoever_knows_better(prices: dict[str, Decimal], difference: Decimal) -> None:
    assert held(balance("1000", "0", unrealized="2")).tie_out(prices).difference == difference


def test_tie_out_without_a_balance_says_so() -> None:
    tie_out = held().tie_out()
    assert (tie_out.theirs, tie_out.difference, tie_out.unknown) == (None, None, ("no balance report yet",))


def test_a_point_is_quiet_between_two_equal_balances_with_nothing_moved() -> None:
    first, second = balance("1000", "0", at=AT), balance("1000", "0", at=AT + 1)
    assert not held(first).is_quiet
    assert held(first, second).is_quiet
    assert not held(first, balance("999", "0", at=AT + 1)).is_quiet
    assert not held(first, sold("1", "50000", at=AT), second).is_quiet
    assert not held(first, second, sold("1", "50000", at=AT)).is_quiet
