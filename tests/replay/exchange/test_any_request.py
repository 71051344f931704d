"""Whatever a client sends, it is answered by an answer of the exchange's own, never by a failure of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from replay.exchange.settings import Settings
from tests.replay.exchange.market import ListTape, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Json, running

_REQUESTS = 250

_TEXTS = (
    *("", "0", "1", "2", "-1", "NaN", "1e5", "60000", "60010", "59990", "60100", "59800", "0.5", "abc", "9" * 17),
    *("2026-03-02T14:05:00Z", "2026-03-03T00:00:00Z", "300s", "0s", "é", "STOP_DIRECTION_STOP_UP", "INCREASING"),
    *("DECREASING", "USD", "USDC", PRODUCT),
)
#: Fields of the configurations with values that mostly make sense, so that orders get past the first check.
_SENSE: dict[str, list[Any]] = {
    "base_size": ["1", "2", "5"],
    "limit_price": ["60000", "60010", "59990", "60100", "59900"],
    "stop_price": ["60050", "59950"],
    "stop_trigger_price": ["60100", "59900"],
    "stop_direction": ["STOP_DIRECTION_STOP_UP", "STOP_DIRECTION_STOP_DOWN"],
    "end_time": ["2026-03-02T14:30:00Z"],
    "start_time": ["2026-03-02T14:02:00Z"],
    "number_buckets": ["2", "3"],
    "bucket_duration": ["60s"],
    "num_orders": ["3", 2],
    "min_price": ["59900"],
    "max_price": ["60000", "60100"],
    "size_distribution": ["INCREASING", ""],
    "size_diff": ["1", "0"],
    "size_ratio": ["2", ""],
    "post_only": [True, False],
}
_CONFIGURATIONS = {
    "market_market_ioc": "base_size",
    "market_market_fok": "base_size",
    "sor_limit_ioc": "base_size limit_price",
    "limit_limit_gtc": "base_size limit_price post_only",
    "limit_limit_gtd": "base_size limit_price end_time",
    "limit_limit_fok": "base_size limit_price",
    "stop_limit_stop_limit_gtc": "base_size limit_price stop_price stop_direction",
    "trigger_bracket_gtd": "base_size limit_price stop_trigger_price end_time",
    "twap_limit_gtd": "base_size limit_price start_time end_time number_buckets bucket_duration",
    "scaled_limit_gtc": "base_size num_orders min_price max_price size_distribution size_diff size_ratio",
}
_MONEY = ("/portfolios", "/portfolios/move_funds", "/convert/quote", "/convert/trade/x", "/cfm/sweeps/schedule")
_LISTS = ("/orders/historical/batch", "/orders/historical/fills", "/accounts", "/products", "/product_book")
_QUERIES = ("limit", "cursor", "product_ids", "product_id", "order_status", "start_date", "offset", "order_types")


class Chance:
    """Requests by lot, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.lot = Random(seed)
        self.sent = 0
        self.order_ids = ["nope"]

    def value(self, depth: int = 0) -> Any:
        kind = self.lot.random()
        if kind < 0.1:
            return self.lot.choice([None, True, 0, -5, 1.5, 10**30])
        if kind < 0.15 and depth < 3:
            return [self.value(depth + 1) for _ in range(self.lot.randrange(3))]
        if kind < 0.2 and depth < 3:
            return {self.lot.choice([*_SENSE, "order_ids"]): self.value(depth + 1)}
        return self.lot.choice(_TEXTS)

    def order(self) -> Json:
        self.sent += 1
        key = self.lot.choice(list(_CONFIGURATIONS))
        fields = {
            name: self.lot.choice(_SENSE[name]) if self.lot.random() < 0.9 else self.value()
            for name in _CONFIGURATIONS[key].split()
        }
        order: Json = {"client_order_id": f"any-{self.sent}", "product_id": PRODUCT}
        order |= {"side": self.lot.choice(["BUY", "SELL"]), "order_configuration": {key: fields}}
        if self.lot.random() < 0.2:
            legs = {"limit_price": self.lot.choice(["60100", "59900"]), "stop_trigger_price": "60000"}
            order["attached_order_configuration"] = {"trigger_bracket_gtc": legs}
        if self.lot.random() < 0.1:
            order[self.lot.choice(list(order))] = self.value()
        return order

    def request(self) -> tuple[str, str, Any, Json]:
        """Method, path, body and query."""
        order_id = self.lot.choice(self.order_ids)
        kind = self.lot.randrange(10)
        if kind < 5:
            return "POST", "/orders", self.order(), {}
        if kind == 5:
            order = {name: value for name, value in self.order().items() if name != "client_order_id"}
            return "POST", "/orders/preview", order, {}
        if kind == 6:
            ids = [order_id] if self.lot.random() < 0.9 else self.value()
            return "POST", "/orders/batch_cancel", {"order_ids": ids}, {}
        if kind == 7:
            path = self.lot.choice(["/orders/edit", "/orders/edit_preview"])
            price, size = self.lot.choice(_TEXTS), self.lot.choice(_TEXTS)
            return "POST", path, {"order_id": order_id, "price": price, "size": size}, {}
        if kind == 8:
            return "POST", self.lot.choice(_MONEY), {"name": self.value(), "funds": self.value()}, {}
        query = {self.lot.choice(_QUERIES): self.lot.choice([*_TEXTS, "OPEN"]) for _ in range(2)}
        return "GET", self.lot.choice(_LISTS), None, query


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Client]:
    """A market that does not run dry, whose orders can be edited."""
    levels = [((60_000 - step, 900), (60_010 + step, 900)) for step in range(0, 200, 5)]
    facts = [snapshot(0, tuple(bid for bid, _ in levels), tuple(ask for _, ask in levels)), trade(1, 60_010)]
    options = ExchangeOptions(
        tape=ListTape(facts), speed=None, start=Start.NOW, folder=tmp_path, settings=Settings(edits=True)
    )
    with running(options) as client:
        client.until_ended()
        yield client


@pytest.mark.parametrize("seed", [1, 2])
def test_every_request_by_lot_is_answered_as_the_exchange_answers(deep: Client, seed: int) -> None:
    chance = Chance(seed)
    for _ in range(_REQUESTS):
        method, path, body, query = chance.request()
        reply = deep.ask(method, path, body, **query)
        assert reply.status_code in (200, 400, 403, 404), (method, path, json.dumps(body), query, reply.text)
        found = reply.json()
        if path == "/orders" and reply.status_code == 200 and found["success"]:
            chance.order_ids.append(found["success_response"]["order_id"])
    taken = len(set(chance.order_ids)) - 1  # a used client id is answered with the old order
    assert taken > _REQUESTS // 10
    books = deep.control("books")
    assert books["orders"] >= taken
    listed = deep.get("/orders/historical/batch", order_status="OPEN")["orders"]
    assert len(listed) <= books["open_orders"]
