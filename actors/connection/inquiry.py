"""One round of questions to the exchange, and its answers as events. Keeps what was told, to tell only what is new."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from actors.connection.balances import window_of
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.replies import KeyPermissions, Order
from actors.connection.errors import BrokerageError, InvalidSymbol, PermissionDenied
from actors.connection.fills import reported
from actors.connection.history import history_of
from actors.connection.holdings import Held, account_of, is_international
from actors.connection.listing import funding_of, index_of, listed
from actors.connection.order_words import report_of
from actors.connection.pockets import DONE, sweeps_of
from actors.connection.skew import exchange_time, is_news, skew_between
from events.account import MarginWindowChanged, SweepReported
from events.catalog import FundingRatePublished, ProductListed
from events.feeds import ExchangeReconciled
from events.market import MarkReported
from events.money import ZERO
from events.orders import FillsReported, OrderReported
from events.position import PositionReported
from events.record import AnyEvent
from events.terms import NANOSECONDS

log = logging.getLogger(__name__)

#: Orders are listed from so long before the last round; at the start of a session, from so long before it.
OVERLAP_NS = 60 * NANOSECONDS
FIRST_NS = 3_600 * NANOSECONDS
#: Answers to a question that an account, or a key, has no part in.
_NOT_FOR_US = frozenset({400, 403, 404})


class _Told(msgspec.Struct):
    """What was told so far, by our product ids, and by the exchange's order ids."""

    listed: dict[str, ProductListed] = {}
    rates: dict[str, FundingRatePublished] = {}
    upcoming: dict[str, FundingRatePublished] = {}
    window: MarginWindowChanged | None = None
    orders: dict[str, OrderReported] = {}
    fills: frozenset[str] = frozenset()  # keys of the lines listed last
    sweeps: dict[str, SweepReported] = {}
    foreign: dict[str, str] = {}  # held though not configured: the exchange's id, which is ours too
    skew_ns: int = 0
    history: frozenset[str] = frozenset()  # products whose candles were told
    asked_at: int | None = None

    def copied(self) -> _Told:
        return _Told(
            dict(self.listed),
            dict(self.rates),
            dict(self.upcoming),
            self.window,
            dict(self.orders),
            self.fills,
            dict(self.sweeps),
            dict(self.foreign),
            self.skew_ns,
            self.history,
            self.asked_at,
        )


class Inquiry:
    """Asks through one client, for one thread at a time. Raises `BrokerageError`, and `ValueError` for nonsense."""

    def __init__(
        self,
        client: CoinbaseClient,
        products: Mapping[str, str],
        now: Callable[[], int],
        *,
        own_clock: bool = True,
        history_s: int | None = None,
    ) -> None:
        """`products` maps the exchange's ids to ours; `now` is session time, for when the exchange says none.

        `own_clock` off: session time is the exchange's, and nothing is to be said of a skew. `history_s`: of which
        interval candles are asked for at the start; None for none.
        """
        self._client = client
        self._products = products
        self._now = now
        self._own_clock = own_clock
        self._history_s = history_s
        self._told = _Told()

    def everything(self, live: Sequence[str]) -> list[AnyEvent]:
        """The whole account, to be told in one turn. `live`: the exchange's ids of orders that we think may trade.

        Positions are read before orders: a fill between the two is in its order's report, with its time.
        """
        return self._whole(lambda: self._everything(live))

    def catalog(self) -> list[AnyEvent]:
        """Products whose rules are not what was told, and rates of boundaries that were not told."""
        return self._whole(self._market)

    def _market(self) -> list[AnyEvent]:
        at, skew = self._exchange_time()
        return [*skew, *self._catalog(at)]

    def _whole(self, ask: Callable[[], list[AnyEvent]]) -> list[AnyEvent]:
        """All of it or nothing: what a broken round found is not taken for told."""
        before = self._told.copied()
        try:
            return ask()
        except BaseException:
            self._told = before
            raise

    def _everything(self, live: Sequence[str]) -> list[AnyEvent]:
        key = self._key()
        window = [] if is_international(key) else self._margin_window()
        at, skew = self._exchange_time()
        sweeps = [] if is_international(key) else self._sweeps(at)
        seen = account_of(self._client, key, at)
        positions = self._positions(seen.held, at)
        orders = self._orders_since(at, live)
        fills = self._fills_since(at)
        self._told.asked_at = at
        reconciled = ExchangeReconciled(exchange_at=at)
        account = [*window, *orders, *fills, *positions, *sweeps, seen.balance, reconciled]
        return [*skew, *self._catalog(at), *account]

    def _catalog(self, at: int) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        products = {**self._products, **self._told.foreign}
        found = self._client.get_products(product_ids=list(products))
        missing = sorted(self._products.keys() - {product.product_id for product in found})
        if missing:
            raise InvalidSymbol(f"the exchange lists no {', '.join(missing)}", code="NOT_LISTED")
        for product in found:
            ours = products.get(product.product_id)
            if ours is None:
                continue
            event = listed(product, ours, at)
            known = self._told.listed.get(ours)
            if known is None or msgspec.structs.replace(event, exchange_at=known.exchange_at) != known:
                self._told.listed[ours] = event
                events.append(event)
            events += self._new_rates(funding_of(product, ours, at), at)
            if (index := index_of(product, ours, at)) is not None:
                events.append(index)
        return [*events, *self._history(at)]

    def _history(self, at: int) -> list[AnyEvent]:
        """Candles from before the session, once."""
        if self._history_s is None or self._told.history:
            return []
        self._told.history = frozenset(self._products.values())
        told = (
            history_of(self._client, theirs, ours, interval_s=self._history_s, at=at)
            for theirs, ours in self._products.items()
        )
        return [history for history in told if history is not None]

    def is_rate_due(self, before: int, at: int, looks_s: Sequence[int]) -> bool:
        """Whether, between two moments of session time, one of the looks after a boundary came, and it is not told."""
        for product in tuple(self._told.listed.values()):
            if product.funding_interval_s is not None:
                boundary = at - at % (product.funding_interval_s * NANOSECONDS)
                told = self._told.rates.get(product.product)
                if told is not None and told.boundary >= boundary:
                    continue
                if any(before < boundary + look * NANOSECONDS <= at for look in looks_s):
                    return True
        return False

    def _new_rates(self, shown: FundingRatePublished | None, at: int) -> list[AnyEvent]:
        """A rate is told when its boundary has passed: one that is shown ahead of it waits, and the last one counts."""
        if shown is None:
            return []
        events: list[AnyEvent] = []
        upcoming = self._told.upcoming.get(shown.product)
        if upcoming is not None and upcoming.boundary <= at:
            del self._told.upcoming[shown.product]
            events += self._tell_rate(upcoming)
        if shown.boundary > at:
            self._told.upcoming[shown.product] = shown
        else:
            events += self._tell_rate(shown)
        return events

    def _tell_rate(self, rate: FundingRatePublished) -> list[AnyEvent]:
        told = self._told.rates.get(rate.product)
        if told is not None and told.boundary >= rate.boundary:
            return []
        self._told.rates[rate.product] = rate
        return [rate]

    def _key(self) -> KeyPermissions:
        key = self._client.get_key_permissions()
        if not (key.can_view and key.can_trade):
            missing = "view" if not key.can_view else "trade"
            raise PermissionDenied(f"the API key may not {missing}: give it that permission", code="KEY_PERMISSIONS")
        return key

    def _exchange_time(self) -> tuple[int, list[AnyEvent]]:
        """The exchange's time, and that its clock runs otherwise than was told."""
        at, measured = skew_between(lambda: exchange_time(self._client.get_time()), self._now)
        if at is None or measured is None:
            return self._now(), []
        if not self._own_clock or not is_news(measured, self._told.skew_ns):
            return at, []
        self._told.skew_ns = measured.skew_ns
        return at, [measured]

    def _sweeps(self, at: int) -> list[SweepReported]:
        """What is new of sweeps. A key that may not ask for them knows of none."""
        try:
            news = sweeps_of(self._client.cfm_sweeps(), self._told.sweeps, at)
        except BrokerageError as error:
            if error.status not in _NOT_FOR_US:
                raise
            log.info("sweeps cannot be read: %s", error)
            return []
        for sweep in news:
            if sweep.status == DONE:
                del self._told.sweeps[sweep.sweep]
            else:
                self._told.sweeps[sweep.sweep] = sweep
        return news

    def _margin_window(self) -> list[AnyEvent]:
        reply = self._client.cfm_intraday_current_margin_window().margin_window
        window = MarginWindowChanged(window=window_of(reply.margin_window_type), ends_at=reply.end_time)
        if window == self._told.window:
            return []
        self._told.window = window
        return [msgspec.structs.replace(window, exchange_at=self._now())]

    def _positions(self, held: Sequence[Held], at: int) -> list[AnyEvent]:
        """Every product of ours: held as listed, or flat, since the list is complete. And what was never configured:

        it is known from then on by the exchange's own id, and valued at the exchange's price, for no feed of ours
        brings it another.
        """
        by_id = {position.exchange_id: position for position in held}
        for theirs in sorted(by_id.keys() - self._products.keys() - self._told.foreign.keys()):
            log.warning("the account holds %s, which is not configured: it is watched and not traded", theirs)
            self._told.foreign[theirs] = theirs
        events: list[AnyEvent] = []
        for theirs, ours in (*self._products.items(), *self._told.foreign.items()):
            position = by_id.get(theirs)
            if theirs in self._told.foreign and position is not None and position.current_price is not None:
                price = position.current_price
                events.append(MarkReported(product=ours, mark=price, index=None, exchange_at=at))
            events.append(
                PositionReported(
                    product=ours,
                    qty=ZERO if position is None else position.qty,
                    entry_price=None if position is None else position.entry_price,
                    current_price=None if position is None else position.current_price,
                    unrealized=None if position is None else position.unrealized,
                    exchange_at=at,
                )
            )
        return events

    def _orders_since(self, at: int, live: Sequence[str]) -> list[AnyEvent]:
        """Reports that are not what was told: of open orders, of recent ones, and of those we think live."""
        products = list(self._products)
        since = self._since(at)
        orders = [*self._client.list_orders(product_ids=products, order_status="OPEN")]
        orders += self._client.list_orders(product_ids=products, since=since)
        found = {order.order_id: order for order in orders}
        for order_id in live:
            if order_id not in found and (closed := self._order(order_id)) is not None:
                found[order_id] = closed
        reports = [report for order in found.values() if (report := report_of(order, self._products, at))]
        fresh = [report for report in reports if self._told.orders.get(report.exchange_order) != report]
        self._told.orders = {report.exchange_order: report for report in reports}
        return [*sorted(fresh, key=lambda report: (report.exchange_at, report.exchange_order))]

    def _fills_since(self, at: int) -> list[FillsReported]:
        """Lines of the list of fills that were not told: of new fills, and of old ones taken back or booked anew."""
        listed = list(self._client.list_fills(product_ids=list(self._products), since=self._since(at)))
        fresh = [fill for fill in listed if fill.entry_id not in self._told.fills]
        self._told.fills = frozenset(fill.entry_id for fill in listed)
        return reported(fresh, self._products)

    def _since(self, at: int) -> int:
        return at - FIRST_NS if self._told.asked_at is None else self._told.asked_at - OVERLAP_NS

    def _order(self, order_id: str) -> Order | None:
        """One order, or None while the exchange does not show it yet."""
        try:
            return self._client.get_order_historical(order_id)
        except BrokerageError as error:
            if error.status == 404:
                return None
            raise
