"""Rules A14 to A16, A19, A21, A22 and A24 of the trading rules: the account, its days, its strategies, paper."""

from __future__ import annotations

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.account import ExternalFlow, FlowNamed, SweepReported, TieOutMeasured
from events.configuration import RiskLimits
from events.market import BookSnapshotted
from events.orders import CancelAllOrdered, InternalCrossed, OrderApproved, OrderRefused, OrderSubmitted
from events.risk import DailyLossBreached, DayOpened, HaltNeared, HaltPassed, ReduceOnlyEntered, VolatilityLevelChanged
from events.session import ClockTicked
from events.terms import OrderKind, Side, Turbulence
from projections.attribution import NETTING, attribution
from projections.earnings import Earnings
from projections.matching import Matching
from projections.resting import Resting
from projections.virtual import split
from tests.actors.test_cash_behaviour import Counter
from tests.actors.test_netting import SELL_FOUR, fill_all, held, shared
from tests.actors.test_risk_halts import HALT, ask, minutes, opened
from tests.actors.test_strategy_behaviour import BUY, Scripted, sample
from tests.rules.gate import asked, at_gate, codes
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, bought, filled, traded
from tests.streams.orders import marked, position_of, ready

TICK = ClockTicked()


class TestA14TieOut:
    def test_a14_equity_ties_out_at_the_exchanges_prices_and_variation_margin_is_no_profit(self) -> None:
        counter = Counter()
        counter.trade(bought("8", "50000", at=counter.desk.at))
        counter.price("50400")
        counter.looks(3)
        counter.till.settle()  # 32 of open gain become cash
        assert counter.looks(3) == []
        tie = counter.portfolio().tie_out()
        assert (tie.difference, tie.is_quiet, counter.portfolio().equity()) == (D(0), True, D(10_032))

    def test_a14_a_sweep_nets_to_zero_and_other_money_is_a_flow_that_an_operator_names(self) -> None:
        counter = Counter(spot="1000")
        counter.till.spot -= 700
        counter.till.futures += 700
        assert counter.looks(3) == []
        counter.till.spot += 5_000
        (flow,) = of_kind(counter.looks(3), ExternalFlow)
        assert (flow.amount, flow.name, counter.portfolio().transfers) == (D(5_000), None, D(5_000))
        counter.hear(FlowNamed(amount=D(5_000), name="a wire"), by="operator")
        assert counter.portfolio().flows.unnamed() == []

    def test_a14_what_nothing_explains_is_an_event_and_a_number(self) -> None:
        counter = Counter()
        counter.till.futures -= 900
        (missing,) = of_kind(counter.looks(4), TieOutMeasured)
        assert (missing.difference, missing.ours, missing.theirs) == (D(900), D(10_000), D(9_100))


class TestA15EquityForRisk:
    def test_a15_no_more_counts_than_the_capital_that_may_be_used(self) -> None:
        """10,000 of 100,000 and a fifth of it in one product: 2,000, which is 3 contracts at 58,315."""
        limits = RiskLimits(capital_cap_usd=D(10_000))
        for qty, passes in (("3", True), ("4", False)):
            desk = at_gate(limits)
            desk.hear(marked("58315"), by="marks")
            answer = asked(desk, Side.BUY, qty, limit_price="58315")
            assert isinstance(answer, OrderApproved) is passes

    def test_a15_what_is_to_leave_backs_nothing_and_a_sweep_under_way_is_no_loss(self) -> None:
        counter = Counter(spot="2000")
        counter.looks(3)
        counter.hear(FlowNamed(amount=D(-700), name="rent"), by="operator")
        portfolio = counter.portfolio()
        assert (portfolio.equity(), portfolio.flows.pending_outflow()) == (D(12_000), D(700))
        sweep = SweepReported(sweep="s-1", amount=D(900), status="pending", exchange_at=counter.desk.at)
        counter.hear(sweep, by="account")
        counter.till.futures -= 900
        assert of_kind(counter.looks(3), TieOutMeasured) == []
        assert counter.portfolio().equity() == D(12_000)


class TestA16Sessions:
    def test_a16_five_minutes_before_the_friday_halt_entries_end_and_exits_stay(self) -> None:
        desk = opened(HALT - 6 * MINUTE)
        desk.hear(position_of("5"), by="orders")
        resting = of_kind(ask(desk, kind=OrderKind.LIMIT_GTC, limit_price="49000"), OrderSubmitted)
        assert len(resting) == 1
        said = minutes(desk, 1)
        assert {near.starts_at for near in of_kind(said, HaltNeared)} == {HALT}
        assert BIP in {cancel.product for cancel in of_kind(said, CancelAllOrdered)}
        assert of_kind(ask(desk), OrderApproved) == []
        assert len(of_kind(ask(desk, Side.SELL, "5", reduce_only=True), OrderApproved)) == 1

    def test_a16_after_the_open_entries_wait_for_two_samples_of_a_whole_book(self) -> None:
        desk = opened(HALT - MINUTE)
        minutes(desk, 62)
        assert of_kind(ask(desk), OrderApproved) == []
        assert HaltPassed(product=BIP, samples=2) in minutes(desk, 1)
        assert len(of_kind(ask(desk), OrderApproved)) == 1


class TestA19SeveralStrategies:
    def test_a19_each_has_a_virtual_position_and_what_crosses_is_netted_and_not_sent(self) -> None:
        """One buys 9 and another sells 4 at a mark of 50,000: 4 cross for 2,000, a buy of 5 is sent."""
        desk = shared(Scripted(BUY), Scripted(SELL_FOUR))
        said = sample(desk)
        (cross,) = of_kind(said, InternalCrossed)
        assert (cross.qty, cross.value) == (D(4), D(2_000))
        assert [order.qty for order in of_kind(said, OrderSubmitted)] == [D(5)]
        fill_all(desk, said)
        assert held(desk) == {"a": D(9), "b": D(-4)}
        netting = desk.seats["netting"].behaviour.state
        rows = attribution(netting.virtuals, BIP, netting.account.portfolio)
        assert sum((row.qty for row in rows), D(0)) == D(5)
        assert sum((row.net for row in rows if row.net is not None), D(0)) == 0
        assert all(row.net == 0 for row in rows if row.strategy == NETTING)

    def test_a19_funding_is_shared_by_what_each_holds_whatever_its_sign(self) -> None:
        """Virtual 6 and -2 share a funding of -4.00 as -3.00 and -1.00."""
        assert split(D("-4.00"), {"a": D(6), "b": D(-2)}) == {"a": D(-3), "b": D(-1)}

    def test_a19_risk_judges_the_net_of_all(self) -> None:
        desk = shared(Scripted(BUY), Scripted(BUY), limits=RiskLimits(max_notional_per_symbol={BIP: D(5_100)}))
        said = sample(desk)
        assert [order.strategy for order in of_kind(said, OrderSubmitted)] == ["a"]
        assert [refused.strategy for refused in of_kind(said, OrderRefused)] == ["b"]


class TestA21PaperFills:
    def test_a21_a_resting_order_fills_behind_what_is_shown_ahead_of_it_or_when_trades_print_through(self) -> None:
        """10 ahead of our bid at 100: 4 sold at 100 reach us with 0, the next 9 with 3, 1 sold at 99 with 1."""
        bid = Resting(order="ours", side=Side.BUY, price=D(100), leaves=D(5), since=0, ahead=D(10))
        prints = [("100", "4"), ("100", "9"), ("99", "1")]
        reached = []
        for at, (price, size) in enumerate(prints, 1):
            trade = traded(price, at=at)
            fields = {name: getattr(trade, name) for name in trade.__struct_fields__}
            reached.append(bid.reach_of(type(trade)(**fields | {"size": D(size), "aggressor": Side.SELL})))
        assert reached == [D(0), D(3), D(1)]

    def test_a21_a_taker_consumes_shown_depth_once(self) -> None:
        matching = Matching(product=BIP)
        book = BookSnapshotted(
            product=BIP, bids=((D(100), D(3)),), asks=((D(101), D(2)), (D(102), D(5))), exchange_at=1
        )
        matching.market(book)
        taken = []
        for number in range(2):
            placed = matching.place(
                f"o-{number}",
                side=Side.BUY,
                qty=D(2),
                kind=OrderKind.LIMIT_IOC,
                limit_price=D(101),
                at=10 + number,
                post_only=False,
                expires_at=None,
            )
            taken.append(sum((match.qty for match in placed.matches), D(0)))
        assert taken == [D(2), D(0)]


class TestA22Volatility:
    def test_a22_a_stdev_of_returns_is_a_years_by_the_interval_of_its_samples(self) -> None:
        """A product swinging by 0.025 % a minute, some 0.21 a year, is reduce-only above 0.20."""
        limits = RiskLimits(
            enable_volatility_circuit_breaker=True,
            volatility_window_periods=4,
            max_intraday_volatility_threshold=D(1),
            max_exposure_pct=D(10),
            max_position_pct_per_symbol=D(10),
        )
        desk = ready(Desk(OrdersBehaviour(), RiskBehaviour()), limits)
        said = []
        for minute in range(8):
            price = D(50_000) * (D("1.00025") if minute % 2 else D(1))
            said += desk.hear(marked(price), TICK, by="marks", after=MINUTE)
        found = of_kind(said, VolatilityLevelChanged)[-1]
        assert found.level is Turbulence.REDUCE_ONLY
        assert found.volatility is not None
        assert D("0.20") < found.volatility < D("0.22")
        assert BIP in {entered.product for entered in of_kind(said, ReduceOnlyEntered)}
        assert isinstance(asked(desk, Side.BUY, "1"), OrderRefused)


class TestA24TwoDays:
    def test_a24_our_day_begins_at_midnight_utc_whatever_the_exchanges_settlement(self) -> None:
        """A gain of 16.00 realized at 15:00 is still ours at 17:00, and not on the next day."""
        desk = ready(Desk(OrdersBehaviour(), RiskBehaviour(), at=MONDAY), RiskLimits(daily_loss_limit=D(100)))
        earnings = Earnings()
        desk.hear(bought("8", "50000", at=MONDAY), by="orders")
        at = MONDAY + 15 * HOUR
        desk.hear(filled(Side.SELL, "8", "50200", at=at, order="o-2"), by="orders", after=15 * HOUR)
        opened_days = of_kind(desk.hear(TICK, by="clock", after=9 * HOUR), DayOpened)
        assert [day.day for day in opened_days] == [MONDAY + 24 * HOUR]
        for record in desk.log:
            earnings.fold(record)
        assert earnings.on(MONDAY + 17 * HOUR)[BIP].realized == D(16)
        assert earnings.on(MONDAY + 25 * HOUR) == {}


def test_a04_and_a24_a_day_that_lost_its_limit_is_another_day_after_midnight() -> None:
    desk = at_gate(RiskLimits(daily_loss_limit=D(100), daily_loss_auto_release=True))
    desk.hear(position_of("10"), by="orders")
    desk.hear(TICK, by="clock")
    said = desk.hear(marked("48900"), TICK, by="marks", after=SECOND)
    assert len(of_kind(said, DailyLossBreached)) == 1
    assert "reduce_only" in codes(asked(desk, Side.BUY, "1"))
    desk.hear(marked("48900", at=desk.at + 24 * HOUR), TICK, by="marks", after=24 * HOUR)
    assert isinstance(asked(desk, Side.BUY, "1", proposal="p-2"), OrderApproved)
