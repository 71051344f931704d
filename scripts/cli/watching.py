"""Watching a log as it grows: a follower, a fold and a screen, in a thread of a process that does not trade."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from events.log import Follower, LogError
from events.terms import NANOSECONDS
from scripts.cli.reading import Reader
from scripts.cli.screen import Pace, Screen, screen_state

#: The screen is drawn so often.
DRAW_S = 0.25
#: The log is looked at so often.
POLL_S = 0.05
#: The pace is measured over this time.
PACE_S = 2.0


class Sample(NamedTuple):
    """What was known at a moment of this process's own time."""

    now: float
    records: int
    at: int


class PaceMeter:
    """Records and session time a second, over the last `PACE_S`."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def measure(self, now: float, reader: Reader) -> Pace:
        """Call it at every drawing."""
        self._samples.append(Sample(now, reader.records, reader.at))
        while len(self._samples) > 2 and self._samples[1].now <= now - PACE_S:
            self._samples.popleft()
        first = self._samples[0]
        elapsed = now - first.now
        if elapsed <= 0:
            return Pace(worst_lag=reader.take_worst_lag())
        speed = (reader.at - first.at) / NANOSECONDS / elapsed if first.at else None
        return Pace(
            events_per_s=round((reader.records - first.records) / elapsed),
            speed=speed,
            worst_lag=reader.take_worst_lag(),
        )


class Watch:
    """Follows a log on the terminal from `start` to `close`. `error` says why it could not go on, if it could not."""

    def __init__(self, path: Path, screen: Screen | None = None) -> None:
        self.error: LogError | None = None
        self._path = path
        self._screen = screen or Screen()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Give the terminal back."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until it cannot go on, or the time is over."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while self._thread.is_alive() and (end is None or time.monotonic() < end):
            self._thread.join(DRAW_S if end is None else min(DRAW_S, max(0.0, end - time.monotonic())))

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        reader = Reader()  # in this thread: it enters the money context
        follower = Follower(self._path)
        try:
            with self._screen as screen:
                self._draw_on(screen, reader, follower)
        except LogError as error:
            self.error = error
        finally:
            follower.close()

    def _draw_on(self, screen: Screen, reader: Reader, follower: Follower) -> None:
        """Fold what is committed, and draw when it is time, also in the middle of a long log."""
        meter, due = PaceMeter(), 0.0
        while not self._stop.is_set():
            for commit in follower.poll():
                for record in commit.records:
                    reader.fold(record)
                if time.monotonic() >= due:
                    due = self._draw(screen, reader, meter)
                    if self._stop.is_set():
                        return
            if time.monotonic() >= due:
                due = self._draw(screen, reader, meter)
            self._stop.wait(POLL_S)

    def _draw(self, screen: Screen, reader: Reader, meter: PaceMeter) -> float:
        """Draw, and say when to draw next."""
        now = time.monotonic()
        screen.show(screen_state(reader, meter.measure(now, reader)))
        return now + DRAW_S


def watch_until_interrupted(path: Path) -> None:
    """The screen until Ctrl-C. Raises the log's error when it could not be followed."""
    with Watch(path) as watch, contextlib.suppress(KeyboardInterrupt):
        watch.wait()
    if watch.error is not None:
        raise watch.error
