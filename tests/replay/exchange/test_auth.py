"""Tokens: what passes, what does not, and that the exchange never says why."""

from __future__ import annotations

import base64
import json
import secrets
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from replay.exchange.auth import ApiKey, KeyRing, Unauthorized, forms_of_uri, issue_key, write_key_file
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.market import ListTape, snapshot
from tests.replay.exchange.running import BASE, Client, running

URI = "GET 127.0.0.1:8080/api/v3/brokerage/accounts"
NOW = 1_775_520_000.0
NAME = "organizations/3f1c/apiKeys/9b2e"


class Signer:
    """A key ring with one key, and who holds its private half."""

    def __init__(self, key_type: str = "ec") -> None:
        self.ring = KeyRing()
        if key_type == "ec":
            key, private = issue_key(NAME, "ec")
            self.private: object = private
            self.algorithm = "ES256"
        else:
            key, private = issue_key(NAME, "ed25519")
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(private)[:32])
            self.algorithm = "EdDSA"
        self.ring.add(key)

    def token(self, *, header: dict[str, object] | None = None, **changed: Any) -> str:
        claims = {"sub": NAME, "iss": "cdp", "nbf": int(NOW), "exp": int(NOW) + 120, "uri": URI}
        headers = {"kid": NAME, "nonce": secrets.token_hex(), **(header or {})}
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        sent = {name: value for name, value in headers.items() if value is not None}
        return jwt.encode(kept, self.private, algorithm=self.algorithm, headers=sent)  # type: ignore[arg-type]

    def check(self, token: str, *, now_s: float = NOW) -> ApiKey:
        return self.ring.check(token, now_s=now_s, uris={URI})


@pytest.mark.parametrize("key_type", ["ec", "ed25519"])
def test_a_good_token_names_its_key(key_type: str) -> None:
    signer = Signer(key_type)
    assert signer.check(signer.token()).name == NAME


@pytest.mark.parametrize("changed", [{"iss": "coinbase-cloud", "aud": ["retail_rest_api_proxy"]}, {"iat": int(NOW)}])
def test_older_clients_issuer_and_audience_pass(changed: dict[str, Any]) -> None:
    signer = Signer()
    assert signer.check(signer.token(**changed)).name == NAME


def test_general_libraries_name_a_list_of_requests_in_place_of_one() -> None:
    signer = Signer("ed25519")
    assert signer.check(signer.token(uri=None, uris=["GET elsewhere", URI], aud=["cdp_service"])).name == NAME
    wrongs: list[dict[str, Any]] = [{"uris": ["GET x"]}, {"uris": URI}, {"uris": [[URI], {}]}, {"uri": [URI]}]
    for wrong in (*wrongs, {"uris": [URI], "uri": "GET x"}):
        with pytest.raises(Unauthorized, match="another request"):
            signer.check(signer.token(**{"uri": None, **wrong}))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody"},
        {"iss": None},
        {"sub": "another key"},
        {"uri": None},
        {"uri": "POST 127.0.0.1:8080/api/v3/brokerage/accounts"},
        {"uri": URI + "?limit=1"},
        {"uri": URI.replace("127.0.0.1", "api.coinbase.com")},
        {"exp": int(NOW) + 121},
        {"exp": int(NOW)},
        {"exp": None},
        {"nbf": None},
        {"nbf": "now"},
        {"nbf": int(NOW) + 30, "exp": int(NOW) + 90},
        {"nbf": int(NOW) - 120, "exp": int(NOW)},
    ],
)
def test_a_token_with_a_wrong_claim_does_not_pass(changed: dict[str, Any]) -> None:
    signer = Signer()
    with pytest.raises(Unauthorized):
        signer.check(signer.token(**changed))


@pytest.mark.parametrize("header", [{"kid": "another"}, {"kid": None}, {"nonce": None}, {"nonce": ""}])
def test_a_token_with_a_wrong_header_does_not_pass(header: dict[str, object]) -> None:
    signer = Signer()
    with pytest.raises(Unauthorized):
        signer.check(signer.token(header=header))


def test_a_token_lives_from_its_beginning_to_its_end_with_a_little_leeway_before() -> None:
    signer = Signer()
    assert signer.check(signer.token(), now_s=NOW - 4)
    assert signer.check(signer.token(), now_s=NOW + 119)
    for now_s in (NOW - 6, NOW + 120):
        with pytest.raises(Unauthorized):
            signer.check(signer.token(), now_s=now_s)


def test_a_nonce_is_good_once() -> None:
    signer = Signer()
    token = signer.token()
    signer.check(token)
    with pytest.raises(Unauthorized, match="nonce"):
        signer.check(token)


def test_a_nonce_may_repeat_where_that_is_said_and_its_token_is_valid() -> None:
    signer = Signer()
    token = signer.token()
    assert signer.check(token) == signer.ring.check(token, now_s=NOW + 119, uris=[URI], may_repeat=True)
    with pytest.raises(Unauthorized, match="not valid now"):
        signer.ring.check(token, now_s=NOW + 120, uris=[URI], may_repeat=True)


def test_nonces_are_forgotten_only_after_no_token_with_them_can_be_valid() -> None:
    signer = Signer()
    for second in range(0, 500, 10):
        begins = int(NOW) + second
        signer.check(signer.token(nbf=begins, exp=begins + 120), now_s=begins)
    late = int(NOW) + 500
    reused = signer.token(header={"nonce": "again"}, nbf=late, exp=late + 120)
    signer.check(reused, now_s=late)
    with pytest.raises(Unauthorized, match="nonce"):
        signer.check(reused, now_s=late + 119)


def test_a_signature_of_another_key_does_not_pass() -> None:
    signer, stranger = Signer(), Signer()
    with pytest.raises(Unauthorized):
        signer.check(stranger.token())


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_chooses_a_weaker_algorithm_does_not_pass(algorithm: str) -> None:
    signer = Signer()
    claims = {"sub": NAME, "iss": "cdp", "nbf": int(NOW), "exp": int(NOW) + 120, "uri": URI}
    secret = None if algorithm == "none" else "0123456789abcdef0123456789abcdef"
    token = jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": NAME, "nonce": "1"})  # type: ignore[arg-type]
    with pytest.raises(Unauthorized):
        signer.check(token)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "....", "eyJhbGciOiJFUzI1NiJ9.e30."])
def test_what_is_no_token_does_not_pass(token: str) -> None:
    with pytest.raises(Unauthorized):
        Signer().check(token)


def test_a_websocket_token_needs_no_uri() -> None:
    signer = Signer()
    assert signer.ring.check(signer.token(uri=None), now_s=NOW, uris=None).name == NAME


def test_the_host_may_be_named_with_its_port_or_without() -> None:
    assert forms_of_uri("GET", "127.0.0.1:8080", {"/x"}) == {"GET 127.0.0.1:8080/x", "GET 127.0.0.1/x"}
    assert forms_of_uri("GET", "localhost", {"/x", "/%78"}) == {"GET localhost/x", "GET localhost/%78"}


def test_the_key_file_is_readable_by_its_owner_only_even_where_one_lay_before(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text("old")
    path.chmod(0o644)
    _, private = issue_key(NAME, "ec")
    write_key_file(path, NAME, private)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"name": NAME, "privateKey": private}


def test_an_ed25519_key_is_handed_out_as_seed_and_public_half() -> None:
    key, private = issue_key(NAME, "ed25519")
    raw = base64.b64decode(private)
    assert len(raw) == 64
    assert isinstance(key.public, ed25519.Ed25519PublicKey)
    assert key.public.public_bytes_raw() == raw[32:]


def test_the_exchange_answers_a_bad_token_with_plain_text(standing: Client) -> None:
    good = f"GET {standing.host}{BASE}/accounts"
    now = int(time.time())
    used = standing.token(good)
    assert standing.ask("GET", "/accounts", token=used).status_code == 200
    bad = [
        "",
        "nonsense",
        used,
        standing.token(f"POST {standing.host}{BASE}/accounts"),
        standing.token(good, nbf=now - 300, exp=now - 180),
        standing.token(good, iss="somebody"),
        jwt.encode({"uri": good}, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    ]
    for token in bad:
        reply = standing.ask("GET", "/accounts", token=token)
        assert (reply.status_code, reply.text) == (401, "Unauthorized\n")
        assert reply.headers["content-type"].startswith("text/plain")


def test_the_port_may_be_left_out_of_the_uri(standing: Client) -> None:
    token = standing.token(f"GET 127.0.0.1{BASE}/accounts")
    assert standing.ask("GET", "/accounts", token=token).status_code == 200


def test_public_paths_and_the_control_need_no_token(standing: Client) -> None:
    for path in (f"{BASE}/time", f"{BASE}/market/products", "/control/books"):
        assert standing.session.get(standing.ready.rest + path, timeout=5).status_code == 200
    reply = standing.session.get(f"{standing.ready.rest}{BASE}/products", timeout=5)
    assert reply.status_code == 401


def test_a_key_that_may_not_trade_looks_and_is_forbidden_the_rest(tmp_path: Path) -> None:
    options = ExchangeOptions(tape=ListTape([snapshot(0)]), folder=tmp_path, key_can_trade=False, key_can_transfer=True)
    with running(options) as client:
        permissions = client.get("/key_permissions")
        assert (permissions["can_view"], permissions["can_trade"], permissions["can_transfer"]) == (True, False, True)
        for path in ("/orders", "/orders/batch_cancel", "/orders/close_position"):
            reply = client.ask("POST", path, {})
            assert (reply.status_code, reply.json()["error"]) == (403, "PERMISSION_DENIED")
