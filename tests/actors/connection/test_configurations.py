"""Orders in every configuration: what the exchange gets, and what it tells read back."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from actors.connection.client.configurations import (
    CONFIGURATIONS,
    BracketGtc,
    BracketGtd,
    Configuration,
    LimitFok,
    LimitGtc,
    LimitGtd,
    LimitIoc,
    MarketFok,
    MarketIoc,
    OrderSize,
    ScaledGtc,
    StopDirection,
    StopLimitGtc,
    StopLimitGtd,
    TwapGtd,
    typed,
)
from actors.connection.client.reading import read
from actors.connection.client.replies import OneOrder
from actors.connection.errors import InvalidOrder

D = Decimal
#: 2026-04-07T14:30:03Z
AT = 1_775_572_203_000_000_000
TIME = "2026-04-07T14:30:03.000000Z"

#: As ours, and as the exchange writes it (protocol sheet 3.6.1).
PAIRS: list[tuple[Configuration, dict[str, dict[str, str | bool | int]]]] = [
    (MarketIoc(base_size=D("0.10")), {"market_market_ioc": {"base_size": "0.1"}}),
    (MarketIoc(quote_size=D(10)), {"market_market_ioc": {"quote_size": "10"}}),
    (MarketFok(base_size=D(2)), {"market_market_fok": {"base_size": "2"}}),
    (
        LimitIoc(base_size=D(2), limit_price=D("68925.0"), rfq_disabled=True),
        {"sor_limit_ioc": {"base_size": "2", "limit_price": "68925", "rfq_disabled": True}},
    ),
    (
        LimitGtc(base_size=D(3), limit_price=D(68925), post_only=True),
        {"limit_limit_gtc": {"base_size": "3", "limit_price": "68925", "post_only": True}},
    ),
    (
        LimitGtd(base_size=D(3), limit_price=D("1E+3"), end_time=AT),
        {"limit_limit_gtd": {"base_size": "3", "limit_price": "1000", "end_time": TIME, "post_only": False}},
    ),
    (
        LimitFok(base_size=D("0.00000001"), limit_price=D(1)),
        {"limit_limit_fok": {"base_size": "0.00000001", "limit_price": "1"}},
    ),
    (
        StopLimitGtc(base_size=D("0.01"), limit_price=D(66900), stop_price=D(67000), stop_direction=StopDirection.DOWN),
        {
            "stop_limit_stop_limit_gtc": {
                "base_size": "0.01",
                "limit_price": "66900",
                "stop_price": "67000",
                "stop_direction": "STOP_DIRECTION_STOP_DOWN",
            }
        },
    ),
    (
        StopLimitGtd(base_size=D(1), limit_price=D(11), stop_price=D(10), stop_direction=StopDirection.UP, end_time=AT),
        {
            "stop_limit_stop_limit_gtd": {
                "base_size": "1",
                "limit_price": "11",
                "stop_price": "10",
                "stop_direction": "STOP_DIRECTION_STOP_UP",
                "end_time": TIME,
            }
        },
    ),
    (
        BracketGtc(base_size=D(1), limit_price=D(12), stop_trigger_price=D(9)),
        {"trigger_bracket_gtc": {"base_size": "1", "limit_price": "12", "stop_trigger_price": "9"}},
    ),
    (
        BracketGtd(base_size=D(1), limit_price=D(12), stop_trigger_price=D(9), end_time=AT),
        {"trigger_bracket_gtd": {"base_size": "1", "limit_price": "12", "stop_trigger_price": "9", "end_time": TIME}},
    ),
    (
        TwapGtd(
            base_size=D(6),
            limit_price=D(12),
            start_time=AT,
            end_time=AT,
            number_buckets=D(3),
            bucket_size=D(2),
            bucket_duration="300s",
        ),
        {
            "twap_limit_gtd": {
                "base_size": "6",
                "limit_price": "12",
                "start_time": TIME,
                "end_time": TIME,
                "number_buckets": "3",
                "bucket_size": "2",
                "bucket_duration": "300s",
            }
        },
    ),
    (
        ScaledGtc(
            base_size=D(6),
            num_orders=3,
            min_price=D(10),
            max_price=D(12),
            price_distribution="FLAT",
            size_distribution="INCREASING",
            size_diff=D("0.5"),
            size_ratio=D(2),
        ),
        {
            "scaled_limit_gtc": {
                "base_size": "6",
                "num_orders": 3,
                "min_price": "10",
                "max_price": "12",
                "price_distribution": "FLAT",
                "size_distribution": "INCREASING",
                "size_diff": "0.5",
                "size_ratio": "2",
            }
        },
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[type(ours).__name__ for ours, _ in PAIRS])
def test_a_configuration_is_written_as_the_exchange_reads_it_and_read_back_the_same(
    ours: Configuration, theirs: dict[str, dict[str, str | bool | int]]
) -> None:
    assert ours.written() == theirs
    row = {"order_id": "o", "product_id": "p", "side": "BUY", "status": "OPEN", "order_configuration": theirs}
    back = read(OneOrder, json.dumps({"order": row})).order.configuration
    assert back == ours


def test_every_configuration_of_the_exchange_is_written_at_least_once() -> None:
    assert {ours.key for ours, _ in PAIRS} == set(CONFIGURATIONS)
    assert len(CONFIGURATIONS) == 12


@pytest.mark.parametrize("size", [D(0), D(-1), D("NaN"), D("Infinity")])
def test_a_size_that_is_none_never_leaves(size: Decimal) -> None:
    with pytest.raises(InvalidOrder, match=r"base_size is .*, not above zero"):
        LimitGtc(base_size=size, limit_price=D(1)).written()


@pytest.mark.parametrize(
    ("order", "given"),
    [
        (MarketIoc(), "none"),
        (MarketIoc(base_size=D(1), quote_size=D(1)), "base_size and quote_size"),
        (BracketGtc(limit_price=D(2), stop_trigger_price=D(1)), "none"),
    ],
)
def test_an_order_has_one_size(order: Configuration, given: str) -> None:
    with pytest.raises(InvalidOrder, match=f"one size, given {given}"):
        order.written()


def test_what_is_attached_takes_the_size_of_its_order() -> None:
    bracket = BracketGtc(limit_price=D(2), stop_trigger_price=D(1))
    assert bracket.written(is_attached=True) == {"trigger_bracket_gtc": {"limit_price": "2", "stop_trigger_price": "1"}}
    with pytest.raises(InvalidOrder, match="no size of its own, given base_size"):
        BracketGtc(base_size=D(1), limit_price=D(2), stop_trigger_price=D(1)).written(is_attached=True)


@pytest.mark.parametrize(
    ("key", "size"),
    [
        ("limit_limit_ioc", OrderSize(base_size=D(1), limit_price=D(1))),
        ("limit_limit_gtc", OrderSize(base_size=D(1))),
        ("stop_limit_stop_limit_gtc", OrderSize(base_size=D(1), limit_price=D(1), stop_price=D(1), stop_direction="X")),
    ],
)
def test_what_our_words_do_not_suffice_for_is_no_configuration_and_no_error(key: str, size: OrderSize) -> None:
    assert typed(key, size) is None
