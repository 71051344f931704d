"""How the exchange takes orders just now, over what its tape says: maintenance, halts, modes of the product."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from events.catalog import ProductListed
from events.terms import NANOSECONDS
from replay.exchange.acts import Condition, Maintain

_OF_PRODUCT = ("session_open", "trading_disabled", "cancel_only", "limit_only", "post_only")


@dataclass(slots=True)
class Conditions:
    """What was told so far. `maintenance` is from and to, nanoseconds UTC; None is none."""

    told: dict[str, bool] = field(default_factory=dict)
    maintenance: tuple[int, int] | None = None

    def take(self, told: Condition) -> None:
        """From now on so; what it leaves open stays as it was."""
        for name, value in msgspec.structs.asdict(told).items():
            if value is not None:
                self.told[name] = value

    def announce(self, told: Maintain, *, now: int) -> None:
        """Maintenance is to come, or begins."""
        begins = now + told.begins_in_s * NANOSECONDS
        self.maintenance = (begins, begins + told.lasts_s * NANOSECONDS)

    def is_maintained(self, at: int) -> bool:
        return self.maintenance is not None and self.maintenance[0] <= at < self.maintenance[1]

    def over(self, listed: ProductListed) -> ProductListed:
        """The product as the tape lists it, with what was told in its place."""
        changed = {name: value for name, value in self.told.items() if name in _OF_PRODUCT}
        return msgspec.structs.replace(listed, **changed) if changed else listed

    @property
    def takes_brackets(self) -> bool:
        return self.told.get("brackets", True)

    @property
    def takes_limit_ioc(self) -> bool:
        return self.told.get("limit_ioc", True)

    @property
    def takes_cancels(self) -> bool:
        """While the session is closed."""
        return self.told.get("cancels", True)

    @property
    def is_halted(self) -> bool:
        return self.told.get("halted", False)

    @property
    def is_after_hours(self) -> bool:
        return self.told.get("after_hours", False)

    @property
    def is_geofenced(self) -> bool:
        return self.told.get("geofenced", False)
