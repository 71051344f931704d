"""The weather of a generated market: where fair value goes, how fast things happen, how funding drifts.

Calm, ordinary and wild spells follow each other; on top lie trends of two lengths, some long enough to be traded by a
crossing of averages of 5 and 20 minutes, and rare jumps. Floats stay in here: what leaves is a price in whole ticks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, sqrt
from random import Random

#: Volatility of an ordinary spell: 0.9 basis points per square root of a second, about half of the price in a year.
_VOLATILITY = 9e-5
#: (factor on volatility, factor on the spread, mean length in seconds, how often it is chosen)
_SPELLS = ((0.45, 1.0, 900.0, 4), (1.0, 1.4, 600.0, 3), (3.0, 2.6, 300.0, 2))
#: (mean length in seconds, typical drift per second) of trends.
_LONG_TREND = (900.0, 6e-6)
_SHORT_TREND = (45.0, 2e-5)
_MEAN_JUMP_GAP_S = 1_500.0
_JUMP = 0.0012  # typical size of a jump
_CALMS_IN_S = 4.0
_MOST_EXCITED = 10.0


@dataclass(slots=True)
class Weather:
    """Moves on by seconds. `fair` is the fair price in quote currency."""

    lots: Random
    fair: float
    volatility: float = 1.0  # factors of the present spell
    spread: float = 1.0
    excitement: float = 0.0  # grows with trades and jumps, fades within seconds
    funding_bps: float = 0.1
    _spell_left_s: float = 0.0
    _jump_left_s: float = field(default=_MEAN_JUMP_GAP_S)
    _trends: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0], [0.0, 0.0]])  # [seconds left, drift]

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass: spells change, trends turn, the fair price moves."""
        lots = self.lots
        self._spell_left_s -= seconds
        if self._spell_left_s <= 0:
            self.volatility, self.spread, mean_s, _ = lots.choices(_SPELLS, [spell[3] for spell in _SPELLS])[0]
            self._spell_left_s = lots.expovariate(1 / mean_s)
        drift = 0.0
        for trend, (mean_s, typical) in zip(self._trends, (_LONG_TREND, _SHORT_TREND), strict=True):
            trend[0] -= seconds
            if trend[0] <= 0:
                trend[0] = mean_s * (0.4 + lots.expovariate(1.0))
                trend[1] = lots.choice((-1, -1, 0, 1, 1)) * typical * lots.uniform(0.5, 1.5)
            drift += trend[1]
        noise = lots.gauss(0.0, 1.0) * _VOLATILITY * self.volatility * sqrt(seconds)
        self.fair *= exp(drift * seconds + noise + self._jump(seconds))
        self.excitement *= exp(-seconds / _CALMS_IN_S)

    def excite(self, by: float) -> None:
        """Something happened that makes others act."""
        self.excitement = min(_MOST_EXCITED, self.excitement + by)

    def next_funding_rate_millionths(self) -> int:
        """The rate of the next hour in millionths of notional: it wanders around a tenth of a basis point."""
        self.funding_bps += 0.3 * (0.1 - self.funding_bps) + self.lots.gauss(0.0, 0.12)
        return round(self.funding_bps * 100)

    def _jump(self, seconds: float) -> float:
        self._jump_left_s -= seconds
        if self._jump_left_s > 0:
            return 0.0
        self._jump_left_s = self.lots.expovariate(1 / _MEAN_JUMP_GAP_S)
        self.excite(6.0)
        return self.lots.choice((-1, 1)) * _JUMP * self.lots.uniform(0.5, 2.0)
