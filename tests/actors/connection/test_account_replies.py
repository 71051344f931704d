"""Portfolios, fee tiers and margin settings as the exchange prints them, read through the client."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlsplit

from actors.connection.client.coinbase import CoinbaseClient
from tests.paths import SHARED_DATA, needs_shared_data

FIXTURES = {
    "/portfolios": "jkorf_rest_portfolios.json",
    "/transaction_summary": "jkorf_rest_transaction_summary_real.json",
    "/cfm/intraday/margin_setting": "jkorf_rest_cfm_margin_setting.json",
}


def client_of_fixtures(asked: list[str], **changes: str) -> CoinbaseClient:
    """A client whose exchange answers each path with a recorded body."""

    def answer(
        method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        parts = urlsplit(url)
        path = parts.path.removeprefix("/api/v3/brokerage")
        asked.append(f"{method} {path}?{parts.query}")
        name = changes.get(path, FIXTURES[path])
        return 200, {}, (SHARED_DATA / "coinbase-fixtures" / name).read_text(encoding="utf-8")

    client = CoinbaseClient("http://recorded")
    client.set_transport_for_testing(answer)
    return client


@needs_shared_data
def test_portfolios_are_listed_by_type() -> None:
    asked: list[str] = []
    (portfolio,) = client_of_fixtures(asked).list_portfolios("DEFAULT")
    assert (portfolio.name, portfolio.uuid, portfolio.type, portfolio.deleted) == (
        "string",
        "string",
        "UNDEFINED",
        True,
    )
    assert asked == ["GET /portfolios?portfolio_type=DEFAULT"]


@needs_shared_data
def test_fee_rates_are_fractions_also_where_sums_are_bare_numbers() -> None:
    asked: list[str] = []
    real = client_of_fixtures(asked).get_transaction_summary("FUTURE")
    assert (real.fee_tier.maker_fee_rate, real.fee_tier.taker_fee_rate) == (Decimal("0.006"), Decimal("0.012"))
    assert (real.total_volume, real.total_balance) == (Decimal(0), Decimal("468.35"))
    assert asked == ["GET /transaction_summary?product_type=FUTURE"]
    docs = {"/transaction_summary": "jkorf_rest_transaction_summary_docs.json"}
    printed = client_of_fixtures([], **docs).get_transaction_summary()
    assert (printed.fee_tier.pricing_tier, printed.total_fees) == ("<$10k", Decimal(25))


@needs_shared_data
def test_the_margin_setting_is_the_exchanges_word() -> None:
    assert client_of_fixtures([]).cfm_intraday_margin_setting() == "INTRADAY_MARGIN_SETTING_STANDARD"
