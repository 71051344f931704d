"""What a script uses of this system by the seed's names: facades over the connection, the checks and the log.

Nothing here decides by itself: the client is that of `actors.connection`, risk is the projections' checks, results are
the projections'. It may import all of `actors` but behaviours and hosts.
"""

from actors.brokerage.adapter import CoinbaseBrokerage
from actors.brokerage.api_config import APIConfig
from actors.brokerage.funding_calculator import FundingCalculator
from actors.brokerage.live_risk import LiveRiskManager, ValidationError
from actors.brokerage.mark_cache import MarkCache
from actors.brokerage.position_state import PositionState
from actors.brokerage.product_catalog import ProductCatalog, enforce_perp_rules, to_product
from actors.brokerage.risk_config import RiskConfig
from actors.brokerage.system_config import SystemConfig
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.older_exchange.client import ExchangeClient
from actors.connection.sequence import SequenceGuard

__all__ = [
    "APIConfig",
    "CoinbaseBrokerage",
    "CoinbaseClient",
    "ExchangeClient",
    "FundingCalculator",
    "LiveRiskManager",
    "MarkCache",
    "PositionState",
    "ProductCatalog",
    "RiskConfig",
    "SequenceGuard",
    "SystemConfig",
    "ValidationError",
    "enforce_perp_rules",
    "to_product",
]
