"""The codec: the same record is the same line again, and no text of an event can break the framing."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.codec import canonical_bytes, decode, decode_lines, digest_of, encode, encode_lines
from events.event import Event
from events.lifting import TAGS
from events.market import TradePrinted
from events.record import Record
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from tests.streams.events import EVENT_TYPES, events_of, records


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.__name__)
@settings(max_examples=25)
@given(choice=st.data())
def test_every_event_comes_back_as_it_went_byte_for_byte(kind: type[Event], choice: st.DataObject) -> None:
    event = choice.draw(events_of(kind))
    record = Record(seq=1, at=2, by="market", event=event)
    line = encode(record)
    assert decode(line) == record
    assert encode(decode(line)) == line


@given(record=records())
def test_a_record_is_one_line_that_any_json_reader_understands(record: Record) -> None:
    line = encode(record)
    assert b"\n" not in line
    assert b"\r" not in line
    plain = json.loads(line)
    assert (plain["seq"], plain["at"], plain["by"]) == (record.seq, record.at, record.by)


@given(group=st.lists(records(), max_size=5))
def test_lines_together_are_the_lines_one_by_one(group: list[Record]) -> None:
    lines = encode_lines(group)
    assert lines == b"".join(encode(record) + b"\n" for record in group)
    assert decode_lines(lines) == group
    assert decode_lines(memoryview(lines)) == group


@given(text=st.text(alphabet=st.characters(codec="utf-8", max_codepoint=0x2FFF)))
def test_newlines_quotes_and_control_characters_stay_inside_their_text(text: str) -> None:
    hostile = text + '\n{"commit":{"first":1,"last":1,"durable":0,"digest":"' + "0" * 64 + '"}}\n\x00\x1b[2J\u2028'
    record = Record(seq=1, at=1, by=hostile, event=KillSwitchThrown(reason=hostile))
    assert encode_lines([record]).count(b"\n") == 1
    assert decode(encode(record)) == record


def test_half_a_surrogate_pair_is_no_text_and_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode(Record(seq=1, at=1, by="operator", event=KillSwitchThrown(reason="\ud800")))


def test_decimals_keep_the_digits_they_were_given() -> None:
    for text in ("1.0", "1.00", "0.00000001", "1E+3", "-0"):
        trade = TradePrinted(
            product="BTC-PERP", trade_id="1", price=Decimal(text), size=Decimal(1), aggressor=None, exchange_at=0
        )
        line = encode(Record(seq=1, at=1, by="market", event=trade))
        back = decode(line).event
        assert isinstance(back, TradePrinted)
        assert back.price.as_tuple() == Decimal(text).as_tuple()


def test_a_field_that_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        decode(b'{"seq":1,"at":1,"by":"clock","event":{"type":"ClockTicked","colour":1}}')


def test_every_event_has_its_own_tag() -> None:
    assert len(TAGS) == len(EVENT_TYPES)


def test_canonical_bytes_do_not_depend_on_the_order_of_a_mapping() -> None:
    assert canonical_bytes({"b": 1, "a": Decimal("1.50")}) == b'{"a":"1.50","b":1}'
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    assert digest_of(ClockTicked()) != digest_of(KillSwitchThrown(reason=""))
