"""What the REST surface answers about the retired international account (INTX), typed as in `replies` (sheet 3.8).

A position is known by its `symbol`, since `product_id` is internal. `vwap` is the last five-minute settlement price and
`unrealized_pnl` counts from it; `entry_vwap` is the entry and `aggregated_pnl` counts from there. A liquidation price
of 0 means none.
"""

from __future__ import annotations

from actors.connection.amounts import Amount, Text
from actors.connection.client.account_replies import Money
from actors.connection.client.reading import Reply


class IntxPortfolio(Reply, frozen=True):
    """Margins are rates, notionals are money."""

    portfolio_uuid: str
    collateral: Amount = None
    position_notional: Amount = None
    open_position_notional: Amount = None
    pending_fees: Amount = None
    borrow: Amount = None
    accrued_interest: Amount = None
    rolling_debt: Amount = None
    portfolio_initial_margin: Amount = None
    portfolio_im_notional: Money | None = None
    portfolio_maintenance_margin: Amount = None
    portfolio_mm_notional: Money | None = None
    liquidation_percentage: Amount = None
    liquidation_buffer: Amount = None
    margin_type: Text = ""
    margin_flags: Text = ""
    liquidation_status: Text = ""
    unrealized_pnl: Money | None = None
    total_balance: Money | None = None
    buying_power: Money | None = None
    max_withdrawal: Money | None = None


class IntxSummary(Reply, frozen=True):
    unrealized_pnl: Money | None = None
    buying_power: Money | None = None
    total_balance: Money | None = None
    max_withdrawal_amount: Money | None = None


class IntxPortfolios(Reply, frozen=True):
    portfolios: list[IntxPortfolio]
    summary: IntxSummary | None = None


class IntxPosition(Reply, frozen=True):
    """`net_size` has its sign."""

    symbol: str
    net_size: Amount
    product_id: Text = ""
    product_uuid: Text = ""
    portfolio_uuid: Text = ""
    vwap: Money | None = None
    entry_vwap: Money | None = None
    position_side: Text = ""
    margin_type: Text = ""
    buy_order_size: Amount = None
    sell_order_size: Amount = None
    im_contribution: Amount = None
    unrealized_pnl: Money | None = None
    mark_price: Money | None = None
    liquidation_price: Money | None = None
    leverage: Amount = None
    im_notional: Money | None = None
    mm_notional: Money | None = None
    position_notional: Money | None = None
    liquidation_buffer: Amount = None
    liquidation_percentage: Amount = None
    aggregated_pnl: Money | None = None
    portfolio_summary: IntxPortfolio | None = None  # in replies of 2024


class IntxPositionSummary(Reply, frozen=True):
    aggregated_pnl: Money | None = None


class IntxPositions(Reply, frozen=True):
    positions: list[IntxPosition]
    summary: IntxPositionSummary | None = None


class OneIntxPosition(Reply, frozen=True):
    position: IntxPosition


class IntxAsset(Reply, frozen=True):
    asset_id: Text = ""
    asset_uuid: Text = ""
    asset_name: Text = ""
    status: Text = ""
    collateral_weight: Amount = None
    account_collateral_limit: Amount = None
    ecosystem_collateral_limit_breached: bool | None = None
    asset_icon_url: Text = ""
    supported_networks_enabled: bool | None = None


class IntxBalance(Reply, frozen=True):
    asset: IntxAsset
    quantity: Amount = None
    hold: Amount = None
    transfer_hold: Amount = None
    collateral_value: Amount = None
    collateral_weight: Amount = None
    max_withdraw_amount: Amount = None
    loan: Amount = None
    loan_collateral_requirement_usd: Amount = None
    pledged_quantity: Amount = None


class IntxHeld(Reply, frozen=True):
    """The balances of one portfolio."""

    portfolio_uuid: str
    balances: list[IntxBalance]
    is_margin_limit_reached: bool = False


class IntxBalances(Reply, frozen=True):
    """A list, although it is asked for one portfolio."""

    portfolio_balances: list[IntxHeld]


class MultiAssetCollateral(Reply, frozen=True):
    """Whether assets besides USDC count as collateral. The official client reads the second name."""

    multi_asset_collateral_enabled: bool | None = None
    cross_collateral_enabled: bool | None = None

    @property
    def is_enabled(self) -> bool | None:
        """None where the exchange said neither."""
        named = self.multi_asset_collateral_enabled
        return self.cross_collateral_enabled if named is None else named
