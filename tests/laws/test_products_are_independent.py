"""Law: mark, position and funding of a product, and what is said of them, are those of its own records alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.behaviours.cash import CashBehaviour
from events.codec import canonical_bytes
from events.event import Event
from events.money import use_exact_arithmetic
from events.position import AdjustmentApplied, AdjustmentReversed
from projections.portfolio import Portfolio
from tests.laws.cases import MONEY
from tests.streams.desk import Desk, Turn
from tests.streams.ledger import PRODUCTS, ledgers


def product_of(event: Event) -> str | None:
    return getattr(event, "product", None)


def run(turns: list[Turn]) -> Desk:
    """Everybody but the cash keeper: cash is the account's, and its conclusions rest on all products together."""
    desk = Desk(*(make() for make in MONEY if make is not CashBehaviour))
    desk.take_all(turns)
    return desk


def said_of(desk: Desk, product: str) -> list[Event]:
    """What was decided of one product. Ids and evidence name places in the log, which others fill as well."""
    said = [record.event for record in desk.log if record.is_decision and product_of(record.event) == product]
    return [
        replace(event, adjustment="", evidence=())
        if isinstance(event, AdjustmentApplied)
        else replace(event, adjustment="")
        if isinstance(event, AdjustmentReversed)
        else event
        for event in said
    ]


def folded(desk: Desk) -> Portfolio:
    portfolio = Portfolio()
    for record in desk.log:
        portfolio.fold(record)
    return portfolio


@given(ledgers(), st.sampled_from(PRODUCTS))
def test_a_product_is_what_its_own_records_make_of_it(turns: list[Turn], product: str) -> None:
    use_exact_arithmetic()
    alone = [
        Turn(turn.at, tuple((by, event) for by, event in turn.facts if product_of(event) in {product, None}))
        for turn in turns
    ]
    among, by_itself = run(turns), run(alone)
    assert said_of(among, product) == said_of(by_itself, product)
    ours, theirs = folded(among), folded(by_itself)
    assert ours.positions.of(product) == theirs.positions.of(product)
    assert ours.ledger.of(product) == theirs.ledger.of(product)
    assert ours.marks.last(product) == theirs.marks.last(product)
    assert ours.marks.mark(product) == theirs.marks.mark(product)
    assert ours.position_pnl(product, turns[-1].at) == theirs.position_pnl(product, turns[-1].at)
    for behaviour, field in (("marks", "markets"), ("funding", "products")):
        states = [getattr(desk.seats[behaviour].behaviour.state, field).get(product) for desk in (among, by_itself)]
        assert canonical_bytes(states[0]) == canonical_bytes(states[1])
