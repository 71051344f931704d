"""What one connection means, frame by frame: the part of a feed that needs neither a socket nor a clock.

The live feed and the reader of captures hear through the same class, so that a capture tells again what was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from actors.connection.auth import redacted
from actors.connection.errors import BrokerageError, FeedBroken
from actors.connection.frames import Frame, read_frame
from actors.connection.sequence import SequenceGap, SequenceGuard
from actors.connection.socket import MESSAGE_CAP, Silent
from events.feeds import FeedGapFound, FeedLost, FeedWentSilent
from events.record import AnyEvent

#: What is held back until all channels are acknowledged may be this long, in bytes.
HELD_CAP = 4 * MESSAGE_CAP


class Wanted(NamedTuple):
    """A channel to subscribe, by the exchange's names; no products: all, or a channel without any."""

    channel: str
    product_ids: tuple[str, ...] = ()


class Hearing:
    """One connection, from its first frame on. What comes before all channels are acknowledged is held back."""

    def __init__(self, wanted: Sequence[Wanted], products: Mapping[str, str], *, is_midway: bool = False) -> None:
        """`products` maps the exchange's ids to ours. `is_midway`: the first frame heard is not the connection's."""
        self.is_whole = is_midway  # every channel is acknowledged
        self._is_midway = is_midway
        self._wanted = wanted
        self._products = products
        self._guard = SequenceGuard()
        self._held: list[Frame] = []
        self._held_bytes = 0

    def hear(self, raw: bytes) -> Sequence[Frame]:
        """The frames whose turn it is, oldest first; the first ones begin with the acknowledgement of everything.

        A frame that came twice or late brings nothing. Raises `SequenceGap`, `FrameUnreadable`, and `FeedBroken` for
        an error frame or for too much before the acknowledgements.
        """
        frame = self._placed(raw)
        if frame is None:
            return ()
        if self.is_whole:
            return (frame,)
        if frame.subscriptions is None:
            self._hold(frame, len(raw))
            return ()
        if _missing(self._wanted, frame.subscriptions):
            return ()
        self.is_whole = True
        held, self._held = self._held, []
        return (frame, *held)

    def _hold(self, frame: Frame, size: int) -> None:
        self._held.append(frame)
        self._held_bytes += size
        if self._held_bytes > HELD_CAP:
            raise FeedBroken(f"{self._held_bytes} bytes came before every channel was acknowledged")

    def _placed(self, raw: bytes) -> Frame | None:
        """The frame, if it is the next one; None if it came twice or late."""
        frame = read_frame(raw, self._products)
        if frame.error is not None:
            raise FeedBroken(f"the exchange refused: {frame.error}")
        assert frame.sequence is not None, "only error frames have no number"
        if self._is_midway:
            self._is_midway = False
            self._guard.last_seq = frame.sequence - 1
        return frame if self._guard.follows(frame.sequence) else None


def end_facts(feed: str, connection: int, error: Exception) -> list[AnyEvent]:
    """The facts of a connection's end, from what ended it. A mistake of ours is named with its class."""
    reason = str(error) if isinstance(error, BrokerageError) else f"{type(error).__name__}: {error}"
    lost = FeedLost(feed=feed, connection=connection, reason=redacted(reason, limit=200))
    match error:
        case SequenceGap():
            return [
                FeedGapFound(feed=feed, connection=connection, last_seq=error.last_seq, next_seq=error.next_seq),
                lost,
            ]
        case Silent():
            return [FeedWentSilent(feed=feed, connection=connection, silent_ms=round(error.for_s * 1000)), lost]
        case _:
            return [lost]


def _missing(wanted: Sequence[Wanted], have: Mapping[str, Sequence[str]]) -> list[str]:
    """The channels that are not acknowledged with all their products."""
    return [
        each.channel
        for each in wanted
        if each.channel not in have or not set(each.product_ids) <= {*have[each.channel]}
    ]
