"""What the REST surface answers about portfolios, fees and margin settings, typed as in `replies`."""

from __future__ import annotations

from actors.connection.amounts import Amount, Text
from actors.connection.reading import Reply


class Portfolio(Reply, frozen=True):
    uuid: str
    name: Text = ""
    type: Text = ""
    deleted: bool = False


class Portfolios(Reply, frozen=True):
    portfolios: list[Portfolio]


class FeeTier(Reply, frozen=True):
    """Rates are fractions: 0.006 is 60 basis points."""

    pricing_tier: Text = ""
    taker_fee_rate: Amount = None
    maker_fee_rate: Amount = None


class TransactionSummary(Reply, frozen=True):
    """Volume and fees of the last thirty days, in USD, and the tier they lead to."""

    fee_tier: FeeTier
    total_volume: Amount = None
    total_fees: Amount = None
    total_balance: Amount = None


class MarginSetting(Reply, frozen=True):
    """`INTRADAY_MARGIN_SETTING_STANDARD` or `INTRADAY_MARGIN_SETTING_INTRADAY`."""

    setting: str
