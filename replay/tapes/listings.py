"""The rules of products that recordings do not bring themselves."""

from __future__ import annotations

from decimal import Decimal

from events.catalog import MarginRates, ProductListed

#: Our id of a bitcoin perpetual, whatever an exchange calls it.
BTC_PERP = "BTC-PERP"
_TENFOLD = MarginRates(long=Decimal("0.1"), short=Decimal("0.1"))


def linear_btc_perpetual(*, price_increment: str, quote_currency: str = "USDT") -> ProductListed:
    """BTCUSDT as it trades linear: one unit is one bitcoin, funding every eight hours.

    Margin is not in the recordings; a tenth of notional is taken, as Coinbase takes intraday.
    """
    return ProductListed(
        product=BTC_PERP,
        exchange_id="BTCUSDT-PERP",
        venue="TAPE",
        contract_size=Decimal(1),
        price_increment=Decimal(price_increment),
        size_increment=Decimal("0.001"),
        min_size=Decimal("0.001"),
        max_size=Decimal(1_000),
        quote_currency=quote_currency,
        underlying="BTC",
        display_name="BTC PERP",
        funding_interval_s=8 * 3_600,
        intraday_margin=_TENFOLD,
        overnight_margin=_TENFOLD,
        max_leverage=Decimal(10),
    )
