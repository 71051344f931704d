"""What became of orders that were sent without a certain answer. Nothing but the exchange's word resolves them.

There is no look-up by client id: the products' orders are listed, in all states, and matched. That an order is not
there counts only when the connection it was sent on is closed, `late_arrival_s` has passed, and two complete listings
at least `listing_gap_s` apart do not hold it while the position stood still (trading rules B9).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.replies import Order
from actors.connection.errors import BrokerageError, InvalidRequestError, InvalidSymbol, PermissionDenied
from actors.connection.order_words import report_of
from events.orders import OrderNotFound
from events.record import AnyEvent
from events.risk import KillSwitchThrown
from events.terms import NANOSECONDS

log = logging.getLogger(__name__)

#: Orders are listed from so long before the intent: clocks differ.
LISTED_BEFORE_NS = 60 * NANOSECONDS
#: The first look comes this soon: an accepted order may take some hundred milliseconds to be listed.
FIRST_LOOK_S = 1.0

Positions = Mapping[str, tuple[str, Decimal | None]]


class Search(msgspec.Struct):
    """One order whose outcome is unknown. `product` is the exchange's id, None with `since` None after a restart."""

    order: str
    product: str | None
    since: int | None  # nanoseconds UTC, session time of the intent
    closed_at: float  # monotonic seconds: from then on nothing of ours is under way to the exchange
    last_absent: float | None = None
    last_absent_at: int = 0  # session time of the listing that did not hold it
    last_positions: Positions | None = None


class Searches:
    """All open searches of a gateway. Used by one thread; `look` asks the exchange and answers with events."""

    def __init__(
        self,
        client: CoinbaseClient,
        products: Mapping[str, str],
        *,
        late_arrival_s: float = 30.0,
        listing_gap_s: float = 5.0,
    ) -> None:
        """`products` maps the exchange's ids to ours."""
        self._client = client
        self._products = products
        self._late_arrival_s = late_arrival_s
        self._listing_gap_s = listing_gap_s
        self._open: dict[str, Search] = {}
        self._looks = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, search: Search) -> None:
        self._open.setdefault(search.order, search)
        self._looks = 0

    def next_look_s(self) -> float:
        """Seconds until the next look: sooner at first, then at the pace that evidence needs."""
        return min(self._listing_gap_s, FIRST_LOOK_S * 2.0 ** min(self._looks, 5))

    def look(self, at: int) -> list[AnyEvent]:
        """List once and see. A listing that fails is no evidence of anything: the next look asks again."""
        self._looks += 1
        searches = list(self._open.values())
        asked_at = time.monotonic()
        try:
            listed = self._listed(searches)
            positions = self._positions()
        except BrokerageError as error:
            log.warning("%d orders of unknown outcome: the look-up failed (%s)", len(searches), error)
            return []
        events: list[AnyEvent] = []
        for search in searches:
            found = listed.get(search.order, [])
            events += self._found(search, found, at) if found else self._absent(search, positions, asked_at, at)
        return events

    def _listed(self, searches: list[Search]) -> dict[str, list[Order]]:
        """One complete listing, all states, that covers all searches: orders by client id. Raises if it breaks off."""
        asked = [search.product for search in searches if search.product is not None]
        products = sorted(set(asked)) if len(asked) == len(searches) else list(self._products)
        times = [search.since for search in searches if search.since is not None]
        since = min(times) - LISTED_BEFORE_NS if len(times) == len(searches) else None
        listed: dict[str, list[Order]] = {}
        for order in self._client.list_orders(product_ids=products, since=since):
            listed.setdefault(order.client_order_id, []).append(order)
        return listed

    def _positions(self) -> Positions:
        try:
            held = self._client.cfm_positions()
        except (InvalidRequestError, InvalidSymbol, PermissionDenied):
            return {}  # an account without futures
        return {each.product_id: (each.side, each.number_of_contracts) for each in held}

    def _found(self, search: Search, found: list[Order], at: int) -> list[AnyEvent]:
        try:
            events: list[AnyEvent] = [event for order in found if (event := report_of(order, self._products, at))]
        except ValueError as error:
            log.warning("order %s is there and cannot be read yet (%s)", search.order, error)
            return []
        del self._open[search.order]
        if len({order.order_id for order in found}) > 1:
            reason = f"the exchange has {len(found)} orders under the one id {search.order}"
            events.append(KillSwitchThrown(reason=reason))
        return events

    def _absent(self, search: Search, positions: Positions, asked_at: float, at: int) -> list[AnyEvent]:
        if asked_at < search.closed_at + self._late_arrival_s:
            return []
        if search.last_absent is None or not self._stood_still(search, positions):
            search.last_absent, search.last_absent_at, search.last_positions = asked_at, at, positions
            return []
        if asked_at < search.last_absent + self._listing_gap_s:
            return []
        del self._open[search.order]
        return [OrderNotFound(order=search.order, listings=2, listed_at=(search.last_absent_at, at))]

    @staticmethod
    def _stood_still(search: Search, positions: Positions) -> bool:
        before = search.last_positions or {}
        if search.product is None:
            return before == positions
        return before.get(search.product) == positions.get(search.product)
