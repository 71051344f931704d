"""Who we are at the exchange, as the seed writes it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from actors.brokerage import APIConfig, SystemConfig
from actors.connection.errors import AuthenticationError
from actors.strict import ConfigurationError
from tests.actors.connection.keys import EC_KEY, FORMS, NAME, pem

KEY: dict[str, Any] = {"cdp_api_key": NAME, "cdp_private_key": pem(EC_KEY)}


@pytest.mark.parametrize("secret", [secret for secret, _ in FORMS.values()], ids=list(FORMS))
def test_a_cdp_key_in_any_form_means_jwt_wherever_it_stands(secret: str) -> None:
    assert APIConfig(api_key=NAME, api_secret=secret).auth_type == "JWT"
    assert APIConfig(cdp_api_key=NAME, cdp_private_key=secret).auth_type == "JWT"


def test_a_secret_that_is_no_key_means_hmac_and_so_does_the_older_exchange() -> None:
    assert APIConfig(api_key="k", api_secret="s").auth_type == "HMAC"
    assert APIConfig(api_mode="exchange", **KEY).auth_type == "HMAC"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"enable_derivatives": True, "api_mode": "exchange"}, 'derivatives need api_mode="advanced"'),
        ({"enable_derivatives": True, "api_key": "k", "api_secret": "s"}, "derivatives need a CDP key"),
        ({"api_key": "k", "api_secret": "s"}, "HMAC keys no longer work"),
        ({"api_mode": "exchange", "auth_type": "JWT"}, "CDP keys are for"),
        ({"auth_type": "JWT", "cdp_api_key": NAME, "cdp_private_key": "torn"}, "API secret"),
        ({"auth_type": "JWT"}, "no name"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(AuthenticationError, match=reason):
        APIConfig(**fields).check()


def test_derivatives_are_off_unless_they_are_asked_for_and_then_need_a_cdp_key_in_advanced_mode() -> None:
    assert not APIConfig(**KEY).enable_derivatives
    APIConfig(enable_derivatives=True, **KEY).check()


@pytest.mark.parametrize("fields", [{"api_mode": "expert"}, {"auth_type": "OAUTH"}])
def test_a_word_that_is_none_of_the_known_ones_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not '"):
        APIConfig(**fields)


def test_no_secret_is_ever_shown() -> None:
    config = APIConfig(
        api_key="CANARY1",
        api_secret="CANARY2",
        passphrase="CANARY3",
        cdp_api_key="CANARY4",
        cdp_private_key="CANARY5",
    )
    assert "CANARY" not in repr(config)


def test_the_environment_gives_every_field(tmp_path: Path) -> None:
    key_file = tmp_path / "key.pem"
    key_file.write_text(pem(EC_KEY))
    config = APIConfig.from_env(
        {
            "COINBASE_PROD_CDP_API_KEY": NAME,
            "COINBASE_PROD_CDP_PRIVATE_KEY_PATH": str(key_file),
            "COINBASE_ENABLE_DERIVATIVES": "1",
            "COINBASE_API_BASE": "https://x.test",
            "COINBASE_WS_URL": "wss://x.test",
        }
    )
    as_downloaded = tmp_path / "key.json"
    as_downloaded.write_text(json.dumps({"name": NAME, "privateKey": pem(EC_KEY)}))
    config.check()
    APIConfig.from_env({"COINBASE_CDP_PRIVATE_KEY_PATH": str(as_downloaded)}).check()
    assert (config.auth_type, config.base_url, config.ws_url) == ("JWT", "https://x.test", "wss://x.test")
    older = APIConfig.from_env({"COINBASE_SANDBOX": "1", "COINBASE_SANDBOX_API_KEY": "k", "COINBASE_API_SECRET": "s"})
    assert (older.api_mode, older.auth_type, older.api_key, older.api_secret) == ("exchange", "HMAC", "k", "s")
    with pytest.raises(AuthenticationError, match="cannot be read"):
        APIConfig.from_env({"COINBASE_CDP_PRIVATE_KEY_PATH": str(tmp_path / "gone")})


def test_each_subscribe_gets_a_token_of_its_own() -> None:
    provider = APIConfig(**KEY).ws_auth_provider
    assert provider is not None
    assert provider()["jwt"] != provider()["jwt"]
    assert APIConfig(sandbox=True).ws_auth_provider is None


EXCHANGE: dict[str, Any] = {
    "api_mode": "exchange",
    "api_key": "k",
    "api_secret": base64.b64encode(b"sixteen byte key").decode(),
    "passphrase": "p",
}


def test_the_older_exchange_has_a_client_of_its_own_which_signs_by_hmac() -> None:
    seen: list[tuple[str, str, str]] = []

    def transport(
        method: str, url: str, headers: Mapping[str, str], _body: bytes | None, _timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        seen.append((f"{method} {url}", headers.get("CB-ACCESS-KEY", ""), headers["CB-VERSION"]))
        return 200, {}, "[]"

    client = APIConfig(api_version="2025-01-01", **EXCHANGE).exchange(max_retries=0)
    client.set_transport_for_testing(transport)
    assert client.get_accounts() == []
    assert seen == [("GET https://api.exchange.coinbase.com/accounts", "k", "2025-01-01")]
    assert APIConfig(sandbox=True, **EXCHANGE).exchange().base_url == "https://api-public.sandbox.exchange.coinbase.com"


def test_each_exchange_is_asked_by_its_own_client_only() -> None:
    with pytest.raises(AuthenticationError, match="another exchange"):
        APIConfig(**EXCHANGE).client()
    with pytest.raises(AuthenticationError, match="only"):
        APIConfig(**KEY).exchange()
    assert APIConfig(**KEY).exchange_key() is None


def test_half_a_key_of_the_older_exchange_is_refused_and_none_reads_the_market() -> None:
    with pytest.raises(AuthenticationError, match="no secret and no passphrase"):
        APIConfig(api_mode="exchange", api_key="k").exchange()
    assert APIConfig(api_mode="exchange").exchange_key() is None


def test_subscribes_to_the_older_exchange_carry_a_signature() -> None:
    provider = APIConfig(**EXCHANGE).ws_auth_provider
    assert provider is not None
    assert set(provider()) == {"signature", "key", "passphrase", "timestamp"}
    assert APIConfig(api_mode="exchange").ws_auth_provider is None


def test_another_broker_is_refused() -> None:
    assert APIConfig.from_env({"BROKER": "coinbase"}).api_mode == "advanced"
    with pytest.raises(ValueError, match="BROKER"):
        APIConfig.from_env({"BROKER": "kraken"})


@pytest.mark.parametrize(
    "table", [{"max_retry": 3}, {"max_retries": -1}, {"max_retries": "3"}, {"jitter_factor": "some"}, 7]
)
def test_a_system_table_that_is_wrong_is_refused(table: object) -> None:
    with pytest.raises(ConfigurationError):
        SystemConfig.of({"system": table})


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "{"), ("a.toml", "[system"), ("gone.json", None), ("b.json", "[]")]
)
def test_a_system_config_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str | None) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=name):
        SystemConfig.from_toml(path) if name.endswith("toml") else SystemConfig.from_json(path)
