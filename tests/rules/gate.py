"""A desk at which risk and orders are ready, and what risk says to one proposal."""

from __future__ import annotations

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.configuration import RiskLimits
from events.orders import OrderApproved, OrderRefused
from events.terms import Side
from tests.streams.desk import Desk
from tests.streams.facts import D
from tests.streams.orders import proposed, ready

WIDE = RiskLimits(max_position_pct_per_symbol=D(4), max_exposure_pct=D(4), max_daily_loss_pct=D("0.9"))


def at_gate(limits: RiskLimits | None = None, *, equity: str = "100000") -> Desk:
    return ready(Desk(OrdersBehaviour(), RiskBehaviour()), limits, equity=equity)


def asked(desk: Desk, side: Side, qty: str, **more: object) -> OrderApproved | OrderRefused:
    """What risk says to a proposal of now."""
    said = desk.hear(proposed(side, qty, at=desk.at, **more), by="strategy:s")  # type: ignore[arg-type]  # its keywords
    (answer,) = (event for event in said if isinstance(event, OrderApproved | OrderRefused))
    return answer


def codes(answer: OrderApproved | OrderRefused) -> set[str]:
    assert isinstance(answer, OrderRefused), answer
    return {breach.code for breach in answer.breaches}
