"""`perptape log` shows the log as it is, and damage with its place."""

from __future__ import annotations

import csv
import io
import json
import threading
from pathlib import Path

import pytest

from events.codec import decode
from events.log import read_records
from scripts.cli.extracts import RecordPrinter, Wanted, print_following
from tests.scripts.conftest import Perptape
from tests.scripts.made_up import Author, begin, tick, write_session


def test_a_tail_is_the_last_records_each_on_its_line(perptape: Perptape, session_log: Path) -> None:
    lines = perptape("log", "tail", session_log, "-n", 3).out.splitlines()
    assert lines[0] == "2024-08-08"
    assert [line.split()[0] for line in lines[1:]] == ["38", "39", "40"]
    assert lines[1].split()[1:5] == ["01:00:05.750", "marks", "←", "37"]


def test_a_tail_as_json_is_the_logs_own_lines(perptape: Perptape, session_log: Path) -> None:
    out = perptape("log", "tail", session_log, "--json", "-n", 5).out
    assert [decode(line.encode()) for line in out.splitlines()] == list(read_records(session_log, after=35))


def test_a_tail_may_be_of_some_types_and_one_actor(perptape: Perptape, session_log: Path) -> None:
    out = perptape("log", "tail", session_log, "--json", "-t", "clockticked", "-t", "OrderFilled").out
    assert {json.loads(line)["event"]["type"] for line in out.splitlines()} == {"ClockTicked", "OrderFilled"}
    out = perptape("log", "tail", session_log, "--json", "--by", "risk").out
    assert {json.loads(line)["by"] for line in out.splitlines()} == {"risk"}


def test_a_type_that_is_not_in_the_vocabulary_is_answered_with_the_nearest(
    perptape: Perptape, session_log: Path
) -> None:
    ran = perptape("log", "tail", session_log, "-t", "OrderFiled")
    assert ran.code == 2
    assert "did you mean OrderFilled?" in ran.err


def test_following_goes_on_with_what_is_committed_and_ends_with_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    author = Author(tmp_path)
    begin(author)
    printer = RecordPrinter(as_json=True)
    seen: list[int] = []

    class Interrupted(RecordPrinter):
        def flush(self) -> None:
            raise KeyboardInterrupt

    after = author.log.head
    seen.append(tick(author))
    author.commit()
    print_following(tmp_path, after, Wanted.of(None, None), Interrupted(as_json=True))
    author.close()
    printer.flush()
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [seen[0] - 1, seen[0]]
    assert threading.active_count() == 1


def test_a_record_is_shown_with_its_causes_its_effects_and_its_commit(perptape: Perptape, session_log: Path) -> None:
    answer = perptape("log", "show", 22, session_log, "--json").json
    assert answer["record"]["event"]["type"] == "OrderFilled"
    assert [each["event"]["type"] for each in answer["causes"]] == ["OrderReported"]
    assert [each["event"]["type"] for each in answer["effects"]] == ["PositionChanged"]
    assert (answer["commit"]["first"], answer["commit"]["last"]) == (21, 24)
    assert "commit 21..24" in perptape("log", "show", 22, session_log).out


def test_a_record_that_is_not_there_is_not_found(perptape: Perptape, session_log: Path) -> None:
    ran = perptape("log", "show", 99, session_log)
    assert ran.code == 4
    assert "there is no record 99" in ran.err


def test_stats_count_records_by_kind_and_by_whom(perptape: Perptape, session_log: Path) -> None:
    answer = perptape("log", "stats", session_log, "--json").json
    assert (answer["records"], answer["facts"], answer["decisions"]) == (40, 26, 14)
    assert answer["types"]["ClockTicked"] == answer["by"]["clock"] == 5
    assert answer["files"] == [{"file": "events.jsonl", "bytes": (session_log / "events.jsonl").stat().st_size}]
    assert answer["head_seq"] == 40
    assert "40 records (26 facts, 14 decisions)" in perptape("log", "stats", session_log).out


def test_a_whole_chain_is_said_to_be_whole_with_what_that_does_not_prove(perptape: Perptape, session_log: Path) -> None:
    assert perptape("log", "verify", session_log, "--json").json["whole"] is True
    assert "kept elsewhere" in perptape("log", "verify", session_log).out


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A log with one byte changed in the middle."""
    folder = tmp_path / "log"
    write_session(folder)
    path = folder / "events.jsonl"
    text = bytearray(path.read_bytes())
    text[text.index(b'"58200"') + 3] ^= 1
    path.write_bytes(bytes(text))
    return path


@pytest.mark.parametrize("command", [("log", "verify"), ("status",), ("log", "tail"), ("log", "export")])
def test_damage_ends_with_exit_code_5_and_names_file_place_and_remedy(
    perptape: Perptape, damaged: Path, command: tuple[str, ...]
) -> None:
    ran = perptape(*command, damaged)
    assert ran.code == 5
    assert str(damaged) in ran.err
    assert "at byte" in ran.err
    assert "perptape log cut --at" in ran.err
    assert ran.err.count("\n") == 1


def test_a_cut_goes_on_behind_the_last_good_record_and_keeps_the_bytes(perptape: Perptape, damaged: Path) -> None:
    place = perptape("log", "verify", damaged).err.split()[-1]
    ran = perptape("log", "cut", damaged, "--at", place, "--reason", "a bad disk", "--yes")
    assert ran.code == 0, ran.err
    assert "set aside in" in ran.out
    assert perptape("log", "verify", damaged, "--json").json["whole"] is True
    assert "LogWasCut" in perptape("log", "tail", damaged, "-n", 1).out


def test_a_log_that_is_being_written_is_not_cut(perptape: Perptape, tmp_path: Path) -> None:
    author = Author(tmp_path / "log")
    begin(author)
    ran = perptape("log", "cut", tmp_path, "--at", 3, "--reason", "why not", "--yes")
    author.close()
    assert ran.code == 1
    assert "a system is writing this log; stop it first" in ran.err


# Exports.


def test_an_export_as_lines_is_the_records_as_they_are(perptape: Perptape, session_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert perptape("log", "export", session_log, "-o", out, "--after", 3, "--seq", 7).code == 0
    assert [decode(line) for line in out.read_bytes().splitlines()] == list(read_records(session_log))[3:7]


def test_an_export_of_one_type_as_a_table_has_a_column_for_each_field(perptape: Perptape, session_log: Path) -> None:
    out = perptape("log", "export", session_log, "--format", "csv", "-t", "OrderFilled").out
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["seq"], row["type"], row["product"], row["side"]) == ("22", "OrderFilled", "BTC-PERP", "buy")
    assert (row["qty"], row["value"], row["fee"]) == ("8", "4656.00", "3.724800")
    assert row["time"] == "2024-08-08T00:00:03.500000000Z"


def test_an_export_of_several_types_as_a_table_keeps_each_event_whole(perptape: Perptape, session_log: Path) -> None:
    out = perptape("log", "export", session_log, "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 40
    assert json.loads(rows[21]["event"])["type"] == "OrderFilled"
