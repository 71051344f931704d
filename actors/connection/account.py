"""The account poller: what the exchange says of products, funding, margin, orders, positions and cash.

It asks at the start, every minute of session time, soon after each funding boundary, and whenever somebody missed
something; and it ends each round with `ExchangeReconciled`, all of it in one turn. A round that fails says nothing. A
list counts only when it is complete: a product that a complete list of positions does not name is flat.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.limits import Urgency
from actors.connection.errors import BrokerageError, PermissionDenied, ReplyUnreadable
from actors.connection.inquiry import Inquiry
from actors.door import DoorClosed, FactDoor, Lane
from events.event import Event
from events.money import use_exact_arithmetic
from events.orders import OrderClosed, OrderReported
from events.record import AnyEvent, Record
from events.session import ClockTicked
from events.terms import NANOSECONDS

log = logging.getLogger(__name__)

#: Session time between two rounds.
EVERY_NS = 60 * NANOSECONDS
#: Real seconds that rounds and looks are apart at least, however fast the session's clock runs.
LEAST_GAP_S = 2.0
#: A new funding rate is looked for so long after its boundary, in seconds of session time; after that by the rounds.
RATE_LOOKS_S = (2, 5, 10, 20, 40)
#: Real seconds before a failed round is tried again, doubling up to the second.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_JOIN_S = 15.0


class AccountPoller:
    """A shell with a thread of its own. `committed` and `catch_up` return at once."""

    hears: frozenset[type[Event]] = frozenset({ClockTicked, OrderReported, OrderClosed})

    def __init__(
        self,
        door: FactDoor,
        client: CoinbaseClient,
        products: Mapping[str, str],
        now: Callable[[], int],
        *,
        with_account: bool = True,
        own_clock: bool = True,
        history_s: int | None = None,
        on_refusal: Callable[[BrokerageError], None] = lambda _: None,
    ) -> None:
        """`products` maps the exchange's ids to ours; `now` is session time (ns).

        `with_account` off: only products and funding rates, for paper trading without a key; then
        `ExchangeReconciled` is for the paper exchange to say. `own_clock` and `history_s` as of `Inquiry`. `on_refusal`
        is told, once, when the key may not trade.
        """
        self._door = door
        self._now = now
        self._with_account = with_account
        self._on_refusal = on_refusal
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._round = threading.Lock()  # one round at a time, whoever asks for it
        polling = client.at(Urgency.POLLING, pause=self._stopped.wait)
        self._inquiry = Inquiry(polling, products, now, own_clock=own_clock, history_s=history_s)
        self._wanted: str | None = "start"
        self._rates_wanted = False
        self._asked_for = False
        self._last_round = 0  # session time
        self._last_tick = 0
        self._live: dict[str, str] = {}  # the exchange's id of each order that may still trade -> our id
        self._thread = threading.Thread(target=self._run, name="account poller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                log.error("the account poller did not end within %g s", _JOIN_S)

    def committed(self, records: Sequence[Record]) -> None:
        """Keep the time and the orders that live."""
        with self._changed:
            for record in records:
                event = record.event
                if isinstance(event, ClockTicked):
                    self._tick(record.at)
                elif isinstance(event, OrderClosed) or (isinstance(event, OrderReported) and event.status.is_final):
                    self._live.pop(event.exchange_order, None)
                elif isinstance(event, OrderReported):
                    self._live[event.exchange_order] = event.order

    def catch_up(self, reason: str) -> None:
        """Somebody missed something: a round as soon as may be."""
        with self._changed:
            self._wanted = reason
            self._asked_for = True
            self._changed.notify_all()

    def reconcile(self) -> None:
        """One round, now, in the calling thread. Raises `BrokerageError` (and then nothing of it was told)."""
        use_exact_arithmetic()
        with self._changed:
            live = tuple(self._live)
        with self._round:
            try:
                events = self._inquiry.everything(live) if self._with_account else self._inquiry.catalog()
            except ValueError as error:
                raise ReplyUnreadable(str(error), body="", outcome_unknown=False) from None
            if events:
                self._door.tell("account", events, Lane.ORDERS)

    def _tick(self, at: int) -> None:
        """Under the lock, on the journal's thread."""
        before, self._last_tick = self._last_tick, at
        if not self._last_round:
            self._last_round = at
        if at - self._last_round >= EVERY_NS:
            self._last_round = at
            self._wanted = self._wanted or "a minute has passed"
        elif before and self._inquiry.is_rate_due(before, at, RATE_LOOKS_S):
            self._rates_wanted = True
        if self._wanted or self._rates_wanted:
            self._changed.notify_all()

    def _run(self) -> None:
        use_exact_arithmetic()
        failures = 0
        while self._wait_until_wanted():
            try:
                self._answer()
                failures = 0
                self._rest()
            except DoorClosed:
                return
            except PermissionDenied as refusal:
                log.error("the key does not suffice: %s", refusal)
                self._on_refusal(refusal)
                return
            except BrokerageError as error:
                log.warning("the account could not be read: %s", error)
                failures += 1
                self._try_again(failures)
            except Exception:
                # The thread's edge: a bug in one round must not end the ones after it.
                log.exception("the account poller failed")
                failures += 1
                self._try_again(failures)

    def _wait_until_wanted(self) -> bool:
        """Whether to go on: False when stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped.is_set() or self._wanted or self._rates_wanted)
            return not self._stopped.is_set()

    def _answer(self) -> None:
        with self._changed:
            wanted, self._wanted = self._wanted, None
            self._rates_wanted = False
        if wanted:
            log.info("reading the account: %s", wanted)
            self.reconcile()
        else:
            with self._round:
                rates: Sequence[AnyEvent] = self._inquiry.catalog()
                if rates:
                    self._door.tell("account", rates, Lane.ORDERS)

    def _rest(self) -> None:
        """Wait out the least gap, unless somebody asks for a round."""
        with self._changed:
            self._asked_for = False
            self._changed.wait_for(lambda: self._stopped.is_set() or self._asked_for, LEAST_GAP_S)

    def _try_again(self, failures: int) -> None:
        self._stopped.wait(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10)))
        self.catch_up("the last round failed")
