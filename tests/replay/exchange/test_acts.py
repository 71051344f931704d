"""What happens to an account besides its orders: money moves, the exchange acts, somebody trades by hand."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from replay.exchange.acts import (
    ActRefused,
    AnyAct,
    Condition,
    Correct,
    Deposit,
    Liquidate,
    Maintain,
    ScheduleSweep,
    SetMargin,
    Settle,
    read_acts,
)
from replay.exchange.faults import read_faults
from replay.exchange.memory import RememberingVenue
from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions
from replay.exchange.times import nanoseconds_of
from tests.replay.exchange.market import BIP, HOUR, START, ListTape, Trader, at, snapshot, told, trade
from tests.replay.exchange.running import PRODUCT, Client, Feed, Json, running
from tests.replay.exchange.test_intx import PERP
from tests.scenarios.demos import ROOT


def do(client: Client, *acts: Json, status: int = 200) -> Json:
    """Have acts done; the books afterwards, or the error."""
    url = f"{client.ready.rest}/control/acts"
    reply = client.session.post(url, data=json.dumps(acts if len(acts) != 1 else acts[0]), timeout=10)
    assert reply.status_code == status, reply.text
    found: Json = reply.json()
    return found


def by_hand(client: Client, side: str, configuration: Json, **fields: Any) -> Json:
    body = {"product_id": PRODUCT, "side": side, "order_configuration": configuration, **fields}
    reply = client.session.post(f"{client.ready.rest}/control/orders", data=json.dumps(body), timeout=10)
    assert reply.status_code == 200, reply.text
    found: Json = reply.json()
    return found


def money(client: Client) -> tuple[Decimal, ...]:
    """Total, spot and futures cash, and what may be traded with."""
    summary = client.get("/cfm/balance_summary")["balance_summary"]
    names = ("total_usd_balance", "cbi_usd_balance", "cfm_usd_balance", "futures_buying_power")
    return tuple(Decimal(summary[name]["value"]) for name in names)


# Money.


def test_a_deposit_arrives_in_the_spot_wallet_and_is_no_profit(exchange: Client) -> None:
    before = money(exchange)
    books = do(exchange, {"act": "deposit", "amount": "250.50"})
    assert (books["transfers"], books["spot"], books["realized"]) == ("250.5", "250.5", "0")
    gained = [after - held for after, held in zip(money(exchange), before, strict=True)]
    assert gained == [Decimal("250.5"), Decimal("250.5"), 0, Decimal("250.5")]
    assert exchange.get("/accounts")["accounts"][0]["available_balance"] == {"value": "250.5", "currency": "USD"}


def test_a_withdrawal_takes_no_more_than_lies_there(exchange: Client) -> None:
    do(exchange, {"act": "deposit", "amount": "100"})
    assert "only 100 may be withdrawn" in do(exchange, {"act": "withdraw", "amount": "100.01"}, status=400)["message"]
    assert do(exchange, {"act": "withdraw", "amount": "60"})["spot"] == "40"


def test_a_move_between_the_accounts_changes_where_money_lies_and_not_how_much(exchange: Client) -> None:
    do(exchange, {"act": "deposit", "amount": "500"})
    total = money(exchange)[0]
    assert do(exchange, {"act": "to_futures", "amount": "200"})["spot"] == "300"
    assert money(exchange)[0] == total
    assert do(exchange, {"act": "to_spot", "amount": "1000"})["spot"] == "1300"
    assert money(exchange)[0] == total
    assert do(exchange, {"act": "to_futures", "amount": "1301"}, status=400)["error"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("amount", ["0", "-5", "0.001", "NaN", "1e30"])
def test_an_amount_that_is_no_money_is_refused_and_changes_nothing(exchange: Client, amount: str) -> None:
    before = exchange.control("books")
    assert "amount" in do(exchange, {"act": "deposit", "amount": amount}, status=400)["message"]
    assert exchange.control("books") == before


def test_an_act_that_is_none_is_told_what_there_is(exchange: Client) -> None:
    assert "an act is one of" in do(exchange, {"act": "print_money"}, status=400)["message"]
    assert "unknown field" in do(exchange, {"act": "deposit", "amount": "1", "to": "me"}, status=400)["message"]


def test_a_sweep_takes_place_with_the_next_settlement(exchange: Client) -> None:
    do(exchange, {"act": "sweep", "amount": "700"})
    (pending,) = exchange.get("/cfm/sweeps")["sweeps"]
    assert pending["requested_amount"] == {"value": "700", "currency": "USD"}
    assert (pending["should_sweep_all"], pending["status"]) == (False, "PENDING")
    assert money(exchange)[1] == 0
    assert do(exchange, {"act": "settle"})["spot"] == "700"
    assert exchange.get("/cfm/sweeps") == {"sweeps": []}


def test_a_sweep_leaves_what_the_margin_of_position_and_orders_needs() -> None:
    one = Trader(rules=VenueRules(start_cash=Decimal(1_000))).hear(snapshot(0), trade(1, 60_010))
    one.buy(2)  # binds a quarter of 1,200.2
    one.buy(1, 50_000)  # and more with this one
    one.venue.act(ScheduleSweep())
    one.venue.act(Settle())
    left = one.venue.books.cash - one.venue.treasury.spot
    assert Decimal(300) < left < Decimal(500)
    assert one.venue.treasury.spot + left == one.venue.books.cash


def test_the_futures_balance_channel_tells_of_moved_money(exchange: Client) -> None:
    with Feed(exchange) as feed:
        feed.subscribe("futures_balance_summary")
        do(exchange, {"act": "deposit", "amount": "33"})
        (frame,) = feed.of("futures_balance_summary")
        assert frame["events"][0]["fcm_balance_summary"]["cbi_usd_balance"] == "33"


def test_an_international_deposit_is_collateral(tmp_path: Path) -> None:
    options = ExchangeOptions(tape=ListTape([snapshot(0)], PERP), speed=None, start=Start.NOW, folder=tmp_path)
    with running(options) as client:
        uuid = client.get("/key_permissions")["portfolio_uuid"]
        do(client, {"act": "deposit", "amount": "10"})
        assert client.get(f"/intx/portfolio/{uuid}")["portfolios"][0]["collateral"] == "100010"
        assert "no US futures" in do(client, {"act": "sweep"}, status=400)["message"]


# The exchange's own doing.


def test_a_settlement_on_demand_pays_what_is_owed() -> None:
    one = Trader(rules=VenueRules(start_cash=Decimal(10_000))).hear(snapshot(0), trade(1, 60_010))
    one.buy(3)
    one.hear(snapshot(2, bids=((60_100, 5),), asks=((60_110, 5),)), trade(3, 60_105))
    unpaid = one.venue.books.day_unrealized(one.venue.marks())
    cash, equity = one.venue.books.cash, one.venue.books.equity(one.venue.marks())
    one.venue.act(Settle())
    assert told(one.venue.books.day_unrealized(one.venue.marks()), one.venue.books.cash - cash) == (0, unpaid)
    assert one.venue.books.equity(one.venue.marks()) == equity
    assert one.venue.next_settlement == at(2 * HOUR)


def test_a_liquidation_on_demand_cancels_and_closes_by_the_exchanges_own_order(exchange: Client) -> None:
    exchange.market("long", "BUY", 3)
    resting = exchange.limit("away", "BUY", 1, 50_000)
    books = do(exchange, {"act": "liquidate"})
    assert (books["positions"], books["open_orders"], books["in_liquidation"]) == ([], 0, False)
    newest = exchange.get("/orders/historical/batch")["orders"][0]
    assert (newest["is_liquidation"], newest["order_type"], newest["side"]) == (True, "LIQUIDATION", "SELL")
    assert exchange.get(f"/orders/historical/{resting}")["order"]["status"] == "CANCELLED"


def test_a_part_of_a_position_can_be_taken_too(exchange: Client) -> None:
    exchange.market("long", "BUY", 3)
    for size in ("0.5", "0", "-1", "NaN"):
        assert "size must be" in do(exchange, {"act": "liquidate", "size": size}, status=400)["message"]
    assert do(exchange, {"act": "liquidate", "size": "1"})["positions"][0]["qty"] == "2"


def test_maintenance_is_announced_with_the_product_and_closes_its_session(exchange: Client) -> None:
    do(exchange, {"act": "maintenance", "begins_in_s": 60, "lasts_s": 600})
    now = nanoseconds_of(exchange.control("books")["time"])
    session = exchange.get(f"/products/{PRODUCT}")["fcm_trading_session_details"]
    assert session["is_session_open"] is True
    begins, ends = (nanoseconds_of(session["maintenance"][name]) for name in ("start_time", "end_time"))
    assert (begins - now, ends - begins) == (60 * 10**9, 600 * 10**9)
    do(exchange, {"act": "maintenance", "lasts_s": 600})
    session = exchange.get(f"/products/{PRODUCT}")["fcm_trading_session_details"]
    assert (session["is_session_open"], session["session_state"]) == (False, "FCM_TRADING_SESSION_STATE_CLOSED")
    assert session["closed_reason"] == "FCM_TRADING_SESSION_CLOSED_REASON_EXCHANGE_MAINTENANCE"
    refused = exchange.order("early", "BUY", {"market_market_ioc": {"base_size": "1"}})
    assert refused["error_response"]["new_order_failure_reason"] == "INVALID_FCM_TRADING_SESSION"
    do(exchange, {"act": "end_maintenance"})
    assert exchange.get(f"/products/{PRODUCT}")["fcm_trading_session_details"]["maintenance"] is None
    exchange.market("late", "BUY", 1)


def test_conditions_stand_over_what_the_tape_lists_until_they_are_lifted(exchange: Client) -> None:
    do(exchange, {"act": "condition", "trading_disabled": True, "post_only": True})
    do(exchange, {"act": "condition", "post_only": False})
    listed = exchange.get(f"/products/{PRODUCT}")
    assert (listed["trading_disabled"], listed["post_only"]) == (True, False)
    do(exchange, {"act": "condition", "trading_disabled": False})
    exchange.market("again", "BUY", 1)


def test_a_fill_can_be_taken_back_and_booked_anew_at_another_price() -> None:
    one = Trader().hear(snapshot(0), trade(1, 60_010))
    order = one.buy(2)
    fill = one.venue.ledger.fills[0]
    equity = one.venue.books.equity(one.venue.marks())
    one.venue.act(Correct(entry_id=fill.entry_id, price=Decimal(60_000)))
    rows = one.venue.ledger.fills
    assert [row.trade_type for row in rows] == ["FILL", "REVERSAL", "CORRECTION"]
    assert len({row.entry_id for row in rows}) == 3
    assert len({row.trade_id for row in rows}) == 1
    cheaper = Decimal("0.2") + fill.fee - rows[-1].fee
    assert one.venue.books.equity(one.venue.marks()) == equity + cheaper
    assert told(order.average_price, order.filled, order.fees) == (60_000, 2, rows[-1].fee)
    one.venue.act(Correct(entry_id=rows[-1].entry_id))
    assert told(one.venue.holding.qty, order.filled, order.value, order.fees) == (0, 0, 0, 0)
    assert one.venue.books.equity(one.venue.marks()) == one.venue.books.start_cash


# By hand.


def test_an_order_by_hand_is_the_accounts_own_and_nobodys_clients(exchange: Client) -> None:
    with Feed(exchange) as feed:
        feed.subscribe("user")
        taken = by_hand(exchange, "BUY", {"market_market_ioc": {"base_size": "2"}})
        assert taken["success"]
        assert feed.orders(until="FILLED")[-1]["client_order_id"] == taken["success_response"]["client_order_id"]
    row = exchange.get("/orders/historical/batch")["orders"][0]
    assert (row["order_placement_source"], row["filled_size"]) == ("RETAIL_SIMPLE", "2")
    assert exchange.get("/cfm/positions")["positions"][0]["number_of_contracts"] == "2"


def test_orders_are_cancelled_by_hand_one_or_all(exchange: Client) -> None:
    ids = [exchange.limit(name, "BUY", 1, 50_000) for name in ("a", "b", "c")]
    url = f"{exchange.ready.rest}/control/orders"
    first = exchange.session.delete(url, data=json.dumps({"order_ids": ids[:1]}), timeout=10).json()
    assert [row["order_id"] for row in first["results"]] == ids[:1]
    rest = exchange.session.delete(url, timeout=10).json()
    assert [row["order_id"] for row in rest["results"]] == ids[1:]
    assert exchange.control("books")["open_orders"] == 0


# And again.


def test_acts_are_remembered_with_the_moment_they_were_done(tmp_path: Path) -> None:
    facts = [snapshot(0), trade(1, 60_010), trade(2, 60_000), trade(3, 60_005), trade(4, 60_000)]

    def venue(folder: str) -> RememberingVenue:
        (tmp_path / folder).mkdir(exist_ok=True)
        return RememberingVenue(BIP, VenueRules(), now=START, folder=tmp_path / folder, tape="tape")

    acts: list[AnyAct] = [
        Deposit(amount=Decimal(50)),
        ScheduleSweep(amount=Decimal(10_000_000)),  # refused then, and again
        ScheduleSweep(amount=Decimal(70)),
        Settle(),
        Maintain(lasts_s=9),
        Condition(post_only=True),
        SetMargin(intraday=True),
        Liquidate(),
    ]
    first = venue("a")
    for time, event in facts:
        first.hear(time, event)
    for act in acts:
        with suppress(ActRefused):
            first.act(act)
    again = venue("a")
    again.recall(iter(facts))
    assert (again.books, again.treasury, again.conditions) == (first.books, first.treasury, first.conditions)
    assert told(again.product.post_only, again.intraday_margin, again.treasury.spot) == (True, True, 120)


def test_a_client_schedules_a_sweep_and_may_think_again(exchange: Client) -> None:
    assert exchange.post("/cfm/sweeps/schedule", {"usd_amount": "100"}) == {"success": True}
    twice = exchange.ask("POST", "/cfm/sweeps/schedule", {"usd_amount": "1"})
    assert (twice.status_code, twice.json()["message"]) == (400, "a sweep is pending already")
    assert exchange.ask("DELETE", "/cfm/sweeps").json() == {"success": True}
    assert exchange.ask("DELETE", "/cfm/sweeps").status_code == 400
    assert exchange.post("/cfm/sweeps/schedule", {}) == {"success": True}
    assert exchange.get("/cfm/sweeps")["sweeps"][0]["should_sweep_all"] is True
    assert do(exchange, {"act": "settle"})["spot"] == "100000"


def test_the_acts_and_faults_that_the_page_shows_are_read() -> None:
    page = (ROOT / "docs" / "COINBASE.md").read_text().splitlines()
    acts = [line for line in page if line.startswith('{"act"')]
    shown = {act.__struct_config__.tag for line in acts for act in read_acts(line.encode())}
    assert shown >= {"deposit", "settle", "liquidate", "maintenance", "condition", "correct"}
    faults = [line for line in page if line.startswith('{"fault"')]
    assert len(read_faults(f"[{','.join(faults)}]".encode())) == len(faults) > 1
