"""Rows W1 to W6 of the table of faults at the feed, over real sockets, each with its count.

W1 gaps of 1 to 50 frames, W2 200 seeds of frames twice and late, W3 five ways to fall silent, W4 ten broken frames and
1,000 streams of chance, W5 frames of 9 to 64 MiB, W6 an exchange that refuses a hundred times. The whole system goes
through them in `tests/scenarios/test_fault_table.py`.
"""

from __future__ import annotations

import contextlib
import random
import resource
import struct
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from actors.connection.errors import FeedBroken, FrameUnreadable
from actors.connection.frames import read_frame
from actors.connection.socket import FeedSocket
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.market import BookChanged, BookSnapshotted
from events.record import AnyEvent
from projections.book import Book
from tests.actors.connection.peers import PATIENCE_S, ListDoor, Socket, frame, socket_peer
from tests.actors.connection.test_feeds import BOOK, QUICK, change, listening, market_feed, subscribed, user_feed
from tests.actors.connection.test_feeds import user_subscribed as user_is_subscribed

#: No pause to speak of between connections.
AT_ONCE = QUICK._replace(first_pause_s=0.001, longest_pause_s=0.002)


def books_of(events: list[AnyEvent]) -> list[Book]:
    """The book as it stood at the end of each connection, and at last. Each loss must leave nothing of it."""
    book, ends = Book(), list[Book]()
    for event in events:
        if isinstance(event, FeedLost):
            ends.append(book)
            book = Book()
            assert not book.is_whole
        book.fold(event)
    return [*ends, book]


def best_size(book: Book) -> int:
    best = book.best_bid()
    assert best is not None
    return int(best[1])


# W1.


def test_w1_each_gap_of_1_to_50_frames_is_told_at_the_very_next_frame_and_a_snapshot_follows() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        end.channel("l2_data", change(end.number))
        if end.number <= 50:
            end.channel("l2_data", change(99), number=end._next + end.number)
            end.pause(PATIENCE_S)  # nothing more comes: the gap is told without it
        end.live_on()

    with listening(script, manners=AT_ONCE) as door:
        door.wait_for(FeedSubscribed, 51)
        door.wait_for(BookChanged, 51)
    gaps = door.of(FeedGapFound)
    assert [(gap.connection, gap.next_seq - gap.last_seq - 1) for gap in gaps] == [(n, n) for n in range(1, 51)]
    books = books_of(door.events)
    assert [best_size(book) for book in books] == [*range(1, 52)], "nothing behind a gap is believed"


def test_w1_a_gap_on_the_user_feed_sends_for_what_was_missed_each_time() -> None:
    def script(end: Socket) -> None:
        user_is_subscribed(end)
        if end.number <= 10:
            end.channel("heartbeats", number=end._next + end.number)
            end.pause(PATIENCE_S)
        end.live_on()

    with user_feed(script) as (door, asked):
        door.wait_for(FeedSubscribed, 11)
        while len(asked) < 10:
            time.sleep(0.001)
    assert asked == ["the user feed was away"] * 10
    assert len(door.of(FeedGapFound)) == 10


# W2.


def test_w2_frames_twice_and_late_leave_the_book_as_it_would_be_without_200_seeds() -> None:
    sizes: list[int] = []

    def script(end: Socket) -> None:
        subscribed(end)
        if end.number > 200:
            end.live_on()
            return
        chance = random.Random(end.number)
        end.channel("l2_data", BOOK)
        sent = [end._next - 1]
        for size in (chance.randrange(1, 1_000) for _ in range(12)):
            end.channel("l2_data", change(size), number=max(sent) + 1)
            sent.append(max(sent) + 1)
            for again in chance.choices(sent, k=chance.randrange(3)):
                end.channel("l2_data", change(again + 5_000), number=again)
        sizes.append(size)

    with listening(script, manners=AT_ONCE._replace(first_pause_s=0.0001, longest_pause_s=0.0001)) as door:
        door.wait_for(FeedSubscribed, 201)
    ends = books_of(door.events)[:200]
    assert [best_size(book) for book in ends] == sizes[:200]
    assert not door.of(FeedGapFound), "nothing was missing"
    assert len(door.of(BookChanged)) == 200 * 12


# W3.


def silent_at_once(end: Socket) -> None:
    end.take_subscribes(4)


def silent_when_whole(end: Socket) -> None:
    subscribed(end)


def silent_in_the_middle(end: Socket) -> None:
    subscribed(end)
    for size in range(1, 20):
        end.channel("l2_data", change(size))


def silent_in_a_frame(end: Socket) -> None:
    subscribed(end)
    end.raw(frame(b"x" * 100, length=5_000))


def silent_in_a_header(end: Socket) -> None:
    subscribed(end)
    end.raw(frame(b"", length=1 << 20)[:5])


SILENCES = [silent_at_once, silent_when_whole, silent_in_the_middle, silent_in_a_frame, silent_in_a_header]


@pytest.mark.parametrize("falls_silent", SILENCES, ids=lambda script: script.__name__)
def test_w3_an_open_connection_without_a_byte_is_left_within_three_heartbeats(
    falls_silent: Callable[[Socket], None],
) -> None:
    since: list[float] = []

    def script(end: Socket) -> None:
        if end.number == 1:
            falls_silent(end)
            since.append(time.monotonic())
            end.pause(PATIENCE_S)
        subscribed(end)
        end.live_on()

    with listening(script) as door:
        (silent,) = door.wait_for(FeedWentSilent)
        noticed = time.monotonic() - since[0]
        door.wait_for(FeedSubscribed, 2 if falls_silent is not silent_at_once else 1)
        again = time.monotonic() - since[0]
    three = QUICK.heartbeat_s * QUICK.missed_heartbeats
    assert noticed < three + 0.5, "three heartbeats, and what this machine takes"
    assert again < 5 * QUICK.heartbeat_s * 10, "and five seconds of a real heartbeat until it is whole again"
    assert silent.silent_ms == round(three * 1000)


# W4.

BROKEN_FRAMES: dict[str, bytes] = {
    "garbage": frame(b"garbage"),
    "bad UTF-8": frame(b'{"channel":"l2_data\xff\xfe"}'),
    "a reserved bit": frame(b"x", rsv=4),
    "opcode 3": frame(b"x", 0x3),
    "a stray continuation": frame(b"x", 0x0),
    "a ping of 200 bytes": frame(b"x" * 200, 0x9),
    "a length of 2^63": frame(b"", length=1 << 63),
    "an early end": frame(b"x", length=1_000),
    "close 1012": frame(struct.pack("!H", 1012), 0x8),
    "an empty close": frame(b"", 0x8),
}


@pytest.mark.parametrize("what", BROKEN_FRAMES)
def test_w4_a_broken_frame_ends_the_connection_with_its_reason_and_another_follows(what: str) -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        if end.number == 1:
            end.raw(BROKEN_FRAMES[what])
            return
        end.live_on()

    with listening(script, manners=AT_ONCE) as door:
        door.wait_for(BookSnapshotted, 2)
    (lost,) = door.of(FeedLost)
    assert lost.connection == 1
    assert "Error" not in lost.reason, f"a mistake of ours: {lost.reason}"


def test_w4_a_thousand_streams_of_chance_end_in_a_typed_error_or_in_silence() -> None:
    def script(end: Socket) -> None:
        chance = random.Random(end.number)
        kind = end.number % 4
        raw = chance.randbytes(chance.randrange(1, 200))
        if kind == 1:  # a text frame of chance
            raw = frame(raw)
        elif kind == 2:  # an honest frame with a few bytes changed
            honest = bytearray(frame(b'{"channel":"l2_data","timestamp":"x","sequence_num":1,"events":[]}'))
            for _ in range(chance.randrange(1, 4)):
                honest[chance.randrange(len(honest))] = chance.randrange(256)
            raw = bytes(honest)
        end.raw(raw)
        if kind == 3:
            end.pause(1)  # and then nothing: the watchdog's business

    ends: list[str] = []
    with socket_peer(script) as peer:
        for _ in range(1_000):
            ours = FeedSocket(peer.url, message_cap=8 << 20)
            try:
                ours.connect()
                while True:
                    with contextlib.suppress(FrameUnreadable):
                        read_frame(ours.receive(0.01), {})
            except FeedBroken as broken:
                ends.append(str(broken))
            finally:
                ours.close()
    assert len(ends) == 1_000
    assert all(ends), "each says how"
    assert any("no frame for" in each for each in ends)
    assert len({each[:45] for each in ends}) > 5, "not all of them the same way"


# W5.


@pytest.mark.parametrize("mebibytes", [9, 16, 32, 64])
def test_w5_an_oversized_frame_is_refused_by_its_header_and_costs_no_memory(mebibytes: int) -> None:
    size = mebibytes << 20

    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        if end.number == 1:
            end.raw(frame(b"", length=size))
            for _ in range(size >> 16):
                end.raw(b"x" * 65_536)
        end.live_on()

    manners = AT_ONCE._replace(message_cap=8 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listening(script, manners=manners) as door:
        door.wait_for(BookSnapshotted, 2)
    (lost,) = door.of(FeedLost)
    assert f"a message of {size} bytes; {8 << 20} are taken" in lost.reason
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


# W6.


def test_w6_an_exchange_that_refuses_a_hundred_times_is_asked_by_one_thread_with_capped_pauses() -> None:
    times: list[float] = []

    def script(end: Socket) -> None:
        times.append(time.monotonic())
        if end.number <= 100:
            end.raw(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        end.shake_hands()
        subscribed(end)
        end.live_on()

    door = ListDoor()
    manners = QUICK._replace(first_pause_s=0.001, longest_pause_s=0.01, jitter_factor=0.5)
    before = threading.active_count()
    with socket_peer(script, shakes_hands=False) as peer, market_feed(peer, door, manners=manners):
        door.wait_for(FeedSubscribed)
        assert len([each for each in threading.enumerate() if each.name == "market feed"]) == 1
    assert threading.active_count() == before
    assert [each.connection for each in door.of(FeedLost)] == list(range(1, 101))
    assert [each.connection for each in door.of(FeedConnected)] == [101]
    pauses = [later - earlier for earlier, later in pairwise(times[:101])]
    assert min(pauses[10:]) >= 0.01, "never faster than the longest pause: at most 2 a minute as it ships"
