"""Verification derives every decision again: a change, an addition, a removal or a swap is found, placed, said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from events.log import FileLog, LogDamaged, MemoryLog
from events.orders import OrderApproved, OrderReported, OrderSubmitted
from events.record import Record
from events.session import SessionEnded, SessionStarted
from events.strategy import DecisionMade
from events.terms import OrderKind, OrderStatus, Side
from replay.backtest import backtest
from replay.verify import Report, verify, verify_commits
from tests.replay.markets import facts, short_market, trading

Change = Callable[[list[Record]], list[Record]]


@pytest.fixture(scope="module")
def recorded() -> list[Record]:
    tape, log = short_market(120), MemoryLog()
    backtest(facts(tape), session="s", start=tape.start, configuration=trading(tape), log=log)
    return list(log.records())


def verified(records: Sequence[Record]) -> Report:
    """Verify records whose chain was made anew, as a forger would: one commit a turn."""
    log = MemoryLog()
    turn: list[Record] = []
    for record in records:
        if record.cause is None and turn:
            log.write(turn)
            log.commit()
            turn = []
        turn.append(record)
    log.write(turn)
    log.commit()
    return verify_commits(log.commits)


def first(records: Sequence[Record], kind: type) -> int:
    return next(i for i, record in enumerate(records) if isinstance(record.event, kind))


def renumbered(records: Sequence[Record]) -> list[Record]:
    """Gapless again after a removal or an insertion, causes moved along."""
    new = {record.seq: i for i, record in enumerate(records, 1)}
    return [
        msgspec.structs.replace(r, seq=i, cause=None if r.cause is None else new.get(r.cause, r.cause))
        for i, r in enumerate(records, 1)
    ]


def test_an_untouched_log_verifies(recorded: list[Record]) -> None:
    report = verified(recorded)
    assert report.verified, report.differences
    ended = recorded[-1].event
    assert isinstance(ended, SessionEnded)
    assert (report.records, report.state_digest) == (len(recorded), ended.state_digest)
    assert report.decisions > 100
    assert [(s.session, s.same_code, s.ended, s.differences) for s in report.sessions] == [("s", True, True, 0)]


def test_a_changed_decision_is_reported_once_with_its_place(recorded: list[Record]) -> None:
    i = first(recorded, DecisionMade)
    event = recorded[i].event
    assert isinstance(event, DecisionMade)
    changed = list(recorded)
    changed[i] = msgspec.structs.replace(recorded[i], event=msgspec.structs.replace(event, reason="No reason"))
    report = verified(changed)
    assert not report.verified
    assert [(d.kind, d.actor, d.cause) for d in report.differences] == [("decision", recorded[i].by, recorded[i].cause)]
    assert "No reason" in report.differences[0].recorded
    assert event.reason in report.differences[0].derived


def test_a_size_that_only_looks_the_same_is_a_change(recorded: list[Record]) -> None:
    i = first(recorded, OrderApproved)
    event = recorded[i].event
    assert isinstance(event, OrderApproved)
    changed = list(recorded)
    padded = Decimal(f"{event.qty}.0") if event.qty == event.qty.to_integral() else Decimal(f"{event.qty}0")
    changed[i] = msgspec.structs.replace(recorded[i], event=msgspec.structs.replace(event, qty=padded))
    first_difference = verified(changed).differences[0]
    assert (first_difference.kind, first_difference.actor) == ("decision", "risk")


def test_a_removed_decision_is_found(recorded: list[Record]) -> None:
    i = first(recorded, OrderSubmitted)
    until = next(n for n in range(i, len(recorded)) if recorded[n].cause is None)
    report = verified(renumbered(recorded[:i] + recorded[i + 1 : until]))
    assert "orders" in {d.actor for d in report.differences if d.kind == "decision"}


def test_an_added_decision_is_found(recorded: list[Record]) -> None:
    i = first(recorded, OrderApproved)
    added = [*recorded[: i + 1], msgspec.structs.replace(recorded[i], index=1), *recorded[i + 1 : i + 2]]
    report = verified(renumbered(added))
    assert ("decision", "risk") in {(d.kind, d.actor) for d in report.differences}


def test_two_decisions_that_changed_places_are_found(recorded: list[Record]) -> None:
    for i in range(len(recorded) - 1):
        one, other = recorded[i], recorded[i + 1]
        if one.cause is not None and one.cause == other.cause and one.by != other.by:
            break
    swapped = [
        *recorded[:i],
        msgspec.structs.replace(other, seq=one.seq),
        msgspec.structs.replace(one, seq=other.seq),
    ]
    assert "order" in {d.kind for d in verified(swapped).differences}


def test_an_order_that_was_sent_without_its_intent_is_found(recorded: list[Record]) -> None:
    last = recorded[-2]
    report = OrderReported(
        order="00000000-0000-8000-8000-000000000000",
        exchange_order="x",
        product="BTC-PERP",
        side=Side.BUY,
        status=OrderStatus.OPEN,
        kind=OrderKind.LIMIT_GTC,
        qty=Decimal(1),
        filled_qty=Decimal(0),
        filled_value=Decimal(0),
        fees=Decimal(0),
        limit_price=Decimal(5),
        exchange_at=last.at,
    )
    forged = [*recorded[:-1], Record(seq=last.seq + 1, at=last.at, by="gateway", event=report)]
    assert "intent" in {d.kind for d in verified(forged).differences}


def test_a_session_by_other_code_is_said_to_be_so(recorded: list[Record]) -> None:
    started = recorded[0].event
    assert isinstance(started, SessionStarted)
    other = [msgspec.structs.replace(recorded[0], event=msgspec.structs.replace(started, code="00")), *recorded[1:]]
    report = verified(other)
    assert [s.same_code for s in report.sessions] == [False]
    assert report.verified


def test_a_wrong_digest_of_the_states_is_found(recorded: list[Record]) -> None:
    ended = recorded[-1].event
    assert isinstance(ended, SessionEnded)
    wrong = msgspec.structs.replace(ended, states={**ended.states, "risk": "00"})
    report = verified([*recorded[:-1], msgspec.structs.replace(recorded[-1], event=wrong)])
    assert {(d.kind, d.actor) for d in report.differences} == {("state", "risk"), ("state", "session")}


def test_a_flipped_byte_is_damage_before_it_is_a_difference(recorded: list[Record], tmp_path: Path) -> None:
    log = FileLog.open(tmp_path)
    log.write(recorded)
    log.close()
    file = tmp_path / "events.jsonl"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(LogDamaged):
        verify(tmp_path)
