"""The live screen shows what a trader watches, in any terminal, and never makes an unknown number up."""

from __future__ import annotations

import io
import time
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from scripts.cli.moments import Moments
from scripts.cli.reading import Reader, read
from scripts.cli.screen import Pace, Screen, screen_state
from scripts.cli.watching import PaceMeter, Watch
from tests.scripts.made_up import BTC, Author, begin, entry, kill, mark, refusal, tick


def drawn(reader: Reader, *, width: int = 80, height: int = 24, pace: Pace | None = None) -> list[str]:
    """The lines of a screen of that size."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=False, highlight=False)
    console.print(Screen(console).picture(screen_state(reader, pace or Pace())))
    return out.getvalue().splitlines()


def test_the_screen_shows_mark_position_result_risk_flow_and_decisions(session_log: Path) -> None:
    lines = drawn(read(session_log), pace=Pace(events_per_s=1234, speed=30.0, worst_lag=3))
    text = "\n".join(lines)
    for shown in (
        "2024-08-08 01:00:06 UTC",
        "x30",
        "equity 100,008.23  +8.23 since 100,000.00",
        "realized +0.00   fees -3.72   funding -0.05   unrealized +12.00",
        "58,350",
        "book and trade",
        "long 8",
        "58,200",
        "open, no restriction",
        "market feed subscribed",
        "1,234 events/s",
        "lag 3",
        "sent 1  fills 1  refused 1  open 1",
        "bought 8 @ 58,200, fee 3.72",
        "refused buy 20: Symbol exposure 25.0% exceeds cap",
    ):
        assert shown in text, shown


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (140, 50), (60, 20)])
def test_the_screen_fits_its_terminal(session_log: Path, width: int, height: int) -> None:
    lines = drawn(read(session_log), width=width, height=height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_before_anything_is_known_nothing_is_made_up() -> None:
    text = "\n".join(drawn(Reader()))
    assert "equity unknown" in text
    assert "no product yet" in text


def test_a_restriction_takes_the_place_of_the_calm_line(tmp_path: Path) -> None:
    author = Author(tmp_path)
    begin(author)
    kill(author)
    author.close()
    text = "\n".join(drawn(read(tmp_path)))
    assert "KILL SWITCH: drill" in text
    assert "no restriction" not in text


def test_a_hold_is_told_again_only_with_another_reason(tmp_path: Path) -> None:
    author = Author(tmp_path)
    begin(author)
    for reason in ("No signal", "No signal", "Not enough marks", "No signal"):
        tick(author, reason=reason)
    author.close()
    told = [moment.text for moment in read(tmp_path).moments.latest if moment.tone == "decision"]
    assert told == ["HOLD  No signal", "HOLD  Not enough marks", "HOLD  No signal"]


def test_every_moment_that_is_heard_can_be_told(session_log: Path) -> None:
    assert len({moment.tone for moment in read(session_log).moments.latest}) >= 4
    assert Moments.hears


def test_the_pace_is_measured_over_the_last_seconds(tmp_path: Path) -> None:
    author = Author(tmp_path)
    begin(author)
    author.close()
    reader, meter = read(tmp_path), PaceMeter()
    assert meter.measure(10.0, reader).events_per_s == 0
    reader.records += 500
    reader.at += 60_000_000_000
    pace = meter.measure(11.0, reader)
    assert (pace.events_per_s, pace.speed) == (500, 60.0)
    assert meter.measure(12.0, reader).events_per_s == 250
    assert meter.measure(14.0, reader).events_per_s == 0


def test_the_lag_of_a_decision_is_told_once_at_its_worst(session_log: Path) -> None:
    reader = read(session_log)
    assert reader.take_worst_lag() == 2
    assert reader.take_worst_lag() == 0


def test_watching_draws_what_is_committed_and_gives_the_terminal_back(tmp_path: Path) -> None:
    author = Author(tmp_path)
    begin(author)
    mark(author, "58200")
    entry(author)
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True, highlight=False)
    with Watch(tmp_path, Screen(console)) as watch:
        refusal(author)
        author.commit()
        limit = time.monotonic() + 10
        while "refused buy 20" not in out.getvalue() and time.monotonic() < limit:
            watch.wait(0.05)
    author.close()
    assert watch.error is None
    assert "refused buy 20" in out.getvalue()
    assert out.getvalue().endswith("\x1b[?1049l")


def test_watching_a_damaged_log_ends_with_its_error(tmp_path: Path) -> None:
    author = Author(tmp_path)
    begin(author)
    author.close()
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b"100000", b"900000", 1))
    watch = Watch(tmp_path, Screen(Console(file=io.StringIO(), width=80, height=24)))
    with watch:
        watch.wait(10)
    assert watch.error is not None
    assert "digest" in str(watch.error)


def test_a_products_row_says_stale_when_the_mark_cache_said_so(session_log: Path) -> None:
    reader = read(session_log)
    (row,) = screen_state(reader).products
    assert (row.product, row.mark, row.fresh) == (BTC, Decimal(58_350), True)
    del reader.portfolio.marks.latest[BTC]
    (row,) = screen_state(reader).products
    assert (row.mark, row.fresh, row.unrealized) == (None, False, None)
    assert "no mark yet" in "\n".join(drawn(reader))
