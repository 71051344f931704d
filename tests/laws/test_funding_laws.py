"""Laws of funding.

With hindsight: once every rate is known, funding is what was paid, and for the boundaries after the last payment the
sum of −quantity × contract size × mark × rate, with quantity and mark as of each boundary in the exchange's time.
Symmetry: what longs pay, shorts receive. Each boundary is accrued at most once.
"""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from msgspec.structs import replace

from actors.behaviours.funding import FundingBehaviour
from actors.behaviours.marks import MarksBehaviour
from events.catalog import FundingRatePublished
from events.configuration import MarkSetting
from events.funding import FundingAccrued, FundingPaid
from events.market import QuoteChanged, TradePrinted
from events.money import use_exact_arithmetic
from events.orders import OrderFilled
from events.record import AnyEvent
from events.session import ClockTicked
from projections.funding import FundingLedger
from tests.laws.cases import STREAMS
from tests.streams.desk import HOUR, MINUTE, Desk, Turn
from tests.streams.facts import rate
from tests.streams.ledger import (
    CONTRACT_SIZES,
    FILLS,
    FUNDING,
    PRODUCTS,
    START,
    ledgers,
    pays,
    quotes,
    repeats,
    trades,
)

MARKET_AND_FILLS = (*FILLS, trades, trades, quotes, *FUNDING, repeats)


def ledger_of(turns: list[Turn]) -> tuple[FundingLedger, Desk]:
    desk = Desk(MarksBehaviour(), FundingBehaviour())
    desk.take_all(turns)
    ledger = FundingLedger()
    for record in desk.log:
        ledger.fold(record)
    return ledger, desk


def with_every_rate(turns: list[Turn]) -> list[Turn]:
    """The stream, then every rate that was never published, then time for all of it to be accrued."""
    events = [event for turn in turns for _, event in turn.facts]
    known = {(e.product, e.boundary) for e in events if isinstance(e, FundingRatePublished)}
    end = turns[-1].at
    boundaries = range((START // HOUR + 1) * HOUR, end + 20 * MINUTE, HOUR)
    late = [rate(b, "0.0007", product=p) for p in PRODUCTS for b in boundaries if (p, b) not in known]
    closing = Turn(end, tuple(("account", event) for event in late))
    return [*turns, closing, Turn(end + 20 * MINUTE, (("clock", ClockTicked()),))]


class Hindsight:
    """All facts of one product, read after the end."""

    def __init__(self, turns: list[Turn], product: str) -> None:
        events = [event for turn in turns for _, event in turn.facts]
        self.size = Fraction(CONTRACT_SIZES[product])
        self.events: list[AnyEvent] = [event for event in events if getattr(event, "product", None) == product]

    def payments(self) -> dict[tuple[int, int], Fraction]:
        paid: dict[tuple[int, int], Fraction] = {}
        for event in self.events:
            if isinstance(event, FundingPaid):
                paid.setdefault((event.through, event.exchange_at), Fraction(event.amount))
        return paid

    def qty(self, boundary: int) -> Fraction:
        fills = (e for e in self.events if isinstance(e, OrderFilled) and e.exchange_at <= boundary)
        return sum((Fraction(fill.qty) * fill.side.sign for fill in fills), Fraction(0))

    def rate(self, boundary: int) -> Fraction:
        rates = [e for e in self.events if isinstance(e, FundingRatePublished) and e.boundary == boundary]
        return Fraction(max(rates, key=lambda event: event.exchange_at).rate)

    def mark(self, boundary: int) -> Fraction | None:
        """The last price that could be made of what the market had said by then."""
        last: Fraction | None = None
        trade: Fraction | None = None
        touch: tuple[Fraction, Fraction] | None = None
        for event in self.events:
            if isinstance(event, TradePrinted) and event.exchange_at <= boundary:
                if touch is not None and touch[0] < touch[1] and _is_far_off(Fraction(event.price), *touch):
                    continue
                trade = Fraction(event.price)
            elif isinstance(event, QuoteChanged) and event.exchange_at <= boundary:
                assert event.bid is not None
                assert event.ask is not None
                touch = Fraction(event.bid), Fraction(event.ask)
            else:
                continue
            if touch is not None and touch[0] < touch[1]:
                last = (touch[0] + touch[1]) / 2 if trade is None else sorted((*touch, trade))[1]
            elif trade is not None:
                last = trade
        return last


def _is_far_off(price: Fraction, bid: Fraction, ask: Fraction) -> bool:
    """Whether a print is so far off the book that nobody believes it."""
    near, off = (bid, bid - price) if price < bid else (ask, price - ask)
    return off * 10_000 > Fraction(MarkSetting().max_print_deviation_bps) * near


@STREAMS
@given(ledgers(acts=MARKET_AND_FILLS))
def test_with_hindsight_funding_is_what_was_paid_and_each_boundary_since(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    turns = with_every_rate(turns)
    ledger, _ = ledger_of(turns)
    for product in PRODUCTS:
        hindsight = Hindsight(turns, product)
        payments = hindsight.payments()
        expected = sum(payments.values(), Fraction(0))
        first = max([START, *(through for through, _ in payments)]) // HOUR + 1
        for boundary in range(first * HOUR, turns[-1].at, HOUR):
            mark = hindsight.mark(boundary)
            if mark is not None:
                expected -= hindsight.qty(boundary) * hindsight.size * mark * hindsight.rate(boundary)
        assert Fraction(ledger.of(product).total) == expected
        assert Fraction(ledger.of(product).paid) == sum(payments.values(), Fraction(0))


@STREAMS
@given(ledgers(acts=tuple(act for act in MARKET_AND_FILLS if act is not pays)))
def test_long_and_short_funding_cancel(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    ours, _ = ledger_of(turns)
    theirs, _ = ledger_of([Turn(turn.at, tuple((by, other_side(event)) for by, event in turn.facts)) for turn in turns])
    for product in PRODUCTS:
        assert ours.of(product).total + theirs.of(product).total == 0


def other_side(event: AnyEvent) -> AnyEvent:
    return replace(event, side=event.side.opposite) if isinstance(event, OrderFilled) else event


@STREAMS
@given(ledgers())
def test_a_boundary_is_accrued_at_most_once_and_only_over_a_position(turns: list[Turn]) -> None:
    use_exact_arithmetic()
    _, desk = ledger_of(turns)
    accrued = [record.event for record in desk.log if isinstance(record.event, FundingAccrued)]
    keys = [(event.product, event.boundary) for event in accrued]
    assert len(keys) == len(set(keys))
    assert all(event.qty and event.boundary % HOUR == 0 for event in accrued)
