"""The paper exchange's account: bands, windows of margin, liquidation, settlements, money that comes and moves."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from events.account import BalanceReported, FundsMoved, MarginWindowChanged, TransferReported
from events.configuration import Configuration, PaperSetting
from events.event import Event
from events.market import TradesBusted
from events.orders import FillsReported, OrderRejected, OrderReported
from events.position import PositionReported
from events.session import ClockTicked
from events.terms import NANOSECONDS, FillKind, MarginWindow, OrderKind, OrderStatus, Origin, Side
from tests.actors.paper_rig import CONFIGURATION, HOUR, PRODUCT, RULES, START, Bench, book, order, reports, trade

D = Decimal
SECOND = NANOSECONDS
SETTLEMENT = START + 2 * HOUR  # 16:00


def setting(**changes: object) -> Configuration:
    paper: PaperSetting = msgspec.structs.replace(CONFIGURATION.paper, **changes)
    return msgspec.structs.replace(CONFIGURATION, paper=paper)


def second_later(bench: Bench) -> list[Event]:
    return bench.tell(ClockTicked(), at=bench.at + SECOND)


def balance_in(said: list[Event]) -> BalanceReported:
    (balance,) = [event for event in said if isinstance(event, BalanceReported)]
    return balance


def window(kind: MarginWindow, *, ends_at: int | None = None) -> MarginWindowChanged:
    return MarginWindowChanged(window=kind, ends_at=ends_at, exchange_at=START)


# Bands.


@pytest.mark.parametrize(
    ("side", "limit", "code"),
    [(Side.BUY, 50_505, "LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_BUY"), (Side.SELL, 49_495, "…_SELL")],
)
def test_a_limit_further_through_the_mark_than_the_band_is_rejected(side: Side, limit: int, code: str) -> None:
    bench = Bench.open(setting(price_band=D("0.01")))
    (refused,) = bench.submit(order(side=side, limit=limit))
    assert isinstance(refused, OrderRejected)
    assert refused.code.endswith(code.removeprefix("…"))
    edge = limit - side.sign * 5
    assert reports(bench.submit(order("o-2", side=side, limit=edge)))


def test_a_limit_on_the_own_side_of_the_market_is_no_matter_of_the_band() -> None:
    bench = Bench.open(setting(price_band=D("0.01")))
    (opened,) = reports(bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=40_000)))
    assert opened.status is OrderStatus.OPEN


def test_an_order_at_the_market_takes_nothing_beyond_the_band() -> None:
    bench = Bench.open(setting(price_band=D("0.00015")))  # up to 50,007.5: the first level, not the second
    (report,) = reports(bench.submit(order(qty=15, kind=OrderKind.MARKET_IOC, limit=None)))
    assert (report.status, report.filled_qty, report.filled_value) == (OrderStatus.CANCELLED, D(10), D("5000.50"))


# Windows of margin.


def bound(configuration: Configuration, *facts: MarginWindowChanged, later: int = 0) -> BalanceReported:
    bench = Bench.open(configuration)
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(*facts)
    return balance_in(bench.tell(ClockTicked(), at=bench.at + 61 * SECOND + later))


INTRADAY = window(MarginWindow.INTRADAY, ends_at=START + HOUR)


def test_the_intraday_window_binds_its_own_rate_once_the_account_has_opted_in() -> None:
    opted_in = setting(intraday_margin=True)
    assert bound(opted_in, INTRADAY).initial_margin == D("0.10") * 5_000
    assert bound(opted_in, INTRADAY, window(MarginWindow.OVERNIGHT)).initial_margin == D("0.25") * 5_000
    assert bound(opted_in).initial_margin == D("0.25") * 5_000
    assert bound(CONFIGURATION, INTRADAY).initial_margin == D("0.25") * 5_000


def test_a_window_whose_end_has_passed_is_over_without_a_word_about_the_next() -> None:
    assert bound(setting(intraday_margin=True), INTRADAY, later=HOUR).initial_margin == D("0.25") * 5_000


def test_an_increase_must_fit_the_next_window_although_the_present_one_asks_for_less() -> None:
    bench = Bench.open(setting(intraday_margin=True, start_cash=D(1_000)))
    bench.tell(INTRADAY)
    (refused,) = bench.submit(order(qty=10, limit=50_005))
    assert isinstance(refused, OrderRejected)
    assert refused.code == "INSUFFICIENT_FUNDS"


# Liquidation. Ten long at 50,005: margin 0.25 x 5,000.50, maintenance two thirds of it, about 833 at first.


def fallen(price: int, *, cash: str = "1260", **changes: object) -> Bench:
    bench = Bench.open(setting(start_cash=D(cash), **changes))
    assert reports(bench.submit(order(qty=10, limit=50_005)))[0].filled_qty == 10
    bench.tell(book(bid=price - 5, ask=price + 5, size=4))
    return bench


def test_at_maintenance_margin_the_exchange_closes_the_position_by_an_order_of_its_own_with_its_fee() -> None:
    bench = fallen(44_900)
    first = reports(second_later(bench))[0]
    assert (first.order, first.origin, first.side, first.status) == (
        "",
        Origin.LIQUIDATION,
        Side.SELL,
        OrderStatus.CANCELLED,
    )
    value = (4 * D(44_895) + 4 * D(44_890)) * D("0.01")
    assert (first.qty, first.filled_qty, first.filled_value) == (D(10), D(8), value)
    assert first.fees == (D("0.0008") + D("0.002")) * value + 8 * D("0.14")


def test_a_liquidation_goes_on_with_what_is_shown_anew_until_the_account_is_flat() -> None:
    bench = fallen(44_900)
    first = reports(second_later(bench))[0]
    assert not reports(second_later(bench)), "what was taken is gone"
    bench.tell(book(bid=46_000, ask=46_010))  # dearer than where it began: begun is begun
    (last,) = reports(second_later(bench))
    assert (last.filled_qty, last.status) == (D(2), OrderStatus.FILLED)
    assert last.exchange_order != first.exchange_order
    position = next(e for e in bench.tell(ClockTicked(), at=bench.at + 61 * SECOND) if isinstance(e, PositionReported))
    assert position.qty == 0
    assert not reports(second_later(bench))


def test_a_position_that_is_covered_is_left_alone() -> None:
    assert not reports(second_later(fallen(45_000)))


def test_a_liquidation_cancels_what_rests_and_takes_no_increase_until_it_is_over() -> None:
    bench = Bench.open(setting(start_cash=D(1_300)))
    bench.submit(order(qty=10, limit=50_005))
    bench.submit(order("exit", side=Side.SELL, kind=OrderKind.LIMIT_GTC, limit=51_000, qty=10))
    bench.tell(book(bid=44_000, ask=44_010, size=3))
    said = reports(second_later(bench))
    assert [(r.order, r.status) for r in said] == [("exit", OrderStatus.CANCELLED), ("", OrderStatus.CANCELLED)]
    (refused,) = bench.submit(order("more", qty=1, limit=44_015))
    assert isinstance(refused, OrderRejected)
    assert "liquidated" in refused.message


def test_nothing_is_liquidated_where_no_book_is_known() -> None:
    bench = fallen(44_900)
    bench.exchange.state.lose_markets()
    assert not reports(second_later(bench))
    bench.tell(book(bid=44_000, ask=44_010))
    assert reports(second_later(bench))


def test_nothing_is_liquidated_in_a_closed_session() -> None:
    bench = fallen(44_900)
    bench.tell(msgspec.structs.replace(RULES, session_open=False))
    assert not reports(second_later(bench))
    bench.tell(RULES)
    assert reports(second_later(bench))


def test_the_end_of_the_intraday_window_liquidates_what_only_its_rate_allowed() -> None:
    bench = fallen(47_000, intraday_margin=True)
    bench.tell(INTRADAY)
    bench.tell(transfer("-300"))  # what is left carries the day's rate, not the night's
    assert not reports(second_later(bench))
    bench.tell(window(MarginWindow.OVERNIGHT))
    (report, *_) = reports(second_later(bench))
    assert report.origin is Origin.LIQUIDATION


# Settlements.


def test_a_settlement_turns_the_open_gain_into_cash_and_leaves_equity_alone() -> None:
    bench = Bench.open()
    (filled,) = reports(bench.submit(order(qty=10, limit=50_005)))
    bench.tell(book(bid=51_000, ask=51_010))
    bench.tell(trade(51_005, 1, None, at=bench.at + 1), at=bench.at + 1)
    before = bench.balance()
    assert (before.futures_usd, before.unrealized) == (100_000 - filled.fees, D(100))
    after = balance_in(bench.tell(ClockTicked(), at=SETTLEMENT))
    assert (after.futures_usd, after.unrealized) == (100_100 - filled.fees, D(0))


def test_the_entry_price_shown_is_what_was_paid_and_the_unrealized_gain_that_since_the_settlement() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    bench.tell(book(bid=51_000, ask=51_010), trade(51_005, 1, None, at=bench.at))
    bench.tell(ClockTicked(), at=SETTLEMENT)
    bench.tell(book(bid=51_100, ask=51_110), trade(51_105, 1, None, at=bench.at))
    said = bench.tell(ClockTicked(), at=bench.at + 61 * SECOND)
    position = next(event for event in said if isinstance(event, PositionReported))
    assert (position.entry_price, position.current_price, position.unrealized) == (D(50_005), D(51_105), D(10))


def test_settlements_that_passed_unheard_are_all_behind_us() -> None:
    bench = Bench.open()
    bench.tell(ClockTicked(), at=SETTLEMENT + 3 * 24 * HOUR + HOUR)
    assert bench.exchange.state.settle_through == SETTLEMENT + 3 * 24 * HOUR
    assert bench.exchange.state.settles_at == SETTLEMENT + 4 * 24 * HOUR


# Money.


def transfer(amount: str, name: str = "t-1") -> TransferReported:
    return TransferReported(transfer=name, amount=D(amount), reason="wire", exchange_at=START)


def moved(to_futures: str, name: str = "m-1") -> FundsMoved:
    return FundsMoved(move=name, to_futures=D(to_futures), reason="sweep", exchange_at=START)


def pockets(bench: Bench) -> tuple[Decimal, Decimal]:
    balance = balance_in(second_later(bench))
    return balance.spot_usd, balance.futures_usd


def test_a_deposit_lies_in_the_wallet_until_it_is_moved_and_a_sweep_brings_money_back() -> None:
    bench = Bench.open()
    bench.tell(transfer("500"))
    assert pockets(bench) == (D(500), D(100_000))
    bench.tell(moved("400"))
    assert pockets(bench) == (D(100), D(100_400))
    bench.tell(moved("-1000", "m-2"))
    assert pockets(bench) == (D(1_100), D(99_400))


def test_a_withdrawal_takes_from_futures_what_the_wallet_lacks() -> None:
    bench = Bench.open()
    bench.tell(transfer("500"))
    bench.tell(transfer("-700", "t-2"))
    assert pockets(bench) == (D(0), D(99_800))


def test_money_told_twice_moves_once() -> None:
    bench = Bench.open()
    bench.tell(transfer("500"), moved("200"))
    bench.tell(transfer("500"), moved("200"))
    assert pockets(bench) == (D(300), D(100_200))


def test_what_lies_in_the_wallet_backs_positions_too_and_where_it_lies_makes_no_difference() -> None:
    bench = Bench.open(setting(start_cash=D(1_000)))
    assert isinstance(bench.submit(order(qty=10, limit=50_005))[0], OrderRejected)
    bench.tell(transfer("500"))
    (filled,) = reports(bench.submit(order("o-2", qty=10, limit=50_005)))
    assert filled.filled_qty == 10
    before = balance_in(second_later(bench)).available_margin
    bench.tell(moved("400"))
    assert balance_in(second_later(bench)).available_margin == before == 1_500 - filled.fees - D("0.5")


# Fills that are taken back.


def busted(*, after: int, through: int, product: str = PRODUCT) -> TradesBusted:
    return TradesBusted(product=product, after=after, through=through, reason="clearly wrong", exchange_at=through)


def taken_back(said: list[Event]) -> FillsReported:
    (listed,) = [event for event in said if isinstance(event, FillsReported)]
    return listed


def test_a_fill_that_the_exchange_takes_back_leaves_neither_position_nor_fee() -> None:
    bench = Bench.open()
    (filled,) = reports(bench.submit(order(qty=15, limit=50_010)))
    bench.tell(book(bid=52_000, ask=52_010))
    listed = taken_back(bench.tell(busted(after=START, through=bench.at)))
    assert (listed.order, listed.exchange_order, listed.product) == ("o-1", filled.exchange_order, PRODUCT)
    assert {entry.kind for entry in listed.entries} == {FillKind.REVERSAL}
    assert sum(entry.qty for entry in listed.entries) == 15
    assert sum(entry.qty * entry.price for entry in listed.entries) == filled.filled_value / D("0.01")
    assert sum(entry.fee for entry in listed.entries) == -filled.fees
    said = second_later(bench)
    assert balance_in(said).futures_usd + balance_in(said).unrealized == 100_000
    assert next(event for event in said if isinstance(event, PositionReported)).qty == 0


def test_only_the_fills_of_that_time_and_that_product_are_taken_back_and_each_once() -> None:
    bench = Bench.open()
    (first,) = reports(bench.submit(order("first", qty=2)))
    (second,) = reports(bench.submit(order("second", qty=3)))
    assert not bench.tell(busted(after=START, through=bench.at, product="OTHER"))
    assert not bench.tell(busted(after=second.exchange_at, through=bench.at))
    listed = taken_back(bench.tell(busted(after=first.exchange_at, through=second.exchange_at)))
    assert listed.order == "second"
    assert not bench.tell(busted(after=first.exchange_at, through=second.exchange_at))
    assert bench.exchange.state.books.qty(PRODUCT) == 2


def test_a_settlement_before_a_reversal_leaves_equity_as_it_would_have_been() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10, limit=50_005))
    at = bench.at
    bench.tell(book(bid=51_000, ask=51_010))
    bench.tell(ClockTicked(), at=SETTLEMENT)
    bench.tell(busted(after=START, through=at))
    balance = balance_in(second_later(bench))
    assert balance.futures_usd + balance.unrealized == 100_000


# Sessions.


def test_what_prints_in_a_closed_session_fills_nothing_of_ours() -> None:
    bench = Bench.open()
    bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=49_995, qty=3))
    bench.tell(msgspec.structs.replace(RULES, trading_disabled=True))
    at = bench.at + SECOND
    assert not reports(bench.tell(trade(49_900, 9, Side.SELL, at=at), at=at))
    bench.tell(RULES)
    filled: list[OrderReported] = reports(bench.tell(trade(49_900, 9, Side.SELL, at=at + 1), at=at + 1))
    assert [report.status for report in filled] == [OrderStatus.FILLED]
