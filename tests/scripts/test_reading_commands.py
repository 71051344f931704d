"""Reading commands tell what is true at a record, on a file and on a running system, and say how true it is."""

from __future__ import annotations

import socket
from decimal import Decimal
from pathlib import Path

import pytest

from actors.operator import SOCKET_NAME
from events.orders import OrderFilled
from events.session import ClockTicked
from events.terms import Origin, Side
from scripts.cli.places import is_written_now
from tests.scripts.conftest import Perptape
from tests.scripts.made_up import BTC, Author, begin, entry, kill

COMMANDS = ["status", "positions", "orders", "pnl", "funding", "risk"]
ABOUT = {"log", "seq", "at", "as_of", "life", "silent_s"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_reading_command_prints_one_json_object_that_says_what_it_is_about(
    perptape: Perptape, session_log: Path, command: str
) -> None:
    ran = perptape(command, session_log, "--json")
    assert ran.code == 0
    assert ran.out.count("\n") == 1
    assert set(ran.json) >= ABOUT
    assert ran.json["at"] == "2024-08-08T01:00:06.250000000Z"
    assert ran.json["life"] == "ended"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_reading_command_shows_a_table_with_a_heading(
    perptape: Perptape, session_log: Path, command: str
) -> None:
    ran = perptape(command, session_log)
    assert ran.code == 0
    assert "session 5e551000 (live, wall clock) ended 2024-08-08T01:00:06Z: asked to" in ran.out


def test_the_account_is_the_ledger_identity_to_the_last_digit(perptape: Perptape, session_log: Path) -> None:
    account = {
        name: Decimal(value)
        for name, value in perptape("status", session_log, "--json").json["account"].items()
        if name != "unknown"
    }
    assert account["equity"] == (
        account["start"]
        + account["transfers"]
        + account["realized"]
        - account["fees"]
        + account["funding"]
        + account["unrealized"]
    )
    assert account["equity"] == account["exchange_equity"] == Decimal("100008.22852")


def test_the_result_says_that_the_exchange_agrees(perptape: Perptape, session_log: Path) -> None:
    answer = perptape("pnl", session_log, "--json").json
    assert Decimal(answer["tie_out"]["difference"]) == 0
    assert answer["positions"]["BTC-PERP"]["unrealized_pnl"] == "12.00"
    assert "the exchange agrees to the last digit" in perptape("pnl", session_log).out


def test_positions_name_side_size_entry_and_result(perptape: Perptape, session_log: Path) -> None:
    (position,) = perptape("positions", session_log, "--json").json["positions"]
    assert position["side"] == "long"
    assert (position["qty"], position["base_qty"]) == ("8", "0.08")
    assert (position["entry_price"], position["mark"]) == ("58200", "58350")
    assert position["fees"] == "3.724800"


def test_orders_are_the_open_ones_and_with_all_those_closed_today(perptape: Perptape, session_log: Path) -> None:
    (resting,) = perptape("orders", session_log, "--json").json["orders"]
    assert (resting["side"], resting["leaves"], resting["origin"]) == ("sell", "3", "foreign")
    closed, _ = perptape("orders", session_log, "--json", "--all").json["orders"]
    assert (closed["status"], closed["filled"], closed["strategy"]) == ("filled", "8", "main")


def test_funding_is_listed_by_boundary_and_says_what_was_paid(perptape: Perptape, session_log: Path) -> None:
    product = perptape("funding", session_log, "--json").json["products"]["BTC-PERP"]
    assert product["entries"] == [
        {"boundary": "2024-08-08T01:00:00.000000000Z", "amount": "-0.04668", "status": "final"}
    ]
    assert Decimal(product["receivable"]) == 0


def test_risk_shows_the_worst_side_the_limits_and_the_day(perptape: Perptape, session_log: Path) -> None:
    answer = perptape("risk", session_log, "--json").json
    (product,) = answer["exposure"]["products"]
    assert product["notional"] == "4668.00"
    assert product["selling"] == "3"
    assert product["max_notional"] == "20000"
    assert answer["day"]["limit"] == "2000.00"
    assert Decimal(answer["day"]["loss"]) == Decimal("-8.22852")
    assert answer["changed_limits"] == {"slippage_guard_bps": "25"}
    assert answer["restriction"] is None


# As of a record, as of a time.


def test_as_of_a_record_nothing_behind_it_is_known(perptape: Perptape, session_log: Path) -> None:
    before = perptape("status", session_log, "--json", "--seq", 12).json
    assert (before["seq"], before["as_of"]) == (12, "then")
    assert before["account"]["fees"] == "0"
    assert perptape("positions", session_log, "--json", "--seq", 12).json["positions"] == []
    assert "as of then, not now" in perptape("status", session_log, "--seq", 12).out


def test_as_of_a_time_is_as_of_the_last_record_at_or_before_it(perptape: Perptape, session_log: Path) -> None:
    assert perptape("status", session_log, "--json", "--at", "2024-08-08T00:00:03.500Z").json["seq"] == 24
    assert perptape("status", session_log, "--json", "--at", "2024-08-08T00:00:03.499999999Z").json["seq"] < 21
    assert perptape("status", session_log, "--json", "--at", "2024-08-08T02:00:03.5+02:00").json["seq"] == 24
    assert perptape("status", session_log, "--json", "--at", "2024-08-07").json["seq"] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--at", "yesterday"), "--at yesterday: this is no time; write it as 2026-11-22T11:30:00Z"),
        (("--at", "2024-02-30"), "--at 2024-02-30: day is out of range"),
        (("--at", "2024-08-08", "--seq", 3), "name the place by one of them"),
    ],
)
def test_a_place_that_means_nothing_is_a_usage_error(
    perptape: Perptape, session_log: Path, options: tuple[object, ...], sentence: str
) -> None:
    ran = perptape("status", session_log, *options)
    assert ran.code == 2
    assert sentence in ran.err


# Stale state is never shown as live.


def test_a_dead_session_is_marked_as_dead(perptape: Perptape, dead_log: Path) -> None:
    assert perptape("status", dead_log, "--json").json["life"] == "dead"
    assert "is DEAD: its log ends without an end" in perptape("positions", dead_log).out


def test_a_log_that_is_being_written_is_running(perptape: Perptape, tmp_path: Path) -> None:
    author = Author(tmp_path / "log")
    begin(author)
    try:
        answer = perptape("status", tmp_path, "--json").json
        assert (answer["life"], answer["log"]) == ("running", str(tmp_path / "log"))
        assert answer["silent_s"] in (0, 1, 2)
        assert "is running" in perptape("status", tmp_path).out
    finally:
        author.close()
    assert perptape("status", tmp_path, "--json").json["life"] == "dead"


def test_a_system_that_answers_operators_is_running_and_a_socket_left_behind_is_not(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / SOCKET_NAME))
    assert not is_written_now(tmp_path)
    listener.listen(1)
    assert is_written_now(tmp_path)
    listener.close()
    assert not is_written_now(tmp_path)


def test_a_kill_switch_is_the_first_thing_to_be_seen(perptape: Perptape, tmp_path: Path) -> None:
    author = Author(tmp_path / "log")
    begin(author)
    kill(author)
    author.close()
    assert perptape("status", tmp_path, "--json").json["restriction"] == "KILL SWITCH: drill"
    assert "KILL SWITCH: drill" in perptape("status", tmp_path).out


def test_without_a_mark_equity_is_unknown_with_its_reason_and_never_a_number(
    perptape: Perptape, tmp_path: Path
) -> None:
    author = Author(tmp_path / "log")
    author.close()
    answer = perptape("status", tmp_path, "--json").json
    assert answer["account"]["equity"] is None
    assert answer["account"]["unknown"] == ["no start equity: no balance report yet"]
    assert "no session is in this log yet" in perptape("status", tmp_path).out


def test_without_any_log_the_answer_is_how_to_get_one(perptape: Perptape, tmp_path: Path) -> None:
    ran = perptape("status")
    assert ran.code == 4
    assert ran.err.startswith("perptape: results/managed: there is no log; name a log file or its folder, or start")
    for name in ("demo-20261121-090000-a", "demo-20261122-090000-b"):
        (tmp_path / "results" / name / "log").mkdir(parents=True)
    assert "the latest demonstration's is results/demo-20261122-090000-b/log" in perptape("status").err


def test_the_configured_data_folder_is_read_when_no_log_is_named(
    perptape: Perptape, session_log: Path, tmp_path: Path
) -> None:
    (tmp_path / "perptape.toml").write_text(f'data_dir = "{session_log}"')
    assert perptape("status", "--json").json["log"] == str(session_log)
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text('data_dir = "nowhere"')
    assert perptape("status", "--config", elsewhere).code == 4


def test_results_are_shown_by_strategy_and_add_up_to_the_accounts(perptape: Perptape, session_log: Path) -> None:
    answer = perptape("pnl", session_log, "--json").json
    rows = answer["attribution"]
    assert [row["strategy"] for row in rows] == ["main"]
    for column, total in (("realized", "total_realized"), ("fees", "fees"), ("funding", "total_funding")):
        assert sum(Decimal(row[column]) for row in rows) == Decimal(answer[total])
    assert perptape("status", session_log, "--json").json["attribution"] == rows


def test_two_holders_of_a_product_have_a_table_of_their_own(perptape: Perptape, tmp_path: Path) -> None:
    author = Author(tmp_path / "log")
    begin(author)
    entry(author)
    manual = OrderFilled(
        order="manual",
        exchange_order="x-manual",
        strategy="",
        product=BTC,
        side=Side.BUY,
        qty=Decimal(2),
        value=Decimal(1164),
        price=Decimal(58_200),
        fee=Decimal("0.93"),
        filled_qty=Decimal(2),
        exchange_at=author.at,
        origin=Origin.FOREIGN,
    )
    author.say("orders", author.fact("clock", ClockTicked()), manual)
    author.close()
    for command in ("status", "pnl"):
        shown = perptape(command, tmp_path).out
        assert "By strategy" in shown
        assert "external" in shown


# The exchange beside us.


def test_the_result_names_each_daily_figure_with_its_day(perptape: Perptape, session_log: Path) -> None:
    answer = perptape("pnl", session_log, "--json").json
    (day,) = answer["days"]
    assert (day["day"], day["begins"], day["fees"]) == ("2024-08-08", "00:00 UTC", "3.724800")
    assert answer["exchange_day"]["begins"] == "the exchange's last settlement"


def test_the_tie_out_shows_both_marks_and_what_is_unexplained(perptape: Perptape, session_log: Path) -> None:
    tie = perptape("pnl", session_log, "--json").json["tie_out"]
    assert tie["their_marks"] == {"BTC-PERP": "58350"}
    assert tie["our_marks"] == {"BTC-PERP": "58350"}
    assert (tie["unexplained"], tie["unnamed_flows"], tie["pending_outflow"]) == ("0", "0", "0")


def test_the_exchanges_margin_figures_stand_under_their_own_names(perptape: Perptape, session_log: Path) -> None:
    margin = perptape("risk", session_log, "--json").json["exchange_margin"]
    assert set(margin) == {
        "liquidation_buffer_percentage",
        "available_above_threshold",
        "initial_margin",
        "available_margin",
        "liquidation_threshold",
        "window",
        "window_ends_at",
        "windows",
    }
