"""How far a thrown kill switch has come: what could increase is gone only when the exchange has confirmed it.

A cancel that is wanted is asked for again every few seconds, whatever was answered, so "cannot cancel" ends by itself
when the session opens again (trading rules A7).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from projections.cancels import Cancels
from projections.fitting import increasing
from projections.orders import Orders
from projections.positions import Positions

#: What the exchange answers to a cancel while a product's session is closed.
SESSION_CLOSED = "INVALID_CANCEL_FCM_TRADING_SESSION"


class KillState(StrEnum):
    """`throwing`: cancels are on their way; `thrown`: nothing that rests could increase any more."""

    OFF = "off"
    THROWING = "throwing"
    THROWN = "thrown"
    CANNOT_CANCEL = "cannot_cancel"


class KillProgress(msgspec.Struct, frozen=True, kw_only=True):
    """`waiting_for`: the orders that could still increase; `refused`: what the exchange last said to their cancels."""

    state: KillState
    waiting_for: tuple[str, ...] = ()
    refused: dict[str, str] = {}

    @property
    def sentence(self) -> str:
        """In one line, for a screen."""
        count = len(self.waiting_for)
        orders = f"{count} order{'' if count == 1 else 's'}"
        match self.state:
            case KillState.THROWING:
                return f"throwing: {orders} still to be confirmed gone"
            case KillState.CANNOT_CANCEL:
                codes = ", ".join(sorted(set(self.refused.values())))
                return f"cannot cancel {orders} now ({codes}); asked again every few seconds"
        return self.state.value


def kill_progress(*, is_killed: bool, orders: Orders, positions: Positions, cancels: Cancels) -> KillProgress:
    """How far it has come, by what the log says."""
    if not is_killed:
        return KillProgress(state=KillState.OFF)
    open_orders = orders.open_orders()
    waiting: list[str] = []
    for product in dict.fromkeys(order.product for order in open_orders):
        held = positions.of(product).qty + orders.unsaid(product)
        waiting += [order.order for order in increasing(orders.open_orders(product), held)]
    if not waiting:
        return KillProgress(state=KillState.THROWN)
    wanted = {order: cancels.wanted[order] for order in waiting if order in cancels.wanted}
    refused = {order: cancel.refused for order, cancel in wanted.items() if cancel.refused}
    is_closed = SESSION_CLOSED in refused.values()
    state = KillState.CANNOT_CANCEL if is_closed else KillState.THROWING
    return KillProgress(state=state, waiting_for=tuple(waiting), refused=refused)
