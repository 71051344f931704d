"""Old shapes of events are lifted on read; what cannot be lifted is named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from events import lifting
from events.lifting import Fields, Lift, UnknownTag, decode_lifting, lifted, tags_that_become
from events.log import FileLog, LogDamaged, UnknownEvent, read_records
from events.log.framing import COMMIT_END, NOTHING, chained, commit_head, header_line
from events.risk import KillSwitchThrown
from events.session import ClockTicked


@pytest.fixture
def old_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the kill switch had had two older shapes: `why` for `reason`, and before that a bare `Kill`."""

    def from_kill(fields: Fields) -> Fields:
        return {"why": fields["text"]}

    def from_why(fields: Fields) -> Fields:
        return {"reason": fields["why"], "flatten": True}

    monkeypatch.setitem(lifting.LIFTS, "Kill", Lift("KillSwitchThrown@0", from_kill))
    monkeypatch.setitem(lifting.LIFTS, "KillSwitchThrown@0", Lift("KillSwitchThrown", from_why))


def write_log(folder: Path, *lines: bytes) -> Path:
    """A log of one commit with these lines, as another version may have written it."""
    header = header_line(segment=1, first=1, previous=NOTHING)
    body = b"".join(line + b"\n" for line in lines)
    head = commit_head(first=1, last=len(lines), durable=0)
    digest = chained(NOTHING.encode(), header, body + head)
    folder.mkdir(exist_ok=True)
    path = folder / "events.jsonl"
    path.write_bytes(header + body + head + digest.encode() + COMMIT_END)
    return path


@pytest.mark.usefixtures("old_kill")
def test_an_old_shape_is_lifted_through_all_versions_between(tmp_path: Path) -> None:
    path = write_log(
        tmp_path,
        b'{"seq":1,"at":1,"by":"operator","event":{"type":"Kill","text":"drill"}}',
        b'{"seq":2,"at":1,"by":"operator","event":{"type":"KillSwitchThrown@0","why":"drill"}}',
        b'{"seq":3,"at":1,"by":"clock","event":{"type":"ClockTicked"}}',
    )
    thrown = KillSwitchThrown(reason="drill", flatten=True)
    assert [record.event for record in read_records(path)] == [thrown, thrown, ClockTicked()]


@pytest.mark.usefixtures("old_kill")
def test_reading_an_old_log_changes_no_byte_of_it(tmp_path: Path) -> None:
    path = write_log(tmp_path, b'{"seq":1,"at":1,"by":"operator","event":{"type":"Kill","text":"drill"}}')
    before = path.read_bytes()
    with FileLog.open(path) as log:
        assert log.head.seq == 1
    assert path.read_bytes() == before


@pytest.mark.usefixtures("old_kill")
def test_whoever_looks_for_a_kind_of_event_finds_its_old_names_too() -> None:
    assert tags_that_become(frozenset({"KillSwitchThrown"})) == {"KillSwitchThrown", "KillSwitchThrown@0", "Kill"}
    assert tags_that_become(frozenset({"ClockTicked"})) == {"ClockTicked"}


def test_release_one_has_nothing_to_lift() -> None:
    assert not lifting.LIFTS
    assert lifted({"type": "ClockTicked"}) == {"type": "ClockTicked"}


def test_an_unknown_event_is_named_with_file_offset_and_seq(tmp_path: Path) -> None:
    first = b'{"seq":1,"at":1,"by":"clock","event":{"type":"ClockTicked"}}'
    path = write_log(tmp_path, first, b'{"seq":2,"at":1,"by":"moon","event":{"type":"MoonLanded"}}')
    with pytest.raises(UnknownEvent, match="unknown event 'MoonLanded'") as raised:
        list(read_records(path))
    header = len(path.read_bytes().split(b"\n")[0]) + 1
    assert (raised.value.tag, raised.value.first_seq) == ("MoonLanded", 2)
    assert raised.value.offset == header + len(first) + 1
    assert raised.value.file == str(path)


@pytest.mark.parametrize(
    "line",
    [
        b'{"seq":1,"at":1,"by":"clock","event":{"type":"ClockTicked","colour":"red"}}',
        b'{"seq":1,"at":1,"by":"clock","event":"ClockTicked"}',
        b'{"seq":1,"at":1,"by":"clock"}',
        b'{"seq":1,"at":1,"by":"\xff","event":{"type":"ClockTicked"}}',
        b"not json",
    ],
)
def test_a_line_that_no_version_wrote_is_refused_with_its_place(tmp_path: Path, line: bytes) -> None:
    path = write_log(tmp_path, line)
    with pytest.raises(LogDamaged, match="record 1 cannot be read") as raised:
        list(read_records(path))
    assert raised.value.first_seq == 1
    assert raised.value.offset is not None


def test_an_event_without_a_tag_is_unknown() -> None:
    with pytest.raises(UnknownTag):
        lifted({})
    with pytest.raises(msgspec.ValidationError):
        decode_lifting(b'{"seq":1,"event":3}')


def test_lifts_that_lead_in_a_circle_are_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lifting.LIFTS, "A", Lift("B", lambda fields: fields))
    monkeypatch.setitem(lifting.LIFTS, "B", Lift("A", lambda fields: fields))
    with pytest.raises(AssertionError, match="circle"):
        lifted({"type": "A"})
