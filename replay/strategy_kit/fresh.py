"""Fresh processes that run the same sessions: other hash seeds, another time zone, another object for everything.

`python -m replay.strategy_kit` reads questions, one a line, and answers each with the digest of its session.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from types import TracebackType
from typing import BinaryIO

import msgspec

from replay.strategy_kit.sessions import Question, digest_of_session

#: What differs there, and must not matter. Two hash seeds: small sets may stand alike under one by accident.
SURROUNDINGS = (
    {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu"},
    {"PYTHONHASHSEED": "0", "TZ": "America/New_York"},
)
_ENDED = "the process ended"
_END_S = 10


class FreshProcesses:
    """Started at the first question, ended with the block. They work while the asker does."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> FreshProcesses:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            with contextlib.suppress(BrokenPipeError):
                process.communicate(timeout=_END_S)

    def ask(self, question: Question) -> None:
        """Each question must be followed by its `answers`."""
        if not self._processes:
            self._processes = [_started(surroundings) for surroundings in SURROUNDINGS]
        line = msgspec.json.encode(question) + b"\n"
        for process in self._processes:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # its answer will say so
                process.stdin.write(line)
                process.stdin.flush()

    def answers(self) -> list[str]:
        """The digest that each comes to; a sentence where it ended instead."""
        lines = [process.stdout.readline() for process in self._processes if process.stdout is not None]
        return [line.decode().strip() or _ENDED for line in lines]


def _started(surroundings: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "replay.strategy_kit"],
        env={**os.environ, **surroundings, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def main() -> None:
    """Answer until the questions end. What a strategy prints goes to stderr: stdout is for the answers."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        _answer(sys.stdin.buffer, answers)


def _answer(questions: BinaryIO, answers: BinaryIO) -> None:
    for line in questions:
        digest = digest_of_session(msgspec.json.decode(line, type=Question))
        answers.write(digest.encode() + b"\n")
        answers.flush()
