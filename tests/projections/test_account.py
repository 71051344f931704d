"""The account that limits are measured by."""

from __future__ import annotations

from msgspec.structs import replace

from events.account import ExternalFlow, FlowNamed
from events.configuration import Configuration, RiskLimits
from events.money import use_exact_arithmetic
from events.record import AnyEvent, Record
from projections.account import Account
from tests.streams.facts import D, started

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
