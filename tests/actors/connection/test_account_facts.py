"""What the account poller tells beside products, orders and positions: clock, index, candles, sweeps, margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from actors.connection.balances import balance_of
from actors.connection.client.account_replies import Money, Sweep
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.market_replies import ServerTime
from actors.connection.client.replies import BalanceSummary
from actors.connection.history import MOST_CANDLES, history_of
from actors.connection.inquiry import Inquiry
from actors.connection.pockets import sweeps_of
from actors.connection.skew import LEAST_CHANGE_NS, exchange_time, is_news, skew_between
from events.account import BalanceReported, MarginMeasure, SweepReported
from events.market import MarkHistoryReported, MarkReported
from events.session import ClockSkewMeasured
from events.terms import NANOSECONDS, MarginWindow
from tests.actors.connection.peers import http_peer
from tests.actors.connection.test_account import AT, KEY, NOON, PRODUCT, PRODUCTS, Office

D = Decimal
BTC = "BTC-PERP"


class Asked:
    """An inquiry with its office; `now` is what our clock shows."""

    def __init__(self, url: str, office: Office, **manners: Any) -> None:
        self.office = office
        self.now = AT
        self.client = CoinbaseClient(url, KEY, max_retries=0)
        self.inquiry = Inquiry(self.client, PRODUCTS, lambda: self.now, **manners)

    def everything(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.inquiry.everything(()) if isinstance(event, kind)]


@pytest.fixture
def ask() -> Iterator[Callable[..., Asked]]:
    office = Office()
    asked: list[Asked] = []
    with http_peer(office) as peer:

        def make(**manners: Any) -> Asked:
            asked.append(Asked(peer.url, office, **manners))
            return asked[-1]

        yield make
        for one in asked:
            one.client.close()


# --- the clock -------------------------------------------------------------------------------------------------------


def test_the_skew_is_the_exchanges_clock_less_ours_in_the_middle_of_the_round_trip() -> None:
    clock = iter((100, 180))
    assert skew_between(lambda: 1_140, lambda: next(clock)) == (
        1_140,
        ClockSkewMeasured(skew_ns=1_000, uncertain_by_ns=40),
    )


def test_an_exchange_that_tells_no_time_says_nothing_of_a_skew() -> None:
    assert skew_between(lambda: None, lambda: 5) == (None, None)


@pytest.mark.parametrize(
    ("iso", "millis", "expected"),
    [
        (7 * NANOSECONDS, "7300", 7_300_000_000),
        (7_300_400_000, "7300", 7_300_400_000),
        (None, "7300", 7_300_000_000),
        (7 * NANOSECONDS, "", 7 * NANOSECONDS),
        (None, "", None),
    ],
)
def test_a_time_that_is_cut_to_seconds_gives_way_to_its_milliseconds(
    iso: int | None, millis: str, expected: int | None
) -> None:
    assert exchange_time(ServerTime(iso=iso, epoch_millis=millis)) == expected


def test_a_skew_is_news_when_it_changes_by_more_than_a_quarter_second_and_its_own_noise() -> None:
    assert not is_news(ClockSkewMeasured(skew_ns=LEAST_CHANGE_NS), 0)
    assert is_news(ClockSkewMeasured(skew_ns=-LEAST_CHANGE_NS - 1), 0)
    assert not is_news(ClockSkewMeasured(skew_ns=LEAST_CHANGE_NS + 1, uncertain_by_ns=LEAST_CHANGE_NS), 0)


def test_a_skew_is_said_once_and_again_when_it_is_gone(ask: Callable[..., Asked]) -> None:
    asked = ask()
    asked.now = AT - 30 * NANOSECONDS
    (skew,) = asked.everything(ClockSkewMeasured)
    assert round(skew.skew_ns / NANOSECONDS) == 30
    assert asked.everything(ClockSkewMeasured) == []
    asked.now = AT
    (gone,) = asked.everything(ClockSkewMeasured)
    assert gone.skew_ns == 0


def test_a_session_that_follows_the_exchanges_clock_says_nothing_of_a_skew(ask: Callable[..., Asked]) -> None:
    asked = ask(own_clock=False)
    asked.now = AT - 30 * NANOSECONDS
    assert asked.everything(ClockSkewMeasured) == []


# --- the index -------------------------------------------------------------------------------------------------------


def with_future(**changes: Any) -> dict[str, Any]:
    return {**PRODUCT, "future_product_details": {**PRODUCT["future_product_details"], **changes}}


def test_the_index_is_told_with_every_round(ask: Callable[..., Asked]) -> None:
    asked = ask()
    asked.office.answers["/products"] = {
        "products": [with_future(index_price="68899.882564", settlement_price="69735")]
    }
    expected = MarkReported(product=BTC, mark=None, index=D("68899.882564"), exchange_at=AT)
    assert asked.everything(MarkReported) == [expected]
    assert asked.everything(MarkReported) == [expected]


def test_the_settlement_price_never_stands_for_a_missing_index(ask: Callable[..., Asked]) -> None:
    asked = ask()
    asked.office.answers["/products"] = {"products": [with_future(settlement_price="69735", index_price="")]}
    assert asked.everything(MarkReported) == []


# --- candles ---------------------------------------------------------------------------------------------------------


def candle(ends_at: int, close: str) -> dict[str, str]:
    return {
        "start": str(ends_at // NANOSECONDS - 60),
        "low": "1",
        "high": "9",
        "open": "2",
        "close": close,
        "volume": "3",
    }


def test_closes_of_candles_are_told_once_at_the_start_oldest_first(ask: Callable[..., Asked]) -> None:
    asked = ask(history_s=60)
    rows = [candle(NOON, "68010"), candle(NOON - 60 * NANOSECONDS, "68005"), candle(NOON + 60 * NANOSECONDS, "1")]
    asked.office.answers["/products/BIP-20DEC30-CDE/candles"] = {"candles": rows}
    (history,) = asked.everything(MarkHistoryReported)
    assert history.closes == ((NOON - 60 * NANOSECONDS, D(68005)), (NOON, D(68010)))
    assert (history.product, history.interval_s, history.exchange_at) == (BTC, 60, AT)
    assert asked.everything(MarkHistoryReported) == []


def test_a_candle_that_is_not_over_is_not_told(ask: Callable[..., Asked]) -> None:
    asked = ask(history_s=60)
    unfinished = {"candles": [candle(NOON + 60 * NANOSECONDS, "68010")]}
    asked.office.answers["/products/BIP-20DEC30-CDE/candles"] = unfinished
    assert asked.everything(MarkHistoryReported) == []


def test_no_more_candles_are_asked_for_than_the_exchange_shows() -> None:
    asked: list[str] = []
    client = CoinbaseClient("http://an.exchange")

    def transport(method: str, url: str, headers: Any, body: Any, timeout: float) -> tuple[int, dict[str, str], str]:
        asked.append(url)
        return 200, {}, '{"candles": []}'

    client.set_transport_for_testing(transport)
    assert history_of(client, "BIP-20DEC30-CDE", BTC, interval_s=300, at=AT) is None
    end = AT // NANOSECONDS // 300 * 300
    assert MOST_CANDLES < 350
    assert f"start={end - 300 * MOST_CANDLES}" in asked[0]
    assert f"end={end}" in asked[0]
    assert "FIVE_MINUTE" in asked[0]
    client.close()


def test_an_interval_without_candles_and_a_refusal_leave_the_window_to_its_samples(ask: Callable[..., Asked]) -> None:
    assert ask(history_s=7).everything(MarkHistoryReported) == []
    assert ask(history_s=60).everything(MarkHistoryReported) == []  # 404


# --- sweeps ----------------------------------------------------------------------------------------------------------


def test_a_sweep_is_told_when_it_is_listed_when_it_changes_and_when_it_is_gone(ask: Callable[..., Asked]) -> None:
    asked = ask()
    sweep = {
        "id": "s-1",
        "requested_amount": {"value": "900", "currency": "USD"},
        "should_sweep_all": False,
        "status": "PENDING",
        "schedule_time": "2026-04-07T20:00:00Z",
    }
    told = []
    for listed in ([sweep], [sweep], [{**sweep, "status": "PROCESSING"}], [], []):
        asked.office.answers["/cfm/sweeps"] = {"sweeps": listed}
        told += asked.everything(SweepReported)
    assert [(event.status, event.amount) for event in told] == [
        ("pending", 900),
        ("processing", 900),
        ("done", 900),
    ]


def test_a_sweep_of_everything_has_no_amount() -> None:
    everything = Sweep(
        id="s", requested_amount=Money(value=D(0), currency="USD"), should_sweep_all=True, status="PENDING"
    )
    (told,) = sweeps_of([everything], {}, 5)
    assert told == SweepReported(sweep="s", amount=None, status="pending", exchange_at=5)


def test_an_account_that_may_not_ask_for_sweeps_has_none(ask: Callable[..., Asked]) -> None:
    asked = ask()
    del asked.office.answers["/cfm/sweeps"]
    assert asked.everything(SweepReported) == []


# --- margin ----------------------------------------------------------------------------------------------------------


def test_the_balance_brings_the_exchanges_own_percentage_and_both_windows(ask: Callable[..., Asked]) -> None:
    asked = ask()
    summary = asked.office.answers["/cfm/balance_summary"]["balance_summary"]
    summary["liquidation_buffer_percentage"] = "2400"
    summary["intraday_margin_window_measure"] = {
        "margin_window_type": "FCM_MARGIN_WINDOW_TYPE_INTRADAY",
        "margin_level": "MARGIN_LEVEL_TYPE_BASE",
        "initial_margin": "500.00",
        "maintenance_margin": {"value": "250.00", "currency": "USD"},
        "liquidation_buffer_percentage": "1000",
        "total_hold": "100.00",
        "futures_buying_power": "5000.00",
    }
    summary["overnight_margin_window_measure"] = {
        "margin_window_type": "MARGIN_WINDOW_TYPE_OVERNIGHT",
        "liquidation_buffer": "7.5",
    }
    (balance,) = asked.everything(BalanceReported)
    assert balance.liquidation_buffer_percentage == 2400
    assert balance.measures == (
        MarginMeasure(
            window=MarginWindow.INTRADAY,
            level="base",
            initial_margin=D("500.00"),
            maintenance_margin=D("250.00"),
            liquidation_buffer_percentage=D(1000),
            total_hold=D("100.00"),
            buying_power=D("5000.00"),
        ),
        MarginMeasure(window=MarginWindow.OVERNIGHT, liquidation_buffer=D("7.5")),
    )


def test_a_balance_without_measures_has_none() -> None:
    summary = BalanceSummary(cbi_usd_balance=D(1), cfm_usd_balance=D(2), unrealized_pnl=D(0))
    assert balance_of(summary, 5).measures == ()
