"""Two strategies on one product, the whole system over a tape: crossed, verified, and the same on every host."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from events.configuration import Configuration, StrategySetting
from events.log import MemoryLog
from events.orders import InternalCrossed, OrderFilled
from events.record import Record
from projections.attribution import attribution
from projections.portfolio import Portfolio
from projections.virtual import Virtuals
from replay.backtest import backtest
from replay.paper import paper_session
from replay.statement import statement
from replay.tapes import Tape
from replay.verify import verify_commits
from tests.replay.markets import PRODUCT, facts, settings_of, short_market, trading
from tests.replay.test_repeatability import undressed


def sharing(tape: Tape) -> Configuration:
    """The trend follower, and one that sees crosses of other windows."""
    alone = trading(tape)
    options: dict[str, Any] = {"short_ma_period": 1, "long_ma_period": 4, "enable_shorts": True}
    other = StrategySetting(uses="baseline", product=PRODUCT, options=options)
    return msgspec.structs.replace(alone, strategies={**alone.strategies, "quick": other})


@pytest.fixture(scope="module")
def simulated() -> MemoryLog:
    tape, log = short_market(), MemoryLog()
    backtest(facts(tape), session="s", start=tape.start, configuration=sharing(tape), log=log)
    return log


def records_of(log: MemoryLog) -> list[Record]:
    return list(log.records())


def test_both_trade_and_cross_and_the_log_verifies(simulated: MemoryLog) -> None:
    events = [record.event for record in records_of(simulated)]
    assert {event.strategy for event in events if isinstance(event, OrderFilled)} == {"trend", "quick"}
    assert any(isinstance(event, InternalCrossed) for event in events)
    assert verify_commits(simulated.commits).verified


def test_their_results_add_up_to_the_accounts(simulated: MemoryLog) -> None:
    portfolio, virtuals = Portfolio(), Virtuals()
    for record in records_of(simulated):
        portfolio.fold(record)
        virtuals.fold(record, portfolio)
    rows, whole = attribution(virtuals, PRODUCT, portfolio), portfolio.position_pnl(PRODUCT, 0)
    assert {row.strategy for row in rows} >= {"quick", "trend"}
    assert sum((row.fees for row in rows), Decimal(0)) == whole.fees > 0
    assert sum((row.net for row in rows if row.net is not None), Decimal(0)) == whole.net_pnl


def test_the_statement_says_what_each_strategy_made_of_it(simulated: MemoryLog) -> None:
    account = statement(records_of(simulated))
    assert {row.strategy for row in account.by_strategy} >= {"quick", "trend"}
    assert sum((row.funding for row in account.by_strategy), Decimal(0)) == account.funding
    assert sum((row.realized for row in account.by_strategy), Decimal(0)) == account.realized_pnl
    nets = [row.net for row in account.by_strategy if row.net is not None]
    assert account.start_equity is not None
    assert account.start_equity + sum(nets, Decimal(0)) == account.equity


def test_the_system_of_actors_says_the_same(simulated: MemoryLog) -> None:
    tape, log = short_market(), MemoryLog()
    paper_session(facts(tape), session="s", start=tape.start, settings=settings_of(sharing(tape), "actors"), log=log)
    assert undressed(records_of(log)) == undressed(records_of(simulated))
