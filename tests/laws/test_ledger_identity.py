"""Law: equity is start + transfers + Σ realized − Σ fees + Σ funding + unrealized, to the last digit, at every turn.

Held against a ledger that only counts cash in fractions and knows neither cost nor gain; realized gains are held
against average cost, which may differ from ours by what the named rounding of shares left in the cost.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given

from actors.behaviours.catalog import CatalogBehaviour
from actors.behaviours.funding import FundingBehaviour
from actors.behaviours.marks import MarksBehaviour
from actors.behaviours.position import PositionBehaviour
from events.money import use_exact_arithmetic
from events.record import Record
from projections.portfolio import Portfolio
from projections.positions import SHARE_PLACES
from tests.laws.cases import STREAMS
from tests.laws.naive import NaiveLedger
from tests.streams.desk import Desk, Turn
from tests.streams.ledger import ledgers


def everybody() -> Desk:
    return Desk(CatalogBehaviour(), MarksBehaviour(), PositionBehaviour(), FundingBehaviour())


def turns_of(desk: Desk, turns: list[Turn]) -> list[list[Record]]:
    """The records of each turn."""
    cuts = [0]
    for turn in turns:
        desk.take(turn)
        cuts.append(len(desk.log))
    return [desk.log[a:b] for a, b in pairwise(cuts)]


@STREAMS
@given(ledgers())
def test_equity_is_what_a_count_of_cash_says_at_every_turn(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    portfolio, naive = Portfolio(), NaiveLedger()
    for records in turns_of(everybody(), turns):
        for record in records:
            portfolio.fold(record)
            naive.take(record)
        equity = portfolio.equity()
        assert (None if equity is None else Fraction(equity)) == naive.equity()
        if equity is not None:
            parts = portfolio.realized - portfolio.fees + portfolio.funding
            unrealized = portfolio.unrealized()
            assert portfolio.start is not None
            assert unrealized is not None
            assert equity == portfolio.start + portfolio.transfers + parts + unrealized


@STREAMS
@given(ledgers())
def test_realized_gains_are_those_of_average_cost_but_for_the_named_rounding(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    portfolio, naive = Portfolio(), NaiveLedger()
    for records in turns_of(everybody(), turns):
        for record in records:
            portfolio.fold(record)
            naive.take(record)
    if not naive.was_reversed:
        tolerance = Fraction(len(turns) * 10, 10**SHARE_PLACES)
        assert abs(Fraction(portfolio.realized) - naive.realized) <= tolerance


@STREAMS
@given(ledgers())
def test_cost_lies_on_the_side_of_the_quantity_and_a_flat_position_has_none(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    portfolio = Portfolio()
    for records in turns_of(everybody(), turns):
        for record in records:
            portfolio.fold(record)
            for position in portfolio.positions.by_product.values():
                assert (position.cost > 0) is (position.qty > 0)
                assert (position.cost < 0) is (position.qty < 0)
                assert (position.opened_at is None) is (position.qty == 0)
