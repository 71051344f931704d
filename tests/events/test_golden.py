"""Logs of every release are read for ever: same chain, same facts, no event forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from events.codec import encode
from events.lifting import LIFTS
from events.log import FileLog, Place, read_commits
from events.log.backwards import newest_lines
from tests.golden.write import GOLDEN, Expected
from tests.streams.events import EVENT_TYPES

RELEASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir() and path.name.startswith("release-"))


def expected_of(release: str) -> Expected:
    return msgspec.json.decode((GOLDEN / release / "expected.json").read_bytes(), type=Expected)


def test_the_first_release_is_here() -> None:
    assert RELEASES[0] == "release-1"


@pytest.mark.parametrize("release", RELEASES)
def test_a_golden_log_reads_to_the_digest_it_was_released_with(release: str) -> None:
    expected = expected_of(release)
    anchor = Place(expected.records, expected.head)
    commits = list(read_commits(GOLDEN / release, anchor=anchor))
    assert commits[-1].place == anchor
    assert sum(len(commit.records) for commit in commits) == expected.records
    assert len({commit.file for commit in commits}) == expected.segments


@pytest.mark.parametrize("release", RELEASES)
def test_everything_a_golden_log_says_is_still_understood(release: str) -> None:
    """Every field as it was written; newer fields may stand beside them. Lifted events have tests of their own."""
    written = {}
    for tag in {kind.__name__ for kind in EVENT_TYPES} - set(LIFTS):
        for line in newest_lines(GOLDEN / release, frozenset({tag}), 1_000):
            plain = json.loads(line.text)
            written[plain["seq"]] = plain
    read = [record for commit in read_commits(GOLDEN / release) for record in commit.records]
    for record in read:
        if record.seq in written:
            assert_contains(json.loads(encode(record)), written[record.seq])
    assert len(written) == len(read) or LIFTS


def assert_contains(found: Any, written: Any) -> None:
    if isinstance(written, dict):
        for key, value in written.items():
            assert_contains(found[key], value)
    else:
        assert found == written


def test_every_event_of_the_vocabulary_is_in_the_newest_golden_log() -> None:
    """When this fails and the release is not out yet: python -m tests.golden.write release-N."""
    found = {type(record.event) for commit in read_commits(GOLDEN / RELEASES[-1]) for record in commit.records}
    assert not [kind.__name__ for kind in EVENT_TYPES if kind not in found]


@pytest.mark.parametrize("release", RELEASES)
def test_a_golden_log_can_be_written_on(tmp_path: Path, release: str) -> None:
    for path in (GOLDEN / release).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with FileLog.open(tmp_path) as log:
        assert log.head.seq == expected_of(release).records
        assert log.recovered is None
