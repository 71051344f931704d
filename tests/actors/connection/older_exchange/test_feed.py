"""The older Exchange's messages read exactly, and its feed over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.connection.capture.facts import CaptureReading
from actors.connection.capture.file import CaptureFile
from actors.connection.capture.format import EXCHANGE, capture_files
from actors.connection.capture.writing import FrameCapture
from actors.connection.errors import FrameUnreadable
from actors.connection.older_exchange.book import BookStanding
from actors.connection.older_exchange.feed import EXCHANGE_CHANNELS, ExchangeFeed
from actors.connection.older_exchange.key import ExchangeKey
from actors.connection.older_exchange.messages import OtherMessage, facts_of, read_message
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TickerReported, TradePrinted
from events.terms import Side
from tests.actors.connection.fixture_table import EXCHANGE_MESSAGES, FIXTURES
from tests.actors.connection.older_exchange.recorded_exchange import recording
from tests.actors.connection.older_exchange.test_book import change, heartbeat, last_match, match, snapshot, ticker
from tests.actors.connection.peers import ListDoor, Socket, socket_peer
from tests.actors.connection.test_feeds import QUICK
from tests.paths import needs_shared_data

KEY = ExchangeKey("the key", "c2l4dGVlbiBieXRlIGtleQ==", "the passphrase")
RECEIVED = 1_618_677_817_000_000_000
OURS = {"P": "OURS"}
NUMBERS = {"price", "size", "best_bid", "best_ask", "volume_24h", "low_24h", "high_24h"}


def test_each_message_says_what_it_said() -> None:
    (book,) = facts_of(read_message(snapshot()), OURS, RECEIVED)
    assert book == BookSnapshotted(
        product="OURS", bids=((Decimal(99), Decimal(5)),), asks=((Decimal(101), Decimal(7)),), exchange_at=RECEIVED
    )
    (changed,) = facts_of(read_message(change(30.244075, "sell", "102.50", "0.00")), OURS, RECEIVED)
    assert changed == BookChanged(
        product="OURS", bids=(), asks=((Decimal("102.50"), Decimal(0)),), exchange_at=1_618_677_810_244_075_000
    )
    (trade,) = facts_of(read_message(match(30.244075, 7, 70, "0.04")), OURS, RECEIVED)
    assert trade == TradePrinted(
        product="OURS",
        trade_id="7",
        price=Decimal(101),
        size=Decimal("0.04"),
        aggressor=Side.BUY,
        exchange_at=1_618_677_810_244_075_000,
    ), "the side is the maker's"
    assert facts_of(read_message(heartbeat(1, 7)), OURS, RECEIVED) == []
    assert facts_of(read_message(snapshot()), {"Q": "OURS"}, RECEIVED) == []


def test_a_ticker_is_a_quote_only_where_sizes_are_said() -> None:
    (old,) = facts_of(read_message(ticker(1, 7, 70)), OURS, RECEIVED)
    assert isinstance(old, TickerReported)
    assert old.last == 101
    sized = ticker(1, 7, 70)[:-1] + b',"best_bid_size":"3","best_ask_size":"0"}'
    _, quote = facts_of(read_message(sized), OURS, RECEIVED)
    assert isinstance(quote, QuoteChanged)
    assert (quote.bid, quote.bid_size, quote.ask) == (Decimal(99), Decimal(3), Decimal(101))
    assert quote.ask_size is None


@needs_shared_data
def test_every_number_of_every_recorded_message_is_told_as_it_was_sent() -> None:
    for heard in recording():
        (product_id,) = {getattr(heard.message, "product_id", "")}
        events = facts_of(heard.message, {product_id: product_id}, RECEIVED)
        plain = json.loads(heard.raw)
        sent = [str(plain[name]) for name in ("price", "size") if name in plain and heard.kind != "ticker"]
        sent += [number for level in (*plain.get("bids", ()), *plain.get("asks", ())) for number in level]
        sent += [number for _, *level in plain.get("changes", ()) for number in level]
        if heard.kind == "ticker":
            sent += [plain[name] for name in ("price", "volume_24h", "low_24h", "high_24h")]
        told = [
            format(number, "f")
            for event in events
            for value in (getattr(event, name) for name in event.__struct_fields__)
            for number in _decimals(value)
        ]
        assert sorted(told) == sorted(sent), heard.raw[:200]


def _decimals(value: object) -> Iterator[Decimal]:
    if isinstance(value, Decimal):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from _decimals(inner)


@needs_shared_data
def test_every_example_of_a_message_is_read() -> None:
    kinds = [
        str(read_message(json.dumps(each)).__struct_config__.tag)
        for name in EXCHANGE_MESSAGES
        for each in json.loads((FIXTURES / name).read_bytes())
    ]
    assert kinds == ["subscriptions", "snapshot", "ticker", "last_match", "l2update", "match"]


def test_a_type_that_nothing_is_taken_from_is_no_error() -> None:
    assert read_message(b'{"type":"received","order_id":"x","sequence":10}') == OtherMessage(type="received")


BROKEN = {
    "not JSON": (b"garbage", "malformed"),
    "no type": (b'{"product_id":"P"}', "type"),
    "a price that is none": (change(1, "buy", "NaN", "1"), "no number"),
    "a price without end": (change(1, "buy", "Infinity", "1"), "Infinity"),
    "a size below zero": (change(1, "buy", "1", "-1"), "-1 at 1"),
    "a side that is none": (change(1, "hold", "1", "1"), r"\$\.changes\[0\]\[0\]"),
    "a time that is none": (change(1, "buy", "1", "1").replace(b"2021-04", b"soon"), "RFC 3339"),
    "a trade without a number": (match(1, 7, 70, "1").replace(b'"sequence":70,', b""), "sequence"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_message_is_refused_with_the_place_that_is_wrong(what: str) -> None:
    raw, words = BROKEN[what]
    with pytest.raises(FrameUnreadable, match=words):
        read_message(raw)


@given(st.integers(0, 300), st.binary(min_size=1, max_size=3))
def test_a_message_damaged_anywhere_is_a_message_or_unreadable(place: int, damage: bytes) -> None:
    raw = bytearray(match(1, 7, 70, "0.04"))
    raw[place : place + len(damage)] = damage
    try:
        read_message(bytes(raw))
    except FrameUnreadable:
        return


# Over a socket.


def subscribed(end: Socket) -> None:
    """Take the four subscribes and acknowledge each with all channels so far."""
    have: list[dict[str, object]] = []
    for message in end.take_subscribes(len(EXCHANGE_CHANNELS)):
        have.append({"name": message["channels"][0], "product_ids": message["product_ids"]})
        end.send({"type": "subscriptions", "channels": have})


def begin(end: Socket) -> None:
    subscribed(end)
    for raw in (snapshot(), ticker(0, 7, 70), last_match(7), change(1, "buy", "98", "2")):
        end.send(raw)


def live_on(end: Socket) -> None:
    for second in range(1, 60):
        end.send(heartbeat(second, 7))
        end.pause(0.1)


@contextmanager
def exchange_feed(
    script: Callable[[Socket], None], capture: FrameCapture | None = None
) -> Iterator[tuple[ListDoor, ExchangeFeed]]:
    door = ListDoor()
    with socket_peer(script) as peer:
        feed = ExchangeFeed(door, peer.url, OURS, key=KEY, manners=QUICK, capture=capture)
        feed.start()
        try:
            yield door, feed
        finally:
            feed.stop()


def test_each_channel_is_subscribed_by_a_signed_message_with_plural_channels() -> None:
    def script(end: Socket) -> None:
        begin(end)
        live_on(end)

    with exchange_feed(script) as (door, feed):
        door.wait_for(BookChanged)
        assert feed.standing("P") is BookStanding.UNCOUNTED
    assert [type(event) for event in door.events[:6]] == [
        FeedConnected,
        FeedSubscribed,
        BookSnapshotted,
        TickerReported,
        TradePrinted,
        BookChanged,
    ]


def test_what_is_sent_is_what_the_recorder_sent_and_a_signature() -> None:
    messages: list[dict[str, object]] = []

    def script(end: Socket) -> None:
        messages.extend(end.take_subscribes(len(EXCHANGE_CHANNELS)))
        end.pause(1)

    with exchange_feed(script) as (door, _):
        door.wait_for(FeedLost)
    first = messages[0]
    assert (first["type"], first["product_ids"], first["channels"]) == ("subscribe", ["P"], ["level2"])
    assert first["signature"] == KEY.signature(str(first["timestamp"]), "GET", "/users/self/verify")
    assert (first["key"], first["passphrase"]) == ("the key", "the passphrase")
    if FIXTURES.is_dir():
        recorded = json.loads((FIXTURES / "exchange_ws_subscribe.json").read_bytes())
        assert set(recorded) == set(first) - {"signature", "key", "passphrase", "timestamp"}


def test_a_broken_book_is_a_gap_and_a_fresh_snapshot_follows() -> None:
    def script(end: Socket) -> None:
        begin(end)
        if end.number == 1:
            end.send(match(2, 9, 80, "1"))  # trade 8 is missing
        live_on(end)

    with exchange_feed(script) as (door, feed):
        door.wait_for(BookSnapshotted, 2)
        assert feed.standing("P") is not BookStanding.BROKEN
    (gap,) = door.of(FeedGapFound)
    assert (gap.last_seq, gap.next_seq) == (-1, 80)
    (lost,) = door.of(FeedLost)
    assert lost.reason == "P: trade 9 follows 7"
    assert len([trade for trade in door.of(TradePrinted) if trade.trade_id == "7"]) == 1, "told once"


def test_its_capture_decoded_again_gives_the_facts_that_were_told(tmp_path: Path) -> None:
    def script(end: Socket) -> None:
        begin(end)
        if end.number == 1:
            end.send(match(2, 9, 80, "1"))
        live_on(end)

    kept = FrameCapture(tmp_path, "market", OURS, dialect=EXCHANGE)
    with exchange_feed(script, kept) as (door, feed):
        door.wait_for(BookChanged, 2)
        feed.stop()
        told = [(each.by, each.event, each.time) for each in door.told]
    again = [(each.by, each.event, each.time) for each in CaptureReading(capture_files(tmp_path))]
    assert again == told
    assert any(isinstance(event, FeedGapFound) for _, event, _ in again)
    kept_bytes = b"".join(entry.payload for path in capture_files(tmp_path) for entry in CaptureFile(path))
    assert b"passphrase" not in kept_bytes
    assert b"signature" not in kept_bytes


def test_a_refused_subscribe_is_told_in_the_exchanges_words() -> None:
    def script(end: Socket) -> None:
        end.take_subscribes(1)
        end.send({"type": "error", "message": "Failed to subscribe", "reason": "P is not a valid product"})
        end.pause(1)

    with exchange_feed(script) as (door, _):
        (lost, *_) = door.wait_for(FeedLost)
    assert lost.reason == "the exchange refused: Failed to subscribe P is not a valid product"
