"""Rules A1 to A6 of the trading rules, each by its name and, where the page of rules has one, by its worked number."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from actors.admission import admitted
from actors.behaviours.funding import FundingBehaviour
from actors.behaviours.marks import MarksBehaviour
from actors.strict import ConfigurationError
from events.account import BalanceReported, TransferReported
from events.catalog import MarginRates
from events.configuration import Configuration, ProductSetting, RiskLimits
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.market import MarkReported, MarkUpdated, MarkWentStale
from events.orders import (
    CancelAllOrdered,
    OrderApproved,
    OrderRefused,
)
from events.record import Record
from events.risk import (
    DailyLossBreached,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyReleased,
)
from events.session import ClockSkewMeasured, ClockTicked
from events.terms import FundingStatus, MarkSource, Side
from projections.margin import ExchangeMargin
from projections.notional import base_qty, notional
from tests.actors.test_cash_behaviour import FOUR, Counter, held_over
from tests.rules.gate import WIDE, asked, at_gate, codes
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, bought, listed, quoted, rate, started, traded
from tests.streams.orders import marked, position_of

TICK = ClockTicked()


class TestA01ContractsOrCoins:
    def test_a01_contracts_or_coins_two_contracts_of_a_hundredth_at_50000_are_worth_1000(self) -> None:
        assert notional(D(2), contract_size=D("0.01"), price=D(50_000)) == 1_000
        assert base_qty(D(2), contract_size=D("0.01")) == D("0.02")

    def test_a01_a_product_without_a_contract_size_is_refused(self) -> None:
        desk = at_gate()
        desk.hear(listed(BIP, contract_size=None), by="account")
        assert isinstance(asked(desk, Side.BUY, "1"), OrderRefused)

    def test_a01_an_inverse_contract_is_refused_with_the_reason_and_never_computed_as_linear(self) -> None:
        desk = at_gate()
        inverse = msgspec.structs.replace(listed(BIP), quote_currency="BTC", underlying="BTC")
        desk.hear(inverse, by="account")
        said = asked(desk, Side.BUY, "1")
        assert isinstance(said, OrderRefused)
        assert (said.code, said.message) == (
            "inverse_contract",
            "BIP is an inverse contract, quoted in its underlying BTC: only linear ones trade",
        )

    def test_a01_what_a_cap_rounds_below_one_contract_is_refused_and_never_rounded_up(self) -> None:
        assert isinstance(asked(at_gate(), Side.BUY, "0.9"), OrderRefused)


class TestA02Margin:
    def test_a02_an_increase_must_fit_the_stricter_of_both_windows(self) -> None:
        """A long may be worth 1 / 0.245625 = 4.0712 times equity: 81 contracts of 500 on 10,000, not 82."""
        rates = msgspec.structs.replace(
            listed(BIP),
            intraday_margin=MarginRates(long=D("0.1000185"), short=D("0.1000008")),
            overnight_margin=MarginRates(long=D("0.245625"), short=D("0.306375")),
        )
        loose = msgspec.structs.replace(
            WIDE,
            leverage_max_global=D(20),
            max_position_pct_per_symbol=D(20),
            max_exposure_pct=D(20),
            min_liquidation_buffer_pct=D(0),
        )
        for qty, passes in (("81", True), ("82", False)):
            desk = at_gate(loose, equity="10000")
            desk.hear(rates, by="account")
            answer = asked(desk, Side.BUY, qty, limit_price="50000")
            assert isinstance(answer, OrderApproved) is passes
        assert "leverage_margin" in codes(answer)

    def test_a02_near_liquidation_only_what_reduces_passes(self) -> None:
        """Equity 10,000, long 40,000 at a maintenance rate of 0.16375819: a buffer of 0.08624181, below 0.15."""
        desk = at_gate(RiskLimits(default_maintenance_margin_rate=D("0.16375819")), equity="10000")
        (breach,) = of_kind(desk.hear(position_of("80"), by="orders"), LiquidationBufferBreached)
        assert breach.buffer == D("0.08624181")
        assert isinstance(asked(desk, Side.BUY, "1"), OrderRefused)
        assert isinstance(asked(desk, Side.SELL, "80", proposal="p-2"), OrderApproved)

    def test_a02_the_exchanges_own_percentage_stands_beside_ours_under_its_own_name(self) -> None:
        """(available 7,500 - threshold 300) / (initial 1,000 - threshold 300) = 10.28571429."""
        margin = ExchangeMargin()
        balance = BalanceReported(
            spot_usd=D(0),
            futures_usd=D(7_500),
            unrealized=D(0),
            exchange_at=MONDAY,
            initial_margin=D(1_000),
            available_margin=D(7_500),
            liquidation_threshold=D(300),
            liquidation_buffer_percentage=D(2_400),
        )
        margin.fold(Record(seq=1, at=MONDAY, by="account", event=balance))
        assert margin.available_above_threshold == Decimal("10.28571429")
        assert margin.liquidation_buffer_percentage == D(2_400)


class TestA03Funding:
    def opened(self) -> Desk:
        desk = Desk(FundingBehaviour(), at=MONDAY)
        desk.hear(started(start_equity="100000"), listed(BIP), marked("58315"))
        desk.hear(bought("8", "58315", at=MONDAY + MINUTE), by="orders", after=MINUTE)
        return desk

    def test_a03_long_8_at_58315_and_a_rate_of_13_millionths_pays_6_cents(self) -> None:
        desk = self.opened()
        desk.hear(rate(MONDAY + HOUR, "0.000013"), by="account", after=HOUR)
        (entry,) = of_kind(desk.hear(TICK, by="clock", after=3 * SECOND), FundingAccrued)
        assert (entry.amount, entry.status) == (D("-0.0606476"), FundingStatus.FINAL)

    def test_a03_an_hour_whose_rate_was_not_seen_is_estimated_and_trued_up(self) -> None:
        desk = self.opened()
        desk.hear(rate(MONDAY, "0.0001"), by="account")
        said = desk.hear(TICK, by="clock", after=HOUR) + desk.hear(TICK, by="clock", after=11 * MINUTE)
        (entry,) = of_kind(said, FundingAccrued)
        assert entry.status is FundingStatus.ESTIMATED
        late = of_kind(desk.hear(rate(MONDAY + HOUR, "0.0002"), by="account"), FundingCorrected)
        assert [(each.before, each.after) for each in late] == [(entry.amount, 2 * entry.amount)]

    def test_a03_an_hour_in_which_the_market_was_shut_has_no_rate_and_pays_nothing(self) -> None:
        desk = self.opened()
        desk.hear(rate(MONDAY, "0.0001"), listed(BIP, session_open=False), by="account")
        (entry,) = of_kind(desk.hear(TICK, by="clock", after=HOUR), FundingAccrued)
        assert (entry.status, entry.rate, entry.amount) == (FundingStatus.NO_RATE, None, D(0))

    def test_a03_the_cash_of_a_settlement_is_inferred_from_the_balance_and_recorded_as_inference(self) -> None:
        counter = Counter()
        accrued = held_over(counter)
        counter.till.settle()
        (paid,) = of_kind(counter.looks(3), FundingPaid)
        assert (paid.amount, paid.inferred, paid.through) == (accrued, True, FOUR)
        assert counter.portfolio().ledger.receivable() == 0


class TestA04DailyLoss:
    def test_a04_a_deposit_is_no_gain_and_at_the_limit_everything_that_increases_ends(self) -> None:
        """Start 100,000, a deposit of 5,000, equity 104,880: the loss is 120, above the default of 100."""
        desk = at_gate(RiskLimits())
        desk.hear(TICK, by="clock")
        desk.hear(TransferReported(transfer="t-1", amount=D(5_000), reason="wire", exchange_at=desk.at), by="account")
        desk.hear(position_of("24"), by="orders")
        said = desk.hear(marked("49500"), TICK, by="clock", after=SECOND)
        (breach,) = of_kind(said, DailyLossBreached)
        assert (breach.loss, breach.limit, breach.equity) == (D(120), D(100), D(104_880))
        assert len(of_kind(said, ReduceOnlyEntered)) == len(of_kind(said, CancelAllOrdered)) == 1
        assert of_kind(desk.hear(TICK, by="clock", after=SECOND), DailyLossBreached) == []
        assert "reduce_only" in codes(asked(desk, Side.BUY, "1"))
        desk.hear(ReduceOnlyReleased(product=None, reason="I saw it"), by="operator")
        assert isinstance(asked(desk, Side.BUY, "1", proposal="p-2"), OrderApproved)

    @pytest.mark.parametrize(
        ("limits", "limit"),
        [
            (RiskLimits(), 100),
            (RiskLimits(max_daily_loss_pct=D("0.02")), 2_000),
            (RiskLimits(max_daily_loss_pct=D("0.02"), daily_loss_limit=D(500)), 500),
        ],
    )
    def test_a04_a_percentage_switches_the_default_off_and_of_both_the_tighter_wins(
        self, limits: RiskLimits, limit: int
    ) -> None:
        desk = at_gate(limits)
        assert desk.seats["risk"].behaviour.state.account.limits.daily_loss_limit(D(100_000)) == limit


class TestA05LimitsByAlias:
    def admit(self, **limits: str) -> Configuration:
        products = {"BTC-PERP": ProductSetting(exchange_id="BIP-20DEC30-CDE")}
        risk = RiskLimits(max_notional_per_symbol={name: D(text) for name, text in limits.items()})
        return admitted(Configuration(products=products, risk=risk), ".".join)

    @pytest.mark.parametrize("name", ["BTC-PERP", "BIP-20DEC30-CDE"])
    def test_a05_a_limit_under_either_name_is_one_limit_of_the_product(self, name: str) -> None:
        assert self.admit(**{name: "20000"}).risk.max_notional_per_symbol == {"BTC-PERP": D(20_000)}

    @pytest.mark.parametrize("names", [("BTC-PERP", "BIP-20DEC30-CDE"), ("BTC-PERPS",)])
    def test_a05_a_limit_for_none_or_two_for_one_stop_the_start(self, names: tuple[str, ...]) -> None:
        with pytest.raises(ConfigurationError):
            self.admit(**dict.fromkeys(names, "20000"))


class TestA06Freshness:
    @pytest.mark.parametrize(("trade", "price"), [("58315", "58315"), ("58400", "58320")])
    def test_a06_the_mark_is_the_median_of_bid_ask_and_last_trade(self, trade: str, price: str) -> None:
        desk = Desk(MarksBehaviour())
        desk.hear(started(), listed())
        desk.hear(quoted("58310", "58320", at=desk.at), by="market")
        said = of_kind(desk.hear(traded(trade, at=desk.at)), MarkUpdated)
        assert [(mark.price, mark.source) for mark in said] == [(D(price), MarkSource.BOOK_AND_TRADE)]

    @pytest.mark.parametrize(("skew_ms", "is_stale"), [(0, True), (-1_500, False)])
    def test_a06_age_is_corrected_by_a_skew_that_is_a_fact(self, skew_ms: int, is_stale: bool) -> None:
        desk = Desk(MarksBehaviour())
        desk.hear(started(), listed())
        desk.hear(ClockSkewMeasured(skew_ns=skew_ms * 1_000_000), by="account")
        sent_at = desk.at - 2_500_000_000  # by our clock more than max_feed_lag_ms ago
        said = desk.hear(quoted("58310", "58320", at=sent_at)) + desk.hear(TICK, by="clock")
        assert (of_kind(said, MarkUpdated) == []) is is_stale

    def test_a06_the_index_bounds_the_mark(self) -> None:
        desk = Desk(MarksBehaviour())
        desk.hear(started(), listed())
        desk.hear(quoted("58310", "58320", at=desk.at), traded("58315", at=desk.at))
        far = MarkReported(product=BIP, mark=None, index=D(60_000), exchange_at=desk.at)
        assert len(of_kind(desk.hear(far, by="account"), MarkWentStale)) == 1
