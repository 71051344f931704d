"""The one place where a request meets the exchange: the venue at the present moment, and who has to hear of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from events.ids import derived_id
from replay.exchange.auth import KeyRing
from replay.exchange.conversions import WALLETS
from replay.exchange.hub import Hub
from replay.exchange.pump import Pump
from replay.exchange.schedule import Faults
from replay.exchange.settings import RequestLimit, Settings
from replay.exchange.venue import Venue

#: The only user of this exchange, and the wallet of its dollars.
USER = derived_id("exchange", "user", 1)
USD_ACCOUNT = WALLETS["USD"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the request endpoints work with."""

    venue: Venue
    pump: Pump
    hub: Hub
    keys: KeyRing
    faults: Faults = field(default_factory=Faults)
    settings: Settings = field(default_factory=Settings)
    limit: RequestLimit = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", RequestLimit(self.settings))

    def present(self) -> Venue:
        """The venue, brought to the present."""
        self.pump.catch_up()
        return self.venue

    def tell(self) -> None:
        """Tell subscribers what a request changed, before it is answered."""
        self.pump.tell()
