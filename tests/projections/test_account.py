"""The account that limits are measured by."""

from __future__ import annotations

from msgspec.structs import replace

from events.account import ExternalFlow, FlowNamed
from events.configuration import Configuration, RiskLimits
from events.money import use_exact_arithmetic
from events.record import AnyEvent, Record
from events.terms import Side
from projections.account import Account, pending
from projections.exposure import Pending
from tests.streams.desk import MONDAY
from tests.streams.facts import BIP, D, filled, listed, started
from tests.streams.orders import approved, marked, order_reported

LEAVES = FlowNamed(amount=D(-95_000), name="to the bank")
LEFT = ExternalFlow(flow="f-1", amount=D(-95_000), name="to the bank", exchange_at=5)


def equity_after(*events: AnyEvent, cap: str | None = None) -> object:
    use_exact_arithmetic()
    account = Account()
    limits = RiskLimits(capital_cap_usd=None if cap is None else D(cap))
    configuration = Configuration(mode="live", start_equity=D(100_000), risk=limits)
    for seq, event in enumerate((replace(started(), configuration=configuration), *events), 1):
        account.fold(Record(seq=seq, at=seq, by="any", event=event))
    return account.equity()


def test_what_is_to_leave_backs_nothing_until_it_left() -> None:
    assert equity_after() == 100_000
    assert equity_after(LEAVES) == 5_000
    assert equity_after(LEAVES, LEFT) == 5_000  # it left: now equity itself is less, and nothing is pending


def test_what_is_to_come_is_not_there_yet() -> None:
    assert equity_after(FlowNamed(amount=D(1_000), name="wire")) == 100_000


def test_the_cap_is_on_what_stays() -> None:
    assert equity_after(LEAVES, cap="10000") == 5_000
    assert equity_after(cap="10000") == 10_000


def folded(*events: AnyEvent) -> Account:
    use_exact_arithmetic()
    account = Account()
    for seq, event in enumerate((started(), *events), 1):
        account.fold(Record(seq=seq, at=MONDAY + seq, by="any", event=event))
    return account


BOUGHT = filled(Side.BUY, "4", "50000", at=MONDAY)


def test_what_the_exchange_told_and_no_fill_has_said_counts_as_held() -> None:
    account = folded(listed(), BOUGHT, order_reported("t-1", filled="2", qty="5"))
    assert account.orders.unsaid(BIP) == 2
    assert account.held(BIP) == 6


def test_exposure_is_by_the_catalogs_contract_size_and_unknown_without_one() -> None:
    known = folded(listed(contract_size="0.02"), BOUGHT).exposure(BIP)
    assert known is not None
    assert (known.product, known.contract_size, known.held) == (BIP, D("0.02"), D(4))
    assert folded().exposure(BIP) is None
    assert folded(listed(contract_size=None), BOUGHT).exposure(BIP) is None


def test_the_price_is_the_mark_then_the_entry_then_none() -> None:
    accounts = folded(listed(), BOUGHT, marked("51000")), folded(listed(), BOUGHT), folded(listed())
    found = [account.exposure(BIP) for account in accounts]
    assert [None if one is None else one.price for one in found] == [D(51_000), D(50_000), D(0)]


def test_exposed_is_what_is_held_then_what_rests_then_what_was_approved_each_once() -> None:
    account = folded(listed(), BOUGHT, order_reported("t-1", product="ETP"), order_reported("t-2"))
    asked = (approved(product="SLP"), approved(product="ETP"))
    assert account.exposed_products(asked) == [BIP, "ETP", "SLP"]


def test_an_order_without_a_limit_may_take_any_price_and_counts_at_what_its_approval_rested_on() -> None:
    bounded = approved()
    assert bounded.limit_price is not None
    assert (pending(bounded).price, pending(bounded).takes_any_price) == (bounded.limit_price, False)
    free = replace(bounded, limit_price=None, reference_price=D(50_100))
    assert pending(free) == Pending(side=free.side, qty=free.qty, price=D(50_100), takes_any_price=True)


def test_of_an_open_order_its_rest_is_pending() -> None:
    account = folded(listed(), order_reported("t-1", filled="2", qty="5"))
    assert pending(account.orders.open["t-1"]).qty == 3
