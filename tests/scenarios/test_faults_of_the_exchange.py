"""Rows O4 to O6 of the table of faults, and the exchange's own doing: what nobody asked for ties out too."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from actors.operator import act
from events.account import ExternalFlow
from events.feeds import ExchangeReconciled, FeedLost
from events.orders import OrderFilled, OrderRefused, OrderRejected, OrderSubmitted
from events.risk import KillSwitchReset, KillSwitchThrown
from events.session import ClockTicked
from events.terms import Origin
from tests.replay.exchange.running import Client
from tests.scenarios.faulty import is_entry, must_hold, session

RESTARTS = 3
FOREIGN_ORDERS = 10


def test_o5_an_exchange_that_goes_and_comes_back_finds_the_same_books(tmp_path: Path) -> None:
    with session(tmp_path) as live:
        port = urlsplit(live.ready.rest).port
        assert port is not None
        for _ in range(RESTARTS):
            live.close_exchange()
            live.open_exchange(port)
            live.wait_fills(1)
        live.stop()
        must_hold(live)
        assert len(live.told(FeedLost)) >= RESTARTS
        assert live.told(ExchangeReconciled)


@pytest.mark.parametrize("seconds", [1, 5, 20])
def test_o4_a_cancel_that_races_with_a_fill_leaves_nothing_behind(tmp_path: Path, seconds: int) -> None:
    with session(tmp_path) as live:
        live.put({"fault": "cancel_lag", "seconds": seconds})
        while live.control("faults")["faults"]:
            live.wait(lambda: live.control("books")["open_orders"] != 0, lambda: "nothing rests")
            act(live.log, KillSwitchThrown(reason="while an order rests"))
            act(live.log, KillSwitchReset(reason="go on"))
        live.wait_fills(2)
        live.stop()
        must_hold(live)


def test_o6_what_somebody_else_trades_is_adopted_counted_and_never_taken_for_ours(tmp_path: Path) -> None:
    with session(tmp_path) as live:
        somebody = Client(live.ready)
        ids = set()
        for number in range(FOREIGN_ORDERS):
            ids.add(somebody.market(f"by-hand-{number}", "SELL" if number % 2 else "BUY", 1 + number % 3))
            live.wait_fills(1)
        live.stop()
        must_hold(live)
        foreign = {fill.exchange_order for fill in live.events(OrderFilled) if fill.origin is Origin.FOREIGN}
        assert foreign == ids
        somebody.session.close()


def test_flatten_goes_on_until_the_exchange_says_flat_whatever_is_lost_on_the_way(tmp_path: Path) -> None:
    with session(tmp_path) as live:
        Client(live.ready).market("by-hand", "BUY", 40)
        live.put({"fault": "lost_reply", "method": "POST", "path": "/orders*", "after": 1})
        act(live.log, KillSwitchThrown(reason="out", flatten=True))
        live.wait(lambda: not live.control("books")["positions"], lambda: "it does not become flat")
        entries = sum(map(is_entry, live.events(OrderSubmitted)))
        live.wait(lambda: len(live.told(ClockTicked)) > 60, lambda: "the clock stands")
        assert sum(map(is_entry, live.events(OrderSubmitted))) == entries, "nothing is entered behind a kill"
        assert not live.control("books")["positions"]
        act(live.log, KillSwitchReset(reason="go on"))
        live.wait_fills(2)
        live.stop()
        must_hold(live)


ACTS: dict[str, list[dict[str, object]]] = {
    "a_deposit": [{"act": "deposit", "amount": "1234.56"}],
    "a_withdrawal": [{"act": "deposit", "amount": "2000"}, {"act": "withdraw", "amount": "321.09"}],
    "a_settlement": [{"act": "settle"}],
    "a_sweep_with_its_settlement": [{"act": "sweep", "amount": "900"}, {"act": "settle"}],
    "a_liquidation": [{"act": "liquidate"}],
    "a_maintenance": [{"act": "maintenance", "lasts_s": 30}],
    "a_cancel_only_market": [{"act": "condition", "cancel_only": True}],
    "the_other_margin_rates": [{"act": "margin_setting", "intraday": True}],
}

#: What of an act's money came from outside: moves between our own pockets are none of it.
FLOWS = {
    "a_deposit": Decimal("1234.56"),
    "a_withdrawal": Decimal("1678.91"),
}


@pytest.mark.parametrize("name", ACTS)
def test_the_books_tie_out_after(name: str, tmp_path: Path) -> None:
    with session(tmp_path) as live:
        live.control("acts", ACTS[name])
        if name == "a_cancel_only_market":
            live.wait_for(OrderRejected, OrderRefused)
            live.control("acts", {"act": "condition", "cancel_only": False})
        live.wait_fills(3)
        if name in FLOWS:  # what came from outside is concluded where the account is quiet
            act(live.log, KillSwitchThrown(reason="a quiet hour"))
            live.wait_for(ExternalFlow)
            assert sum(flow.amount for flow in live.events(ExternalFlow)) == FLOWS[name]
        live.stop()
        must_hold(live)


def test_moves_between_our_own_pockets_net_to_zero(tmp_path: Path) -> None:
    with session(tmp_path) as live:
        live.control("acts", {"act": "deposit", "amount": "2000"})
        live.wait_fills(1)
        act(live.log, KillSwitchThrown(reason="a quiet hour"))
        live.wait_for(ExternalFlow)
        live.control("acts", [{"act": "to_futures", "amount": "700"}, {"act": "to_spot", "amount": "200.5"}])
        act(live.log, KillSwitchReset(reason="go on"))
        live.wait_fills(2)
        live.stop()
        must_hold(live)
        assert [flow.amount for flow in live.events(ExternalFlow)] == [2000]


@pytest.mark.parametrize("price", [None, "71000"])
def test_a_fill_that_the_exchange_takes_back_is_taken_back_in_our_books(tmp_path: Path, price: str | None) -> None:
    with session(tmp_path) as live:
        entry = Client(live.ready).get("/orders/historical/fills")["fills"][-1]["entry_id"]
        live.control("acts", {"act": "correct", "entry_id": entry, "price": price})
        live.wait_fills(3)
        live.stop()
        must_hold(live)
