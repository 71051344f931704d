"""The user feed: our orders as the exchange sees them, cumulative, and the futures balance.

Its snapshot holds open orders only. What closed while the feed was away is asked for by `catch_up`, after each
connection but the first, and whenever an order comes without its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from actors.connection.advanced_feed import AdvancedFeed
from actors.connection.auth import Credentials
from actors.connection.capture.writing import FrameCapture
from actors.connection.feeds import FeedManners
from actors.connection.frames import Frame
from actors.connection.hearing import Wanted
from actors.door import FactDoor, Lane
from events.orders import OrderReported
from events.record import AnyEvent

LIVE_USER_FEED = "wss://advanced-trade-ws-user.coinbase.com"
CHANNELS = ("user", "futures_balance_summary")


class UserFeed(AdvancedFeed):
    """Tells `OrderReported` and `BalanceReported`, a frame at a time."""

    name = "user"
    lane = Lane.ORDERS

    def __init__(
        self,
        door: FactDoor,
        url: str,
        products: Mapping[str, str],
        *,
        credentials: Credentials,
        catch_up: Callable[[str], None],
        channels: Sequence[str] = CHANNELS,
        manners: FeedManners = FeedManners(),  # noqa: B008 - immutable
        capture: FrameCapture | None = None,
    ) -> None:
        """`products` maps the exchange's ids to ours. `catch_up(reason)` returns at once."""
        super().__init__(door, url, products, credentials=credentials, manners=manners, capture=capture)
        self._catch_up = catch_up
        self._channels = tuple(channels)
        self._facts = UserFacts()

    def wanted(self) -> Sequence[Wanted]:
        return [Wanted(channel) for channel in self._channels]

    def subscribed(self, connection: int) -> None:
        if connection > 1:
            self._catch_up("the user feed was away")

    def facts_of(self, frame: Frame) -> Sequence[AnyEvent]:
        return self._facts.of(frame)

    def took(self, frame: Frame) -> None:
        super().took(frame)
        if frame.unpriced:
            self._catch_up(f"{len(frame.unpriced)} orders filled without a value")


class UserFacts:
    """What frames say of our orders, with what the ones before said of the same order."""

    def __init__(self) -> None:
        self._asked: dict[str, Decimal] = {}  # by the exchange's order id, of orders that are not final

    def of(self, frame: Frame) -> Sequence[AnyEvent]:
        return [self._whole(event) for event in frame.events]

    def _whole(self, event: AnyEvent) -> AnyEvent:
        """A final report says nothing of what was asked beyond what filled: that is remembered from the ones before."""
        if not isinstance(event, OrderReported):
            return event
        asked = max(event.qty, self._asked.get(event.exchange_order, event.qty))
        if event.status.is_final:
            self._asked.pop(event.exchange_order, None)
        else:
            self._asked[event.exchange_order] = asked
        return event if asked == event.qty else msgspec.structs.replace(event, qty=asked)
