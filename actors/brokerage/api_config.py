"""Who we are at the exchange, and which of its doors we use, as the seed writes it.

Advanced Trade takes a CDP key, whose tokens are signed for each request; the older Exchange (`api_mode="exchange"`)
takes key, secret and passphrase, by HMAC. How requests are signed follows from the secret (trading rules B12). What
cannot work is refused when it is to be used, with the reason: a configuration may be written before its key exists.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from actors.connection.auth import Credentials, Signer
from actors.connection.client.coinbase import LIVE_REST, CoinbaseClient
from actors.connection.errors import AuthenticationError
from actors.connection.market_feed import LIVE_MARKET_FEED
from actors.connection.older_exchange.client import EXCHANGE_REST, ExchangeClient
from actors.connection.older_exchange.key import ExchangeKey

#: The Advanced sandbox: canned replies, no key; the older exchange's, and its live address.
SANDBOX_REST = "https://api-sandbox.coinbase.com"
EXCHANGE_SANDBOX_REST = "https://api-public.sandbox.exchange.coinbase.com"
SANDBOX_FEED = "wss://advanced-trade-ws-sandbox.coinbase.com"
EXCHANGE_FEED = "wss://ws-feed.exchange.coinbase.com"
EXCHANGE_SANDBOX_FEED = "wss://ws-feed-public.sandbox.exchange.coinbase.com"

_REST = {
    ("advanced", False): LIVE_REST,
    ("advanced", True): SANDBOX_REST,
    ("exchange", False): EXCHANGE_REST,
    ("exchange", True): EXCHANGE_SANDBOX_REST,
}
_FEEDS = {
    ("advanced", False): LIVE_MARKET_FEED,
    ("advanced", True): SANDBOX_FEED,
    ("exchange", False): EXCHANGE_FEED,
    ("exchange", True): EXCHANGE_SANDBOX_FEED,
}
_YES = frozenset({"1", "true", "yes", "on"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class APIConfig:
    """The seed's fields. `auth_type` None: JWT for a CDP key, wherever it stands, else HMAC. `repr` shows no key."""

    api_key: str = dataclasses.field(default="", repr=False)
    api_secret: str = dataclasses.field(default="", repr=False)
    passphrase: str = dataclasses.field(default="", repr=False)
    base_url: str = ""
    sandbox: bool = False
    ws_url: str = ""
    enable_derivatives: bool = False
    cdp_api_key: str = dataclasses.field(default="", repr=False)
    cdp_private_key: str = dataclasses.field(default="", repr=False)
    auth_type: str | None = None
    api_version: str = "2024-10-24"  # sent to the older exchange; Advanced Trade has its version in the path
    api_mode: str = "advanced"

    def __post_init__(self) -> None:
        """Raises `ValueError` for a word that is none of the known ones."""
        where = (self.api_mode, self.sandbox)
        if where not in _REST:
            raise ValueError(f'api_mode is "advanced" or "exchange", not {self.api_mode!r}')
        for name, value in (
            ("base_url", self.base_url or _REST[where]),
            ("ws_url", self.ws_url or _FEEDS[where]),
            ("auth_type", self._inferred() if self.auth_type is None else self.auth_type.upper()),
        ):
            object.__setattr__(self, name, value)
        if self.auth_type not in ("JWT", "HMAC"):
            raise ValueError(f'auth_type is "JWT" or "HMAC", not {self.auth_type!r}')

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> APIConfig:
        """From the COINBASE_ variables of the protocol sheet 8.14; COINBASE_SANDBOX=1 means the older exchange's."""
        given = os.environ if environment is None else environment
        if given.get("BROKER", "").strip().lower() not in ("", "coinbase"):
            raise ValueError(f'BROKER is "coinbase", not {given["BROKER"]!r}')
        sandbox = given.get("COINBASE_SANDBOX", "").strip().lower() in _YES
        stage = "SANDBOX" if sandbox else "PROD"

        def read(name: str) -> str:
            return given.get(f"COINBASE_{stage}_{name}", "") or given.get(f"COINBASE_{name}", "")

        name, key = _key_in(read("CDP_PRIVATE_KEY_PATH"))
        fields: dict[str, Any] = {
            "api_key": read("API_KEY"),
            "api_secret": read("API_SECRET"),
            "passphrase": read("API_PASSPHRASE"),
            "base_url": given.get("COINBASE_API_BASE", ""),
            "ws_url": given.get("COINBASE_WS_URL", ""),
            "cdp_api_key": read("CDP_API_KEY") or name,
            "cdp_private_key": read("CDP_PRIVATE_KEY") or key,
            "auth_type": given.get("COINBASE_AUTH_TYPE") or None,
            "api_mode": "exchange" if sandbox else given.get("COINBASE_API_MODE", "advanced").lower(),
            "enable_derivatives": given.get("COINBASE_ENABLE_DERIVATIVES", "").strip().lower() in _YES,
        }
        return cls(sandbox=sandbox, **fields)

    def check(self) -> None:
        """Raises `AuthenticationError` with the reason when nothing can be done with this, or not what is asked."""
        if self.enable_derivatives:
            if self.api_mode != "advanced":
                raise AuthenticationError('derivatives need api_mode="advanced" (COINBASE_API_MODE=advanced)')
            if self.auth_type != "JWT":
                raise AuthenticationError("derivatives need a CDP key: give cdp_api_key and cdp_private_key")
        if self.api_mode == "advanced" and self.auth_type == "HMAC" and not self.sandbox:
            reason = "HMAC keys no longer work with Advanced Trade: give the name and the private key of a CDP key"
            raise AuthenticationError(f'{reason}, or api_mode="exchange"')
        if self.api_mode == "exchange" and self.auth_type == "JWT":
            raise AuthenticationError('CDP keys are for api_mode="advanced"; the older exchange signs by HMAC')
        if self.api_mode == "advanced":
            self.credentials()

    def credentials(self) -> Credentials | None:
        """The CDP key; None without one, as in the sandbox. Raises `AuthenticationError` for one that is no key."""
        if self.auth_type != "JWT":
            return None
        if self.cdp_api_key or self.cdp_private_key:
            return Credentials(self.cdp_api_key, self.cdp_private_key)
        return Credentials(self.api_key, self.api_secret)

    def exchange_key(self) -> ExchangeKey | None:
        """The older Exchange's key; None where none is given. Raises `AuthenticationError` for half of one."""
        if self.api_mode != "exchange" or not (self.api_key or self.api_secret or self.passphrase):
            return None
        return ExchangeKey(self.api_key, self.api_secret, self.passphrase)

    def client(self, **options: Any) -> CoinbaseClient:
        """A client of Advanced Trade with this key; `options` are those of `CoinbaseClient`."""
        self.check()
        if self.api_mode != "advanced":
            raise AuthenticationError('api_mode="exchange" is another exchange: ask it through exchange()')
        return CoinbaseClient(self.base_url, self.credentials(), **options)

    def exchange(self, **options: Any) -> ExchangeClient:
        """A client of the older Exchange with this key; `options` are those of `ExchangeClient`."""
        self.check()
        if self.api_mode != "exchange":
            raise AuthenticationError('the older exchange is asked with api_mode="exchange" only')
        return ExchangeClient(self.base_url, self.exchange_key(), api_version=self.api_version, **options)

    @property
    def ws_auth_provider(self) -> Callable[[], dict[str, str]] | None:
        """Gives the part of a subscribe message that proves who we are, fresh at each call; None without a key."""
        key: Signer | None = self.exchange_key() if self.api_mode == "exchange" else self.credentials()
        return None if key is None else key.subscribe_fields

    def _inferred(self) -> str:
        if self.api_mode == "exchange":
            return "HMAC"
        if self.cdp_api_key and self.cdp_private_key:
            return "JWT"
        try:
            Credentials(self.api_key, self.api_secret)
        except AuthenticationError:
            return "HMAC"
        return "JWT"


def _key_in(path: str) -> tuple[str, str]:
    """Name and key of a key file: the JSON as downloaded, or the key alone, then without a name."""
    if not path:
        return "", ""
    try:
        text = Path(path).read_text(encoding="utf-8")
        form = msgspec.json.decode(text, type=dict[str, str]) if text.lstrip().startswith("{") else {"privateKey": text}
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        raise AuthenticationError(f"key file {path} cannot be read: it is no text, or no JSON of texts") from None
    return form.get("name", form.get("id", "")), form.get("privateKey", "")
