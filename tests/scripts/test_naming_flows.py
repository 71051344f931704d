"""`perptape flow`: money from outside gets its name, or is announced."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from actors.door import Door
from actors.operator import OperatorSocket
from events.account import FlowNamed
from events.configuration import Configuration
from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.operating import name_flow
from tests.actors.test_operator import Clerk


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[Path, Clerk]]:
    door = Door()
    clerk = Clerk(door)
    listener = OperatorSocket(tmp_path, door, Configuration())
    listener.start()
    yield tmp_path, clerk
    listener.stop()


@pytest.mark.parametrize(
    ("came_in", "left", "amount"), [("5000", None, Decimal(5_000)), (None, "300.25", Decimal("-300.25"))]
)
def test_what_came_in_is_above_zero_and_what_left_below(
    system: tuple[Path, Clerk], came_in: str | None, left: str | None, amount: Decimal
) -> None:
    folder, clerk = system
    name_flow(None, folder, came_in=came_in, left=left, name="wire", as_json=True)
    assert [(fact.by, fact.event) for fact in clerk.taken] == [("operator", FlowNamed(amount=amount, name="wire"))]


@pytest.mark.parametrize(
    ("came_in", "left"), [(None, None), ("1", "2"), ("-5", None), ("0", None), ("much", None), ("nan", None)]
)
def test_an_amount_that_is_none_is_refused_before_anybody_is_told(
    system: tuple[Path, Clerk], came_in: str | None, left: str | None
) -> None:
    folder, clerk = system
    with pytest.raises(CommandFailed) as failed:
        name_flow(None, folder, came_in=came_in, left=left, name="wire", as_json=False)
    assert failed.value.code is Exit.USAGE
    assert clerk.taken == []
