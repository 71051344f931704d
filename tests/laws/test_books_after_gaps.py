"""Law: whatever the wire does, a level-2 book is right or says that it is not whole.

An exchange keeps a naive full book and numbers its frames. Between it and us frames are dropped, sent twice, sent late,
damaged, and connections end anywhere. What we hear goes the live way: hearing, facts, book.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import event, given, settings
from hypothesis import strategies as st

from actors.connection.errors import BrokerageError
from actors.connection.frames import Frame
from actors.connection.hearing import Hearing, Wanted, end_facts
from actors.connection.market_feed import MarketFacts
from events.feeds import FeedGapFound, FeedLost, FeedWentSilent
from events.record import AnyEvent
from events.terms import Side
from projections.book import Book
from tests.laws.cases import STREAMS

PRODUCTS = {"BIP-20DEC30-CDE": "BTC-PERP"}
WANTED = [Wanted("level2", ("BIP-20DEC30-CDE",)), Wanted("heartbeats")]
ACKNOWLEDGED = {"level2": ["BIP-20DEC30-CDE"], "heartbeats": ["heartbeats"]}

#: One change: side, ticks from the middle, size (0 removes).
changes = st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=4)
#: What the wire does with the next frame.
mishaps = st.sampled_from(
    ["kept", "kept", "kept", "kept", "dropped", "twice", "late", "swapped", "damaged", "reconnected"]
)
steps = st.lists(st.tuples(changes, mishaps), min_size=1, max_size=30)


@dataclass
class Exchange:
    """The book as it is, and the frames of one connection. `pictures` has the book behind each number."""

    levels: dict[tuple[bool, int], int] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    pictures: list[dict[tuple[bool, int], int]] = field(default_factory=list)

    def connect(self) -> list[bytes]:
        """A new connection: the snapshot, then the acknowledgement, as the exchange sends them."""
        self.sent, self.pictures = [], []
        whole = [(is_bid, ticks, size) for (is_bid, ticks), size in self.levels.items()]
        first = self._frame("l2_data", {"type": "snapshot", "product_id": "BIP-20DEC30-CDE", "updates": rows(whole)})
        return [first, self._frame("subscriptions", {"subscriptions": ACKNOWLEDGED})]

    def change(self, changed: list[tuple[bool, int, int]]) -> bytes:
        for is_bid, ticks, size in changed:
            self.levels[is_bid, ticks] = size
        self.levels = {level: size for level, size in self.levels.items() if size}
        return self._frame("l2_data", {"type": "update", "product_id": "BIP-20DEC30-CDE", "updates": rows(changed)})

    def _frame(self, channel: str, event_: object) -> bytes:
        stamp = "2026-04-07T14:30:00.000000001Z"
        form = {"channel": channel, "timestamp": stamp, "sequence_num": len(self.sent), "events": [event_]}
        self.sent.append(json.dumps(form).encode())
        self.pictures.append(dict(self.levels))
        return self.sent[-1]


def rows(changed: list[tuple[bool, int, int]]) -> list[dict[str, str]]:
    return [
        {
            "side": "bid" if is_bid else "offer",
            "price_level": str(68_900 - 5 * ticks if is_bid else 68_900 + 5 * ticks),
            "new_quantity": str(size),
            "event_time": "",
        }
        for is_bid, ticks, size in changed
    ]


class Listener:
    """Our end: one connection after another, and the book of the facts it told."""

    def __init__(self) -> None:
        self.book = Book()
        self.is_lost = True
        self.at_number = -1  # of the frame that was heard last, in its place
        self._facts = MarketFacts(PRODUCTS)
        self._hearing = Hearing(WANTED, PRODUCTS)

    def connect(self) -> None:
        self._hearing = Hearing(WANTED, PRODUCTS)
        self.is_lost, self.at_number = False, -1

    def hear(self, raw: bytes) -> None:
        if self.is_lost:
            return
        try:
            for frame in self._hearing.hear(raw):
                self._take(frame)
        except BrokerageError as error:
            self.lose(end_facts("market", 1, error))

    def lose(self, facts: list[AnyEvent]) -> None:
        self.is_lost = True
        for each in facts:
            if isinstance(each, (FeedLost, FeedGapFound, FeedWentSilent)):
                self.book.lose()

    def _take(self, frame: Frame) -> None:
        assert frame.sequence is not None
        self.at_number = max(self.at_number, frame.sequence)
        for each in self._facts.of(frame):
            self.book.fold(each)

    def picture(self) -> dict[tuple[bool, int], int]:
        """The book as the naive one writes it."""
        found = {(True, (68_900 - int(price)) // 5): int(size) for price, size in self.book.levels(Side.BUY)}
        return found | {(False, (int(price) - 68_900) // 5): int(size) for price, size in self.book.levels(Side.SELL)}


def delivered(exchange: Exchange, frame: bytes, mishap: str, held: list[bytes]) -> Iterator[bytes]:
    """What arrives of a frame, and when. `held` is what waits for the next one."""
    match mishap:
        case "dropped":
            pass
        case "twice":
            yield frame
            yield frame
        case "late":
            yield frame
            yield exchange.sent[len(exchange.sent) // 2]
        case "swapped":
            held.append(frame)
            return
        case "damaged":
            yield frame[: len(frame) // 2]
        case _:
            yield frame
    yield from held
    held.clear()


@settings(STREAMS)
@given(first=changes, stream=steps)
def test_a_book_is_the_exchanges_own_or_says_that_it_is_not_whole(
    first: list[tuple[bool, int, int]], stream: list[tuple[list[tuple[bool, int, int]], str]]
) -> None:
    exchange, ours = Exchange(), Listener()
    exchange.change(first)
    held: list[bytes] = []
    for changed, mishap in stream:
        if ours.is_lost or mishap == "reconnected":
            ours.lose(end_facts("market", 1, BrokerageError("closed")))
            ours.connect()
            held.clear()
            for raw in exchange.connect():
                ours.hear(raw)
        for raw in delivered(exchange, exchange.change(changed), mishap, held):
            ours.hear(raw)
            assert_right_or_not_whole(exchange, ours)
        event(f"{mishap}, {'whole' if ours.book.is_whole else 'not whole'}")
    ours.lose(end_facts("market", 1, BrokerageError("closed")))
    assert_right_or_not_whole(exchange, ours)
    ours.connect()
    for raw in exchange.connect():
        ours.hear(raw)
    assert (ours.book.is_whole, ours.picture()) == (True, exchange.levels)


def assert_right_or_not_whole(exchange: Exchange, ours: Listener) -> None:
    if ours.book.is_whole:
        assert ours.picture() == exchange.pictures[ours.at_number], f"wrong behind frame {ours.at_number}"
    else:
        assert not ours.picture(), "a book that is not whole shows nothing"


def test_the_law_would_see_a_lost_change() -> None:
    """A guard that lets gaps pass leaves a book that is whole and wrong: the law above is no empty one."""
    exchange, ours = Exchange(), Listener()
    ours.connect()
    for raw in exchange.connect():
        ours.hear(raw)
    exchange.change([(True, 1, 2)])
    exchange.sent.pop()  # the number is given again
    exchange.pictures.pop()
    ours.hear(exchange.change([(False, 1, 2)]))
    assert ours.book.is_whole
    assert ours.picture() != exchange.pictures[ours.at_number]
    assert ours.book.best_bid() is None
    assert ours.book.best_ask() == (Decimal(68_905), Decimal(2))
