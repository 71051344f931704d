"""Exchanges for the tests of this folder: a quiet day was played, the clock stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.market import ListTape, snapshot, trade
from tests.replay.exchange.running import Client, running


def quiet_day() -> ListTape:
    """A book and a few trades; then the tape ends and the exchange stands."""
    return ListTape([snapshot(0), trade(1, 60_010, 2), trade(2, 60_000, 3), trade(61, 60_010, 1)])


def _played(folder: Path) -> ExchangeOptions:
    return ExchangeOptions(tape=quiet_day(), speed=None, start=Start.NOW, folder=folder)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Client]:
    """A fresh exchange that has played its quiet day and stands."""
    with running(_played(tmp_path)) as client:
        client.until_ended()
        yield client


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The same for all tests of a module that change nothing in it."""
    with running(_played(tmp_path_factory.mktemp("exchange"))) as client:
        client.until_ended()
        yield client
