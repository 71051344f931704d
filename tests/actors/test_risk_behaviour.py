"""The gate and the guards, as risk says them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.account import TransferReported
from events.catalog import MarginRates
from events.configuration import RiskLimits
from events.event import Event
from events.feeds import ExchangeReconciled, FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.market import MarkWentStale
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelProposed,
    CancelSubmitted,
    OrderApproved,
    OrderOutcomeUnknown,
    OrderProposed,
    OrderRefused,
    OrderSubmitted,
)
from events.position import DiscrepancyCleared, DiscrepancyFound
from events.record import AnyEvent
from events.risk import (
    CloseRequested,
    DailyLossBreached,
    DayOpened,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Origin, Side
from tests.streams.desk import MINUTE, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, ONE, filled, listed
from tests.streams.orders import marked, order_reported, position_of, proposed, ready, with_limits

D = Decimal
#: Limits that bind nothing in these tests but what a test sets.
WIDE = RiskLimits(max_exposure_pct=D(10), max_position_pct_per_symbol=D(10), min_liquidation_buffer_pct=D(0))


@pytest.fixture
def desk() -> Desk:
    return ready(Desk(OrdersBehaviour(), RiskBehaviour()), equity="1000000")


def with_rules(limits: RiskLimits = WIDE, *, equity: str = "100000", **changes: Any) -> Desk:
    desk = Desk(OrdersBehaviour(), RiskBehaviour())
    return ready(desk, msgspec.structs.replace(limits, **changes), equity=equity)


def ask(desk: Desk, side: Side = Side.BUY, qty: str = "5", **what: Any) -> list[Event]:
    return desk.hear(proposed(side, qty, at=desk.at, **what), by="strategy:baseline")


def approval(said: list[Event]) -> OrderApproved:
    (found,) = of_kind(said, OrderApproved)
    assert not of_kind(said, OrderRefused)
    return found


def refusal(said: list[Event]) -> OrderRefused:
    (found,) = of_kind(said, OrderRefused)
    assert not of_kind(said, OrderApproved)
    return found


def codes(said: list[Event]) -> list[str]:
    return [breach.code for breach in refusal(said).breaches]


class TestApproval:
    def test_an_order_inside_all_limits_passes_as_it_is_and_becomes_an_intent(self, desk: Desk) -> None:
        said = ask(desk, qty="5")
        assert [type(event) for event in said] == [OrderApproved, OrderSubmitted]
        passed = approval(said)
        assert (passed.asked, passed.qty, passed.reduce_only) == (D(5), D(5), False)
        assert passed.reference_price == D(50_000)

    def test_a_limit_ioc_without_a_price_leaves_at_the_guard_price(self, desk: Desk) -> None:
        assert approval(ask(desk, Side.BUY)).limit_price == D(50_250)
        assert approval(ask(desk, Side.SELL)).limit_price == D(49_750)

    @pytest.mark.parametrize(
        ("side", "asked", "on_grid"), [(Side.BUY, "49999", "49995"), (Side.SELL, "50001", "50005")]
    )
    def test_a_price_off_the_grid_is_rounded_so_that_it_asks_for_no_worse(
        self, desk: Desk, side: Side, asked: str, on_grid: str
    ) -> None:
        said = ask(desk, side, limit_price=asked, kind=OrderKind.LIMIT_GTC)
        assert approval(said).limit_price == D(on_grid)

    def test_a_quantity_is_rounded_down_to_whole_contracts(self, desk: Desk) -> None:
        passed = approval(ask(desk, qty="5.9"))
        assert (passed.asked, passed.qty) == (D("5.9"), D(5))

    def test_an_entry_is_good_for_two_seconds_and_an_exit_for_ten(self, desk: Desk) -> None:
        assert approval(ask(desk)).expires_at == desk.at + 2 * SECOND
        desk.hear(position_of("-3", product=ONE, contract_size="1"), by="orders")
        said = ask(desk, Side.BUY, "3", product=ONE, reduce_only=True)
        assert approval(said).expires_at == desk.at + 10 * SECOND

    def test_a_cancel_that_a_strategy_asks_for_passes(self, desk: Desk) -> None:
        order = of_kind(ask(desk, kind=OrderKind.LIMIT_GTC, limit_price="49000"), OrderSubmitted)[0].order
        said = desk.hear(CancelProposed(strategy="baseline", order=order, reason="stale"), by="strategy:baseline")
        assert of_kind(said, CancelApproved) == [CancelApproved(order=order, reason="stale")]
        assert desk.hear(CancelProposed(strategy="baseline", order="?", reason=""), by="strategy:baseline") == []


class TestAnyOrder:
    def test_a_product_that_is_not_listed_is_refused(self, desk: Desk) -> None:
        assert refusal(ask(desk, product="DOGE-PERP")).message == "Product DOGE-PERP is not in the catalog"

    def test_a_product_without_a_contract_size_is_refused(self, desk: Desk) -> None:
        desk.hear(listed(BIP, contract_size=None))
        assert "no_contract_size" in codes(ask(desk))

    @pytest.mark.parametrize(
        "change", [{"session_open": False}, {"trading_disabled": True}, {"cancel_only": True}, {"contract_expiry": 1}]
    )
    def test_nothing_is_sent_into_a_closed_session_an_exit_neither(self, desk: Desk, change: dict[str, Any]) -> None:
        desk.hear(position_of("5"), by="orders")
        desk.hear(msgspec.structs.replace(listed(BIP), **change))
        assert codes(ask(desk, Side.SELL, "5", reduce_only=True)) == ["session_closed"]

    def test_a_session_may_take_limit_orders_or_post_only_orders_alone(self, desk: Desk) -> None:
        desk.hear(msgspec.structs.replace(listed(BIP), limit_only=True))
        assert codes(ask(desk, kind=OrderKind.MARKET_IOC)) == ["session_closed"]
        approval(ask(desk, qty="1"))
        desk.hear(msgspec.structs.replace(listed(BIP), post_only=True))
        assert codes(ask(desk)) == ["session_closed"]

    def test_an_order_worth_less_than_the_exchanges_minimum_is_refused_but_for_an_exit(self, desk: Desk) -> None:
        desk.hear(msgspec.structs.replace(listed(BIP), min_notional=D(1_000)))
        at_market: dict[str, Any] = {"limit_price": "50000", "kind": OrderKind.LIMIT_GTC}
        assert refusal(ask(desk, qty="1", **at_market)).message == f"Notional 500.00 below minimum 1000 for {BIP}"
        approval(ask(desk, qty="2", **at_market))
        desk.hear(position_of("1"), by="orders")
        approval(ask(desk, Side.SELL, "1", limit_price="50200", kind=OrderKind.LIMIT_GTC, reduce_only=True))

    def test_where_no_price_was_ever_seen_only_the_exchanges_own_close_leaves(self, desk: Desk) -> None:
        desk.hear(listed("NEW"))
        desk.hear(position_of("1", product="NEW"), by="orders")
        assert codes(ask(desk, Side.SELL, "1", product="NEW", reduce_only=True)) == ["no_price"]
        approval(ask(desk, Side.SELL, "1", product="NEW", reduce_only=True, kind=OrderKind.CLOSE_POSITION))

    def test_nothing_passes_before_the_exchange_was_reconciled_in_this_session(self, desk: Desk) -> None:
        desk.hear(with_limits(RiskLimits(), session="s-2"), by="session")
        assert codes(ask(desk)) == ["position_unknown"]
        desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
        approval(ask(desk))

    def test_while_a_position_is_in_doubt_only_the_exchanges_own_close_passes(self, desk: Desk) -> None:
        desk.hear(position_of("5"), by="orders")
        found = DiscrepancyFound(subject="position", product=BIP, ours=D(5), theirs=D(3))
        desk.hear(found, by="position")
        assert codes(ask(desk, Side.BUY)) == ["position_in_doubt"]
        assert codes(ask(desk, Side.SELL, reduce_only=True)) == ["position_in_doubt"]
        approval(ask(desk, Side.SELL, reduce_only=True, kind=OrderKind.CLOSE_POSITION))
        approval(ask(desk, Side.BUY, "1", product=ONE))
        desk.hear(DiscrepancyCleared(subject="position", product=BIP), by="position")
        approval(ask(desk, Side.BUY))

    @pytest.mark.parametrize("qty", ["0", "-5", "0.9", "NaN"])
    def test_less_than_one_contract_is_refused_and_never_rounded_up(self, desk: Desk, qty: str) -> None:
        assert codes(ask(desk, qty=qty)) == ["min_size"]

    def test_a_limit_order_must_bring_a_price_above_zero(self, desk: Desk) -> None:
        assert codes(ask(desk, kind=OrderKind.LIMIT_GTC)) == ["price"]
        assert codes(ask(desk, kind=OrderKind.LIMIT_GTC, limit_price="3")) == ["price"]
        assert codes(ask(desk, kind=OrderKind.LIMIT_GTC, limit_price="NaN")) == ["price"]
        assert codes(ask(desk, kind=OrderKind.LIMIT_GTC, limit_price="Infinity")) == ["price"]

    def test_a_decision_older_than_the_limit_is_refused(self, desk: Desk) -> None:
        old = proposed(at=desk.at - 5 * SECOND - 1)
        assert codes(desk.hear(old, by="strategy:baseline")) == ["decision_age"]
        approval(desk.hear(proposed(at=desk.at - 5 * SECOND), by="strategy:baseline"))

    def test_an_order_that_would_trade_with_our_own_waits_until_that_one_is_cancelled(self, desk: Desk) -> None:
        rests = of_kind(ask(desk, Side.SELL, limit_price="50100", kind=OrderKind.LIMIT_GTC), OrderSubmitted)[0].order
        desk.hear(order_reported(rests, side=Side.SELL, limit_price="50100", kind=OrderKind.LIMIT_GTC), by="user")
        said = ask(desk, Side.BUY)
        waits = approval(said)
        assert [cancel.order for cancel in of_kind(said, CancelSubmitted)] == [rests]
        assert not of_kind(said, OrderSubmitted)
        over = order_reported(rests, OrderStatus.CANCELLED, side=Side.SELL, kind=OrderKind.LIMIT_GTC)
        (intent,) = of_kind(desk.hear(over, by="user"), OrderSubmitted)
        assert (intent.proposal, intent.side, intent.qty) == (waits.proposal, Side.BUY, waits.qty)

    def test_an_order_that_would_trade_with_another_programs_on_the_account_is_refused(self, desk: Desk) -> None:
        foreign = order_reported(
            "", side=Side.SELL, limit_price="50100", kind=OrderKind.LIMIT_GTC, exchange_order="x", origin=Origin.FOREIGN
        )
        desk.hear(foreign, by="user")
        said = ask(desk, Side.BUY)
        assert codes(said) == ["self_trade"]
        assert not of_kind(said, CancelSubmitted)


class TestIncrease:
    def test_the_seeds_example_is_refused_with_one_coin_a_contract_and_passes_with_a_hundredth(self) -> None:
        desk = ready(Desk(OrdersBehaviour(), RiskBehaviour()))
        refused = refusal(ask(desk, qty="1", product=ONE, limit_price="50000", kind=OrderKind.LIMIT_GTC))
        assert refused.message == "Symbol exposure 50.0% exceeds cap of 20.0% for ONE"
        assert [breach.code for breach in refused.breaches] == ["exposure_symbol"]
        approval(ask(desk, qty="1", limit_price="50000", kind=OrderKind.LIMIT_GTC))

    def test_a_limit_is_exclusive_what_equals_it_passes(self) -> None:
        desk = with_rules(max_position_pct_per_symbol=D("0.2"))
        approval(ask(desk, qty="40", limit_price="50000", kind=OrderKind.LIMIT_GTC))

    def test_one_contract_more_than_the_limit_is_refused(self) -> None:
        desk = with_rules(max_position_pct_per_symbol=D("0.2"))
        assert codes(ask(desk, qty="41", limit_price="50000", kind=OrderKind.LIMIT_GTC)) == ["exposure_symbol"]

    def test_what_is_resting_in_flight_or_unknown_counts_like_a_position(self) -> None:
        desk = with_rules(max_position_pct_per_symbol=D("0.2"))
        order = of_kind(ask(desk, qty="30", limit_price="50000", kind=OrderKind.LIMIT_GTC), OrderSubmitted)[0].order
        assert codes(ask(desk, qty="11", limit_price="50000", kind=OrderKind.LIMIT_GTC)) == ["exposure_symbol"]
        desk.hear(OrderOutcomeUnknown(order=order, error="timeout"), by="gateway")
        assert codes(ask(desk, qty="11", limit_price="50000", kind=OrderKind.LIMIT_GTC)) == [
            "unknown_order",
            "exposure_symbol",
        ]

    def test_two_proposals_in_one_turn_cannot_share_the_same_room(self) -> None:
        desk = with_rules(max_position_pct_per_symbol=D("0.2"))
        first = proposed(qty="30", at=desk.at, proposal="p-1", limit_price="50000", kind=OrderKind.LIMIT_GTC)
        second = proposed(qty="30", at=desk.at, proposal="p-2", limit_price="50000", kind=OrderKind.LIMIT_GTC)
        said = desk.hear(first, second, by="strategy:baseline")
        assert [event.proposal for event in of_kind(said, OrderApproved)] == ["p-1"]
        assert [event.proposal for event in of_kind(said, OrderRefused)] == ["p-2"]

    def test_total_exposure_counts_every_product(self) -> None:
        desk = with_rules(max_exposure_pct=D("0.8"))
        desk.hear(position_of("1", product=ONE, contract_size="1"), by="orders")
        said = ask(desk, qty="61", limit_price="50000", kind=OrderKind.LIMIT_GTC)
        assert refusal(said).message == "Total exposure 80.5% would exceed cap of 80.0% (new notional: 30500.00)"
        approval(ask(desk, qty="60", limit_price="50000", kind=OrderKind.LIMIT_GTC))

    def test_leverage_counts_every_product(self) -> None:
        desk = with_rules(leverage_max_global=D("0.8"))
        desk.hear(position_of("1", product=ONE, contract_size="1"), by="orders")
        assert codes(ask(desk, qty="61", limit_price="50000", kind=OrderKind.LIMIT_GTC))[0] == "leverage_global"
        approval(ask(desk, qty="59", limit_price="50000", kind=OrderKind.LIMIT_GTC))

    @pytest.mark.parametrize(
        ("changes", "qty", "message"),
        [
            (
                {"leverage_max_per_symbol": {ONE: D(3)}},
                "7",
                "Leverage 3.5x exceeds ONE cap of 3x (notional: 350000, equity: 100000)",
            ),
            (
                {"leverage_max_per_symbol": {f"{ONE}-20DEC30-CDE": D(3)}},
                "7",
                "Leverage 3.5x exceeds ONE cap of 3x (notional: 350000, equity: 100000)",
            ),
            ({"leverage_max_global": D(2)}, "5", "Leverage 2.5x exceeds global cap of 2x"),
            (
                {"min_liquidation_buffer_pct": D("0.5"), "enable_pre_trade_liq_projection": False},
                "6",
                "Insufficient liquidation buffer: 39.8% < 50.0% required (margin needed: 60240.00, equity: 100000)",
            ),
            ({"max_notional_per_symbol": {ONE: D(40_000)}}, "1", "Symbol notional 50000 exceeds cap 40000 for ONE"),
            (
                {"min_liquidation_buffer_pct": D("0.15"), "leverage_max_global": D(20), "max_exposure_pct": D(10)},
                "15",
                "Projected liquidation buffer 12.75% < 15.00% for ONE",
            ),
        ],
    )
    def test_each_limit_on_size_has_the_seeds_words(self, changes: dict[str, Any], qty: str, message: str) -> None:
        desk = with_rules(**changes)
        said = ask(desk, qty=qty, product=ONE, limit_price="50000", kind=OrderKind.LIMIT_GTC)
        assert message in [breach.message for breach in refusal(said).breaches]

    def test_an_order_must_fit_the_stricter_of_the_present_and_the_next_margin_window(self) -> None:
        desk = with_rules(leverage_max_global=D(20))
        desk.hear(
            msgspec.structs.replace(
                listed(ONE, contract_size="1"),
                intraday_margin=MarginRates(long=D("0.10"), short=D("0.10")),
                overnight_margin=MarginRates(long=D("0.25"), short=D("0.50")),
            )
        )
        at_market = {"product": ONE, "limit_price": "50000", "kind": OrderKind.LIMIT_GTC}
        assert codes(ask(desk, Side.BUY, "9", **at_market)) == ["leverage_margin", "margin_buffer"]
        assert "leverage_margin" in codes(ask(desk, Side.SELL, "5", **at_market))
        approval(ask(desk, Side.BUY, "7", **at_market))

    def test_fees_are_reserved_beside_the_margin(self) -> None:
        desk = with_rules(leverage_max_global=D(4), min_liquidation_buffer_pct=D(0))
        at_market: dict[str, Any] = {"product": ONE, "limit_price": "50000", "kind": OrderKind.LIMIT_GTC}
        refused = refusal(ask(desk, Side.BUY, "8", **at_market))  # margin 100,000 and a fee of 320
        assert refused.message == (
            "Insufficient liquidation buffer: -0.3% < 0.0% required (margin needed: 100320.00, equity: 100000)"
        )
        approval(ask(desk, Side.BUY, "7", **at_market))

    def test_what_a_limit_gives_away_against_the_mark_is_reserved(self) -> None:
        for limit_price, passes in (("50000", True), ("50100", False)):  # 25,050 + 40.08 + 100 are more than 25,100
            desk = with_rules(leverage_max_global=D(2), capital_cap_usd=D(25_100))
            said = ask(desk, Side.BUY, "1", product=ONE, limit_price=limit_price, kind=OrderKind.LIMIT_GTC)
            assert bool(of_kind(said, OrderApproved)) is passes

    def test_an_order_without_a_limit_reserves_the_slippage_allowance(self) -> None:
        for kind, passes in ((OrderKind.LIMIT_GTC, True), (OrderKind.MARKET_IOC, False)):
            desk = with_rules(leverage_max_global=D(2), capital_cap_usd=D(25_100))
            limit_price = "50000" if kind is OrderKind.LIMIT_GTC else None
            said = ask(desk, Side.BUY, "1", product=ONE, limit_price=limit_price, kind=kind)
            assert bool(of_kind(said, OrderApproved)) is passes

    def test_what_another_products_orders_cost_is_reserved_until_the_exchange_says_they_are_gone(self) -> None:
        at_market: dict[str, Any] = {"limit_price": "50000", "kind": OrderKind.LIMIT_GTC}
        for capital, passes in (("27545", True), ("27542", False)):  # margin 2,500 and 25,000, fees 4 and 40
            desk = with_rules(leverage_max_global=D(2), capital_cap_usd=D(capital))
            rests = of_kind(ask(desk, Side.BUY, "10", **at_market), OrderSubmitted)[0].order
            desk.hear(CancelProposed(strategy="baseline", order=rests, reason=""), by="strategy:baseline")
            said = ask(desk, Side.BUY, "1", product=ONE, **at_market)
            assert bool(of_kind(said, OrderApproved)) is passes
        assert codes(said) == ["margin_buffer"]
        over = order_reported(rests, OrderStatus.CANCELLED, qty="10", kind=OrderKind.LIMIT_GTC)
        desk.hear(over, by="user")
        approval(ask(desk, Side.BUY, "1", product=ONE, **at_market))

    def test_the_orders_own_leverage_is_a_cap_for_this_order(self) -> None:
        desk = with_rules()
        at_market: dict[str, Any] = {"product": ONE, "limit_price": "50000", "kind": OrderKind.LIMIT_GTC}
        assert "leverage_order" in codes(ask(desk, qty="3", leverage="1", **at_market))
        approval(ask(desk, qty="2", leverage="1", **at_market))

    def test_only_the_capital_that_may_be_used_counts_as_equity(self) -> None:
        desk = with_rules(max_position_pct_per_symbol=D("0.2"), capital_cap_usd=D(10_000))
        assert codes(ask(desk, qty="5", limit_price="50000", kind=OrderKind.LIMIT_GTC)) == ["exposure_symbol"]
        approval(ask(desk, qty="4", limit_price="50000", kind=OrderKind.LIMIT_GTC))

    def test_without_equity_every_increase_is_too_much(self) -> None:
        desk = with_rules(equity="0")
        assert refusal(ask(desk, qty="1", product=ONE)).message.startswith("Leverage ∞x exceeds ")

    def test_slippage_is_measured_against_the_mark(self) -> None:
        desk = with_rules()
        said = ask(desk, limit_price="50500", kind=OrderKind.LIMIT_GTC)
        assert refusal(said).message == (
            f"Expected slippage 100 bps exceeds guard of 50 bps for {BIP} (price: 50500, mark: 50000)"
        )
        approval(ask(desk, limit_price="50250", kind=OrderKind.LIMIT_GTC))

    def test_an_entry_needs_a_fresh_mark(self, desk: Desk) -> None:
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="feed lost"), by="marks")
        assert codes(ask(desk)) == ["stale_mark"]

    def test_an_entry_needs_ears_for_the_exchanges_word_on_our_orders(self, desk: Desk) -> None:
        desk.hear(FeedLost(feed="user", connection=1, reason="closed"), by="user")
        assert codes(ask(desk)) == ["user_feed"]
        desk.hear(FeedSubscribed(feed="user", connection=2, channels=("user",)), by="user")
        approval(ask(desk))

    @pytest.mark.parametrize(
        "trouble",
        [
            FeedWentSilent(feed="user", connection=1, silent_ms=5_000),
            FeedGapFound(feed="user", connection=1, last_seq=3, next_seq=5),
        ],
    )
    def test_a_user_feed_that_is_silent_or_missed_messages_stops_entries(self, desk: Desk, trouble: AnyEvent) -> None:
        desk.hear(trouble, by="user")
        assert codes(ask(desk)) == ["user_feed"]
        desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
        said = ask(desk)  # what was missed has been asked for; a silent feed is still silent
        assert bool(of_kind(said, OrderApproved)) is isinstance(trouble, FeedGapFound)

    def test_trouble_with_the_market_feed_is_the_mark_caches_to_judge(self, desk: Desk) -> None:
        desk.hear(FeedLost(feed="market", connection=1, reason="closed"), by="market")
        approval(ask(desk))

    def test_while_equity_is_unknown_nothing_increases(self, desk: Desk) -> None:
        desk.hear(listed("NEW"))
        desk.hear(position_of("1", product="NEW"), by="orders")
        assert refusal(ask(desk)).message == "Equity is unknown (NEW: mark is unknown)"

    def test_a_single_order_has_a_largest_quantity(self) -> None:
        desk = with_rules(max_order_qty=D(10))
        assert codes(ask(desk, qty="11")) == ["max_order_qty"]
        approval(ask(desk, qty="10"))

    def test_a_single_entry_has_a_largest_worth(self) -> None:
        desk = with_rules(max_order_notional=D(5_000))
        assert refusal(ask(desk, qty="11", limit_price="50000", kind=OrderKind.LIMIT_GTC)).message == (
            f"Order notional 5500.00 exceeds maximum of 5000 for {BIP}"
        )
        approval(ask(desk, qty="10", limit_price="50000", kind=OrderKind.LIMIT_GTC))
        assert codes(ask(desk, qty="11", kind=OrderKind.MARKET_IOC)) == ["max_order_notional"]

    @pytest.mark.parametrize(("limit_price", "passes"), [("47500", True), ("47495", False), ("52500", True)])
    def test_an_entrys_limit_is_held_near_the_mark_on_both_sides(self, limit_price: str, passes: bool) -> None:
        desk = with_rules(max_price_distance_bps=D(500), slippage_guard_bps=D(1_000))
        side = Side.BUY
        said = ask(desk, side, limit_price=limit_price, kind=OrderKind.LIMIT_GTC)
        assert bool(of_kind(said, OrderApproved)) is passes
        if not passes:
            assert (
                refusal(said).message
                == f"Price 47495 is 501 bps from the mark 50000, at most 500 are allowed for {BIP}"
            )

    def test_an_exit_is_held_to_neither(self) -> None:
        desk = with_rules(max_price_distance_bps=D(1), max_order_notional=D(1))
        desk.hear(position_of("5"), by="orders")
        approval(ask(desk, Side.SELL, "5", limit_price="45000", kind=OrderKind.LIMIT_GTC))

    def test_only_so_many_entries_pass_in_a_minute(self) -> None:
        desk = with_rules(max_orders_per_minute=2)
        both = [proposed(qty="1", at=desk.at, proposal=name) for name in ("p-1", "p-2", "p-3")]
        said = desk.hear(*both, by="strategy:baseline")
        assert [event.proposal for event in of_kind(said, OrderRefused)] == ["p-3"]
        assert codes(ask(desk, qty="1")) == ["max_orders_per_minute"]
        desk.hear(ClockTicked(), by="clock", after=MINUTE)
        approval(ask(desk, qty="1"))

    def test_every_breach_is_listed_and_the_first_gives_the_message(self, desk: Desk) -> None:
        desk.hear(KillSwitchThrown(reason="fire"), by="operator")
        desk.hear(MarkWentStale(product=ONE, age_ms=9_000, reason="feed lost"), by="marks")
        refused = refusal(ask(desk, qty="140", product=ONE, limit_price="50000", kind=OrderKind.LIMIT_GTC))
        assert (refused.code, refused.message) == ("kill_switch", "Kill switch enabled - all trading halted")
        assert [breach.code for breach in refused.breaches] == [
            "kill_switch",
            "stale_mark",
            "leverage_global",
            "margin_buffer",
            "exposure_symbol",
            "exposure_total",
            "liquidation_projection",
        ]

    def test_what_any_order_must_be_comes_first_and_what_an_increase_would_break_behind_it(self, desk: Desk) -> None:
        desk.hear(KillSwitchThrown(reason="fire"), by="operator")
        desk.hear(listed(ONE, contract_size="1", session_open=False))
        refused = refusal(ask(desk, qty="140", product=ONE, limit_price="50000", kind=OrderKind.LIMIT_GTC))
        assert (refused.code, refused.breaches[0].code) == ("session_closed", "session_closed")
        assert {"kill_switch", "halt", "exposure_symbol"} <= {breach.code for breach in refused.breaches}


class TestReduce:
    def test_an_exit_is_held_to_no_limit_on_entries(self) -> None:
        desk = with_rules()
        desk.hear(position_of("9", product=ONE, contract_size="1"), by="orders")
        for name, value in (
            ("max_exposure_pct", "0.01"),
            ("leverage_max_global", "0.01"),
            ("max_order_qty", "0.5"),
            ("max_orders_per_minute", "1"),
            ("slippage_guard_bps", "1"),
            ("kill_switch_enabled", "true"),
        ):
            desk.hear(LimitChanged(limit=name, value=value, reason="test"), by="operator")
        desk.hear(MarkWentStale(product=ONE, age_ms=9_000, reason="feed lost"), by="marks")
        desk.hear(FeedLost(feed="user", connection=1, reason="closed"), by="user")
        passed = approval(ask(desk, Side.SELL, "9", product=ONE, limit_price="45000", reduce_only=True))
        assert (passed.qty, passed.limit_price, passed.reduce_only) == (D(9), D(45_000), True)

    def test_an_exit_without_a_price_reaches_further_than_an_entry_and_further_yet_from_a_stale_mark(
        self, desk: Desk
    ) -> None:
        desk.hear(position_of("9"), by="orders")
        assert approval(ask(desk, Side.SELL, "1", reduce_only=True)).limit_price == D(49_500)
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="feed lost"), by="marks")
        assert approval(ask(desk, Side.SELL, "1", reduce_only=True)).limit_price == D(49_000)

    def test_reduce_only_is_clamped_to_the_position_and_both_sizes_are_shown(self, desk: Desk) -> None:
        desk.hear(position_of("3"), by="orders")
        passed = approval(ask(desk, Side.SELL, "8", reduce_only=True))
        assert (passed.asked, passed.qty, passed.reduce_only) == (D(8), D(3), True)

    def test_reduce_only_is_clamped_to_what_resting_exits_leave_a_cancel_request_frees_nothing(
        self, desk: Desk
    ) -> None:
        desk.hear(position_of("5"), by="orders")
        said = ask(desk, Side.SELL, "4", reduce_only=True, kind=OrderKind.LIMIT_GTC, limit_price="60000")
        rests = of_kind(said, OrderSubmitted)[0].order
        desk.hear(order_reported(rests, side=Side.SELL, qty="4", kind=OrderKind.LIMIT_GTC), by="user")
        desk.hear(CancelProposed(strategy="baseline", order=rests, reason=""), by="strategy:baseline")
        assert approval(ask(desk, Side.SELL, "5", reduce_only=True)).qty == D(1)

    def test_nothing_left_to_reduce_is_a_refusal(self, desk: Desk) -> None:
        assert codes(ask(desk, Side.SELL, "5", reduce_only=True)) == ["nothing_to_reduce"]
        desk.hear(position_of("5"), by="orders")
        assert codes(ask(desk, Side.BUY, "5", reduce_only=True)) == ["nothing_to_reduce"]

    def test_two_exits_in_one_turn_do_not_exceed_the_position(self, desk: Desk) -> None:
        desk.hear(position_of("5"), by="orders")
        exits = [proposed(Side.SELL, "4", at=desk.at, proposal=name, reduce_only=True) for name in ("p-1", "p-2")]
        said = desk.hear(*exits, by="strategy:baseline")
        assert [event.qty for event in of_kind(said, OrderApproved)] == [D(4), D(1)]

    def test_an_order_past_the_position_is_split_and_only_what_opens_is_held_to_the_limits(self) -> None:
        desk = with_rules(max_position_pct_per_symbol=D("0.2"))
        desk.hear(position_of("100"), by="orders")
        within = approval(ask(desk, Side.SELL, "140", limit_price="50000", kind=OrderKind.LIMIT_GTC))
        assert (within.qty, within.reduce_only) == (D(140), False)

    def test_when_what_opens_breaks_a_limit_only_what_closes_passes(self) -> None:
        desk = with_rules(max_position_pct_per_symbol=D("0.2"))
        desk.hear(position_of("100"), by="orders")
        cut = approval(ask(desk, Side.SELL, "141", limit_price="50000", kind=OrderKind.LIMIT_GTC))
        assert (cut.asked, cut.qty, cut.reduce_only) == (D(141), D(100), True)
        assert [breach.code for breach in cut.cut] == ["exposure_symbol"]
        assert cut.cut[0].message == f"Symbol exposure 20.5% exceeds cap of 20.0% for {BIP}"

    def test_an_order_that_passes_whole_has_nothing_cut(self, desk: Desk) -> None:
        desk.hear(position_of("3"), by="orders")
        assert approval(ask(desk, Side.SELL, "1", reduce_only=True)).cut == ()
        assert approval(ask(desk, Side.SELL, "8")).cut == ()

    def test_in_reduce_only_mode_what_opens_is_cut(self, desk: Desk) -> None:
        desk.hear(position_of("3"), by="orders")
        desk.hear(ReduceOnlyRequested(product=None, reason="caution"), by="operator")
        passed = approval(ask(desk, Side.SELL, "8"))
        assert (passed.qty, passed.reduce_only) == (D(3), True)
        assert [breach.code for breach in passed.cut] == ["reduce_only"]

    def test_an_exit_larger_than_the_exchange_takes_leaves_in_parts(self, desk: Desk) -> None:
        desk.hear(position_of("9"), by="orders")
        desk.hear(msgspec.structs.replace(listed(BIP), max_size=D(4)))
        assert approval(ask(desk, Side.SELL, "9", reduce_only=True)).qty == D(4)

    def test_exits_that_no_longer_fit_the_position_are_cancelled_newest_first(self, desk: Desk) -> None:
        desk.hear(position_of("5"), by="orders")
        orders = []
        for qty in ("2", "3"):
            said = ask(desk, Side.SELL, qty, reduce_only=True, kind=OrderKind.LIMIT_GTC, limit_price="60000")
            orders.append(of_kind(said, OrderSubmitted)[0].order)
            desk.hear(order_reported(orders[-1], side=Side.SELL, qty=qty, kind=OrderKind.LIMIT_GTC), by="user")
        by_another_hand = filled(Side.SELL, "2", "50000", at=desk.at, order="manual", origin=Origin.FOREIGN)
        said = desk.hear(by_another_hand, by="orders")
        assert [cancel.order for cancel in of_kind(said, CancelSubmitted)] == [orders[1]]


class TestModes:
    def test_the_kill_switch_stops_every_increase_and_cancels_what_could_increase(self, desk: Desk) -> None:
        order = of_kind(ask(desk, kind=OrderKind.LIMIT_GTC, limit_price="49000"), OrderSubmitted)[0].order
        desk.hear(order_reported(order, kind=OrderKind.LIMIT_GTC), by="user")
        said = desk.hear(KillSwitchThrown(reason="fire"), by="operator")
        assert of_kind(said, CancelAllOrdered) == [CancelAllOrdered(product=None, reason="kill switch: fire")]
        assert [cancel.order for cancel in of_kind(said, CancelSubmitted)] == [order]
        assert codes(ask(desk))[0] == "kill_switch"
        desk.hear(KillSwitchReset(reason="out"), by="operator")
        approval(ask(desk))

    def test_a_kill_and_a_proposal_in_one_turn_is_a_kill(self, desk: Desk) -> None:
        said = desk.hear(KillSwitchThrown(reason="fire"), proposed(at=desk.at), by="operator")
        assert codes(said)[0] == "kill_switch"

    def test_the_kill_switch_stays_thrown_over_a_restart(self, desk: Desk) -> None:
        desk.hear(KillSwitchThrown(reason="fire"), by="operator")
        desk.hear(with_limits(RiskLimits(), session="s-2"), by="session")
        desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
        assert codes(ask(desk)) == ["kill_switch"]

    def test_an_operators_close_passes_the_kill_switch_and_leaves_one_position_alone_until_it_is_flat(
        self, desk: Desk
    ) -> None:
        desk.hear(position_of("5"), position_of("-2", product=ONE, contract_size="1"), by="orders")
        desk.hear(KillSwitchThrown(reason="stop"), by="operator")
        desk.hear(CloseRequested(product=BIP, reason="enough of it"), by="operator")
        first = of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), OrderSubmitted)
        assert [(each.product, each.side, each.qty) for each in first] == [(BIP, Side.SELL, D(5))]
        part = order_reported(first[0].order, OrderStatus.CANCELLED, "2", side=Side.SELL, limit_price=None)
        desk.hear(part, by="user", after=SECOND)
        (second,) = of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), OrderSubmitted)
        assert second.qty == D(3)
        rest = order_reported(second.order, OrderStatus.FILLED, "3", qty="3", side=Side.SELL, limit_price=None)
        desk.hear(rest, by="user", after=SECOND)
        desk.hear(ClockTicked(), by="clock", after=SECOND)
        again = order_reported("", OrderStatus.FILLED, "1", qty="1", exchange_order="again", limit_price=None)
        desk.hear(again, by="user")  # somebody enters again: that is not to be closed
        assert not of_kind(desk.hear(ClockTicked(), by="clock", after=60 * SECOND), OrderSubmitted)

    def test_a_close_without_a_position_asks_for_nothing(self, desk: Desk) -> None:
        desk.hear(CloseRequested(product=BIP, reason="enough"), by="operator")
        desk.hear(position_of("1"), by="orders")
        assert not of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), OrderSubmitted)

    def test_a_kill_that_flattens_leaves_every_position_step_by_step(self, desk: Desk) -> None:
        desk.hear(position_of("5"), position_of("-1", product=ONE, contract_size="1"), by="orders")
        desk.hear(KillSwitchThrown(reason="fire", flatten=True), by="operator")
        said = desk.hear(ClockTicked(), by="clock", after=SECOND)
        first = {event.product: event for event in of_kind(said, OrderApproved)}
        assert {(event.side, event.qty, event.limit_price) for event in first.values()} == {
            (Side.SELL, D(5), D(49_750)),
            (Side.BUY, D(1), D(50_250)),
        }
        assert all(event.reduce_only and event.strategy == "risk" for event in first.values())
        order = next(event.order for event in of_kind(said, OrderSubmitted) if event.product == BIP)
        assert of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), OrderApproved) == []
        half = order_reported(order, OrderStatus.CANCELLED, "2", qty="5", side=Side.SELL, at=desk.at)
        desk.hear(half, by="user")
        (step,) = of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), OrderApproved)
        assert (step.qty, step.limit_price) == (D(3), D(49_500))

    def test_reduce_only_for_one_product_leaves_the_other_alone(self, desk: Desk) -> None:
        said = desk.hear(ReduceOnlyRequested(product=BIP, reason="caution"), by="operator")
        assert of_kind(said, ReduceOnlyEntered) == [ReduceOnlyEntered(product=BIP, reason="caution")]
        assert of_kind(said, CancelAllOrdered) == [CancelAllOrdered(product=BIP, reason="caution")]
        message = f"Reduce-only mode active - cannot increase position for {BIP}"
        assert refusal(ask(desk)).message == message
        approval(ask(desk, qty="1", product=ONE))
        said = desk.hear(ReduceOnlyReleased(product=BIP, reason="fine"), by="operator")
        assert of_kind(said, ReduceOnlyLeft) == [ReduceOnlyLeft(product=BIP, reason="fine")]
        approval(ask(desk))

    @pytest.mark.parametrize("limit", ["reduce_only_mode", "kill_switch_enabled"])
    def test_a_mode_set_as_a_limit_cancels_what_could_increase(self, desk: Desk, limit: str) -> None:
        ask(desk, kind=OrderKind.LIMIT_GTC, limit_price="49000")
        said = desk.hear(LimitChanged(limit=limit, value="true", reason="caution"), by="operator")
        assert len(of_kind(said, CancelAllOrdered)) == 1
        refusal(ask(desk))

    def test_a_changed_limit_binds_from_the_next_proposal_on_and_nonsense_changes_nothing(self, desk: Desk) -> None:
        for value in ("a lot", "NaN", "-1"):
            desk.hear(LimitChanged(limit="max_position_pct_per_symbol", value=value, reason=""), by="operator")
            desk.hear(LimitChanged(limit="no_such_limit", value=value, reason=""), by="operator")
        approval(ask(desk, qty="5"))
        desk.hear(LimitChanged(limit="max_position_pct_per_symbol", value="0.001", reason=""), by="operator")
        assert codes(ask(desk, qty="5")) == ["exposure_symbol"]


class TestDailyLoss:
    def opened(self, limits: RiskLimits = WIDE, *, equity: str = "10000", at: int = MONDAY) -> Desk:
        desk = ready(Desk(OrdersBehaviour(), RiskBehaviour(), at=at), limits, equity=equity)
        desk.hear(ClockTicked(), by="clock")
        return desk

    def marked(self, desk: Desk, price: str | Decimal) -> list[Event]:
        """A new mark, and the next second."""
        return desk.hear(marked(price), ClockTicked(), by="clock", after=SECOND)

    def test_a_day_opens_at_midnight_with_the_equity_then(self) -> None:
        desk = self.opened(at=MONDAY - 2 * SECOND)
        assert desk.hear(ClockTicked(), by="clock", after=SECOND) == []
        said = desk.hear(ClockTicked(), by="clock", after=SECOND)
        assert said == [DayOpened(day=MONDAY, equity=D(10_000))]
        assert desk.hear(ClockTicked(), by="clock", after=SECOND) == []

    def test_the_first_day_of_a_log_is_reconstructed_when_it_begins_after_midnight(self) -> None:
        desk = ready(Desk(OrdersBehaviour(), RiskBehaviour(), at=MONDAY + MINUTE), WIDE, equity="10000")
        said = desk.hear(ClockTicked(), by="clock")
        assert said == [DayOpened(day=MONDAY, equity=D(10_000), reconstructed=True)]

    def test_a_midnight_that_nobody_saw_takes_the_higher_equity_around_it(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        desk.hear(marked("49999"), by="marks")
        day = 86_400 * SECOND
        desk.hear(ClockTicked(), by="clock", after=day // 2)
        desk.hear(marked("49950"), by="marks")
        (opened,) = of_kind(desk.hear(ClockTicked(), by="clock", after=day), DayOpened)
        assert opened == DayOpened(day=MONDAY + day, equity=D(9_999), reconstructed=True)

    def test_a_day_waits_for_a_fresh_mark_of_what_is_held(self) -> None:
        desk = ready(Desk(OrdersBehaviour(), RiskBehaviour()), WIDE, equity="10000")
        desk.hear(position_of("1"), by="orders")
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="feed lost"), by="marks")
        assert desk.hear(ClockTicked(), by="clock") == []
        desk.hear(marked("50100"), by="marks")
        assert len(of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), DayOpened)) == 1

    def test_at_the_limit_everything_that_increases_ends_and_it_is_said_once(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        assert self.marked(desk, "49901") == []
        said = self.marked(desk, "49900")
        assert [type(event) for event in said] == [DailyLossBreached, ReduceOnlyEntered, CancelAllOrdered]
        (breached,) = of_kind(said, DailyLossBreached)
        assert (breached.loss, breached.limit, breached.start_equity) == (D(100), D(100), D(10_000))
        assert desk.hear(marked("49000"), ClockTicked(), by="marks", after=SECOND) == []
        assert codes(ask(desk))[0] == "reduce_only"

    def test_between_two_seconds_the_gate_sees_the_lost_day_by_itself(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        desk.hear(marked("49880"), by="marks")
        refused = refusal(ask(desk))
        assert (refused.code, refused.message) == ("daily_loss", "Daily loss 120.00 has reached the limit of 100")

    def test_two_ticks_past_the_limit_in_one_turn_say_it_once(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        said = desk.hear(ClockTicked(), marked("49700"), ClockTicked(), ClockTicked(), by="marks")
        assert len(of_kind(said, DailyLossBreached)) == 1

    def test_a_proposal_in_the_turn_of_the_breach_is_refused(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        said = desk.hear(marked("49800"), ClockTicked(), proposed(at=desk.at), by="marks")
        assert codes(said)[0] == "reduce_only"

    @pytest.mark.parametrize(
        ("limits", "limit"),
        [
            ({}, "100"),
            ({"max_daily_loss_pct": D("0.05")}, "500"),
            ({"daily_loss_limit": D(300)}, "300"),
            ({"daily_loss_limit": D(300), "max_daily_loss_pct": D("0.02")}, "200"),
        ],
    )
    def test_of_an_amount_and_a_percentage_the_tighter_wins_and_one_switches_the_default_off(
        self, limits: dict[str, Any], limit: str
    ) -> None:
        desk = self.opened(msgspec.structs.replace(WIDE, **limits))
        desk.hear(position_of("100"), by="orders")
        assert of_kind(self.marked(desk, 50_000 - D(limit) + 1), DailyLossBreached) == []
        (breached,) = of_kind(self.marked(desk, 50_000 - D(limit)), DailyLossBreached)
        assert breached.limit == D(limit)

    def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        out = TransferReported(transfer="t-1", amount=D(-5_000), reason="withdrawal", exchange_at=desk.at)
        assert desk.hear(out, ClockTicked(), by="account", after=SECOND) == []
        back = TransferReported(transfer="t-2", amount=D(5_000), reason="deposit", exchange_at=desk.at)
        desk.hear(back, by="account")
        assert len(of_kind(self.marked(desk, "49900"), DailyLossBreached)) == 1

    def test_a_restart_does_not_forget_the_day(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        desk.hear(marked("49950"), by="marks")
        desk.hear(with_limits(WIDE, session="s-2", equity="10000"), by="session", after=SECOND)
        assert desk.hear(ClockTicked(), by="clock", after=SECOND) == []
        assert len(of_kind(self.marked(desk, "49900"), DailyLossBreached)) == 1

    def test_it_stays_until_an_operator_releases_it_who_thereby_grants_one_more_limit(self) -> None:
        desk = self.opened()
        desk.hear(position_of("100"), by="orders")
        self.marked(desk, "49880")
        said = desk.hear(ReduceOnlyReleased(product=None, reason="I know"), by="operator")
        assert of_kind(said, ReduceOnlyLeft) == [ReduceOnlyLeft(product=None, reason="I know")]
        assert self.marked(desk, "49781") == []
        (again,) = of_kind(self.marked(desk, "49780"), DailyLossBreached)
        assert again.loss == D(100)

    def test_a_new_day_releases_only_when_so_configured(self) -> None:
        for releases in (False, True):
            desk = self.opened(msgspec.structs.replace(WIDE, daily_loss_auto_release=releases))
            desk.hear(position_of("100"), by="orders")
            self.marked(desk, "49880")
            said = desk.hear(ClockTicked(), by="clock", after=86_400 * SECOND)
            assert len(of_kind(said, DayOpened)) == 1
            assert bool(of_kind(said, ReduceOnlyLeft)) is releases


class TestLiquidationBuffer:
    def test_below_the_least_distance_to_liquidation_nothing_increases_said_once_a_spell(self) -> None:
        limits = msgspec.structs.replace(
            WIDE, min_liquidation_buffer_pct=D("0.15"), daily_loss_limit=D(1_000_000), leverage_max_global=D(20)
        )
        desk = ready(Desk(OrdersBehaviour(), RiskBehaviour()), limits, equity="100000")
        desk.hear(position_of("10", product=ONE, contract_size="1"), by="orders")
        assert of_kind(desk.hear(ClockTicked(), by="clock"), LiquidationBufferBreached) == []
        desk.hear(marked("47000", product=ONE), by="marks")  # equity 70,000 less 2,350, of 470,000: 14.4 %
        said = desk.hear(ClockTicked(), by="clock", after=SECOND)
        assert [type(event) for event in said] == [LiquidationBufferBreached, ReduceOnlyEntered, CancelAllOrdered]
        assert of_kind(said, LiquidationBufferBreached)[0].buffer == D("0.14393617")
        assert desk.hear(ClockTicked(), by="clock", after=SECOND) == []
        desk.hear(marked("50000", product=ONE), by="marks")
        assert desk.hear(ClockTicked(), by="clock", after=SECOND) == []
        desk.hear(marked("47000", product=ONE), by="marks")
        assert len(of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), LiquidationBufferBreached)) == 1


def test_each_proposal_gets_exactly_one_answer(desk: Desk) -> None:
    asked = [
        proposed(side, qty, at=desk.at, proposal=f"{side}-{qty}") for side in Side for qty in ("0", "1", "50", "5000")
    ]
    said = desk.hear(*asked, by="strategy:baseline")
    answers = [event.proposal for event in said if isinstance(event, OrderApproved | OrderRefused)]
    assert sorted(answers) == sorted(order.proposal for order in asked if isinstance(order, OrderProposed))
