"""Fourteen days on paper with everything that can happen to an account: it ties out to zero and nothing is stuck.

python -m pytest tests/scenarios/test_fourteen_days.py --fortnights 20        # twenty seeds instead of one
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import pytest

from actors.behaviour import Seat
from actors.behaviours.funding import RATE_WAIT_NS, FundingState
from actors.behaviours.marks import MarksState
from actors.behaviours.orders_state import State as OrdersState
from actors.behaviours.paper_state import PaperState
from actors.behaviours.position import PositionState
from actors.behaviours.risk_state import RiskState
from actors.behaviours.strategy import StrategyState
from actors.identity import code_identity
from actors.scribe import catch_up
from actors.seats import behaviour_names, make_seat, strategy_sources
from events.account import (
    ExternalFlow,
    FundsMoved,
    MarginWindowChanged,
    SweepReported,
    TieOutMeasured,
    TransferReported,
)
from events.event import Event
from events.feeds import FeedGapFound
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.log import FileLog, SnapshotStore, read_records
from events.market import MarkUpdated, MarkWentStale, TradesBusted
from events.money import use_exact_arithmetic
from events.orders import FillCorrected, FillsReported, InternalCrossed, OrderFilled, OrderRefused, OrderSubmitted
from events.position import AdjustmentApplied, DiscrepancyFound
from events.record import Record
from events.risk import DailyLossBreached, HaltNeared, HaltPassed
from events.session import ActorFailed, SessionEnded, SessionStarted
from events.strategy import StrategyFailed
from events.terms import FillKind, FundingStatus, MarginWindow, MarkSource, Origin
from projections.attribution import attribution
from projections.portfolio import Portfolio
from projections.virtual import Virtuals
from replay.tapes.fortnight import DAY, HOUR, MINUTE, SECOND, Fortnight, Span, fortnight
from replay.tapes.happenings import happenings
from replay.verify import verify
from tests.scenarios.demos import perptape
from tests.scenarios.fortnights import SNAPSHOTS, START_CASH, configuration, live_through
from tests.scenarios.plain_books import PlainBooks

Kind = TypeVar("Kind", bound=Event)
Known = TypeVar("Known")

STRATEGIES = ("trend", "other", "restless")
#: Refusals in a row, without a trade between them, from which on an exit is stuck and not only patient.
REFUSALS_IN_A_ROW = 60
#: Most of the log; not kept one by one.
_FLOOD = frozenset({"ClockTicked", "BookChanged", "TradePrinted", "MarkUpdated", "MarkReported", "DecisionMade"})


class Lived:
    """A fortnight that was lived through: its log, read once, and what every behaviour knew at the end."""

    def __init__(self, plan: Fortnight, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.counts: Counter[type[Event]] = Counter()
        self.kept: list[Record] = []
        self.jumps = 0  # marks that were another by more than a hundredth at once
        self.portfolio = Portfolio()
        self.virtuals = Virtuals()
        self.plain = PlainBooks(cash=Fraction(START_CASH))
        self.states: dict[str, object] = {}
        self.caught_up = 0  # records behind the last snapshot

    def read(self) -> None:
        marks: dict[str, MarkUpdated] = {}
        for record in read_records(self.folder):
            event = record.event
            self.counts[type(event)] += 1
            self.portfolio.fold(record)
            self.virtuals.fold(record, self.portfolio)
            self.plain.hear(record)
            if isinstance(event, MarkUpdated):
                before = marks.get(event.product, event)
                self.jumps += abs(event.price - before.price) * 100 > before.price
                marks[event.product] = event
            if type(event).__name__ not in _FLOOD:
                self.kept.append(record)
        settings = configuration(self.plan)
        seats: list[Seat] = [make_seat(name, settings) for name in behaviour_names(settings)]
        code = code_identity(strategy_sources(settings))
        with FileLog.open(self.folder) as log:
            self.caught_up = catch_up(seats, log, SnapshotStore(self.folder / SNAPSHOTS), code)
        self.states = {seat.name: seat.behaviour.state for seat in seats}

    def of(self, kind: type[Kind]) -> list[tuple[int, Kind]]:
        """(time, event) of every event of a kind."""
        return [(record.at, record.event) for record in self.kept if isinstance(record.event, kind)]

    def state(self, name: str, kind: type[Known]) -> Known:
        """What a behaviour knew at the end of the log."""
        found = self.states[name]
        assert isinstance(found, kind)
        return found


@pytest.fixture(scope="module")
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    use_exact_arithmetic()
    plan = fortnight(request.param)
    found = Lived(plan, tmp_path_factory.mktemp(f"fortnight-{plan.seed}"))
    live_through(plan, happenings(plan), found.folder)
    found.read()
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "lived" in metafunc.fixturenames:
        seeds = range(1, metafunc.config.getoption("--fortnights") + 1)
        metafunc.parametrize("lived", seeds, indirect=True, scope="module", ids=[f"seed-{seed}" for seed in seeds])


# Everything did happen.


def test_every_life_began_and_half_of_them_were_killed(lived: Lived) -> None:
    started, ended = lived.of(SessionStarted), lived.of(SessionEnded)
    killed = sum(life.is_killed for life in lived.plan.lives)
    assert len(started) == len(lived.plan.lives) == len(ended) + killed
    assert killed >= 5
    assert len(ended) >= 5
    assert lived.caught_up < sum(lived.counts.values()) / 2, "snapshots are there, and of this code"


def test_the_market_jumped_and_was_missed_in_places(lived: Lived) -> None:
    assert lived.jumps >= 6
    assert lived.counts[FeedGapFound] >= 4
    assert lived.counts[MarkWentStale] >= 4


def test_both_friday_halts_and_the_maintenance_were_waited_for_and_passed(lived: Lived) -> None:
    starts = {(event.product, event.starts_at) for _, event in lived.of(HaltNeared)}
    for closed in lived.plan.closed:
        if any(down.meets(Span(closed.start - HOUR, closed.end)) for down in lived.plan.down):
            continue  # nobody was there, or what was said of it died with the process
        assert ("BTC-PERP", closed.start) in starts
        assert ("ETH-PERP", closed.start) in starts
    assert lived.counts[HaltPassed] >= 4
    first, second = lived.plan.halts
    assert (first.start % DAY // HOUR, second.start % DAY // HOUR) == (22, 21), "summer time began between them"


def test_nothing_was_sent_while_nothing_traded_and_no_entry_shortly_before(lived: Lived) -> None:
    """An exit may be on its way when trading stops; it is rejected then, and goes on being wanted."""
    for at, event in lived.of(OrderSubmitted):
        for closed in lived.plan.closed:
            assert not Span(closed.start + SECOND, closed.end).holds(at), event
            assert event.reduce_only or not Span(closed.start - 5 * MINUTE, closed.end).holds(at), event


def test_both_margin_windows_were_open(lived: Lived) -> None:
    windows = Counter(event.window for _, event in lived.of(MarginWindowChanged))
    assert windows[MarginWindow.INTRADAY] >= 8
    assert windows[MarginWindow.OVERNIGHT] >= 8


def test_money_came_left_and_changed_pockets(lived: Lived) -> None:
    amounts = {event.transfer: event.amount for _, event in lived.of(TransferReported)}
    assert sorted(amounts.values()) == [-2_345, 8_000, 40_000]
    assert len(lived.of(TransferReported)) > 3, "told again after restarts, counted once"
    assert {event.move for _, event in lived.of(FundsMoved)} == {"move-1", "sweep-1", "move-2"}
    assert [event.status for _, event in lived.of(SweepReported)] == ["pending", "done"]


def test_the_account_was_liquidated_by_orders_of_the_exchanges_own_and_their_fee(lived: Lived) -> None:
    fills = [(at, event) for at, event in lived.of(OrderFilled) if event.origin is Origin.LIQUIDATION]
    assert fills
    assert all(at >= lived.plan.crash.at for at, _ in fills)
    assert all(event.fee > event.value * 28 / 10_000 for _, event in fills)
    assert lived.of(DailyLossBreached)


def test_fills_were_taken_back(lived: Lived) -> None:
    assert lived.counts[TradesBusted] == 1
    lines = [entry for _, event in lived.of(FillsReported) for entry in event.entries]
    assert lines
    assert {entry.kind for entry in lines} == {FillKind.REVERSAL}
    assert sum(event.qty for _, event in lived.of(FillCorrected)) == -sum(entry.qty for entry in lines)


def test_hours_had_no_rate_a_late_one_or_one_that_nobody_saw(lived: Lived) -> None:
    accrued = Counter(event.status for _, event in lived.of(FundingAccrued))
    assert accrued[FundingStatus.FINAL] >= 100
    assert accrued[FundingStatus.ESTIMATED] >= 1
    assert lived.of(FundingCorrected)
    unpublished = [
        event for _, event in lived.of(FundingAccrued) if (event.product, event.boundary) in lived.plan.without_rate
    ]
    assert unpublished
    assert {event.status for event in unpublished} <= {FundingStatus.ESTIMATED, FundingStatus.NO_RATE}
    assert all(event.amount == 0 for event in unpublished if event.status is FundingStatus.NO_RATE)


def test_funding_was_settled_twice_a_day(lived: Lived) -> None:
    """A settlement pays nothing where nothing was held; what is late is paid apart."""
    times = {event.through % DAY // HOUR for _, event in lived.of(FundingPaid)}
    assert times == {4, 16}
    assert len({event.through for _, event in lived.of(FundingPaid)}) >= 20


def test_every_strategy_traded_on_both_sides_and_the_two_on_one_product_with_each_other(lived: Lived) -> None:
    traded = Counter((event.strategy, event.side) for _, event in lived.of(OrderFilled) if event.strategy)
    assert {strategy for strategy, _ in traded} == set(STRATEGIES)
    assert len(traded) == 6
    assert min(traded.values()) >= 20
    assert lived.counts[InternalCrossed] >= 1


# It ties out.


def test_our_equity_the_exchanges_and_the_plain_one_are_the_same_to_the_last_digit(lived: Lived) -> None:
    tie = lived.portfolio.tie_out()
    assert tie.difference == 0
    assert tie.ours is not None
    assert Fraction(tie.ours) == lived.plain.equity()
    paper = lived.state("paper", PaperState)
    assert paper.available() == tie.theirs
    assert not [event for _, event in lived.of(TieOutMeasured) if event.difference]
    assert not lived.of(ExternalFlow)


def test_what_is_held_is_the_same_for_all_three(lived: Lived) -> None:
    paper = lived.state("paper", PaperState)
    for product, market in lived.plain.markets.items():
        assert lived.portfolio.positions.of(product).qty == market.held == paper.books.qty(product)


def test_the_parts_of_all_strategies_add_up_to_the_account(lived: Lived) -> None:
    for product in lived.plain.markets:
        rows = attribution(lived.virtuals, product, lived.portfolio)
        position = lived.portfolio.positions.of(product)
        assert sum(row.qty for row in rows) == position.qty
        assert sum(row.realized for row in rows) == position.realized
        assert sum(row.fees for row in rows) == position.fees
        assert sum(row.funding for row in rows) == lived.portfolio.ledger.of(product).total


def test_funding_paid_is_what_position_mark_and_rate_of_every_hour_come_to(lived: Lived) -> None:
    settled = (lived.plan.end - 1) // DAY * DAY + 16 * HOUR
    paid = sum((event.amount for _, event in lived.of(FundingPaid)), start=0)
    assert paid != 0
    assert Fraction(paid) == lived.plain.paid == lived.plain.funding(through=settled)


def test_every_hour_accrued_by_its_own_rate_and_a_whole_book_is_the_plain_one(lived: Lived) -> None:
    """Other hours are estimates, and a fill in the very moment of a boundary may be on either side of it: the payment
    says what they were.
    """
    filled = {(event.product, event.exchange_at) for _, event in lived.of(OrderFilled)}
    hours = [
        event
        for _, event in lived.of(FundingAccrued)
        if event.status is FundingStatus.FINAL
        and event.mark_source is MarkSource.BOOK_AND_TRADE
        and (event.product, event.boundary) not in filled
    ]
    assert len(hours) >= 100
    for event in hours:
        market = lived.plain.markets[event.product]
        assert Fraction(event.amount) == market.bases[event.boundary] * market.rates[event.boundary], event


# It verifies.


def test_the_log_verifies(lived: Lived) -> None:
    report = verify(lived.folder)
    assert report.differences == []
    assert report.verified
    assert [session.ended for session in report.sessions] == [not life.is_killed for life in lived.plan.lives]


def test_the_log_verifies_by_command(lived: Lived) -> None:
    ran = perptape("verify", lived.folder)
    assert ran.returncode == 0, ran.stderr


# Nothing is stuck.


def test_no_order_is_unknown_or_pending_and_nothing_that_was_told_is_left_unsaid(lived: Lived) -> None:
    orders = lived.state("orders", OrdersState)
    assert orders.orders.open == {}
    assert orders.orders.owing == {}
    assert orders.cancels.wanted == {}
    assert lived.of(SessionEnded)[-1][1].unknown_orders == ()


def test_no_actor_failed_and_no_position_was_ever_in_doubt(lived: Lived) -> None:
    for kind in (ActorFailed, StrategyFailed, DiscrepancyFound, AdjustmentApplied):
        assert lived.counts[kind] == 0, kind
    position = lived.state("position", PositionState)
    assert position.found == {}
    assert position.reconciliation.in_flight == {}


def test_every_mark_is_fresh_at_the_end(lived: Lived) -> None:
    marks = lived.state("marks", MarksState)
    assert marks.marks.stale == {}
    assert len(marks.marks.latest) == 2


def test_risk_restricts_nothing_without_a_reason(lived: Lived) -> None:
    risk = lived.state("risk", RiskState)
    assert not risk.account.limits.is_killed
    assert risk.account.limits.reduce_only == {}
    assert risk.sight.in_doubt == {}
    assert risk.flattening == {}
    assert risk.cuts == {}
    assert len(lived.of(HaltPassed)) == len({(e.product, e.starts_at) for _, e in lived.of(HaltNeared)})


def test_no_exit_is_wanted_of_nothing_and_none_is_refused_for_ever(lived: Lived) -> None:
    for name in STRATEGIES:
        state = lived.state(f"strategy:{name}", StrategyState)
        assert not state.paused
        leaving = state.watch.leaving
        assert leaving is None or (state.watch.held and leaving.reason)
    in_a_row: Counter[str] = Counter()
    longest: Counter[str] = Counter()
    for record in lived.kept:
        if isinstance(record.event, OrderRefused):
            in_a_row[record.event.product] += 1
            longest[record.event.product] = max(longest[record.event.product], in_a_row[record.event.product])
        elif isinstance(record.event, OrderFilled):
            in_a_row[record.event.product] = 0
    assert max(longest.values(), default=0) < REFUSALS_IN_A_ROW, longest


def test_no_boundary_waits_to_be_accrued_for_longer_than_its_rate_is_waited_for(lived: Lived) -> None:
    funding = lived.state("funding", FundingState)
    for boundaries in funding.products.values():
        for boundary in boundaries.waiting:
            assert funding.ticked_at - boundary.noticed_at <= RATE_WAIT_NS
