"""Keys in every form sign fresh tokens by the exchange's rules, and never show themselves."""

from __future__ import annotations

import json
import pickle
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from actors.connection.auth import Credentials, redacted
from actors.connection.errors import AuthenticationError
from tests.actors.connection.keys import EC_KEY, ED_KEY, FORMS, NAME, pem


@pytest.mark.parametrize("form", FORMS)
def test_a_key_in_any_form_signs_tokens_that_its_public_half_verifies(form: str) -> None:
    secret, algorithm = FORMS[form]
    token = Credentials(NAME, secret).request_token("GET", "api.coinbase.com", "/api/v3/brokerage/accounts")
    public = (EC_KEY if algorithm == "ES256" else ED_KEY).public_key()
    claims = jwt.decode(token, public, algorithms=[algorithm])
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    assert claims["uri"] == "GET api.coinbase.com/api/v3/brokerage/accounts"


def test_a_token_has_exactly_the_claims_of_the_exchange_and_lives_two_minutes() -> None:
    before = int(time.time())
    token = Credentials(NAME, pem(EC_KEY)).request_token("POST", "api.coinbase.com", "/x")
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"sub", "iss", "nbf", "exp", "uri"}
    assert (claims["sub"], claims["iss"], header["kid"], header["typ"]) == (NAME, "cdp", NAME, "JWT")
    assert claims["exp"] - claims["nbf"] == 120
    assert before <= claims["nbf"] <= int(time.time())


def test_a_subscribe_token_names_no_request() -> None:
    token = Credentials(NAME, pem(EC_KEY)).subscribe_token()
    assert jwt.decode(token, options={"verify_signature": False}).keys() == {"sub", "iss", "nbf", "exp"}


def test_no_two_tokens_share_a_nonce() -> None:
    credentials = Credentials(NAME, pem(EC_KEY))
    nonces = {jwt.get_unverified_header(credentials.subscribe_token())["nonce"] for _ in range(50)}
    assert len(nonces) == 50


@pytest.mark.parametrize("field", ["name", "id"])
def test_a_downloaded_key_file_is_read_whether_it_says_name_or_id(field: str, tmp_path: Path) -> None:
    path = tmp_path / "cdp_api_key.json"
    path.write_text(json.dumps({field: NAME, "privateKey": pem(EC_KEY, sec1=True)}))
    assert Credentials.from_file(path).algorithm == "ES256"


def test_a_file_that_is_the_key_alone_is_read_with_the_name_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("\n" + pem(EC_KEY))
    token = Credentials.from_file(path, NAME).subscribe_token()
    assert jwt.decode(token, EC_KEY.public_key(), algorithms=["ES256"])["sub"] == NAME
    with pytest.raises(AuthenticationError, match=r"key\.pem: name \(or id\) or privateKey is missing"):
        Credentials.from_file(path)


SECRETS = {
    "no key at all": "hello, I am no key",
    "base64 of a wrong length": "YWJjZGVmZ2g=",
    "broken PEM": pem(EC_KEY).replace("MIG", "XXX"),
    "another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "RSA": pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),  # type: ignore[arg-type]  # wrong on purpose
    "halves that do not belong together": "A" * 86 + "==",
    "empty": "",
}


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_that_is_no_usable_key_is_refused_without_being_quoted(what: str) -> None:
    secret = SECRETS[what]
    with pytest.raises(AuthenticationError) as refused:
        Credentials(NAME, secret)
    for line in secret.splitlines():
        assert len(line) < 8 or line not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "content",
    ["", "no json", "[]", '{"name": "n"}', '{"privateKey": "k"}', '{"name": 1, "privateKey": "k"}', "\x00\xff"],
)
def test_a_broken_key_file_is_named_and_its_content_is_not(content: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(AuthenticationError, match=r"key\.json"):
        Credentials.from_file(path)


def test_a_key_file_whose_key_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"name": NAME, "privateKey": "hunter2hunter2"}))
    with pytest.raises(AuthenticationError, match=r"key\.json: the API secret") as refused:
        Credentials.from_file(path)
    assert "hunter2" not in str(refused.value)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match=r"nowhere\.json: No such file"):
        Credentials.from_file(tmp_path / "nowhere.json")


@pytest.mark.parametrize("form", FORMS)
def test_credentials_show_neither_name_nor_key_however_they_are_printed(form: str) -> None:
    secret, _ = FORMS[form]
    credentials = Credentials(NAME, secret)
    shown = f"{credentials!r} {credentials} {[credentials]}"
    assert NAME not in shown
    assert all(line not in shown for line in secret.split() if len(line) > 8)
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


def test_texts_of_others_lose_tokens_and_keys_before_they_are_kept() -> None:
    token = Credentials(NAME, pem(EC_KEY)).subscribe_token()
    text = redacted(f"bad token {token} for {pem(EC_KEY)} and a cut one {pem(EC_KEY)[:80]}")
    assert "redacted" in text
    assert not any(part in text for part in token.split("."))
    assert "BEGIN" not in text
    assert len(redacted("x" * 10_000)) == 500
