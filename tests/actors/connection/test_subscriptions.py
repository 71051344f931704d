"""What a feed asks for: every channel, in chunks of products, with a fresh token each time, on every connection."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.connection.errors import FeedBroken
from actors.connection.feeds import chunked
from actors.connection.hearing import Hearing, Wanted
from actors.connection.market_feed import CHANNELS, EXTRA_CHANNELS, MarketFeed
from events.catalog import ProductStatusReported
from events.feeds import FeedLost, FeedSubscribed
from events.market import CandleReported, TickerReported
from tests.actors.connection.keys import EC_KEY
from tests.actors.connection.peers import ListDoor, Socket, socket_peer
from tests.actors.connection.test_feeds import KEY, PRODUCTS, QUICK, listening
from tests.actors.connection.test_frames import frame

MANY = {f"P{number:02d}-CDE": f"P{number:02d}" for number in range(25)}


def test_many_products_are_subscribed_in_chunks_and_acknowledged_in_sum() -> None:
    seen: list[dict[str, Any]] = []

    def script(end: Socket) -> None:
        seen.extend(end.take_subscribes(4))
        have: dict[str, list[str]] = {}
        for message in seen:
            have.setdefault(message["channel"], []).extend(message.get("product_ids", ["heartbeats"]))
            end.channel("subscriptions", {"subscriptions": have})
        end.live_on()

    door = ListDoor()
    with socket_peer(script) as peer:
        manners = QUICK._replace(products_per_subscribe=10)
        feed = MarketFeed(door, peer.url, MANY, channels=["ticker"], manners=manners)
        feed.start()
        (whole,) = door.wait_for(FeedSubscribed)
        feed.stop()
    assert [len(message.get("product_ids", ())) for message in seen] == [10, 10, 5, 0]
    assert sorted(name for message in seen for name in message.get("product_ids", ())) == sorted(MANY)
    assert whole.channels == ("ticker", "heartbeats")


def test_a_chunk_that_is_not_acknowledged_is_missed() -> None:
    def script(end: Socket) -> None:
        messages = end.take_subscribes(4)
        have = {"ticker": [name for each in messages[:2] for name in each["product_ids"]], "heartbeats": ["heartbeats"]}
        end.channel("subscriptions", {"subscriptions": have})
        end.live_on()

    door = ListDoor()
    with socket_peer(script) as peer:
        feed = MarketFeed(door, peer.url, MANY, channels=["ticker"], manners=QUICK._replace(products_per_subscribe=10))
        feed.start()
        (lost, *_) = door.wait_for(FeedLost)
        feed.stop()
    assert "not every channel was acknowledged" in lost.reason
    assert not door.of(FeedSubscribed)


@given(st.lists(st.integers(0, 40), max_size=5), st.integers(1, 12))
def test_chunks_hold_every_product_of_every_channel_once_and_in_order(sizes: list[int], size: int) -> None:
    wanted = [Wanted(f"c{i}", tuple(f"P{k}" for k in range(count))) for i, count in enumerate(sizes)]
    messages = chunked(wanted, size)
    assert all(len(message.product_ids) <= size for message in messages)
    for each in wanted:
        of_channel = [message for message in messages if message.channel == each.channel]
        assert tuple(product for message in of_channel for product in message.product_ids) == each.product_ids
        assert of_channel, "a channel without products is subscribed too"


def test_no_more_than_eight_subscribes_leave_in_a_second() -> None:
    arrived: list[float] = []

    def script(end: Socket) -> None:
        for _ in range(14):
            end.take_subscribes(1)
            arrived.append(time.monotonic())
        end.live_on()

    door = ListDoor()
    with socket_peer(script) as peer:
        manners = QUICK._replace(products_per_subscribe=2, ack_timeout_s=5)
        feed = MarketFeed(door, peer.url, MANY, channels=["ticker"], manners=manners)
        feed.start()
        while len(arrived) < 14:
            time.sleep(0.01)
        feed.stop()
    assert arrived[7] - arrived[0] < 0.5
    assert arrived[8] - arrived[7] > 0.9


def test_every_subscribe_of_every_connection_carries_a_fresh_token() -> None:
    tokens: list[str] = []

    def script(end: Socket) -> None:
        tokens.extend(str(message["jwt"]) for message in end.take_subscribes(4))
        end.acknowledge()
        if end.number == 3:
            end.live_on()

    with listening(script, credentials=KEY) as door:
        door.wait_for(FeedSubscribed, 3)
    assert len(tokens) == 12
    assert len(set(tokens)) == 12, "an old token is never shown again"
    nonces = {jwt.get_unverified_header(token)["nonce"] for token in tokens}
    assert len(nonces) == 12
    assert all(jwt.decode(token, EC_KEY.public_key(), algorithms=["ES256"])["iss"] == "cdp" for token in tokens)


def test_the_slow_channels_are_told_when_they_say_something_new() -> None:
    def candle(start: int, close: str) -> dict[str, str]:
        prices = {"open": "1", "high": "9", "low": "1", "close": close, "volume": "2"}
        return {"product_id": "BIP-20DEC30-CDE", "start": str(start), **prices}

    def status(word: str) -> dict[str, object]:
        return {"type": "update", "products": [{"id": "BIP-20DEC30-CDE", "status": word, "status_message": ""}]}

    def script(end: Socket) -> None:
        end.take_subscribes(7)
        end.acknowledge()
        for _ in range(2):
            end.channel("candles", {"type": "snapshot", "candles": [candle(600, "3"), candle(300, "2")]})
            end.channel("status", status("online"))
            end.channel(
                "ticker_batch", {"type": "update", "tickers": [{"product_id": "BIP-20DEC30-CDE", "price": "5"}]}
            )
        end.channel("candles", {"type": "update", "candles": [candle(600, "4")]})
        end.channel("status", status("offline"))
        if end.number == 2:
            end.live_on()

    door = ListDoor()
    with socket_peer(script) as peer:
        feed = MarketFeed(door, peer.url, PRODUCTS, channels=(*CHANNELS, *EXTRA_CHANNELS), manners=QUICK)
        feed.start()
        door.wait_for(ProductStatusReported, 4)
        feed.stop()
    candles = [(each.start // 1_000_000_000, each.close) for each in door.of(CandleReported)]
    assert candles == [(300, 2), (600, 3), (600, 4), (600, 3), (600, 4)], "what is as it was is not told again"
    assert [each.status for each in door.of(ProductStatusReported)] == ["online", "offline"] * 2
    assert [each.last for each in door.of(TickerReported)] == [Decimal(5)] * 4


def test_what_is_held_back_before_the_acknowledgements_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.connection.hearing.HELD_CAP", 1_000)
    hearing = Hearing([Wanted("level2", ("BIP-20DEC30-CDE",))], PRODUCTS)
    large = frame("l2_data", {"type": "update", "product_id": "P" * 600, "updates": []}, number=0)
    assert hearing.hear(large) == ()
    with pytest.raises(FeedBroken, match="bytes came before every channel was acknowledged"):
        hearing.hear(large.replace(b": 0", b": 1"))
