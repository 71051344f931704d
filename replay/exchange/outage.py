"""The exchange going down and coming back: for a while nobody is answered, and who was connected no longer is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol


class Cuttable(Protocol):
    """A connection that can be ended without a word."""

    def abort(self) -> None: ...


class Outage:
    """Down until a moment of the wall's clock. `connections` are those that stand, to be cut when it begins."""

    def __init__(self, connections: Callable[[], Iterable[Cuttable]]) -> None:
        self._connections = connections
        self._until = 0.0

    def begin(self, seconds: float) -> None:
        """Cut everybody off, and answer nobody for so long."""
        self._until = time.monotonic() + seconds
        for connection in list(self._connections()):
            connection.abort()

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until
