"""Every recorded session reads to its end, counted, in the exchange's order, with books that do not cross."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from events.catalog import FundingRatePublished, ProductListed
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.money import on_grid
from events.record import AnyEvent
from events.terms import NANOSECONDS, Side
from projections.book import Book
from replay.tapes import Tape, TapeUnreadable, merged, open_tape
from tests.paths import SHARED_DATA, needs_shared_data

D = Decimal
PERPS = SHARED_DATA / "perp-feed"
BINANCE_2023 = PERPS / "btcusdt_20230405.dat.gz"
BINANCE_2024 = PERPS / "btcusdt_20240808.gz"
TRADES = PERPS / "tardis_binance-futures_trades_BTCUSDT_20200222.csv.gz"
QUOTES = PERPS / "tardis_quotes.csv.gz"
EXCHANGE_2021 = SHARED_DATA / "exchange-feed-2021" / "COINBASE.ws.jsonl.gz"

pytestmark = needs_shared_data


def counted(tape: Tape) -> dict[str, int]:
    """Events by type, with time checked on the way."""
    counts: Counter[str] = Counter()
    reached = tape.start
    for at, event in tape:
        assert at >= reached
        reached = at
        counts[type(event).__name__] += 1
        assert event.product == tape.product.product  # type: ignore[union-attr]
    return dict(counts)


def market(tape: Tape) -> list[AnyEvent]:
    return [event for _, event in tape]


def test_a_session_without_a_depth_snapshot_is_trades_quotes_marks_and_a_funding_rate() -> None:
    assert counted(open_tape(BINANCE_2023)) == {
        "QuoteChanged": 37_440,
        "TradePrinted": 10_738,
        "MarkReported": 415,
        "FundingRatePublished": 1,
    }


def test_the_rate_of_a_boundary_is_the_last_one_announced_for_it() -> None:
    (rate,) = [event for event in market(open_tape(BINANCE_2023)) if isinstance(event, FundingRatePublished)]
    midnight = 1_680_652_800 * NANOSECONDS
    assert (rate.boundary, rate.rate) == (midnight, D("0.00002760"))
    assert midnight < rate.exchange_at < midnight + 10 * NANOSECONDS


def test_a_session_with_a_depth_snapshot_has_a_whole_book_from_there_on() -> None:
    # 6,551 changes were recorded; four ended before the snapshot that was asked for.
    assert counted(open_tape(BINANCE_2024)) == {
        "QuoteChanged": 66_089,
        "TradePrinted": 21_313,
        "BookSnapshotted": 1,
        "BookChanged": 6_547,
    }


def test_the_recorded_book_never_crosses_and_agrees_with_the_best_quotes() -> None:
    book = Book()
    quotes: dict[int, QuoteChanged] = {}
    agreed = seen = 0
    for _, event in open_tape(BINANCE_2024):
        if isinstance(event, QuoteChanged):
            quotes[event.exchange_at] = event
        book.fold(event)
        if isinstance(event, BookChanged) and (quote := quotes.get(event.exchange_at)):
            seen += 1
            agreed += (quote.bid, quote.ask) == (book.bid_prices[-1], book.ask_prices[0])
        assert not book.is_crossed
    assert book.is_whole
    assert len(book.bid_prices) > 1_000
    assert seen > 500
    assert agreed > 0.95 * seen


@pytest.mark.parametrize("path", [BINANCE_2023, BINANCE_2024], ids=lambda path: path.name)
def test_takers_buy_at_the_ask_and_sell_at_the_bid(path: Path) -> None:
    quote: QuoteChanged | None = None
    right = trades = 0
    for event in market(open_tape(path)):
        if isinstance(event, QuoteChanged):
            quote = event
        elif isinstance(event, TradePrinted) and quote is not None:
            assert quote.bid is not None
            assert quote.ask is not None
            trades += 1
            right += (event.aggressor is Side.BUY) == (event.price > (quote.bid + quote.ask) / 2)
    assert right > 0.9 * trades


@pytest.mark.parametrize("path", [BINANCE_2023, BINANCE_2024, TRADES, QUOTES], ids=lambda path: path.name)
def test_every_price_and_size_lies_on_the_grid_of_its_listing(path: Path) -> None:
    tape = open_tape(path)
    assert (tape.product.product, tape.product.venue, tape.product.contract_size) == ("BTC-PERP", "TAPE", D(1))
    for event in market(tape):
        if isinstance(event, TradePrinted):
            assert on_grid(event.price, tape.product.price_increment)
            assert on_grid(event.size, tape.product.size_increment)
        elif isinstance(event, QuoteChanged):
            assert event.bid is not None
            assert event.ask is not None
            assert event.bid < event.ask
            assert on_grid(event.bid, tape.product.price_increment)


def test_tables_of_trades_and_of_quotes_are_tapes() -> None:
    assert counted(open_tape(TRADES)) == {"TradePrinted": 9_999}
    assert counted(open_tape(QUOTES)) == {"QuoteChanged": 9_999}
    first = market(open_tape(TRADES))[0]
    assert first == TradePrinted(
        product="BTC-PERP",
        trade_id="42377944",
        price=D(9682),
        size=D("0.132"),
        aggressor=Side.BUY,
        exchange_at=1_582_329_602_111_000_000,
    )


def test_trades_and_quotes_of_one_market_can_be_played_together() -> None:
    tape = merged(open_tape(TRADES), open_tape(QUOTES))
    assert counted(tape) == {"TradePrinted": 9_999, "QuoteChanged": 9_999}
    assert tape.start == open_tape(QUOTES).start
    with pytest.raises(ValueError, match="different products"):
        merged(tape, open_tape(EXCHANGE_2021))


def test_a_recording_of_the_exchange_feed_is_a_tape_of_the_product_that_says_most() -> None:
    tape = open_tape(EXCHANGE_2021)
    assert counted(tape) == {"BookSnapshotted": 1, "BookChanged": 2_592, "TradePrinted": 52}
    assert (tape.product.exchange_id, tape.product.price_increment) == ("SKL-USD", D("0.0001"))
    assert tape.product.funding_interval_s is None
    book = Book()
    buys = 0
    for event in market(tape):
        book.fold(event)
        assert not book.is_crossed
        if isinstance(event, TradePrinted):  # the feed names the maker's side, a tape the taker's
            buys += (event.aggressor is Side.BUY) == (2 * event.price > book.bid_prices[-1] + book.ask_prices[0])
    assert buys > 45  # of 52


def test_another_product_of_a_recording_can_be_named_and_an_unknown_one_is_answered_with_the_names() -> None:
    tape = open_tape(EXCHANGE_2021, product="BAND-GBP")
    first = market(tape)[0]
    assert isinstance(first, BookSnapshotted)
    assert first.product == "BAND-GBP"
    assert isinstance(tape.product, ProductListed)
    with pytest.raises(TapeUnreadable, match="no book of product 'BTC-USD'; name one of: BAND-BTC, BAND-GBP"):
        open_tape(EXCHANGE_2021, product="BTC-USD")


def test_a_recording_is_known_by_its_bytes() -> None:
    digests = {open_tape(path).digest for path in (BINANCE_2023, BINANCE_2024, TRADES, QUOTES)}
    assert len(digests) == 4
    assert open_tape(TRADES).digest == open_tape(TRADES).digest
