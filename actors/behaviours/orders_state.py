"""All that the orders behaviour knows: every order, the positions they make, the cancels that are wanted."""

from __future__ import annotations

import msgspec

from events.configuration import OrderSetting
from projections.cancels import Cancels
from projections.orders import Orders
from projections.positions import Positions


class State(msgspec.Struct, kw_only=True):
    setting: OrderSetting = OrderSetting()
    orders: Orders = msgspec.field(default_factory=Orders)
    positions: Positions = msgspec.field(default_factory=Positions)
    cancels: Cancels = msgspec.field(default_factory=Cancels)
