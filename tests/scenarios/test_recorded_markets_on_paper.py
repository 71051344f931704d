"""Recorded markets traded on paper: each ties out to the last digit, verifies, and leaves nothing open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest

from events.configuration import Configuration, MarkSetting, ProductSetting, RiskLimits, StrategySetting
from events.log import MemoryLog
from events.orders import OrderFilled
from events.session import ActorFailed, SessionEnded
from projections.portfolio import Portfolio
from replay.backtest import backtest
from replay.tapes import Tape, merged, open_tape
from replay.verify import verify_commits
from tests.paths import SHARED_DATA, needs_shared_data
from tests.replay.markets import facts
from tests.scenarios.plain_books import PlainBooks

D = Decimal
PERPS = SHARED_DATA / "perp-feed"
#: So much of each recording is played: enough to trade both ways, in a few seconds.
EVENTS = 20_000

pytestmark = needs_shared_data


def restless(tape: Tape) -> Configuration:
    """Looks every second, rests and takes by lot, with room for a few units."""
    product = tape.product.product
    return Configuration(
        products={product: ProductSetting(exchange_id=tape.product.exchange_id)},
        marks=MarkSetting(interval_s=1, max_feed_lag_ms=10_000),
        risk=RiskLimits(max_daily_loss_pct=D("0.9"), slippage_guard_bps=D(20)),
        strategies={
            "restless": StrategySetting(
                uses="tests.scenarios.fortnight_strategies:Restless", product=product, options={"seed": 5}
            )
        },
    )


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param(lambda: open_tape(PERPS / "btcusdt_20240808.gz"), id="depth-and-trades"),
        pytest.param(lambda: open_tape(PERPS / "btcusdt_20230405.dat.gz"), id="quotes-and-trades"),
        pytest.param(
            lambda: merged(
                open_tape(PERPS / "tardis_binance-futures_trades_BTCUSDT_20200222.csv.gz"),
                open_tape(PERPS / "tardis_quotes.csv.gz"),
            ),
            id="tables",
        ),
    ],
)
def test_a_recorded_market_on_paper_ties_out_verifies_and_leaves_nothing_open(opened: Callable[[], Tape]) -> None:
    tape, log = opened(), MemoryLog()
    backtest(facts(tape, EVENTS), session="recorded", start=tape.start, configuration=restless(tape), log=log)
    portfolio, plain, counts = Portfolio(), PlainBooks(cash=Fraction(100_000)), Counter[type]()
    for record in log.records():
        portfolio.fold(record)
        plain.hear(record)
        counts[type(record.event)] += 1
        if isinstance(record.event, SessionEnded):
            assert record.event.unknown_orders == ()
    assert counts[OrderFilled] >= 3
    assert counts[ActorFailed] == 0
    tie = portfolio.tie_out()
    assert tie.difference == 0
    assert tie.ours is not None
    assert Fraction(tie.ours) == plain.equity()
    assert verify_commits(log.commits).verified
