"""Money from outside and its names."""

from __future__ import annotations

from decimal import Decimal

import pytest

from events.account import ExternalFlow, FlowNamed, SweepReported
from events.record import AnyEvent, Record
from projections import flows
from projections.flows import Flows
from tests.streams.facts import D


def flow(amount: str, *, name: str | None = None, key: str = "f-1") -> ExternalFlow:
    return ExternalFlow(flow=key, amount=D(amount), name=name, exchange_at=7)


def named(amount: str, name: str = "rent") -> FlowNamed:
    return FlowNamed(amount=D(amount), name=name)


def swept(status: str, *, key: str = "s-1") -> SweepReported:
    return SweepReported(sweep=key, amount=D(5), status=status, exchange_at=7)


def folded(*events: AnyEvent) -> Flows:
    seen = Flows()
    for seq, event in enumerate(events, 1):
        seen.fold(Record(seq=seq, at=seq, by="any", event=event))
    return seen


def amounts(seen: Flows) -> list[tuple[Decimal, str | None]]:
    return [(one.amount, one.name) for one in seen.flows]


def test_the_oldest_unnamed_flow_of_the_amount_gets_the_name() -> None:
    seen = folded(flow("-5", key="a"), flow("-5", key="b"), flow("-6", key="c"), named("-5", "first"))
    assert amounts(seen) == [(D(-5), "first"), (D(-5), None), (D(-6), None)]
    assert seen.announced == []


def test_a_name_for_a_flow_not_seen_yet_waits_for_it() -> None:
    seen = folded(named("-5"), named("-7", "tax"))
    assert seen.name_of(D(-5)) == "rent"
    assert seen.name_of(D(-6)) is None
    assert seen.pending_outflow() == 12
    left = folded(named("-5"), named("-7", "tax"), flow("-5", name="rent"))
    assert left.pending_outflow() == 7
    assert left.unnamed() == []


def test_what_is_to_come_in_is_no_outflow() -> None:
    assert folded(named("100", "wire")).pending_outflow() == 0
    assert folded(named("0.5", "wire")).pending_outflow() == 0


def test_a_flow_is_dated_by_the_balance_that_showed_it() -> None:
    assert [one.at for one in folded(flow("-5")).flows] == [7]


def test_a_sweep_is_known_by_the_last_word_of_it() -> None:
    assert folded(swept("pending"), swept("processing")).sweeps == {"s-1": swept("processing")}


def test_another_word_for_a_flow_takes_no_announcement_away() -> None:
    seen = folded(flow("-5", name="rent"), named("-5", "tax"), flow("-5", name="rent"))
    assert [said.name for said in seen.announced] == ["tax"]


def test_an_announcement_is_taken_back_by_an_empty_name_one_at_a_time() -> None:
    assert folded(named("-5"), named("-5"), named("-5", "")).pending_outflow() == 5
    assert folded(named("-5"), named("-6", "")).pending_outflow() == 5


def test_a_flow_counts_once_however_often_it_is_heard() -> None:
    assert len(folded(flow("-5"), flow("-5")).flows) == 1


@pytest.mark.parametrize("status", ["done", "completed", "cancelled", "failed"])
def test_a_sweep_is_under_way_until_it_is_over(status: str) -> None:
    assert list(folded(swept("pending")).sweeps) == ["s-1"]
    assert list(folded(swept("pending"), swept("processing"), swept("pending", key="s-2")).sweeps) == ["s-1", "s-2"]
    assert folded(swept("pending"), swept(status)).sweeps == {}
    assert folded(swept(status)).sweeps == {}


def test_the_latest_are_kept_one_by_one() -> None:
    many = [flow("1", key=f"f-{n}") for n in range(flows.KEPT_FLOWS + 3)]
    announced = [named("-1", f"n-{n}") for n in range(flows.KEPT_ANNOUNCED + 3)]
    seen = folded(*many, *announced)
    assert [len(seen.flows), seen.flows[0].flow] == [flows.KEPT_FLOWS, "f-3"]
    assert [len(seen.announced), seen.announced[0].name] == [flows.KEPT_ANNOUNCED, "n-3"]
