"""The recorded feed of the older Exchange: 9,946 messages of ten products, 31 seconds, three channels."""

from __future__ import annotations

import copy
import gzip
from collections.abc import Collection, Iterator
from functools import cache
from typing import NamedTuple

import msgspec

from actors.connection.older_exchange.book import ExchangeBook
from actors.connection.older_exchange.messages import (
    ChangesMessage,
    ExchangeMessage,
    OtherMessage,
    SubscriptionsMessage,
    read_message,
)
from tests.paths import SHARED_DATA

RECORDING = SHARED_DATA / "exchange-feed-2021" / "COINBASE.ws.jsonl.gz"
#: The recorder subscribed one after the other.
CHANNELS = ("level2", "ticker", "matches")


class Line(msgspec.Struct):
    recv_ts: str
    raw: str


class Heard(NamedTuple):
    """A message in its place of the recording, from 0."""

    place: int
    raw: str
    message: ExchangeMessage | OtherMessage

    @property
    def kind(self) -> str:
        return str(self.message.__struct_config__.tag)


class Told(NamedTuple):
    """What the books say when one message was taken away."""

    heard: Heard
    book: ExchangeBook
    whole: ExchangeBook  # what it says with all of them
    is_counted: bool  # whether numbers of the sequence count the place


@cache
def recording() -> tuple[Heard, ...]:
    with gzip.open(RECORDING, "rb") as lines:
        raws = [msgspec.json.decode(line, type=Line).raw for line in lines]
    return tuple(Heard(place, raw, read_message(raw)) for place, raw in enumerate(raws))


def of_product(product_id: str) -> list[Heard]:
    return [heard for heard in recording() if getattr(heard.message, "product_id", "") == product_id]


def product_ids() -> list[str]:
    return sorted({heard.message.product_id for heard in recording() if isinstance(heard.message, ChangesMessage)})


def acknowledgements() -> list[Heard]:
    return [heard for heard in recording() if isinstance(heard.message, SubscriptionsMessage)]


def followed(messages: list[Heard]) -> ExchangeBook:
    book = ExchangeBook()
    for heard in messages:
        book.hear(heard.message)
    return book


def without_one(messages: list[Heard], places: Collection[int]) -> Iterator[Told]:
    """The book of one product with one message taken away, for each of the places."""
    whole = followed(messages)
    trades = [heard.place for heard in messages if heard.kind == "match"]
    so_far = ExchangeBook()
    for index, heard in enumerate(messages):
        if heard.place in places:
            book = copy.deepcopy(so_far)
            for later in messages[index + 1 :]:
                book.hear(later.message)
                if book.fault:
                    break
            is_counted = bool(trades) and trades[0] < heard.place < trades[-1]
            yield Told(heard, book, whole, is_counted)
        so_far.hear(heard.message)


def spread(messages: list[Heard], kind: str, count: int) -> list[int]:
    """Up to `count` places of one kind, evenly over the recording, the first and the last among them."""
    places = [heard.place for heard in messages if heard.kind == kind]
    if len(places) <= count:
        return places
    return [places[i * (len(places) - 1) // (count - 1)] for i in range(count)]
