"""Frames kept as received: whole, bounded, without secrets, readable after any end; and decoded again to the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.connection.capture.facts import CaptureReading
from actors.connection.capture.file import CaptureFile
from actors.connection.capture.format import CaptureDamaged, Entry, capture_files
from actors.connection.capture.writing import FrameCapture
from actors.connection.feeds import Feed
from actors.connection.hearing import Wanted
from actors.connection.market_feed import CHANNELS, EXTRA_CHANNELS, MarketFeed
from actors.connection.user_feed import UserFeed
from events.account import BalanceReported
from events.feeds import FeedGapFound, FeedLost, FeedWentSilent
from events.market import CandleReported, TradePrinted
from events.orders import OrderReported
from tests.actors.connection.peers import ListDoor, Socket, socket_peer
from tests.actors.connection.test_feeds import BOOK, KEY, PRODUCTS, QUICK, change, order, trades, user_subscribed
from tests.actors.connection.test_frames import frame

WANTED = [Wanted("level2", ("BIP-20DEC30-CDE",)), Wanted("heartbeats")]
FRAMES = [b'{"a":1}', b'{\n  "b": "two lines"\n}', b"", b"\xff\x00 no text at all\n", b"x" * 70_000]


def capture(folder: Path, max_bytes: int = 1_000_000) -> FrameCapture:
    now = count(1_775_572_203_000_000_000).__next__
    return FrameCapture(folder, "market", PRODUCTS, max_bytes=max_bytes, now=now)


def written(folder: Path) -> Path:
    """One file with one connection's frames, closed in order."""
    with_frames = capture(folder)
    with_frames.connected(1, WANTED)
    for raw in FRAMES:
        with_frames.received(raw, 1)
    with_frames.close()
    (path,) = capture_files(folder)
    return path


def test_frames_are_read_back_as_they_were_received_with_their_time_and_connection(tmp_path: Path) -> None:
    file = CaptureFile(written(tmp_path))
    entries = list(file)
    assert [(entry.kind, entry.connection) for entry in entries] == [("connected", 1)] + [("frame", 1)] * 5
    assert [entry.payload for entry in entries[1:]] == FRAMES
    assert [entry.at for entry in entries] == list(range(1_775_572_203_000_000_001, 1_775_572_203_000_000_007))
    assert file.cut_short == ""
    assert file.header.products == PRODUCTS
    assert file.path.stat().st_mode & 0o777 == 0o600, "orders are nobody else's business"


def test_a_file_cut_at_any_byte_is_read_up_to_its_last_whole_frame_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path)
    raw, whole = path.read_bytes(), list(CaptureFile(path))
    assert len(raw) < 1_000
    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        try:
            file = CaptureFile(path)
        except CaptureDamaged:
            assert size < 200, "only a file without its first line is no capture"
            continue
        entries = list(file)
        assert entries == whole[: len(entries)]
        assert file.cut_short, f"cut at {size}"


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_never_changes_a_frame_that_is_read(tmp_path: Path, place: int, bit: int) -> None:
    folder = tmp_path / f"{place}.{bit}"
    path = written(folder)
    whole = list(CaptureFile(path))
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= 1 << bit
    path.write_bytes(raw)
    entries: list[Entry] = []
    file = None
    try:
        file = CaptureFile(path)
        for entry in file:
            entries.append(entry)  # noqa: PERF402 - what came before a damage counts
    except CaptureDamaged:
        file = None
    assert entries == whole[: len(entries)]
    assert file is None or file.cut_short or entries == whole, "a damage is named, or changed nothing"
    path.unlink()


KILLED = """
import sys, time
from pathlib import Path
from actors.connection.capture.writing import FrameCapture
capture = FrameCapture(Path(sys.argv[1]), "market", {})
for number in range(1_000_000):
    capture.received(b"%d " % number * 2_000, 1)
    if number == 200:
        print("under way", flush=True)
    time.sleep(0.0005)
"""


def test_a_killed_process_leaves_a_capture_that_reads_up_to_its_last_flush(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"under way\n"
        writer.send_signal(signal.SIGKILL)
    (path,) = capture_files(tmp_path)
    file = CaptureFile(path)
    entries = list(file)
    assert [entry.payload for entry in entries] == [b"%d " % number * 2_000 for number in range(len(entries))]
    assert len(entries) >= 100
    assert file.cut_short


def test_the_files_roll_and_never_take_more_than_they_may(tmp_path: Path) -> None:
    noise = [bytes((i * 7919 + k * 104_729) % 251 for k in range(2_000)) for i in range(400)]
    bound = 200_000
    for _ in range(2):  # the second run finds the files of the first
        rolling = FrameCapture(tmp_path, "market", PRODUCTS, max_bytes=bound)
        rolling.connected(1, WANTED)
        for each in noise:
            rolling.received(each * 8, 1)
            assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= bound
        rolling.close()
    files = capture_files(tmp_path)
    assert 1 < len(files) <= 9
    kept = [entry.payload for path in files for entry in CaptureFile(path) if entry.kind == "frame"]
    assert kept[-5:] == [each * 8 for each in noise[-5:]], "the newest stay"


def test_captures_of_other_feeds_are_left_alone_when_room_is_made(tmp_path: Path) -> None:
    (tmp_path / "user.1.000001.frames.zst").write_bytes(b"x" * 10_000)
    rolling = capture(tmp_path, max_bytes=5_000)
    for i in range(2_000):
        rolling.received(b"%d" % (i * 7919), 1)
    rolling.close()
    assert (tmp_path / "user.1.000001.frames.zst").exists()


def test_a_disk_that_refuses_ends_the_capture_and_not_the_feed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_bytes(b"")
    broken = FrameCapture(tmp_path / "taken", "market", PRODUCTS)
    for _ in range(3):
        broken.received(b"{}", 1)
    broken.close()
    assert broken.is_broken
    assert len([entry for entry in caplog.records if "captured no longer" in entry.getMessage()]) == 1


def test_a_capture_of_another_version_and_a_line_without_end_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path)
    monkeypatch.setattr("actors.connection.capture.file.VERSION", 2)
    with pytest.raises(CaptureDamaged, match="of version 1; 2 is read here"):
        CaptureFile(path)
    path.write_bytes(zstandard.compress(b"x" * 2_000_000))
    with pytest.raises(CaptureDamaged, match="no line ends behind byte 0"):
        CaptureFile(path)
    path.write_bytes(zstandard.compress(b"00000000 1 1 frame 2\nab\n"))
    with pytest.raises(CaptureDamaged, match="no entry stands at byte 0"):
        CaptureFile(path)


# Live and again.


def candle_row(close: str) -> dict[str, object]:
    row = {"start": "1775571900", "product_id": "BIP-20DEC30-CDE", "volume": "1"}
    return {"type": "update", "candles": [{**row, "open": "1", "high": "9", "low": "1", "close": close}]}


def one_day(end: Socket) -> None:
    """Connections that end in every way there is, and one that lives."""
    end.take_subscribes(7)
    end.channel("l2_data", BOOK)
    end.channel("market_trades", trades(2, 1))
    end.acknowledge()
    for channel, event in (
        ("market_trades", trades(3, 2)),
        ("candles", candle_row("2")),
        ("candles", candle_row("2")),
        ("status", {"type": "snapshot", "products": [{"id": "BIP-20DEC30-CDE", "status": "online"}]}),
        ("status", {"type": "snapshot", "products": [{"id": "BIP-20DEC30-CDE", "status": "online"}]}),
        ("ticker_batch", {"type": "update", "tickers": [{"product_id": "BIP-20DEC30-CDE", "price": "68900.50"}]}),
        ("l2_data", change(5)),
    ):
        end.channel(channel, event)
    match end.number:
        case 1:
            end.channel("l2_data", change(9), number=end._next + 3)
            end.pause(1)
        case 2:
            end.send(b"garbage")
            end.pause(1)
        case 3:
            end.pause(1)  # silence
        case 4:
            end.send({"type": "error", "message": "rate limit exceeded"})
        case 5:
            return
        case _:
            end.channel("candles", candle_row("3"))
            end.live_on()


def retold(folder: Path) -> tuple[list[tuple[object, ...]], list[str]]:
    reading = CaptureReading(capture_files(folder))
    return [(each.by, each.event, each.time) for each in reading], reading.remarks


def captured_live(
    folder: Path, script: Callable[[Socket], None], make: Callable[[ListDoor, str], Feed], is_there: Callable[..., bool]
) -> list[tuple[object, ...]]:
    """What a feed told whose frames were captured in `folder`."""
    door = ListDoor()
    with socket_peer(script) as peer:
        feed = make(door, peer.url)
        feed.start()
        door.wait(is_there)
        feed.stop()
    return [(told.by, told.event, told.time) for told in door.told]


def test_a_capture_decoded_again_gives_the_facts_that_were_told_live(tmp_path: Path) -> None:
    kept = FrameCapture(tmp_path, "market", PRODUCTS, last_trades={"BTC-PERP": "1"})

    def make(door: ListDoor, url: str) -> Feed:
        return MarketFeed(
            door,
            url,
            PRODUCTS,
            channels=(*CHANNELS, *EXTRA_CHANNELS),
            last_trades={"BTC-PERP": "1"},
            manners=QUICK,
            capture=kept,
        )

    live = captured_live(tmp_path, one_day, make, lambda told: sum(isinstance(e, CandleReported) for e in told) >= 2)
    again, remarks = retold(tmp_path)
    assert again == live
    assert not remarks
    kinds = [type(event) for _, event, _ in live]
    assert {FeedGapFound, FeedWentSilent} <= set(kinds)
    assert kinds.count(FeedLost) == 5
    assert kinds.count(TradePrinted) == 2, "trade 1 was told before the session, 2 and 3 once"
    assert kinds.count(CandleReported) == 2, "a candle is told again when it is another one, and by no reconnect"


def test_the_user_feeds_capture_gives_its_facts_again(tmp_path: Path) -> None:
    balance = {"cbi_usd_balance": "1", "cfm_usd_balance": "2", "unrealized_pnl": "3"}

    def script(end: Socket) -> None:
        user_subscribed(end)
        end.channel("user", {"type": "snapshot", "orders": [order(1, "OPEN", "0", "3")]})
        end.channel("user", {"type": "update", "orders": [order(1, "CANCELLED", "1", "0")]})
        end.channel("futures_balance_summary", {"type": "snapshot", "fcm_balance_summary": balance})
        end.live_on()

    kept = FrameCapture(tmp_path, "user", PRODUCTS)

    def make(door: ListDoor, url: str) -> Feed:
        return UserFeed(door, url, PRODUCTS, credentials=KEY, catch_up=lambda _: None, manners=QUICK, capture=kept)

    live = captured_live(tmp_path, script, make, lambda told: any(isinstance(e, BalanceReported) for e in told))
    again, _ = retold(tmp_path)
    assert again == live
    assert [event.qty for _, event, _ in again if isinstance(event, OrderReported)] == [3, 3]


def test_a_capture_whose_beginning_was_dropped_says_so_and_goes_on_from_there(tmp_path: Path) -> None:
    kept = FrameCapture(tmp_path, "market", PRODUCTS, max_bytes=16_000)
    kept.connected(1, WANTED)
    for number in range(2_000):
        update = {"side": "bid", "event_time": "", "price_level": "68900", "new_quantity": str(number * 7919 % 10_007)}
        book = {"type": "update", "product_id": "BIP-20DEC30-CDE", "updates": [update]}
        kept.received(frame("l2_data", book, number=number), 1)
    kept.close()
    assert capture_files(tmp_path)[0].name.split(".")[2] != "000001", "the first file is gone"
    facts, remarks = retold(tmp_path)
    assert 100 < len(facts) < 2_000
    assert any("begins in the middle of connection 1" in remark for remark in remarks)
    assert not [event for _, event, _ in facts if isinstance(event, FeedLost)]


def test_no_token_and_no_key_is_ever_in_a_capture(tmp_path: Path) -> None:
    tokens: list[str] = []

    def script(end: Socket) -> None:
        tokens.extend(each["jwt"] for each in end.take_subscribes(4))
        if end.number == 1:
            end.send({"type": "error", "message": f"authentication failure {tokens[0]}"})
            return
        end.acknowledge()
        end.channel("l2_data", {**BOOK, "note": tokens[1]})
        end.live_on()

    kept = FrameCapture(tmp_path, "market", PRODUCTS)

    def make(door: ListDoor, url: str) -> Feed:
        return MarketFeed(door, url, PRODUCTS, credentials=KEY, manners=QUICK, capture=kept)

    captured_live(tmp_path, script, make, lambda told: len(told) >= 5)
    kept_bytes = b"".join(entry.payload for path in capture_files(tmp_path) for entry in CaptureFile(path))
    assert tokens
    assert not [token for token in tokens if token.split(".")[2].encode() in kept_bytes]
    assert b"[redacted]" in kept_bytes
    assert b'subscribe"' not in kept_bytes.replace(b'"subscriptions"', b"")
