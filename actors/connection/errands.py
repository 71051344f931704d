"""A thread that runs small jobs when they are due: sends, look-ups, second looks. It stops at once when told to."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

from actors.door import DoorClosed
from events.money import use_exact_arithmetic

log = logging.getLogger(__name__)

#: How long `stop` waits for the job under way.
_JOIN_S = 15.0


class Errands:
    """Jobs in order of their time, one after the other; jobs due at once keep the order they came in."""

    def __init__(self, name: str, on_failure: Callable[[Exception], None]) -> None:
        """`on_failure` is told what a job raised that it should have handled itself."""
        self._name = name
        self._on_failure = on_failure
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def run(self, job: Callable[[], None], *, in_s: float = 0.0) -> None:
        """Do `job` when `in_s` seconds have passed; without a delay it is done even if a stop comes first."""
        due = time.monotonic() + in_s if in_s else 0.0
        with self._changed:
            heapq.heappush(self._due, (due, next(self._count), job))
            self._changed.notify()

    def stop(self) -> None:
        """Finish the job under way and those without a delay, forget the rest, end the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                log.error("%s did not end within %g s", self._name, _JOIN_S)

    def _run(self) -> None:
        use_exact_arithmetic()
        while True:
            job = self._next()
            if job is None:
                return
            try:
                job()
            except DoorClosed:
                return
            except Exception as error:
                # The thread's edge: one job's bug must not end the ones after it.
                log.exception("%s failed", self._name)
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        try:
            self._on_failure(error)
        except DoorClosed:
            log.info("%s failed while the system was closing", self._name)

    def _next(self) -> Callable[[], None] | None:
        """The next job when it is due; None when stopped."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._due and self._due[0][0] <= (0.0 if self._stopped else now):
                    return heapq.heappop(self._due)[2]
                if self._stopped:
                    return None
                self._changed.wait(self._due[0][0] - now if self._due else None)
