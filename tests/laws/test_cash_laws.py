"""Law: whatever moved the exchange's cash is found in its balances alone, to the last digit.

An account is traded, settled, fed and swept on any schedule, and tells of itself in balances and positions only. Once
all is still nothing is unexplained, the funding that was paid is the funding that was concluded, and what came from
outside is what was taken for it. Cut at any place by a restart, the same is concluded.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from events.account import ExternalFlow, TieOutMeasured
from events.funding import FundingAccrued, FundingPaid
from events.money import use_exact_arithmetic
from events.terms import Side
from tests.actors.test_cash_behaviour import Counter
from tests.streams.desk import HOUR, SECOND, of_kind
from tests.streams.facts import BIP, D, filled, rate, started

SETTLEMENTS = (4, 16)

_ACTS = st.one_of(
    st.tuples(st.just("trade"), st.integers(-9, 9).filter(bool)),
    st.tuples(st.just("price"), st.integers(9_000, 11_000)),
    st.tuples(st.just("hours"), st.integers(1, 14)),
    st.tuples(st.just("deposit"), st.integers(-900, 900).filter(bool)),
    st.tuples(st.just("move"), st.integers(-900, 900).filter(bool)),
    st.tuples(st.just("restart"), st.just(0)),
)


class Account(Counter):
    """Drives the till and the desk by one schedule, and keeps what was truly paid and brought."""

    def __init__(self) -> None:
        super().__init__(spot="5000")
        self.paid = self.brought = D(0)

    def act(self, what: str, number: int) -> None:
        if what == "trade":
            held = self.till.holdings[BIP]
            side = Side.BUY if number > 0 else Side.SELL
            self.trade(filled(side, str(abs(number)), held.price, at=self.desk.at, fee="0.37"))
        elif what == "price":
            self.price(str(number * 5))
        elif what == "hours":
            for _ in range(number):
                self._hour()
        elif what == "deposit":
            self.till.spot += number
            self.brought += number
        elif what == "move":
            self.till.spot += number
            self.till.futures -= number
        else:
            self.hear(started(session=f"s-{len(self.desk.log)}"), by="session")
        self.looks(3)

    def _hour(self) -> None:
        """To the next boundary and past it: its rate is published before it, its settlement comes after it."""
        boundary = (self.desk.at // HOUR + 1) * HOUR
        self.desk.at = boundary - SECOND
        self.hear(rate(boundary, "0.000125"), by="account")
        accrued = of_kind(self.tick_to(boundary + 3 * SECOND), FundingAccrued)
        self.till.accrued += sum((one.amount for one in accrued), D(0))
        if boundary // HOUR % 24 in SETTLEMENTS:
            self.paid += self.till.accrued
            self.till.settle()
            self.looks(3)

    def said(self, kind: type[FundingPaid] | type[ExternalFlow]) -> Decimal:
        return sum((event.amount for event in of_kind([record.event for record in self.desk.log], kind)), D(0))


@settings(max_examples=500)
@given(st.lists(_ACTS, max_size=12))
def test_what_moved_the_cash_is_found_in_the_balances_to_the_last_digit(acts: list[tuple[str, int]]) -> None:
    use_exact_arithmetic()
    account = Account()
    for what, number in acts:
        account.act(what, number)
    portfolio = account.portfolio()
    assert of_kind([record.event for record in account.desk.log], TieOutMeasured) == []
    assert account.said(FundingPaid) == account.paid == portfolio.funding - portfolio.ledger.receivable()
    assert account.said(ExternalFlow) == account.brought == portfolio.transfers
    assert portfolio.ledger.receivable() == account.till.accrued
    tie = portfolio.tie_out()
    assert tie.difference == 0
