"""The cash keeper: settlements inferred from balances, money from outside, and what nothing explains."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from actors.behaviours.cash import PATIENCE_NS, CashBehaviour
from actors.behaviours.funding import FundingBehaviour
from events.account import ExternalFlow, FlowNamed, SweepReported, TieOutMeasured
from events.event import Event
from events.feeds import FeedSubscribed
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.market import MarkUpdated
from events.money import rounded
from events.orders import OrderFilled, OrderSubmitted
from events.position import PositionReported
from events.record import AnyEvent
from events.session import ClockTicked
from events.terms import MarkSource, OrderKind, Side
from projections.portfolio import Portfolio
from tests.streams.desk import HOUR, MINUTE, MONDAY, Desk, of_kind
from tests.streams.facts import BIP, D, bought, listed, rate, sold, started
from tests.streams.till import Till

#: Settlements are at 04:00 and 16:00; the account is watched from 15:30 on.
START = MONDAY + 15 * HOUR + 30 * MINUTE
FOUR = MONDAY + 16 * HOUR


class Counter:
    """A desk beside a till: the till's facts reach the desk by reports alone."""

    def __init__(self, *products: str, mode: str = "live", spot: str = "0") -> None:
        self.desk = Desk(FundingBehaviour(), CashBehaviour(), at=START)
        self.till = Till(spot=D(spot))
        self.products = products or (BIP,)
        self.hear(started(mode=mode, products=self.products), by="session")
        self.hear(FeedSubscribed(feed="market", connection=1, channels=()))
        for product in self.products:
            self.till.open(product)
            self.hear(listed(product), by="account")
            self.price("50000", product=product)
        self.look()

    def hear(self, *facts: AnyEvent, by: str = "market", after: int = 0) -> list[Event]:
        return self.desk.hear(*facts, by=by, after=after)

    def price(self, price: str, *, product: str = BIP) -> None:
        """The market moves; our mark and the exchange's are the same price."""
        self.till.holdings[product].price = D(price)
        mark = MarkUpdated(product=product, price=D(price), source=MarkSource.TRADE, exchange_at=self.desk.at)
        self.hear(mark, by="marks")

    def trade(self, fill: OrderFilled) -> None:
        self.till.take(fill)
        self.hear(fill, by="orders")

    def look(self) -> list[Event]:
        """One report of the account; what was concluded from it."""
        return self.hear(*self.till.reports(self.desk.at), by="account")

    def looks(self, times: int = 2, *, every: int = MINUTE) -> list[Event]:
        """Reports a minute apart; everything that was concluded."""
        said: list[Event] = []
        for _ in range(times):
            self.desk.at += every
            said += self.look()
        return said

    def tick_to(self, at: int) -> list[Event]:
        self.desk.at = at
        return self.hear(ClockTicked(), by="clock")

    def portfolio(self) -> Portfolio:
        portfolio = Portfolio()
        for record in self.desk.log:
            portfolio.fold(record)
        return portfolio


def held_over(counter: Counter, *, rate_of_the_hour: str = "0.0001") -> Decimal:
    """Long 8 over the boundary at 16:00, whose rate is known; returns what is accrued."""
    counter.trade(bought("8", "50000", at=counter.desk.at, fee="3.2"))
    counter.looks(3)
    counter.price("50400")
    counter.hear(rate(FOUR, rate_of_the_hour), by="account")
    (accrued,) = of_kind(counter.tick_to(FOUR + 3_000_000_000), FundingAccrued)
    counter.till.accrued += accrued.amount
    return accrued.amount


def test_the_cash_of_a_settlement_is_inferred_from_the_balance_and_said_to_be() -> None:
    counter = Counter()
    accrued = held_over(counter)
    assert accrued == D("-0.4032")
    counter.till.settle()
    (paid,) = counter.looks(3)
    expected = FundingPaid(
        product=BIP, amount=accrued, through=FOUR, exchange_at=counter.desk.at - MINUTE, inferred=True
    )
    assert paid == expected
    assert counter.portfolio().ledger.receivable() == 0


def test_daily_variation_margin_is_not_profit_and_not_funding() -> None:
    counter = Counter()
    counter.trade(bought("8", "50000", at=counter.desk.at))
    counter.looks(3)
    counter.price("50400")
    counter.till.settle()
    assert counter.looks(3) == []
    assert counter.portfolio().equity() == D(10_032)


def test_what_was_paid_otherwise_than_accrued_is_a_correction() -> None:
    counter = Counter()
    accrued = held_over(counter)
    counter.till.accrued -= D("0.01")
    counter.till.settle()
    assert counter.looks(2) == []  # too early: the hour's own rate might still explain it
    counter.desk.at = FOUR + PATIENCE_NS
    paid, corrected = counter.looks(1)
    assert isinstance(paid, FundingPaid)
    assert paid.amount == accrued - D("0.01")
    assert isinstance(corrected, FundingCorrected)
    assert (corrected.before, corrected.after) == (accrued, accrued - D("0.01"))
    assert counter.portfolio().ledger.receivable() == 0
    assert counter.looks(2) == []


def test_the_last_hour_may_be_left_for_the_next_settlement() -> None:
    counter = Counter()
    counter.trade(bought("8", "50000", at=counter.desk.at))
    counter.desk.at = FOUR - HOUR
    accrued = held_over(counter)
    counter.till.accrued = D(0)  # the rate of 16:00 came after the settlement at 16:00
    earlier = FundingAccrued(
        product=BIP,
        boundary=FOUR - HOUR,
        qty=D(8),
        mark=D(50_000),
        mark_source=MarkSource.TRADE,
        rate=D("0.0002"),
        amount=D("-0.8"),
        status=of_kind([record.event for record in counter.desk.log], FundingAccrued)[0].status,
    )
    counter.hear(earlier, by="funding")
    counter.till.accrued = D("-0.8")
    counter.till.settle()
    (paid,) = of_kind(counter.looks(3), FundingPaid)
    assert (paid.amount, paid.through) == (D("-0.8"), FOUR - HOUR)
    assert counter.portfolio().ledger.receivable() == accrued


def test_nothing_is_concluded_before_two_equal_reports_ten_seconds_apart() -> None:
    counter = Counter()
    held_over(counter)
    counter.till.settle()
    assert counter.look() == []
    assert counter.looks(1, every=9_000_000_000) == []
    assert of_kind(counter.looks(1, every=1_000_000_000), FundingPaid)


@pytest.mark.parametrize("amount", ["5000", "-700"])
def test_money_from_outside_is_neither_profit_nor_loss(amount: str) -> None:
    counter = Counter(spot="1000")
    counter.trade(bought("8", "50000", at=counter.desk.at))
    counter.looks(3)
    before = counter.portfolio()
    counter.till.spot += D(amount)
    (flow,) = counter.looks(3)
    assert isinstance(flow, ExternalFlow)
    assert (flow.amount, flow.name) == (D(amount), None)
    after = counter.portfolio()
    assert before.equity() is not None
    assert after.transfers == D(amount)
    assert after.equity() == D(11_000) + D(amount)
    assert [kept.amount for kept in after.flows.unnamed()] == [D(amount)]


def test_an_operator_names_a_flow_that_was_seen() -> None:
    counter = Counter()
    counter.till.spot += 500
    counter.looks(3)
    counter.hear(FlowNamed(amount=D(500), name="wire of November"), by="operator")
    flows = counter.portfolio().flows
    assert [(flow.name, flow.amount) for flow in flows.flows] == [("wire of November", D(500))]
    assert not flows.announced


def test_what_is_announced_to_leave_is_pending_until_it_left_under_its_name() -> None:
    counter = Counter(spot="2000")
    counter.looks(3)
    counter.hear(FlowNamed(amount=D(-700), name="rent"), by="operator")
    assert counter.portfolio().flows.pending_outflow() == 700
    counter.till.spot -= 700
    (flow,) = of_kind(counter.looks(3), ExternalFlow)
    assert flow.name == "rent"
    flows = counter.portfolio().flows
    assert flows.pending_outflow() == 0
    assert not flows.unnamed()


def test_an_announcement_can_be_taken_back() -> None:
    counter = Counter(spot="2000")
    counter.hear(FlowNamed(amount=D(-700), name="rent"), FlowNamed(amount=D(-700), name=""), by="operator")
    assert counter.portfolio().flows.pending_outflow() == 0


def test_a_move_between_our_own_pockets_nets_to_zero() -> None:
    counter = Counter(spot="3000")
    counter.till.spot, counter.till.futures = D(1000), D(12_000)
    assert counter.looks(3) == []


def test_a_sweep_on_its_way_is_no_loss() -> None:
    counter = Counter()
    sweep = SweepReported(sweep="s-1", amount=D(900), status="pending", exchange_at=counter.desk.at)
    counter.hear(sweep, by="account")
    counter.till.futures -= 900
    assert counter.looks(3) == []
    counter.till.spot += 900
    assert counter.looks(1) == []
    done = SweepReported(sweep="s-1", amount=D(900), status="done", exchange_at=counter.desk.at)
    counter.hear(done, by="account")
    assert counter.looks(3) == []
    assert counter.portfolio().equity() == 10_000


def test_a_sweep_that_nobody_told_of_is_said_as_a_difference_and_cleared_when_it_arrives() -> None:
    counter = Counter()
    counter.till.futures -= 900
    (missing,) = counter.looks(4)
    assert isinstance(missing, TieOutMeasured)
    assert (missing.difference, missing.ours, missing.theirs) == (D(900), D(10_000), D(9_100))
    counter.till.spot += 900
    (cleared,) = counter.looks(4)
    assert isinstance(cleared, TieOutMeasured)
    assert cleared.difference == 0
    assert counter.portfolio().transfers == 0


def test_a_deposit_and_a_settlement_in_the_same_minute_are_told_apart() -> None:
    counter = Counter(spot="1000")
    accrued = held_over(counter)
    counter.till.settle()
    counter.till.spot += 5_000
    paid, flow = counter.looks(3)
    assert isinstance(paid, FundingPaid)
    assert isinstance(flow, ExternalFlow)
    assert (paid.amount, flow.amount) == (accrued, D(5_000))


def test_a_sweep_at_a_settlement_is_no_flow_though_the_funding_was_another() -> None:
    counter = Counter(spot="1000")
    accrued = held_over(counter)
    counter.till.accrued -= D("0.02")
    counter.till.settle()
    counter.till.futures -= 2_000
    counter.till.spot += 2_000
    counter.desk.at = FOUR + PATIENCE_NS
    said = counter.looks(2)
    assert [paid.amount for paid in of_kind(said, FundingPaid)] == [accrued - D("0.02")]
    assert of_kind(said, ExternalFlow) == []


def test_what_nothing_explains_is_said_once_with_its_number_and_both_marks() -> None:
    counter = Counter()
    counter.trade(bought("8", "50000", at=counter.desk.at))
    counter.looks(3)
    counter.till.futures -= D("1.25")
    counter.desk.hear(MarkUpdated(product=BIP, price=D(50_010), source=MarkSource.TRADE, exchange_at=1), by="marks")
    (measured,) = counter.looks(5)
    assert isinstance(measured, TieOutMeasured)
    assert measured.difference == D("1.25")
    assert (measured.our_marks, measured.their_marks) == ({BIP: D(50_010)}, {BIP: D(50_000)})
    assert measured.valuation == D("0.8")
    assert counter.portfolio().unexplained == measured


def test_a_change_of_what_is_unexplained_is_said_again() -> None:
    counter = Counter()
    for _ in range(2):
        counter.till.futures -= 1
        counter.looks(3)
    said = of_kind([record.event for record in counter.desk.log], TieOutMeasured)
    assert [measured.difference for measured in said] == [1, 2]


def test_a_fill_between_two_reports_is_no_quiet_point() -> None:
    counter = Counter()
    counter.till.futures -= 1
    for _ in range(4):
        counter.trade(bought("1", "50000", at=counter.desk.at))
        assert counter.looks(1) == []
    assert counter.looks(1)


def test_an_order_on_its_way_is_no_quiet_point() -> None:
    counter = Counter()
    counter.till.futures -= 1
    sent = OrderSubmitted(
        order="o-9",
        proposal="p-9",
        strategy="main",
        product=BIP,
        side=Side.BUY,
        qty=D(1),
        kind=OrderKind.LIMIT_IOC,
        limit_price=D(50_000),
        reference_price=D(50_000),
        reduce_only=False,
        expires_at=counter.desk.at + HOUR,
    )
    counter.hear(sent, by="orders")
    assert counter.looks(5) == []


def test_a_position_that_the_exchange_counts_otherwise_is_no_quiet_point() -> None:
    counter = Counter()
    counter.till.take(bought("1", "50000", at=counter.desk.at))
    counter.till.futures -= 1
    assert counter.looks(5) == []


def test_funding_between_several_products_goes_where_it_was_accrued() -> None:
    counter = Counter("A", "B")
    for product, qty in (("A", "8"), ("B", "2")):
        counter.trade(bought(qty, "50000", at=counter.desk.at, product=product))
    counter.looks(3)
    counter.hear(rate(FOUR, "0.0001", product="A"), rate(FOUR, "0.0003", product="B"), by="account")
    accrued = of_kind(counter.tick_to(FOUR + 3_000_000_000), FundingAccrued)
    counter.till.accrued = sum((one.amount for one in accrued), D("-0.05"))
    counter.till.settle()
    counter.desk.at = FOUR + PATIENCE_NS
    paid = {one.product: one.amount for one in of_kind(counter.looks(2), FundingPaid)}
    assert paid == {"A": D("-0.45"), "B": D("-0.3")}
    assert counter.portfolio().ledger.receivable() == 0


def test_more_than_any_funding_is_no_funding() -> None:
    counter = Counter()
    held_over(counter)
    counter.till.settle()
    counter.till.futures -= 200
    counter.desk.at = FOUR + PATIENCE_NS
    (measured,) = counter.looks(3)
    assert isinstance(measured, TieOutMeasured)


def test_a_payment_that_comes_late_is_known_by_its_amount() -> None:
    counter = Counter()
    accrued = held_over(counter)
    counter.till.accrued = D(0)
    counter.till.settle()
    assert counter.looks(30) == []
    counter.till.futures += accrued
    (paid,) = counter.looks(3)
    assert isinstance(paid, FundingPaid)
    assert paid.amount == accrued


def test_a_settlement_while_nobody_was_there_is_found_at_the_next_start() -> None:
    counter = Counter()
    accrued = held_over(counter)
    counter.desk.at = FOUR + 5 * HOUR
    counter.till.settle()
    counter.hear(started(session="s-2"), by="session")
    paid = of_kind(counter.looks(3), FundingPaid)
    assert [one.amount for one in paid] == [accrued]


def test_in_paper_the_paper_exchange_says_what_it_pays_and_nothing_is_inferred() -> None:
    counter = Counter(mode="paper")
    counter.till.futures = D(100_000)
    held_over(counter)
    counter.till.settle()
    (measured,) = counter.looks(3)
    assert isinstance(measured, TieOutMeasured)


def test_a_position_closed_before_the_settlement_is_paid_for_its_hours() -> None:
    counter = Counter()
    accrued = held_over(counter)
    counter.trade(sold("8", "50400", at=counter.desk.at))
    counter.till.settle()
    (paid,) = of_kind(counter.looks(3), FundingPaid)
    assert paid.amount == accrued
    assert counter.portfolio().equity() == D(10_000) - D("3.2") + 32 + accrued


def test_a_withdrawal_beside_a_move_between_our_own_pockets_is_the_part_that_left() -> None:
    counter = Counter(spot="5000")
    counter.looks(3)
    counter.till.spot -= 1_300
    counter.till.futures += 1_000
    (flow,) = counter.looks(3)
    assert isinstance(flow, ExternalFlow)
    assert flow.amount == -300


def test_flows_in_quick_succession_are_each_found() -> None:
    counter = Counter(spot="5000")
    amounts = [D(5_000), D(-300), D(40)]
    for amount in amounts:
        counter.till.spot += amount
        counter.looks(2)
    counter.looks(1)
    said = of_kind([record.event for record in counter.desk.log], ExternalFlow)
    assert [flow.amount for flow in said] == amounts


class Rounding(Till):
    """It shows gains in cents, as an exchange may."""

    def reports(self, at: int) -> list[AnyEvent]:
        return [
            replace(event, unrealized=rounded(event.unrealized, places=2))
            if isinstance(event, PositionReported) and event.unrealized is not None
            else event
            for event in super().reports(at)
        ]


def rounding_over_a_settlement() -> tuple[Counter, Decimal]:
    counter = Counter()
    counter.till = Rounding(holdings=counter.till.holdings)
    accrued = held_over(counter)
    counter.price("50400.33")
    counter.till.settle()
    return counter, accrued


def test_an_exchange_that_rounds_its_gains_to_cents_is_understood_all_the_same() -> None:
    counter, accrued = rounding_over_a_settlement()
    said: list[Event] = []
    for n in range(30):
        counter.price(f"50{400 + n}.{n:02}")
        said += counter.looks(1)
    (paid,) = of_kind(said, FundingPaid)
    assert abs(paid.amount - accrued) <= D("0.02")
    assert of_kind(said, TieOutMeasured) == []
    assert counter.portfolio().ledger.receivable() == 0
