"""What every test stands on: exact money arithmetic, and bounded property tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from events.money import use_exact_arithmetic

settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
#: Each change of a line runs its tests once, in a process that ran them before: the same examples, and few of them.
settings.register_profile(
    "mutation",
    deadline=None,
    max_examples=10,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.load_profile(os.environ.get("PERPTAPE_TEST_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fortnights", type=int, default=1, help="seeds of the fourteen days on paper")


@pytest.fixture(autouse=True)
def _exact_money() -> None:
    use_exact_arithmetic()
