"""After a crash the log ends with a whole commit: what was never acknowledged is cut and reported, nothing else."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from events.log import FileLog, Recovery, read_records
from events.log.torn import unfinished_records
from tests.events.turns import SECOND, fill, log_of, seqs, turn


def test_the_last_commit_cut_at_every_byte_is_recovered_and_reported(tmp_path: Path) -> None:
    log_of(tmp_path / "whole", 3, 3)
    content = (tmp_path / "whole/events.jsonl").read_bytes()
    start = content.rindex(b'{"seq":7')
    folder = tmp_path / "cut"
    folder.mkdir()
    path = folder / "events.jsonl"
    for size in range(start, len(content)):
        path.write_bytes(content[:size])
        with FileLog.open(folder) as log:
            assert log.head.seq == 6
            assert log.last_at == 4 * SECOND
            expected = None
            if size > start:
                expected = Recovery(
                    file=str(path),
                    offset=start,
                    removed_bytes=size - start,
                    records=min(content[start:size].count(b"\n"), 3),
                    after_seq=6,
                )
            assert log.recovered == expected
        assert path.read_bytes() == content[:start]
    path.write_bytes(content)
    with FileLog.open(folder) as log:
        assert (log.head.seq, log.recovered) == (9, None)


def test_a_reader_passes_over_an_unfinished_commit_and_cuts_nothing(tmp_path: Path) -> None:
    log_of(tmp_path, 3)
    path = tmp_path / "events.jsonl"
    torn = path.read_bytes()[:-30]
    path.write_bytes(torn)
    assert seqs(tmp_path) == [1, 2, 3, 4]
    assert path.read_bytes() == torn


def test_writing_goes_on_where_the_log_was_cut(tmp_path: Path) -> None:
    log_of(tmp_path, 3)
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    with FileLog.open(tmp_path) as log:
        assert log.next_seq == 5
        fill(log, 2)
    assert seqs(tmp_path) == list(range(1, 9))


def test_a_log_is_the_same_whether_its_writer_was_restarted_or_not(tmp_path: Path) -> None:
    with FileLog.open(tmp_path / "one", durability="every") as log:
        fill(log, 4)
    for _ in range(4):
        with FileLog.open(tmp_path / "many", durability="every") as log:
            fill(log, 1)
    assert (tmp_path / "one/events.jsonl").read_bytes() == (tmp_path / "many/events.jsonl").read_bytes()


def test_time_does_not_go_back_over_a_restart_even_when_the_active_file_is_empty(tmp_path: Path) -> None:
    with FileLog.open(tmp_path) as log:
        fill(log, 2)
        log.close(seal=True)
    with FileLog.open(tmp_path) as log:
        assert (log.last_at, log.head.seq, log.segment) == (3 * SECOND, 4, 2)


def test_a_folder_that_does_not_exist_is_made(tmp_path: Path) -> None:
    with FileLog.open(tmp_path / "results" / "managed") as log:
        fill(log, 1)
    assert list(read_records(tmp_path / "results/managed/events.jsonl"))
    with FileLog.open(tmp_path / "other" / "tape.jsonl") as log:
        assert log.path == tmp_path / "other" / "tape.jsonl"


@pytest.mark.parametrize(
    ("tail", "records"),
    [
        (b"", 0),
        (b'{"seq":7,"at":1', 0),
        (b'{"seq":7}\n', 1),
        (b'{"seq":7}\n{"seq":8}\n{"se', 2),
        (b'{"seq":7}\n{"commit":{"first":7', 1),
        (b'{"seq":7,"event":{"type":"Unheard","why":{"a":"b"}}}', 0),
        (bytes(700), 0),
        (b'{"seq":8}\n', None),
        (b'{"seq":7}\n{"seq":9}\n', None),
        (b'{"seq":7}\nnonsense\n', None),
        (b"\xff\xfe\n", None),
        (b'{"commit":{"first":7,"last":7,"durable":0,"digest":"aa"}}\n', None),
        (b'{"commit":{"first":7,"last":7,"durable":0,"digest":"aa"}}X', None),
    ],
)
def test_only_what_an_interrupted_write_leaves_counts_as_unfinished(tail: bytes, records: int | None) -> None:
    assert unfinished_records(tail, 7) == records


def test_a_commit_that_was_never_closed_is_not_in_the_file(tmp_path: Path) -> None:
    log = FileLog.open(tmp_path)
    fill(log, 1)
    log.write(turn(3))
    assert b'"seq":3' not in (tmp_path / "events.jsonl").read_bytes()
    log.close()


def test_a_log_is_opened_and_read_without_holding_it_whole(tmp_path: Path) -> None:
    with FileLog.open(tmp_path, durability="os") as log:
        while log.next_seq < 40_000:
            log.write(turn(log.next_seq, 100))
            log.commit()
    size = (tmp_path / "events.jsonl").stat().st_size
    tracemalloc.start()
    try:
        with FileLog.open(tmp_path) as log:
            assert sum(1 for _ in log.records()) == log.head.seq
            assert sum(len(commit.records) for commit in log.commits()) == log.head.seq
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size / 3
    assert size > 3_000_000
