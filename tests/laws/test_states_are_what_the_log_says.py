"""Law: a state's bytes depend on the values heard, never on which objects carried them.

msgspec leaves out a field at its default by identity: the constant zero would be left out, the zero read from a log
written down. A live system holds the first and a reader the second, so no state may leave out defaults.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.seats import behaviour_names, make_seat
from events.codec import decode, encode, state_bytes
from events.configuration import Configuration, StrategySetting
from events.money import ZERO
from events.orders import OrderReported
from events.record import Record
from events.terms import OrderKind, OrderStatus, Side

EVERYTHING = Configuration(mode="paper", strategies={"s": StrategySetting(uses="baseline", product="BTC-PERP")})


def structs_of(kind: object, seen: set[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """Every struct of ours that a state is made of, events apart: they are written and read as they are."""
    for part in getattr(kind, "__args__", ()):
        structs_of(part, seen)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
        if kind.__module__.startswith("events."):
            return seen
        seen.add(kind)
        for field in msgspec.structs.fields(kind):
            structs_of(field.type, seen)
    return seen


@pytest.mark.parametrize("name", behaviour_names(EVERYTHING))
def test_no_state_leaves_out_its_defaults(name: str) -> None:
    parts = structs_of(type(make_seat(name, EVERYTHING).behaviour.state), set())
    assert parts
    assert not [kind for kind in parts if kind.__struct_config__.omit_defaults]


@pytest.mark.parametrize("behaviour", [OrdersBehaviour, RiskBehaviour])
def test_an_order_that_never_filled_is_the_same_to_the_living_and_to_a_reader(
    behaviour: type[OrdersBehaviour] | type[RiskBehaviour],
) -> None:
    reports = [
        Record(
            seq=seq,
            at=seq,
            by="gateway",
            event=OrderReported(
                order="0b7f9c1e-0000-8000-9000-000000000001",
                exchange_order="x",
                product="BTC-PERP",
                side=Side.BUY,
                status=status,
                kind=OrderKind.LIMIT_IOC,
                qty=Decimal("2.060"),
                filled_qty=ZERO,
                filled_value=ZERO,
                fees=ZERO,
                limit_price=Decimal(9705),
                exchange_at=seq,
            ),
        )
        for seq, status in enumerate((OrderStatus.PENDING, OrderStatus.CANCELLED), 1)
    ]
    living, reader = behaviour(), behaviour()
    for record in reports:
        living.fold(record)
        reader.fold(decode(encode(record)))
    assert state_bytes(living.state) == state_bytes(reader.state)
