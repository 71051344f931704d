"""The older Exchange's keys: HMAC with a passphrase (protocol sheet 2.2).

What is signed is the time, the method, the path with its query and the body, as one text; the secret is base64, the
signature too. The secret leaves this module as little as a CDP key leaves `auth`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

from actors.connection.auth import without
from actors.connection.errors import AuthenticationError

#: What a subscribe signs in place of a request.
SUBSCRIBE_PATH = "/users/self/verify"


class ExchangeKey:
    """One key of the older Exchange. Its `repr` shows nothing of it."""

    __slots__ = ("_key", "_passphrase", "_secret")

    def __init__(self, key: str, secret: str, passphrase: str) -> None:
        """Raises `AuthenticationError`, which never quotes what was given."""
        missing = [name for name, value in (("key", key), ("secret", secret), ("passphrase", passphrase)) if not value]
        if missing:
            raise AuthenticationError(f"the older exchange's key has no {' and no '.join(missing)}")
        try:
            self._secret = base64.b64decode(secret.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise AuthenticationError("the older exchange's secret is not base64") from None
        self._key = key.strip()
        self._passphrase = passphrase

    def request_headers(self, method: str, _host: str, target: str, body: bytes, /) -> dict[str, str]:
        """The CB-ACCESS headers of one request, good for 30 s."""
        stamp = _now()
        return {
            "CB-ACCESS-KEY": self._key,
            "CB-ACCESS-SIGN": self.signature(stamp, method, target, body),
            "CB-ACCESS-TIMESTAMP": stamp,
            "CB-ACCESS-PASSPHRASE": self._passphrase,
        }

    def subscribe_fields(self) -> dict[str, str]:
        """What a subscribe to the `level2` and `full` channels, or to our own orders, carries besides."""
        stamp = _now()
        return {
            "signature": self.signature(stamp, "GET", SUBSCRIBE_PATH),
            "key": self._key,
            "passphrase": self._passphrase,
            "timestamp": stamp,
        }

    def concealed(self, text: str, /) -> str:
        return without(text, self._passphrase, self._key)

    def signature(self, stamp: str, method: str, target: str, body: bytes = b"") -> str:
        """The signature of a request; `target` is the path with its query.

        >>> key = ExchangeKey("k", "c2l4dGVlbiBieXRlIGtleQ==", "p")
        >>> order = b'{"product_id":"BTC-USD","side":"buy","size":"0.01","price":"50000","type":"limit"}'
        >>> key.signature("1700000000.123", "POST", "/orders", order)
        '6miDL5LIbL8JLlm6ifTz7OD0iufWvRoQLS7XuYGiGfg='
        """
        signed = hmac.new(self._secret, f"{stamp}{method}{target}".encode() + body, hashlib.sha256)
        return base64.b64encode(signed.digest()).decode()

    def __repr__(self) -> str:
        return "ExchangeKey(redacted)"

    def __reduce__(self) -> str:
        raise TypeError("keys are not pickled")


def _now() -> str:
    """Seconds of unix time with a fraction, as the signature wants them."""
    return f"{time.time():.3f}"
