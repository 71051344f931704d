"""How an intent leaves, what comes back, and how that is said: one POST, one word of the exchange, one event.

accepted ............. OrderReported (pending), then read back and compared
refused .............. OrderRejected, by the preview too where one is asked for
nothing was sent ..... OrderWithheld
nobody can say ....... OrderOutcomeUnknown, then searched for
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.replies import Placed
from actors.connection.errors import BrokerageError, InvalidOrder, RateLimitError
from actors.connection.order_words import configuration_of, differences, report_of, text_of
from events.configuration import OrderSetting
from events.ids import derived_id
from events.money import ZERO
from events.orders import (
    CancelRejected,
    CancelSubmitted,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
    OrderWithheld,
)
from events.record import AnyEvent
from events.risk import KillSwitchThrown
from events.terms import OrderKind, OrderStatus

log = logging.getLogger(__name__)

#: The exchange's way of saying that an id was used before: look it up.
_REUSED = "DUPLICATE_CLIENT_ORDER_ID"
#: Sent with every order: the exchange's own guard against two orders of ours that would trade with each other.
SELF_TRADE_PREVENTION_ID = derived_id("perptape", "self-trade prevention", 0)
#: Kinds that end by themselves at once: their end is looked for until it is seen.
IMMEDIATE = frozenset({OrderKind.LIMIT_IOC, OrderKind.LIMIT_FOK, OrderKind.MARKET_IOC, OrderKind.CLOSE_POSITION})


class Withheld(Exception):
    """The last look before the send found a reason not to."""


class ReadBack:
    """What reading an accepted order back brought: its report, or that it cannot be read yet, or that it is another."""

    def __init__(self, events: Sequence[AnyEvent], *, again: bool) -> None:
        self.events = events
        self.again = again


class Sender:
    """Speaks to the exchange for the gateway. Knows no threads and keeps nothing."""

    def __init__(self, products: Mapping[str, str], takes_leverage: Callable[[str], bool]) -> None:
        """`products` maps the exchange's ids to ours; `takes_leverage` says of ours whether its venue is sent any."""
        self._products = products
        self._exchange_ids = {ours: theirs for theirs, ours in products.items()}
        self._takes_leverage = takes_leverage
        self.setting = OrderSetting()  # replaced whole when a session starts

    def exchange_id(self, product: str) -> str | None:
        return self._exchange_ids.get(product)

    def send(
        self, client: CoinbaseClient, order: OrderSubmitted, at: int, objection: Callable[[], str | None]
    ) -> AnyEvent:
        """Send an intent of session time `at`, once. `objection` has the last word, after the rate limiter."""

        def last_look() -> None:
            reason = objection()
            if reason is not None:
                raise Withheld(reason)

        try:
            last_look()
            refusal = self._refused_by_preview(client, order) if self.setting.preview_before_place else None
            if refusal is not None:
                return refusal
            placed = self._place(client, order, last_look)
        except Withheld as reason:
            return OrderWithheld(order=order.order, reason=str(reason))
        except BrokerageError as error:
            return _unplaced(order.order, error)
        return _pending(order, placed, at)

    def read_back(self, client: CoinbaseClient, order: OrderSubmitted, exchange_order: str, at: int) -> ReadBack:
        """Read an accepted order and compare it with its intent: a re-used id is answered with the old order."""
        try:
            report = report_of(client.get_order_historical(exchange_order), self._products, at)
        except (BrokerageError, ValueError) as error:
            log.info("order %s cannot be read back yet (%s)", order.order, error)
            return ReadBack([], again=True)
        wrong = ["product"] if report is None else differences(order, report)
        if report is None or wrong:
            reason = f"order {order.order} was answered with another order ({exchange_order}): {', '.join(wrong)}"
            return ReadBack([KillSwitchThrown(reason=reason)], again=False)
        return ReadBack([report], again=order.kind in IMMEDIATE and not report.status.is_final)

    def cancel(self, client: CoinbaseClient, cancels: Sequence[CancelSubmitted]) -> list[AnyEvent]:
        """Ask for cancels, at most one batch. What the exchange takes is told by its reports; what it refuses, here."""
        by_exchange = {cancel.exchange_order: cancel for cancel in cancels}
        try:
            results = client.cancel_orders(list(by_exchange))
        except BrokerageError as error:
            return [
                CancelRejected(order=each.order, code=error.code or "ERROR", message=str(error)) for each in cancels
            ]
        refused: list[AnyEvent] = [
            CancelRejected(order=by_exchange[result.order_id].order, code=result.failure_reason, message="")
            for result in results
            if not result.success and result.order_id in by_exchange
        ]
        answered = {result.order_id for result in results}
        refused += [
            CancelRejected(order=cancel.order, code="NOT_ANSWERED", message="the reply does not speak of this order")
            for exchange_order, cancel in by_exchange.items()
            if exchange_order not in answered
        ]
        return refused

    def _place(self, client: CoinbaseClient, order: OrderSubmitted, before_send: Callable[[], None]) -> Placed:
        product_id = self._exchange_ids.get(order.product)
        if product_id is None:
            raise Withheld(f"{order.product} has no id at the exchange")
        if order.kind is OrderKind.CLOSE_POSITION:
            return client.close_position(
                client_order_id=order.order, product_id=product_id, size=text_of(order.qty), before_send=before_send
            )
        return client.place_order(
            client_order_id=order.order,
            product_id=product_id,
            side=order.side.upper(),
            order_configuration=configuration_of(order, limit_ioc_as=self.setting.limit_ioc_as),
            leverage=self._leverage(order.product, order.leverage),
            self_trade_prevention_id=SELF_TRADE_PREVENTION_ID,
            before_send=before_send,
        )

    def _refused_by_preview(self, client: CoinbaseClient, order: OrderSubmitted) -> OrderRejected | None:
        """What the exchange objects to before it is asked in earnest (trading rules B14); None when to nothing.

        Without an answer an entry is not sent, and an exit is: it must not wait for advice.
        """
        product_id = self._exchange_ids.get(order.product)
        if product_id is None or order.kind is OrderKind.CLOSE_POSITION:
            return None
        try:
            preview = client.preview_order(
                product_id=product_id,
                side=order.side.upper(),
                order_configuration=configuration_of(order, limit_ioc_as=self.setting.limit_ioc_as),
                leverage=self._leverage(order.product, order.leverage),
            )
        except InvalidOrder:
            raise
        except BrokerageError as error:
            if order.reduce_only:
                log.warning("order %s leaves without a preview (%s)", order.order, error)
                return None
            raise Withheld(f"its preview got no answer ({error})") from None
        if not preview.errs:
            return None
        return OrderRejected(order=order.order, code=preview.errs[0], message=f"preview: {', '.join(preview.errs)}")

    def _leverage(self, product: str, leverage: Decimal | None) -> str | None:
        """Sent where the venue takes it; elsewhere it is a cap that risk has checked."""
        return text_of(leverage) if leverage is not None and self._takes_leverage(product) else None


def _unplaced(order: str, error: BrokerageError) -> AnyEvent:
    if error.outcome_unknown or error.code == _REUSED:
        return OrderOutcomeUnknown(order=order, error=str(error))
    if error.status is None:  # no reply, and nothing that could have brought one was sent
        return OrderWithheld(order=order, reason=str(error))
    code = "RATE_LIMITED" if isinstance(error, RateLimitError) else error.code or type(error).__name__
    return OrderRejected(order=order, code=code, message=str(error))


def _pending(order: OrderSubmitted, placed: Placed, at: int) -> OrderReported:
    """Accepted, not more: as of the intent, so that whatever the exchange says of it is newer."""
    return OrderReported(
        order=order.order,
        exchange_order=placed.order_id,
        product=order.product,
        side=order.side,
        status=OrderStatus.PENDING,
        kind=order.kind,
        qty=order.qty,
        filled_qty=ZERO,
        filled_value=ZERO,
        fees=ZERO,
        limit_price=order.limit_price,
        exchange_at=at,
    )
