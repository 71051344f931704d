"""Every frame that was ever recorded is read, and every number of it is the number that was sent, to the digit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.connection.frames import read_frame
from tests.actors.connection.fixture_table import ADVANCED_FRAMES, FIXTURES, WITHOUT_EVENTS, advanced_frames
from tests.paths import needs_shared_data

#: Fields of the exchange that we take as numbers, by channel.
NUMBERS = {
    "l2_data": {"price_level", "new_quantity"},
    "market_trades": {"price", "size"},
    "ticker": {"best_bid", "best_bid_quantity", "best_ask", "best_ask_quantity"},
    "ticker_batch": {
        "price",
        "volume_24_h",
        "low_24_h",
        "high_24_h",
        "low_52_w",
        "high_52_w",
        "price_percent_chg_24_h",
    },
    "candles": {"open", "high", "low", "close", "volume"},
}
#: Fields of `ticker` that no fact of ours has: the trade itself is told by `market_trades`, the day by `ticker_batch`.
LEFT_OUT = {"ticker": NUMBERS["ticker_batch"]}


class Everything(dict[str, str]):
    """Every product is ours, under the exchange's id."""

    def get(self, key: str, default: Any = None) -> Any:
        return key


RECORDED = pytest.mark.parametrize(
    ("name", "raw"), [*advanced_frames()], ids=lambda value: value if isinstance(value, str) else ""
)


def sent(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    """Every field of a frame whose text is a number, with that text."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from sent(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from sent(inner, field)
    elif isinstance(value, str) and value.replace(".", "", 1).removeprefix("-").isdigit():
        yield field, value


def told(value: object) -> Iterator[str]:
    """Every `Decimal` of an event, digit by digit."""
    if isinstance(value, msgspec.Struct):
        value = list(msgspec.structs.astuple(value))
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from told(inner)
    elif isinstance(value, Decimal):
        yield format(value, "f")  # str would write eight zeros as 0E-8


@needs_shared_data
@RECORDED
def test_every_recorded_frame_is_read_and_every_data_frame_becomes_events(name: str, raw: bytes) -> None:
    read = read_frame(raw, Everything())
    assert bool(read.events) != (read.channel in WITHOUT_EVENTS), f"{name}: {read}"
    assert read.at is not None or read.error is not None


@needs_shared_data
@RECORDED
def test_every_price_and_size_of_a_recorded_frame_is_told_as_it_was_sent(name: str, raw: bytes) -> None:
    read = read_frame(raw, Everything())
    numbers = NUMBERS.get(read.channel)
    if numbers is None:
        return
    frame = [(field, text) for field, text in sent(msgspec.json.decode(raw)["events"])]
    expected = sorted(text for field, text in frame if field in numbers)
    assert sorted(text for event in read.events for text in told(event)) == expected
    known = numbers | LEFT_OUT.get(read.channel, set()) | {"trade_id", "start"}
    assert not {field for field, _ in frame} - known, f"{name}: a number that we neither tell nor name"


@needs_shared_data
def test_the_live_frames_are_read_byte_true_with_their_numbers_and_their_times() -> None:
    lines = [raw for name, raw in advanced_frames() if name.startswith("ws_live")]
    read = [read_frame(raw, {"BTC-PERP-INTX": "BTC-PERP"}) for raw in lines]
    assert [(frame.channel, frame.sequence, frame.at) for frame in read] == [
        ("l2_data", 0, 1_788_746_278_894_355_000),
        ("subscriptions", 1, 1_788_824_242_278_662_782),
        ("subscriptions", 2, 1_788_824_242_278_739_877),
        ("heartbeats", 3, 1_788_824_242_675_755_362),
        ("", None, None),
    ]
    (book,) = read[0].events
    assert sorted(told(book)) == sorted(["79944.1", "1.2", "79943.9", "3.0105", "79943.8", "0.5", "79944", "0.048"])
    level2 = {"level2": ["BTC-PERP-INTX", "ETH-PERP-INTX"]}
    assert [frame.subscriptions for frame in read[1:3]] == [level2, {"heartbeats": ["heartbeats"], **level2}]
    assert read[3].heartbeat == 139_651
    assert read[4].error == "authentication failure"


@needs_shared_data
def test_every_channel_of_the_exchange_is_among_the_recordings() -> None:
    channels = {read_frame(raw, Everything()).channel for _, raw in advanced_frames()}
    assert channels - {""} == {
        *("market_trades", "ticker", "ticker_batch", "l2_data", "candles", "status", "heartbeats"),
        *("user", "futures_balance_summary", "subscriptions"),
    }
    assert {name.partition("[")[0] for name, _ in advanced_frames()} == set(ADVANCED_FRAMES)
    assert FIXTURES.is_dir()
