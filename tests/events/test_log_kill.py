"""`kill -9` at any moment: what was acknowledged is there, and nothing that was not written."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

from events.log import FileLog
from tests.events.processes import ROOT, acked, environment, writer_command
from tests.events.turns import seqs

_ROUNDS = 30


def test_thirty_killed_writers_lose_nothing_they_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(2)
    total = 0
    for _ in range(_ROUNDS):
        lines = _killed_after(tmp_path, chance.uniform(0.0, 0.05))
        total = max(total, acked(lines))
        with FileLog.open(tmp_path, seal_in_background=False) as log:
            assert log.head.seq >= total
            assert log.recovered is None, "a kill never tears a write that the kernel took"
            total = log.head.seq
    assert total > _ROUNDS
    assert seqs(tmp_path) == list(range(1, total + 1))


def _killed_after(folder: Path, seconds: float) -> list[str]:
    """Let a writer work for that long once it is open, kill it, and return what it had said."""
    writer = subprocess.Popen(
        writer_command(folder, 10_000_000), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
    finally:
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
    return [first, *(line for line in rest.splitlines(keepends=True) if line.endswith("\n"))]
