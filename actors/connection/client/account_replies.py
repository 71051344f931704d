"""What the REST surface answers about portfolios, fees and money that moves, typed as in `replies`."""

from __future__ import annotations

import msgspec

from actors.connection.amounts import Amount, Instant, Text
from actors.connection.client.reading import Reply


class Money(Reply, frozen=True):
    """An amount with its currency."""

    value: Amount
    currency: Text = ""


class TwoMoneys(Reply, frozen=True):
    """One amount, in the account's own currency and in the product's."""

    native: Money | None = msgspec.field(name="userNativeCurrency", default=None)
    raw: Money | None = msgspec.field(name="rawCurrency", default=None)


class Portfolio(Reply, frozen=True):
    uuid: str
    name: Text = ""
    type: Text = ""
    deleted: bool = False


class Portfolios(Reply, frozen=True):
    portfolios: list[Portfolio]


class OnePortfolio(Reply, frozen=True):
    portfolio: Portfolio


class PortfolioBalances(Reply, frozen=True):
    total_balance: Money | None = None
    total_futures_balance: Money | None = None
    total_cash_equivalent_balance: Money | None = None
    total_crypto_balance: Money | None = None
    futures_unrealized_pnl: Money | None = None
    perp_unrealized_pnl: Money | None = None


class SpotHolding(Reply, frozen=True):
    """What a portfolio holds of one asset, in the asset and in fiat money. `allocation` is a share of the portfolio."""

    asset: str
    account_uuid: Text = ""
    total_balance_fiat: Amount = None
    total_balance_crypto: Amount = None
    available_to_trade_fiat: Amount = None
    allocation: Amount = None
    one_day_change: Amount = None
    cost_basis: Money | None = None
    asset_img_url: Text = ""
    is_cash: bool | None = None


class PerpHolding(Reply, frozen=True):
    """A position in a retired international perpetual; `symbol` is the product's id, `net_size` has its sign."""

    symbol: str
    product_id: Text = ""
    product_uuid: Text = ""
    asset_image_url: Text = ""
    position_side: Text = ""
    net_size: Amount = None
    buy_order_size: Amount = None
    sell_order_size: Amount = None
    im_contribution: Amount = None
    leverage: Amount = None
    margin_type: Text = ""
    liquidation_buffer: Amount = None
    liquidation_percentage: Amount = None
    vwap: TwoMoneys | None = None
    unrealized_pnl: TwoMoneys | None = None
    mark_price: TwoMoneys | None = None
    liquidation_price: TwoMoneys | None = None
    im_notional: TwoMoneys | None = None
    mm_notional: TwoMoneys | None = None
    position_notional: TwoMoneys | None = None


class FuturesHolding(Reply, frozen=True):
    """A position in a US future: `amount` contracts of `contract_size` each."""

    product_id: str
    contract_size: Amount = None
    side: Text = ""
    amount: Amount = None
    avg_entry_price: Amount = None
    current_price: Amount = None
    unrealized_pnl: Amount = None
    expiry: Instant = None
    underlying_asset: Text = ""
    asset_img_url: Text = ""
    product_name: Text = ""
    venue: Text = ""
    notional_value: Amount = None


class Breakdown(Reply, frozen=True):
    portfolio: Portfolio
    portfolio_balances: PortfolioBalances
    spot_positions: list[SpotHolding] = []
    perp_positions: list[PerpHolding] = []
    futures_positions: list[FuturesHolding] = []


class PortfolioBreakdown(Reply, frozen=True):
    breakdown: Breakdown


class FundsMoved(Reply, frozen=True):
    source_portfolio_uuid: str
    target_portfolio_uuid: str


class VolumeRange(Reply, frozen=True):
    """From and to which volume of these types a tier holds."""

    volume_types: list[str] = []
    vol_from: Amount = None
    vol_to: Amount = None


class VolumeOfType(Reply, frozen=True):
    volume_type: Text = ""
    volume: Amount = None


class Tax(Reply, frozen=True):
    rate: Amount = None
    type: Text = ""


class FeeTier(Reply, frozen=True):
    """Rates are fractions: 0.006 is 60 basis points."""

    pricing_tier: Text = ""
    taker_fee_rate: Amount = None
    maker_fee_rate: Amount = None
    usd_from: Text = ""
    usd_to: Text = ""
    aop_from: Text = ""
    aop_to: Text = ""
    perps_vol_from: Text = ""
    perps_vol_to: Text = ""
    futures_vol_from: Text = ""
    futures_vol_to: Text = ""
    volume_types_and_range: list[VolumeRange] | None = None


class TransactionSummary(Reply, frozen=True):
    """Volume and fees of the last thirty days, in USD, and the tier they lead to."""

    fee_tier: FeeTier
    total_volume: Amount = None
    total_fees: Amount = None
    total_balance: Amount = None
    advanced_trade_only_volume: Amount = None
    advanced_trade_only_fees: Amount = None
    coinbase_pro_volume: Amount = None
    coinbase_pro_fees: Amount = None
    margin_rate: Amount = None
    goods_and_services_tax: Tax | None = None
    volume_breakdown: list[VolumeOfType] | None = None
    has_promo_fee: bool | None = None
    has_cost_plus_commission: bool | None = None


class MarginSetting(Reply, frozen=True):
    """`INTRADAY_MARGIN_SETTING_STANDARD` or `INTRADAY_MARGIN_SETTING_INTRADAY`."""

    setting: str


class Sweep(Reply, frozen=True):
    """Money on its way from the futures account to the spot one. `status` is PENDING or PROCESSING."""

    id: str
    requested_amount: Money | None = None
    should_sweep_all: bool = False
    status: Text = ""
    schedule_time: Instant = None
    scheduled_time: Instant = None  # so called in some texts


class Sweeps(Reply, frozen=True):
    sweeps: list[Sweep]


class Done(Reply, frozen=True):
    """Whether the exchange did it."""

    success: bool


class PaymentMethod(Reply, frozen=True):
    """A way for money in and out of the account, and what it may be used for."""

    id: str
    type: Text = ""
    name: Text = ""
    currency: Text = ""
    verified: bool | None = None
    allow_buy: bool | None = None
    allow_sell: bool | None = None
    allow_deposit: bool | None = None
    allow_withdraw: bool | None = None
    created_at: Instant = None
    updated_at: Instant = None


class PaymentMethods(Reply, frozen=True):
    payment_methods: list[PaymentMethod]


class OnePaymentMethod(Reply, frozen=True):
    payment_method: PaymentMethod


class ConversionFee(Reply, frozen=True):
    title: Text = ""
    description: Text = ""
    label: Text = ""
    amount: Money | None = None


class ConversionPrice(Reply, frozen=True):
    amount: Money | None = None
    scale: int | None = None


class UnitPrice(Reply, frozen=True):
    """Prices of one unit, by what is counted in what."""

    target_to_fiat: ConversionPrice | None = None
    target_to_source: ConversionPrice | None = None
    source_to_fiat: ConversionPrice | None = None


class Conversion(Reply, frozen=True):
    """A conversion of one currency into another: first a quote, then a trade that is committed by the quote's id."""

    id: str
    status: Text = ""
    user_entered_amount: Money | None = None
    amount: Money | None = None
    subtotal: Money | None = None
    total: Money | None = None
    fees: list[ConversionFee] = []
    total_fee: ConversionFee | None = None
    unit_price: UnitPrice | None = None
    exchange_rate: Money | None = None
    fiat_denoted_total: Money | None = None
    source_currency: Text = ""
    target_currency: Text = ""
    source_id: Text = ""
    target_id: Text = ""
    user_reference: Text = ""


class OneConversion(Reply, frozen=True):
    trade: Conversion
