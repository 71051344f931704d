"""What the seed leaves open, decided: rules B1 to B8 of the trading rules, each by its name."""

from __future__ import annotations

import dataclasses
import re
from contextlib import closing
from pathlib import Path

import pytest

import tests.seed
from actors.brokerage import CoinbaseBrokerage, LiveRiskManager, RiskConfig, ValidationError, to_product
from actors.connection.errors import InvalidOrder, InvalidSymbol
from actors.strategies.baseline import BaselinePerpsStrategy, StrategyConfig, create_baseline_strategy
from actors.strategies.entry import entry_of
from actors.strategies.protocol import Decision
from events.configuration import RiskLimits
from events.log import MemoryLog
from events.orders import OrderApproved, OrderRefused
from events.position import DiscrepancyFound
from events.risk import ReduceOnlyRequested
from events.store import EventStore
from events.terms import Action, OrderKind, Side
from projections.account import Account
from projections.bounds import Room
from scripts.live_trade import run_strategy
from tests.actors.test_baseline import UP, act, long, seen
from tests.actors.test_strategy_behaviour import BUY, Scripted, at_desk, decided, proposal, sample
from tests.rules.gate import WIDE, asked, at_gate
from tests.seed.logs import HandLog, fill, funding, mark
from tests.seed.samples import SEED, needs_the_seed
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, D, listed
from tests.streams.orders import order_reported, position_of

BTC = "BTC-USD-PERP"


def test_b01_rows_of_the_event_store_have_a_kind_and_a_type_and_a_running_log_is_read(tmp_path: Path) -> None:
    with HandLog(tmp_path) as log:
        log.begin()
        log.turn(fill(BTC, Side.BUY, 1, 50_000), funding(BTC, "-5"))
        store = EventStore(tmp_path)  # the log is still open for writing
        (row,) = store.tail("coinbase_perps", types=["metric"])
        assert {"kind", "type", "bot_id", "time", "seq", "at"} <= set(row)
        assert (row["kind"], row["type"], row["amount"]) == ("metric", "funding", D(-5))
        assert [row["kind"] for row in store.tail("coinbase_perps", types=["trade"])] == ["trade"]


@pytest.mark.parametrize("name", [BTC, "BIP-20DEC30-CDE"])
def test_b02_the_brokerage_has_folded_what_it_yields_under_the_id_that_was_asked_for(tmp_path: Path, name: str) -> None:
    with HandLog(tmp_path) as log:
        log.begin()
        with closing(CoinbaseBrokerage(log=tmp_path)) as adapter:
            rows = adapter.stream_user_events([name])
            log.turn(fill(BTC, Side.BUY, 2, 50_000), mark(BTC, 51_000))
            log.end()
            (row,) = rows
            assert (row["product_id"], row["exchange_product_id"]) == (name, "BIP-20DEC30-CDE")
            assert adapter._mark_cache.get_mark(name) == D(51_000)
            assert adapter.get_position_pnl(name)["unrealized_pnl"] == D(2_000)
            assert len(adapter._event_store.tail("coinbase_perps", types=["trade"])) == 1
            with pytest.raises(InvalidSymbol):
                adapter.get_position_pnl("DOGE-PERP")


def test_b03_the_risk_manager_is_a_facade_that_raises_where_the_gate_says_an_event() -> None:
    log = MemoryLog()
    manager = LiveRiskManager(RiskConfig(kill_switch_enabled=True), event_store=EventStore(log), clock=lambda: MONDAY)
    product = listed(BIP)
    with pytest.raises(ValidationError, match="Kill switch enabled - all trading halted") as refusal:
        manager.pre_trade_validate(BIP, "buy", D(1), D(50_000), product, D(100_000), {})
    assert isinstance(refusal.value, InvalidOrder)
    (refused,) = (record.event for record in log.records() if isinstance(record.event, OrderRefused))
    assert refused.message == str(refusal.value)
    answer = asked(at_gate(RiskLimits(kill_switch_enabled=True)), Side.BUY, "1")
    assert isinstance(answer, OrderRefused)
    assert answer.message == refused.message


def test_b04_the_baseline_decides_the_same_of_a_view_and_of_the_seeds_six_keywords() -> None:
    marks = [D(price) for price in UP]
    by_view = create_baseline_strategy({"short_ma_period": 2, "long_ma_period": 4}).decide(
        seen(UP, room_long=Room(notional=D("1E+18"), limit="none"))
    )
    by_words = BaselinePerpsStrategy(StrategyConfig(short_ma_period=2, long_ma_period=4)).decide(
        symbol="BTC-PERP",
        current_mark=marks[-1],
        position_state=None,
        recent_marks=marks[:-1],
        equity=D(1_000),
        product=None,
    )
    assert by_words == by_view
    assert by_view.action is Action.BUY
    assert dataclasses.is_dataclass(StrategyConfig)
    assert not hasattr(StrategyConfig, "__slots__")
    assert StrategyConfig(short_ma_period=2).__dict__["short_ma_period"] == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        StrategyConfig().max_adds = 3  # type: ignore[misc]  # the rule
    assert callable(run_strategy)
    assert callable(to_product)


@needs_the_seed
def test_b05_every_sample_of_the_seed_has_a_test_named_after_its_line() -> None:
    fences = [n for n, line in enumerate(SEED.read_text(encoding="utf-8").splitlines(), 1) if re.match(r"```\w+", line)]
    modules = Path(str(tests.seed.__file__)).parent.glob("test_*.py")
    named = set(re.findall(r"_(\d+)(?=_)", " ".join(re.findall(r"def (test\S+)\(", "".join(map(_text, modules))))))
    assert [line for line in fences if str(line) not in named] == []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_b06_a_target_is_cut_to_the_room_under_every_limit_and_the_reason_names_what_binds() -> None:
    """Equity 100,000, a fifth of it in one product: 20,000 at a guard price of 58,605 is 34 contracts, not 35."""
    wanted = Decision(action=Action.BUY, reason="Up", target_notional=D(200_000))
    desk = at_desk(Scripted(wanted))
    said = sample(desk, "58315")
    assert (proposal(said).qty, proposal(said).limit_price) == (D(34), D(58_605))
    assert decided(said).reason == "Up (sized by max_position_pct_per_symbol)"
    tight = at_desk(Scripted(BUY), limits=RiskLimits(max_position_pct_per_symbol=D("0.005")))
    hold = decided(sample(tight))
    assert (hold.action, hold.reason) == (
        Action.HOLD,
        "Up, but less than one contract fits under max_position_pct_per_symbol",
    )
    assert entry_of(wanted, seen([]), Account(), at=0) == "the mark is stale or the product unknown"


def test_b07_max_adds_counts_the_entries_of_one_position_the_first_included() -> None:
    once = BaselinePerpsStrategy(StrategyConfig(short_ma_period=2, long_ma_period=4, max_adds=1))
    twice = BaselinePerpsStrategy(StrategyConfig(short_ma_period=2, long_ma_period=4, max_adds=2))
    first = seen(UP, **long(entries=1))
    assert act(once.decide(first)) == (Action.HOLD, "Bullish crossover, but no more adds (max_adds 1)")
    assert act(twice.decide(first)) == (Action.BUY, "Bullish MA crossover")
    assert act(twice.decide(seen(UP, **long(entries=2))))[0] is Action.HOLD


class TestB08ReduceOnly:
    def test_b08_it_is_clamped_to_the_position_less_what_reduces_it_already(self) -> None:
        desk = at_gate()
        desk.hear(position_of("5"), by="orders")
        exits = order_reported(
            "o-9", qty="3", side=Side.SELL, kind=OrderKind.LIMIT_GTC, limit_price="51000", at=desk.at
        )
        desk.hear(exits, by="user")
        answer = asked(desk, Side.SELL, "8", reduce_only=True)
        assert isinstance(answer, OrderApproved)
        assert (answer.asked, answer.qty, answer.reduce_only) == (D(8), D(2), True)

    def test_b08_zero_left_is_a_refusal(self) -> None:
        answer = asked(at_gate(), Side.SELL, "8", reduce_only=True)
        assert isinstance(answer, OrderRefused)
        assert answer.code == "nothing_to_reduce"

    def test_b08_an_order_past_the_position_is_split_and_in_reduce_only_mode_cut(self) -> None:
        """Long 5, sell 8: 5 close and 3 open; in reduce-only mode 5 leave."""
        desk = at_gate(WIDE)
        desk.hear(position_of("5"), by="orders")
        answer = asked(desk, Side.SELL, "8")
        assert isinstance(answer, OrderApproved)
        assert (answer.qty, answer.reduce_only) == (D(8), False)
        desk = at_gate(WIDE)
        desk.hear(position_of("5"), by="orders")
        desk.hear(ReduceOnlyRequested(product=None, reason="test"), by="operator")
        answer = asked(desk, Side.SELL, "8")
        assert isinstance(answer, OrderApproved)
        assert (answer.asked, answer.qty, answer.reduce_only) == (D(8), D(5), True)

    def test_b08_while_the_position_is_in_doubt_it_is_refused(self) -> None:
        desk = at_gate()
        desk.hear(position_of("5"), by="orders")
        desk.hear(DiscrepancyFound(subject="position", product=BIP, ours=D(5), theirs=D(3)), by="position")
        assert isinstance(asked(desk, Side.SELL, "2", reduce_only=True), OrderRefused)
