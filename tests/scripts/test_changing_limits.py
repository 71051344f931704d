"""`perptape limit` and `perptape reduce-only`: what an operator allows a running system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.door import Door
from actors.operator import OperatorRefused, OperatorSocket
from events.configuration import Configuration, ProductSetting
from events.risk import LimitChanged, ReduceOnlyReleased, ReduceOnlyRequested
from scripts.cli.operating import change_limit, restrict
from tests.actors.test_operator import Clerk
from tests.scripts.conftest import Perptape, perptape  # noqa: F401  # the fixture

CONFIGURATION = Configuration(products={"BTC-PERP": ProductSetting(exchange_id="BIP-20DEC30-CDE")})


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[Path, Clerk]]:
    door = Door()
    clerk = Clerk(door)
    listener = OperatorSocket(tmp_path, door, CONFIGURATION)
    listener.start()
    yield tmp_path, clerk
    listener.stop()


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_exposure_pct", "0.5"), ("daily_loss_limit", "none"), ("leverage_max_per_symbol", "BTC-PERP:2")],
)
def test_a_limit_that_is_changed_reaches_the_log_as_the_operators_word(
    system: tuple[Path, Clerk], name: str, value: str
) -> None:
    folder, clerk = system
    change_limit(None, folder, name, value, "calmer", as_json=True)
    expected = LimitChanged(limit=name, value=value, reason="calmer")
    assert [(fact.by, fact.event) for fact in clerk.taken] == [("operator", expected)]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("max_exposure", "0.5", "unknown limit 'max_exposure'"),
        ("max_exposure_pct", "80", "max_exposure_pct cannot be 80"),
        ("max_exposure_pct", "much", "max_exposure_pct cannot be 'much'"),
        ("leverage_max_per_symbol", "ETH-PERP:2", "ETH-PERP"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_with_a_sentence_and_nothing_changes(
    system: tuple[Path, Clerk], name: str, value: str, sentence: str
) -> None:
    folder, clerk = system
    with pytest.raises(OperatorRefused, match=sentence):
        change_limit(None, folder, name, value, "a slip", as_json=True)
    assert clerk.taken == []


@pytest.mark.parametrize("product", [None, "BTC-PERP"])
def test_reduce_only_is_asked_for_everywhere_or_for_one_product(
    system: tuple[Path, Clerk], product: str | None
) -> None:
    folder, clerk = system
    restrict(None, folder, product, "enough", as_json=False)
    expected = ReduceOnlyRequested(product=product, reason="enough")
    assert [(fact.by, fact.event) for fact in clerk.taken] == [("operator", expected)]


def test_a_restriction_of_a_product_that_is_not_traded_is_refused_since_it_would_bind_nothing(
    system: tuple[Path, Clerk],
) -> None:
    folder, clerk = system
    with pytest.raises(OperatorRefused, match="there is no product BIT-PERP: BTC-PERP"):
        restrict(None, folder, "BIT-PERP", "a slip", as_json=True)
    assert clerk.taken == []


def test_the_commands_say_it_to_the_running_system(system: tuple[Path, Clerk], perptape: Perptape) -> None:  # noqa: F811
    folder, clerk = system
    assert perptape("limit", "max_exposure_pct", "0.5", "--data-dir", folder).code == 0
    assert perptape("reduce-only", "BTC-PERP", "--data-dir", folder).code == 0
    assert perptape("resume", "BTC-PERP", "--data-dir", folder).code == 0
    assert [type(fact.event) for fact in clerk.taken] == [LimitChanged, ReduceOnlyRequested, ReduceOnlyReleased]
    assert clerk.taken[-1].event == ReduceOnlyReleased(product="BTC-PERP", reason="an operator's word")
    refused = perptape("limit", "max_exposure_pct", "80", "--data-dir", folder)
    assert (refused.code, "write a fraction" in refused.err) == (1, True)


def test_without_a_running_system_it_is_said_so(tmp_path: Path, perptape: Perptape) -> None:  # noqa: F811
    assert perptape("limit", "max_exposure_pct", "0.5", "--data-dir", tmp_path).code == 4
    assert perptape("reduce-only", "--data-dir", tmp_path).code == 4
