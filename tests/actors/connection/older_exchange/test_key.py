"""The older Exchange's signatures, against the sheet's vector and against an exchange that checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import pickle

import pytest

from actors.connection.auth import redacted
from actors.connection.errors import AuthenticationError
from actors.connection.older_exchange.key import ExchangeKey

SECRET = base64.b64encode(b"sixteen byte key").decode()
KEY = ExchangeKey("key-1", SECRET, "pass")


def test_the_signature_is_that_of_the_published_vector() -> None:
    body = b'{"product_id":"BTC-USD","side":"buy","size":"0.01","price":"50000","type":"limit"}'
    assert KEY.signature("1700000000.123", "POST", "/orders", body) == "6miDL5LIbL8JLlm6ifTz7OD0iufWvRoQLS7XuYGiGfg="


def test_a_request_signs_time_method_path_with_query_and_body() -> None:
    headers = KEY.request_headers("GET", "x.test", "/orders?limit=2&status=open", b"")
    stamp = headers["CB-ACCESS-TIMESTAMP"]
    prehash = f"{stamp}GET/orders?limit=2&status=open".encode()
    wanted = base64.b64encode(hmac.new(b"sixteen byte key", prehash, hashlib.sha256).digest()).decode()
    assert headers == {
        "CB-ACCESS-KEY": "key-1",
        "CB-ACCESS-SIGN": wanted,
        "CB-ACCESS-TIMESTAMP": stamp,
        "CB-ACCESS-PASSPHRASE": "pass",
    }


def test_a_subscribe_signs_the_path_that_verifies_a_user() -> None:
    fields = KEY.subscribe_fields()
    assert fields["signature"] == KEY.signature(fields["timestamp"], "GET", "/users/self/verify")
    assert (fields["key"], fields["passphrase"]) == ("key-1", "pass")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("", SECRET, "p"), "has no key"),
        (("k", "", ""), "no secret and no passphrase"),
        (("k", "hunter2!", "p"), "not base64"),
    ],
)
def test_half_a_key_and_a_secret_that_is_none_are_refused_without_being_quoted(
    given: tuple[str, str, str], reason: str
) -> None:
    with pytest.raises(AuthenticationError, match=reason) as refused:
        ExchangeKey(*given)
    assert "hunter2" not in str(refused.value)


def test_the_key_is_neither_shown_nor_pickled() -> None:
    assert "pass" not in repr(KEY)
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


@pytest.mark.parametrize(
    "text",
    ['{"CB-ACCESS-PASSPHRASE": "hunter2"}', "cb-access-key=hunter2&x=1", "{'passphrase': 'hunter2'}"],
)
def test_texts_of_others_lose_the_headers_of_a_key_before_they_are_kept(text: str) -> None:
    assert "hunter2" not in redacted(text)
