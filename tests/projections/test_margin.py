"""The exchange's margin figures under their own names."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events.account import BalanceReported, MarginMeasure, MarginWindowChanged
from events.record import AnyEvent, Record
from events.terms import MarginWindow
from projections.margin import ExchangeMargin
from tests.streams.facts import D

#: The exchange's own example: 7,200 above a threshold of 300 is stated as 2,400.
BALANCE = BalanceReported(
    spot_usd=D(2_000),
    futures_usd=D(8_000),
    unrealized=D(150),
    exchange_at=10,
    initial_margin=D(1_000),
    available_margin=D(7_500),
    liquidation_threshold=D(300),
    liquidation_buffer_percentage=D(2_400),
    measures=(MarginMeasure(window=MarginWindow.INTRADAY, initial_margin=D(500)),),
)


def folded(*events: AnyEvent) -> ExchangeMargin:
    margin = ExchangeMargin()
    for seq, event in enumerate(events, 1):
        margin.fold(Record(seq=seq, at=seq, by="account", event=event))
    return margin


def test_the_exchanges_percentage_stands_as_stated_and_beside_it_the_share_by_its_amounts() -> None:
    margin = folded(BALANCE)
    assert margin.liquidation_buffer_percentage == 2_400
    assert margin.available_above_threshold == D("10.28571429")


def test_at_the_threshold_the_share_is_zero() -> None:
    assert folded(replace(BALANCE, available_margin=D(300))).available_above_threshold == 0


@pytest.mark.parametrize("missing", ["initial_margin", "available_margin", "liquidation_threshold"])
def test_without_an_amount_the_share_is_unknown(missing: str) -> None:
    assert folded(replace(BALANCE, **{missing: None})).available_above_threshold is None


def test_while_nothing_is_bound_there_is_no_share() -> None:
    flat = replace(BALANCE, initial_margin=D(0), liquidation_threshold=D(0))
    assert folded(flat).available_above_threshold is None
    assert folded().available_above_threshold is None
    assert folded().liquidation_buffer_percentage is None
    assert folded().measures == ()


def test_a_later_report_without_windows_leaves_the_last_ones() -> None:
    margin = folded(BALANCE, replace(BALANCE, exchange_at=20, measures=(), available_margin=D(7_400)))
    assert margin.measures == BALANCE.measures
    assert margin.balance is not None
    assert margin.balance.available_margin == 7_400


def test_of_two_reports_of_one_instant_the_one_heard_last_counts() -> None:
    margin = folded(BALANCE, replace(BALANCE, available_margin=D(7_300)))
    assert margin.balance is not None
    assert margin.balance.available_margin == 7_300


def test_an_older_report_says_nothing_new() -> None:
    margin = folded(BALANCE, replace(BALANCE, exchange_at=5, available_margin=D(1)))
    assert margin.balance == BALANCE


def test_the_window_in_force_has_its_end_from_the_exchange() -> None:
    window = MarginWindowChanged(window=MarginWindow.INTRADAY, ends_at=99)
    assert folded(window).window == window


def test_a_later_report_of_windows_replaces_the_last_ones() -> None:
    overnight = (MarginMeasure(window=MarginWindow.OVERNIGHT, initial_margin=D(900)),)
    assert folded(BALANCE, replace(BALANCE, exchange_at=20, measures=overnight)).measures == overnight
