"""A log that an operator cut after damage goes on, and verifies."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.log import FileLog, cut_log, read_commits, read_records
from events.session import LogWasCut
from replay.backtest import backtest
from replay.verify import verify
from tests.replay.markets import facts, short_market, trading


@pytest.mark.parametrize("keep", [0, 40])
def test_a_cut_log_verifies_up_to_the_note_of_its_cut(tmp_path: Path, keep: int) -> None:
    tape = short_market(30)
    log = FileLog.open(tmp_path)
    backtest(facts(tape), session="s", start=tape.start, configuration=trading(tape), log=log)
    at_seq = keep and next(c.place.seq for c in read_commits(tmp_path) if c.place.seq >= keep)
    cut_log(tmp_path, at_seq, "a drill")
    report = verify(tmp_path)
    assert report.verified, report.differences
    assert report.head_seq == at_seq + 1
    *_, last = read_records(tmp_path)
    assert isinstance(last.event, LogWasCut)
