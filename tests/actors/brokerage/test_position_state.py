"""The seed's position and its own numbers."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest

from actors.brokerage import PositionState, position_state

D = Decimal


def held(qty: str = "0.1", side: str = "long", entry: int = 50_000, size: int | str = 1) -> PositionState:
    return PositionState("BTC-PERP", side, D(qty), D(entry), contract_size=D(size))


def shown(position: PositionState) -> tuple[str, Decimal, Decimal | None]:
    return position.side, position.qty, position.entry_price


def test_the_example_holds() -> None:
    assert doctest.testmod(position_state, extraglobs={"Decimal": D}).failed == 0


@pytest.mark.parametrize(("side", "gain"), [("long", D(200)), ("short", D(-200))])
def test_an_open_gain_is_that_of_the_side(side: str, gain: Decimal) -> None:
    assert held(side=side).unrealized_pnl(D(52_000)) == gain


def test_without_a_mark_the_open_gain_is_unknown_and_not_zero() -> None:
    assert held().unrealized_pnl(None) is None
    assert PositionState("BTC-PERP").unrealized_pnl(None) == 0


def test_an_increase_averages_and_a_reduction_leaves_the_entry() -> None:
    position = PositionState("BTC-PERP")
    assert position.update_from_fill(D("0.05"), D(50_000), "buy") == 0
    assert position.update_from_fill(D("0.05"), D(51_000), "BUY") == 0
    assert shown(position) == ("long", D("0.1"), D(50_500))
    assert position.update_from_fill(D("0.05"), D(52_500), "sell", fee=D(3)) == 100
    assert shown(position) == ("long", D("0.05"), D(50_500))
    assert (position.realized_pnl, position.fees) == (D(100), D(3))


def test_a_flat_position_has_neither_side_nor_entry() -> None:
    position = held()
    assert position.update_from_fill(D("0.1"), D(51_000), "sell") == 100
    assert shown(position) == ("flat", D(0), None)


def test_contract_size_counts() -> None:
    position = held("2", size="0.01")
    assert position.unrealized_pnl(D(51_000)) == 20
    assert position.update_from_fill(D(1), D(51_000), "sell") == 10


def test_what_is_no_position_and_no_fill_is_refused() -> None:
    with pytest.raises(ValueError, match="side and its entry"):
        PositionState("BTC-PERP", "long", D(1))
    for qty, price in ((D(0), D(1)), (D(-1), D(1)), (D(1), D(0))):
        with pytest.raises(ValueError, match="a fill of"):
            held().update_from_fill(qty, price, "buy")
