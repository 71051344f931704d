"""What a script uses of this system by the seed's names: facades over the connection, the checks and the log.

Nothing here decides by itself: the client is that of `actors.connection`, risk is the projections' checks, results are
the projections'. It may import all of `actors` but behaviours and hosts.
"""

from actors.brokerage.adapter import CoinbaseBrokerage
from actors.brokerage.api_config import APIConfig
from actors.brokerage.live_risk import LiveRiskManager, ValidationError
from actors.brokerage.mark_cache import MarkCache
from actors.brokerage.risk_config import RiskConfig
from actors.brokerage.system_config import SystemConfig
from actors.connection.client import CoinbaseClient

__all__ = [
    "APIConfig",
    "CoinbaseBrokerage",
    "CoinbaseClient",
    "LiveRiskManager",
    "MarkCache",
    "RiskConfig",
    "SystemConfig",
    "ValidationError",
]
