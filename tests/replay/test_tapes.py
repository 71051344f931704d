"""Tapes in files: our own format to the byte, broken chains told as gaps, and a clear word about everything else."""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec
import pytest
import zstandard

from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.terms import Side
from replay.tapes import TapeUnreadable, generated_tape, open_tape, record_tape
from replay.tapes.ordering import in_exchange_order

D = Decimal
MS = 1_000_000


def trade_line(at: int, price: str = "100.0", *, received: int | None = None) -> str:
    message = f'"e":"trade","E":{at},"T":{at},"s":"BTCUSDT","t":{at},"p":"{price}","q":"0.5","X":"MARKET","m":true'
    return f'{received or at}000000 {{"stream":"btcusdt@trade","data":{{{message}}}}}'


def depth_line(at: int, previous: int, last: int) -> str:
    ids = f'"U":{previous + 1},"u":{last},"pu":{previous}'
    message = f'"e":"depthUpdate","E":{at},"T":{at},{ids},"b":[["99","{last}"]],"a":[]'
    return f'{at}000000 {{"stream":"btcusdt@depth@0ms","data":{{{message}}}}}'


def snapshot_line(at: int, last: int) -> str:
    return f'{at}000000 {{"lastUpdateId":{last},"E":{at},"T":{at},"bids":[["99","1"]],"asks":[["101","1"]]}}'


def written(folder: Path, lines: Sequence[str], name: str = "tape.dat") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def kinds(path: Path) -> list[tuple[int, str]]:
    """(milliseconds, kind) of every event."""
    return [(at // MS, type(event).__name__) for at, event in open_tape(path)]


# Our own format.


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_recorded_tape_is_the_tape_it_was_recorded_from(tmp_path: Path, name: str) -> None:
    tape = generated_tape(seed=2, duration_s=60)
    assert record_tape(tape, tmp_path / name) == len(list(tape))
    again = open_tape(tmp_path / name)
    assert list(again) == list(tape)
    assert (again.name, again.product, again.start) == (tape.name, tape.product, tape.start)


def test_recording_a_tape_twice_gives_the_same_bytes_and_recording_a_recording_too(tmp_path: Path) -> None:
    tape = generated_tape(seed=2, duration_s=30)
    for name in ("a.gz", "b.gz"):
        record_tape(tape, tmp_path / name)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    record_tape(open_tape(tmp_path / "a.gz"), tmp_path / "c.gz")
    assert (tmp_path / "c.gz").read_bytes() == (tmp_path / "a.gz").read_bytes()


def test_the_beginning_of_an_endless_tape_can_be_recorded(tmp_path: Path) -> None:
    tape = generated_tape(seed=2)
    assert record_tape(tape, tmp_path / "a.jsonl", events=25) == 25
    assert list(open_tape(tmp_path / "a.jsonl")) == list(islice(tape, 25))


def test_a_tape_may_be_compressed_by_anybody(tmp_path: Path) -> None:
    tape = generated_tape(seed=2, duration_s=10)
    record_tape(tape, tmp_path / "plain")
    text = (tmp_path / "plain").read_bytes()
    (tmp_path / "z").write_bytes(zstandard.compress(text))
    (tmp_path / "g").write_bytes(gzip.compress(text))
    assert list(open_tape(tmp_path / "z")) == list(open_tape(tmp_path / "g")) == list(tape)


def test_a_tape_of_an_inverse_contract_is_refused_with_the_reason(tmp_path: Path) -> None:
    tape = generated_tape(duration_s=1)
    inverse = msgspec.structs.replace(tape.product, quote_currency="BTC", underlying="BTC")
    record_tape(dataclasses.replace(tape, product=inverse), tmp_path / "a.jsonl")
    with pytest.raises(TapeUnreadable, match="inverse contract"):
        open_tape(tmp_path / "a.jsonl")


def test_a_tape_of_a_newer_version_names_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record_tape(generated_tape(duration_s=1), path)
    path.write_bytes(path.read_bytes().replace(b'{"tape":1', b'{"tape":2', 1))
    with pytest.raises(TapeUnreadable, match=r"a\.jsonl, line 1: a tape of version 2, newer than 1; read it with"):
        open_tape(path)


def test_a_tape_whose_time_goes_back_is_refused_at_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record_tape(generated_tape(duration_s=5), path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(TapeUnreadable, match=f"line {len(lines) + 1}: time goes back"):
        list(open_tape(path))


@pytest.mark.parametrize("place", [0, 3])
def test_a_damaged_line_of_our_own_format_is_named_by_its_number(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.jsonl"
    record_tape(generated_tape(duration_s=5), path)
    lines = path.read_text().splitlines()
    lines[place] = lines[place].replace('"price', '"prize').replace('"exchange_at', '"exchanged_at')
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(TapeUnreadable, match=f"line {place + 1}: .*unknown field"):
        list(open_tape(path))


# Order.


def test_events_are_played_in_the_exchanges_order_whatever_order_they_arrived_in(tmp_path: Path) -> None:
    path = written(tmp_path, [trade_line(1_000), trade_line(3_500), trade_line(2_000), trade_line(3_500)])
    assert [at for at, _ in kinds(path)] == [1_000, 2_000, 3_500, 3_500]


def test_what_comes_later_than_the_horizon_gets_the_time_that_was_reached() -> None:
    trades = [
        TradePrinted(product="X", trade_id=str(at), price=D(1), size=D(1), aggressor=None, exchange_at=at)
        for at in (10, 30, 15, 50)
    ]
    moments = [(trade.exchange_at, trade) for trade in trades]
    assert [at for at, _ in in_exchange_order(moments, horizon_ns=5)] == [10, 15, 30, 50]
    late = [moments[0], moments[1], moments[3], moments[2], (80, trades[3])]
    assert [at for at, _ in in_exchange_order(late, horizon_ns=5)] == [10, 30, 30, 50, 80]


# Depth.


def test_depth_before_the_snapshot_is_dropped_and_what_the_snapshot_holds_is_not_told_twice(tmp_path: Path) -> None:
    lines = [depth_line(1, 10, 12), depth_line(2, 12, 15), depth_line(3, 15, 20), snapshot_line(2, 14)]
    assert kinds(written(tmp_path, lines)) == [(2, "BookSnapshotted"), (2, "BookChanged"), (3, "BookChanged")]


def test_depth_without_any_snapshot_is_no_book(tmp_path: Path) -> None:
    lines = [depth_line(1, 10, 12), depth_line(2, 12, 15), trade_line(3)]
    assert kinds(written(tmp_path, lines)) == [(3, "TradePrinted")]


def test_a_broken_chain_is_a_gap_and_no_change_counts_until_the_next_snapshot(tmp_path: Path) -> None:
    lines = [
        snapshot_line(1, 10),
        depth_line(2, 10, 12),
        depth_line(3, 13, 15),
        depth_line(4, 15, 16),
        snapshot_line(5, 16),
        depth_line(6, 16, 18),
    ]
    path = written(tmp_path, lines)
    assert kinds(path) == [
        (1, "BookSnapshotted"),
        (2, "BookChanged"),
        (3, "FeedGapFound"),
        (5, "BookSnapshotted"),
        (6, "BookChanged"),
    ]
    (gap,) = [event for _, event in open_tape(path) if isinstance(event, FeedGapFound)]
    assert (gap.feed, gap.last_seq, gap.next_seq) == ("market", 12, 13)


def test_depth_delivered_twice_counts_once(tmp_path: Path) -> None:
    lines = [snapshot_line(1, 10), depth_line(2, 10, 12), depth_line(2, 10, 12), depth_line(3, 12, 13)]
    assert [kind for _, kind in kinds(written(tmp_path, lines))] == ["BookSnapshotted", "BookChanged", "BookChanged"]


def test_messages_say_what_they_said(tmp_path: Path) -> None:
    events = [
        event for _, event in open_tape(written(tmp_path, [snapshot_line(1, 10), depth_line(2, 10, 12), trade_line(3)]))
    ]
    assert events == [
        BookSnapshotted(product="BTC-PERP", bids=((D(99), D(1)),), asks=((D(101), D(1)),), exchange_at=1 * MS),
        BookChanged(product="BTC-PERP", bids=((D(99), D(12)),), asks=(), exchange_at=2 * MS),
        TradePrinted(
            product="BTC-PERP", trade_id="3", price=D("100.0"), size=D("0.5"), aggressor=Side.SELL, exchange_at=3 * MS
        ),
    ]


# Everything else.


def test_a_missing_file_a_folder_and_an_empty_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path, word in ((tmp_path / "none", "No such file"), (tmp_path, "a folder"), (tmp_path / "empty", "is empty")):
        with pytest.raises(TapeUnreadable, match=word) as caught:
            open_tape(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["hello\n", "1,2,3\n", '{"seq":1,"at":1,"by":"session"}\n', "\x00\x01\x02\n"])
def test_another_format_is_refused_with_the_formats_that_can_be_read(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, [text])
    with pytest.raises(TapeUnreadable, match=r"line 1: no tape begins with .*what can be read: a tape that perptape"):
        open_tape(path)


@pytest.mark.parametrize(
    "broken",
    [
        "not a line",
        trade_line(9)[:-20],
        trade_line(9).replace('"p":"100.0"', '"p":"much"'),
        trade_line(9).replace('"trade"', '"liquidation"'),
        '9000000 {"whatever":1}',
    ],
)
def test_a_damaged_line_is_named_by_its_number(tmp_path: Path, broken: str) -> None:
    path = written(tmp_path, [*(trade_line(at) for at in range(1, 6)), broken, trade_line(10)])
    with pytest.raises(TapeUnreadable, match=r"tape\.dat, line 6: .*; .*record it again"):
        list(open_tape(path))


def test_a_file_cut_in_the_middle_of_its_compression_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    record_tape(generated_tape(duration_s=300), path)
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(TapeUnreadable, match="compressed bytes are damaged"):
        list(open_tape(path))


HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
ROW = "binance-futures,BTCUSDT,1582329602111000,1582329602418379,42377944,buy,9682,0.132"


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (ROW.replace("BTCUSDT", "ETHUSDT"), "symbol 'ETHUSDT'"),
        (ROW.replace("9682", "dear"), "no number"),
        (ROW.replace("buy", "hold"), "unknown word 'hold'"),
        (ROW.removesuffix(",0.132"), "shorter"),
        (ROW.replace("1582329602111000", "today"), "invalid literal"),
    ],
)
def test_a_damaged_row_of_a_table_is_named_by_its_number(tmp_path: Path, row: str, word: str) -> None:
    with pytest.raises(TapeUnreadable, match=f"line 3: .*{word}"):
        list(open_tape(written(tmp_path, [HEADER, ROW, row])))


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeUnreadable, match="only tables of trades and of quotes are known"):
        open_tape(written(tmp_path, ["exchange,symbol,timestamp,local_timestamp,open_interest", "x,y,1,1,2"]))


def test_a_damaged_line_of_the_exchange_feed_is_named_by_its_number(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        ['{"recv_ts": "1.5", "raw": "{\\"type\\":\\"subscriptions\\",\\"channels\\":[]}"}', '{"recv_ts": "1.6"}'],
    )
    with pytest.raises(TapeUnreadable, match="line 2"):
        open_tape(path)
