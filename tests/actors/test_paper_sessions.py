"""The paper exchange over sessions: what survives, what never arrived, and that its state is its records alone."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.behaviour import Seat
from actors.behaviours.paper import PaperExchange
from events.account import BalanceReported, FundsMoved, MarginWindowChanged, TransferReported
from events.feeds import ExchangeReconciled
from events.funding import FundingPaid
from events.market import TradesBusted
from events.orders import FillsReported, OrderRejected, OrderReported
from events.position import PositionReported
from events.record import AnyEvent
from events.session import ClockTicked, SessionStarted, StopRequested
from events.terms import NANOSECONDS, Clock, MarginWindow, OrderKind, OrderStatus, Side
from tests.actors.paper_rig import (
    CONFIGURATION,
    HOUR,
    LATENCY,
    PRODUCT,
    RULES,
    START,
    Bench,
    book,
    cancel,
    order,
    rate,
    reports,
)
from tests.streams.market import disturbed, market_streams

D = Decimal


def filled(name: str) -> OrderReported:
    """As another exchange would report a fill."""
    return OrderReported(
        order=name,
        exchange_order="x",
        product=PRODUCT,
        side=Side.BUY,
        status=OrderStatus.FILLED,
        kind=OrderKind.LIMIT_GTC,
        qty=D(3),
        filled_qty=D(3),
        filled_value=D(1_500),
        fees=D(1),
        limit_price=D(49_900),
        exchange_at=START,
    )


LIVE = msgspec.structs.replace(CONFIGURATION, mode="live")


def test_a_session_is_reconciled_once_when_its_products_are_listed() -> None:
    bench = Bench()
    said = bench.start()
    assert [type(event) for event in said] == [PositionReported, BalanceReported, ExchangeReconciled]
    assert bench.tell(RULES, ClockTicked(), book()) == []


def test_a_session_is_not_reconciled_while_a_product_is_not_listed() -> None:
    other = msgspec.structs.replace(RULES, product="ETH-PERP")
    products = {**CONFIGURATION.products, "ETH-PERP": CONFIGURATION.products[PRODUCT]}
    bench = Bench(msgspec.structs.replace(CONFIGURATION, products=products))
    assert bench.start() == []
    assert bench.tell(ClockTicked(), book()) == []
    assert ExchangeReconciled in [type(event) for event in bench.tell(other)]


def test_a_first_session_starts_with_the_configured_cash_and_a_later_one_with_what_there_is() -> None:
    bench = Bench.open()
    assert bench.balance().futures_usd == 100_000
    bench.submit(order(qty=10))
    cash = bench.balance().futures_usd
    assert cash < 100_000
    (balance,) = [event for event in bench.start("s-2") if isinstance(event, BalanceReported)]
    assert balance.futures_usd == cash


def test_resting_orders_survive_and_are_reported_again() -> None:
    bench = Bench.open()
    (opened,) = reports(bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=49_900, qty=3)))
    (again,) = reports(bench.start("s-2"))
    assert (again.order, again.exchange_order, again.status) == (opened.order, opened.exchange_order, OrderStatus.OPEN)
    bench.tell(book())
    (gone,) = reports(bench.submit(cancel()))
    assert gone.status is OrderStatus.CANCELLED


def test_an_order_on_the_wire_when_a_session_died_never_arrived() -> None:
    bench = Bench.open()
    bench.tell(order())
    said = bench.start("s-2")
    assert [event.order for event in said if isinstance(event, OrderRejected)] == ["o-1"]
    assert bench.tell(book(), at=bench.at + LATENCY) == []


def test_a_cancel_on_the_wire_when_a_session_died_never_arrived() -> None:
    bench = Bench.open()
    bench.submit(order(kind=OrderKind.LIMIT_GTC, limit=49_900, qty=3))
    bench.tell(cancel())
    assert [event.status for event in reports(bench.start("s-2"))] == [OrderStatus.OPEN]
    assert bench.tell(book(), at=bench.at + LATENCY) == []


def test_what_others_report_in_a_paper_session_changes_nothing_here() -> None:
    bench = Bench.open()
    before = bench.seat.snapshot()
    bench.tell(filled("o-1"))
    assert bench.seat.snapshot() == before


def test_no_book_of_an_earlier_session_can_be_traded_with() -> None:
    bench = Bench.open()
    bench.start("s-2")
    (refused,) = bench.submit(order(kind=OrderKind.MARKET_IOC, limit=None))
    assert isinstance(refused, OrderRejected)


def test_a_live_session_is_none_of_its_business() -> None:
    bench = Bench(LIVE)
    assert bench.start() == []
    assert bench.tell(book(), order(), ClockTicked(), at=bench.at + HOUR) == []
    assert bench.tell(ClockTicked(), at=bench.at + 24 * HOUR) == []


def test_a_live_session_between_two_of_paper_leaves_orders_and_money_alone() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10))
    bench.submit(order("rests", kind=OrderKind.LIMIT_GTC, limit=49_900, qty=3))
    cash = bench.exchange.state.books.cash
    bench.configuration = LIVE
    assert bench.start("s-2") == []
    bench.tell(filled("rests"))
    bench.configuration = CONFIGURATION
    (again,) = reports(bench.start("s-3"))
    assert (again.order, again.filled_qty) == ("rests", D(0))
    assert bench.exchange.state.books.cash == cash


def test_at_the_end_of_a_session_nothing_waits_for_a_market_that_may_not_come() -> None:
    bench = Bench.open()
    bench.submit(order("rests", kind=OrderKind.LIMIT_GTC, limit=49_900, qty=3))
    bench.tell(order("wired", qty=2))
    (filled,) = bench.tell(StopRequested(reason="the tape ended"))
    assert isinstance(filled, OrderReported)
    assert (filled.order, filled.status) == ("wired", OrderStatus.FILLED)
    (gone,) = reports(bench.tell(cancel("rests")))
    assert gone.status is OrderStatus.CANCELLED
    (again,) = [event for event in bench.start("s-2") if isinstance(event, PositionReported)]
    assert again.qty == 2
    bench.tell(book())
    assert bench.tell(order("later")) == []


def test_the_account_is_reported_at_the_end_of_a_session() -> None:
    bench = Bench.open()
    bench.submit(order(qty=10))
    bench.tell(book(bid=51_000, ask=51_010))
    said = bench.tell(StopRequested(reason="test"))
    assert [type(event) for event in said] == [PositionReported, BalanceReported]


# Laws.


@st.composite
def account_facts(draw: st.DrawFn, name: str) -> AnyEvent:
    """Something that the account's owner or the exchange does, beside trading."""
    amount = D(draw(st.integers(-50, 50)))
    since = START + draw(st.integers(0, 3)) * HOUR
    found: tuple[AnyEvent, ...] = (
        TransferReported(transfer=name, amount=amount, reason="wire", exchange_at=since),
        FundsMoved(move=name, to_futures=amount, reason="sweep", exchange_at=since),
        MarginWindowChanged(window=MarginWindow.INTRADAY, ends_at=since, exchange_at=since),
        TradesBusted(product=PRODUCT, after=since - HOUR, through=since, reason="wrong", exchange_at=since),
    )
    return draw(st.sampled_from(found))


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[int, list[AnyEvent]]]:
    """Turns of a paper session on a disturbed market: (nanoseconds since the last turn, facts)."""
    market = draw(disturbed(market_streams(product=PRODUCT)))
    turns: list[tuple[int, list[AnyEvent]]] = []
    number = 0
    boundary = START + HOUR
    while market:
        facts: list[AnyEvent] = []
        for _ in range(draw(st.integers(1, 3))):
            what = draw(
                st.sampled_from(
                    ("market", "market", "market", "order", "order", "cancel", "tick", "rate", "session", "account")
                )
            )
            if what == "market" and market:
                facts.append(market.pop(0))
            elif what == "order":
                number += 1
                kind = draw(st.sampled_from((OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD, OrderKind.LIMIT_IOC)))
                side = draw(st.sampled_from(Side))
                facts.append(
                    order(
                        f"o-{number}",
                        side=side,
                        qty=draw(st.integers(1, 9)),
                        kind=kind,
                        limit=draw(st.integers(90, 110)),
                    )
                )
            elif what == "cancel":
                facts.append(cancel(f"o-{draw(st.integers(0, number))}"))
            elif what == "tick":
                facts.append(ClockTicked())
            elif what == "rate":
                facts.append(rate(boundary))
                boundary += HOUR
            elif what == "account":
                facts.append(draw(account_facts(f"a-{len(turns)}-{len(facts)}")))
            elif what == "session":
                again = SessionStarted(session=f"s-{len(turns)}", configuration=SMALL, clock=Clock.TAPE, code="test")
                facts += [again, FINE]
        step = draw(st.sampled_from((0, 1_000_000, 50_000_000, NANOSECONDS, 61 * NANOSECONDS, HOUR)))
        turns.append((step, facts))
    return turns


def run(turns: list[tuple[int, list[AnyEvent]]], bench: Bench | None = None) -> Bench:
    if bench is None:
        bench = Bench(SMALL)
        bench.start()
        bench.tell(FINE)
    for step, facts in turns:
        if facts:
            bench.tell(*facts, at=bench.at + step)
    return bench


SMALL = msgspec.structs.replace(CONFIGURATION, paper=msgspec.structs.replace(CONFIGURATION.paper, start_cash=D(500)))
FINE = msgspec.structs.replace(RULES, price_increment=D(1))


@given(sessions())
def test_what_was_said_comes_back_as_it_was_and_settles_every_turn(turns: list[tuple[int, list[AnyEvent]]]) -> None:
    assert run(turns).seat.is_settled


@given(sessions())
def test_the_state_is_a_fold_of_the_records_alone(turns: list[tuple[int, list[AnyEvent]]]) -> None:
    bench = run(turns)
    reader = Seat(PaperExchange())
    for record in bench.records:
        if type(record.event) in reader.hears:
            reader.follow(record)
    assert reader.snapshot() == bench.seat.snapshot()


@given(sessions(), st.data())
def test_a_snapshot_at_any_turn_and_the_rest_equal_the_whole(
    turns: list[tuple[int, list[AnyEvent]]], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(turns)))
    whole = run(turns)
    part = run(turns[:cut])
    rebuilt = Seat(PaperExchange())
    rebuilt.restore(part.seat.snapshot())
    assert rebuilt.behaviour.state == part.exchange.state
    part.seat, part.exchange = rebuilt, rebuilt.behaviour  # type: ignore[assignment]
    run(turns[cut:], part)
    assert part.records == whole.records
    assert part.seat.snapshot() == whole.seat.snapshot()


@given(sessions())
def test_money_is_what_the_reports_say(turns: list[tuple[int, list[AnyEvent]]]) -> None:
    """Both pockets less cost are the start less what was traded and its fees, plus funding and transfers.

    No report takes anything back; what the list of fills reverses was never traded.
    """
    bench = run(turns)
    latest: dict[str, OrderReported] = {}
    for event in (record.event for record in bench.records):
        if isinstance(event, OrderReported):
            before = latest.get(event.exchange_order)
            if before is not None:
                assert not before.status.is_final
                assert event.filled_qty >= before.filled_qty
                assert event.filled_value >= before.filled_value
            assert event.filled_qty <= event.qty
            latest[event.exchange_order] = event
    books = bench.exchange.state.books
    taken_back = [
        (latest[r.event.exchange_order].side.sign, entry)
        for r in bench.records
        if isinstance(r.event, FillsReported)
        for entry in r.event.entries
    ]
    filled = sum((e.side.sign * e.filled_qty for e in latest.values()), D(0))
    assert books.qty(PRODUCT) == filled - sum((sign * entry.qty for sign, entry in taken_back), D(0))
    assert books.cash is not None
    cost = sum((holding.cost for holding in books.holdings.values()), D(0))
    spent = sum((e.side.sign * e.filled_value + e.fees for e in latest.values()), D(0))
    returned = sum((sign * entry.qty * entry.price * D("0.01") - entry.fee for sign, entry in taken_back), D(0))
    funding = sum((r.event.amount for r in bench.records if isinstance(r.event, FundingPaid)), D(0))
    wired = sum((r.event.amount for r in bench.records if isinstance(r.event, TransferReported)), D(0))
    assert books.spot + books.cash - cost == 500 - spent + returned + funding + wired
