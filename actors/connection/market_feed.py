"""The market feed: trades, quotes and books of the products that are traded, each trade told once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from actors.connection.advanced_feed import AdvancedFeed
from actors.connection.auth import Credentials
from actors.connection.capture.writing import FrameCapture
from actors.connection.feeds import FeedManners
from actors.connection.frames import Frame
from actors.connection.hearing import Wanted
from actors.door import FactDoor, Lane
from events.catalog import ProductStatusReported
from events.market import CandleReported, TradePrinted
from events.record import AnyEvent

LIVE_MARKET_FEED = "wss://advanced-trade-ws.coinbase.com"
#: What trading rests on, always subscribed.
CHANNELS = ("level2", "market_trades", "ticker")
#: What may be subscribed besides: `TickerReported`, `CandleReported`, `ProductStatusReported`.
EXTRA_CHANNELS = ("ticker_batch", "candles", "status")
#: Trades of one product that are remembered; a snapshot after a reconnect brings at most a few hundred.
_REMEMBERED = 10_000
#: Candles of one product that are remembered; a snapshot brings about a hundred.
_CANDLES = 500


class MarketFeed(AdvancedFeed):
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
        capture: FrameCapture | None = None,
    ) -> None:
        """`products` maps the exchange's ids to ours. `last_trades`: the last trade of our products that the log has,
        so that the snapshot at the start of a session does not tell again what was told before."""
        super().__init__(door, url, products, credentials=credentials, manners=manners, capture=capture)
        self._channels = tuple(channels)
        self._facts = MarketFacts(products, last_trades)

    def wanted(self) -> Sequence[Wanted]:
        return [Wanted(channel, tuple(self._products)) for channel in self._channels]

    def facts_of(self, frame: Frame) -> Sequence[AnyEvent]:
        return self._facts.of(frame)


class MarketFacts:
    """What frames say that was not told before: a trade once, a candle and a status when they are other than before."""

    def __init__(self, products: Mapping[str, str], last_trades: Mapping[str, str] | None = None) -> None:
        last = last_trades or {}
        self._told = {product: _Told(last.get(product)) for product in products.values()}
        self._candles: dict[str, dict[int, CandleReported]] = {}
        self._statuses: dict[str, tuple[str, str]] = {}

    def of(self, frame: Frame) -> Sequence[AnyEvent]:
        match frame.channel:
            case "market_trades":
                return self.fresh(frame.events)
            case "candles":
                return [event for event in frame.events if isinstance(event, CandleReported) and self._is_other(event)]
            case "status":
                return [event for event in frame.events if self._has_changed(event)]
            case _:
                return frame.events

    def fresh(self, events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
        """All but the trades that were told before; from now on these were."""
        return [
            event for event in events if not isinstance(event, TradePrinted) or self._told[event.product].is_new(event)
        ]

    def _is_other(self, candle: CandleReported) -> bool:
        known = self._candles.setdefault(candle.product, {})
        said = msgspec.structs.replace(candle, exchange_at=0)
        if known.get(candle.start) == said:
            return False
        known[candle.start] = said
        if len(known) > _CANDLES:
            del known[min(known)]
        return True

    def _has_changed(self, event: AnyEvent) -> bool:
        if not isinstance(event, ProductStatusReported):
            return False
        said = (event.status, event.message)
        before = self._statuses.get(event.product)
        self._statuses[event.product] = said
        return said != before


class _Told:
    """The trades of one product that were told: the last ones by id, and all up to the one the log ended with."""

    def __init__(self, last: str | None) -> None:
        self._up_to = int(last) if last and last.isdigit() else None
        self._ids = {last} if last else set()
        self._order = deque(self._ids)

    def is_new(self, trade: TradePrinted) -> bool:
        """Whether the trade was not told yet; from now on it was."""
        name, ids = trade.trade_id, self._ids
        if name in ids:
            return False
        if self._up_to is not None and name.isdigit() and int(name) <= self._up_to:
            return False
        ids.add(name)
        self._order.append(name)
        if len(ids) > _REMEMBERED:
            ids.discard(self._order.popleft())
        return True
