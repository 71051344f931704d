"""Whose the position is: by order, by what stands against it, and by share at a boundary."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.configuration import StrategySetting
from events.funding import FundingAccrued, FundingCorrected
from events.orders import FillCorrected, InternalCrossed, OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import AnyEvent, Record
from events.terms import FundingStatus, Origin, Side
from projections.attribution import NETTING, VirtualPnl, attribution
from projections.portfolio import Portfolio
from projections.virtual import EXTERNAL, Virtuals, split
from tests.streams.desk import HOUR, MINUTE, MONDAY
from tests.streams.facts import BIP, D, filled, listed, started
from tests.streams.orders import marked


class Book:
    """An account of strategies on BIP, one record after the other."""

    def __init__(self, *names: str) -> None:
        self.portfolio, self.virtuals = Portfolio(), Virtuals()
        self.seq, self.at = 0, MONDAY
        session = started(start_equity="100000")
        strategies = {name: StrategySetting(uses="test", product=BIP) for name in names}
        configuration = msgspec.structs.replace(session.configuration, strategies=strategies)
        self.say(msgspec.structs.replace(session, configuration=configuration), listed(BIP))

    def say(self, *events: AnyEvent, after: int = 0) -> None:
        self.at += after
        for event in events:
            self.seq += 1
            record = Record(seq=self.seq, at=self.at, by="test", event=event)
            self.portfolio.fold(record)
            self.virtuals.fold(record, self.portfolio)

    def trade(
        self,
        strategy: str,
        signed: str,
        price: str = "50000",
        *,
        fee: str = "0",
        origin: Origin = Origin.OURS,
        at: int | None = None,
    ) -> None:
        side = Side.BUY if D(signed) > 0 else Side.SELL
        fill = filled(side, abs(D(signed)), price, at=self.at if at is None else at, fee=fee, origin=origin)
        assert isinstance(fill, OrderFilled)
        self.say(msgspec.structs.replace(fill, strategy=strategy))

    def accrue(self, boundary: int, amount: str) -> None:
        self.say(
            FundingAccrued(
                product=BIP,
                boundary=boundary,
                qty=self.portfolio.positions.of(BIP).qty,
                mark=D(50_000),
                mark_source=None,
                rate=D("0.0001"),
                amount=D(amount),
                status=FundingStatus.FINAL,
            )
        )

    def held(self) -> dict[str, Decimal]:
        return {row.strategy: row.qty for row in self.rows() if row.qty}

    def rows(self) -> list[VirtualPnl]:
        return attribution(self.virtuals, BIP, self.portfolio)

    def row(self, strategy: str) -> VirtualPnl:
        (row,) = (row for row in self.rows() if row.strategy == strategy)
        return row


def test_each_strategy_holds_what_its_own_orders_made() -> None:
    book = Book("a", "b")
    book.trade("a", "5", "50000", fee="1")
    book.trade("b", "-3", "51000", fee="0.6")
    book.say(marked("51000"))
    assert book.held() == {"a": D(5), "b": D(-3)}
    assert (book.row("a").entry, book.row("b").entry) == (D(50_000), D(51_000))
    assert (book.row("a").unrealized, book.row("a").realized, book.row("a").fees) == (D(50), D(0), D(1))
    assert (book.row("b").unrealized, book.row("b").fees) == (D(0), D("0.6"))
    # the account closed 3 of 5 and has a gain of 30 behind it that the strategies still have before them
    assert book.portfolio.realized == D(30)
    gap = book.row(NETTING)
    assert (gap.qty, gap.realized, gap.unrealized, gap.net) == (D(0), D(30), D(-30), D(0))


def test_a_liquidation_takes_from_the_largest_that_it_stands_against_and_its_fee_goes_with_it() -> None:
    book = Book("a", "b", "c")
    book.trade("a", "2")
    book.trade("b", "5")
    book.trade("c", "-3")
    book.trade("", "-6", "40000", fee="6", origin=Origin.LIQUIDATION)
    assert book.held() == {"a": D(1), "c": D(-3)}
    assert (book.row("b").realized, book.row("a").realized) == (D(-500), D(-100))
    assert (book.row("b").fees, book.row("a").fees, book.row("c").fees) == (D(5), D(1), D(0))


def test_what_nobody_ordered_and_nothing_stands_against_is_external() -> None:
    book = Book("a", "b")
    book.trade("a", "2")
    book.trade("", "3", origin=Origin.FOREIGN)
    assert book.held() == {"a": D(2), EXTERNAL: D(3)}
    book.trade("", "-4", origin=Origin.FOREIGN)
    assert book.held() == {"a": D(1)}


def test_what_risk_flattens_is_taken_from_the_strategies() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.trade("b", "-2")
    book.trade("risk", "-3", fee="3")
    assert book.held() == {"a": D(2), "b": D(-2)}
    assert book.row("a").fees == D(3)


def test_a_bracket_that_fills_takes_from_the_strategies() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.trade("protection", "-5", "47500")
    assert book.held() == {}
    assert book.row("a").realized == D(-125)


def test_a_fill_that_is_taken_back_goes_back_to_its_strategy() -> None:
    book = Book("a", "b")
    book.trade("a", "5", "50000", fee="2")
    back = filled(Side.SELL, D(2), "50000", at=book.at, fee="-0.8")
    fields = {name: getattr(back, name) for name in back.__struct_fields__} | {"strategy": "a"}
    book.say(FillCorrected(**fields, why="reversed"))
    assert book.held() == {"a": D(3)}
    assert (book.row("a").realized, book.row("a").fees) == (D(0), D("1.2"))


def test_a_strategy_alone_on_its_product_closes_what_was_there_before_it() -> None:
    alone, shared = Book("a"), Book("a", "b")
    for book in (alone, shared):
        book.trade("", "3", origin=Origin.FOREIGN)
        book.trade("a", "-3")
    assert alone.held() == {}
    assert shared.held() == {"a": D(-3), EXTERNAL: D(3)}


def test_an_adjustment_that_is_taken_back_gives_back_to_whom_it_took_from() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.trade("b", "2")
    adjusted = AdjustmentApplied(
        adjustment="adj", product=BIP, qty=D(-6), price=D(50_000), value=D(-3_000), evidence=(1, 2)
    )
    book.say(adjusted)
    assert book.held() == {"b": D(1)}
    book.say(AdjustmentReversed(adjustment="adj", product=BIP, qty=D(6), price=D(50_000), value=D(3_000)))
    assert book.held() == {"a": D(5), "b": D(2)}
    book.trade("a", "-5")
    assert book.held() == {"b": D(2)}


def test_an_internal_cross_realizes_for_both_and_moves_nothing_of_the_account() -> None:
    book = Book("a", "b")
    book.trade("a", "5", "50000")
    book.say(
        InternalCrossed(
            product=BIP,
            buyer="b",
            seller="a",
            buy_proposal="p-2",
            sell_proposal="p-1",
            qty=D(3),
            price=D(52_000),
            value=D(1_560),
            buyer_qty=D(3),
            seller_qty=D(2),
        )
    )
    book.say(marked("52000"))
    assert book.held() == {"a": D(2), "b": D(3)}
    assert (book.row("a").realized, book.row("b").entry) == (D(60), D(52_000))
    assert (book.portfolio.realized, book.row(NETTING).realized) == (D(0), D(-60))
    assert sum((row.net for row in book.rows() if row.net is not None), D(0)) == D(100)


class TestFunding:
    def test_it_is_shared_by_what_everybody_held_at_the_boundary_whatever_the_sign(self) -> None:
        book = Book("a", "b")
        book.trade("a", "5")
        book.trade("b", "-3")
        book.say(after=HOUR + MINUTE)
        book.trade("b", "-10")
        book.accrue(MONDAY + HOUR, "-10")
        assert (book.row("a").funding, book.row("b").funding) == (D("-6.25"), D("-3.75"))

    def test_a_fill_from_before_the_boundary_that_comes_late_shares_it_anew(self) -> None:
        book = Book("a", "b")
        book.trade("a", "5")
        book.say(after=HOUR + MINUTE)
        book.accrue(MONDAY + HOUR, "-10")
        assert book.row("a").funding == D(-10)
        book.trade("b", "5", at=MONDAY + MINUTE)
        book.say(
            FundingCorrected(
                product=BIP, boundary=MONDAY + HOUR, before=D(-10), after=D(-20), reason="a fill came late"
            )
        )
        assert (book.row("a").funding, book.row("b").funding) == (D(-10), D(-10))

    def test_a_third_is_rounded_and_the_largest_takes_the_rest(self) -> None:
        assert split(D(10), {"a": D(1), "b": D(-1), "c": D(1)}) == {
            "a": D("3.333333333333333333"),
            "b": D("3.333333333333333333"),
            "c": D("3.333333333333333334"),
        }
        assert split(D(1), {"a": D(0)}) == {EXTERNAL: D(1)}

    def test_a_boundary_too_long_ago_is_shared_by_what_is_held_now(self) -> None:
        book = Book("a", "b")
        book.trade("a", "5")
        book.say(after=200 * HOUR)
        book.trade("b", "5")
        book.accrue(MONDAY + HOUR, "-10")
        assert (book.row("a").funding, book.row("b").funding) == (D(-5), D(-5))


def test_without_a_mark_the_open_gain_is_unknown_and_a_flat_one_is_zero() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.trade("b", "5")
    book.trade("b", "-5", "51000")
    assert (book.row("a").unrealized, book.row("a").net) == (None, None)
    assert (book.row("b").unrealized, book.row("b").net) == (D(0), D(50))


def test_open_gains_are_at_the_price_named_and_at_the_mark_for_products_that_are_not() -> None:
    book = Book("a", "b")
    book.trade("a", "5")
    book.say(marked("50100", at=book.at))
    (row,) = attribution(book.virtuals, BIP, book.portfolio, {BIP: D(50_200)})
    assert (row.product, row.unrealized) == (BIP, D(10))
    (row,) = attribution(book.virtuals, BIP, book.portfolio, {"ETP": D(1)})
    assert row.unrealized == 5


def test_nobody_has_a_row_in_a_product_that_nobody_held() -> None:
    book = Book("a", "b")
    assert attribution(book.virtuals, "ETP", book.portfolio) == []


def test_what_the_account_alone_closed_is_a_row_of_the_product_that_is_worth_nothing() -> None:
    book = Book("a", "b")
    book.trade("a", "2", "50000")
    book.trade("b", "-1", "51000")
    row = book.row(NETTING)
    assert (row.product, row.qty, row.realized, row.unrealized, row.net) == (BIP, D(0), D(10), D(-10), D(0))


def test_a_strategys_net_is_its_gain_less_its_fees_with_the_funding_it_received() -> None:
    book = Book("a", "b")
    book.trade("a", "5", fee="2")
    book.trade("a", "-2", "50100", fee="1")
    book.accrue(MONDAY + HOUR, "-0.5")
    book.say(marked("50200", at=book.at))
    row = book.row("a")
    assert (row.realized, row.fees, row.funding, row.unrealized) == (D(2), D(3), D("-0.5"), D(6))
    assert row.net == D("4.5")
