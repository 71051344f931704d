"""The cash keeper: concludes from the exchange's balances what moved them, and says what nothing explains.

The exchange names neither the funding that a settlement pays nor the money that comes from outside; both are seen in
balances only (trading rules A3, A14). A conclusion is a decision, so it is here and not in a shell: it follows from
recorded reports, and an audit derives it again. It is drawn at quiet points only: two reports with equal figures, with
no fill and no order on its way between them. In paper trading the paper exchange says what it pays; there this keeper
concludes nothing and only measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from events.account import BalanceReported, ExternalFlow, TieOutMeasured
from events.catalog import ProductListed
from events.event import Event
from events.funding import FundingPaid
from events.ids import derived_id
from events.market import MarkUpdated, MarkWentStale
from events.money import ZERO
from events.record import Record
from events.session import SessionStarted
from events.terms import NANOSECONDS
from projections.inference import Due, Reading, exact_reading, nearest_reading, shares
from projections.notional import notional
from projections.portfolio import Portfolio
from projections.settlements import INTERNATIONAL, last_settlement
from projections.sightings import Balanced, Sighting, Sightings

#: A boundary may wait so long for its rate: until then only what fits to the last digit is concluded of a settlement.
PATIENCE_NS = 720 * NANOSECONDS
#: Funding between two settlements stays within this share of what the positions are worth; more is no funding.
MOST_FUNDING = Decimal("0.02")


class CashState(msgspec.Struct, kw_only=True):
    """The ledger, the account beside it, and what was concluded so far."""

    session: str = ""
    is_live: bool = False
    settlement_times: tuple[str, ...] = ()
    intervals: dict[str, int] = msgspec.field(default_factory=dict)  # of funding, nanoseconds, by product
    is_international: bool = False
    portfolio: Portfolio = msgspec.field(default_factory=Portfolio)
    sightings: Sightings = msgspec.field(default_factory=Sightings)
    judged: Sighting | None = None  # the last at which everything unexplained had been said
    unexplained: Decimal = ZERO  # theirs less ours, as last said


class CashBehaviour:
    """Says `FundingPaid` (inferred), `ExternalFlow` and `TieOutMeasured`, at a quiet balance report."""

    name = "cash"
    hears: frozenset[type[Event]] = Portfolio.hears | Sightings.hears | {ProductListed, SessionStarted}
    answers: frozenset[type[Event]] = frozenset({BalanceReported})

    def __init__(self) -> None:
        self.state = CashState()

    def fold(self, record: Record) -> None:
        event, state = record.event, self.state
        if type(event) is MarkUpdated or type(event) is MarkWentStale:  # the most frequent
            state.portfolio.marks.fold(record)
            return
        state.portfolio.fold(record)
        state.sightings.fold(record, state.portfolio)
        if isinstance(event, BalanceReported):
            self._judge()
        elif isinstance(event, TieOutMeasured):
            state.unexplained = -event.difference
            state.judged = state.sightings.last
        elif isinstance(event, FundingPaid | ExternalFlow):
            if record.by == self.name:
                state.judged = state.sightings.last
        elif isinstance(event, ProductListed):
            state.intervals[event.product] = (event.funding_interval_s or 0) * NANOSECONDS
            state.is_international = state.is_international or event.venue == INTERNATIONAL
        elif isinstance(event, SessionStarted):
            state.session = event.session
            state.is_live = event.configuration.mode == "live"
            state.settlement_times = event.configuration.account.settlement_times_utc

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        state, event = self.state, record.event
        sighting = state.sightings.last
        if not isinstance(event, BalanceReported) or outstanding or sighting is None or not self._is_quiet(event):
            return ()
        balanced = state.sightings.balanced(sighting, state.portfolio)
        if balanced is None or self._is_said(balanced.gap):
            return ()
        is_clear = abs(balanced.gap) <= state.sightings.noise
        reading = Reading() if is_clear else self._reading(balanced.gap - state.unexplained, sighting)
        if reading is None:
            return ()
        explained = Balanced(ours=balanced.ours + reading.funding + reading.flow, theirs=balanced.theirs)
        said: list[Event] = [*self._payments(reading, sighting)]
        if reading.flow:
            said.append(self._flow(reading.flow, sighting, record.seq, len(said)))
        if not self._is_said(explained.gap):
            said.append(self._measured(explained, sighting))
        return said

    def _is_quiet(self, event: BalanceReported) -> bool:
        """Whether this report is the sighting, all is still, and nothing is on its way between our own pockets."""
        state = self.state
        last = state.sightings.last
        is_seen = state.portfolio.balance is event and last is not None and last.at == event.exchange_at
        return is_seen and state.sightings.is_quiet and not state.portfolio.flows.sweeps

    def _judge(self) -> None:
        """Remember the sighting at which nothing new was unexplained; the first one is where everything begins."""
        state = self.state
        sighting = state.sightings.last
        if sighting is None:
            return
        if state.judged is None:
            state.judged = sighting
        elif state.sightings.is_quiet:
            balanced = state.sightings.balanced(sighting, state.portfolio)
            if balanced is not None and self._is_said(balanced.gap):
                state.judged = sighting

    def _is_said(self, gap: Decimal) -> bool:
        """Whether this gap is what was last said to be unexplained, but for what the exchange's rounding makes."""
        return abs(gap - self.state.unexplained) <= self.state.sightings.noise

    def _reading(self, change: Decimal, sighting: Sighting) -> Reading | None:
        """How a change of cash is read; None while it is too early to say. In paper nothing is concluded."""
        state = self.state
        if not state.is_live:
            return Reading()
        assert state.judged is not None, "the first sighting was judged"
        spot_moved = sighting.spot - state.judged.spot
        settled_at = last_settlement(sighting.at, state.settlement_times, every_five=state.is_international)
        dues = self._dues(settled_at)
        exact = exact_reading(change, spot_moved=spot_moved, dues=dues, noise=state.sightings.noise)
        if exact is not None:
            return exact
        is_recent = settled_at > state.judged.at
        hour = max([interval for interval in state.intervals.values() if interval], default=1)
        if is_recent and sighting.at < settled_at - settled_at % hour + PATIENCE_NS:
            return None
        bound = self._bound(sighting, dues) if is_recent else Decimal(-1)
        return nearest_reading(change, spot_moved=spot_moved, dues=dues, bound=bound)

    def _dues(self, settled_at: int) -> list[Due]:
        """What a settlement may have paid: through its own boundary if that is accrued, or through the one before.

        The rate of an hour is published when it is over, so the last hour may be left for the next settlement.
        """
        ledger = self.state.portfolio.ledger
        products = sorted({*ledger.by_product, *(p.product for p in self.state.portfolio.positions.open())})
        dues = []
        for back in (0, 1):
            by_product: dict[str, Decimal] = {}
            through = settled_at
            for product in products:
                funding, interval = ledger.of(product), self.state.intervals.get(product, 0)
                last = settled_at - (settled_at % interval if interval else 0) - back * interval
                through = min(through, last)
                later = sum((entry.amount for entry in funding.entries if entry.boundary > last), ZERO)
                by_product[product] = funding.receivable - later
                if not back and interval and funding.entry(last) is None and self._holds(product):
                    break  # the settlement's own boundary still waits for its rate
            else:
                dues.append(Due(through=through, by_product=by_product))
        return dues

    def _holds(self, product: str) -> bool:
        return bool(self.state.portfolio.positions.of(product).qty)

    def _bound(self, sighting: Sighting, dues: Sequence[Due]) -> Decimal:
        """How far from what was accrued a payment may be and still be one."""
        gross = ZERO
        for product, price in sighting.prices.items():
            position = self.state.portfolio.positions.of(product)
            assert position.contract_size is not None, "a sighting has products with a contract size only"
            gross += notional(abs(position.qty), contract_size=position.contract_size, price=price)
        return max([gross * MOST_FUNDING, *(abs(due.amount) for due in dues)])

    def _payments(self, reading: Reading, sighting: Sighting) -> list[FundingPaid]:
        if reading.due is None:
            return []
        paid = shares(reading, fallback=min(sighting.prices, default=None))
        return [
            FundingPaid(
                product=product,
                amount=amount,
                through=reading.due.through,
                exchange_at=sighting.at,
                inferred=True,
            )
            for product, amount in sorted(paid.items())
            if amount
        ]

    def _flow(self, amount: Decimal, sighting: Sighting, cause: int, index: int) -> ExternalFlow:
        state = self.state
        return ExternalFlow(
            flow=derived_id(state.session, self.name, cause, index),
            amount=amount,
            name=state.portfolio.flows.name_of(amount),
            exchange_at=sighting.at,
        )

    def _measured(self, balanced: Balanced, sighting: Sighting) -> TieOutMeasured:
        portfolio = self.state.portfolio
        here, there = portfolio.unrealized(), portfolio.unrealized(sighting.prices)
        marks = {product: portfolio.marks.price(product) for product in sighting.prices}
        return TieOutMeasured(
            ours=balanced.ours,
            theirs=balanced.theirs,
            difference=-balanced.gap,
            valuation=None if here is None or there is None else here - there,
            our_marks={product: mark for product, mark in marks.items() if mark is not None},
            their_marks=sighting.prices,
            exchange_at=sighting.at,
        )
