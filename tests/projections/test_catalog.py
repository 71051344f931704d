"""What the catalog knows of products."""

from __future__ import annotations

import msgspec

from events.catalog import ProductListed
from events.record import AnyEvent, Record
from projections.catalog import Catalog
from tests.streams.facts import BIP, D, listed, rate, started


def folded(*events: AnyEvent) -> Catalog:
    catalog = Catalog()
    for seq, event in enumerate(events, 1):
        catalog.fold(Record(seq=seq, at=seq, by="account", event=event))
    return catalog


def test_the_latest_listing_is_in_force() -> None:
    catalog = folded(listed(price_increment="5"), listed(price_increment="1"))
    rules = catalog.rules(BIP)
    assert rules is not None
    assert rules.price_increment == D(1)


def test_an_inverse_product_has_no_contract_size_to_compute_by() -> None:
    inverse = msgspec.structs.replace(listed(), quote_currency="BTC", underlying="BTC")
    rules = folded(inverse).rules(BIP)
    assert rules == msgspec.structs.replace(inverse, contract_size=None)
    assert folded(listed()).rules(BIP) == listed()


def test_an_unlisted_product_has_no_rules() -> None:
    assert folded().rules(BIP) is None
    assert folded().last_rate(BIP) is None


def test_the_exchanges_id_and_ours_both_name_a_product() -> None:
    catalog = folded(listed())
    assert catalog.product_of("BIP-20DEC30-CDE") == BIP
    assert catalog.product_of(BIP) == BIP


def test_an_alias_of_the_configuration_is_known_before_the_listing() -> None:
    assert folded(started()).product_of("BIP-20DEC30-CDE") == BIP


def test_an_unknown_id_names_nothing() -> None:
    assert folded(started()).product_of("ETP-20DEC30-CDE") is None


def test_the_last_rate_is_that_of_the_latest_boundary_however_late_another_comes() -> None:
    catalog = folded(rate(7_200, "0.0002"), rate(3_600, "0.0001"))
    last = catalog.last_rate(BIP)
    assert last is not None
    assert last.rate == D("0.0002")


def test_the_time_of_a_listing_is_no_rule_of_the_product() -> None:
    assert folded(listed(exchange_at=1), listed(exchange_at=2)).changed_fields(BIP) == ()


def test_changed_fields_are_named_in_the_order_of_the_listing() -> None:
    catalog = folded(listed(), listed(price_increment="1", session_open=False))
    assert catalog.changed_fields(BIP) == ("price_increment", "session_open")


def test_every_other_field_of_a_listing_is_a_rule() -> None:
    assert "exchange_at" in ProductListed.__struct_fields__
    assert folded(listed(), listed(contract_size=None)).changed_fields(BIP) == ("contract_size",)
