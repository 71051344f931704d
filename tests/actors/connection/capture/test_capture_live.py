"""A whole connection against the local exchange, captured: its files give again what both feeds told."""

from __future__ import annotations

from pathlib import Path

from actors.connection.auth import Credentials
from actors.connection.capture.facts import CaptureReading
from actors.connection.capture.format import capture_files
from actors.connection.live import Address, CaptureTo, CoinbaseConnection
from actors.connection.market_feed import EXTRA_CHANNELS
from events.account import BalanceReported
from events.market import BookChanged, CandleReported, QuoteChanged, TickerReported, TradePrinted
from tests.actors.connection.peers import PATIENCE_S, ListDoor
from tests.actors.connection.test_live import PRODUCTS, local_exchange


def test_the_capture_of_a_live_connection_gives_every_fact_of_both_feeds_again(tmp_path: Path) -> None:
    door = ListDoor()
    with local_exchange(tmp_path / "exchange") as ready:
        connection = CoinbaseConnection(
            door,
            lambda: 0,
            [],
            address=Address(ready.rest, ready.ws, ready.ws, ready.ca_file),
            credentials=Credentials.from_file(ready.key_file),
            products=PRODUCTS,
            live=True,
            extra_channels=EXTRA_CHANNELS,
            capture=CaptureTo(tmp_path / "frames", 64 * 1024**2),
        )
        for part in connection.parts:
            part.start()
        try:
            for kind in (BookChanged, TradePrinted, QuoteChanged, CandleReported, TickerReported, BalanceReported):
                door.wait_for(kind, timeout_s=3 * PATIENCE_S)
        finally:
            for part in reversed(connection.parts):
                part.stop()
    files = capture_files(tmp_path / "frames")
    assert {path.name.partition(".")[0] for path in files} == {"market", "user"}
    reading = CaptureReading(files)
    again = [*reading]
    assert not reading.remarks
    for feed in ("market", "user"):
        told = [(each.event, each.time) for each in door.told if each.by == feed]
        assert [(each.event, each.time) for each in again if each.by == feed] == told
        assert told
