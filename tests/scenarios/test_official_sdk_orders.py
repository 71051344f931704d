"""Every order the official Python client can write: placed, previewed, changed, cancelled at the local exchange."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from coinbase.rest import RESTClient  # type: ignore[import-untyped]  # it ships no types

from tests.scenarios.sdk import DEPRECATIONS, PRODUCT, Exchange, fresh_id, halted, quotes, rest_client, status, taken

_KINDS = r"(market|limit|stop_limit|trigger_bracket)_order(_[a-z]+)*"

#: Every method with which that client creates or previews an order of a kind.
CREATES = sorted(name for name in dir(RESTClient) if re.fullmatch(_KINDS, name))
PREVIEWS = sorted(name for name in dir(RESTClient) if re.fullmatch(f"preview_{_KINDS}", name))

_AWAY = 200  # out of reach of this halted market
_THROUGH = 50

pytestmark = DEPRECATIONS


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with halted(tmp_path_factory.mktemp("halted")) as found:
        yield found


@pytest.fixture
def client(market: Exchange) -> Iterator[RESTClient]:
    with rest_client(market.ready) as found:
        yield found


@pytest.fixture
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """An exchange whose orders can be edited."""
    folder = tmp_path_factory.mktemp("edited")
    settings = folder / "settings.json"
    settings.write_text('{"edits": true}')
    with halted(folder / "exchange", "--settings", str(settings)) as found:
        yield found


def side_of(name: str) -> str:
    """The generic methods take a side: a sell here."""
    return "BUY" if name.endswith("_buy") else "SELL"


def arguments(name: str, client: RESTClient) -> dict[str, Any]:
    """What the method asks for, so that the order does what its kind is for: take, rest, or wait."""
    bid, ask = quotes(client, PRODUCT)
    sign = 1 if side_of(name) == "BUY" else -1
    touch = ask if sign > 0 else bid
    takes = "_ioc" in name or "_fok" in name
    limit = touch + sign * _THROUGH if takes else touch - sign * _AWAY
    if "stop_limit" in name:
        limit = touch + sign * _AWAY
    told = {
        "client_order_id": fresh_id(),
        "product_id": PRODUCT,
        "side": side_of(name),
        "base_size": "1",
        "limit_price": str(limit),
        "stop_price": str(touch + sign * _AWAY),
        "stop_direction": "STOP_DIRECTION_STOP_UP" if sign > 0 else "STOP_DIRECTION_STOP_DOWN",
        "stop_trigger_price": str(touch + sign * _AWAY),
        "end_time": "2030-01-01T00:00:00Z",
    }
    wanted = inspect.signature(getattr(client, name)).parameters
    return {key: value for key, value in told.items() if key in wanted}


def prepare(name: str, client: RESTClient) -> None:
    """A bracket closes a position, so there must be one."""
    if "bracket" in name:
        other = client.market_order_sell if side_of(name) == "BUY" else client.market_order_buy
        taken(other(fresh_id(), PRODUCT, base_size="1"))


def clean(client: RESTClient) -> None:
    """No order and no position is left."""
    open_ids = [order.order_id for order in client.list_orders(order_status=["OPEN"]).orders]
    if open_ids:
        assert all(result.success for result in client.cancel_orders(open_ids).results)
    if client.list_futures_positions().positions:
        taken(client.close_position(fresh_id(), PRODUCT))
    assert client.list_futures_positions().positions == []


def test_there_are_as_many_kinds_as_the_client_had_when_this_was_written() -> None:
    assert (len(CREATES), len(PREVIEWS)) == (27, 27)


@pytest.mark.parametrize("name", CREATES)
def test_every_kind_of_order_is_placed_and_does_what_it_is_for(client: RESTClient, name: str) -> None:
    prepare(name, client)
    method: Callable[..., Any] = getattr(client, name)
    order_id = taken(method(**arguments(name, client)))
    order = client.get_order(order_id).order
    takes = re.search(r"market|_ioc|_fok", name) is not None
    assert order.status == ("FILLED" if takes else "OPEN")
    assert order.side == side_of(name)
    waits = re.search(r"stop|trigger", name) is not None
    assert order.trigger_status == ("STOP_PENDING" if waits else "INVALID_ORDER_TYPE")
    if takes:
        fills = client.get_fills(order_ids=[order_id]).fills
        assert sum(float(fill.size) for fill in fills) == float(order.filled_size) == 1
        assert sum(float(fill.commission) for fill in fills) == pytest.approx(float(order.total_fees))
    else:
        (result,) = client.cancel_orders([order_id]).results
        assert result.success
        assert status(client, order_id) == "CANCELLED"
    clean(client)


@pytest.mark.parametrize("name", PREVIEWS)
def test_every_kind_of_order_is_previewed_and_not_placed(client: RESTClient, name: str) -> None:
    prepare(name, client)
    before = len(client.list_orders().orders)
    shown = getattr(client, name)(**arguments(name, client))
    assert shown.errs == []
    assert shown.base_size == "1"
    assert float(shown.order_total) > 0
    assert len(client.list_orders().orders) == before
    clean(client)


@pytest.mark.parametrize(
    ("configuration", "order_type"),
    [
        (
            {
                "twap_limit_gtd": {
                    "base_size": "4",
                    "limit_price": "{low}",
                    "start_time": "2029-01-01T00:00:00Z",
                    "end_time": "2029-01-01T00:20:00Z",
                    "number_buckets": "4",
                    "bucket_duration": "300s",
                }
            },
            "TWAP",
        ),
        (
            {"scaled_limit_gtc": {"base_size": "6", "num_orders": "3", "min_price": "{lowest}", "max_price": "{low}"}},
            "SCALED",
        ),
        ({"market_market_fok": {"base_size": "1"}}, "MARKET"),
    ],
)
def test_what_the_client_has_no_method_for_is_placed_by_its_configuration(
    client: RESTClient, configuration: dict[str, dict[str, str]], order_type: str
) -> None:
    bid, _ = quotes(client, PRODUCT)
    low, lowest = str(bid - _AWAY), str(bid - 2 * _AWAY)
    ((key, fields),) = configuration.items()
    told = {key: {name: value.format(low=low, lowest=lowest) for name, value in fields.items()}}
    assert client.preview_order(PRODUCT, "BUY", told).errs == []
    order = client.get_order(taken(client.create_order(fresh_id(), PRODUCT, "BUY", told))).order
    assert order.order_type == order_type
    client.cancel_orders([order.order_id])
    clean(client)


def test_an_attached_bracket_begins_with_the_fill(client: RESTClient) -> None:
    bid, ask = quotes(client, PRODUCT)
    legs = {"limit_price": str(ask + _AWAY), "stop_trigger_price": str(bid - _AWAY)}
    reply = client.market_order_buy(
        fresh_id(), PRODUCT, base_size="2", attached_order_configuration={"trigger_bracket_gtc": legs}
    )
    hanging = client.get_order(reply.success_response["attached_order_id"]).order
    assert (hanging.order_type, hanging.side, hanging.status) == ("BRACKET", "SELL", "OPEN")
    clean(client)
    assert status(client, hanging.order_id) == "CANCELLED"


def test_what_cannot_be_filled_whole_is_cancelled_or_refused(client: RESTClient) -> None:
    bid, _ = quotes(client, PRODUCT)
    short = taken(client.limit_order_ioc_buy(fresh_id(), PRODUCT, "1", str(bid - 1_000)))
    assert status(client, short) == "CANCELLED"
    assert client.get_order(short).order.filled_size == "0"
    refused = client.limit_order_gtc_buy(fresh_id(), PRODUCT, "1", str(bid + 1))
    assert not refused.success
    assert refused.error_response["new_order_failure_reason"] == "INVALID_PRICE_PRECISION"
    bracket = client.trigger_bracket_order_gtc_sell(fresh_id(), PRODUCT, "1", str(bid + 100), str(bid - 100))
    assert bracket.error_response["preview_failure_reason"] == "PREVIEW_BRACKET_ORDER_SIZE_EXCEEDS_POSITION"


def test_orders_are_listed_and_cancelled_each_with_its_own_answer(client: RESTClient) -> None:
    bid, _ = quotes(client, PRODUCT)
    low = str(bid - 1_000)
    kept = taken(client.limit_order_gtc_buy(fresh_id(), PRODUCT, "1", low, post_only=True))
    dated = taken(client.limit_order_gtd_buy(fresh_id(), PRODUCT, "1", low, "2030-01-01T00:00:00Z"))
    listed = client.list_orders(product_ids=[PRODUCT], order_status=["OPEN"]).orders
    assert {kept, dated} <= {order.order_id for order in listed}
    results = client.cancel_orders([kept, dated, "nope"]).results
    assert [(one.success, one.failure_reason) for one in results[1:]] == [
        (True, "UNKNOWN_CANCEL_FAILURE_REASON"),
        (False, "UNKNOWN_CANCEL_ORDER"),
    ]


def test_edits_of_futures_are_refused_unless_the_exchange_takes_them(client: RESTClient, edited: Exchange) -> None:
    bid, _ = quotes(client, PRODUCT)
    rests = taken(client.limit_order_gtc_buy(fresh_id(), PRODUCT, "1", str(bid - 1_000)))
    refused = client.edit_order(rests, size="2", price=str(bid - 1_005))
    assert not refused.success
    assert refused.errors[0]["edit_failure_reason"] == "CANNOT_EDIT_FUTURES_ORDER"
    client.cancel_orders([rests])
    with rest_client(edited.ready) as other:
        bid, _ = quotes(other, PRODUCT)
        order_id = taken(other.limit_order_gtc_buy(fresh_id(), PRODUCT, "1", str(bid - 1_000)))
        shown = other.preview_edit_order(order_id, size="2", price=str(bid - 1_005))
        assert (shown.errors, shown.base_size) == ([], "2")
        assert other.edit_order(order_id, size="2", price=str(bid - 1_005)).success
        order = other.get_order(order_id).order
        assert order.order_configuration.limit_limit_gtc["base_size"] == "2"
        assert order.edit_history[0]["size"] == "2"
        again = other.edit_order(order_id, size="2", price=str(bid - 1_005))
        assert again.errors[0]["edit_failure_reason"] == "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"
