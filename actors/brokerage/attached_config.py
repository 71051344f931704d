"""Limits of a running system: to set one here is an operator's act, recorded there before it is true here."""

from __future__ import annotations

from pathlib import Path

from actors.brokerage.risk_config import RiskConfig
from actors.operator import OperatorAct, act
from events.risk import KillSwitchReset, KillSwitchThrown, LimitChanged, ReduceOnlyReleased, ReduceOnlyRequested

_REASON = "set by a script"


def attached_config(config: RiskConfig, data_dir: Path) -> RiskConfig:
    """The same limits; each one that is set goes to the system in `data_dir` first.

    Setting raises `NotRunning` where no system listens, and `OperatorRefused` when it does not take the limit: what
    stands here is then as it was.
    """

    class AttachedRiskConfig(RiskConfig, frozen=False):  # type: ignore[misc]  # as RiskConfig
        def __setattr__(self, name: str, value: object) -> None:
            before = RiskConfig(**{each: getattr(self, each) for each in self.__struct_fields__})
            setattr(before, name, value)  # refused here when it is no limit
            if getattr(before, name) != getattr(self, name):
                act(data_dir, _act_of(name, getattr(before, name)))
            super().__setattr__(name, value)

    return AttachedRiskConfig(**{name: getattr(config, name) for name in config.__struct_fields__})


def _act_of(name: str, value: object) -> OperatorAct:
    match name, value:
        case "reduce_only_mode", True:
            return ReduceOnlyRequested(product=None, reason=_REASON)
        case "reduce_only_mode", _:
            return ReduceOnlyReleased(product=None, reason=_REASON)
        case "kill_switch_enabled", True:
            return KillSwitchThrown(reason=_REASON)
        case "kill_switch_enabled", _:
            return KillSwitchReset(reason=_REASON)
        case _:
            return LimitChanged(limit=name, value=_text(value), reason=_REASON)


def _text(value: object) -> str:
    """As the configuration file would write it."""
    if isinstance(value, dict):
        return ",".join(f"{symbol}:{limit}" for symbol, limit in value.items()) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
