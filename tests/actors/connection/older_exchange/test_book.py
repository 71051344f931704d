"""Books of the older Exchange: right without a gap over the recording, and never silent about what can be missed.

Changes carry no number on that feed. Between two trades every one is counted by the product's sequence, so a lost one
is always seen there. Before the first trade and behind the last one nothing counts them: the book says where that is,
and a loss there is seen only by its traces. In the recording that is 4,289 changes, of which 1,494 leave none
(later changes put 454 of those right). Every other of the 9,946 messages is missed loudly; `PERPTAPE_ALL_PLACES=1`
takes away each in turn, in minutes.
"""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal

import pytest

from actors.connection.errors import FeedBroken
from actors.connection.older_exchange.book import BookStanding, ExchangeBook
from actors.connection.older_exchange.hearing import ExchangeHearing
from actors.connection.older_exchange.messages import SnapshotMessage, read_message
from events.terms import Side
from tests.actors.connection.older_exchange.recorded_exchange import (
    CHANNELS,
    RECORDING,
    Told,
    acknowledgements,
    followed,
    of_product,
    product_ids,
    recording,
    spread,
    without_one,
)
from tests.paths import needs_shared_data

#: Every place takes minutes; CI takes samples of every product and kind.
ALL_PLACES = bool(os.environ.get("PERPTAPE_ALL_PLACES"))
NAMES = product_ids() if RECORDING.exists() else []
KINDS = ("snapshot", "ticker", "last_match", "match", "l2update")


def hearing() -> ExchangeHearing:
    return ExchangeHearing(CHANNELS, {name: name for name in product_ids()})


@needs_shared_data
def test_the_recorded_messages_build_ten_books_without_a_gap() -> None:
    books = hearing()
    facts = [event for heard in recording() for event in books.hear(heard.raw, 0)]
    assert len(recording()) == 9_946
    assert books.is_whole
    assert len(books.books) == 10
    assert all(book.book.is_whole and not book.fault for book in books.books.values())
    standings = {name: book.standing for name, book in books.books.items()}
    assert Counter(standings.values()) == {
        BookStanding.COUNTED: 5,
        BookStanding.DOUBTFUL: 3,  # orders that never rested took eight numbers
        BookStanding.UNCOUNTED: 2,  # CRV-EUR and YFI-BTC did not trade
    }
    assert {name: book.unexplained for name, book in books.books.items() if book.unexplained} == {
        "BAND-BTC": 2,
        "DASH-BTC": 2,
        "SKL-USD": 4,
    }
    assert len(facts) == 9_719 + 10 + 107 + 97 + 10


@needs_shared_data
def test_the_books_are_those_of_a_naive_table_of_levels() -> None:
    for name in product_ids():
        levels: dict[tuple[str, Decimal], Decimal] = {}
        for heard in of_product(name):
            message = heard.message
            if isinstance(message, SnapshotMessage):
                levels = {("buy", price): size for price, size in message.bids}
                levels |= {("sell", price): size for price, size in message.asks}
            for side, price, size in getattr(message, "changes", ()):
                levels[side.value, price] = size
        book = followed(of_product(name)).book
        for side in Side:
            naive = sorted((price, size) for (of, price), size in levels.items() if of == side.value and size)
            assert sorted(book.levels(side)) == naive


def says_so(told: Told) -> bool:
    """Whether the book shows the loss: for certain, or by numbers that nothing explains."""
    return bool(told.book.fault) or told.book.unexplained > told.whole.unexplained


def admits(told: Told) -> bool:
    """Whether the book itself says that nothing counted its changes where the message was."""
    if told.heard.kind != "l2update" or told.is_counted:
        return False
    return told.book.counted_to == told.whole.counted_to and (
        told.book.uncounted == told.whole.uncounted - 1  # behind the last trade
        or told.book.counted_from == told.whole.counted_from  # before the first one
    )


@needs_shared_data
@pytest.mark.parametrize("name", NAMES)
def test_with_one_message_gone_the_book_says_so_or_says_that_nothing_counts_there(name: str) -> None:
    messages = of_product(name)
    places = {heard.place for heard in messages} if ALL_PLACES else set[int]()
    for kind in KINDS:
        places.update(spread(messages, kind, 12 if kind == "l2update" else 4))
    found: Counter[tuple[str, bool]] = Counter()
    for told in without_one(messages, places):
        found[told.heard.kind, says_so(told)] += 1
        assert says_so(told) or admits(told), f"message {told.heard.place} is missed silently: {told.heard.raw[:200]}"
    assert all(kind == "l2update" or seen for kind, seen in found), "only a change can be missed, and is admitted"
    if ALL_PLACES:
        print(name, dict(found))


@needs_shared_data
def test_every_change_between_two_trades_is_counted() -> None:
    """SKL-USD traded 52 times: every fiftieth of its changes between the first and the last trade."""
    messages = of_product("SKL-USD")
    trades = [heard.place for heard in messages if heard.kind == "match"]
    changes = [heard.place for heard in messages if heard.kind == "l2update" and trades[0] < heard.place < trades[-1]]
    told = [*without_one(messages, changes[::50])]
    assert len(told) > 40
    assert all(says_so(each) for each in told)


@needs_shared_data
@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_lost_acknowledgement_is_noticed(gone: int) -> None:
    books = hearing()
    raws = [heard.raw for heard in acknowledgements()]
    del raws[gone]
    if gone == 2:
        for raw in raws:
            books.hear(raw, 0)
        assert not books.is_whole, "the feed waits for it, and gives up in time"
        return
    for raw in raws[:gone]:
        books.hear(raw, 0)
    with pytest.raises(FeedBroken, match="one is missing"):
        books.hear(raws[gone], 0)


# Each trace by itself, on a book of a few levels.

AT = "2021-04-17T16:43:{second:09.6f}Z"


def at(second: float) -> str:
    return AT.format(second=second)


def snapshot(*, bid: str = "99", ask: str = "101") -> bytes:
    return f'{{"type":"snapshot","product_id":"P","bids":[["{bid}","5"]],"asks":[["{ask}","7"]]}}'.encode()


def change(second: float, side: str, price: str, size: str) -> bytes:
    return (
        f'{{"type":"l2update","product_id":"P","changes":[["{side}","{price}","{size}"]],"time":"{at(second)}"}}'
    ).encode()


def match(second: float, trade: int, sequence: int, size: str, *, taker: str = "t", maker: str = "m") -> bytes:
    return (
        f'{{"type":"match","product_id":"P","trade_id":{trade},"sequence":{sequence},"side":"sell","price":"101",'
        f'"size":"{size}","maker_order_id":"{maker}","taker_order_id":"{taker}","time":"{at(second)}"}}'
    ).encode()


def last_match(trade: int) -> bytes:
    return match(0, trade, trade * 10, "1").replace(b'"match"', b'"last_match"')


def ticker(second: float, trade: int, sequence: int, *, bid: str = "99", ask: str = "101") -> bytes:
    return (
        f'{{"type":"ticker","product_id":"P","trade_id":{trade},"sequence":{sequence},"price":"101",'
        f'"best_bid":"{bid}","best_ask":"{ask}","time":"{at(second)}"}}'
    ).encode()


def heartbeat(second: float, last_trade: int) -> bytes:
    return (
        f'{{"type":"heartbeat","product_id":"P","sequence":1,"last_trade_id":{last_trade},"time":"{at(second)}"}}'
    ).encode()


def book_of(*raws: bytes) -> ExchangeBook:
    book = ExchangeBook()
    for raw in raws:
        book.hear(read_message(raw))
    return book


BROKEN = {
    "a change came before any snapshot": [change(1, "buy", "98", "1")],
    "which it was: a change between is missing": [snapshot(), change(1, "buy", "99", "5")],
    "is said to become 0, which it was": [snapshot(), change(1, "buy", "98", "0")],
    "bids reach asks": [snapshot(), change(1, "buy", "102", "1")],
    "trade 9 follows 7": [snapshot(), change(1, "sell", "101", "6"), match(1, 7, 70, "1"), match(1, 9, 72, "1")],
    "tickers begin with 8, trades with 7": [snapshot(), last_match(7), ticker(1, 8, 72)],
    "trades begin with 8, tickers with 7": [snapshot(), ticker(0, 7, 70), match(1, 8, 72, "1")],
    "the ticker of trade 9 follows that of 7": [snapshot(), ticker(0, 7, 70), ticker(2, 9, 80)],
    "trade 7 has no change of its level": [snapshot(), match(1, 7, 70, "1"), change(2, "buy", "98", "1")],
    "shows other best prices": [
        snapshot(),
        ticker(0, 6, 60),
        ticker(1, 7, 70, bid="98"),
        change(2, "buy", "97", "1"),
    ],
    "shrank by a size that no order there has": [
        snapshot(),
        change(1, "buy", "98", "5"),
        change(1.1, "buy", "98", "7"),
        change(1.2, "buy", "98", "4"),
        change(2, "buy", "97", "1"),
    ],
    "do not add up with the changes heard": [
        snapshot(),
        change(1, "sell", "101", "6"),
        match(1, 7, 70, "1", taker="a", maker="m"),
        change(2, "sell", "101", "5"),
        match(2, 8, 74, "1", taker="b", maker="m"),  # three numbers are explained: done, received, match
    ],
    "the last trade came on one channel only": [
        snapshot(),
        ticker(0, 7, 70),
        change(1, "buy", "98", "1"),
        change(2.5, "buy", "97", "1"),
    ],
    "tickers at 7": [
        snapshot(),
        last_match(7),
        ticker(0, 7, 70),
        change(1, "sell", "101", "6"),
        match(1, 8, 71, "1"),
        change(1.5, "buy", "98", "1"),
    ],
    "was spoken of a heartbeat ago": [
        snapshot(),
        change(1, "sell", "101", "6"),
        match(1, 7, 70, "1"),
        heartbeat(2, 8),
        heartbeat(3, 8),
    ],
}


@pytest.mark.parametrize("fault", BROKEN)
def test_each_trace_of_a_lost_message_breaks_the_book(fault: str) -> None:
    book = book_of(*BROKEN[fault])
    assert fault in book.fault
    assert book.standing is BookStanding.BROKEN


def test_a_snapshot_begins_anew_behind_a_fault() -> None:
    book = book_of(*BROKEN["bids reach asks"], snapshot())
    assert (book.fault, book.standing) == ("", BookStanding.UNCOUNTED)


def test_numbers_that_add_up_make_a_counted_book() -> None:
    book = book_of(
        snapshot(),
        change(1, "sell", "101", "6"),
        match(1, 7, 70, "1", taker="a", maker="m"),
        ticker(1, 7, 70),
        change(1.5, "buy", "98", "2"),  # received and open: 2 numbers
        change(1.6, "buy", "98", "0"),  # done: 1
        change(2, "sell", "101", "5"),
        match(2, 8, 76, "1", taker="b", maker="m"),  # done of a, received of b, match: 3
        ticker(2, 8, 76),
    )
    assert (book.standing, book.unexplained, book.fault) == (BookStanding.COUNTED, 0, "")
    assert (book.counted_from, book.counted_to, book.uncounted) == (70, 76, 0)


def test_two_numbers_too_many_are_an_order_that_never_rested_or_a_lost_one_and_are_not_explained_away() -> None:
    book = book_of(
        snapshot(),
        change(1, "sell", "101", "6"),
        match(1, 7, 70, "1", taker="a", maker="m"),
        change(2, "sell", "101", "5"),
        match(2, 8, 75, "1", taker="b", maker="m"),
        ticker(2, 8, 75),
    )
    assert (book.fault, book.standing, book.unexplained) == ("", BookStanding.DOUBTFUL, 2)


def test_the_change_of_a_trade_may_come_behind_it() -> None:
    book = book_of(
        snapshot(),
        match(1, 7, 70, "1", taker="a", maker="m"),
        ticker(1, 7, 70),
        change(1, "sell", "101", "6"),
        match(2, 8, 73, "1", taker="b", maker="m"),
        ticker(2, 8, 73),
        change(2, "sell", "101", "5"),
        change(3, "buy", "98", "1"),
    )
    assert (book.standing, book.counted_to, book.uncounted) == (BookStanding.COUNTED, 73, 1)


def test_a_taker_that_rests_with_what_is_left_is_one_number() -> None:
    book = book_of(
        snapshot(),
        change(1, "sell", "101", "0"),
        match(1, 7, 70, "7", taker="a", maker="m"),
        change(1, "buy", "101", "3"),  # open: its `received` was before the trade; done of m before it
        change(1.2, "sell", "102", "4"),  # received, open
        change(2, "buy", "101", "2"),
        read_match(side="buy", sequence=76),  # received, match
    )
    assert (book.fault, book.unexplained, book.counted_to) == ("", 0, 76)


def read_match(*, side: str, sequence: int) -> bytes:
    return match(2, 8, sequence, "1", taker="b", maker="a").replace(b'"side":"sell"', f'"side":"{side}"'.encode())


def test_a_product_that_hardly_trades_is_counted_without_keeping_every_change() -> None:
    quiet = [change(1.5 + i * 1e-6, "buy", "98", "2" if i % 2 == 0 else "0") for i in range(20_000)]
    begin = [snapshot(), change(1, "sell", "101", "6"), match(1, 7, 70, "1", taker="a"), ticker(1, 7, 70)]
    end = [change(2, "sell", "101", "5"), match(2, 8, 70 + 30_000 + 3, "1", taker="b")]
    book = book_of(*begin, *quiet)
    assert len(book._since) < 10_000
    assert book.uncounted == 20_000
    for raw in end:
        book.hear(read_message(raw))
    assert (book.fault, book.unexplained, book.uncounted) == ("", 0, 0)
    fewer = book_of(*begin, *quiet[:5_000], *quiet[5_002:], *end)
    assert "do not add up with the changes heard (+3)" in fewer.fault, "two that belong together are three numbers"


def test_a_book_that_has_heard_nothing_has_nothing() -> None:
    assert ExchangeBook().standing is BookStanding.EMPTY
