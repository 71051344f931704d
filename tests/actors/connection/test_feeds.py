"""Feeds over real sockets: what is told when the exchange drops, repeats, stalls, refuses, closes or babbles."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.connection.auth import Credentials
from actors.connection.feeds import Feed, FeedManners
from actors.connection.market_feed import MarketFeed
from actors.connection.sequence import SequenceGap, SequenceGuard
from actors.connection.user_feed import UserFeed
from actors.door import Lane
from events.account import BalanceReported
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.orders import OrderReported
from events.terms import OrderStatus
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.actors.connection.peers import PATIENCE_S, ListDoor, Socket, SocketPeer, frame, socket_peer

PRODUCTS = {"BIP-20DEC30-CDE": "BTC-PERP"}
KEY = Credentials(NAME, pem(EC_KEY))
#: A tenth of the real heartbeat, so that three missed ones are soon over.
QUICK = FeedManners(heartbeat_s=0.1, ack_timeout_s=0.5, first_pause_s=0.02, longest_pause_s=0.1, connect_timeout_s=1.0)

BOOK = {
    "type": "snapshot",
    "product_id": "BIP-20DEC30-CDE",
    "updates": [
        {"side": "bid", "event_time": "1970-01-01T00:00:00Z", "price_level": "68900", "new_quantity": "3"},
        {"side": "offer", "event_time": "1970-01-01T00:00:00Z", "price_level": "68905", "new_quantity": "4"},
    ],
}


def change(qty: int) -> dict[str, object]:
    update = {"side": "bid", "event_time": "2026-04-07T14:30:01Z", "price_level": "68900", "new_quantity": str(qty)}
    return {"type": "update", "product_id": "BIP-20DEC30-CDE", "updates": [update]}


def trades(*ids: int) -> dict[str, object]:
    rows = [
        {
            "product_id": "BIP-20DEC30-CDE",
            "trade_id": str(each),
            "price": "68900",
            "size": "1",
            "time": "2026-04-07T14:30:01Z",
            "side": "BUY",
        }
        for each in ids
    ]
    return {"type": "update", "trades": rows}


def subscribed(end: Socket) -> None:
    """Take the market feed's four subscribes and acknowledge them."""
    end.take_subscribes(4)
    end.acknowledge()


@contextmanager
def market_feed(
    peer: SocketPeer,
    door: ListDoor,
    *,
    manners: FeedManners = QUICK,
    credentials: Credentials | None = None,
    last_trades: Mapping[str, str] | None = None,
) -> Iterator[MarketFeed]:
    feed = MarketFeed(door, peer.url, PRODUCTS, credentials=credentials, manners=manners, last_trades=last_trades)
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()


@contextmanager
def listening(script: Callable[[Socket], None], **options: object) -> Iterator[ListDoor]:
    """A market feed against a peer that follows `script` on each connection; the door it tells."""
    door = ListDoor()
    with socket_peer(script) as peer, market_feed(peer, door, **options):  # type: ignore[arg-type]
        yield door


def test_a_feed_connects_subscribes_each_channel_and_tells_what_it_reads() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        end.channel("market_trades", trades(2, 1))
        end.live_on()

    with listening(script) as door:
        events = door.wait(lambda told: len(told) >= 5)
    assert [type(event) for event in events[:5]] == [
        FeedConnected,
        FeedSubscribed,
        BookSnapshotted,
        TradePrinted,
        TradePrinted,
    ]
    assert events[1] == FeedSubscribed(
        feed="market", connection=1, channels=("level2", "market_trades", "ticker", "heartbeats")
    )
    assert {told.lane for told in door.told} == {Lane.MARKET}
    assert {told.by for told in door.told} == {"market"}


def test_each_subscribe_names_one_channel_with_its_products_and_a_token_of_its_own() -> None:
    seen: list[dict[str, object]] = []

    def script(end: Socket) -> None:
        seen.extend(end.take_subscribes(4))
        end.acknowledge()
        end.live_on()

    with listening(script, credentials=KEY) as door:
        door.wait_for(FeedSubscribed)
    tokens = [str(message.pop("jwt")) for message in seen]
    assert seen == [
        {"type": "subscribe", "channel": "level2", "product_ids": ["BIP-20DEC30-CDE"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BIP-20DEC30-CDE"]},
        {"type": "subscribe", "channel": "ticker", "product_ids": ["BIP-20DEC30-CDE"]},
        {"type": "subscribe", "channel": "heartbeats"},
    ]
    assert len(set(tokens)) == 4
    assert all("uri" not in jwt.decode(each, EC_KEY.public_key(), algorithms=["ES256"]) for each in tokens)


def test_facts_carry_the_time_of_their_frame() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK, at="2026-04-07T14:30:03.123456789Z")
        end.live_on()

    with listening(script) as door:
        door.wait_for(BookSnapshotted)
    assert door.told[2].time == 1_775_572_203_123_456_789


def test_what_comes_before_the_acknowledgements_is_told_after_them_in_its_order() -> None:
    def script(end: Socket) -> None:
        end.take_subscribes(4)
        end.channel("l2_data", BOOK)
        end.channel("l2_data", change(5))
        end.channel("subscriptions", {"subscriptions": {"level2": ["BIP-20DEC30-CDE"]}})
        end.channel("market_trades", trades(1))
        end.acknowledge()
        end.live_on()

    with listening(script) as door:
        events = door.wait_for(TradePrinted) and door.events
    assert [type(event) for event in events] == [
        FeedConnected,
        FeedSubscribed,
        BookSnapshotted,
        BookChanged,
        TradePrinted,
    ]


@pytest.mark.parametrize("missing", range(1, 6))
def test_a_gap_is_told_at_the_next_frame_and_a_fresh_snapshot_follows(missing: int) -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        if end.number == 1:
            end.channel("l2_data", change(9), number=end._next + missing)
        end.live_on()

    with listening(script) as door:
        door.wait_for(BookSnapshotted, 2)
    events = [event for event in door.events if not isinstance(event, BookSnapshotted)]
    assert events == [
        FeedConnected(feed="market", connection=1),
        FeedSubscribed(feed="market", connection=1, channels=("level2", "market_trades", "ticker", "heartbeats")),
        FeedGapFound(feed="market", connection=1, last_seq=1, next_seq=2 + missing),
        FeedLost(feed="market", connection=1, reason=f"frames 2 to {1 + missing} are missing"),
        FeedConnected(feed="market", connection=2),
        FeedSubscribed(feed="market", connection=2, channels=("level2", "market_trades", "ticker", "heartbeats")),
    ]


def test_missing_first_frames_are_a_gap_too_since_counting_begins_at_zero() -> None:
    def script(end: Socket) -> None:
        end.take_subscribes(4)
        if end.number == 1:
            end.channel("heartbeats", number=1)
        end.acknowledge()
        end.live_on()

    with listening(script) as door:
        (gap,) = door.wait_for(FeedGapFound)
    assert gap == FeedGapFound(feed="market", connection=1, last_seq=-1, next_seq=1)


def test_frames_that_come_twice_or_late_are_told_once_and_end_nothing() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        for number in (2, 2, 1, 0, 3, 2, 4):
            end.channel("l2_data", change(number + 1), number=number)
        end.live_on()

    with listening(script) as door:
        changes = door.wait_for(BookChanged, 3)
        assert [change.bids[0][1] for change in changes] == [Decimal(3), Decimal(4), Decimal(5)]
        assert not door.of(FeedLost)


@given(st.permutations(range(6)), st.integers(0, 3))
def test_the_guard_lets_each_number_pass_once_in_order_or_names_the_gap(order: list[int], repeats: int) -> None:
    guard, passed = SequenceGuard(), list[int]()
    for number in [each for each in order for _ in range(1 + repeats)]:
        if number > len(passed):
            with pytest.raises(SequenceGap, match="missing") as found:
                guard.follows(number)
            assert (found.value.last_seq, found.value.next_seq) == (len(passed) - 1, number)
            return
        if guard.follows(number):
            passed.append(number)
    assert passed == list(range(len(passed)))


def test_a_trade_that_snapshot_and_update_both_bring_is_told_once_also_after_a_reconnect() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        if end.number == 1:
            end.channel("market_trades", trades(3, 2, 1))
            end.channel("market_trades", trades(4, 3))
            return
        end.channel("market_trades", trades(6, 5, 4, 3))
        end.live_on()

    with listening(script) as door:
        told = door.wait_for(TradePrinted, 6)
        assert [event.trade_id for event in told] == ["1", "2", "3", "4", "5", "6"]


def test_trades_that_the_log_has_from_before_are_not_told_again() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("market_trades", trades(9, 8, 7, 6))
        end.live_on()

    with listening(script, last_trades={"BTC-PERP": "7"}) as door:
        told = door.wait_for(TradePrinted, 2)
        assert [event.trade_id for event in told] == ["8", "9"]


def test_a_silent_exchange_is_noticed_within_three_heartbeats_and_left() -> None:
    stalls: list[float] = []

    def script(end: Socket) -> None:
        subscribed(end)
        if end.number == 1:
            end.channel("l2_data", BOOK)
            stalls.append(time.monotonic())
            end.pause(5)
        end.live_on()

    with listening(script) as door:
        (silent,) = door.wait_for(FeedWentSilent)
        noticed = time.monotonic() - stalls[0]
        assert 0.25 < noticed < 0.6
        assert silent == FeedWentSilent(feed="market", connection=1, silent_ms=300)
        door.wait_for(FeedSubscribed, 2)


def test_any_frame_is_a_sign_of_life() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        for _ in range(4):
            end.pause(0.2)
            end.raw(frame(b"", 0x9))
            end.pause(0.2)
            end.channel("status", {"type": "snapshot", "products": []})
        end.channel("l2_data", BOOK)
        end.live_on()

    with listening(script) as door:
        door.wait_for(BookSnapshotted)
        assert not door.of(FeedWentSilent, FeedLost)


def test_a_feed_that_the_door_makes_wait_is_not_taken_for_a_silent_exchange() -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        for i in range(40):
            end.channel("l2_data", change(i + 1))
        end.live_on()

    door = ListDoor(bound=5)
    with socket_peer(script) as peer, market_feed(peer, door):
        door.wait(lambda told: len(told) >= 5)
        time.sleep(0.8)  # longer than three heartbeats
        door.widen(1000)
        assert len(door.wait_for(BookChanged, 40)) == 40
        assert not door.of(FeedWentSilent, FeedLost)


def test_an_exchange_whose_client_does_not_read_is_made_to_wait() -> None:
    sent = 0

    def script(end: Socket) -> None:
        nonlocal sent
        subscribed(end)
        while sent < 100_000:
            end.channel("l2_data", change(sent + 1))
            sent += 1

    door = ListDoor(bound=5)
    with socket_peer(script) as peer, market_feed(peer, door, manners=QUICK._replace(receive_buffer=8_192)):
        door.wait(lambda told: len(told) >= 5)
        before = -1
        while before != sent:
            before = sent
            time.sleep(0.2)
        assert sent < 50_000
        door.close()


ENDS: dict[str, Callable[[Socket], None]] = {
    "an error frame": lambda end: end.send({"type": "error", "message": "rate limit exceeded"}),
    "a frame that cannot be read": lambda end: end.channel("l2_data", {"type": "snapshot"}),
    "garbage": lambda end: end.send(b"garbage"),
    "bad UTF-8": lambda end: end.send(b'{"channel": "\xff\xfe"}'),
    "close 1001": lambda end: end.raw(frame(b"\x03\xe9", 0x8)),
    "close 1012": lambda end: end.raw(frame(b"\x03\xf4", 0x8)),
    "a frame over the cap": lambda end: end.raw(frame(b"", length=1 << 40)),
    "the end": lambda end: None,
}


@pytest.mark.parametrize("what", ENDS)
def test_whatever_ends_a_connection_is_told_and_another_follows(what: str, caplog: pytest.LogCaptureFixture) -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        if end.number == 1:
            end.channel("l2_data", BOOK)
            ENDS[what](end)
            return
        end.channel("l2_data", BOOK)
        end.live_on()

    with listening(script) as door:
        door.wait_for(BookSnapshotted, 2)
    (lost,) = door.of(FeedLost)
    assert lost.connection == 1
    assert lost.reason
    if what in ("garbage", "bad UTF-8", "a frame that cannot be read"):
        assert "cannot be read" in caplog.text, "what came is kept in the log"
    kinds = [type(event) for event in door.events]
    assert kinds.index(FeedLost) < kinds.index(FeedConnected, 1)


def test_a_refused_subscribe_is_told_with_the_exchanges_words_and_without_the_token() -> None:
    tokens: list[str] = []

    def script(end: Socket) -> None:
        tokens.extend(each["jwt"] for each in end.take_subscribes(4))
        end.send({"type": "error", "message": f"authentication failure {tokens[0]}"})
        end.pause(5)

    with listening(script, credentials=KEY) as door:
        (lost, *_) = door.wait_for(FeedLost)
    assert lost.reason == "the exchange refused: authentication failure [redacted]"
    assert not door.of(FeedSubscribed)


def test_an_acknowledgement_that_does_not_come_ends_the_wait() -> None:
    def script(end: Socket) -> None:
        end.take_subscribes(4)
        have = {"level2": ["BIP-20DEC30-CDE"], "market_trades": [], "heartbeats": ["heartbeats"]}
        end.channel("subscriptions", {"subscriptions": have})
        end.live_on()

    with listening(script) as door:
        (lost, *_) = door.wait_for(FeedLost)
    assert "not every channel was acknowledged within 0.5 s" in lost.reason


def test_an_exchange_that_refuses_a_hundred_times_is_asked_with_growing_pauses_by_one_thread() -> None:
    times: list[float] = []

    def script(end: Socket) -> None:
        times.append(time.monotonic())
        end.raw(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    door = ListDoor()
    manners = QUICK._replace(first_pause_s=0.001, longest_pause_s=0.016, jitter_factor=0.5)
    before = threading.active_count()
    with socket_peer(script, shakes_hands=False) as peer, market_feed(peer, door, manners=manners):
        lost = door.wait_for(FeedLost, 100)
        feeds = [thread for thread in threading.enumerate() if thread.name == "market feed"]
        assert len(feeds) == 1
    assert threading.active_count() == before
    assert [each.connection for each in lost[:100]] == list(range(1, 101))
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert min(pauses[10:]) >= 0.016, "the pause grows to its longest, and stays"
    assert not door.of(FeedConnected)


def test_a_connection_that_never_settles_does_not_begin_the_pauses_anew() -> None:
    def script(end: Socket) -> None:
        subscribed(end)

    manners = QUICK._replace(first_pause_s=0.01, longest_pause_s=10.0)
    began = time.monotonic()
    with listening(script, manners=manners) as door:
        door.wait_for(FeedLost, 6)
    assert time.monotonic() - began > 0.01 + 0.02 + 0.04 + 0.08 + 0.16


def half_subscribed(end: Socket) -> None:
    end.take_subscribes(4)
    end.live_on()


def talking(end: Socket) -> None:
    subscribed(end)
    end.live_on(every_s=0.01)


def mute(end: Socket) -> None:
    subscribed(end)
    end.pause(5)


STATES = {"waiting for acknowledgements": half_subscribed, "listening": talking, "hearing nothing": mute}


@pytest.mark.parametrize("state", STATES)
def test_a_feed_stops_at_once_and_says_nothing_of_it(state: str) -> None:
    door = ListDoor()
    manners = QUICK._replace(heartbeat_s=10, ack_timeout_s=10)
    with socket_peer(STATES[state]) as peer, market_feed(peer, door, manners=manners) as feed:
        door.wait_for(FeedConnected)
        began = time.monotonic()
        feed.stop()
        assert time.monotonic() - began < 0.5
        assert not feed._thread.is_alive()
        assert not door.of(FeedLost)


def test_a_feed_that_is_pausing_or_shaking_hands_stops_at_once() -> None:
    for shakes, pause in ((True, 30.0), (False, 0.01)):
        script: Callable[[Socket], None] = (lambda end: None) if shakes else (lambda end: end.pause(5))
        manners = QUICK._replace(first_pause_s=pause, longest_pause_s=30.0, connect_timeout_s=20)
        door = ListDoor()
        with socket_peer(script, shakes_hands=shakes) as peer, market_feed(peer, door, manners=manners) as feed:
            if shakes:
                door.wait_for(FeedLost)
            else:
                while not peer.accepted:
                    time.sleep(0.001)
            began = time.monotonic()
            feed.stop()
            assert time.monotonic() - began < 0.5


def test_a_closed_door_ends_the_feed_quietly(caplog: pytest.LogCaptureFixture) -> None:
    def script(end: Socket) -> None:
        subscribed(end)
        end.channel("l2_data", BOOK)
        end.live_on(every_s=0.01)

    door = ListDoor(bound=2)
    with socket_peer(script) as peer, market_feed(peer, door) as feed:
        door.wait_for(FeedSubscribed)
        door.close()
        feed._thread.join(PATIENCE_S)
        assert not feed._thread.is_alive()
    assert not [entry for entry in caplog.records if entry.levelname in ("ERROR", "CRITICAL")]


def test_a_mistake_of_ours_is_told_and_does_not_leave_a_feed_dead(caplog: pytest.LogCaptureFixture) -> None:
    class Clumsy(MarketFeed):
        def took(self, frame: object) -> None:
            raise KeyError("clumsy")

    def script(end: Socket) -> None:
        subscribed(end)
        end.live_on(every_s=0.01)

    door = ListDoor()
    with socket_peer(script) as peer:
        feed: Feed = Clumsy(door, peer.url, PRODUCTS, manners=QUICK)
        feed.start()
        lost = door.wait_for(FeedLost, 2)
        feed.stop()
    assert lost[0].reason == "KeyError: 'clumsy'"
    assert "clumsy" in caplog.text


# The user feed.

OUR_ID = "0b7f9c1e-0000-8000-9000-000000000001"


def order(number: int, status: str, filled: str, left: str) -> dict[str, object]:
    return {
        "order_id": f"x-{number}",
        "client_order_id": OUR_ID,
        "product_id": "BIP-20DEC30-CDE",
        "order_side": "BUY",
        "order_type": "Limit",
        "time_in_force": "IMMEDIATE_OR_CANCEL",
        "status": status,
        "cumulative_quantity": filled,
        "leaves_quantity": left,
        "filled_value": "0" if filled == "0" else "689",
        "total_fees": "0",
        "limit_price": "68900",
    }


@contextmanager
def user_feed(script: Callable[[Socket], None]) -> Iterator[tuple[ListDoor, list[str]]]:
    door, asked = ListDoor(), list[str]()
    with socket_peer(script) as peer:
        feed = UserFeed(door, peer.url, PRODUCTS, credentials=KEY, catch_up=asked.append, manners=QUICK)
        feed.start()
        try:
            yield door, asked
        finally:
            feed.stop()


def user_subscribed(end: Socket) -> None:
    messages = end.take_subscribes(3)
    assert [each["channel"] for each in messages] == ["user", "futures_balance_summary", "heartbeats"]
    end.channel("subscriptions", {"subscriptions": {each["channel"]: ["a uuid"] for each in messages}})


def test_orders_and_balances_are_told_in_the_lane_of_orders() -> None:
    balance = {"cbi_usd_balance": "1", "cfm_usd_balance": "2", "unrealized_pnl": "3"}

    def script(end: Socket) -> None:
        user_subscribed(end)
        end.channel("user", {"type": "snapshot", "orders": [order(1, "OPEN", "0", "3")]})
        end.channel("futures_balance_summary", {"type": "snapshot", "fcm_balance_summary": balance})
        end.live_on()

    with user_feed(script) as (door, asked):
        door.wait_for(BalanceReported)
        assert len(door.of(OrderReported)) == 1
        assert {told.lane for told in door.told} == {Lane.ORDERS}
        assert {told.by for told in door.told} == {"user"}
        assert not asked, "the first connection missed nothing"


def test_what_was_asked_is_remembered_when_the_last_report_no_longer_says_it() -> None:
    def script(end: Socket) -> None:
        user_subscribed(end)
        end.channel("user", {"type": "update", "orders": [order(1, "OPEN", "0", "3")]})
        end.channel(
            "user", {"type": "update", "orders": [order(1, "CANCELLED", "1", "0"), order(2, "FILLED", "2", "0")]}
        )
        end.live_on()

    with user_feed(script) as (door, _):
        reports = door.wait_for(OrderReported, 3)
    assert [(each.status, each.qty, each.filled_qty) for each in reports] == [
        (OrderStatus.OPEN, 3, 0),
        (OrderStatus.CANCELLED, 3, 1),
        (OrderStatus.FILLED, 2, 2),
    ]


def test_after_a_reconnect_and_after_a_gap_what_was_missed_is_asked_for() -> None:
    def script(end: Socket) -> None:
        user_subscribed(end)
        if end.number == 1:
            end.channel("heartbeats", number=9)
        end.live_on()

    with user_feed(script) as (door, asked):
        door.wait_for(FeedGapFound)
        door.wait_for(FeedSubscribed, 2)
        while not asked:
            time.sleep(0.001)
        assert asked == ["the user feed was away"]


def test_an_order_that_filled_without_a_value_is_asked_for() -> None:
    def script(end: Socket) -> None:
        user_subscribed(end)
        row = {**order(1, "OPEN", "1", "2"), "filled_value": ""}
        end.channel("user", {"type": "update", "orders": [row]})
        end.live_on()

    with user_feed(script) as (door, asked):
        door.wait_for(FeedSubscribed)
        while not asked:
            time.sleep(0.001)
        assert asked == ["1 orders filled without a value"]
        assert not door.of(OrderReported)


def test_a_snapshot_in_batches_of_fifty_is_told_whole() -> None:
    def script(end: Socket) -> None:
        user_subscribed(end)
        for batch in (range(50), range(50, 100), range(100, 103)):
            end.channel("user", {"type": "snapshot", "orders": [order(i, "OPEN", "0", "1") for i in batch]})
        end.live_on()

    with user_feed(script) as (door, _):
        reports = door.wait_for(OrderReported, 103)
    assert len({each.exchange_order for each in reports}) == 103


def test_no_token_reaches_the_log_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    tokens: list[str] = []

    def script(end: Socket) -> None:
        tokens.extend(each["jwt"] for each in end.take_subscribes(4))
        if end.number == 1:
            end.send(json.dumps({"channel": "l2_data", "jwt": tokens[0], "sequence_num": tokens[1]}))
            return
        end.acknowledge()
        end.live_on()

    with caplog.at_level("DEBUG"), listening(script, credentials=KEY) as door:
        door.wait_for(FeedSubscribed)
    said = caplog.text + repr(door.events)
    assert not [token for token in tokens if token in said or token.split(".")[2] in said]
