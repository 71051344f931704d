"""The official Python clients of the feeds hear every channel of the local exchange, over TLS, unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from coinbase.websocket import WSClient, WSUserClient  # type: ignore[import-untyped]  # it ships no types
from coinbase.websocket.types.websocket_response import (  # type: ignore[import-untyped]
    WebsocketResponse,
)

from tests.scenarios.sdk import (
    DEPRECATIONS,
    LIMIT_S,
    PRODUCT,
    Exchange,
    Heard,
    Json,
    counts,
    exchange,
    fresh_id,
    rest_client,
    taken,
)

pytestmark = DEPRECATIONS


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """A market at sixty times its own pace, which begins when somebody listens."""
    with exchange(tmp_path_factory.mktemp("playing"), "--seed", "7", "--speed", "60") as found:
        yield found


_PUBLIC = ["heartbeats", "ticker", "ticker_batch", "level2", "market_trades", "candles", "status"]


def test_the_official_feed_client_receives_every_public_channel(playing: Exchange) -> None:
    heard = Heard()
    client = WSClient(base_url=playing.ready["ws"], timeout=LIMIT_S, on_message=heard, retry=False)
    client.open()
    try:
        client.subscribe([PRODUCT], _PUBLIC)
        wanted = {"heartbeats": 2, "ticker": 2, "ticker_batch": 2, "l2_data": 2, "market_trades": 2, "candles": 2}
        wanted |= {"status": 1, "subscriptions": len(_PUBLIC)}
        frames = heard.until(
            lambda frames: all(counts(frames).get(channel, 0) >= count for channel, count in wanted.items())
        )
        assert set(counts(frames)) == set(wanted)
        held = [frame for frame in frames if frame["channel"] == "subscriptions"][-1]["events"][0]["subscriptions"]
        assert set(held) == set(_PUBLIC)
        client.raise_background_exception()
    finally:
        client.close()


def test_the_official_user_client_hears_of_its_orders_and_balances(playing: Exchange) -> None:
    heard = Heard()
    feed = WSUserClient(
        key_file=playing.ready["key_file"],
        base_url=playing.ready["ws"],
        timeout=LIMIT_S,
        on_message=heard,
        retry=False,
    )
    feed.open()
    try:
        feed.subscribe([PRODUCT], ["heartbeats", "user", "futures_balance_summary"])
        begun = heard.until(lambda frames: counts(frames).get("subscriptions", 0) == 3)
        assert counts(begun)["user"] == counts(begun)["futures_balance_summary"] == 1
        with rest_client(playing.ready) as rest:
            order_id = taken(rest.market_order_buy(fresh_id(), PRODUCT, base_size="1"))

        def is_told(frames: list[Json]) -> bool:
            rows = [row for frame in frames if frame["channel"] == "user" for row in frame["events"][0]["orders"]]
            told = counts(frames)
            is_filled = any(row["order_id"] == order_id and row["status"] == "FILLED" for row in rows)
            return is_filled and told.get("futures_balance_summary", 0) > 0 and told.get("heartbeats", 0) > 0

        heard.until(is_told)
        feed.raise_background_exception()
    finally:
        feed.close()


def test_the_clients_own_types_read_the_frames(playing: Exchange) -> None:
    """They insist on the `client_id` that the printed samples have and recorded frames have not: a switch adds it."""
    settings = f"{playing.ready['rest']}/control/settings"
    playing.control.post(settings, json={"client_id": True}, timeout=LIMIT_S)
    heard = Heard()
    client = WSUserClient(
        key_file=playing.ready["key_file"],
        base_url=playing.ready["ws"],
        timeout=LIMIT_S,
        on_message=heard,
        retry=False,
    )
    client.open()
    try:
        client.subscribe([PRODUCT], ["heartbeats", "user", "futures_balance_summary"])
        frames = heard.until(lambda frames: counts(frames).get("subscriptions", 0) == 3)
        read = [WebsocketResponse(frame) for frame in frames]
        assert {"user", "futures_balance_summary", "subscriptions"} <= {one.channel for one in read}
        balances = next(one for one in read if one.channel == "futures_balance_summary")
        assert float(balances.events[0].fcm_balance_summary.total_usd_balance) > 0
    finally:
        client.close()
        playing.control.post(settings, json={"client_id": False}, timeout=LIMIT_S)


_PRIVATE = ["user", "futures_balance_summary"]


@pytest.mark.parametrize("kind", [WSClient, WSUserClient])
def test_every_subscription_the_client_has_a_word_for_is_acknowledged_and_ended(playing: Exchange, kind: type) -> None:
    heard = Heard()
    client = kind(
        key_file=playing.ready["key_file"],
        base_url=playing.ready["ws"],
        timeout=LIMIT_S,
        on_message=heard,
        retry=False,
    )
    channels = [*_PUBLIC, *_PRIVATE] if kind is WSClient else ["heartbeats", *_PRIVATE]
    client.open()
    try:
        for count, channel in enumerate(channels, 1):
            getattr(client, channel)(*_products(channel))
            heard.until(lists(count))
        for left, channel in reversed(list(enumerate(channels))):
            getattr(client, f"{channel}_unsubscribe")(*_products(channel))
            heard.until(lists(left))
        client.raise_background_exception()
    finally:
        client.close()


def _products(channel: str) -> list[list[str]]:
    """Heartbeats and balances are nobody's product."""
    return [] if channel in ("heartbeats", "futures_balance_summary") else [[PRODUCT]]


def lists(count: int) -> Callable[[list[Json]], bool]:
    """Whether an acknowledgement of so many channels is among the frames."""

    def is_there(frames: list[Json]) -> bool:
        told = [frame["events"][0]["subscriptions"] for frame in frames if frame["channel"] == "subscriptions"]
        return any(len(held) == count for held in told)

    return is_there
