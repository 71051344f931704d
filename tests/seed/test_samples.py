"""The seed's samples of client and configuration, run from its own text. A number in a name is the block's line."""

from __future__ import annotations

import ast
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

import actors.connection.errors as errors
from actors.brokerage import APIConfig, CoinbaseClient, RiskConfig, SystemConfig
from actors.connection.client.limits import Urgency
from actors.connection.errors import AuthenticationError, BrokerageError, RateLimitError
from actors.strict import ConfigurationError
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.seed.markets import exchange
from tests.seed.samples import block, needs_the_seed, run
from tests.seed.turnstile import Turnstile

pytestmark = needs_the_seed

ROOT = Path(__file__).parents[2]
PRODUCTS: tuple[int, dict[str, str], str] = (200, {}, '{"products": []}')


class Scripted:
    """A transport that answers in turn, the last answer again and again, and keeps the calls."""

    def __init__(self, *answers: tuple[int, Mapping[str, str], str]) -> None:
        self.calls: list[tuple[str, str, bytes | None]] = []
        self._answers = list(answers)

    def __call__(
        self, method: str, url: str, _headers: Mapping[str, str], body: bytes | None, _timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        self.calls.append((method, url, body))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class LocalClients:
    """Stands for `CoinbaseClient` in a sample: the address it names is reached at another. Keeps what it made."""

    def __init__(self, url: str) -> None:
        self.made: list[CoinbaseClient] = []
        self._url = url

    def __call__(self, base_url: str, **options: Any) -> CoinbaseClient:
        assert base_url == "https://api.coinbase.com"
        self.made.append(CoinbaseClient(self._url, **options))
        return self.made[-1]


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: asked.append(round(seconds, 4)))
    return asked


def test_22_keep_alive_makes_one_connection_for_ten_requests_and_without_it_ten(tmp_path: Path) -> None:
    with exchange(tmp_path) as peer, Turnstile(peer.ready.rest) as turnstile:
        clients = LocalClients(turnstile.url)
        run(22, CoinbaseClient=clients)
        accepted = []
        for client in clients.made:
            before = turnstile.accepted
            for _ in range(10):
                assert client.get_products()
            client.close()
            accepted.append(turnstile.accepted - before)
    assert accepted == [1, 10]


def test_43_connection_reuse_can_be_switched_off_in_code() -> None:
    names = run(43, CoinbaseClient=CoinbaseClient)
    assert names["COINBASE_ENABLE_KEEP_ALIVE"] == 0, "as Python the last line binds a name; it is meant for the shell"
    names["client"].close()


@pytest.mark.parametrize(("value", "connections"), [("0", 10), ("1", 1)])
def test_43_connection_reuse_can_be_switched_off_in_the_environment(
    tmp_path: Path, value: str, connections: int
) -> None:
    asks = "import sys\nfrom actors.brokerage import CoinbaseClient\nclient = CoinbaseClient(base_url=sys.argv[1])\n"
    asks += "for _ in range(10): assert client.get_products()\nclient.close()\n"
    with exchange(tmp_path) as peer, Turnstile(peer.ready.rest) as turnstile:
        subprocess.run(
            [sys.executable, "-c", asks, turnstile.url],
            cwd=ROOT,
            env={**os.environ, "COINBASE_ENABLE_KEEP_ALIVE": value},
            check=True,
            timeout=60,
        )
        assert turnstile.accepted == connections


@pytest.mark.parametrize(("index", "waits"), [(0, [1.01, 2.04, 4.12]), (1, [1.0, 2.0, 4.0])])
@pytest.mark.parametrize("form", ["dict", "json", "toml"])
def test_61_the_system_config_sets_the_waits_between_tries(
    tmp_path: Path, sleeps: list[float], index: int, waits: list[float], form: str
) -> None:
    statements = ast.parse(block(61)).body
    config = [ast.literal_eval(statement.value) for statement in statements if isinstance(statement, ast.Expr)][index]
    client = CoinbaseClient("https://x.test", **_system(config, form, tmp_path).client_options)
    client.set_transport_for_testing(Scripted((503, {}, "")))
    with pytest.raises(BrokerageError):
        client.get_products()
    assert sleeps == waits


def _system(config: dict[str, Any], form: str, folder: Path) -> SystemConfig:
    if form == "dict":
        return SystemConfig.of(config)
    path = folder / f"config.{form}"
    if form == "json":
        path.write_text(json.dumps(config))
        return SystemConfig.from_json(path)
    path.write_text("[system]\n" + "".join(f"{name} = {value}\n" for name, value in config["system"].items()))
    return SystemConfig.from_toml(path)


def test_88_the_hundred_and_first_request_in_a_minute_waits_and_the_eightieth_warns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client: CoinbaseClient = run(88, CoinbaseClient=CoinbaseClient)["client"]
    client.set_transport_for_testing(Scripted(PRODUCTS))
    with caplog.at_level(logging.WARNING):
        for number in range(1, 101):
            client.get_products()
            assert client.requests_in_window == number
            assert len(caplog.records) == (1 if number >= 80 else 0)
    with pytest.raises(RateLimitError) as limited:
        client.at(Urgency.EXITS, patience_s=50).get_products()
    assert limited.value.retry_after is not None
    assert 50 < limited.value.retry_after <= 60
    assert len(caplog.records) == 1


def test_164_an_advanced_config_takes_a_cdp_key_and_refuses_hmac_with_the_reason() -> None:
    exchange_config: APIConfig = run(164, APIConfig=APIConfig)["config"]
    assert (exchange_config.api_mode, exchange_config.auth_type) == ("exchange", "HMAC")
    exchange_config.check()
    advanced: list[APIConfig] = []

    def keep(**fields: str) -> None:
        advanced.append(APIConfig(**{**fields, "api_secret": pem(EC_KEY), "api_key": NAME}))  # type: ignore[arg-type]
        advanced.append(APIConfig(**fields))  # type: ignore[arg-type]  # all of them texts

    run(164, APIConfig=keep)
    assert [config.auth_type for config in advanced[:2]] == ["JWT", "HMAC"]
    assert advanced[0].credentials() is not None
    with pytest.raises(AuthenticationError, match="HMAC keys no longer work with Advanced Trade"):
        advanced[1].client()


def test_182_the_sandbox_has_its_own_address() -> None:
    config: APIConfig = run(182, APIConfig=APIConfig)["config"]
    assert (config.base_url, config.sandbox) == ("https://api-sandbox.coinbase.com", True)
    client = config.client()
    transport = Scripted(PRODUCTS)
    client.set_transport_for_testing(transport)
    client.get_products()
    assert transport.calls[0][1].startswith("https://api-sandbox.coinbase.com/")


def test_211_a_transport_sees_every_request_and_nothing_else_is_sent() -> None:
    client, transport = CoinbaseClient("https://x.test"), Scripted(PRODUCTS)
    run(211, client=client, mock_transport=transport)
    client.get_products(product_type="FUTURE")
    client.get_products()
    path = "https://x.test/api/v3/brokerage/market/products"
    assert transport.calls == [("GET", f"{path}?product_type=FUTURE", None), ("GET", path, None)]


def test_216_waits_between_tries_go_through_time_sleep() -> None:
    client = CoinbaseClient("https://x.test")
    client.set_transport_for_testing(Scripted((503, {}, ""), (503, {}, ""), PRODUCTS))
    names = run(
        216,
        "from unittest.mock import patch",
        {"    # Test retry delays": "    client.get_products()"},  # a comment alone is no body
        client=client,
    )
    assert [round(call.args[0], 4) for call in names["mock_sleep"].call_args_list] == [1.01, 2.04]


def test_226_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    drawn = [re.sub(r"[^A-Za-z]", "", line.partition("#")[0]) for line in block(226).splitlines()]
    assert drawn[0] == "BrokerageError"
    assert {kind.__name__ for kind in BrokerageError.__subclasses__()} == set(drawn[1:])
    assert all(hasattr(errors, name) for name in drawn)


def test_250_limits_load_from_the_environment_and_take_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    config: RiskConfig = run(250)["config"]
    values = [getattr(config, name) for name in config.__struct_fields__]
    assert not any(isinstance(value, float) for value in values)
    assert msgspec.to_builtins(config.leverage_max_per_symbol) == {"BTC-PERP": "5", "ETH-PERP": "8"}
    assert (str(config.max_daily_loss_pct), str(config.max_exposure_pct)) == ("0.02", "0.8")
    monkeypatch.setenv("RISK_MAX_LEVERAGE", "plenty")
    with pytest.raises(ConfigurationError, match="RISK_MAX_LEVERAGE"):
        run(250)


def test_495_a_key_of_the_config_is_one_that_the_exchange_accepts(tmp_path: Path) -> None:
    config: APIConfig = run(495, APIConfig=APIConfig)["config"]
    assert (config.auth_type, config.enable_derivatives) == ("JWT", True)
    with pytest.raises(AuthenticationError, match="EC P-256 key or an Ed25519 key"):
        config.check()
    with exchange(tmp_path) as peer:
        key = json.loads(Path(peer.ready.key_file).read_text())
        own = {"cdp_api_key": key["name"], "cdp_private_key": key["privateKey"], "base_url": peer.ready.rest}
        config = run(495, APIConfig=lambda **fields: APIConfig(**{**fields, **own}))["config"]
        client = config.client()
        assert list(client.get_accounts())
        client.close()
    provider = config.ws_auth_provider
    assert provider is not None
    assert [*provider()] == ["jwt"]
