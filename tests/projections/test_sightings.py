"""When the exchange's figures speak of one moment, when they are still, and what they come to."""

from __future__ import annotations

from events.account import BalanceReported
from events.funding import FundingAccrued
from events.orders import OrderClosed, OrderReported, OrderSubmitted
from events.position import PositionReported
from events.record import AnyEvent, Record
from events.terms import FundingStatus, OrderKind, OrderStatus, Origin, Side
from projections.portfolio import Portfolio
from projections.sightings import APART_NS, Sightings
from tests.streams.desk import SECOND
from tests.streams.facts import BIP, D, bought, listed, reported, started

FIRST = 100 * SECOND


class Both:
    """The ledger, and what was seen beside it."""

    def __init__(self, *events: AnyEvent) -> None:
        self.portfolio, self.sightings, self.seq = Portfolio(), Sightings(), 0
        self.take(started(), listed(), *events)

    def take(self, *events: AnyEvent) -> Both:
        for event in events:
            self.seq += 1
            record = Record(seq=self.seq, at=self.seq, by="any", event=event)
            self.portfolio.fold(record)
            self.sightings.fold(record, self.portfolio)
        return self

    def gap(self) -> object:
        assert self.sightings.last is not None
        balanced = self.sightings.balanced(self.sightings.last, self.portfolio)
        return None if balanced is None else balanced.gap


def balance(futures: str, *, at: int, spot: str = "0") -> BalanceReported:
    return BalanceReported(spot_usd=D(spot), futures_usd=D(futures), unrealized=D(99), exchange_at=at)


def seen(qty: str, *, at: int, price: str | None = "50400", unrealized: str | None = "0") -> PositionReported:
    return reported(qty, at=at, current_price=price, unrealized=unrealized)


#: Long 8 of 0.01 at a cost of 4,000; settled at 50,400: 32 of the gain is cash, and the exchange's unrealized is 0.
LONG = (balance("10000", at=1), bought("8", "50000", at=2, fee="3"))


def test_cash_ties_out_over_a_settlement_without_any_mark_of_ours() -> None:
    both = Both(*LONG, seen("8", at=FIRST), balance("10029", at=FIRST))
    assert both.gap() == 0
    assert both.take(seen("8", at=FIRST + 1, price="51000", unrealized="48"), balance("10029", at=FIRST + 1)).gap() == 0
    assert both.take(seen("8", at=FIRST + 2), balance("10028", at=FIRST + 2)).gap() == -1


def test_funding_that_is_accrued_and_unpaid_is_in_neither_equity() -> None:
    accrued = FundingAccrued(
        product=BIP,
        boundary=0,
        qty=D(8),
        mark=D(50_000),
        mark_source=None,
        rate=D("0.0001"),
        amount=D(5),
        status=FundingStatus.ESTIMATED,
    )
    both = Both(*LONG, accrued, seen("8", at=FIRST), balance("10029", at=FIRST))
    assert both.portfolio.ledger.receivable() == D(5)
    assert both.gap() == 0


def test_a_report_older_than_the_last_known_says_nothing_and_of_one_moment_the_last_counts() -> None:
    both = Both(*LONG, seen("8", at=FIRST), seen("8", at=FIRST - 1), balance("10029", at=FIRST))
    assert both.sightings.last is not None
    assert both.sightings.last.at == FIRST
    both.take(seen("7", at=FIRST + 1), seen("8", at=FIRST + 1), balance("10029", at=FIRST + 1))
    assert both.sightings.last.at == FIRST + 1


def test_a_position_told_at_another_time_than_the_balance_is_no_sighting() -> None:
    both = Both(*LONG, seen("8", at=FIRST), balance("10029", at=FIRST + 1))
    assert both.sightings.last is not None
    assert both.sightings.last.at == 1  # when nothing was held


def test_a_position_counted_otherwise_or_told_without_its_figures_is_no_sighting() -> None:
    for wrong in (seen("7", at=FIRST), seen("8", at=FIRST, price=None), seen("8", at=FIRST, unrealized=None)):
        both = Both(*LONG, wrong, balance("10029", at=FIRST))
        assert both.sightings.last is not None
        assert both.sightings.last.at == 1


def test_a_position_that_the_exchange_has_and_we_do_not_is_no_sighting() -> None:
    both = Both(seen("1", at=FIRST), balance("10000", at=FIRST))
    assert both.sightings.last is None


def test_two_equal_sightings_ten_seconds_apart_are_quiet() -> None:
    both = Both(balance("10000", at=FIRST))
    assert not both.sightings.is_quiet
    assert not both.take(balance("10000", at=FIRST + APART_NS - 1)).sightings.is_quiet
    assert both.take(balance("10000", at=FIRST + APART_NS)).sightings.is_quiet


def test_another_figure_begins_anew() -> None:
    both = Both(balance("10000", at=FIRST), balance("10000", at=FIRST + APART_NS))
    assert not both.take(balance("9000", spot="1000", at=FIRST + 2 * APART_NS)).sightings.is_quiet
    assert both.take(balance("9000", spot="1000", at=FIRST + 3 * APART_NS)).sightings.is_quiet


def test_a_fill_and_a_new_session_end_the_quiet() -> None:
    for moved in (bought("1", "50000", at=FIRST), started(session="s-2")):
        both = Both(balance("10000", at=FIRST), balance("10000", at=FIRST + APART_NS))
        assert not both.take(moved).sightings.is_quiet


def submitted() -> OrderSubmitted:
    return OrderSubmitted(
        order="o",
        proposal="p",
        strategy="main",
        product=BIP,
        side=Side.BUY,
        qty=D(1),
        kind=OrderKind.LIMIT_GTC,
        limit_price=D(50_000),
        reduce_only=False,
        expires_at=FIRST,
        reference_price=D(50_000),
    )


def order_reported(status: OrderStatus) -> OrderReported:
    return OrderReported(
        order="o",
        exchange_order="x",
        product=BIP,
        side=Side.BUY,
        status=status,
        kind=OrderKind.LIMIT_GTC,
        qty=D(1),
        filled_qty=D(0),
        filled_value=D(0),
        fees=D(0),
        limit_price=D(50_000),
        exchange_at=FIRST,
        origin=Origin.OURS,
    )


def closed() -> OrderClosed:
    return OrderClosed(
        order="o", exchange_order="x", product=BIP, status=OrderStatus.CANCELLED, filled_qty=D(0), reason="done"
    )


def test_while_an_order_is_on_its_way_nothing_is_quiet_and_one_that_rests_disturbs_nobody() -> None:
    times = [FIRST + n * APART_NS for n in range(6)]
    both = Both(balance("10000", at=times[0]), submitted(), balance("10000", at=times[1]))
    assert not both.take(balance("10000", at=times[2])).sightings.is_quiet
    both.take(order_reported(OrderStatus.PENDING), balance("10000", at=times[3]))
    assert not both.sightings.is_quiet
    both.take(order_reported(OrderStatus.OPEN), balance("10000", at=times[4]))
    assert both.take(balance("10000", at=times[5])).sightings.is_quiet


def test_an_order_that_is_only_pending_disturbs_until_it_rests() -> None:
    both = Both(balance("10000", at=FIRST), submitted(), order_reported(OrderStatus.PENDING))
    for turn in range(1, 4):
        assert not both.take(balance("10000", at=FIRST + turn * APART_NS)).sightings.is_quiet


def test_an_order_of_others_that_rests_or_ends_disturbs_nobody() -> None:
    both = Both(balance("10000", at=FIRST), order_reported(OrderStatus.OPEN), closed())
    assert both.take(balance("10000", at=FIRST + APART_NS)).sightings.is_quiet


def test_an_order_that_is_over_is_on_its_way_no_more() -> None:
    times = [FIRST + n * APART_NS for n in range(4)]
    both = Both(balance("10000", at=times[0]), submitted(), closed(), balance("10000", at=times[1]))
    assert both.take(balance("10000", at=times[2]), balance("10000", at=times[3])).sightings.is_quiet


def rounded_to_cents(price: str, cents: str, at: int) -> tuple[PositionReported, BalanceReported]:
    return seen("8", at=at, price=price, unrealized=cents), balance("10029", at=at)


def test_an_exchange_that_rounds_its_gains_is_still_quiet_and_the_noise_of_it_is_known() -> None:
    both = Both(*LONG, *rounded_to_cents("50400", "0", FIRST), *rounded_to_cents("50400", "0", FIRST + APART_NS))
    assert (both.sightings.is_quiet, both.sightings.noise) == (True, D(0))
    both.take(*rounded_to_cents("50400.33", "0.03", FIRST + 2 * APART_NS))  # 0.0264 in truth
    assert (both.sightings.is_quiet, both.sightings.noise) == (True, D("0.02"))


def test_more_than_rounding_is_a_settlement() -> None:
    both = Both(*LONG, *rounded_to_cents("50400", "0", FIRST), *rounded_to_cents("50400", "0", FIRST + APART_NS))
    both.take(*rounded_to_cents("50400", "0.021", FIRST + 2 * APART_NS))
    assert (both.sightings.is_quiet, both.sightings.noise) == (False, D(0))
