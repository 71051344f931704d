"""The seed's queries return what they promise, from a running log or a closed one, however long."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from events import lifting
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.lifting import Lift
from events.log import EventLog, FileLog, LogDamaged, LogReadFailed, MemoryLog
from events.log.backwards import newest_lines
from events.market import MarkWentStale, TradePrinted
from events.orders import Breach, OrderFilled, OrderRefused, OrderRejected
from events.position import PositionChanged
from events.record import AnyEvent, Record
from events.risk import DailyLossBreached, LiquidationBufferBreached
from events.store import _SHOWN, EventStore
from events.terms import FundingStatus, Side
from tests.events.simdisk import SimDisk

SECOND = 1_000_000_000
START = 1_730_000_000 * SECOND


def funding(hour: int) -> FundingAccrued:
    return FundingAccrued(
        product="BTC-PERP",
        boundary=START + hour * 3600 * SECOND,
        qty=Decimal(2),
        mark=Decimal("50000.5"),
        mark_source=None,
        rate=Decimal("0.0001"),
        amount=Decimal("-0.10"),
        status=FundingStatus.FINAL,
    )


def position(qty: int) -> PositionChanged:
    return PositionChanged(
        product="BTC-PERP",
        qty=Decimal(qty),
        cost=Decimal(qty) * 500,
        entry_price=Decimal(50_000) if qty else None,
        realized=Decimal(0),
        fee=Decimal("0.40"),
    )


BREACHES: dict[str, AnyEvent] = {
    "daily_loss_breach": DailyLossBreached(
        loss=Decimal(100), limit=Decimal(100), start_equity=Decimal(1_000), equity=Decimal(900)
    ),
    "liquidation_buffer_breach": LiquidationBufferBreached(buffer=Decimal("0.1"), limit=Decimal("0.15")),
    "stale_mark_price": MarkWentStale(product="BTC-PERP", age_ms=31_000, reason="feed lost"),
    "order_rejected": OrderRefused(
        proposal="p-1",
        strategy="baseline",
        product="BTC-PERP",
        side=Side.BUY,
        asked=Decimal(1),
        code="exposure",
        message="Symbol exposure 50.0% exceeds cap of 20.0% for BTC-PERP",
        breaches=(Breach(code="exposure", limit="0.2", value="0.5", message="too much"),),
    ),
}


def write(log: EventLog, *events: AnyEvent) -> None:
    for event in events:
        seq = log.next_seq
        log.write([Record(seq=seq, at=START + seq * SECOND + 123_456_789, by="desk", event=event)])
        log.commit()


def names(rows: list[dict[str, object]]) -> list[object]:
    return [row.get("event_type", row["type"]) for row in rows]


def test_the_seeds_risk_query_finds_all_four_breaches_though_many_fundings_follow(tmp_path: Path) -> None:
    with FileLog.open(tmp_path, roll_bytes=5_000) as log:
        write(log, *BREACHES.values(), *(funding(hour) for hour in range(150)))
        rows = EventStore(tmp_path).tail(bot_id="risk_engine", limit=100, types=["metric"])
        risk_events = [row for row in rows if row.get("type") == "risk_event"]
    assert names(risk_events) == list(BREACHES)
    assert {row["kind"] for row in rows} == {"metric"}
    assert {row["bot_id"] for row in rows} == {"risk_engine"}


def test_the_seeds_perps_query_gives_positions_and_fundings_oldest_first_at_most_a_hundred(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, *(event for hour in range(80) for event in (funding(hour), position(hour % 3 - 1))))
        rows = EventStore(tmp_path).tail(bot_id="coinbase_perps", limit=100, types=["position", "metric"])
    assert len(rows) == 100
    assert [row["seq"] for row in rows] == list(range(61, 161))
    assert {(row["kind"], row["type"]) for row in rows} == {("position", "position"), ("metric", "funding")}


def test_a_row_has_its_own_keys_first_and_the_events_fields_behind_them(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, funding(1), BREACHES["order_rejected"], position(-3), position(0))
    accrued, refused, short, flat = EventStore(tmp_path).tail()
    assert list(accrued)[:6] == ["kind", "type", "bot_id", "time", "seq", "at"]
    assert accrued["time"] == "2024-10-27T03:33:21.123456+00:00"
    assert (accrued["symbol"], accrued["amount"], accrued["status"]) == ("BTC-PERP", Decimal("-0.10"), "final")
    assert accrued["mark_source"] is None
    assert refused["side"] == "buy"
    assert refused["breaches"] == ({"code": "exposure", "limit": "0.2", "value": "0.5", "message": "too much"},)
    assert (short["side"], short["qty"], flat["side"], flat["entry_price"]) == ("short", Decimal(-3), "flat", None)


def test_no_field_of_an_event_can_overwrite_what_the_row_is() -> None:
    own = {"kind", "type", "bot_id", "time", "seq", "at", "event_type", "symbol"}
    assert not [event.__name__ for event in _SHOWN if own & set(event.__struct_fields__)]


def test_trades_and_errors_have_their_kinds(tmp_path: Path) -> None:
    filled = OrderFilled(
        order="o",
        exchange_order="x",
        strategy="baseline",
        product="BTC-PERP",
        side=Side.BUY,
        qty=Decimal(1),
        value=Decimal(500),
        price=Decimal(50_000),
        fee=Decimal("0.4"),
        filled_qty=Decimal(1),
        exchange_at=0,
    )
    events = (
        filled,
        OrderRejected(order="o", code="x", message="no"),
        FundingPaid(product="BTC-PERP", amount=Decimal(1), through=0, exchange_at=0),
        FundingCorrected(product="BTC-PERP", boundary=0, before=Decimal(1), after=Decimal(2), reason="late"),
    )
    log = MemoryLog()
    write(log, *events)
    store = EventStore(log)
    assert names(store.tail(types=["trade"])) == ["fill"]
    assert names(store.tail(types=["error"])) == ["order_rejected"]
    assert names(store.tail(types=["metric"])) == ["funding_paid", "funding_corrected"]
    assert names(store.tail(limit=2)) == ["funding_paid", "funding_corrected"]


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": -1}, {"types": []}, {"types": ["candle"]}, {"bot_id": "nobody"}]
)
def test_a_query_for_nothing_gives_nothing(tmp_path: Path, query: dict[str, object]) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, funding(1))
    assert EventStore(tmp_path).tail(**query) == []  # type: ignore[arg-type]  # each a valid query


def test_a_log_that_does_not_exist_has_no_rows(tmp_path: Path) -> None:
    assert EventStore(tmp_path / "nowhere").tail() == []


def test_memory_and_files_answer_alike(tmp_path: Path) -> None:
    memory = MemoryLog()
    with FileLog.open(tmp_path, roll_bytes=2_000, seal_in_background=False) as files:
        for log in (memory, files):
            write(log, *BREACHES.values(), *(position(n) for n in range(-20, 20)), *BREACHES.values())
        for limit in (1, 7, 45, 100):
            for bot_id in ("risk_engine", "coinbase_perps", None):
                assert EventStore(tmp_path).tail(bot_id, limit) == EventStore(memory).tail(bot_id, limit)


def test_an_open_commit_and_an_unfinished_one_are_not_seen(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, position(1), position(2))
        log.write([Record(seq=3, at=START + 4 * SECOND, by="position", event=position(3))])
        assert len(EventStore(tmp_path).tail()) == 2
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert [row["seq"] for row in EventStore(tmp_path).tail()] == [1, 2]
    path.write_bytes(path.read_bytes().partition(b"\n")[0] + b"\n" + b'{"seq":1,')
    assert EventStore(tmp_path).tail() == []


def test_between_the_two_renames_of_a_roll_the_closed_segment_is_read(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, position(1))
    (tmp_path / "events.jsonl").rename(tmp_path / "events.000001.jsonl")
    assert len(EventStore(tmp_path).tail()) == 1


def test_rows_are_found_across_the_pieces_a_long_log_is_read_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileLog.open(tmp_path / "plain") as log:
        write(log, *(event for n in range(60) for event in (trade(n), position(n), trade(n))))
    with FileLog.open(tmp_path / "sealed") as log:
        write(log, *(event for n in range(60) for event in (trade(n), position(n), trade(n))))
        log.close(seal=True)
    for piece in (64, 300, 1_000, 5_000):
        monkeypatch.setattr("events.log.backwards._PIECE_BYTES", piece)
        for folder in ("plain", "sealed"):
            rows = EventStore(tmp_path / folder).tail(limit=50)
            assert [row["qty"] for row in rows] == list(range(10, 60))


def trade(number: int) -> TradePrinted:
    text = '"event":{"type":"PositionChanged"' * (number % 3)
    return TradePrinted(
        product="BTC-PERP", trade_id=text, price=Decimal(1), size=Decimal(1), aggressor=None, exchange_at=0
    )


def test_the_places_of_lines_are_given_with_them(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, trade(1), position(1), trade(2), position(2))
    content = (tmp_path / "events.jsonl").read_bytes()
    for line in newest_lines(tmp_path, frozenset({"PositionChanged"}), 9):
        assert content[line.offset :].startswith(line.text + b"\n")


def test_rows_of_an_older_shape_are_found_and_lifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, BREACHES["liquidation_buffer_breach"])
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"LiquidationBufferBreached"', b'"BufferBreached"'))
    monkeypatch.setitem(lifting.LIFTS, "BufferBreached", Lift("LiquidationBufferBreached", dict))
    assert names(EventStore(path).tail("risk_engine")) == ["liquidation_buffer_breach"]


def test_a_line_that_cannot_be_read_is_told_and_not_skipped(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        write(log, position(1))
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"cost"', b'"cast"'))
    with pytest.raises(LogDamaged, match="a line cannot be read"):
        EventStore(path).tail()


def test_a_disk_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimDisk()
    disk.put(Path("log/events.jsonl"), b"x")
    disk.fail_at = 2
    monkeypatch.setattr("events.log.backwards.newest_lines.__kwdefaults__", {"disk": disk})
    with pytest.raises(LogReadFailed, match="cannot be read: Input/output error"):
        EventStore("log").tail()
