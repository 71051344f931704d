"""`perptape close`: one position, by an operator's word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.door import Door
from actors.operator import OperatorRefused, OperatorSocket
from events.configuration import Configuration, ProductSetting
from events.risk import CloseRequested
from scripts.cli.operating import close_position
from tests.actors.test_operator import Clerk

CONFIGURATION = Configuration(products={"BTC-PERP": ProductSetting(exchange_id="BIP-20DEC30-CDE")})


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[Path, Clerk]]:
    door = Door()
    clerk = Clerk(door)
    listener = OperatorSocket(tmp_path, door, CONFIGURATION)
    listener.start()
    yield tmp_path, clerk
    listener.stop()


def test_the_close_of_a_position_reaches_the_log_as_the_operators_word(system: tuple[Path, Clerk]) -> None:
    folder, clerk = system
    close_position(None, folder, "BTC-PERP", "enough of it", as_json=True)
    expected = CloseRequested(product="BTC-PERP", reason="enough of it")
    assert [(fact.by, fact.event) for fact in clerk.taken] == [("operator", expected)]


def test_a_product_that_is_not_traded_is_refused_by_name(system: tuple[Path, Clerk]) -> None:
    folder, clerk = system
    with pytest.raises(OperatorRefused, match="there is no product ETH-PERP: BTC-PERP"):
        close_position(None, folder, "ETH-PERP", "a slip", as_json=True)
    assert clerk.taken == []
