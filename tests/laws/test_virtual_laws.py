"""Law: what strategies hold, realized, paid and received adds up to the account's, at every record, to the last digit.

On any ledger: fills of three strategies, of risk and of strangers, liquidations, adjustments and their reversals,
funding estimated, corrected and paid, internal crosses in between, late fills, restarts with another set of strategies.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from events.codec import canonical_bytes
from events.configuration import StrategySetting
from events.funding import FundingAccrued, FundingCorrected
from events.money import use_exact_arithmetic
from events.orders import InternalCrossed, OrderFilled
from events.record import AnyEvent, Record
from events.session import SessionStarted
from events.terms import Origin
from projections.attribution import NETTING, attribution
from projections.notional import notional
from projections.portfolio import Portfolio
from projections.virtual import Virtuals
from tests.laws.test_ledger_identity import everybody
from tests.streams.desk import Turn
from tests.streams.facts import D
from tests.streams.ledger import FILLS, FUNDING, PRICES, ledgers, pays

STREAMS = 500
#: Funding without payments: what the exchange pays otherwise is nobody's share in particular.
UNPAID = tuple(act for act in FUNDING if act is not pays)
OWNERS = (
    ("a", Origin.OURS),
    ("b", Origin.OURS),
    ("c", Origin.OURS),
    ("risk", Origin.OURS),
    ("protection", Origin.OURS),
    ("", Origin.FOREIGN),
    ("", Origin.LIQUIDATION),
)


def owned(
    turns: list[Turn],
    chance: random.Random,
    product: str,
    *,
    owners: Sequence[tuple[str, Origin]] = OWNERS,
    sessions: Sequence[str] = ("", "a", "ab", "abc"),
) -> Iterator[Turn]:
    """The same stream with fills of everybody, and sessions in which strategies share the product or do not."""

    def of(event: AnyEvent) -> AnyEvent:
        return _owned(event, product, chance.choice(owners), chance.choice(sessions))

    for turn in turns:
        yield Turn(turn.at, tuple((by, of(event)) for by, event in turn.facts))


def _owned(event: AnyEvent, product: str, owner: tuple[str, Origin], names: str) -> AnyEvent:
    if isinstance(event, OrderFilled):
        strategy, origin = owner
        return msgspec.structs.replace(event, strategy=strategy, origin=origin)
    if isinstance(event, SessionStarted):
        strategies = {name: StrategySetting(uses="test", product=product) for name in names}
        configuration = msgspec.structs.replace(event.configuration, strategies=strategies)
        return msgspec.structs.replace(event, configuration=configuration)
    return event


def crossed(chance: random.Random, record: Record, product: str, contract_size: str) -> Record:
    qty, price = D(chance.randint(1, 5)), D(chance.randint(9_000, 11_000) * 5)
    buyer, seller = chance.sample("abc", 2)
    event = InternalCrossed(
        product=product,
        buyer=buyer,
        seller=seller,
        buy_proposal="p-1",
        sell_proposal="p-2",
        qty=qty,
        price=price,
        value=notional(qty, contract_size=D(contract_size), price=price),
        buyer_qty=qty,
        seller_qty=-qty,
    )
    return msgspec.structs.replace(record, by="netting", event=event)


def check(virtuals: Virtuals, portfolio: Portfolio, at: int) -> None:
    for product in (*portfolio.positions.by_product, *portfolio.ledger.by_product):
        rows, whole = attribution(virtuals, product, portfolio), portfolio.position_pnl(product, at)
        position = portfolio.positions.of(product)
        assert sum((row.qty for row in rows), D(0)) == position.qty
        assert sum((row.realized for row in rows), D(0)) == whole.realized_pnl
        assert sum((row.fees for row in rows), D(0)) == whole.fees
        assert sum((row.funding for row in rows), D(0)) == whole.funding_accrued
        gap = [row for row in rows if row.strategy == NETTING]
        assert all(row.qty == 0 and row.net == 0 for row in gap)
        parts = [row.unrealized for row in rows if row.unrealized is not None]
        if len(parts) == len(rows) and whole.unrealized_pnl is not None:
            assert sum(parts, D(0)) == whole.unrealized_pnl
            assert sum((row.net for row in rows if row.net is not None), D(0)) == whole.net_pnl


@settings(max_examples=STREAMS)
@given(ledgers(products=("M", "B")), st.integers(0, 2**32))
def test_the_parts_of_all_strategies_add_up_to_the_account_at_every_record(turns: list[Turn], seed: int) -> None:
    use_exact_arithmetic()
    chance, desk = random.Random(seed), everybody()
    desk.take_all(owned(turns, chance, "M"))
    portfolio, virtuals = Portfolio(), Virtuals()
    for record in desk.log:
        portfolio.fold(record)
        virtuals.fold(record, portfolio)
        if chance.random() < 0.1:
            virtuals.fold(crossed(chance, record, "B", "1"), portfolio)
        check(virtuals, portfolio, record.at)
    again = msgspec.json.decode(canonical_bytes(virtuals), type=Virtuals)
    assert canonical_bytes(again) == canonical_bytes(virtuals)


class NaiveShares:
    """What each strategy traded, in fractions: cash, quantities with their times, fees. No cost, no gain, no stands."""

    def __init__(self) -> None:
        self.trades: dict[str, list[tuple[int, Fraction]]] = {}
        self.cash: dict[str, Fraction] = {}
        self.funding: dict[int, Fraction] = {}  # by boundary, as it stands

    def take(self, record: Record) -> None:
        event = record.event
        if isinstance(event, OrderFilled):
            sign = event.side.sign
            self._trade(event.strategy, event.exchange_at, sign * Fraction(event.qty), sign * Fraction(event.value))
            self.cash[event.strategy] -= Fraction(event.fee)
        elif isinstance(event, InternalCrossed):
            for name, sign in ((event.buyer, 1), (event.seller, -1)):
                self._trade(name, record.at, sign * Fraction(event.qty), sign * Fraction(event.value))
        elif isinstance(event, FundingAccrued):
            self.funding.setdefault(event.boundary, Fraction(event.amount))
        elif isinstance(event, FundingCorrected):
            self.funding[event.boundary] = Fraction(event.after)

    def _trade(self, name: str, at: int, qty: Fraction, value: Fraction) -> None:
        self.trades.setdefault(name, []).append((at, qty))
        self.cash[name] = self.cash.get(name, Fraction(0)) - value

    def held(self, name: str, at: int | None = None) -> Fraction:
        trades = self.trades.get(name, ())
        return sum((qty for time, qty in trades if at is None or time <= at), Fraction(0))

    def funded(self, name: str) -> Fraction:
        total = Fraction(0)
        for boundary, amount in self.funding.items():
            whole = sum(abs(self.held(each, boundary)) for each in self.trades)
            total += amount * abs(self.held(name, boundary)) / whole if whole else 0
        return total


@settings(max_examples=STREAMS)
@given(ledgers(products=("M",), acts=(*FILLS, *FILLS, *PRICES, *UNPAID)), st.integers(0, 2**32))
def test_what_a_strategy_earned_is_what_a_count_of_its_own_trades_says(turns: list[Turn], seed: int) -> None:
    use_exact_arithmetic()
    chance, desk = random.Random(seed), everybody()
    desk.take_all(owned(turns, chance, "M", owners=OWNERS[:3], sessions=("abc",)))
    portfolio, virtuals, naive = Portfolio(), Virtuals(), NaiveShares()
    for record in desk.log:
        crosses = [crossed(chance, record, "M", "0.01")] if chance.random() < 0.1 else []
        for each in (record, *crosses):
            portfolio.fold(each)
            virtuals.fold(each, portfolio)
            naive.take(each)
    mark = portfolio.marks.last("M")
    for row in attribution(virtuals, "M", portfolio):
        if row.strategy not in naive.trades:
            assert row.qty == 0
            continue
        assert Fraction(row.qty) == naive.held(row.strategy)
        assert abs(Fraction(row.funding) - naive.funded(row.strategy)) < Fraction(1, 10**12)
        if row.net is not None and mark is not None:
            worth = naive.held(row.strategy) * Fraction(mark.price) / 100
            assert Fraction(row.net) == naive.cash[row.strategy] + worth + Fraction(row.funding)


@settings(max_examples=100)
@given(ledgers(products=("M",)), st.integers(0, 2**32), st.integers(0, 10_000))
def test_a_state_restored_at_any_record_goes_on_as_the_one_that_lived(turns: list[Turn], seed: int, cut: int) -> None:
    use_exact_arithmetic()
    chance, desk = random.Random(seed), everybody()
    desk.take_all(owned(turns, chance, "M"))
    portfolio, virtuals = Portfolio(), Virtuals()
    other = Virtuals()
    for place, record in enumerate(desk.log):
        if place == cut % len(desk.log):
            other = msgspec.json.decode(canonical_bytes(virtuals), type=Virtuals)
        portfolio.fold(record)
        virtuals.fold(record, portfolio)
        if place >= cut % len(desk.log):
            other.fold(record, portfolio)
    assert canonical_bytes(other) == canonical_bytes(virtuals)
