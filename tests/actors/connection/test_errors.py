"""The tree of what can go wrong, as drawn, and every recorded error body mapped into it."""

from __future__ import annotations

import re

import msgspec
import pytest

from actors.connection import errors
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.errors import (
    AuthenticationError,
    BrokerageAPIError,
    BrokerageError,
    InsufficientFunds,
    InvalidOrder,
    InvalidRequestError,
    InvalidSymbol,
    OrderNotFound,
    PermissionDenied,
    RateLimitError,
    of_refusal,
)
from tests.actors.connection.peers import http_peer, reply
from tests.paths import SHARED_DATA, needs_shared_data

FIXTURES = SHARED_DATA / "coinbase-fixtures"


def drawn() -> dict[str, set[str]]:
    """The tree of the docstring: each name with the names right below it."""
    tree: dict[str, set[str]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w+)(?:\s{2,}|$)", line)
        if match:
            depth = len(match[1]) // 4 + ("── " in line)
            above[depth:] = [match[2]]
            tree.setdefault(match[2], set())
            if depth:
                tree[above[depth - 1]].add(match[2])
    return tree


def test_the_tree_of_exceptions_is_the_one_that_is_drawn() -> None:
    tree = drawn()
    assert tree["BrokerageError"] == {
        "AuthenticationError",
        "InsufficientFunds",
        "InvalidSymbol",
        "InvalidOrder",
        "OrderNotFound",
        "RateLimitError",
        "InvalidRequestError",
        "BrokerageAPIError",
    }
    for name, below in tree.items():
        ours = {each for each in getattr(errors, name).__subclasses__() if each.__module__ == errors.__name__}
        assert {each.__name__ for each in ours} == below, name


#: By the index in errors_rest.json.
WANTED: list[type[BrokerageError]] = [
    AuthenticationError,
    PermissionDenied,
    InvalidRequestError,
    InvalidRequestError,
    InvalidRequestError,
    InvalidSymbol,
    InvalidRequestError,
    OrderNotFound,
    RateLimitError,
    BrokerageAPIError,
]


class Recorded(msgspec.Struct):
    status: int
    body: msgspec.Raw = msgspec.Raw(b"")
    raw_body: str = ""


@needs_shared_data
def test_every_recorded_error_body_is_mapped_to_its_class() -> None:
    rows = msgspec.json.decode((FIXTURES / "errors_rest.json").read_bytes(), type=list[Recorded])
    assert len(rows) == len(WANTED)
    for row, wanted in zip(rows, WANTED, strict=True):
        body = row.raw_body.encode() if row.raw_body else bytes(row.body)
        with http_peer(lambda *_, row=row, body=body: reply(body, row.status)) as peer:
            client = CoinbaseClient(peer.url, max_retries=0)
            with pytest.raises(BrokerageError) as raised:
                client.get_time()
        assert type(raised.value) is wanted, raised.value
        assert raised.value.status == row.status


class Failure(msgspec.Struct):
    error_response: msgspec.Raw


@needs_shared_data
def test_every_recorded_order_failure_of_status_200_is_mapped_to_its_class() -> None:
    raw = (FIXTURES / "order_failures_http200.json").read_bytes()
    rows = msgspec.json.decode(raw, type=list[msgspec.Raw])
    wanted = [
        (InsufficientFunds, "PREVIEW_INSUFFICIENT_FUND"),
        (InvalidOrder, "INVALID_LIMIT_PRICE_POST_ONLY"),
        (InvalidOrder, "UNSUPPORTED_ORDER_CONFIGURATION"),
    ]
    for row, (kind, code) in zip(rows, wanted, strict=True):
        with (
            http_peer(lambda *_, row=row: reply(bytes(row))) as peer,
            pytest.raises(BrokerageError) as raised,
        ):
            CoinbaseClient(peer.url).place_order(
                client_order_id="c", product_id="p", side="BUY", order_configuration={}
            )
        assert type(raised.value) is kind
        assert raised.value.code == code
        assert not raised.value.outcome_unknown


class Enums(msgspec.Struct):
    new_order_failure_reason: list[str]
    preview_failure_reason: list[str]


@needs_shared_data
def test_every_failure_reason_of_the_exchange_gives_an_error_of_ours() -> None:
    enums = msgspec.json.decode((FIXTURES / "enums_orders.json").read_bytes(), type=Enums)
    kinds = {reason: type(of_refusal([reason], "")) for reason in [*enums.new_order_failure_reason]}
    assert kinds["INSUFFICIENT_FUND"] is kinds["INSUFFICIENT_FUNDS"] is InsufficientFunds
    assert kinds["INVALID_PRODUCT_ID"] is kinds["UNTRADABLE_PRODUCT"] is InvalidSymbol
    assert kinds["GEOFENCING_RESTRICTION"] is PermissionDenied
    for reason in enums.preview_failure_reason:
        error = of_refusal(["UNKNOWN_FAILURE_REASON", reason, "x"], "why")
        assert isinstance(error, BrokerageError)
        assert not error.outcome_unknown


@pytest.mark.parametrize(
    ("status", "unknown"),
    [(400, False), (401, False), (403, False), (404, False), (429, False)]
    + [(status, True) for status in (408, 409, 500, 502, 503, 504)],
)
def test_only_a_fault_of_the_exchange_leaves_the_outcome_of_a_write_unknown(status: int, unknown: bool) -> None:
    with http_peer(lambda *_: reply(b"<html>no</html>", status)) as peer, pytest.raises(BrokerageError) as raised:
        CoinbaseClient(peer.url).cancel_orders(["x"])
    assert raised.value.outcome_unknown is unknown


def test_the_first_reason_that_says_something_counts() -> None:
    error = of_refusal(["UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_SIZE_PRECISION", "OTHER"], "step is 1")
    assert (type(error), error.code, str(error)) == (
        InvalidOrder,
        "PREVIEW_INVALID_SIZE_PRECISION",
        "PREVIEW_INVALID_SIZE_PRECISION: step is 1",
    )
    assert of_refusal(["", "", ""], "").code == "UNKNOWN"
