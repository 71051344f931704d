"""The numbers that show whether a connection lost a frame: one counter over all its channels, from 0."""

from __future__ import annotations

from actors.connection.errors import FeedBroken


class SequenceGap(FeedBroken):
    """Frames are missing between `last_seq` and `next_seq`. `last_seq` is -1 when the very first are missing."""

    def __init__(self, last_seq: int, next_seq: int) -> None:
        super().__init__(f"frames {last_seq + 1} to {next_seq - 1} are missing")
        self.last_seq = last_seq
        self.next_seq = next_seq


class SequenceGuard:
    """Follows one connection. Make a new one with each.

    >>> guard = SequenceGuard()
    >>> guard.follows(0), guard.follows(1), guard.follows(1), guard.follows(0)
    (True, True, False, False)
    """

    def __init__(self) -> None:
        self.last_seq = -1

    def follows(self, number: int) -> bool:
        """True for the next frame; False for one that came twice or late. Raises `SequenceGap` for one too far on."""
        if number == self.last_seq + 1:
            self.last_seq = number
            return True
        if number > self.last_seq:
            raise SequenceGap(self.last_seq, number)
        return False
