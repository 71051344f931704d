"""A strategy's own part of a product."""

from __future__ import annotations

import msgspec

from events.configuration import StrategySetting
from events.orders import OrderSubmitted
from events.record import AnyEvent, Record
from events.terms import OrderKind, OrderStatus, Side
from projections.account import Account
from projections.ownership import Own, own_part
from projections.virtual import Virtuals
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, ONE, D, filled, listed, started
from tests.streams.orders import order_reported


def submitted(order: str, strategy: str) -> OrderSubmitted:
    return OrderSubmitted(
        order=order,
        proposal=order,
        strategy=strategy,
        product=BIP,
        side=Side.BUY,
        qty=D(9),
        kind=OrderKind.LIMIT_IOC,
        limit_price=D(50_000),
        reduce_only=False,
        expires_at=MONDAY + 1,
        reference_price=D(50_000),
    )


def own(strategy: str, product: str = BIP, *, names: str = "ab", events: tuple[AnyEvent, ...]) -> Own:
    account, virtuals = Account(), Virtuals()
    session = started()
    settings = {name: StrategySetting(uses="test", product=BIP) for name in names}
    configuration = msgspec.structs.replace(session.configuration, strategies=settings)
    opened = msgspec.structs.replace(session, configuration=configuration)
    for seq, event in enumerate((opened, listed(BIP), *events), 1):
        record = Record(seq=seq, at=MONDAY + seq, by="test", event=event)
        account.fold(record)
        virtuals.fold(record, account.portfolio)
    return own_part(account, virtuals, product=product, strategy=strategy)


#: "a" bought 2; of its next order and of one of "b" the exchange told 4 and 3, and no fill has said so yet.
TOLD = (
    msgspec.structs.replace(filled(Side.BUY, "2", "50000", at=MONDAY, order="o-0"), strategy="a"),
    submitted("o-1", "a"),
    submitted("o-2", "b"),
    order_reported("o-1", OrderStatus.OPEN, D(4), qty=D(9), side=Side.BUY, kind=OrderKind.LIMIT_IOC, at=MONDAY),
    order_reported("o-2", OrderStatus.OPEN, D(3), qty=D(9), side=Side.BUY, kind=OrderKind.LIMIT_IOC, at=MONDAY),
)


def test_a_strategy_that_shares_holds_its_part_and_what_was_told_of_its_own_orders() -> None:
    mine, others = own("a", events=TOLD), own("b", events=TOLD)
    assert (mine.position.qty, mine.held, mine.is_shared) == (D(2), D(6), True)
    assert (others.position.qty, others.held, others.is_shared) == (D(0), D(3), True)


def test_a_strategy_alone_holds_all_of_the_account() -> None:
    alone = own("a", names="a", events=TOLD)
    assert (alone.position.qty, alone.held, alone.is_shared) == (D(2), D(9), False)


def test_orders_of_one_product_are_no_part_of_another() -> None:
    other = own("a", ONE, events=TOLD)
    assert (other.position.qty, other.held) == (D(0), D(0))
