"""Position and PnL answers published by three exchanges and projects: ours are the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from events.configuration import RiskLimits
from events.funding import FundingAccrued
from events.market import MarkUpdated
from events.record import AnyEvent, Record
from events.terms import FundingStatus, MarkSource, Side
from projections.account import Account
from projections.bounds import Others, bounds
from projections.notional import notional
from projections.portfolio import Portfolio
from tests.paths import SHARED_DATA, needs_shared_data
from tests.streams.desk import HOUR
from tests.streams.facts import ONE, D, filled, listed, started
from tests.streams.orders import marked, with_limits

_FILE = SHARED_DATA / "known-answers" / "cases.json"
_CASES = orjson.loads(_FILE.read_bytes())["cases"] if _FILE.is_file() else []
#: Those that plain linear arithmetic answers. The one that it does not gives a price at entry where a mark is meant.
CASES = [case for case in _CASES if case["contract"] == "linear" and case["agrees_with_plain_linear_math"]]


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in CASES if case["kind"] == kind]


def agrees(ours: Decimal | None, case: dict[str, Any], key: str) -> bool:
    """Within the tolerance of whoever published it; exactly where they name none."""
    return ours is not None and abs(ours - D(case["expected"][key])) <= D(case["tolerance"])


def folded(case: dict[str, Any]) -> tuple[Portfolio, list[tuple[Decimal, Decimal | None]]]:
    """The portfolio at the end, and quantity and entry price after each fill."""
    inputs = case["inputs"]
    size, fee_rate = inputs["multiplier"], D(inputs["fee_rate"])
    events: list[AnyEvent] = [started(start_equity="0"), listed(ONE, contract_size=size)]
    for i, fill in enumerate(inputs["fills"]):
        value = notional(D(fill["qty"]), contract_size=D(size), price=D(fill["price"]))
        side = Side(fill["side"].lower())
        events.append(
            filled(side, fill["qty"], fill["price"], at=i, product=ONE, contract_size=size, fee=value * fee_rate)
        )
    for hour, cash in enumerate(inputs.get("funding_cash", ())):
        events.append(
            FundingAccrued(
                product=ONE,
                boundary=hour * HOUR,
                qty=D(0),
                mark=None,
                mark_source=None,
                rate=None,
                amount=D(cash),
                status=FundingStatus.FINAL,
            )
        )
    if "mark" in inputs:
        events.append(MarkUpdated(product=ONE, price=D(inputs["mark"]), source=MarkSource.MID, exchange_at=1))
    after_each = []
    portfolio = Portfolio()
    for seq, event in enumerate(events, 1):
        portfolio.fold(Record(seq=seq, at=seq, by="any", event=event))
        position = portfolio.positions.of(ONE)
        after_each.append((position.qty, position.entry_price))
    return portfolio, after_each[2:]


@needs_shared_data
def test_every_case_that_linear_arithmetic_can_answer_is_here() -> None:
    assert len(CASES) == 25
    assert {case["contract"] for case in _CASES} == {"linear"}, "an inverse one would have to be shown to be refused"
    assert {case["kind"] for case in CASES} == {"fills", "notional", "margin"}


@needs_shared_data
@pytest.mark.parametrize("case", of_kind("fills"))
def test_fills_lead_to_the_published_answer(case: dict[str, Any]) -> None:
    portfolio, after_each = folded(case)
    position = portfolio.positions.of(ONE)
    ours: dict[str, Decimal | None] = {
        "unrealized": portfolio.unrealized(),
        "realized_net_of_fees": portfolio.realized - portfolio.fees,
        "net_pnl_incl_fees_and_funding": portfolio.equity(),
        "final_qty": position.qty,
    }
    for key in case["expected"]:
        if key == "after_each":
            for expected, (qty, entry) in zip(case["expected"][key], after_each, strict=False):
                assert expected is None or (qty, entry) == (D(expected["qty"]), D(expected["avg_entry"]))
        else:
            assert agrees(ours[key], case, key), f"{key}: {ours[key]} is not {case['expected'][key]}"


@needs_shared_data
@pytest.mark.parametrize("case", of_kind("notional"))
def test_the_notional_is_the_published_one(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    ours = notional(D(inputs["qty"]), contract_size=D(inputs["multiplier"]), price=D(inputs["mark"]))
    assert agrees(ours, case, "notional")


@needs_shared_data
@pytest.mark.parametrize("case", of_kind("margin"))
def test_margin_is_a_fraction_of_the_notional(case: dict[str, Any]) -> None:
    """Of the lines that the gate and the room are made of: what one unit of notional binds, and must keep."""
    inputs = case["inputs"]
    worth, rate = D(inputs["notional"]), D(inputs["mm_rate"])
    limits = RiskLimits(leverage_max_global=D(inputs["leverage"]), default_maintenance_margin_rate=rate)
    account, rules = Account(), listed(ONE, contract_size="1")
    told: list[AnyEvent] = [with_limits(limits), rules, marked("1", product=ONE)]
    for seq, event in enumerate(told, 1):
        account.fold(Record(seq=seq, at=seq, by="any", event=event))
    lines = {line.code: line for line in bounds(account, rules, Side.SELL, equity=worth, other=Others(), at=1)}
    projected = lines["liquidation_projection"]
    assert agrees(worth * lines["margin_buffer"].slope, case, "im")
    assert agrees(worth * (projected.slope - projected.cap), case, "mm")
