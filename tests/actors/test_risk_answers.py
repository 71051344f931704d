"""What risk answers, to the letter: every field of an approval, and each breach with its limit, value and sentence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.configuration import RiskLimits
from events.event import Event
from events.feeds import FeedLost
from events.market import MarkWentStale
from events.orders import (
    Breach,
    CancelApproved,
    OrderApproved,
    OrderOutcomeUnknown,
    OrderProposed,
    OrderRefused,
    OrderSubmitted,
)
from events.position import DiscrepancyFound
from events.record import AnyEvent
from events.risk import KillSwitchThrown, ReduceOnlyRequested
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Origin, Side
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, ONE, D, listed
from tests.streams.orders import marked, order_reported, position_of, proposed, ready, with_limits

WIDE = RiskLimits(max_exposure_pct=D(10), max_position_pct_per_symbol=D(10), min_liquidation_buffer_pct=D(0))
GTC = OrderKind.LIMIT_GTC


def desk_with(*facts: AnyEvent, equity: str = "100000", **limits: Any) -> Desk:
    desk = ready(Desk(OrdersBehaviour(), RiskBehaviour()), msgspec.structs.replace(WIDE, **limits), equity=equity)
    if facts:
        desk.hear(*facts, by="test")
    return desk


def order(desk: Desk, side: Side = Side.BUY, qty: str = "5", **what: Any) -> OrderProposed:
    extra = {name: what.pop(name) for name in ("post_only", "stop_price", "good_until", "as_of") if name in what}
    return msgspec.structs.replace(proposed(side, qty, at=desk.at, **what), **extra)


def ask(desk: Desk, side: Side = Side.BUY, qty: str = "5", **what: Any) -> list[Event]:
    return desk.hear(order(desk, side, qty, **what), by="strategy:baseline")


def rests(desk: Desk, side: Side, qty: str, price: str, **what: Any) -> str:
    """An order of ours that the exchange has; its id."""
    said = ask(desk, side, qty, limit_price=price, kind=GTC, **what)
    name = of_kind(said, OrderSubmitted)[0].order
    product = what.get("product", BIP)
    desk.hear(order_reported(name, side=side, qty=qty, product=product, kind=GTC, limit_price=price), by="user")
    return name


class TestApprovals:
    def test_an_entry_is_passed_on_whole(self) -> None:
        desk = desk_with()
        asked = order(
            desk, Side.BUY, "5.5", limit_price="49998", kind=GTC, post_only=True, leverage="3", proposal="p-7"
        )
        (found,) = of_kind(desk.hear(asked, by="strategy:baseline"), OrderApproved)
        assert found == OrderApproved(
            proposal="p-7",
            strategy="baseline",
            product=BIP,
            side=Side.BUY,
            asked=D("5.5"),
            qty=D(5),
            kind=GTC,
            limit_price=D(49_995),
            reduce_only=False,
            expires_at=desk.at + 2 * SECOND,
            reference_price=D(50_000),
            post_only=True,
            leverage=D(3),
        )

    def test_when_it_ends_and_where_it_triggers_are_passed_on(self) -> None:
        desk = desk_with(position_of("5"))
        ends = desk.at + HOUR
        asked = order(desk, Side.BUY, "1", limit_price="50000", kind=OrderKind.LIMIT_GTD, good_until=ends)
        (found,) = of_kind(desk.hear(asked, by="strategy:baseline"), OrderApproved)
        assert found.good_until == ends
        stop = {"kind": OrderKind.STOP_LIMIT_GTC, "limit_price": "48000", "stop_price": D("48502"), "reduce_only": True}
        (found,) = of_kind(ask(desk, Side.SELL, "5", **stop), OrderApproved)
        assert (found.stop_price, found.limit_price, found.reduce_only) == (D(48_505), D(48_000), True)
        assert found.expires_at == desk.at + 10 * SECOND

    def test_the_times_that_approvals_last_are_settings(self) -> None:
        desk = desk_with(position_of("5"), approval_ttl_ms=7, exit_approval_ttl_ms=9)
        assert of_kind(ask(desk), OrderApproved)[0].expires_at == desk.at + 7_000_000
        said = ask(desk, Side.SELL, "5", reduce_only=True)
        assert of_kind(said, OrderApproved)[0].expires_at == desk.at + 9_000_000

    def test_without_a_mark_an_approval_counts_with_its_own_price_or_none(self) -> None:
        desk = desk_with(listed("NEW"), position_of("4", product="NEW"))
        new: dict[str, Any] = {"product": "NEW", "reduce_only": True}
        (found,) = of_kind(ask(desk, Side.SELL, "1", limit_price="70", kind=GTC, **new), OrderApproved)
        assert found.reference_price == D(70)
        (found,) = of_kind(ask(desk, Side.SELL, "1", kind=OrderKind.CLOSE_POSITION, **new), OrderApproved)
        assert (found.reference_price, found.limit_price) == (D(0), None)

    def test_what_of_ours_is_in_the_way_is_cancelled_for_the_proposal(self) -> None:
        desk = desk_with()
        resting = rests(desk, Side.SELL, "2", "50100")
        said = ask(desk, Side.BUY, limit_price="50100", kind=GTC, proposal="p-9")
        cancels = of_kind(said, CancelApproved)
        assert cancels == [CancelApproved(order=resting, reason="stands in the way of proposal p-9")]

    def test_what_holds_the_position_is_cancelled_for_an_exit_that_leaves_at_once(self) -> None:
        desk = desk_with(position_of("5"))
        resting = rests(desk, Side.SELL, "5", "60000", reduce_only=True)
        said = ask(desk, Side.SELL, "5", reduce_only=True, proposal="p-9")
        assert of_kind(said, CancelApproved) == [
            CancelApproved(order=resting, reason="holds what proposal p-9 is to close")
        ]
        assert of_kind(said, OrderRefused)[0].code == "nothing_to_reduce"
        again = ask(desk, Side.SELL, "5", reduce_only=True, kind=GTC, limit_price="60000", proposal="p-10")
        assert of_kind(again, CancelApproved) == []
        entry = ask(desk, Side.SELL, "5", proposal="p-11")
        assert of_kind(entry, CancelApproved) == []


class TestRefusals:
    def test_a_refusal_names_the_proposal_and_what_was_asked(self) -> None:
        desk = desk_with(KillSwitchThrown(reason="fire"))
        (found,) = of_kind(ask(desk, Side.SELL, "5.5", proposal="p-7"), OrderRefused)
        breach = Breach(code="kill_switch", limit="off", value="on", message="Kill switch enabled - all trading halted")
        assert found == OrderRefused(
            proposal="p-7",
            strategy="baseline",
            product=BIP,
            side=Side.SELL,
            asked=D("5.5"),
            code="kill_switch",
            message="Kill switch enabled - all trading halted",
            breaches=(breach,),
        )


def breaches(said: list[Event]) -> list[tuple[str, str, str, str]]:
    (found,) = of_kind(said, OrderRefused)
    return [(each.code, each.limit, each.value, each.message) for each in found.breaches]


class TestBreachesOfAnyOrder:
    def test_an_unknown_product(self) -> None:
        found = breaches(ask(desk_with(), product="?"))
        assert found == [("unknown_product", "listed", "unknown", "Product ? is not in the catalog")]

    def test_no_contract_size(self) -> None:
        desk = desk_with(listed(BIP, contract_size=None))
        expected = ("no_contract_size", "known", "unknown", "Contract size of BIP is unknown")
        assert breaches(ask(desk)) == [expected]

    @pytest.mark.parametrize(
        ("change", "what", "why"),
        [
            ({"contract_expiry": MONDAY}, {}, "the contract has expired"),
            ({"trading_disabled": True}, {}, "trading is disabled"),
            ({"cancel_only": True}, {}, "only cancels are taken"),
            ({"limit_only": True}, {"kind": OrderKind.MARKET_IOC}, "only limit orders are taken"),
            ({"limit_only": True}, {"kind": OrderKind.CLOSE_POSITION}, "only limit orders are taken"),
            ({"post_only": True}, {}, "only post-only orders are taken"),
        ],
    )
    def test_a_session_that_takes_no_such_order(self, change: dict[str, Any], what: dict[str, Any], why: str) -> None:
        desk = desk_with(msgspec.structs.replace(listed(BIP), **change))
        found = breaches(ask(desk, **what))
        assert found[0] == ("session_closed", "open", why, f"BIP takes no such order now: {why}")

    def test_a_contract_may_be_traded_until_it_expires_and_post_only_orders_pass_where_they_must(self) -> None:
        desk = desk_with(msgspec.structs.replace(listed(BIP), contract_expiry=MONDAY + 1, post_only=True))
        assert of_kind(ask(desk, limit_price="49000", kind=GTC, post_only=True), OrderApproved)

    def test_a_position_that_is_not_confirmed(self) -> None:
        desk = desk_with()
        desk.hear(with_limits(WIDE, session="s-2"), by="session")
        message = "Position in BIP is not confirmed by the exchange in this session"
        assert breaches(ask(desk)) == [("position_unknown", "confirmed", "unconfirmed", message)]

    def test_a_position_in_doubt(self) -> None:
        desk = desk_with(DiscrepancyFound(subject="position", product=BIP, ours=D(5), theirs=D(3)))
        message = "Position in BIP is in doubt: ours 5, the exchange's 3"
        assert breaches(ask(desk)) == [("position_in_doubt", "5", "3", message)]

    def test_too_little(self) -> None:
        desk = desk_with(msgspec.structs.replace(listed(BIP), min_size=D(2)))
        assert breaches(ask(desk, qty="1.9")) == [("min_size", "2", "1.9", "Quantity 1.9 below minimum size 2 for BIP")]
        assert of_kind(ask(desk, qty="2"), OrderApproved)

    def test_no_price_for_a_limit(self) -> None:
        found = breaches(ask(desk_with(), kind=GTC))
        assert found == [("price", "above zero", "None", "Limit price None for BIP")]

    def test_worth_too_little(self) -> None:
        desk = desk_with(msgspec.structs.replace(listed(BIP), min_notional=D(1_000)))
        at_market: dict[str, Any] = {"limit_price": "50000", "kind": GTC}
        assert breaches(ask(desk, qty="1", **at_market)) == [
            ("min_notional", "1000", "500.00", "Notional 500.00 below minimum 1000 for BIP")
        ]
        assert of_kind(ask(desk, qty="2", **at_market), OrderApproved)

    def test_too_old_a_decision(self) -> None:
        desk = desk_with()
        found = breaches(ask(desk, as_of=desk.at - 6 * SECOND))
        assert found == [("decision_age", "5", "6", "Decision for BIP is 6 s old, at most 5 s are allowed")]

    @pytest.mark.parametrize("price", [None, D(0), D("NaN")])
    def test_a_stop_without_its_price(self, price: Any) -> None:
        desk = desk_with(position_of("5"))
        stop: dict[str, Any] = {"kind": OrderKind.STOP_LIMIT_GTC, "limit_price": "48000", "reduce_only": True}
        found = breaches(ask(desk, Side.SELL, "5", stop_price=price, **stop))
        assert found == [("stop_price", "above zero", str(price), f"Stop price {price} for BIP")]

    def test_an_end_that_is_past_or_not_given(self) -> None:
        desk = desk_with()
        ending: dict[str, Any] = {"kind": OrderKind.LIMIT_GTD, "limit_price": "49000"}
        message = "Order for BIP ends at a time that is"
        assert breaches(ask(desk, **ending)) == [("good_until", "ahead", "None", f"{message} not given")]
        past = desk.at
        assert breaches(ask(desk, good_until=past, **ending)) == [("good_until", "ahead", str(past), f"{message} past")]

    def test_another_programs_order_in_the_way(self) -> None:
        theirs = order_reported(
            "",
            side=Side.SELL,
            kind=GTC,
            limit_price="50100",
            exchange_order="x-9",
            origin=Origin.FOREIGN,
        )
        desk = desk_with(theirs)
        found = breaches(ask(desk, limit_price="50100", kind=GTC))
        message = "Order would trade with the account's own resting order x-9 in BIP"
        assert found == [("self_trade", "none", "x-9", message)]
        assert of_kind(ask(desk, limit_price="50095", kind=GTC), OrderApproved)

    def test_nothing_to_reduce(self) -> None:
        desk = desk_with(position_of("5"))
        message = "Nothing left to reduce in BIP: position 5, less what reduces it already"
        assert breaches(ask(desk, Side.BUY, "2", reduce_only=True)) == [("nothing_to_reduce", "5", "2", message)]

    def test_no_price_to_set_a_limit_by(self) -> None:
        desk = desk_with(listed("NEW"), position_of("1", product="NEW"))
        message = "No price of NEW is known to set a limit by"
        found = breaches(ask(desk, Side.SELL, "1", product="NEW", reduce_only=True))
        assert found == [("no_price", "known", "unknown", message)]


AT_MARK: dict[str, Any] = {"product": ONE, "limit_price": "50000", "kind": GTC}


class TestBreachesOfAnIncrease:
    def test_reduce_only_mode(self) -> None:
        desk = desk_with(ReduceOnlyRequested(product=None, reason="lunch"))
        message = "Reduce-only mode active - cannot increase position for BIP"
        assert breaches(ask(desk)) == [("reduce_only", "off", "lunch", message)]

    def test_a_lost_day(self) -> None:
        desk = desk_with()
        desk.hear(ClockTicked(), by="clock")
        desk.hear(position_of("100"), by="orders")
        desk.hear(marked("49880"), by="marks")
        assert breaches(ask(desk, qty="1")) == [
            ("daily_loss", "100", "120.00", "Daily loss 120.00 has reached the limit of 100")
        ]

    def test_a_stale_mark(self) -> None:
        desk = desk_with(MarkWentStale(product=BIP, age_ms=1, reason="x"))
        message = "Mark price of BIP is stale or unknown"
        assert breaches(ask(desk)) == [("stale_mark", "fresh", "stale or unknown", message)]

    def test_deaf_ears(self) -> None:
        desk = desk_with(FeedLost(feed="user", connection=1, reason="closed"))
        message = "The exchange's word on our orders may be missed (user feed lost: closed)"
        assert breaches(ask(desk)) == [("user_feed", "whole", "lost: closed", message)]

    def test_an_order_without_an_outcome(self) -> None:
        desk = desk_with()
        lost = of_kind(ask(desk), OrderSubmitted)[0].order
        desk.hear(OrderOutcomeUnknown(order=lost, error="timeout"), by="gateway")
        message = f"Outcome of order {lost} is unknown - no entries in BIP"
        assert breaches(ask(desk)) == [("unknown_order", "none", lost, message)]

    def test_an_equity_that_is_unknown(self) -> None:
        desk = desk_with(listed("NEW"), position_of("1", product="NEW"))
        why = "NEW: mark is unknown"
        assert breaches(ask(desk)) == [("equity_unknown", "known", why, f"Equity is unknown ({why})")]

    @pytest.mark.parametrize(
        ("limits", "qty", "expected"),
        [
            (
                {"leverage_max_per_symbol": {ONE: D("2.5")}},
                "6",
                (
                    "leverage_symbol",
                    "2.5",
                    "3.0x",
                    "Leverage 3.0x exceeds ONE cap of 2.5x (notional: 300000, equity: 100000)",
                ),
            ),
            (
                {"leverage_max_global": D(2)},
                "5",
                ("leverage_global", "2", "2.5x", "Leverage 2.5x exceeds global cap of 2x"),
            ),
            (
                {"max_notional_per_symbol": {ONE: D(40_000)}},
                "1",
                ("max_notional", "40000", "50000", "Symbol notional 50000 exceeds cap 40000 for ONE"),
            ),
            (
                {"max_position_pct_per_symbol": D("0.4")},
                "1",
                ("exposure_symbol", "40.0%", "50.0%", "Symbol exposure 50.0% exceeds cap of 40.0% for ONE"),
            ),
            (
                {"max_exposure_pct": D("0.4")},
                "1",
                (
                    "exposure_total",
                    "40.0%",
                    "50.0%",
                    "Total exposure 50.0% would exceed cap of 40.0% (new notional: 50000)",
                ),
            ),
            (
                {"min_liquidation_buffer_pct": D("0.5"), "enable_pre_trade_liq_projection": False},
                "6",
                (
                    "margin_buffer",
                    "50.0%",
                    "39.8%",
                    "Insufficient liquidation buffer: 39.8% < 50.0% required (margin needed: 60240.00, equity: 100000)",
                ),
            ),
            (
                {"min_liquidation_buffer_pct": D("0.15"), "leverage_max_global": D(20)},
                "15",
                (
                    "liquidation_projection",
                    "15.00%",
                    "12.75%",
                    "Projected liquidation buffer 12.75% < 15.00% for ONE",
                ),
            ),
            (
                {"max_order_qty": D("0.5")},
                "1",
                ("max_order_qty", "0.5", "1", "Quantity 1 exceeds maximum of 0.5 for ONE"),
            ),
            (
                {"max_order_notional": D(40_000)},
                "1",
                ("max_order_notional", "40000", "50000", "Order notional 50000 exceeds maximum of 40000 for ONE"),
            ),
        ],
    )
    def test_each_limit_on_size(self, limits: dict[str, Any], qty: str, expected: tuple[str, ...]) -> None:
        assert expected in breaches(ask(desk_with(**limits), qty=qty, **AT_MARK))

    def test_the_orders_own_leverage(self) -> None:
        expected = (
            "leverage_order",
            "1",
            "1.5x",
            "Leverage 1.5x exceeds ONE cap of 1x (notional: 150000, equity: 100000)",
        )
        assert breaches(ask(desk_with(), qty="3", leverage="1", **AT_MARK)) == [expected]

    def test_the_margin_of_the_exchange(self) -> None:
        rates = {"long": D("0.5"), "short": D("0.5")}
        one = msgspec.convert(
            msgspec.to_builtins(listed(ONE, contract_size="1")) | {"overnight_margin": rates},
            type=type(listed()),
            strict=False,
        )
        found = breaches(ask(desk_with(one), qty="5", **AT_MARK))
        message = "Leverage 2.5x exceeds ONE cap of 2x (notional: 250000, equity: 100000)"
        assert found[0] == ("leverage_margin", "2", "2.5x", message)

    def test_without_equity(self) -> None:
        found = breaches(ask(desk_with(equity="0"), qty="1", **AT_MARK))
        assert ("exposure_symbol", "1000.0%", "∞%", "Symbol exposure ∞% exceeds cap of 1000.0% for ONE") in found
        assert ("leverage_global", "5", "∞x", "Leverage ∞x exceeds global cap of 5x") in found

    def test_slippage_for_a_buy_and_for_a_sell(self) -> None:
        for side, price in ((Side.BUY, "50255"), (Side.SELL, "49745")):
            message = f"Expected slippage 51 bps exceeds guard of 50 bps for BIP (price: {price}, mark: 50000)"
            found = breaches(ask(desk_with(), side, limit_price=price, kind=GTC))
            assert found == [("slippage", "50", "51.00", message)]
            inside = "50250" if side is Side.BUY else "49750"
            assert of_kind(ask(desk_with(), side, limit_price=inside, kind=GTC), OrderApproved)

    def test_the_distance_of_a_price(self) -> None:
        desk = desk_with(max_price_distance_bps=D(100))
        message = "Price 49495 is 101 bps from the mark 50000, at most 100 are allowed for BIP"
        assert breaches(ask(desk, limit_price="49495", kind=GTC)) == [("max_price_distance", "100", "101.00", message)]

    def test_more_than_the_exchange_takes(self) -> None:
        desk = desk_with(msgspec.structs.replace(listed(BIP), max_size=D(4)))
        message = "Quantity 5 exceeds maximum size 4 of BIP"
        assert breaches(ask(desk)) == [("max_size", "4", "5", message)]
        assert of_kind(ask(desk, qty="4"), OrderApproved)

    def test_too_many_in_a_minute(self) -> None:
        desk = desk_with(max_orders_per_minute=1)
        ask(desk, qty="1")
        message = "1 orders in the last minute, at most 1 are allowed"
        assert breaches(ask(desk, qty="1")) == [("max_orders_per_minute", "1", "1", message)]
        desk.hear(position_of("1", product=ONE, contract_size="1"), by="orders")
        ask(desk, Side.SELL, "1", product=ONE, reduce_only=True)
        desk.hear(ClockTicked(), by="clock", after=MINUTE - 1)
        assert len(breaches(ask(desk, qty="1"))) == 1
        desk.hear(ClockTicked(), by="clock", after=1)
        assert of_kind(ask(desk, qty="1"), OrderApproved)

    def test_of_a_product_that_only_approvals_know_the_order_counts_too(self) -> None:
        desk = desk_with(max_position_pct_per_symbol=D("0.02"))
        both = [order(desk, qty="3", limit_price="50000", kind=GTC, proposal=name) for name in ("p-1", "p-2")]
        said = desk.hear(*both, by="strategy:baseline")
        message = "Symbol exposure 3.0% exceeds cap of 2.0% for BIP"
        assert breaches(said) == [("exposure_symbol", "2.0%", "3.0%", message)]

    def test_an_order_that_was_cancelled_counts_no_more(self) -> None:
        desk = desk_with(max_position_pct_per_symbol=D("0.02"))
        resting = rests(desk, Side.BUY, "3", "50000")
        desk.hear(order_reported(resting, OrderStatus.CANCELLED, qty="3", kind=GTC), by="user")
        assert of_kind(ask(desk, qty="4", limit_price="50000", kind=GTC), OrderApproved)
