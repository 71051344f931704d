"""The gateway: each intent leaves once or never, what came of it is said once, and nothing is guessed."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from actors.connection.amounts import rfc3339
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.gateway import OrderGateway
from actors.connection.sender import SELF_TRADE_PREVENTION_ID
from actors.connection.standing import EVERYTHING, Standing
from actors.door import Lane
from events.configuration import Configuration, OrderSetting
from events.feeds import FeedConnected, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.orders import (
    CancelRejected,
    FillsReported,
    FillsWanted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
    OrderWithheld,
)
from events.record import AnyEvent
from events.risk import (
    KillSwitchReset,
    KillSwitchThrown,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import ActorFailed, ActorRestarted, SessionStarted
from events.terms import NANOSECONDS, Clock, OrderKind, OrderStatus, Side
from tests.actors.connection.booth import NOW, PRODUCTS, Booth, cancelled, order_id, submitted
from tests.actors.connection.peers import PATIENCE_S, ListDoor, Request, record, reply

LATE_S = 0.4
GAP_S = 0.15
WHOLE = FeedSubscribed(feed="market", connection=1, channels=())


@pytest.fixture
def booth() -> Iterator[Booth]:
    booth = Booth()
    yield booth
    booth.close()


class Desk:
    """A gateway with its door, its client, and the session's time in its hand."""

    def __init__(self, booth: Booth, **options: Any) -> None:
        self.door = ListDoor()
        self.now = NOW
        self.client = CoinbaseClient(booth.peer.url, rate_limit_per_minute=options.pop("limit", 100_000))
        self.gateway = OrderGateway(
            self.door,
            self.client,
            PRODUCTS,
            lambda: self.now,
            late_arrival_s=LATE_S,
            listing_gap_s=GAP_S,
            risk_grace_s=options.pop("risk_grace_s", 0.05),
            write_timeout_s=options.pop("write_timeout_s", 2.0),
            **options,
        )
        self._seq = 0

    def commit(self, *events: AnyEvent) -> None:
        records = []
        for event in events:
            self._seq += 1
            records.append(record(event, seq=self._seq, at=self.now))
        self.gateway.committed(records)


@contextmanager
def desk(booth: Booth, *heard: AnyEvent, **options: Any) -> Iterator[Desk]:
    """A started gateway that has heard of a whole market feed, and of `heard`."""
    ours = Desk(booth, **options)
    ours.gateway.start()
    ours.commit(WHOLE, *heard)
    try:
        yield ours
    finally:
        ours.gateway.stop()
        ours.client.close()


# An order's way.


def test_an_accepted_order_is_reported_pending_and_read_back(booth: Booth) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1))
        pending, read_back, *_ = ours.door.wait_for(OrderReported, 2)
    assert pending == OrderReported(
        order=order_id(1),
        exchange_order="x-1",
        product="BTC-PERP",
        side=Side.BUY,
        status=OrderStatus.PENDING,
        kind=OrderKind.LIMIT_IOC,
        qty=Decimal(3),
        filled_qty=Decimal(0),
        filled_value=Decimal(0),
        fees=Decimal(0),
        limit_price=Decimal(68925),
        exchange_at=NOW,
    )
    assert (read_back.status, read_back.exchange_order) == (OrderStatus.OPEN, "x-1")
    assert {(told.by, told.lane) for told in ours.door.told} == {("gateway", Lane.ORDERS)}
    (request,) = booth.peer.of("POST", "/orders")
    assert request.json == {
        "client_order_id": order_id(1),
        "product_id": "BIP-20DEC30-CDE",
        "side": "BUY",
        "order_configuration": {"sor_limit_ioc": {"base_size": "3", "limit_price": "68925"}},
        "self_trade_prevention_id": SELF_TRADE_PREVENTION_ID,
    }


@pytest.mark.parametrize(
    ("changes", "configuration"),
    [
        (
            {"kind": OrderKind.LIMIT_GTC, "post_only": True, "qty": Decimal("3.00")},
            {"limit_limit_gtc": {"base_size": "3", "limit_price": "68925", "post_only": True}},
        ),
        ({"kind": OrderKind.LIMIT_FOK}, {"limit_limit_fok": {"base_size": "3", "limit_price": "68925"}}),
        ({"kind": OrderKind.MARKET_IOC, "limit_price": None}, {"market_market_ioc": {"base_size": "3"}}),
        (
            {"kind": OrderKind.LIMIT_GTD, "good_until": NOW + 600 * NANOSECONDS},
            {
                "limit_limit_gtd": {
                    "base_size": "3",
                    "limit_price": "68925",
                    "end_time": rfc3339(NOW + 600 * NANOSECONDS),
                    "post_only": False,
                }
            },
        ),
        (
            {"kind": OrderKind.STOP_LIMIT_GTC, "stop_price": Decimal(68920)},
            {
                "stop_limit_stop_limit_gtc": {
                    "base_size": "3",
                    "limit_price": "68925",
                    "stop_price": "68920",
                    "stop_direction": "STOP_DIRECTION_STOP_UP",
                }
            },
        ),
        (
            {"kind": OrderKind.STOP_LIMIT_GTD, "stop_price": Decimal(68000), "good_until": NOW + NANOSECONDS},
            {
                "stop_limit_stop_limit_gtd": {
                    "base_size": "3",
                    "limit_price": "68925",
                    "stop_price": "68000",
                    "stop_direction": "STOP_DIRECTION_STOP_DOWN",
                    "end_time": rfc3339(NOW + NANOSECONDS),
                }
            },
        ),
        (
            {"kind": OrderKind.TRIGGER_BRACKET_GTC, "stop_price": Decimal(65000)},
            {"trigger_bracket_gtc": {"base_size": "3", "limit_price": "68925", "stop_trigger_price": "65000"}},
        ),
    ],
)
def test_each_kind_of_order_is_sent_under_its_own_key(
    booth: Booth, changes: dict[str, Any], configuration: dict[str, Any]
) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1, **changes))
        ours.door.wait_for(OrderReported, 2)
        assert not ours.door.of(KillSwitchThrown)
    assert booth.peer.of("POST", "/orders")[0].json["order_configuration"] == configuration


def test_a_close_goes_to_its_own_place(booth: Booth) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1, reduce_only=True, kind=OrderKind.CLOSE_POSITION, limit_price=None, side=Side.SELL))
        ours.door.wait_for(OrderReported, 2)
        assert not ours.door.of(KillSwitchThrown)
    (request,) = booth.peer.of("POST", "/close_position")
    assert request.json == {"client_order_id": order_id(1), "product_id": "BIP-20DEC30-CDE", "size": "3"}


def test_the_end_of_an_order_that_ends_at_once_is_looked_for_until_it_is_seen(booth: Booth) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1))
        ours.door.wait(lambda told: any(_is(each, OrderStatus.OPEN) for each in told))
        with booth.lock:
            booth.orders["x-1"] |= {"status": "CANCELLED", "filled_size": "1", "filled_value": "689"}
        ours.door.wait(lambda told: any(_is(each, OrderStatus.CANCELLED) for each in told))


def _is(event: AnyEvent, status: OrderStatus) -> bool:
    return isinstance(event, OrderReported) and event.status is status


def test_an_order_that_is_not_listed_yet_is_read_back_a_little_later(booth: Booth) -> None:
    asked = 0

    def not_yet(request: Request, _: socket.socket) -> bytes:
        nonlocal asked
        asked += 1
        if asked == 2:
            del booth.faults["/orders/historical/x-1"]
        return reply({"error": "unknown", "message": "order with this orderID was not found"}, 404)

    booth.faults["/orders/historical/x-1"] = not_yet
    with desk(booth) as ours:
        ours.commit(submitted(1))
        assert len(ours.door.wait_for(OrderReported, 2)) >= 2
    assert asked == 2


def test_a_refused_order_is_rejected_with_the_exchanges_reason(booth: Booth) -> None:
    refusal = {"error": "INSUFFICIENT_FUND", "message": "no money", "new_order_failure_reason": "INSUFFICIENT_FUNDS"}
    booth.faults["/orders"] = lambda *_: reply({"success": False, "error_response": refusal})
    with desk(booth) as ours:
        ours.commit(submitted(1))
        (rejected,) = ours.door.wait_for(OrderRejected)
    assert rejected == OrderRejected(
        order=order_id(1), code="INSUFFICIENT_FUNDS", message="INSUFFICIENT_FUNDS: no money"
    )


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, b'{"error":"INVALID_ARGUMENT","message":"no"}', "INVALID_ARGUMENT"),
        (401, b"Unauthorized\n", "AuthenticationError"),
        (403, b'{"error":"PERMISSION_DENIED","message":"no"}', "PERMISSION_DENIED"),
        (429, b"", "RATE_LIMITED"),
    ],
)
def test_an_order_that_the_exchange_did_not_take_is_rejected_and_not_repeated(
    booth: Booth, status: int, body: bytes, code: str
) -> None:
    booth.faults["/orders"] = lambda *_: reply(body, status)
    with desk(booth) as ours:
        ours.commit(submitted(1))
        (rejected,) = ours.door.wait_for(OrderRejected)
    assert rejected.code == code
    assert booth.creates == [order_id(1)]


def test_an_order_that_could_not_leave_is_withheld(booth: Booth) -> None:
    with desk(booth) as ours:
        booth.close()
        ours.commit(submitted(1))
        (withheld,) = ours.door.wait_for(OrderWithheld)
    assert "before anything was sent" in withheld.reason


# Nobody can say.


def reset(_: Request, sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(_: Request, sock: socket.socket) -> None:
    sock.settimeout(5)
    sock.recv(1)


LOST: dict[str, Callable[[Request, socket.socket], bytes | None]] = {
    "the connection breaks": reset,
    "no answer comes": silence,
    "500": lambda *_: reply(b'{"error":"INTERNAL"}', 500),
    "503 in HTML": lambda *_: reply(b"<html>busy</html>", 503),
    "HTML": lambda *_: reply(b"<html>all is well</html>"),
    "half a reply": lambda *_: reply(b'{"success": true', length=500, close=True),
    "success without an id": lambda *_: reply({"success": True}),
    "an id that was used before": lambda *_: reply(
        {"success": False, "error_response": {"new_order_failure_reason": "DUPLICATE_CLIENT_ORDER_ID"}}
    ),
}


@pytest.mark.parametrize("what", LOST)
def test_an_order_whose_answer_was_lost_is_unknown_until_the_listing_shows_it(booth: Booth, what: str) -> None:
    booth.faults["/orders"] = LOST[what]
    booth.takes_effect_after_fault = True
    with desk(booth, write_timeout_s=0.3) as ours:
        ours.commit(submitted(1))
        (unknown,) = ours.door.wait_for(OrderOutcomeUnknown)
        (report, *_) = ours.door.wait_for(OrderReported)
    assert (unknown.order, report.order, report.exchange_order) == (order_id(1), order_id(1), "x-1")
    assert not ours.door.of(OrderNotFound, OrderRejected, OrderWithheld)
    assert booth.creates == [order_id(1)], "sent once"
    assert len(booth.orders) == 1


@pytest.mark.parametrize("what", LOST)
def test_an_order_that_never_arrived_is_given_up_only_after_the_deadline_and_two_listings(
    booth: Booth, what: str
) -> None:
    booth.faults["/orders"] = LOST[what]
    with desk(booth, write_timeout_s=0.3) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderOutcomeUnknown)
        since = time.monotonic()
        (not_found,) = ours.door.wait_for(OrderNotFound)
        assert time.monotonic() - since >= LATE_S + GAP_S - 0.05
    assert not_found == OrderNotFound(order=order_id(1), listings=2, listed_at=(NOW, NOW))
    listings = booth.peer.of("GET", "/historical/batch")
    late = [each.at for each in listings if each.at - since >= LATE_S - 0.05]
    assert len(late) >= 2
    assert late[-1] - late[0] >= GAP_S - 0.02
    assert all("product_ids=BIP-20DEC30-CDE" in each.query for each in listings)
    assert all("start_date=2026-04-07T14%3A29%3A03" in each.query for each in listings), "a minute before the intent"
    assert all("order_status" not in each.query for each in listings), "all states"
    assert booth.creates == [order_id(1)]


def test_an_order_that_turns_up_late_is_found_and_not_given_up(booth: Booth) -> None:
    booth.faults["/orders"] = reset
    with desk(booth) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderOutcomeUnknown)
        while len(booth.peer.of("GET", "/historical/batch")) < 2:
            time.sleep(0.005)
        with booth.lock:
            booth.rest(1, status="FILLED", filled_size="3", filled_value="2067.75")
        (report,) = ours.door.wait_for(OrderReported)
    assert (report.status, report.filled_qty, report.filled_value) == (
        OrderStatus.FILLED,
        Decimal(3),
        Decimal("2067.75"),
    )
    assert not ours.door.of(OrderNotFound)


def test_a_listing_that_breaks_off_is_no_evidence(booth: Booth) -> None:
    booth.faults["/orders"] = reset
    booth.page = 1
    for number in (7, 8, 9):
        booth.rest(number, status="FILLED")

    def second_page_fails(request: Request, _: socket.socket) -> bytes:
        return reply(b"", 503) if "cursor" in request.query else booth._usual(request)

    booth.faults["/orders/historical/batch"] = second_page_fails
    with desk(booth) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderOutcomeUnknown)
        time.sleep(LATE_S + 4 * GAP_S)
        assert not ours.door.of(OrderNotFound)
        with booth.lock:
            del booth.faults["/orders/historical/batch"]
        ours.door.wait_for(OrderNotFound)


def test_a_position_that_moves_meanwhile_begins_the_evidence_anew(booth: Booth) -> None:
    booth.faults["/orders"] = reset
    sizes = iter(range(1, 1000))
    moving = True

    def positions(*_: Any) -> bytes:
        held = {
            "product_id": "BIP-20DEC30-CDE",
            "side": "LONG",
            "number_of_contracts": str(next(sizes) if moving else 1),
        }
        return reply({"positions": [held]})

    booth.faults["/cfm/positions"] = positions
    with desk(booth) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderOutcomeUnknown)
        time.sleep(LATE_S + 4 * GAP_S)
        assert not ours.door.of(OrderNotFound)
        moving = False
        ours.door.wait_for(OrderNotFound)


def test_an_order_that_is_found_and_cannot_be_read_is_looked_for_again(booth: Booth) -> None:
    booth.faults["/orders"] = reset
    with desk(booth) as ours:
        with booth.lock:
            booth.rest(1, filled_size="1", filled_value="")
        ours.commit(submitted(1))
        ours.door.wait_for(OrderOutcomeUnknown)
        while len(booth.peer.of("GET", "/historical/batch")) < 3:
            time.sleep(0.005)
        with booth.lock:
            booth.orders["x-1"]["filled_value"] = "689.25"
        (report,) = ours.door.wait_for(OrderReported)
    assert report.filled_value == Decimal("689.25")
    assert not ours.door.of(OrderNotFound, KillSwitchThrown)


def test_two_orders_under_one_id_stop_trading(booth: Booth) -> None:
    booth.faults["/orders"] = reset
    with desk(booth) as ours:
        with booth.lock:
            booth.rest(1)
            booth.rest(1)
        ours.commit(submitted(1))
        (thrown,) = ours.door.wait_for(KillSwitchThrown)
    assert "2 orders under the one id" in thrown.reason


def test_an_answer_that_speaks_of_another_order_stops_trading(booth: Booth) -> None:
    booth.rest(1, side="SELL", order_configuration={"limit_limit_gtc": {"base_size": "9", "limit_price": "1"}})
    with desk(booth) as ours:
        ours.commit(submitted(1))
        (thrown,) = ours.door.wait_for(KillSwitchThrown)
    assert "another order (x-1): side sell for buy, qty 9 for 3, limit_price 1 for 68925" in thrown.reason
    assert [event.status for event in ours.door.of(OrderReported)] == [OrderStatus.PENDING]


# Never twice.


def test_an_id_is_sent_once_however_often_it_is_heard(booth: Booth) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1))
        ours.commit(submitted(1), submitted(1))
        ours.commit(submitted(2))
        ours.door.wait(lambda told: any(isinstance(e, OrderReported) and e.order == order_id(2) for e in told))
    assert booth.creates == [order_id(1), order_id(2)]


def test_after_a_restart_what_was_submitted_is_looked_for_and_never_sent(booth: Booth) -> None:
    booth.rest(1, status="FILLED", filled_size="3", filled_value="2067.75")
    with desk(booth, unresolved=[order_id(1), order_id(2)]) as ours:
        (report,) = ours.door.wait_for(OrderReported)
        ours.commit(submitted(1), submitted(2))
        (not_found,) = ours.door.wait_for(OrderNotFound)
    assert (report.order, report.status) == (order_id(1), OrderStatus.FILLED)
    assert not_found.order == order_id(2)
    assert booth.creates == []
    assert all("start_date" not in each.query for each in booth.peer.of("GET", "/historical/batch"))


def test_an_id_that_was_given_up_is_not_sent_again(booth: Booth) -> None:
    booth.faults["/orders"] = reset
    with desk(booth) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderNotFound)
        with booth.lock:
            del booth.faults["/orders"]
        ours.commit(submitted(1), submitted(2))
        ours.door.wait_for(OrderReported)
    assert booth.creates == [order_id(1), order_id(2)]


# What stands in the way.

LOSSES: list[AnyEvent] = [
    FeedLost(feed="market", connection=1, reason="x"),
    FeedGapFound(feed="market", connection=1, last_seq=1, next_seq=3),
    FeedWentSilent(feed="market", connection=1, silent_ms=3000),
    FeedConnected(feed="market", connection=2),
]
OBSTACLES: dict[str, tuple[AnyEvent, AnyEvent, str]] = {
    "a kill": (KillSwitchThrown(reason="x"), KillSwitchReset(reason="x"), "kill switch"),
    "reduce-only, asked for": (
        ReduceOnlyRequested(product=None, reason="x"),
        ReduceOnlyReleased(product=None, reason="x"),
        "reducing",
    ),
    "reduce-only of the product": (
        ReduceOnlyEntered(product="BTC-PERP", reason="x"),
        ReduceOnlyLeft(product="BTC-PERP", reason="x"),
        "reducing",
    ),
    **{f"market feed: {type(loss).__name__}": (loss, WHOLE, "feed is not whole") for loss in LOSSES},
}


@pytest.mark.parametrize("what", OBSTACLES)
def test_an_increasing_intent_behind_an_obstacle_is_withheld_and_a_reducing_one_leaves(booth: Booth, what: str) -> None:
    obstacle, relief, words = OBSTACLES[what]
    with desk(booth) as ours:
        ours.commit(obstacle, submitted(1), submitted(2, reduce_only=True))
        (withheld,) = ours.door.wait_for(OrderWithheld)
        ours.door.wait_for(OrderReported)
        ours.commit(relief, submitted(3))
        ours.door.wait(lambda told: any(isinstance(e, OrderReported) and e.order == order_id(3) for e in told))
    assert withheld.order == order_id(1)
    assert words in withheld.reason
    assert booth.creates == [order_id(2), order_id(3)]


@pytest.mark.parametrize(
    "event",
    [
        FeedLost(feed="user", connection=1, reason="x"),
        ReduceOnlyEntered(product="ETH-PERP", reason="x"),
        ActorFailed(actor="funding", record=1, error="x"),
    ],
)
def test_what_does_not_concern_an_order_does_not_hold_it(booth: Booth, event: AnyEvent) -> None:
    with desk(booth, event) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderReported)


def test_before_the_market_feed_is_whole_no_entry_leaves(booth: Booth) -> None:
    ours = Desk(booth)
    ours.gateway.start()
    ours.commit(submitted(1), submitted(2, reduce_only=True))
    ours.door.wait_for(OrderWithheld)
    ours.door.wait_for(OrderReported)
    ours.gateway.stop()
    assert booth.creates == [order_id(2)]


def test_a_kill_from_before_the_session_holds(booth: Booth) -> None:
    with desk(booth, standing=Standing(killed=True)) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderWithheld)
    with desk(booth, standing=Standing(reduce_only=[EVERYTHING])) as ours:
        ours.commit(submitted(2))
        ours.door.wait_for(OrderWithheld)
    assert not booth.creates


@pytest.mark.parametrize("reduce_only", [False, True])
def test_an_intent_whose_time_ran_out_is_withheld(booth: Booth, reduce_only: bool) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1, reduce_only=reduce_only, expires_at=NOW))
        ours.door.wait_for(OrderReported)
        ours.now = NOW + 3 * NANOSECONDS
        ours.commit(submitted(2, reduce_only=reduce_only, expires_at=NOW + NANOSECONDS))
        (withheld,) = ours.door.wait_for(OrderWithheld)
    assert withheld == OrderWithheld(order=order_id(2), reason="it expired 2000 ms before it could be sent")


def test_the_expiry_is_looked_at_after_the_rate_limiter_and_before_the_send(booth: Booth) -> None:
    with desk(booth) as ours:
        take = ours.client.line.limiter.take

        def slow(*args: Any) -> None:
            take(*args)
            ours.now += 3 * NANOSECONDS

        ours.client.line.limiter.take = slow  # type: ignore[assignment,method-assign]  # the limiter takes its time
        ours.commit(submitted(1))
        ours.door.wait_for(OrderWithheld)
    assert not booth.creates


def test_a_kill_heard_while_an_order_waits_still_stops_it(booth: Booth) -> None:
    inside, go = threading.Event(), threading.Event()

    def slow(request: Request, _: socket.socket) -> bytes:
        inside.set()
        go.wait(PATIENCE_S)
        return booth._usual(request)

    booth.faults["/orders"] = slow
    with desk(booth, write_timeout_s=5.0) as ours:
        ours.commit(submitted(1), submitted(2))
        assert inside.wait(PATIENCE_S)
        ours.commit(KillSwitchThrown(reason="now"))
        while not ours.gateway._standing.killed:
            time.sleep(0.001)
        go.set()
        (withheld,) = ours.door.wait_for(OrderWithheld)
    assert withheld.order == order_id(2)
    assert booth.creates == [order_id(1)]


def test_entries_that_would_wait_too_long_for_the_rate_limit_are_withheld_and_exits_leave(booth: Booth) -> None:
    with desk(booth, limit=10) as ours:
        for _ in range(8):
            ours.client.line.limiter.take()
        ours.commit(submitted(1), submitted(2, reduce_only=True))
        (withheld,) = ours.door.wait_for(OrderWithheld)
        ours.door.wait_for(OrderReported)
    assert withheld.order == order_id(1)
    assert "our own limit" in withheld.reason
    assert booth.creates == [order_id(2)]


# Without risk.


def test_while_risk_is_gone_nothing_leaves_but_cancels_and_what_rests_is_cancelled(booth: Booth) -> None:
    resting = booth.rest(1)
    pending = booth.rest(2, status="PENDING")
    with desk(booth) as ours:
        ours.commit(submitted(3, reduce_only=True))
        ours.door.wait_for(OrderReported)
        ours.commit(
            ActorFailed(actor="risk", record=1, error="x", hung=True), submitted(4), submitted(5, reduce_only=True)
        )
        withheld = ours.door.wait_for(OrderWithheld, 2)
        ours.commit(cancelled(3, "x-3"))
        while booth.orders[resting]["status"] != "CANCELLED" or booth.orders["x-3"]["status"] != "CANCELLED":
            time.sleep(0.005)
        assert booth.orders[pending]["status"] == "CANCELLED"
    assert {each.order for each in withheld} == {order_id(4), order_id(5)}
    assert booth.creates == [order_id(3)]


def test_a_reducing_order_stays_when_risk_is_gone(booth: Booth) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1, reduce_only=True, kind=OrderKind.LIMIT_GTC))
        ours.door.wait_for(OrderReported)
        ours.commit(ActorFailed(actor="risk", record=1, error="x"))
        while len(booth.peer.of("GET", "/historical/batch")) < 2:
            time.sleep(0.005)
    assert booth.orders["x-1"]["status"] == "OPEN"
    assert not booth.peer.of("POST", "/batch_cancel")


def test_risk_that_comes_back_in_time_costs_nothing(booth: Booth) -> None:
    booth.rest(1)
    with desk(booth, risk_grace_s=0.2) as ours:
        ours.commit(ActorFailed(actor="risk", record=1, error="x"), ActorRestarted(actor="risk"))
        time.sleep(0.4)
        ours.commit(submitted(2))
        ours.door.wait_for(OrderReported)
    assert booth.orders["x-1"]["status"] == "OPEN"


# Cancels.


def test_cancels_leave_in_batches_and_only_refusals_are_told(booth: Booth) -> None:
    ids = [booth.rest(number) for number in range(1, 4)]
    with desk(booth) as ours:
        ours.commit(*[cancelled(i, each) for i, each in enumerate(ids, 1)], cancelled(9, "x-99"))
        (rejected,) = ours.door.wait_for(CancelRejected)
    assert rejected == CancelRejected(order=order_id(9), code="UNKNOWN_CANCEL_ORDER", message="")
    assert all(row["status"] == "CANCELLED" for row in booth.orders.values())


def test_two_hundred_and_fifty_cancels_are_at_most_a_hundred_at_a_time(booth: Booth) -> None:
    ids = [booth.rest(number) for number in range(1, 251)]
    with desk(booth) as ours:
        ours.commit(*[cancelled(i, each) for i, each in enumerate(ids, 1)])
        while any(row["status"] != "CANCELLED" for row in booth.orders.values()):
            time.sleep(0.005)
    sizes = [len(each.json["order_ids"]) for each in booth.peer.of("POST", "/batch_cancel")]
    assert sum(sizes) == 250
    assert max(sizes) <= 100


@pytest.mark.parametrize("fault", [reset, lambda *_: reply(b"", 503), lambda *_: reply({"results": []})])
def test_a_cancel_without_an_answer_is_told_so_that_it_is_asked_again(
    booth: Booth, fault: Callable[[Request, socket.socket], bytes | None]
) -> None:
    booth.faults["/orders/batch_cancel"] = fault
    with desk(booth) as ours:
        ours.commit(cancelled(1, booth.rest(1)))
        (rejected,) = ours.door.wait_for(CancelRejected)
    assert rejected.order == order_id(1)


def test_cancels_and_exits_do_not_wait_behind_an_entry_that_hangs(booth: Booth) -> None:
    resting = booth.rest(9)

    def hang(request: Request, sock: socket.socket) -> bytes | None:
        if request.json["client_order_id"] == order_id(1):
            booth.lock.release()
            try:
                silence(request, sock)
            finally:
                booth.lock.acquire()
            return None
        return booth._usual(request)

    booth.faults["/orders"] = hang
    with desk(booth, write_timeout_s=1.5) as ours:
        ours.commit(submitted(1), submitted(2, reduce_only=True), cancelled(9, resting))
        began = time.monotonic()
        ours.door.wait_for(OrderReported)
        while booth.orders[resting]["status"] != "CANCELLED":
            time.sleep(0.005)
        assert time.monotonic() - began < 1.0
        assert not ours.door.of(OrderOutcomeUnknown)


# The end.


def test_what_has_not_left_when_the_gateway_stops_is_withheld(booth: Booth) -> None:
    inside = threading.Event()

    def slow(request: Request, _: socket.socket) -> bytes:
        inside.set()
        time.sleep(0.3)
        return booth._usual(request)

    booth.faults["/orders"] = slow
    with desk(booth) as ours:
        ours.commit(submitted(1), submitted(2))
        assert inside.wait(PATIENCE_S)
        while not ours.gateway._sent >= {order_id(1), order_id(2)}:
            time.sleep(0.001)
        ours.gateway.stop()
    assert ours.door.of(OrderWithheld) == [OrderWithheld(order=order_id(2), reason="the system is stopping")]
    assert {event.order for event in ours.door.of(OrderReported)} == {order_id(1)}


def test_the_gateway_stops_at_once_and_leaves_no_thread(booth: Booth) -> None:
    booth.faults["/orders"] = reset
    before = {thread.name for thread in threading.enumerate()}
    with desk(booth) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderOutcomeUnknown)
        began = time.monotonic()
        ours.gateway.stop()
        assert time.monotonic() - began < 1.0
    left = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in left if "gateway" in name or "Mailbox" in name]


def test_a_stopped_gateway_hurts_nobody_who_tells_it_something(booth: Booth) -> None:
    with desk(booth) as ours:
        ours.gateway.stop()
        ours.commit(submitted(1))
    assert not booth.creates


def test_committed_returns_at_once(booth: Booth) -> None:
    booth.faults["/orders"] = silence
    with desk(booth, write_timeout_s=0.5) as ours:
        began = time.monotonic()
        ours.commit(*[submitted(number) for number in range(1, 5)])
        assert time.monotonic() - began < 0.1


def test_a_mistake_in_the_gateway_stops_trading_and_not_the_gateway(
    booth: Booth, caplog: pytest.LogCaptureFixture
) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1, side=None))
        (thrown,) = ours.door.wait_for(KillSwitchThrown)
        ours.commit(submitted(2))
        ours.door.wait_for(OrderReported)
    assert "the gateway failed: AttributeError" in thrown.reason
    assert [each.order for each in ours.door.of(OrderOutcomeUnknown)] == [order_id(1)]


def test_everything_that_rests_is_cancelled_once_without_an_intent(booth: Booth) -> None:
    booth.page = 40
    open_ids = [booth.rest(number) for number in range(1, 121)]
    pending = booth.rest(500, status="PENDING")
    done = booth.rest(501, status="FILLED")
    with desk(booth) as ours:
        outcome = ours.gateway.cancel_all_once()
    assert set(outcome.asked) == {*open_ids, pending}
    assert (outcome.refused, outcome.error) == ({}, None)
    assert booth.orders[done]["status"] == "FILLED"
    assert [len(each.json["order_ids"]) for each in booth.peer.of("POST", "/batch_cancel")] == [100, 21]


def test_what_was_listed_is_cancelled_although_the_listing_broke_off(booth: Booth) -> None:
    booth.rest(1)
    booth.faults["/time"] = lambda *_: reply(b"", 400)
    with desk(booth) as ours:
        outcome = ours.gateway.cancel_all_once()
    assert outcome.asked == ("x-1",)
    assert outcome.error is not None
    assert booth.orders["x-1"]["status"] == "CANCELLED"


def test_intents_of_one_kind_leave_in_the_order_of_the_log(booth: Booth) -> None:
    orders: list[OrderSubmitted] = [submitted(number) for number in range(1, 21)]
    with desk(booth) as ours:
        ours.commit(*orders)
        ours.door.wait(lambda told: sum(_is(each, OrderStatus.PENDING) for each in told) == 20)
    assert booth.creates == [order.order for order in orders]


def test_the_last_cancelling_leaves_the_brackets_that_protect_a_position(booth: Booth) -> None:
    bracket = {"trigger_bracket_gtc": {"base_size": "3", "limit_price": "75000", "stop_trigger_price": "65000"}}
    protects, rests = booth.rest(1, order_configuration=bracket), booth.rest(2)
    with desk(booth) as ours:
        outcome = ours.gateway.cancel_all_once()
    assert outcome.asked == (rests,)
    assert booth.orders[protects]["status"] == "OPEN"


def test_the_fills_of_an_order_are_read_by_its_id_when_they_are_wanted(booth: Booth) -> None:
    line = {
        "entry_id": "e-1",
        "trade_id": "t-1",
        "order_id": "x-1",
        "product_id": "BIP-20DEC30-CDE",
        "side": "BUY",
        "trade_type": "FILL",
        "price": "68925",
        "size": "3",
        "commission": "0.42",
        "sequence_timestamp": "2026-04-07T14:30:03Z",
    }
    booth.faults["/orders/historical/fills"] = lambda request, _: reply({"fills": [line], "cursor": ""})
    wanted = [
        FillsWanted(order=order_id(n), exchange_order=f"x-{n}", product="BTC-PERP", filled_qty=Decimal(3))
        for n in (1, 2)
    ]
    with desk(booth) as ours:
        ours.commit(*wanted)
        (told,) = ours.door.wait_for(FillsReported, 1)[:1]
    assert (told.exchange_order, [entry.entry for entry in told.entries]) == ("x-1", ["e-1"])
    asked = [request.query for request in booth.peer.of("GET", "/orders/historical/fills")]
    assert all("order_ids=x-1" in query or "order_ids=x-2" in query for query in asked)


def test_a_list_of_fills_that_cannot_be_read_says_nothing_and_stops_nothing(booth: Booth) -> None:
    booth.faults["/orders/historical/fills"] = lambda request, _: reply({"fills": "none"})
    with desk(booth) as ours:
        ours.commit(
            FillsWanted(order=order_id(1), exchange_order="x-1", product="BTC-PERP", filled_qty=Decimal(3)),
            submitted(2),
        )
        ours.door.wait_for(OrderReported, 1)
        assert not ours.door.of(FillsReported)
        assert not ours.door.of(KillSwitchThrown)


def setting(**orders: Any) -> SessionStarted:
    configuration = Configuration(mode="live", orders=OrderSetting(**orders))
    return SessionStarted(session="s", configuration=configuration, clock=Clock.WALL, code="test")


@pytest.mark.parametrize(
    "missing",
    [
        {"kind": OrderKind.LIMIT_GTC, "limit_price": None},
        {"kind": OrderKind.LIMIT_GTD},
        {"kind": OrderKind.STOP_LIMIT_GTC},
        {"kind": OrderKind.TRIGGER_BRACKET_GTC},
        {"kind": OrderKind.UNKNOWN},
    ],
)
def test_an_intent_that_lacks_what_its_kind_needs_is_withheld_and_nothing_is_sent(
    booth: Booth, missing: dict[str, Any]
) -> None:
    with desk(booth) as ours:
        ours.commit(submitted(1, **missing))
        (withheld,) = ours.door.wait_for(OrderWithheld)
        assert "needs" in withheld.reason or "cannot be placed" in withheld.reason
    assert booth.creates == []


def test_where_no_limit_ioc_is_taken_it_leaves_as_an_order_that_rests(booth: Booth) -> None:
    with desk(booth, setting(limit_ioc_as="gtc_then_cancel")) as ours:
        ours.commit(submitted(1))
        ours.door.wait_for(OrderReported, 2)
        assert not ours.door.of(KillSwitchThrown)
    (sent,) = booth.peer.of("POST", "/orders")
    resting = {"base_size": "3", "limit_price": "68925", "post_only": False}
    assert sent.json["order_configuration"] == {"limit_limit_gtc": resting}


class TestPreview:
    def answered(self, booth: Booth, body: dict[str, Any], status: int = 200) -> None:
        booth.faults["/orders/preview"] = lambda request, _: reply(body, status)

    def test_an_order_is_previewed_before_it_is_placed_if_that_is_set(self, booth: Booth) -> None:
        self.answered(booth, {"errs": [], "warning": ["UNKNOWN"]})
        with desk(booth, setting(preview_before_place=True)) as ours:
            ours.commit(submitted(1))
            ours.door.wait_for(OrderReported, 1)
        (asked,) = booth.peer.of("POST", "/orders/preview")
        assert asked.json == {
            "product_id": "BIP-20DEC30-CDE",
            "side": "BUY",
            "order_configuration": {"sor_limit_ioc": {"base_size": "3", "limit_price": "68925"}},
        }
        assert booth.creates == [order_id(1)]

    def test_without_the_setting_nothing_is_previewed(self, booth: Booth) -> None:
        with desk(booth, setting()) as ours:
            ours.commit(submitted(1))
            ours.door.wait_for(OrderReported, 1)
        assert booth.peer.of("POST", "/orders/preview") == []

    @pytest.mark.parametrize("reduce_only", [False, True])
    def test_what_the_preview_objects_to_is_not_placed_and_its_reason_recorded(
        self, booth: Booth, reduce_only: bool
    ) -> None:
        self.answered(booth, {"errs": ["PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES"]})
        with desk(booth, setting(preview_before_place=True)) as ours:
            ours.commit(submitted(1, reduce_only=reduce_only))
            (refused,) = ours.door.wait_for(OrderRejected, 1)
        assert refused == OrderRejected(
            order=order_id(1),
            code="PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES",
            message="preview: PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES",
        )
        assert booth.creates == []

    def test_without_an_answer_an_entry_stays_and_an_exit_leaves(self, booth: Booth) -> None:
        self.answered(booth, {"error": "INTERNAL"}, 500)
        with desk(booth, setting(preview_before_place=True)) as ours:
            ours.commit(submitted(1), submitted(2, reduce_only=True))
            (withheld,) = ours.door.wait_for(OrderWithheld, 1)
            ours.door.wait_for(OrderReported, 1)
        assert withheld.order == order_id(1)
        assert "preview got no answer" in withheld.reason
        assert booth.creates == [order_id(2)]

    def test_a_close_is_never_previewed(self, booth: Booth) -> None:
        with desk(booth, setting(preview_before_place=True)) as ours:
            ours.commit(submitted(1, kind=OrderKind.CLOSE_POSITION, limit_price=None, side=Side.SELL, reduce_only=True))
            ours.door.wait_for(OrderReported, 1)
        assert booth.peer.of("POST", "/orders/preview") == []
