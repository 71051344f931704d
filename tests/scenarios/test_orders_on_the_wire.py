"""Whole live sessions against the local exchange: brackets that follow positions, fills confirmed, other ways out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import requests

from actors.connection.client.coinbase import CoinbaseClient
from actors.operator import act
from events.orders import CancelSubmitted, FillCorrected, FillsConfirmed, OrderFilled, OrderRejected, OrderSubmitted
from events.position import PositionUnprotected
from events.risk import KillSwitchReset, KillSwitchThrown
from events.terms import OrderKind
from replay.statement import statement
from scripts.cli.running import client_of
from tests.scenarios.faulty import PLAIN, Session, must_hold, session

BRACKETS = ""  # live, each position has one unless somebody says otherwise


def brackets(live: Session) -> list[OrderSubmitted]:
    return [each for each in live.events(OrderSubmitted) if each.kind.is_bracket]


def confirmed(live: Session) -> set[str]:
    return {each.order for each in live.events(FillsConfirmed)}


def asking(live: Session) -> CoinbaseClient:
    return client_of(live._settings.exchange)


@pytest.mark.parametrize("more", [PLAIN, BRACKETS], ids=["plain", "with brackets"])
def test_every_fill_of_a_session_is_confirmed_by_the_exchanges_list(tmp_path: Path, more: str) -> None:
    with session(tmp_path, more=more) as live:
        live.wait_fills(4)
        leave(live)
        live.stop()
        must_hold(live)
        traded = {fill.order for fill in live.events(OrderFilled)}
        assert traded == confirmed(live)
        account = statement(live.told())
        assert (account.provisional_orders, account.confirmed_orders) == (0, len(traded))


def test_each_position_has_a_bracket_and_the_exit_waits_until_it_is_gone(tmp_path: Path) -> None:
    with session(tmp_path, more=BRACKETS) as live:
        live.wait(lambda: len(brackets(live)) >= 2, lambda: "no two brackets were placed")
        live.wait_fills(3)
        leave(live)
        live.stop()
        must_hold(live)
        placed = brackets(live)
        assert all(bracket.reduce_only and bracket.stop_price is not None for bracket in placed)
        assert not live.told(PositionUnprotected)
        assert not live.told(OrderRejected)
        cancelled = {cancel.order for cancel in live.events(CancelSubmitted)}
        filled = {fill.order for fill in live.events(OrderFilled)}
        assert {bracket.order for bracket in placed} <= cancelled | filled


def test_a_kill_keeps_the_bracket_and_a_flatten_takes_it_away_and_the_position_too(tmp_path: Path) -> None:
    with session(tmp_path, more=BRACKETS) as live:
        live.wait(lambda: bool(open_brackets(live)), lambda: "no bracket stands")
        act(live.log, KillSwitchThrown(reason="a moment"))
        live.wait(lambda: len(live.told(KillSwitchThrown)) == 1, lambda: "the kill is not in the log")
        leave(live)
        protected = {bracket.order for bracket in brackets(live)}
        killed = [each for each in live.events(CancelSubmitted) if each.reason == "kill switch: a moment"]
        assert not [each for each in killed if each.order in protected], "the kill itself keeps the bracket"
        act(live.log, KillSwitchReset(reason="go on"))
        live.wait_fills(1)
        leave(live)
        live.stop()
        must_hold(live)


def test_a_fill_that_the_exchange_takes_back_is_taken_back_in_our_books(tmp_path: Path) -> None:
    with session(tmp_path) as live:
        client = asking(live)
        live.wait(lambda: len(confirmed(live)) >= 2, lambda: "nothing is confirmed")
        live.control("pause")
        oldest = list(client.list_fills())[-1]
        assert oldest.price is not None
        live.control("acts", {"act": "correct", "entry_id": oldest.entry_id, "price": str(oldest.price + Decimal(50))})
        client.close()
        live.control("resume")
        live.wait(lambda: bool(live.told(FillCorrected)), lambda: "no correction came")
        live.wait_fills(1)
        live.stop()
        must_hold(live)


def test_where_no_limit_ioc_is_taken_orders_rest_for_a_moment_and_are_cancelled(tmp_path: Path) -> None:
    with session(tmp_path, more=PLAIN + 'limit_ioc_as = "gtc_then_cancel"\npreview_before_place = true\n') as live:
        live.wait_fills(3)
        live.stop()
        must_hold(live)
        kinds = {next(iter(order.order_configuration or {})) for order in live.at_the_exchange}
        assert "sor_limit_ioc" not in kinds
        assert OrderKind.LIMIT_IOC in {each.kind for each in live.events(OrderSubmitted)}


def leave(live: Session) -> None:
    """Throw the kill switch with a flatten, and wait until the exchange holds nothing of ours."""
    act(live.log, KillSwitchThrown(reason="enough", flatten=True))
    live.wait(lambda: is_flat(live), lambda: f"still there: {live.control('books')}")


def open_brackets(live: Session) -> list[str]:
    """Brackets that stand at the exchange, by its own word."""
    client = asking(live)
    try:
        rows = client.list_orders(order_status="OPEN")
        return [row.order_id for row in rows if "trigger_bracket_gtc" in (row.order_configuration or {})]
    finally:
        client.close()


def is_flat(live: Session) -> bool:
    books = live.control("books")
    return not books["positions"] and books["open_orders"] == 0


def test_what_a_session_left_provisional_the_next_one_confirms(tmp_path: Path) -> None:
    with session(tmp_path) as live:
        live.put({"fault": "fills_lag", "newest": 1000, "count": 1000})
        live.wait_fills(3)
        live.stop()
        left = {fill.order for fill in live.events(OrderFilled)} - confirmed(live)
        assert left, "the list lags"
        assert statement(live.told()).provisional_orders == len(left)
        requests.delete(f"{live.ready.rest}/control/faults", timeout=30).raise_for_status()  # the list has caught up
        live.control("resume")
        live.start()
        live.wait(lambda: left <= confirmed(live), lambda: f"still provisional: {left - confirmed(live)}")
        live.wait_fills(1)
        live.stop()
        must_hold(live)
