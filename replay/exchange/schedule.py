"""Which fault strikes which frame, request or answer: counts what passes, and ends each fault after its count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

import msgspec

from replay.exchange.faults import AnyFault, AnyFrameFault, AnyLag, AnyRequestFault, FrameFault, RequestFault
from replay.exchange.times import nanoseconds_of

Lag = TypeVar("Lag", bound=AnyLag)


@dataclass(slots=True)
class _Armed:
    """One fault with its count of what passed it and what it struck."""

    fault: AnyFault
    passed: int = 0
    struck: int = 0

    def is_hit(self, now: int, *, may_strike: bool) -> bool:
        """Count one that fits; whether it is struck."""
        if self.fault.at is not None and now < nanoseconds_of(self.fault.at):
            return False
        if self.passed < self.fault.after:
            self.passed += 1
            return False
        if may_strike:
            self.struck += 1
        return may_strike


class Faults:
    """The faults that are still to come, in the order in which they were put."""

    def __init__(self, faults: Sequence[AnyFault] = ()) -> None:
        self._armed = [_Armed(fault) for fault in faults]

    def put(self, faults: Sequence[AnyFault]) -> None:
        self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        self._armed = []

    def shown(self) -> list[dict[str, object]]:
        """Each fault that is not over, with what passed it and what it struck."""
        return [
            {**msgspec.to_builtins(armed.fault), "passed": armed.passed, "struck": armed.struck}
            for armed in self._armed
        ]

    def on_frame(self, channel: str, now: int) -> AnyFrameFault | None:
        """What strikes the next frame of a channel, at a time of the exchange."""
        fits = [
            armed
            for armed in self._armed
            if isinstance(armed.fault, FrameFault) and armed.fault.channel in (None, channel)
        ]
        found = self._strike(fits, now)
        assert found is None or isinstance(found, AnyFrameFault)
        return found

    def on_request(self, method: str, path: str, now: int) -> AnyRequestFault | None:
        """What strikes a request; `path` below the base."""
        fits = [
            armed
            for armed in self._armed
            if isinstance(armed.fault, RequestFault)
            and armed.fault.method in (None, method)
            and (armed.fault.path is None or fnmatchcase(path, armed.fault.path))
        ]
        found = self._strike(fits, now)
        assert found is None or isinstance(found, AnyRequestFault)
        return found

    def lag(self, kind: type[Lag], now: int) -> Lag | None:
        """What strikes the next answer of a kind."""
        found = self._strike([armed for armed in self._armed if isinstance(armed.fault, kind)], now)
        assert found is None or isinstance(found, kind)
        return found

    def _strike(self, fits: list[_Armed], now: int) -> AnyFault | None:
        if not fits:
            return None
        found: _Armed | None = None
        for armed in fits:
            if armed.is_hit(now, may_strike=found is None):
                found = armed
        if found is not None and found.struck == found.fault.count:
            self._armed.remove(found)
        return None if found is None else found.fault
