"""Law: what strategies hold, realized, paid and received adds up to the account's, at every record, to the last digit.

On any ledger: fills of three strategies, of risk and of strangers, liquidations, adjustments and their reversals,
funding estimated, corrected and paid, internal crosses in between, late fills, restarts with another set of strategies.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from events.codec import canonical_bytes
from events.configuration import StrategySetting
from events.money import use_exact_arithmetic
from events.orders import InternalCrossed, OrderFilled
from events.record import AnyEvent, Record
from events.session import SessionStarted
from events.terms import Origin
from projections.attribution import NETTING, attribution
from projections.notional import notional
from projections.portfolio import Portfolio
from projections.virtual import Virtuals
from tests.laws.test_ledger_identity import everybody
from tests.streams.desk import Turn
from tests.streams.facts import D
from tests.streams.ledger import ledgers

STREAMS = 500
OWNERS = (
    ("a", Origin.OURS),
    ("b", Origin.OURS),
    ("c", Origin.OURS),
    ("risk", Origin.OURS),
    ("protection", Origin.OURS),
    ("", Origin.FOREIGN),
    ("", Origin.LIQUIDATION),
)


def owned(turns: list[Turn], chance: random.Random, product: str) -> Iterator[Turn]:
    """The same stream with fills of everybody, and sessions in which strategies share the product or do not."""
    for turn in turns:
        yield Turn(turn.at, tuple((by, _owned(event, chance, product)) for by, event in turn.facts))


def _owned(event: AnyEvent, chance: random.Random, product: str) -> AnyEvent:
    if isinstance(event, OrderFilled):
        strategy, origin = chance.choice(OWNERS)
        return msgspec.structs.replace(event, strategy=strategy, origin=origin)
    if isinstance(event, SessionStarted):
        names = chance.choice(("", "a", "ab", "abc"))
        strategies = {name: StrategySetting(uses="test", product=product) for name in names}
        configuration = msgspec.structs.replace(event.configuration, strategies=strategies)
        return msgspec.structs.replace(event, configuration=configuration)
    return event


def crossed(chance: random.Random, record: Record, product: str, contract_size: str) -> Record:
    qty, price = D(chance.randint(1, 5)), D(chance.randint(9_000, 11_000) * 5)
    buyer, seller = chance.sample("abc", 2)
    event = InternalCrossed(
        product=product,
        buyer=buyer,
        seller=seller,
        buy_proposal="p-1",
        sell_proposal="p-2",
        qty=qty,
        price=price,
        value=notional(qty, contract_size=D(contract_size), price=price),
        buyer_qty=qty,
        seller_qty=-qty,
    )
    return msgspec.structs.replace(record, by="netting", event=event)


def check(virtuals: Virtuals, portfolio: Portfolio, at: int) -> None:
    for product in (*portfolio.positions.by_product, *portfolio.ledger.by_product):
        rows, whole = attribution(virtuals, product, portfolio), portfolio.position_pnl(product, at)
        position = portfolio.positions.of(product)
        assert sum((row.qty for row in rows), D(0)) == position.qty
        assert sum((row.realized for row in rows), D(0)) == whole.realized_pnl
        assert sum((row.fees for row in rows), D(0)) == whole.fees
        assert sum((row.funding for row in rows), D(0)) == whole.funding_accrued
        gap = [row for row in rows if row.strategy == NETTING]
        assert all(row.qty == 0 and row.net == 0 for row in gap)
        parts = [row.unrealized for row in rows if row.unrealized is not None]
        if len(parts) == len(rows) and whole.unrealized_pnl is not None:
            assert sum(parts, D(0)) == whole.unrealized_pnl
            assert sum((row.net for row in rows if row.net is not None), D(0)) == whole.net_pnl


@settings(max_examples=STREAMS)
@given(ledgers(products=("M", "B")), st.integers(0, 2**32))
def test_the_parts_of_all_strategies_add_up_to_the_account_at_every_record(turns: list[Turn], seed: int) -> None:
    use_exact_arithmetic()
    chance, desk = random.Random(seed), everybody()
    desk.take_all(owned(turns, chance, "M"))
    portfolio, virtuals = Portfolio(), Virtuals()
    for record in desk.log:
        portfolio.fold(record)
        virtuals.fold(record, portfolio)
        if chance.random() < 0.1:
            virtuals.fold(crossed(chance, record, "B", "1"), portfolio)
        check(virtuals, portfolio, record.at)
    again = msgspec.json.decode(canonical_bytes(virtuals), type=Virtuals)
    assert canonical_bytes(again) == canonical_bytes(virtuals)


@settings(max_examples=100)
@given(ledgers(products=("M",)), st.integers(0, 2**32), st.integers(0, 10_000))
def test_a_state_restored_at_any_record_goes_on_as_the_one_that_lived(turns: list[Turn], seed: int, cut: int) -> None:
    use_exact_arithmetic()
    chance, desk = random.Random(seed), everybody()
    desk.take_all(owned(turns, chance, "M"))
    portfolio, virtuals = Portfolio(), Virtuals()
    other = Virtuals()
    for place, record in enumerate(desk.log):
        if place == cut % len(desk.log):
            other = msgspec.json.decode(canonical_bytes(virtuals), type=Virtuals)
        portfolio.fold(record)
        virtuals.fold(record, portfolio)
        if place >= cut % len(desk.log):
            other.fold(record, portfolio)
    assert canonical_bytes(other) == canonical_bytes(virtuals)
