"""Captured frames at the command line: decoded to facts, counted, and named where they are not whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actors.connection.capture.format import capture_files
from scripts.cli.captured import print_facts, print_files
from scripts.cli.exits import CommandFailed, Exit
from tests.actors.connection.capture.test_capture import FRAMES, WANTED, capture
from tests.actors.connection.test_frames import levels


@pytest.fixture
def captured(tmp_path: Path) -> Path:
    """A folder with one connection: an acknowledgement and a book."""
    kept = capture(tmp_path)
    kept.connected(1, WANTED)
    have = {"level2": ["BIP-20DEC30-CDE"], "heartbeats": ["heartbeats"]}
    ack = {"channel": "subscriptions", "timestamp": "2026-04-07T14:30:00Z", "sequence_num": 0}
    kept.received(json.dumps({**ack, "events": [{"subscriptions": have}]}).encode(), 1)
    kept.received(levels("snapshot", ("bid", "68900.00", "3")).replace(b": 7", b": 1"), 1)
    kept.close()
    return tmp_path


def test_decoding_prints_a_fact_a_line(captured: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_facts(captured)
    out, err = capfdbinary.readouterr()
    facts = [json.loads(line) for line in out.splitlines()]
    assert [fact["event"]["type"] for fact in facts] == ["FeedConnected", "FeedSubscribed", "BookSnapshotted"]
    assert facts[2]["event"]["bids"] == [["68900.00", "3"]]
    assert {fact["by"] for fact in facts} == {"market"}
    assert err == b""


def test_a_torn_file_is_decoded_as_far_as_it_goes_and_named(
    captured: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (path,) = capture_files(captured)
    path.write_bytes(path.read_bytes()[:-12])
    print_facts(path)
    _, err = capfdbinary.readouterr()
    assert path.name.encode() in err
    print_files(captured, as_json=True)
    (row,) = json.loads(capfdbinary.readouterr().out)["files"]
    assert path.name in row["whole"]


def test_files_are_counted(captured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_files(captured, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)["files"]
    assert (row["frames"], row["connections"], row["whole"]) == (2, 1, "yes")
    print_files(captured, as_json=False)
    assert "frames.zst" in capsys.readouterr().out


def test_a_place_without_captures_and_a_damaged_file_have_their_exit_codes(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none.frames.zst"):
        with pytest.raises(CommandFailed) as missing:
            print_facts(place)
        assert missing.value.code is Exit.NOT_FOUND
    (tmp_path / "market.1.000001.frames.zst").write_bytes(FRAMES[-1])
    with pytest.raises(CommandFailed) as damaged:
        print_facts(tmp_path)
    assert damaged.value.code is Exit.INTEGRITY
