"""The state of the wires to the exchange. Feeds are named "market" and "user"."""

from __future__ import annotations

from events.event import Event


class FeedConnected(Event, frozen=True):
    feed: str
    connection: int  # counts the connections of this feed in this session, from 1


class FeedSubscribed(Event, frozen=True):
    """The exchange acknowledged every channel asked for. A book is whole again from its next snapshot."""

    feed: str
    connection: int
    channels: tuple[str, ...]


class FeedLost(Event, frozen=True):
    feed: str
    connection: int
    reason: str


class FeedGapFound(Event, frozen=True):
    """A sequence number was skipped: what came between is lost until snapshots and listings replace it."""

    feed: str
    connection: int
    last_seq: int
    next_seq: int


class FeedWentSilent(Event, frozen=True):
    """No frame of any kind within the limit of liveness."""

    feed: str
    connection: int
    silent_ms: int


class ExchangeReconciled(Event, frozen=True):
    """The exchange was asked for products, balances, positions, orders and fills, and all of it is in the log.

    Strategies propose nothing in a session before its first.
    """

    exchange_at: int
