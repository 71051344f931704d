"""The account poller: what it asks, when, and that a round is told whole or not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from actors.connection.account import AccountPoller
from actors.connection.amounts import nanoseconds_of
from actors.connection.auth import Credentials
from actors.connection.balances import window_of
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.market_replies import Product, Products
from actors.connection.client.replies import FuturesPosition
from actors.connection.errors import BrokerageError, PermissionDenied
from actors.connection.holdings import signed_qty
from actors.connection.listing import funding_interval_s, funding_of, listed
from actors.door import Lane
from events.account import BalanceReported, MarginWindowChanged
from events.catalog import FundingRatePublished, MarginRates, ProductListed
from events.feeds import ExchangeReconciled
from events.orders import FillEntry, FillsReported, OrderReported
from events.position import PositionReported
from events.session import ClockTicked
from events.terms import NANOSECONDS, FillKind, MarginWindow, OrderStatus
from tests.actors.connection.booth import order_id
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.actors.connection.peers import ListDoor, Request, http_peer, record, reply
from tests.paths import SHARED_DATA, needs_shared_data

PRODUCTS = {"BIP-20DEC30-CDE": "BTC-PERP"}
HOUR = 3_600 * NANOSECONDS
#: 14:00 of a Tuesday.
NOON = 1_775_570_400 * NANOSECONDS
KEY = Credentials(NAME, pem(EC_KEY))

PRODUCT: dict[str, Any] = {
    "product_id": "BIP-20DEC30-CDE",
    "base_increment": "1",
    "quote_increment": "0.01",
    "price_increment": "5",
    "base_min_size": "1",
    "base_max_size": "5000",
    "quote_min_size": "0",
    "quote_currency_id": "USD",
    "product_type": "FUTURE",
    "product_venue": "FCM",
    "display_name": "BTC PERP",
    "fcm_trading_session_details": {"is_session_open": True},
    "future_product_details": {
        "contract_size": "0.01",
        "contract_root_unit": "BTC",
        "contract_expiry": "2030-12-20T16:00:00Z",
        "contract_expiry_type": "EXPIRING",
        "funding_interval": "3600s",
        "funding_rate": "0.000013",
        "funding_time": "2026-04-07T14:00:00Z",
        "perpetual_details": {"funding_rate": "", "funding_time": None, "max_leverage": ""},
        "intraday_margin_rate": {"long_margin_rate": "0.1000185", "short_margin_rate": "0.1000008"},
        "overnight_margin_rate": {"long_margin_rate": "0.245625", "short_margin_rate": "0.306375"},
    },
}


class Office:
    """What the exchange answers, by path; tests change it while the poller asks."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: list[dict[str, Any]] = []
        self.recent: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {
            "/time": {"iso": "2026-04-07T14:00:30.5Z"},
            "/key_permissions": {"can_view": True, "can_trade": True, "can_transfer": False},
            "/products": {"products": [PRODUCT]},
            "/orders/historical/fills": {"fills": [], "cursor": ""},
            "/cfm/sweeps": {"sweeps": []},
            "/cfm/intraday/current_margin_window": {
                "margin_window": {
                    "margin_window_type": "MARGIN_WINDOW_TYPE_INTRADAY",
                    "end_time": "2026-04-07T20:00:00Z",
                }
            },
            "/cfm/balance_summary": {
                "balance_summary": {
                    "cbi_usd_balance": {"value": "2000", "currency": "USD"},
                    "cfm_usd_balance": {"value": "8000.00", "currency": "USD"},
                    "unrealized_pnl": {"value": "10.6", "currency": "USD"},
                    "initial_margin": {"value": "1000", "currency": "USD"},
                }
            },
            "/cfm/positions": {
                "positions": [
                    {
                        "product_id": "BIP-20DEC30-CDE",
                        "side": "SHORT",
                        "number_of_contracts": "2",
                        "avg_entry_price": "68400",
                        "current_price": "68930",
                        "unrealized_pnl": "-10.6",
                    }
                ]
            },
        }

    def __call__(self, request: Request, _: socket.socket) -> bytes:
        path = request.path.removeprefix("/api/v3/brokerage").removeprefix("/market")
        with self.lock:
            if path == "/orders/historical/batch":
                rows = self.open if "order_status=OPEN" in request.query else self.recent
                return reply({"orders": rows, "has_next": False, "cursor": ""})
            answer = self.answers.get(path)
        if isinstance(answer, bytes):
            return answer
        return reply(answer) if answer is not None else reply({"error": "NOT_FOUND", "message": "order"}, 404)


def row(number: int, status: str = "OPEN", filled: str = "0", **changes: Any) -> dict[str, Any]:
    return {
        "order_id": f"x-{number}",
        "client_order_id": order_id(number),
        "product_id": "BIP-20DEC30-CDE",
        "side": "BUY",
        "status": status,
        "order_configuration": {"limit_limit_gtc": {"base_size": "3", "limit_price": "68000"}},
        "filled_size": filled,
        "filled_value": str(Decimal(filled) * 680),
        "created_time": "2026-04-07T13:59:00Z",
        **changes,
    }


class Counter:
    """A poller with its door, its exchange, and the session's time in its hand."""

    def __init__(self, *, with_account: bool = True) -> None:
        self.office = Office()
        self.door = ListDoor()
        self.now = NOON + 30 * NANOSECONDS + 500_000_000
        self.refused: list[BrokerageError] = []
        self._peer = http_peer(self.office)
        self.peer = self._peer.__enter__()
        self.client = CoinbaseClient(self.peer.url, KEY if with_account else None, max_retries=0)
        self.poller = AccountPoller(
            self.door,
            self.client,
            PRODUCTS,
            lambda: self.now,
            with_account=with_account,
            on_refusal=self.refused.append,
        )

    def close(self) -> None:
        self.poller.stop()
        self.client.close()
        self._peer.__exit__(None, None, None)

    def tick(self, at: int) -> None:
        self.now = at
        self.poller.committed([record(ClockTicked(), at=at)])

    def rounds(self) -> int:
        return len(self.door.of(ExchangeReconciled))


@pytest.fixture
def counter() -> Iterator[Counter]:
    ours = Counter()
    yield ours
    ours.close()


LISTED = ProductListed(
    product="BTC-PERP",
    exchange_id="BIP-20DEC30-CDE",
    venue="CDE",
    contract_size=Decimal("0.01"),
    price_increment=Decimal(5),
    size_increment=Decimal(1),
    min_size=Decimal(1),
    max_size=Decimal(5000),
    underlying="BTC",
    display_name="BTC PERP",
    contract_expiry=1_924_012_800 * NANOSECONDS,
    funding_interval_s=3600,
    intraday_margin=MarginRates(long=Decimal("0.1000185"), short=Decimal("0.1000008")),
    overnight_margin=MarginRates(long=Decimal("0.245625"), short=Decimal("0.306375")),
    exchange_at=NOON + 30 * NANOSECONDS + 500_000_000,
)
AT = LISTED.exchange_at


def test_a_round_tells_the_whole_account_and_ends_with_reconciled(counter: Counter) -> None:
    counter.office.open = [row(1)]
    counter.poller.reconcile()
    events = counter.door.events
    assert events[:3] == [
        LISTED,
        FundingRatePublished(product="BTC-PERP", boundary=NOON, rate=Decimal("0.000013"), exchange_at=AT),
        MarginWindowChanged(window=MarginWindow.INTRADAY, ends_at=NOON + 6 * HOUR, exchange_at=AT),
    ]
    assert isinstance(events[3], OrderReported)
    assert events[4:] == [
        PositionReported(
            product="BTC-PERP",
            qty=Decimal(-2),
            entry_price=Decimal(68400),
            current_price=Decimal(68930),
            unrealized=Decimal("-10.6"),
            exchange_at=AT,
        ),
        BalanceReported(
            spot_usd=Decimal(2000),
            futures_usd=Decimal("8000.00"),
            unrealized=Decimal("10.6"),
            exchange_at=AT,
            initial_margin=Decimal(1000),
        ),
        ExchangeReconciled(exchange_at=AT),
    ]
    assert {(told.by, told.lane) for told in counter.door.told} == {("account", Lane.ORDERS)}


def test_the_second_round_tells_only_what_is_new_beside_positions_and_cash(counter: Counter) -> None:
    counter.office.open = [row(1)]
    counter.poller.reconcile()
    told = len(counter.door.events)
    counter.poller.reconcile()
    assert [type(event) for event in counter.door.events[told:]] == [
        PositionReported,
        BalanceReported,
        ExchangeReconciled,
    ]


def test_a_product_whose_rules_change_is_told_again(counter: Counter) -> None:
    counter.poller.reconcile()
    counter.office.answers["/products"] = {"products": [{**PRODUCT, "cancel_only": True}]}
    counter.poller.reconcile()
    assert [each.cancel_only for each in counter.door.of(ProductListed)] == [False, True]


def test_a_product_that_a_complete_list_of_positions_does_not_name_is_flat(counter: Counter) -> None:
    counter.office.answers["/cfm/positions"] = {"positions": []}
    counter.poller.reconcile()
    assert counter.door.of(PositionReported) == [
        PositionReported(
            product="BTC-PERP", qty=Decimal(0), entry_price=None, current_price=None, unrealized=None, exchange_at=AT
        )
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"positions": None},
        {"positions": [{"product_id": "BIP-20DEC30-CDE", "side": "LONG", "number_of_contracts": ""}]},
        {"positions": [{"product_id": "BIP-20DEC30-CDE", "side": "", "number_of_contracts": "3"}]},
        reply(b"", 503),
    ],
)
def test_a_list_of_positions_that_is_not_complete_is_not_a_flat_position(counter: Counter, answer: Any) -> None:
    counter.office.answers["/cfm/positions"] = answer
    with pytest.raises(BrokerageError):
        counter.poller.reconcile()
    assert counter.door.events == []


PATHS = [
    "/key_permissions",
    "/products",
    "/time",
    "/cfm/intraday/current_margin_window",
    "/cfm/balance_summary",
    "/cfm/positions",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_round_that_breaks_anywhere_tells_nothing_and_the_next_tells_it_all(counter: Counter, path: str) -> None:
    usual = counter.office.answers[path]
    counter.office.answers[path] = reply(b"<html>", 502)
    with pytest.raises(BrokerageError):
        counter.poller.reconcile()
    assert counter.door.events == []
    counter.office.answers[path] = usual
    counter.poller.reconcile()
    assert isinstance(counter.door.events[0], ProductListed)
    assert isinstance(counter.door.events[-1], ExchangeReconciled)


# Orders.


def test_orders_are_asked_for_open_and_recent_in_all_states_with_an_overlap(counter: Counter) -> None:
    counter.poller.reconcile()
    counter.poller.reconcile()
    queries = [each.query for each in counter.peer.of("GET", "/historical/batch")]
    assert ["order_status=OPEN" in query for query in queries] == [True, False, True, False]
    assert "start_date=2026-04-07T13%3A00%3A30" in queries[1], "an hour at first"
    assert "start_date=2026-04-07T13%3A59%3A30" in queries[3], "then since the last round, less a minute"


def test_an_order_is_told_once_until_something_about_it_changes(counter: Counter) -> None:
    counter.office.open = [row(1)]
    counter.office.recent = [row(1), row(2, "FILLED", "3")]
    counter.poller.reconcile()
    counter.poller.reconcile()
    counter.office.open = []
    counter.office.recent = [row(1, "FILLED", "3"), row(2, "FILLED", "3")]
    counter.poller.reconcile()
    told = [(each.exchange_order, each.status) for each in counter.door.of(OrderReported)]
    assert told == [("x-1", OrderStatus.OPEN), ("x-2", OrderStatus.FILLED), ("x-1", OrderStatus.FILLED)]


def test_an_order_we_think_alive_that_no_list_shows_is_asked_for_by_its_id(counter: Counter) -> None:
    counter.office.open = [row(1), row(2)]
    counter.poller.reconcile()
    counter.poller.committed([record(event) for event in counter.door.of(OrderReported)])
    counter.office.open = []
    counter.office.answers["/orders/historical/x-1"] = {"order": row(1, "CANCELLED", "1")}
    counter.poller.reconcile()
    (report,) = counter.door.of(OrderReported)[2:]
    assert (report.exchange_order, report.status, report.filled_qty) == ("x-1", OrderStatus.CANCELLED, Decimal(1))
    assert report.filled_value == Decimal(680)
    assert report.qty == Decimal(3)
    assert len(counter.peer.of("GET", "/historical/x-2")) == 1, "one that the exchange does not show breaks nothing"


def test_an_order_that_filled_without_a_value_breaks_the_round_rather_than_fill_at_no_price(counter: Counter) -> None:
    counter.office.open = [row(1, "OPEN", "1", filled_value="")]
    with pytest.raises(BrokerageError, match="x-1 filled 1 without a value"):
        counter.poller.reconcile()
    assert counter.door.events == []


def test_orders_of_others_are_told_as_theirs(counter: Counter) -> None:
    counter.office.open = [row(1, client_order_id="by hand"), row(2, is_liquidation=True)]
    counter.poller.reconcile()
    assert [(each.order, each.origin) for each in counter.door.of(OrderReported)] == [
        ("", "foreign"),
        ("", "liquidation"),
    ]


# The key.


@pytest.mark.parametrize("missing", ["can_trade", "can_view"])
def test_a_key_that_may_not_trade_is_refused_and_nothing_is_told(counter: Counter, missing: str) -> None:
    counter.office.answers["/key_permissions"] = {
        "can_view": True,
        "can_trade": True,
        "can_transfer": False,
        missing: False,
    }
    with pytest.raises(PermissionDenied, match=missing.removeprefix("can_")):
        counter.poller.reconcile()
    assert counter.door.events == []


def test_an_account_without_futures_is_named(counter: Counter) -> None:
    counter.office.answers["/cfm/balance_summary"] = {"balance_summary": None}
    with pytest.raises(PermissionDenied, match="no futures side"):
        counter.poller.reconcile()


def test_a_refused_key_ends_the_poller_and_is_told_to_the_system(counter: Counter) -> None:
    counter.office.answers["/key_permissions"] = {"can_view": True, "can_trade": False, "can_transfer": False}
    counter.poller.start()
    while not counter.refused:
        time.sleep(0.002)
    counter.poller._thread.join(5)
    assert not counter.poller._thread.is_alive()
    assert isinstance(counter.refused[0], PermissionDenied)


def test_a_product_that_the_exchange_does_not_list_is_named(counter: Counter) -> None:
    counter.office.answers["/products"] = {"products": []}
    with pytest.raises(BrokerageError, match="lists no BIP-20DEC30-CDE"):
        counter.poller.reconcile()


# When.


def test_rounds_come_at_the_start_and_every_minute_of_session_time(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.connection.account.LEAST_GAP_S", 0.01)
    counter.poller.start()
    counter.door.wait_for(ExchangeReconciled, 1)
    for second in range(59):
        counter.tick(NOON + (30 + second) * NANOSECONDS)
    time.sleep(0.1)
    assert counter.rounds() == 1
    for second in range(59, 62):
        counter.tick(NOON + (30 + second) * NANOSECONDS)
    counter.door.wait_for(ExchangeReconciled, 2)


def test_somebody_who_missed_something_gets_a_round_at_once(counter: Counter) -> None:
    counter.poller.start()
    counter.door.wait_for(ExchangeReconciled, 1)
    began = time.monotonic()
    counter.poller.catch_up("the user feed was away")
    counter.door.wait_for(ExchangeReconciled, 2)
    assert time.monotonic() - began < 1.0


def test_however_fast_the_session_runs_rounds_keep_a_distance(counter: Counter) -> None:
    counter.poller.start()
    counter.door.wait_for(ExchangeReconciled, 1)
    for minute in range(1, 200):
        counter.tick(NOON + minute * 60 * NANOSECONDS)
    time.sleep(0.3)
    assert counter.rounds() <= 2


def test_a_failed_round_is_tried_again(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.connection.account._FIRST_PAUSE_S", 0.01)
    counter.office.answers["/time"] = reply(b"", 502)
    counter.poller.start()
    while len(counter.peer.of("GET", "/time")) < 3:
        time.sleep(0.002)
    counter.office.answers["/time"] = {"iso": "2026-04-07T14:00:30Z"}
    counter.door.wait_for(ExchangeReconciled)


def test_a_new_funding_rate_is_looked_for_soon_after_its_hour_and_told_once(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.connection.account.LEAST_GAP_S", 0.01)
    counter.poller.start()
    counter.door.wait_for(ExchangeReconciled, 1)
    counter.tick(NOON + 31 * NANOSECONDS)
    counter.tick(NOON + HOUR - NANOSECONDS)
    counter.door.wait_for(ExchangeReconciled, 2)
    asked = len(counter.peer.of("GET", "/products"))
    for second in range(4):
        counter.tick(NOON + HOUR + second * NANOSECONDS)
    while len(counter.peer.of("GET", "/products")) == asked:
        time.sleep(0.002)
    assert len(counter.door.of(FundingRatePublished)) == 1, "the exchange does not show it yet"
    future = {**PRODUCT["future_product_details"], "funding_rate": "-0.00002", "funding_time": "2026-04-07T15:00:00Z"}
    with counter.office.lock:
        counter.office.answers["/time"] = {"iso": "2026-04-07T15:00:05Z"}
        counter.office.answers["/products"] = {"products": [{**PRODUCT, "future_product_details": future}]}
    for second in range(4, 30):
        counter.tick(NOON + HOUR + second * NANOSECONDS)
    rates = counter.door.wait_for(FundingRatePublished, 2)
    assert (rates[1].boundary, rates[1].rate) == (NOON + HOUR, Decimal("-0.00002"))
    asked = len(counter.peer.of("GET", "/products"))
    for second in range(30, 50):
        counter.tick(NOON + HOUR + second * NANOSECONDS)
    time.sleep(0.1)
    assert len(counter.peer.of("GET", "/products")) == asked, "once it is told nobody looks again"
    assert counter.rounds() == 2


def test_a_rate_that_is_shown_ahead_of_its_boundary_is_told_when_that_has_passed(counter: Counter) -> None:
    def shows(time_now: str, funding_time: str, rate: str) -> None:
        inner = {"funding_rate": rate, "funding_time": funding_time, "max_leverage": "10"}
        future = {
            "contract_size": "1",
            "contract_root_unit": "BTC",
            "contract_expiry_type": "PERPETUAL",
            "perpetual_details": inner,
        }
        counter.office.answers["/time"] = {"iso": time_now}
        counter.office.answers["/products"] = {"products": [{**PRODUCT, "future_product_details": future}]}
        counter.poller.reconcile()

    shows("2026-04-07T14:10:00Z", "2026-04-07T15:00:00.000008Z", "0.00001")
    shows("2026-04-07T14:50:00Z", "2026-04-07T15:00:00.000008Z", "0.00002")
    assert not counter.door.of(FundingRatePublished)
    shows("2026-04-07T15:00:30Z", "2026-04-07T16:00:00.000008Z", "0.00003")
    (rate,) = counter.door.of(FundingRatePublished)
    assert (rate.boundary, rate.rate) == (NOON + HOUR, Decimal("0.00002"))


def test_paper_trading_asks_for_products_only_and_needs_no_key() -> None:
    ours = Counter(with_account=False)
    ours.poller.start()
    ours.door.wait_for(FundingRatePublished)
    ours.close()
    assert {type(event) for event in ours.door.events} == {ProductListed, FundingRatePublished}
    assert {each.path.removeprefix("/api/v3/brokerage") for each in ours.peer.requests} == {"/time", "/market/products"}


def test_the_poller_stops_at_once_while_it_waits(counter: Counter) -> None:
    counter.poller.start()
    counter.door.wait_for(ExchangeReconciled)
    began = time.monotonic()
    counter.poller.stop()
    assert time.monotonic() - began < 0.5
    assert not counter.poller._thread.is_alive()


def test_a_closed_door_ends_the_poller_quietly(counter: Counter) -> None:
    counter.door.close()
    counter.poller.start()
    counter.poller._thread.join(5)
    assert not counter.poller._thread.is_alive()


# Products and words.


def fixture(name: str) -> dict[str, Product]:
    from actors.connection.client.reading import read

    raw = (SHARED_DATA / "coinbase-fixtures" / f"{name}.json").read_text()
    return {product.product_id: product for product in read(Products, raw).products}


@needs_shared_data
def test_of_all_recorded_futures_only_the_perpetual_pays_funding() -> None:
    intervals = {name: funding_interval_s(each) for name, each in fixture("http_products_future").items()}
    assert intervals.pop("BIP-20DEC30-CDE") == 3600
    assert set(intervals.values()) <= {None}


@needs_shared_data
def test_the_recorded_perpetual_is_listed_by_its_outer_details() -> None:
    product = fixture("http_products_future")["BIP-20DEC30-CDE"]
    rules = listed(product, "BTC-PERP", 7)
    assert (rules.venue, rules.contract_size, rules.price_increment, rules.underlying) == (
        "CDE",
        Decimal("0.01"),
        Decimal(5),
        "BTC",
    )
    assert rules.overnight_margin.short == Decimal("0.306375")
    assert (rules.min_notional, rules.max_leverage, rules.trading_disabled) == (None, None, False)
    rate = funding_of(product, "BTC-PERP", 7)
    assert rate is not None
    assert (rate.rate, rate.boundary % HOUR) == (Decimal("0.000013"), 0)


@needs_shared_data
def test_the_retired_perpetual_still_loads_by_its_inner_details() -> None:
    from actors.connection.client.reading import read

    raw = (SHARED_DATA / "coinbase-fixtures" / "ccxt_product_intx_perp_2024.json").read_text()
    product = read(Product, raw)
    rules = listed(product, "ETH-PERP", 7)
    assert (rules.venue, rules.contract_size, rules.quote_currency, rules.funding_interval_s) == (
        "INTX",
        Decimal(1),
        "USDC",
        3600,
    )
    assert rules.min_notional == Decimal(10)
    rate = funding_of(product, "ETH-PERP", 7)
    assert rate is not None
    assert rate.boundary % HOUR == 0


def test_a_product_without_a_contract_size_has_none_here_either() -> None:
    future = {**PRODUCT["future_product_details"], "contract_size": ""}
    assert _product(future_product_details=future).contract_size is None
    assert _product(future_product_details=None).contract_size is None


def test_a_product_without_increments_is_refused() -> None:
    with pytest.raises(ValueError, match="increment"):
        _product(price_increment="", quote_increment="")


@pytest.mark.parametrize("flag", ["trading_disabled", "is_disabled", "view_only"])
def test_every_way_of_closing_a_product_disables_trading(flag: str) -> None:
    assert _product(**{flag: True}).trading_disabled


def test_a_closed_session_is_said() -> None:
    assert not _product(fcm_trading_session_details={"is_session_open": False}).session_open
    assert _product(fcm_trading_session_details=None).session_open


def _product(**changes: Any) -> ProductListed:
    from actors.connection.client.reading import read

    return listed(read(Product, json.dumps({**PRODUCT, **changes})), "BTC-PERP", 7)


@pytest.mark.parametrize(
    ("side", "contracts", "qty"),
    [("LONG", "2", 2), ("SHORT", "2", -2), ("FUTURES_POSITION_SIDE_SHORT", "3", -3), ("UNKNOWN", "0", 0)],
)
def test_a_position_gets_its_sign_from_its_side(side: str, contracts: str, qty: int) -> None:
    assert signed_qty(FuturesPosition(product_id="p", side=side, number_of_contracts=Decimal(contracts))) == qty


@pytest.mark.parametrize(
    ("word", "window"),
    [
        ("MARGIN_WINDOW_TYPE_OVERNIGHT", MarginWindow.OVERNIGHT),
        ("FCM_MARGIN_WINDOW_TYPE_INTRADAY", MarginWindow.INTRADAY),
        ("FCM_MARGIN_WINDOW_TYPE_WEEKEND", MarginWindow.WEEKEND),
        ("MARGIN_WINDOW_TYPE_NEW", MarginWindow.UNSPECIFIED),
        ("", MarginWindow.UNSPECIFIED),
    ],
)
def test_a_margin_window_is_read_with_either_prefix(word: str, window: MarginWindow) -> None:
    assert window_of(word) is window


def line(number: int, trade_type: str = "FILL", **changes: Any) -> dict[str, Any]:
    """A line of the list of fills, of the first order."""
    return {
        "entry_id": f"e-{number}",
        "trade_id": "t-1",
        "order_id": "x-1",
        "product_id": "BIP-20DEC30-CDE",
        "side": "BUY",
        "trade_type": trade_type,
        "price": "68000",
        "size": "2",
        "commission": "0.30",
        "sequence_timestamp": f"2026-04-07T14:00:1{number}Z",
        "liquidity_indicator": "TAKER",
        **changes,
    }


def test_a_line_of_the_list_of_fills_is_told_once_and_one_that_takes_it_back_when_it_comes(counter: Counter) -> None:
    lines = counter.office.answers["/orders/historical/fills"]["fills"]
    lines.append(line(1))
    counter.poller.reconcile()
    counter.poller.reconcile()
    (first,) = counter.door.of(FillsReported)
    assert (first.exchange_order, first.product) == ("x-1", "BTC-PERP")
    assert first.entries == (
        FillEntry(
            entry="e-1",
            trade="t-1",
            kind=FillKind.FILL,
            qty=Decimal(2),
            price=Decimal(68_000),
            fee=Decimal("0.30"),
            exchange_at=nanoseconds_of("2026-04-07T14:00:11Z"),
            is_maker=False,
        ),
    )
    lines.insert(0, line(2, "REVERSAL", commission="0.30"))
    counter.poller.reconcile()
    (_, taken_back) = counter.door.of(FillsReported)
    (entry,) = taken_back.entries
    assert (entry.kind, entry.qty, entry.fee) == (FillKind.REVERSAL, Decimal(2), Decimal("-0.30"))


@pytest.mark.parametrize(
    "changes", [{"size": ""}, {"price": ""}, {"sequence_timestamp": None}, {"size_in_quote": True}]
)
def test_a_line_without_size_price_or_time_is_left_out_and_its_order_stays_provisional(
    counter: Counter, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    counter.office.answers["/orders/historical/fills"]["fills"] = [line(1, **changes), line(2)]
    counter.poller.reconcile()
    (told,) = counter.door.of(FillsReported)
    assert [entry.entry for entry in told.entries] == ["e-2"]
    assert "e-1" in caplog.text
