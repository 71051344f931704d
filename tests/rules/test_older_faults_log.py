"""Faults of an older event store (protocol sheet 8.12)."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from events.codec import decode, encode
from events.funding import FundingAccrued
from events.log import FileLog, LogDamaged, LogReadFailed, MemoryLog, read_records
from events.orders import Breach, OrderRefused
from events.record import AnyEvent, Record
from events.session import ActorFailed, ClockTicked
from events.store import EventStore
from events.terms import FundingStatus, Side
from tests.streams.desk import HOUR, MONDAY
from tests.streams.facts import BIP, D


def funding(hour: int = 1) -> FundingAccrued:
    return FundingAccrued(
        product=BIP,
        boundary=MONDAY + hour * HOUR,
        qty=D(2),
        mark=D("50000.00"),
        mark_source=None,
        rate=D("0.0001"),
        amount=D("-0.10"),
        status=FundingStatus.FINAL,
    )


def refusal() -> OrderRefused:
    breach = Breach(code="kill", limit="off", value="on", message="Kill switch enabled - all trading halted")
    return OrderRefused(
        proposal="p-1",
        strategy="metric",
        product=BIP,
        side=Side.BUY,
        asked=D(1),
        code="kill",
        message=breach.message,
        breaches=(breach,),
    )


def filled(log: MemoryLog | FileLog, *events: AnyEvent, by: str = "test") -> None:
    """Each event in a commit of its own."""
    for event in events:
        seq = log.next_seq
        log.write([Record(seq=seq, at=MONDAY + seq, by=by, cause=1 if by != "test" else None, event=event)])
        log.commit(True) if isinstance(log, FileLog) else log.commit()


def test_8_12_no_field_of_an_event_overwrites_the_kind_of_its_row() -> None:
    log = MemoryLog()
    filled(log, funding(), refusal())
    store = EventStore(log)
    (row,) = store.tail("coinbase_perps", types=["metric"])
    assert (row["kind"], row["type"], row["amount"]) == ("metric", "funding", D("-0.10"))
    (risk,) = store.tail("risk_engine", types=["metric"])
    assert (risk["type"], risk["event_type"], risk["bot_id"]) == ("risk_event", "order_rejected", "risk_engine")


def test_8_12_the_words_of_an_error_overwrite_nothing() -> None:
    log = MemoryLog()
    filled(log, ActorFailed(actor="position", record=1, error='{"type": "trade", "bot_id": "me", "seq": -1}'))
    rows = [row for bot in ("coinbase_perps", "risk_engine") for row in EventStore(log).tail(bot, types=["error"])]
    assert [(row["kind"], row["seq"]) for row in rows] == [("error", 1)] * len(rows) != []


def test_8_12_every_record_has_its_place_its_cause_and_its_version() -> None:
    record = Record(seq=7, at=MONDAY, by="funding", cause=5, index=1, event=funding())
    line = json.loads(encode(record))
    assert (line["seq"], line["cause"], line["index"], line["event"]["type"]) == (7, 5, 1, "FundingAccrued")


def test_8_12_decimals_are_text_and_come_back_digit_by_digit_as_decimals() -> None:
    again = decode(encode(Record(seq=1, at=MONDAY, by="funding", event=funding()))).event
    assert isinstance(again, FundingAccrued)
    assert isinstance(again.amount, Decimal)
    assert (str(again.amount), str(again.mark)) == ("-0.10", "50000.00")


def test_8_12_a_corrupt_line_is_damage_and_never_skipped(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        filled(log, *(funding(hour) for hour in range(1, 6)))
    active = tmp_path / "events.jsonl"
    whole = active.read_bytes()
    active.write_bytes(whole.replace(b'"-0.10"', b'"-9.10"', 1))
    with pytest.raises(LogDamaged):
        list(read_records(tmp_path))
    active.write_bytes(whole.replace(b'"product":"BIP"', b'"product":BIP', 1))
    with pytest.raises(LogDamaged):
        EventStore(tmp_path).tail("coinbase_perps")


def test_8_12_a_log_that_cannot_be_read_is_an_error_and_not_an_empty_answer(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(LogReadFailed):
        EventStore(tmp_path / "events.jsonl").tail("coinbase_perps")


def test_8_12_what_is_acknowledged_was_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fdatasync

    def noted(fd: int) -> None:
        synced.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", noted)
    with FileLog.open(tmp_path) as log:
        before = len(synced)
        filled(log, funding())
        assert len(synced) > before


def test_8_12_the_last_rows_are_read_from_the_end_whatever_lies_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileLog.open(tmp_path) as log:
        for first in range(0, 40_000, 4_000):
            seq = log.next_seq
            log.write(
                [Record(seq=seq + n, at=MONDAY + first + n, by="clock", event=ClockTicked()) for n in range(4_000)]
            )
            log.commit(True)
        filled(log, funding())
    read: list[int] = []
    real = os.pread

    def counted(fd: int, size: int, offset: int) -> bytes:
        read.append(size)
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    (row,) = EventStore(tmp_path).tail("coinbase_perps", limit=1)
    assert row["type"] == "funding"
    assert sum(read) < (tmp_path / "events.jsonl").stat().st_size / 4
