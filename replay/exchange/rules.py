"""How a local exchange is set up: what its account starts with and what it charges and asks for."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from events.configuration import FeeSetting
from events.money import ZERO

#: What becomes of two orders of the account that would trade with each other. The second needs them to carry the same
#: `self_trade_prevention_id`; what the real exchange does is not published.
SelfTrades = Literal["refuse_new", "cancel_resting"]


class VenueRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this exchange is set up: cash, fees, settlements, margin, and what a used client id gets."""

    start_cash: Decimal = Decimal(100_000)  # in the futures account
    spot_cash: Decimal = ZERO  # in the spot wallet; backs futures too
    fees: FeeSetting = FeeSetting()
    settlement_times_utc: tuple[str, ...] = ("04:00", "16:00")
    margin_rate: Decimal = Decimal("0.25")  # of notional, where the product publishes none
    price_band: Decimal | None = None  # how far through the mark a limit may lie, as a fraction of it
    price_reach: Decimal | None = None  # how far from the mark a limit may lie on its own side, as a fraction of it
    position_limit: Decimal | None = None  # contracts of the account, open orders included
    company_limit: Decimal | None = None  # the same for all accounts of one owner, who has this one
    open_interest_limit: Decimal | None = None  # the same for all there is
    self_trades: SelfTrades = "refuse_new"
    liquidation_rate: Decimal = Decimal("0.002")  # of notional, on top of the taker's fee
    intraday_margin: bool = False  # whether the account has opted in to intraday rates
    friday_halt: bool = False  # no orders on Fridays from 17 to 18 in New York
    refuse_used_client_ids: bool = False  # else a used id gets the old order's id back, and nothing is placed
