"""The exchange's clock: the tape's time, driven by the wall's at a chosen speed, or by the tape alone.

It stands until it is started, stands while it is paused, and stands where the tape ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from events.terms import NANOSECONDS


class Pace:
    """Tape time at a speed: 1 is real time, 10 is ten times as fast, None is as fast as subscribers take it."""

    def __init__(self, start: int, speed: float | None, *, wall: Callable[[], int] = time.monotonic_ns) -> None:
        if speed is not None and not speed > 0:
            raise ValueError(f"speed must be above zero or max, not {speed}")
        self.speed = speed
        self._wall = wall
        self._tape_at = start  # tape time when the clock last changed state
        self._wall_at: int | None = None  # wall time then; None while it stands

    @property
    def is_running(self) -> bool:
        return self._wall_at is not None

    def run(self) -> None:
        """Start or go on."""
        if self._wall_at is None:
            self._wall_at = self._wall()

    def stand(self) -> None:
        """Stop where it is."""
        self._tape_at = self.now()
        self._wall_at = None

    def now(self) -> int:
        """The tape's time. At full speed it is what `reached` said last."""
        if self._wall_at is None or self.speed is None:
            return self._tape_at
        return self._tape_at + int((self._wall() - self._wall_at) * self.speed)

    def reached(self, at: int) -> None:
        """At full speed time is where the tape is."""
        if self.speed is None:
            self._tape_at = max(self._tape_at, at)

    def wait_s(self, until: int) -> float:
        """Wall seconds until the tape's time comes; zero or less when it is due."""
        if self.speed is None:
            return 0.0
        return (until - self.now()) / self.speed / NANOSECONDS
