"""What the seed leaves open, decided: rules B9 to B15 of the trading rules, each by its name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.brokerage import APIConfig, RiskConfig, enforce_perp_rules
from actors.connection.client.coinbase import CoinbaseClient, keeps_alive
from actors.connection.errors import AuthenticationError, InvalidRequestError, RateLimitError
from actors.connection.searches import Search, Searches
from actors.connection.sender import Sender
from events.configuration import FeeSetting, OrderSetting, RiskLimits
from events.orders import (
    OrderApproved,
    OrderClosed,
    OrderFilled,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderRejected,
    OrderSubmitted,
)
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Side
from replay.exchange.rules import VenueRules
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.replay.exchange.market import HOUR, Trader, rate, snapshot, trade
from tests.rules.gate import asked, at_gate
from tests.rules.test_older_faults_wire import client
from tests.streams.desk import MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, listed, started
from tests.streams.orders import approved, order_reported

Answer = tuple[int, Mapping[str, str], str]

ROOT = Path(__file__).parents[2]
INTENT = OrderSubmitted(
    order="o-1",
    proposal="p-1",
    strategy="s",
    product=BIP,
    side=Side.BUY,
    qty=D(3),
    kind=OrderKind.LIMIT_IOC,
    limit_price=D(50_000),
    reduce_only=False,
    expires_at=MONDAY,
    reference_price=D(50_000),
    leverage=D("2.50"),
)


class TestB09UnknownOrders:
    def test_b09_only_two_complete_listings_with_the_position_still_say_that_an_order_is_not_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [0.0]
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        made, wire = client({"orders": [], "positions": []})
        looking = Searches(made, {BIP: BIP})
        looking.add(Search(order="o-1", product=BIP, since=MONDAY, closed_at=5.0))
        found = []
        for second in range(60):
            now[0] = float(second)
            found += [(second, event) for event in looking.look(MONDAY)] if len(looking) else []
        evidence = OrderNotFound(order="o-1", listings=2, listed_at=(MONDAY, MONDAY))  # session time stood still here
        assert found == [(40, evidence)]  # 30 s after the end of the send, and 5 s more
        assert "start_date=2026-11-01T23" in wire.calls[0][1]  # 60 s before the intent

    def test_b09_its_exposure_counts_a_minute_more_and_a_late_appearance_is_counted(self) -> None:
        desk = Desk(OrdersBehaviour(), at=MONDAY)
        desk.hear(started(start_equity="100000"), listed(BIP))
        (order,) = of_kind(desk.hear(approved(), by="risk"), OrderSubmitted)
        desk.hear(OrderOutcomeUnknown(order=order.order, error="timed out"), by="gateway")
        desk.hear(OrderNotFound(order=order.order, listings=2), by="gateway", after=40 * SECOND)
        closed = [of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), OrderClosed) for _ in range(60)]
        assert [len(each) for each in closed] == [0] * 59 + [1]
        late = order_reported(order.order, OrderStatus.FILLED, "5", at=desk.at)
        assert [fill.qty for fill in of_kind(desk.hear(late, by="user"), OrderFilled)] == [D(5)]


class TestB10LocalExchange:
    def test_b10_funding_and_variation_margin_become_cash_at_a_settlement_only(self) -> None:
        one = Trader(rules=VenueRules(fees=FeeSetting(maker_rate=D(0), taker_rate=D(0))))
        one.hear(snapshot(0), trade(1, 60_010))
        cash = one.venue.books.cash
        one.buy(10)
        one.hear(rate(HOUR, HOUR, "0.0001"), trade(HOUR + 1, 60_110))
        assert one.venue.books.cash == cash
        one.hear(trade(2 * HOUR + 1, 60_110))  # 16:00 has passed
        assert one.venue.books.cash != cash

    def test_b10_an_account_without_margin_is_liquidated_by_an_order_of_the_exchange(self) -> None:
        rules = VenueRules(start_cash=D(1_360), fees=FeeSetting(maker_rate=D(0), taker_rate=D("0.001")))
        one = Trader(rules=rules).hear(snapshot(0), trade(1, 60_010))
        one.buy(9)
        one.hear(snapshot(2, bids=((53_000, 100),), asks=((53_005, 100),)), trade(3, 53_000))
        order = one.venue.ledger.orders[-1]
        assert order.is_liquidation
        assert order.fees > 0
        assert one.venue.holding.qty == 0


class TestB11Rounding:
    def test_b11_enforce_perp_rules_floors_both_as_the_seeds_tests_say(self) -> None:
        rules = listed(BIP)
        assert enforce_perp_rules(rules, D("3.7"), D(58_318)) == (D(3), D(58_315))
        for qty in ("0", "-1"):
            with pytest.raises(InvalidRequestError, match="must be above zero"):
                enforce_perp_rules(rules, D(qty), D(58_318))

    @pytest.mark.parametrize(("side", "limit"), [(Side.BUY, D(49_995)), (Side.SELL, D(50_000))])
    def test_b11_the_gate_rounds_by_side_and_checks_what_it_rounded(self, side: Side, limit: Decimal) -> None:
        answer = asked(at_gate(), side, "3.7", limit_price="49998", kind=OrderKind.LIMIT_GTC)
        assert isinstance(answer, OrderApproved)
        assert (answer.qty, answer.limit_price) == (D(3), limit)


class TestB12Keys:
    def test_b12_how_requests_are_signed_follows_from_the_secret(self) -> None:
        assert APIConfig(api_key=NAME, api_secret=pem(EC_KEY)).auth_type == "JWT"
        older = APIConfig(api_key="k", api_secret="c2VjcmV0")
        assert older.auth_type == "HMAC"
        with pytest.raises(AuthenticationError, match="HMAC"):
            older.check()

    def test_b12_derivatives_are_off_until_they_are_asked_for(self) -> None:
        assert APIConfig().enable_derivatives is False

    def test_b12_a_float_is_taken_as_the_digits_it_was_written_with(self) -> None:
        assert str(RiskConfig(max_exposure_pct=0.1).max_exposure_pct) == "0.1"  # type: ignore[arg-type]  # the rule


class TestB13Switches:
    def test_b13_without_throttling_the_limit_raises(self) -> None:
        made = CoinbaseClient("https://x.test", rate_limit_per_minute=2, enable_throttle=False)
        made.set_transport_for_testing(lambda *_: (200, {}, json.dumps({"products": []})))
        made.get_products()
        made.get_products()
        assert made.requests_in_window == 2
        with pytest.raises(RateLimitError):
            made.get_products()

    def test_b13_waits_between_tries_go_through_time_sleep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        monkeypatch.setattr("time.sleep", slept.append)
        answers: Iterator[Answer] = iter([(503, {}, ""), (503, {}, ""), (200, {}, json.dumps({"products": []}))])
        made = CoinbaseClient("https://x.test", retry_delay=1.0, jitter_factor=0.1)
        made.set_transport_for_testing(lambda *_: next(answers))
        made.get_products()
        assert [round(each, 4) for each in slept] == [1.01, 2.04]

    def test_b13_an_argument_beats_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COINBASE_ENABLE_KEEP_ALIVE", "0")
        assert (keeps_alive(True), keeps_alive(None)) == (True, False)


class TestB14Leverage:
    def test_b14_leverage_of_an_order_is_a_cap_that_risk_checks(self) -> None:
        """Equity 10,000 and leverage 0.15: 1,500 are three contracts at 500 each, and no fourth."""
        desk = at_gate(equity="10000")
        assert isinstance(asked(desk, Side.BUY, "3", leverage="0.15", limit_price="50000"), OrderApproved)
        answer = asked(at_gate(equity="10000"), Side.BUY, "4", leverage="0.15", limit_price="50000")
        assert isinstance(answer, OrderRefused)
        assert answer.code == "leverage_order"

    @pytest.mark.parametrize(("is_intx", "sent"), [(False, None), (True, "2.5")])
    def test_b14_it_is_sent_as_text_where_the_venue_takes_it_and_never_on_cde(
        self, is_intx: bool, sent: str | None
    ) -> None:
        made, calls = client({"success": True, "success_response": {"order_id": "x-1"}})
        Sender({BIP: BIP}, lambda _: is_intx).send(made, INTENT, MONDAY, lambda: None)
        body: Any = calls.calls[0][2]
        assert body.get("leverage") == sent

    def test_b14_a_preview_is_an_option_and_what_it_objects_to_is_not_sent(self) -> None:
        made, calls = client({"errs": ["PREVIEW_INSUFFICIENT_FUND"], "order_total": "0"})
        sender = Sender({BIP: BIP}, lambda _: False)
        assert sender.setting.preview_before_place is False
        sender.setting = OrderSetting(preview_before_place=True)
        said = sender.send(made, INTENT, MONDAY, lambda: None)
        assert isinstance(said, OrderRejected)
        assert [path.removeprefix("/api/v3/brokerage") for _, path, _ in calls.calls] == ["/orders/preview"]


def test_b15_the_page_of_rules_has_a_paragraph_for_each_and_the_named_tests_exist() -> None:
    page = (ROOT / "docs" / "PERPS_TRADING_LOGIC_REPORT.md").read_text(encoding="utf-8")
    for rule in [*(f"A{n}" for n in range(1, 25)), *(f"B{n}" for n in range(1, 16))]:
        paragraph = page.partition(f"\n### {rule}. ")[2].partition("\n### ")[0].partition("\n## ")[0]
        assert len(paragraph) > 200, rule
        for part in ("**Formula.**", "**Source.**", "**Worked.**"):
            assert part in paragraph, (rule, part)
    performance = (ROOT / "tests/actors/connection/test_performance.py").read_text(encoding="utf-8")
    assert all(word in performance for word in ("kept_alive", "limit", "jitter"))


def test_b11_limits_are_checked_again_after_rounding() -> None:
    limits = RiskLimits(max_notional_per_symbol={BIP: D(1_500)})
    assert isinstance(asked(at_gate(limits), Side.BUY, "3.9", limit_price="50000"), OrderApproved)
    assert isinstance(asked(at_gate(limits), Side.BUY, "4", limit_price="50000"), OrderRefused)
