"""Damage is always found, placed to its commit, and never repaired silently.

What the chain finds and what only an anchor finds is counted here case by case, as the documents promise it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from events.log import (
    Damage,
    FileLog,
    LogDamaged,
    LogError,
    LogTooNew,
    NotALog,
    read_commits,
    read_records,
)
from events.log.framing import COMMIT_END, NOTHING, chained, commit_head, header_line, parse_commit
from tests.events.turns import fill, log_of, seqs, turn


def active(folder: Path) -> Path:
    return folder / "events.jsonl"


def blocks(content: bytes) -> tuple[bytes, list[bytes]]:
    """A file's header and its commits, each with its commit line."""
    header, *lines = content.splitlines(keepends=True)
    found, block = [], b""
    for line in lines:
        block += line
        if parse_commit(line) is not None:
            found.append(block)
            block = b""
    assert not block
    return header, found


def refused(folder: Path) -> LogDamaged:
    """Both the reader and the writer refuse the log, for the same reason, and leave its bytes alone."""
    before = active(folder).read_bytes()
    with pytest.raises(LogDamaged) as reading:
        list(read_records(folder))
    with pytest.raises(LogDamaged) as opening:
        FileLog.open(folder)
    assert active(folder).read_bytes() == before
    assert (reading.value.kind, reading.value.offset) == (opening.value.kind, opening.value.offset)
    assert reading.value.remedy
    return reading.value


@pytest.mark.parametrize("which", ["in the middle", "the last"])
def test_every_flipped_bit_of_a_commit_is_found_and_placed(tmp_path: Path, which: str) -> None:
    log_of(tmp_path, 4)
    header, commits = blocks(active(tmp_path).read_bytes())
    index = 1 if which == "in the middle" else 3
    start = len(header) + sum(map(len, commits[:index]))
    content = bytearray(active(tmp_path).read_bytes())
    path = tmp_path / "flipped.jsonl"
    found = 0
    for position in range(start, start + len(commits[index])):
        for bit in range(8):
            content[position] ^= 1 << bit
            path.write_bytes(content)
            with pytest.raises(LogDamaged) as raised:
                list(read_records(path))
            assert raised.value.offset == start
            assert raised.value.first_seq == 2 * index + 1
            assert raised.value.kind is Damage.DAMAGE
            content[position] ^= 1 << bit
            found += 1
    assert found == 8 * len(commits[index]) > 2_000


def test_the_writer_too_refuses_every_flipped_bit_of_the_last_commit(tmp_path: Path) -> None:
    """A flip in the commit line must not pass as an unfinished write and be cut: it was acknowledged."""
    log_of(tmp_path, 2)
    header, commits = blocks(active(tmp_path).read_bytes())
    start = len(header) + len(commits[0])
    content = bytearray(active(tmp_path).read_bytes())
    path = tmp_path / "flipped.jsonl"
    for position in range(start, len(content)):
        for bit in (0, 3, 5):
            content[position] ^= 1 << bit
            path.write_bytes(content)
            with pytest.raises(LogDamaged):
                FileLog.open(path)
            assert path.read_bytes() == content
            content[position] ^= 1 << bit


def test_every_flipped_bit_of_the_header_is_found(tmp_path: Path) -> None:
    log_of(tmp_path, 1)
    content = bytearray(active(tmp_path).read_bytes())
    path = tmp_path / "flipped.jsonl"
    for position in range(content.index(b"\n") + 1):
        for bit in range(8):
            content[position] ^= 1 << bit
            path.write_bytes(content)
            with pytest.raises(LogError):
                list(read_records(path))
            content[position] ^= 1 << bit


def cut_out(commits: list[bytes]) -> list[bytes]:
    return commits[:2] + commits[3:]


def swapped(commits: list[bytes]) -> list[bytes]:
    return [commits[0], commits[2], commits[1], *commits[3:]]


def doubled(commits: list[bytes]) -> list[bytes]:
    return commits[:2] + commits[1:]


def inserted(commits: list[bytes]) -> list[bytes]:
    forged = commits[2].replace(b"drill", b"forged")
    return [*commits[:2], forged, *commits[2:]]


def first_missing(commits: list[bytes]) -> list[bytes]:
    return commits[1:]


def zeroed(commits: list[bytes]) -> list[bytes]:
    return [*commits[:2], bytes(len(commits[2])), *commits[3:]]


@pytest.mark.parametrize(
    ("change", "first_seq"),
    [(cut_out, 5), (swapped, 3), (doubled, 5), (inserted, 5), (first_missing, 1), (zeroed, 5)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_commit_removed_swapped_doubled_inserted_or_zeroed_is_found(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], first_seq: int
) -> None:
    log_of(tmp_path, 5)
    header, commits = blocks(active(tmp_path).read_bytes())
    active(tmp_path).write_bytes(header + b"".join(change(commits)))
    damaged = refused(tmp_path)
    assert damaged.first_seq == first_seq
    assert damaged.kind is Damage.DAMAGE
    assert f"--at {first_seq - 1}" in str(damaged)


def test_a_bad_commit_that_a_later_one_calls_durable_is_damage(tmp_path: Path) -> None:
    with FileLog.open(tmp_path, durability="os") as log:
        fill(log, 2)
        log.sync()
        fill(log, 2)
    content = active(tmp_path).read_bytes()
    active(tmp_path).write_bytes(content.replace(b'"seq":3', b'"seq":9'))
    assert refused(tmp_path).kind is Damage.DAMAGE


def test_a_bad_commit_never_known_durable_with_others_behind_it_is_a_lost_write(tmp_path: Path) -> None:
    with FileLog.open(tmp_path, durability="os") as log:
        fill(log, 2)
        log.sync()
        fill(log, 3)
    header, commits = blocks(active(tmp_path).read_bytes())
    for lost in (bytes(len(commits[3])), commits[3][:40] + bytes(len(commits[3]) - 40), b""):
        active(tmp_path).write_bytes(header + b"".join(commits[:3]) + lost + commits[4])
        damaged = refused(tmp_path)
        assert damaged.kind is Damage.LOST_WRITE
        assert (damaged.first_seq, damaged.last_seq) == (7, 8)


def test_a_bad_last_commit_that_is_whole_is_damage_whether_it_was_known_durable_or_not(tmp_path: Path) -> None:
    with FileLog.open(tmp_path, durability="os") as log:
        fill(log, 3)
    content = active(tmp_path).read_bytes()
    active(tmp_path).write_bytes(content.replace(b'"seq":5', b'"seq":9'))
    damaged = refused(tmp_path)
    assert damaged.kind is Damage.DAMAGE
    assert (damaged.first_seq, damaged.last_seq) == (5, 6)


def forged(*lines: list[bytes]) -> bytes:
    """A whole log with these lines in its commits, its chain computed by the rules."""
    header = header_line(segment=1, first=1, previous=NOTHING)
    content, previous, lead, seq = header, NOTHING, header, 1
    for commit in lines:
        body = b"".join(line + b"\n" for line in commit)
        head = commit_head(first=seq, last=seq + len(commit) - 1, durable=seq - 1)
        previous = chained(previous.encode(), lead, body + head)
        content += body + head + previous.encode() + COMMIT_END
        seq, lead = seq + len(commit), b""
    return content


def tick(seq: int, at: int) -> bytes:
    return b'{"seq":%d,"at":%d,"by":"clock","event":{"type":"ClockTicked"}}' % (seq, at)


def test_a_forger_who_computes_the_chain_anew_is_not_found_by_the_chain(tmp_path: Path) -> None:
    """What the chain cannot do: whoever may write the file may write another history. An anchor finds it."""
    path = active(tmp_path)
    path.write_bytes(forged([tick(1, 10), tick(2, 20)], [tick(3, 30)]))
    honest = [commit.place for commit in read_commits(path)]
    path.write_bytes(forged([tick(1, 10), tick(2, 11)], [tick(3, 30)]))
    assert seqs(path) == [1, 2, 3]
    FileLog.open(path).close()
    for anchor in honest:
        with pytest.raises(LogDamaged) as raised:
            list(read_records(path, anchor=anchor))
        assert raised.value.kind is Damage.ANCHOR
        with pytest.raises(LogDamaged):
            FileLog.open(path, anchor=anchor)


def test_a_log_cut_at_a_commit_is_not_found_without_an_anchor_and_is_with_one(tmp_path: Path) -> None:
    places = log_of(tmp_path, 4)
    header, commits = blocks(active(tmp_path).read_bytes())
    active(tmp_path).write_bytes(header + b"".join(commits[:3]))
    assert seqs(tmp_path) == [1, 2, 3, 4, 5, 6]
    with FileLog.open(tmp_path) as log:
        assert log.recovered is None
        assert log.head == places[2]
    with pytest.raises(LogDamaged, match="ends at record 6") as raised:
        list(read_records(tmp_path, anchor=places[3]))
    assert raised.value.kind is Damage.ANCHOR
    with pytest.raises(LogDamaged, match="head is record 6"):
        FileLog.open(tmp_path, anchor=places[3])
    FileLog.open(tmp_path, anchor=places[2]).close()
    assert len(list(read_records(tmp_path, anchor=places[2]))) == 6
    assert [commit.place for commit in read_commits(tmp_path, after=places[1], anchor=places[0])] == [places[2]]


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([[tick(1, 10), tick(3, 20)]], "record 3 stands where record 2 belongs"),
        ([[tick(1, 10), tick(1, 10)]], "record 1 stands where record 2 belongs"),
        ([[tick(1, 10), tick(2, 9)]], "before 10 of the record before it"),
        ([[tick(1, 10)], [tick(2, 9)]], "before 10 of the record before it"),
        ([[tick(1, 10), b""]], "holds no record 2"),
        ([[b""]], "holds no record 1"),
    ],
    ids=["gap", "twice", "back in time", "back in time across commits", "a record too few", "no record"],
)
def test_records_out_of_place_are_found_even_when_the_chain_is_right(
    tmp_path: Path, lines: list[list[bytes]], what: str
) -> None:
    active(tmp_path).write_bytes(forged(*lines))
    with pytest.raises(LogDamaged, match=what) as raised:
        list(read_records(tmp_path))
    assert raised.value.kind is Damage.OUT_OF_PLACE


def test_a_commit_that_claims_to_end_before_it_begins_is_refused(tmp_path: Path) -> None:
    content = forged([tick(1, 1)], [tick(2, 2)])
    active(tmp_path).write_bytes(content.replace(b'"first":2,"last":2', b'"first":2,"last":1'))
    assert refused(tmp_path).first_seq == 2


def test_a_log_of_a_later_format_is_refused_by_its_version(tmp_path: Path) -> None:
    active(tmp_path).write_bytes(b'{"log":{"format":2,"segment":1,"colour":"red"}}\n')
    for read in (lambda: list(read_records(tmp_path)), lambda: FileLog.open(tmp_path)):
        with pytest.raises(LogTooNew, match="format 2, and this version reads 1"):
            read()


@pytest.mark.parametrize("content", [b"", b"time,price\n1,2\n", b"\x00" * 100, b"{}", b'{"log":3}\n', b"\xff\n"])
def test_a_file_that_is_no_log_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    active(tmp_path).write_bytes(content)
    for read in (lambda: list(read_records(tmp_path)), lambda: FileLog.open(tmp_path)):
        with pytest.raises((NotALog, LogDamaged)):
            read()
    assert active(tmp_path).read_bytes() == content


def test_a_commit_without_an_end_is_not_read_into_memory_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.log.scan.MAX_COMMIT_BYTES", 100_000)
    log_of(tmp_path, 1)
    with active(tmp_path).open("ab") as file:
        file.write(b'{"seq":3}\n' * 100_000)
    with pytest.raises(LogDamaged, match="no commit ends within"):
        list(read_records(tmp_path))


def test_a_commit_larger_than_one_may_be_is_refused_by_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.log.filelog.MAX_COMMIT_BYTES", 1_000)
    with FileLog.open(tmp_path) as log:
        log.write(turn(1))
        with pytest.raises(LogError, match="larger than the 1000"):
            log.write(turn(3, text="x" * 1_000))
        assert log.next_seq == 3


def test_an_error_names_the_file_the_place_and_what_to_do(tmp_path: Path) -> None:
    log_of(tmp_path, 3)
    content = active(tmp_path).read_bytes()
    active(tmp_path).write_bytes(content.replace(b'"seq":3', b'"seq":9'))
    text = str(refused(tmp_path))
    assert str(active(tmp_path)) in text
    assert "at byte" in text
    assert "records 3..4" in text
    assert "perptape log cut --at 2" in text


def test_whether_a_damaged_log_has_a_place_cannot_be_said(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        places = fill(log, 3)
        whole = active(tmp_path).read_bytes()
        for spoilt in (whole.replace(b'"seq":3', b'"seq":9'), whole.replace(b'"segment":1', b'"segment":01')):
            active(tmp_path).write_bytes(spoilt)
            with pytest.raises(LogDamaged):
                log.has(places[2])
        active(tmp_path).write_bytes(whole)
        assert log.has(places[2])
