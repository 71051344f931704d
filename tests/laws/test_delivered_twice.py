"""Law: a message that the exchange delivers twice, at once or much later, counts once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from events.account import BalanceReported, TransferReported
from events.catalog import FundingRatePublished
from events.event import Event
from events.funding import FundingPaid
from events.market import BookChanged, QuoteChanged, TradePrinted
from events.money import use_exact_arithmetic
from events.position import PositionReported
from projections.portfolio import Portfolio
from tests.laws.cases import MONEY
from tests.streams.desk import Desk, Turn
from tests.streams.ledger import EVERYTHING, ledgers, repeats

#: May come again at any later time.
REPEATED = (FundingPaid, PositionReported, TransferReported, BalanceReported, FundingRatePublished)
#: May come again at once; later they would speak of a market that has moved on.
REPEATED_AT_ONCE = (*REPEATED, TradePrinted, QuoteChanged, BookChanged)
WITHOUT_REPEATS = tuple(act for act in EVERYTHING if act is not repeats)


def run(turns: list[Turn]) -> tuple[list[Event], Portfolio]:
    """All that was decided about money, and the account at the end."""
    desk = Desk(*(make() for make in MONEY))
    desk.take_all(turns)
    portfolio = Portfolio()
    for record in desk.log:
        portfolio.fold(record)
    return [record.event for record in desk.log if record.is_decision], portfolio


def worth(portfolio: Portfolio, at: int) -> tuple[object, ...]:
    return portfolio.pnl(at), portfolio.tie_out(), portfolio.exchange_equity


@given(ledgers(acts=WITHOUT_REPEATS))
def test_everything_delivered_twice_at_once_is_decided_once(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    doubled = [
        Turn(
            turn.at,
            tuple(fact for fact in turn.facts for _ in range(2 if isinstance(fact[1], REPEATED_AT_ONCE) else 1)),
        )
        for turn in turns
    ]
    once, twice = run(turns), run(doubled)
    assert [type(event) for event in twice[0]] == [type(event) for event in once[0]]
    assert worth(twice[1], turns[-1].at) == worth(once[1], turns[-1].at)


@given(ledgers(acts=WITHOUT_REPEATS), st.data())
def test_a_message_that_comes_again_later_counts_once(turns: list[Turn], drawn: st.DataObject) -> None:
    use_exact_arithmetic()
    places = [i for i, turn in enumerate(turns) if any(isinstance(event, REPEATED) for _, event in turn.facts)]
    if not places:
        return
    first = drawn.draw(st.sampled_from(places))
    again = drawn.draw(st.integers(first + 1, len(turns)))
    at = turns[min(again, len(turns) - 1)].at
    repeated = [*turns[:again], Turn(at, turns[first].facts), *turns[again:]]
    once, twice = run(turns), run(repeated)
    assert [type(event) for event in twice[0]] == [type(event) for event in once[0]]
    assert worth(twice[1], turns[-1].at) == worth(once[1], turns[-1].at)
