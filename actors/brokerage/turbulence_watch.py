"""Volatility and correlation watched for a risk manager that stands alone: what it finds is recorded and acted on."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from decimal import Decimal

from actors.brokerage.ledger import OwnLog
from actors.brokerage.risk_config import RiskConfig
from actors.brokerage.told_account import Held
from actors.brokerage.told_marks import CircuitBreaker, ToldMarks
from events.risk import (
    CorrelationRiskCleared,
    CorrelationRiskFound,
    KillSwitchThrown,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    VolatilityLevelChanged,
)
from events.terms import Turbulence
from projections.account import Account

_BREAKER = "volatility circuit breaker"


class TurbulenceWatch:
    """`restricted` is the manager's: product -> why it may only be reduced."""

    def __init__(self, config: RiskConfig, log: OwnLog, marks: ToldMarks, restricted: MutableMapping[str, str]) -> None:
        self._config = config
        self._log = log
        self._marks = marks
        self._restricted = restricted

    def volatility(self, symbol: str, recent_marks: Sequence[Decimal] | None, account: Account) -> CircuitBreaker:
        """Take the step that is due, if any; where the breaker stands then."""
        limits = account.limits.limits
        step = self._marks.step(symbol, recent_marks, limits, self._log.now())
        if step is not None:
            self._take(step, account)
        return self._marks.verdict(symbol, limits)

    def correlation(self, positions: Held, account: Account) -> bool:
        """Whether the positions are more of one thing than allowed; said once a spell."""
        limit, breaker = account.limits.limits.max_correlated_concentration, self._marks.breaker
        found = breaker.concentration(account)
        is_over = found is not None and found.amount > limit
        if is_over is breaker.is_concentrated:
            return is_over
        said: CorrelationRiskFound | CorrelationRiskCleared
        if found is not None and is_over:
            held = tuple(symbol for symbol, position in positions.items() if position.get("qty"))
            said = CorrelationRiskFound(concentration=found.amount, limit=limit, products=held, assumed=found.assumed)
        else:
            said = CorrelationRiskCleared(concentration=None if found is None else found.amount, limit=limit)
        self._marks.hear(self._log.say(said)[0], account)
        return is_over

    def _take(self, step: VolatilityLevelChanged, account: Account) -> None:
        symbol = step.product
        if step.level is Turbulence.KILL_SWITCH:
            self._config.kill_switch_enabled = True  # first: where a system refuses it, the next call tries again
        self._marks.hear(self._log.say(step)[0], account)
        if step.level.rank >= Turbulence.REDUCE_ONLY.rank:
            if symbol not in self._restricted:
                self._restricted[symbol] = _BREAKER
                self._log.say(ReduceOnlyEntered(product=symbol, reason=_BREAKER))
            if step.level is Turbulence.KILL_SWITCH:
                self._log.say(KillSwitchThrown(reason=f"volatility of {symbol} is {step.volatility} a year"))
        elif self._restricted.get(symbol) == _BREAKER:
            del self._restricted[symbol]
            self._log.say(ReduceOnlyLeft(product=symbol, reason="volatility has calmed"))
