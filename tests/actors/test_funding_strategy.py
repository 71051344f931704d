"""The funding strategy, decision by decision, and at its desk with rates as the exchange publishes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.behaviours.strategy import StrategyBehaviour
from actors.strategies.funding_carry import FundingCarryStrategy, FundingConfig, create_funding_strategy
from actors.strategies.loading import StrategyNotLoaded, load_strategy, source_files
from actors.strategies.options import OptionError
from actors.strategies.protocol import Decision, View
from events.configuration import MarkSetting, RiskLimits, StrategySetting
from events.feeds import ExchangeReconciled
from events.orders import OrderProposed
from events.session import ClockTicked
from events.strategy import DecisionMade
from events.terms import Action, Side
from tests.streams.desk import HOUR, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, listed, rate
from tests.streams.orders import marked, with_limits

D = Decimal
NOW = MONDAY + HOUR + 5 * SECOND
OPTIONS: dict[str, str | int | bool] = {
    "enter_rate": "0.0001",
    "exit_rate": "0.00002",
    "notional_pct": "0.2",
    "stop_pct": "0.02",
}


def decided(funding_rate: str | None, *, boundary: int | None = MONDAY + HOUR, **view: Any) -> Decision:
    given: dict[str, Any] = {
        "strategy": "funding",
        "product": BIP,
        "at": NOW,
        "mark": D(50_000),
        "equity": D(100_000),
        "contract_size": D("0.01"),
        "funding_rate": None if funding_rate is None else D(funding_rate),
        "funding_boundary": None if funding_rate is None else boundary,
    }
    return create_funding_strategy(OPTIONS).decide(View(**(given | view)))


def act(decision: Decision) -> tuple[Action, str]:
    return decision.action, decision.reason


SHORT: dict[str, Any] = {"qty": D(-4), "entry_price": D(50_000)}
LONG: dict[str, Any] = {"qty": D(4), "entry_price": D(50_000)}


@pytest.mark.parametrize(
    ("funding_rate", "action"),
    [
        ("0.00011", Action.SELL),
        ("0.0001", Action.SELL),
        ("0.00009", Action.HOLD),
        ("0", Action.HOLD),
        ("-0.00009", Action.HOLD),
        ("-0.0001", Action.BUY),
    ],
)
def test_it_stands_where_the_rate_pays(funding_rate: str, action: Action) -> None:
    decision = decided(funding_rate)
    assert decision.action is action
    assert decision.target_notional == (None if action is Action.HOLD else D(20_000))
    assert decision.numbers == {"funding_rate": D(funding_rate)}


@pytest.mark.parametrize(
    ("position", "funding_rate", "action"),
    [
        (SHORT, "0.0003", Action.HOLD),
        (SHORT, "0.000021", Action.HOLD),
        (SHORT, "0.00002", Action.CLOSE),
        (SHORT, "-0.0003", Action.CLOSE),
        (LONG, "-0.000021", Action.HOLD),
        (LONG, "-0.00002", Action.CLOSE),
        (LONG, "0.0003", Action.CLOSE),
    ],
)
def test_it_leaves_when_the_rate_no_longer_pays(position: dict[str, Any], funding_rate: str, action: Action) -> None:
    decision = decided(funding_rate, **position)
    assert decision.action is action
    assert decision.reduce_only is (action is Action.CLOSE)


def test_a_rate_that_is_unknown_or_too_old_opens_nothing_and_holds_nothing() -> None:
    old = {"boundary": NOW - 2 * HOUR - 1}
    assert act(decided(None)) == (Action.HOLD, "Funding rate unknown or too old")
    assert act(decided("0.01", **old)) == (Action.HOLD, "Funding rate unknown or too old")
    assert act(decided("0.01", boundary=NOW - 2 * HOUR))[0] is Action.SELL
    assert act(decided("0.01", **old, **SHORT)) == (Action.CLOSE, "Funding rate unknown or too old")
    assert act(decided(None, **SHORT)) == (Action.CLOSE, "Funding rate unknown or too old")


@pytest.mark.parametrize(
    ("position", "mark", "action"),
    [
        (SHORT, "50999", Action.HOLD),
        (SHORT, "51000", Action.CLOSE),
        (SHORT, "49000", Action.HOLD),
        (LONG, "49001", Action.HOLD),
        (LONG, "49000", Action.CLOSE),
        (LONG, "51000", Action.HOLD),
    ],
)
def test_the_stop_stands_a_fraction_from_the_entry(position: dict[str, Any], mark: str, action: Action) -> None:
    pays = "0.0003" if position is SHORT else "-0.0003"
    assert decided(pays, mark=D(mark), **position).action is action


def test_a_mark_that_is_unknown_hits_no_stop() -> None:
    assert decided("0.0003", mark=None, **SHORT).action is Action.HOLD


def test_what_was_stopped_is_not_taken_again_on_the_same_rate() -> None:
    stopped = decided("0.0003", mark=D(51_000), **SHORT)
    assert act(stopped) == (Action.CLOSE, "Stop hit")
    again = decided("0.0003", memory=stopped.memory)
    assert act(again) == (Action.HOLD, "Stopped on this rate already")
    later = decided("0.0003", memory=again.memory, boundary=MONDAY + 2 * HOUR, at=MONDAY + 2 * HOUR)
    assert later.action is Action.SELL


def test_it_opens_nothing_while_killed_or_reduce_only_and_leaves_when_only_reducing_is_allowed() -> None:
    assert act(decided("0.0003", is_killed=True)) == (Action.HOLD, "No new entries")
    assert act(decided("0.0003", reduce_only="daily loss")) == (Action.HOLD, "No new entries")
    assert act(decided("0.0003", reduce_only="daily loss", **SHORT)) == (Action.CLOSE, "Reduce-only mode active")
    assert decided("0.0003", is_killed=True, **SHORT).action is Action.HOLD


def test_it_opens_nothing_without_equity_or_on_a_side_that_is_switched_off() -> None:
    assert act(decided("0.0003", equity=None)) == (Action.HOLD, "No equity known to size by")
    assert act(decided("0.0003", equity=D(-1))) == (Action.HOLD, "No equity known to size by")
    view = View(
        strategy="f", product=BIP, at=NOW, equity=D(1_000), funding_rate=D("0.01"), funding_boundary=MONDAY + HOUR
    )
    assert FundingCarryStrategy(FundingConfig(enable_shorts=False)).decide(view).action is Action.HOLD
    low = View(
        strategy="f", product=BIP, at=NOW, equity=D(1_000), funding_rate=D("-0.01"), funding_boundary=MONDAY + HOUR
    )
    assert FundingCarryStrategy(FundingConfig(enable_longs=False)).decide(low).action is Action.HOLD


@pytest.mark.parametrize(
    "options",
    [
        {"exit_rate": "-0.1"},
        {"enter_rate": "0.000005"},
        {"notional_pct": "0"},
        {"stop_pct": "1"},
        {"max_rate_age_s": 0},
        {"entry": "1"},
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        create_funding_strategy(options)


def test_it_is_made_by_its_name_and_an_unknown_name_says_both() -> None:
    setting = StrategySetting(uses="funding", product=BIP, options={"enter_rate": "0.001"})
    strategy = load_strategy(setting)
    assert isinstance(strategy, FundingCarryStrategy)
    assert strategy.config.enter_rate == D("0.001")
    assert source_files("funding") == []
    with pytest.raises(StrategyNotLoaded, match='write "baseline" or "funding", or module:Class'):
        load_strategy(StrategySetting(uses="carry", product=BIP))


def test_the_desk_shows_the_rate_of_the_latest_boundary_and_sells_into_it() -> None:
    behaviour = StrategyBehaviour("f", create_funding_strategy(OPTIONS))
    desk = Desk(OrdersBehaviour(), RiskBehaviour(), behaviour, at=MONDAY + HOUR)
    settings = {"f": StrategySetting(uses="funding", product=BIP, options=OPTIONS)}
    limits = RiskLimits(max_daily_loss_pct=D("0.5"))
    desk.hear(with_limits(limits, equity="100000", strategies=settings, marks=MarkSetting(interval_s=1)), by="session")
    desk.hear(listed(BIP), marked("50000"))
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    first = desk.hear(ClockTicked(), by="clock", after=SECOND)
    assert [said.reason for said in of_kind(first, DecisionMade)] == ["Funding rate unknown or too old"]
    desk.hear(rate(MONDAY, "-0.9"), rate(MONDAY + HOUR, "0.0003"))
    said = desk.hear(ClockTicked(), by="clock", after=SECOND)
    (order,) = of_kind(said, OrderProposed)
    assert order.side is Side.SELL
    assert order.qty == 40  # contracts of 500: a fifth of the equity
