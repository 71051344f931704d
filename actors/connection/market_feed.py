"""The market feed: trades, quotes and books of the products that are traded, each trade told once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from actors.connection.auth import Credentials
from actors.connection.feeds import Feed, FeedManners, Wanted
from actors.connection.frames import Frame
from actors.door import FactDoor, Lane
from events.market import TradePrinted
from events.record import AnyEvent

LIVE_MARKET_FEED = "wss://advanced-trade-ws.coinbase.com"
CHANNELS = ("level2", "market_trades", "ticker")
#: Trades of one product that are remembered; a snapshot after a reconnect brings at most a few hundred.
_REMEMBERED = 10_000


class MarketFeed(Feed):
    """Tells `TradePrinted`, `QuoteChanged`, `BookSnapshotted` and `BookChanged`, a frame at a time."""

    name = "market"
    lane = Lane.MARKET

    def __init__(
        self,
        door: FactDoor,
        url: str,
        products: Mapping[str, str],
        *,
        credentials: Credentials | None = None,
        channels: Sequence[str] = CHANNELS,
        last_trades: Mapping[str, str] | None = None,
        manners: FeedManners = FeedManners(),  # noqa: B008 - immutable
    ) -> None:
        """`products` maps the exchange's ids to ours. `last_trades`: the last trade of our products that the log has,
        so that the snapshot at the start of a session does not tell again what was told before."""
        super().__init__(door, url, products, credentials=credentials, manners=manners)
        self._channels = tuple(channels)
        last = last_trades or {}
        self._told = {product: _Told(last.get(product)) for product in products.values()}

    def wanted(self) -> Sequence[Wanted]:
        return [Wanted(channel, tuple(self._products)) for channel in self._channels]

    def took(self, frame: Frame) -> None:
        events = frame.events if frame.channel != "market_trades" else self._fresh(frame.events)
        if events:
            self.tell(events, frame.at)

    def _fresh(self, events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
        return [
            event for event in events if isinstance(event, TradePrinted) and self._told[event.product].is_new(event)
        ]


class _Told:
    """The trades of one product that were told: the last ones by id, and all up to the one the log ended with."""

    def __init__(self, last: str | None) -> None:
        self._up_to = int(last) if last and last.isdigit() else None
        self._ids = {last} if last else set()
        self._order = deque(self._ids)

    def is_new(self, trade: TradePrinted) -> bool:
        """Whether the trade was not told yet; from now on it was."""
        name = trade.trade_id
        if name in self._ids:
            return False
        if self._up_to is not None and name.isdigit() and int(name) <= self._up_to:
            return False
        self._ids.add(name)
        self._order.append(name)
        if len(self._order) > _REMEMBERED:
            self._ids.discard(self._order.popleft())
        return True
