"""Short markets and the configuration to trade them, for tests that run the whole system."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from actors.settings import JournalSettings, SystemSettings
from events.configuration import Configuration, MarkSetting, ProductSetting, RiskLimits, StrategySetting
from events.record import AnyEvent
from replay.tapes import Tape, generated_tape

PRODUCT = "BTC-PERP"


def short_market(seconds: int = 240, *, seed: int = 7, events_per_s: int = 5) -> Tape:
    """A generated market of some minutes."""
    return generated_tape(seed=seed, duration_s=seconds, events_per_s=events_per_s)


def facts(tape: Tape, count: int | None = None) -> Iterator[tuple[int, AnyEvent]]:
    """The listing, then the market, or its first `count` facts."""
    return islice(tape.facts(), count)


def trading(tape: Tape, **options: str | int | bool) -> Configuration:
    """Looks at the market every second and trades both ways."""
    return Configuration(
        mode="paper",
        products={PRODUCT: ProductSetting(exchange_id=tape.product.exchange_id)},
        marks=MarkSetting(interval_s=1),
        risk=RiskLimits(max_daily_loss_pct=Decimal("0.5")),
        strategies={
            "trend": StrategySetting(
                uses="baseline",
                product=PRODUCT,
                options={"short_ma_period": 3, "long_ma_period": 8, "enable_shorts": True, **options},
            )
        },
    )


def settings_of(configuration: Configuration, hosting: str = "actors") -> SystemSettings:
    """A system's settings around a configuration."""
    return SystemSettings(configuration=configuration, journal=JournalSettings(hosting=hosting))
