"""Tokens, checked as the exchange checks them, and the keys to sign them with.

A token is a JWT signed by the key named in its header: ES256 or EdDSA, whichever the key is. It must be young
(at most 120 s from `nbf` to `exp`), valid now by the wall clock, made for this very request (`uri` = method, host and
path without query) and never seen before (`nonce`). General CDP libraries say `uris`, a list, in place of `uri`.
"""

from __future__ import annotations

import base64
import json
import os
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

KeyType = Literal["ec", "ed25519"]

_ISSUERS = ("cdp", "coinbase-cloud")
_LIFETIME_S = 120
_LEEWAY_S = 5
_ALGORITHMS: dict[KeyType, str] = {"ec": "ES256", "ed25519": "EdDSA"}


class Unauthorized(Exception):
    """A token that does not pass. The reason is for our own tests: the exchange never tells."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the exchange knows it: its public half and what it may do."""

    name: str
    key_type: KeyType
    public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    can_view: bool = True
    can_trade: bool = True
    can_transfer: bool = False


@dataclass(slots=True)
class KeyRing:
    """The keys this exchange issued, and the nonces it has seen while they could still be used again."""

    keys: dict[str, ApiKey] = field(default_factory=dict)
    _nonces: set[str] = field(default_factory=set)
    _expiring: deque[tuple[float, str]] = field(default_factory=deque)

    def add(self, key: ApiKey) -> None:
        self.keys[key.name] = key

    def check(self, token: str, *, now_s: float, uris: Collection[str] | None, may_repeat: bool = False) -> ApiKey:
        """The key of a valid token. `uris` are the forms of this request; None for a WebSocket message, which has none.

        Raises `Unauthorized`, also for a nonce seen before unless it may repeat.
        """
        try:
            header = jwt.get_unverified_header(token)
            key = self.keys.get(header.get("kid", ""))
            if key is None:
                raise Unauthorized("no such key")
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[_ALGORITHMS[key.key_type]],
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            raise Unauthorized(str(error)) from None
        _check_claims(claims, key, now_s=now_s, uris=uris)
        self._check_nonce(header.get("nonce"), now_s=now_s, may_repeat=may_repeat)
        return key

    def _check_nonce(self, nonce: object, *, now_s: float, may_repeat: bool) -> None:
        while self._expiring and self._expiring[0][0] < now_s:
            self._nonces.discard(self._expiring.popleft()[1])
        if not isinstance(nonce, str) or not nonce:
            raise Unauthorized("no nonce")
        if nonce in self._nonces:
            if may_repeat:
                return
            raise Unauthorized("nonce seen before")
        self._nonces.add(nonce)
        self._expiring.append((now_s + _LIFETIME_S + 2 * _LEEWAY_S, nonce))


def forms_of_uri(method: str, host: str, paths: Collection[str]) -> frozenset[str]:
    """`GET host:port/path` and `GET host/path`: clients differ in whether the port belongs to the host.

    `paths` are the path as it was sent and as it reads: they differ where it is percent-encoded.
    """
    bare = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return frozenset(f"{method} {name}{path}" for name in (host, bare) for path in paths)


def issue_key(name: str, key_type: KeyType) -> tuple[ApiKey, str]:
    """A new key, and its private half in the form the exchange hands out: SEC1 PEM, or base64 of seed and public."""
    if key_type == "ec":
        curve_key = ec.generate_private_key(ec.SECP256R1())
        pem = curve_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        return ApiKey(name, key_type, curve_key.public_key()), pem.decode()
    edwards_key = ed25519.Ed25519PrivateKey.generate()
    secret = edwards_key.private_bytes_raw() + edwards_key.public_key().public_bytes_raw()
    return ApiKey(name, key_type, edwards_key.public_key()), base64.b64encode(secret).decode()


def read_key_file(path: Path, key_type: KeyType) -> ApiKey | None:
    """The key that was issued into a file before; None when there is none, or it is of another kind."""
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    private = told["privateKey"]
    if private.startswith("-----BEGIN"):
        curve_key = serialization.load_pem_private_key(private.encode(), password=None)
        assert isinstance(curve_key, ec.EllipticCurvePrivateKey), "issued by us"
        return ApiKey(told["name"], "ec", curve_key.public_key()) if key_type == "ec" else None
    edwards_key = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(private)[:32])
    return ApiKey(told["name"], "ed25519", edwards_key.public_key()) if key_type == "ed25519" else None


def write_key_file(path: Path, name: str, private: str) -> None:
    """The key file as the exchange lets one download it, readable by its owner only."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"name": name, "privateKey": private}, file)


def _check_claims(claims: dict[str, object], key: ApiKey, *, now_s: float, uris: Collection[str] | None) -> None:
    begins, ends = claims.get("nbf"), claims.get("exp")
    if claims.get("iss") not in _ISSUERS:
        raise Unauthorized("wrong issuer")
    if claims.get("sub") != key.name:
        raise Unauthorized("subject and key differ")
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        raise Unauthorized("nbf and exp must be times")
    if ends - begins > _LIFETIME_S or ends <= begins:
        raise Unauthorized("lives too long")
    if not begins - _LEEWAY_S <= now_s < ends:
        raise Unauthorized("not valid now")
    if uris is not None and not any(said in uris for said in _said_uris(claims)):
        raise Unauthorized("made for another request")


def _said_uris(claims: dict[str, object]) -> list[str]:
    """What a token is made for: its `uri`, or where it has none its `uris`."""
    said = [claims["uri"]] if "uri" in claims else claims.get("uris")
    return [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
