"""The seed's catalog, over REST bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.brokerage import CoinbaseClient, ProductCatalog, enforce_perp_rules
from actors.connection.errors import InvalidRequestError, InvalidSymbol
from events.terms import NANOSECONDS
from tests.seed.markets import HUNDREDTH, WHOLE_COIN

D = Decimal
NOON = 1_772_452_800 * NANOSECONDS  # 2026-03-02T12:00:00Z
FUTURE = {
    "product_id": "BIP-20DEC30-CDE",
    "product_type": "FUTURE",
    "product_venue": "FCM",
    "display_name": "BTC PERP",
    "price_increment": "5",
    "base_increment": "1",
    "base_min_size": "1",
    "future_product_details": {
        "venue": "cde",
        "contract_size": "0.01",
        "contract_root_unit": "BTC",
        "funding_rate": "0.0001",
        "funding_time": "2026-03-02T11:00:00Z",
        "funding_interval": "3600s",
    },
}
SPOT = {"product_id": "BTC-USD", "product_type": "SPOT", "quote_increment": "0.01", "base_increment": "0.00000001"}


class Exchange:
    """Answers with its products and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.products: list[dict[str, Any]] = [FUTURE, SPOT]

    def __call__(self, *_: object) -> tuple[int, Mapping[str, str], str]:
        self.asked += 1
        return 200, {}, json.dumps({"products": self.products})


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def catalog(exchange: Exchange, now: list[int]) -> ProductCatalog:
    client = CoinbaseClient("https://x.test")
    client.set_transport_for_testing(exchange)
    return ProductCatalog(client, aliases={"BTC-PERP": "BIP-20DEC30-CDE"}, clock=lambda: now[0])


def test_a_product_is_known_by_our_symbol_and_by_the_exchanges(exchange: Exchange) -> None:
    products = catalog(exchange, [NOON])
    rules = products.get("BTC-PERP")
    assert (rules.product, rules.exchange_id, rules.contract_size) == ("BTC-PERP", "BIP-20DEC30-CDE", D("0.01"))
    assert products.get("BIP-20DEC30-CDE").price_increment == D(5)
    with pytest.raises(InvalidSymbol, match="ETH-PERP"):
        products.get("ETH-PERP")


def test_rules_are_asked_for_again_when_they_are_older_than_their_ttl(exchange: Exchange) -> None:
    now = [NOON]
    products = catalog(exchange, now)
    products.get("BTC-PERP")
    now[0] += 900 * NANOSECONDS
    products.get("BTC-PERP")
    assert exchange.asked == 1
    exchange.products = [FUTURE | {"price_increment": "10"}]
    now[0] += 1
    assert products.get("BTC-PERP").price_increment == D(10)
    assert exchange.asked == 2


def test_the_next_funding_is_ahead_though_the_exchange_shows_the_hour_just_ended(exchange: Exchange) -> None:
    products = catalog(exchange, [NOON + 60 * NANOSECONDS])
    assert products.get_funding("BTC-PERP") == (D("0.0001"), NOON + 3_600 * NANOSECONDS)
    assert products.get_funding("BTC-USD") == (None, None)


TICK = msgspec.structs.replace(WHOLE_COIN, price_increment=D("0.05"), min_notional=D(10))


def test_quantity_and_price_are_floored_to_steps_that_need_not_be_powers_of_ten() -> None:
    assert enforce_perp_rules(TICK, D("1.234567"), D("50000.1234")) == (D("1.234"), D("50000.10"))
    assert enforce_perp_rules(HUNDREDTH, D("3.9")) == (D(3), None)


@pytest.mark.parametrize(
    ("qty", "price", "message"),
    [
        ("0.0005", None, "Quantity 0.000 below minimum size 0.001 for BTC-PERP"),
        ("0.001", "1000", "Notional 1.00000 below minimum 10 for BTC-PERP"),
        ("0", "50000", "Quantity 0 for BTC-PERP must be above zero"),
        ("-1", "50000", "Quantity -1 for BTC-PERP must be above zero"),
        ("1", "-5", "Price -5 for BTC-PERP must be above zero"),
        ("1", "0.01", "Price 0.01 for BTC-PERP is below one tick of 0.05"),
        ("NaN", None, "Quantity NaN for BTC-PERP must be above zero"),
    ],
)
def test_what_the_exchange_would_not_take_is_refused(qty: str, price: str | None, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        enforce_perp_rules(TICK, D(qty), None if price is None else D(price))
    assert str(refusal.value) == message


def test_the_least_notional_counts_contract_size_and_an_order_without_a_price_at_the_mark() -> None:
    small = msgspec.structs.replace(HUNDREDTH, min_notional=D(600))
    with pytest.raises(InvalidRequestError, match="Notional 500"):
        enforce_perp_rules(small, D(1), D(50_000))
    with pytest.raises(InvalidRequestError, match="Notional 500"):
        enforce_perp_rules(small, D(1), mark=D(50_000))
    assert enforce_perp_rules(small, D(2), D(50_000))[0] == D(2)
    with pytest.raises(InvalidRequestError, match="Contract size"):
        enforce_perp_rules(msgspec.structs.replace(small, contract_size=None), D(2), D(50_000))


def test_an_inverse_contract_is_refused() -> None:
    inverse = msgspec.structs.replace(WHOLE_COIN, quote_currency="BTC", underlying="BTC")
    with pytest.raises(InvalidRequestError, match="inverse contract"):
        enforce_perp_rules(inverse, D(1), D(50_000))
