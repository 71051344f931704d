"""Two years of hourly funding as it was, over a position that never rests: the ledger against plain fractions.

The calculation knows only what happened and when: quantity, mark and rate as of each hour. The ledger gets it as a bad
line delivers it: fills late, rates before their hour or long after, hours without a tick, and restarts.
"""

from __future__ import annotations

import csv
import gzip
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import pytest

from actors.behaviours.funding import FundingBehaviour
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.orders import OrderFilled
from events.record import AnyEvent, Record
from events.session import ClockTicked
from events.terms import FundingStatus, Side
from projections.funding import FundingLedger
from tests.paths import SHARED_DATA, needs_shared_data
from tests.streams.desk import HOUR, MINUTE, SECOND, Desk, Turn
from tests.streams.facts import BIP, filled, listed, rate, started
from tests.streams.orders import marked

HISTORY = SHARED_DATA / "funding" / "BTC-USDT_dydx_2022-01-01_2024-01-01_funding_history.csv.gz"
SIZE = Fraction(1, 100)
HALF_DAY = 12 * HOUR

pytestmark = needs_shared_data

#: (when it reaches us, who says it, what)
Delivery = tuple[int, str, AnyEvent]


@cache
def history() -> list[tuple[int, str]]:
    """Boundary (ns UTC) and rate, as text, of every hour of 2022 and 2023."""
    with gzip.open(HISTORY, "rt") as file:
        rows = [(datetime.fromisoformat(row["Date"]), row["Funding Rate"]) for row in csv.DictReader(file)]
    return [(int(date.replace(tzinfo=UTC).timestamp()) * SECOND, value) for date, value in rows]


class Years(NamedTuple):
    """What happened, and what reached us of it, turn by turn."""

    turns: list[Turn]
    fills: list[OrderFilled]
    marks: list[tuple[int, Decimal]]


def lived(seed: int) -> Years:
    """The position changes at any time, on the boundary and a nanosecond beside it too."""
    chance = random.Random(seed)
    boundaries = history()
    begin = boundaries[0][0] - 30 * MINUTE
    price, held, away_until = Decimal(40_000), Decimal(0), 0
    deliveries: list[Delivery] = []
    fills, marks = [], []
    for boundary, value in boundaries:
        if boundary > away_until and chance.random() < 0.01:
            away_until = boundary + chance.randrange(1, 9) * HOUR
        is_away = boundary < away_until
        back = away_until + MINUTE
        if not is_away:
            for moment in sorted(boundary + chance.choice((-29 * MINUTE, -1, 0, 1, SECOND, MINUTE)) for _ in range(2)):
                price = max(Decimal(5_000), price + Decimal(chance.randrange(-400, 401)) / 2)
                marks.append((moment, price))
                deliveries.append((moment, "marks", marked(price, at=moment)))
            deliveries += [(boundary + wait, "clock", ClockTicked()) for wait in (5 * SECOND, 11 * MINUTE, 25 * MINUTE)]
        if chance.random() < 0.2:
            moment = boundary + chance.choice((-25 * MINUTE, -1, 0, 1, 20 * MINUTE))
            side, qty = chance.choice((Side.BUY, Side.SELL)), Decimal(chance.randrange(1, 50))
            if held and chance.random() < 0.3:
                side, qty = (Side.SELL if held > 0 else Side.BUY), abs(held)
            held += side.sign * qty
            fills.append(filled(side, qty, price, at=moment))
            late = moment + chance.choice((0, 0, 0, SECOND, 40 * MINUTE, 3 * HOUR))
            deliveries.append((max(late, back) if is_away else late, "orders", fills[-1]))
        told = boundary + chance.choice((-MINUTE, 2 * SECOND, 3 * SECOND, MINUTE, 9 * MINUTE, 20 * MINUTE, 5 * HOUR))
        deliveries.append((max(told, back) if is_away else told, "market", rate(boundary, value)))
    end = boundaries[-1][0] + 12 * HOUR
    deliveries.append((end, "clock", ClockTicked()))
    return Years(list(_turns(begin, deliveries)), fills, sorted(marks, key=lambda mark: mark[0]))


def _turns(begin: int, deliveries: Sequence[Delivery]) -> Iterator[Turn]:
    yield Turn(begin, (("session", started()), ("market", listed(BIP)), ("marks", marked("40000", at=begin))))
    for at, by, event in sorted(deliveries, key=lambda delivery: delivery[0]):
        yield Turn(at, ((by, event),))


def expected(years: Years) -> dict[int, Fraction]:
    """By hour: -quantity x contract size x mark x rate, of hours over which something was held."""
    marks = years.marks
    times = [at for at, _ in marks]
    changes = sorted((fill.exchange_at, fill.side.sign * int(fill.qty)) for fill in years.fills)
    funding, held, place = {}, 0, 0
    for boundary, value in history():
        while place < len(changes) and changes[place][0] <= boundary:
            held += changes[place][1]
            place += 1
        last = bisect_right(times, boundary)
        price = Fraction(marks[last - 1][1]) if last else Fraction(40_000)
        if held:
            funding[boundary] = -held * SIZE * price * Fraction(value)
    return funding


def booked(log: Sequence[Record]) -> dict[int, Fraction]:
    """By hour, what the behaviour said in the end; each correction takes up where the last word left it."""
    amounts: dict[int, Fraction] = {}
    for record in log:
        event = record.event
        if isinstance(event, FundingAccrued):
            assert event.boundary not in amounts
            amounts[event.boundary] = Fraction(event.amount)
        elif isinstance(event, FundingCorrected):
            assert amounts.get(event.boundary, Fraction(0)) == Fraction(event.before)
            amounts[event.boundary] = Fraction(event.after)
    return amounts


def ledger_of(log: Sequence[Record]) -> FundingLedger:
    ledger = FundingLedger()
    for record in log:
        ledger.fold(record)
    return ledger


def run(turns: Sequence[Turn], restarts: Sequence[int] = ()) -> list[Record]:
    """The log. A restart is a new process: the state from its snapshot, a new session, and on with the stream."""
    desk = Desk(FundingBehaviour())
    cuts = set(restarts)
    for place, turn in enumerate(turns):
        if place in cuts:
            again, so_far = Desk(FundingBehaviour(), at=desk.at), desk
            again.seats["funding"].restore(so_far.seats["funding"].snapshot())
            again.turns.last_seq = so_far.turns.last_seq
            again.log = so_far.log
            desk = again
            desk.hear(started(session=f"s-{place}"), by="session")
        desk.take(turn)
    return desk.log


def test_the_history_is_two_years_of_hours_without_a_gap() -> None:
    boundaries = [boundary for boundary, _ in history()]
    assert len(boundaries) == 17_520
    assert [boundary - boundaries[0] for boundary in boundaries] == [hour * HOUR for hour in range(17_520)]


@pytest.mark.parametrize("seed", [2])
def test_two_years_of_funding_equal_plain_fractions_and_restarts_change_nothing(seed: int) -> None:
    years = lived(seed)
    whole = run(years.turns)
    funding = expected(years)
    assert len(funding) > 10_000
    assert {boundary: amount for boundary, amount in booked(whole).items() if amount or boundary in funding} == funding
    assert Fraction(ledger_of(whole).total()) == sum(funding.values())

    chance = random.Random(seed)
    cut = run(years.turns, sorted(chance.sample(range(1, len(years.turns)), 300)))
    assert booked(cut) == booked(whole)
    assert ledger_of(cut).total() == ledger_of(whole).total()
    kinds = {type(record.event) for record in whole}
    assert {FundingAccrued, FundingCorrected} <= kinds
    statuses = {record.event.status for record in whole if isinstance(record.event, FundingAccrued)}
    assert statuses == {FundingStatus.FINAL, FundingStatus.ESTIMATED}


def with_settlements(years: Years) -> tuple[list[Turn], list[FundingPaid]]:
    """The same years, and twice a day the exchange pays what every hour since the last payment truly came to."""
    funding = expected(years)
    paid, turns = [], []
    due, since = years.turns[0].at // HALF_DAY * HALF_DAY + HALF_DAY, 0
    for turn in years.turns:
        while due + 20 * MINUTE <= turn.at:
            amount = sum((share for boundary, share in funding.items() if since < boundary <= due), Fraction(0))
            at = due + 20 * MINUTE
            paid.append(FundingPaid(product=BIP, amount=_decimal(amount), through=due, exchange_at=at))
            turns.append(Turn(at, (("cash", paid[-1]),)))
            since, due = due, due + HALF_DAY
        turns.append(turn)
    return turns, paid


def _decimal(amount: Fraction) -> Decimal:
    """A sum of products of decimals is one: its denominator divides a power of ten."""
    exact = amount * 10**30
    assert exact.denominator == 1
    return Decimal(exact.numerator).scaleb(-30)


def test_two_years_of_settlements_leave_as_receivable_what_came_after_the_last_and_restarts_change_nothing() -> None:
    years = lived(5)
    turns, paid = with_settlements(years)
    assert len(paid) > 1_400
    log = run(turns)
    ledger, funding = ledger_of(log).of(BIP), expected(years)
    after = {boundary: amount for boundary, amount in funding.items() if boundary > paid[-1].through}
    assert Fraction(ledger.paid) == sum(funding.values()) - sum(after.values())
    assert Fraction(ledger.receivable) == sum(after.values())
    chance = random.Random(5)
    cut = run(turns, sorted(chance.sample(range(1, len(turns)), 300)))
    assert booked(cut) == booked(log)
