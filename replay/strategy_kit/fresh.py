"""A fresh process that runs the same sessions: another hash seed, another time zone, another object for everything.

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

#: What differs there, and must not matter.
SURROUNDINGS = {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu"}
_END_S = 10


class FreshProcess:
    """Started at the first question, ended with the block."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> FreshProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=_END_S)

    def digest_of(self, question: Question) -> str:
        """What that process makes of it; a sentence where it ended instead."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(msgspec.json.encode(question) + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return "the process ended"
        return process.stdout.readline().decode().strip() or "the process ended"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "replay.strategy_kit"],
                env={**os.environ, **SURROUNDINGS, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process


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
