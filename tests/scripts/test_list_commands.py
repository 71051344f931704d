"""`perptape list` names what there is: products with their rules, strategies, runs with their ends, the vocabulary."""

from __future__ import annotations

import typing
from pathlib import Path

from events.record import AnyEvent
from tests.scripts.conftest import Perptape
from tests.scripts.made_up import Author, begin


def test_products_are_listed_with_the_rules_in_force(perptape: Perptape, session_log: Path) -> None:
    (product,) = perptape("list", "products", session_log, "--json").json["products"]
    assert (product["product"], product["exchange_id"]) == ("BTC-PERP", "BIP-20DEC30-CDE")
    assert (product["contract_size"], product["price_increment"]) == ("0.01", "5")
    assert "BIP-20DEC30-CDE" in perptape("list", "products", session_log).out


def test_a_configured_product_that_the_exchange_does_not_list_is_said_to_be_so(
    perptape: Perptape, session_log: Path
) -> None:
    (product,) = perptape("list", "products", session_log, "--json").json["products"]
    assert product["listed"] is True
    assert "not listed by the exchange" not in perptape("list", "products", session_log).out


def test_runs_tell_how_each_session_ended_and_which_one_died(
    perptape: Perptape, tmp_path: Path, dead_log: Path
) -> None:
    author = Author(tmp_path / "log")
    begin(author, "first")
    begin(author, "second")
    author.close()
    runs = perptape("list", "runs", tmp_path, "--json").json["runs"]
    assert [(run["session"], run["life"], run["first"]) for run in runs] == [
        ("first", "dead", 1),
        ("second", "dead", 10),
    ]
    assert "dead" in perptape("list", "runs", dead_log).out


def test_an_ended_run_has_its_reason_and_its_state_digest(perptape: Perptape, session_log: Path) -> None:
    (run,) = perptape("list", "runs", session_log, "--json").json["runs"]
    assert (run["life"], run["reason"], run["last"]) == ("ended", "asked to", 40)
    assert run["state_digest"] == "5" * 64
    assert "asked to" in perptape("list", "runs", session_log).out


def test_strategies_are_those_of_the_configuration_and_those_that_ship(perptape: Perptape) -> None:
    assert perptape("list", "strategies", "--json").json == {"configured": [], "shipped": ["baseline", "funding"]}
    assert "none is configured" in perptape("list", "strategies").out
    perptape("init", "--yes")
    (main,) = perptape("list", "strategies", "--json").json["configured"]
    assert (main["strategy"], main["uses"], main["product"]) == ("main", "baseline", "BTC-PERP")
    assert "baseline" in perptape("list", "strategies").out


def test_the_vocabulary_is_listed_whole_with_its_meaning(perptape: Perptape) -> None:
    events = perptape("list", "events", "--json").json["events"]
    assert {event["event"] for event in events} == {kind.__name__ for kind in typing.get_args(AnyEvent)}
    filled = next(event for event in events if event["event"] == "OrderFilled")
    assert filled["theme"] == "orders"
    assert filled["means"].startswith("A part of an order traded")
    assert "A part of an order traded" in perptape("list", "events").out
