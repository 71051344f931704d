"""CDP keys: who we are to the exchange. A fresh signed token for every request and every authenticated subscribe.

Claims by the protocol sheet 2.1: `sub` and `kid` are the key's name, `iss` is "cdp", 120 s of life, and `uri` is
`METHOD host/path` without the query; WebSocket tokens are the same without `uri`. A P-256 key signs ES256, an Ed25519
key EdDSA. The key itself never leaves this module: not by `repr`, not by an exception, not by a log line.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from pathlib import Path
from typing import Protocol, TypeAlias

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actors.connection.errors import AuthenticationError

#: Life of a token in seconds; the exchange takes no more.
TOKEN_LIFE_S = 120
#: In characters, of words that are removed wherever they stand.
SHORTEST_SECRET = 6

SigningKey: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey

_FORMS = "an EC P-256 key or an Ed25519 key in PEM, or the base64 of an Ed25519 key of 64 or 32 bytes"
_SECRET_SHAPES = re.compile(
    r"eyJ[\w-]{5,}\.[\w-]*(?:\.[\w-]*)?"  # a token
    r"|-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|$)"  # a key, also one that is cut off
    # what the older exchange's requests carry
    r"|(?i:(?:cb-access-(?:key|sign|passphrase)|passphrase)[\"']?\s*[:=]\s*[\"']?)[^\s\"',;}]+",
    re.DOTALL,
)


def redacted(text: str, *, limit: int = 500) -> str:
    """`text` fit for logs, events and exceptions: without tokens and keys, not longer than `limit` characters, and
    with nothing in it that a terminal would obey.

    >>> redacted("bad token eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjZHAifQ.c2ln")
    'bad token [redacted]'
    >>> redacted('{"message": "no", "passphrase": "hunter2"}')
    '{"message": "no", "[redacted]"}'
    >>> print(redacted("bell \\a, red \\x1b[31m"))
    bell \\x07, red \\x1b[31m
    """
    clean = _SECRET_SHAPES.sub("[redacted]", text)
    short = clean if len(clean) <= limit else clean[: limit - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in short)


def without(text: str, *words: str) -> str:
    """`text` without these very words; one shorter than `SHORTEST_SECRET` would tear holes into any text.

    >>> without("the passphrase hunter2 is wrong", "hunter2", "is")
    'the passphrase [redacted] is wrong'
    """
    for word in words:
        text = text.replace(word, "[redacted]") if len(word) >= SHORTEST_SECRET else text
    return text


class Signer(Protocol):
    """What proves to an exchange who asks."""

    def request_headers(self, method: str, host: str, target: str, body: bytes, /) -> dict[str, str]:
        """The headers of one request, fresh; `target` is the path with its query."""

    def subscribe_fields(self) -> dict[str, str]:
        """What one subscribe or unsubscribe message carries besides, fresh."""

    def concealed(self, text: str, /) -> str:
        """An answer without what was sent to prove who asks, should the exchange repeat it."""


class Credentials:
    """A key's name and the key. Its `repr` shows neither."""

    __slots__ = ("_algorithm", "_key", "_name")

    def __init__(self, name: str, secret: str) -> None:
        """`secret` in any form the exchange hands out. Raises `AuthenticationError`, which never quotes it."""
        if not name.strip():
            raise AuthenticationError("the API key has no name (organizations/…/apiKeys/…, or a bare id)")
        self._name = name.strip()
        self._key = _signing_key(secret)
        self._algorithm = "EdDSA" if isinstance(self._key, Ed25519PrivateKey) else "ES256"

    @classmethod
    def from_file(cls, path: str | Path, name: str = "") -> Credentials:
        """The key file as downloaded: JSON with `name` (newer files: `id`) and `privateKey`; or the key alone as PEM.

        A key alone needs `name` besides; one that the file gives itself counts first.
        """
        try:
            raw = Path(path).read_bytes()
            if raw.lstrip().startswith(b"-----BEGIN"):
                form = _KeyFile(private_key=raw.decode())
            else:
                form = msgspec.json.decode(raw, type=_KeyFile)
        except OSError as error:
            raise AuthenticationError(f"key file {path}: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise AuthenticationError(f"key file {path}: not JSON with name (or id) and privateKey") from None
        name = form.name or form.id or name
        if not name or not form.private_key:
            raise AuthenticationError(f"key file {path}: name (or id) or privateKey is missing")
        try:
            return cls(name, form.private_key)
        except AuthenticationError as error:
            raise AuthenticationError(f"key file {path}: {error}") from None

    @property
    def algorithm(self) -> str:
        """ES256 or EdDSA."""
        return self._algorithm

    def request_headers(self, method: str, host: str, target: str, _body: bytes, /) -> dict[str, str]:
        """A token of this one request; neither query nor body is part of it."""
        return {"Authorization": f"Bearer {self.request_token(method, host, target.partition('?')[0])}"}

    def subscribe_fields(self) -> dict[str, str]:
        return {"jwt": self.subscribe_token()}

    def concealed(self, text: str, /) -> str:
        return without(text, self._name)  # tokens are known by their shape

    def request_token(self, method: str, host: str, path: str) -> str:
        """A token for one REST request; `path` without its query, `host` as it is called, with a port if it has one."""
        return self._token({"uri": f"{method} {host}{path}"})

    def subscribe_token(self) -> str:
        """A token for one subscribe or unsubscribe message."""
        return self._token({})

    def _token(self, claims: dict[str, str]) -> str:
        now = int(time.time())
        return jwt.encode(
            {"sub": self._name, "iss": "cdp", "nbf": now, "exp": now + TOKEN_LIFE_S, **claims},
            self._key,
            algorithm=self._algorithm,
            headers={"kid": self._name, "nonce": secrets.token_hex(16)},
        )

    def __repr__(self) -> str:
        return f"Credentials({self._algorithm}, redacted)"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not pickled")


class _KeyFile(msgspec.Struct):
    name: str = ""
    id: str = ""
    private_key: str = msgspec.field(name="privateKey", default="")

    def __repr__(self) -> str:
        return "_KeyFile(redacted)"


def _signing_key(secret: str) -> SigningKey:
    text = secret.strip().replace("\\r", "").replace("\\n", "\n")
    return _from_pem(text) if "-----BEGIN" in text else _from_base64(text)


def _from_pem(text: str) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AuthenticationError(f"the API secret is no readable PEM key; wanted is {_FORMS}") from None
    return _accepted(key)


def _from_base64(text: str) -> SigningKey:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise AuthenticationError(f"the API secret is neither PEM nor base64; wanted is {_FORMS}") from None
    if len(raw) == 32:
        return Ed25519PrivateKey.from_private_bytes(raw)
    if len(raw) == 64:
        key = Ed25519PrivateKey.from_private_bytes(raw[:32])
        if key.public_key().public_bytes_raw() != raw[32:]:
            raise AuthenticationError("the Ed25519 secret's second half is not its public key")
        return key
    try:
        return _accepted(serialization.load_der_private_key(raw, password=None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AuthenticationError(f"the API secret has {len(raw)} bytes in base64; wanted is {_FORMS}") from None


def _accepted(key: object) -> SigningKey:
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise AuthenticationError(f"the API secret is a key of another kind; wanted is {_FORMS}")
