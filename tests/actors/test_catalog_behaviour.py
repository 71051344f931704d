"""The catalog says when the exchange changed the rules of a product."""

from __future__ import annotations

from actors.behaviours.catalog import CatalogBehaviour
from events.catalog import ProductChanged
from tests.streams.desk import Desk
from tests.streams.facts import BIP, listed, rate, started


def test_a_first_listing_changes_nothing() -> None:
    assert Desk(CatalogBehaviour()).hear(started(), listed(), rate(3_600, "0.0001")) == []


def test_the_same_rules_again_are_no_change() -> None:
    desk = Desk(CatalogBehaviour())
    desk.hear(listed(exchange_at=1))
    assert desk.hear(listed(exchange_at=2)) == []


def test_other_rules_are_a_change_and_the_fields_are_named() -> None:
    desk = Desk(CatalogBehaviour())
    desk.hear(listed())
    assert desk.hear(listed(price_increment="1", session_open=False)) == [
        ProductChanged(product=BIP, fields=("price_increment", "session_open"))
    ]


def test_a_change_is_said_once() -> None:
    desk = Desk(CatalogBehaviour())
    desk.hear(listed())
    assert len(desk.hear(listed(price_increment="1"))) == 1
    assert desk.hear(listed(price_increment="1")) == []


def test_a_change_and_a_change_back_in_one_turn_are_two_changes() -> None:
    desk = Desk(CatalogBehaviour())
    desk.hear(listed())
    assert len(desk.hear(listed(price_increment="1"), listed())) == 2


def test_a_product_is_not_compared_with_another() -> None:
    desk = Desk(CatalogBehaviour())
    assert desk.hear(listed("B", price_increment="1"), listed("A", price_increment="2")) == []
