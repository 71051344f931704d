"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import actors.connection
from events import ids

MODULES = [f"actors.connection.{each.name}" for each in pkgutil.iter_modules(actors.connection.__path__)]


@pytest.mark.parametrize("name", [*MODULES, ids.__name__])
def test_every_example_gives_what_it_says(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_waits_of_the_rule_are_among_the_examples() -> None:
    backoff = importlib.import_module("actors.connection.backoff")
    assert doctest.testmod(backoff).attempted >= 5
    assert "1.01, 2.04" in (backoff.retry_delay.__doc__ or "")
