"""Laws of state: prefix plus rest equals whole, snapshot plus tail equals whole, a reader knows what the actor knows.

A snapshot keeps the order in which mappings were filled, so that a restored state is the one that lived also for
whoever goes through them. Projections by themselves are restored here from canonical bytes, whose mappings are sorted.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.behaviour import Seat
from events.codec import canonical_bytes, decode, encode
from events.money import use_exact_arithmetic
from events.record import Record
from tests.laws.cases import BEHAVIOURS, PROJECTIONS, Case
from tests.streams.desk import Desk, Turn
from tests.streams.ledger import ledgers

EACH_CASE = pytest.mark.parametrize("case", BEHAVIOURS, ids=[case.name for case in BEHAVIOURS])
EACH_PROJECTION = pytest.mark.parametrize("kind", PROJECTIONS, ids=[kind.__name__ for kind in PROJECTIONS])


def whole(case: Case, turns: list[Turn]) -> Desk:
    desk = Desk(*(make() for make in case.make))
    desk.take_all(turns)
    return desk


def follow(seat: Seat, records: list[Record]) -> None:
    for record in records:
        if type(record.event) in seat.hears:
            seat.follow(record)


@EACH_CASE
@given(drawn=st.data())
def test_a_reader_that_only_folds_knows_what_the_behaviour_knows(case: Case, drawn: st.DataObject) -> None:
    use_exact_arithmetic()
    desk = whole(case, drawn.draw(case.turns))
    for make in case.make:
        reader = Seat(make())
        follow(reader, desk.log)
        assert reader.snapshot() == desk.seats[reader.name].snapshot(), reader.name


@EACH_CASE
@given(drawn=st.data())
def test_a_reader_of_the_written_lines_knows_the_same(case: Case, drawn: st.DataObject) -> None:
    use_exact_arithmetic()
    desk = whole(case, drawn.draw(case.turns))
    lines = [decode(encode(record)) for record in desk.log]
    for make in case.make:
        reader = Seat(make())
        follow(reader, lines)
        assert reader.snapshot() == desk.seats[reader.name].snapshot(), reader.name


@EACH_CASE
@given(drawn=st.data())
def test_a_snapshot_at_any_turn_and_the_tail_lead_to_the_same_decisions_and_state(
    case: Case, drawn: st.DataObject
) -> None:
    use_exact_arithmetic()
    turns = drawn.draw(case.turns)
    cut = drawn.draw(st.integers(0, len(turns)))
    through = whole(case, turns)
    before = whole(case, turns[:cut])
    after = Desk(*(make() for make in case.make))
    for name, seat in after.seats.items():
        seat.restore(before.seats[name].snapshot())
        assert seat.snapshot() == before.seats[name].snapshot(), name
    after.turns.last_seq, after.turns.last_at = before.turns.last_seq, before.turns.last_at
    after.take_all(turns[cut:])
    assert before.log + after.log == through.log
    assert after.states() == through.states()


@EACH_CASE
@given(drawn=st.data())
def test_a_rebuilt_behaviour_says_what_it_would_have_said(case: Case, drawn: st.DataObject) -> None:
    use_exact_arithmetic()
    turns = drawn.draw(case.turns)
    cut = drawn.draw(st.integers(0, len(turns)))
    through, before = whole(case, turns), whole(case, turns[:cut])
    after = Desk(*(make() for make in case.make))
    for seat in after.seats.values():
        follow(seat, before.log)
    after.turns.last_seq, after.turns.last_at = before.turns.last_seq, before.turns.last_at
    after.take_all(turns[cut:])
    assert before.log + after.log == through.log


@EACH_CASE
@given(drawn=st.data())
def test_the_same_stream_twice_is_the_same_log(case: Case, drawn: st.DataObject) -> None:
    use_exact_arithmetic()
    turns = drawn.draw(case.turns)
    assert whole(case, turns).log == whole(case, turns).log


@EACH_PROJECTION
@given(turns=ledgers(), share=st.floats(0, 1))
def test_a_projection_may_be_laid_down_and_taken_up_at_any_record(
    kind: type[Any], turns: list[Turn], share: float
) -> None:
    use_exact_arithmetic()
    log = whole(BEHAVIOURS[0], turns).log
    cut = int(len(log) * share)
    through, prefix = kind(), kind()
    for record in log:
        through.fold(record)
    for record in log[:cut]:
        prefix.fold(record)
    taken_up = msgspec.json.decode(canonical_bytes(prefix), type=kind)
    assert taken_up == prefix
    for record in log[cut:]:
        taken_up.fold(record)
    assert canonical_bytes(taken_up) == canonical_bytes(through)


@EACH_PROJECTION
@given(turns=ledgers())
def test_a_projection_hears_all_that_changes_it(kind: type[Any], turns: list[Turn]) -> None:
    use_exact_arithmetic()
    everything, heard = kind(), kind()
    for record in whole(BEHAVIOURS[0], turns).log:
        everything.fold(record)
        if type(record.event) in kind.hears:
            heard.fold(record)
    assert everything == heard
