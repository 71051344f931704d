"""Strategies to try: one that is right, and one for each way to be wrong."""

from __future__ import annotations

import os
import time
from decimal import Decimal
from typing import Any

from actors.strategies.protocol import Decision, View
from events.terms import Action

TARGET = Decimal(5_000)


def hold(reason: str = "Waiting", **more: Any) -> Decision:
    return Decision(action=Action.HOLD, reason=reason, **more)


def buy(**more: Any) -> Decision:
    return Decision(action=Action.BUY, reason="Up", target_notional=TARGET, **more)


CLOSE = Decision(action=Action.CLOSE, reason="Enough", reduce_only=True)


class Momentum:
    """Right: buys what rose, leaves what fell, keeps nothing."""

    window = 3

    def decide(self, view: View) -> Decision:
        if view.mark is None or len(view.marks) < 3:
            return hold()
        rose = view.marks[-1] > view.marks[0]
        if view.qty:
            return hold("Holding") if rose else CLOSE
        if view.is_killed or view.reduce_only is not None or not rose:
            return hold()
        return buy()


class Random:
    """Decides by chance."""

    def decide(self, view: View) -> Decision:
        if view.is_killed or view.qty:
            return hold()
        return hold() if os.urandom(1)[0] < 128 else buy()


class Timed:
    """Decides by the clock on the wall."""

    def decide(self, view: View) -> Decision:
        return hold(f"It is {time.time_ns()}")


class Hashed:
    """Decides by the order of a set: another one in every process."""

    def decide(self, view: View) -> Decision:
        return hold(", ".join({"trend", "carry", "rebound", "volume", "basis"}))


class Located:
    """Decides by its surroundings."""

    def decide(self, view: View) -> Decision:
        return hold(os.environ.get("TZ", "UTC"))


class Counting:
    """Keeps a number that a restart forgets."""

    def __init__(self) -> None:
        self.looks = 0

    def decide(self, view: View) -> Decision:
        self.looks += 1
        return hold(f"Look {self.looks}")


class Remembering:
    """Counts as well, in its memory: right."""

    def decide(self, view: View) -> Decision:
        looks = int(view.memory.get("looks", "0")) + 1
        return hold(f"Look {looks}", memory={"looks": str(looks)})


class Raising:
    """Divides by a move that may be none."""

    def decide(self, view: View) -> Decision:
        if len(view.marks) < 2:
            return hold()
        move = view.marks[-1] - view.marks[-2]
        return hold(numbers={"inverse": Decimal(int(1_000 // move))})


class Floating:
    """Sizes in floating point."""

    def decide(self, view: View) -> Decision:
        size: Any = 1_000.5
        return Decision(action=Action.BUY, reason="Up", target_notional=size)


class Approximate:
    """Shows floating point numbers."""

    def decide(self, view: View) -> Decision:
        number: Any = 0.1
        return hold(numbers={"signal": number})


class Numbered:
    """Gives a number as its reason."""

    def decide(self, view: View) -> Decision:
        reason: Any = 5
        return hold(reason)


class Mute:
    """Answers with nothing."""

    def decide(self, view: View) -> Decision | None:
        return None


class Deaf:
    """Does not look at the kill switch."""

    def decide(self, view: View) -> Decision:
        return hold() if view.qty else buy()


class Backwards:
    """Calls an increase a reduction."""

    def decide(self, view: View) -> Decision:
        return hold() if view.is_killed else buy(reduce_only=True)
