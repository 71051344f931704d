"""What the gateway has heard that decides whether an intent may still leave. Folded in the order of the log.

Risk has judged an order before it became an intent; this is the last look, at the moment of sending: a kill, a
reduce-only mode, a lost feed or a time that ran out since then. Reducing orders pass all but their own expiry and the
loss of risk itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from events.event import Event
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.orders import OrderSubmitted
from events.risk import (
    KillSwitchReset,
    KillSwitchThrown,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import ActorFailed, ActorRestarted

#: Stands for every product among those restricted to reducing orders.
EVERYTHING = ""


class Standing:
    """Written by one thread, read by any: every change replaces a value whole."""

    hears: frozenset[type[Event]] = frozenset(
        {
            KillSwitchThrown,
            KillSwitchReset,
            ReduceOnlyRequested,
            ReduceOnlyEntered,
            ReduceOnlyReleased,
            ReduceOnlyLeft,
            FeedConnected,
            FeedSubscribed,
            FeedLost,
            FeedGapFound,
            FeedWentSilent,
            ActorFailed,
            ActorRestarted,
        }
    )

    def __init__(
        self, *, killed: bool = False, reduce_only: Iterable[str] = (), needed_feeds: Iterable[str] = ("market",)
    ) -> None:
        """As the log stood when the session began; products restricted to reducing, `EVERYTHING` for all."""
        self.killed = killed
        self.risk_is_gone = False
        self._requested: frozenset[str] = frozenset()
        self._entered = frozenset(reduce_only)
        self._feeds_down = frozenset(needed_feeds)
        self._needed_feeds = frozenset(needed_feeds)

    def hear(self, event: Event) -> None:
        match event:
            case KillSwitchThrown():
                self.killed = True
            case KillSwitchReset():
                self.killed = False
            case ReduceOnlyRequested(product=product):
                self._requested |= {product or EVERYTHING}
            case ReduceOnlyReleased(product=product):
                self._requested -= {product or EVERYTHING}
            case ReduceOnlyEntered(product=product):
                self._entered |= {product or EVERYTHING}
            case ReduceOnlyLeft(product=product):
                self._entered -= {product or EVERYTHING}
            case FeedSubscribed(feed=feed):
                self._feeds_down -= {feed}
            case FeedConnected(feed=feed) | FeedLost(feed=feed) | FeedGapFound(feed=feed) | FeedWentSilent(feed=feed):
                self._feeds_down |= {feed} & self._needed_feeds
            case ActorFailed(actor="risk"):
                self.risk_is_gone = True
            case ActorRestarted(actor="risk"):
                self.risk_is_gone = False
            case _:
                pass

    def objection(self, order: OrderSubmitted, now: int) -> str | None:
        """Why the order must not be sent now (session time, ns); None when it may."""
        if now > order.expires_at:
            return f"it expired {(now - order.expires_at) // 1_000_000} ms before it could be sent"
        if self.risk_is_gone:
            return "risk is gone"
        if order.reduce_only:
            return None
        if self.killed:
            return "the kill switch is thrown"
        if {EVERYTHING, order.product} & (self._requested | self._entered):
            return f"{order.product} is restricted to reducing orders"
        if self._feeds_down:
            return f"the {' and '.join(sorted(self._feeds_down))} feed is not whole"
        return None
