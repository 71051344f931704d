"""How much is said on standard error: warnings, unless a variable of the seed wants more or less."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.loudness import speak


@contextmanager
def fresh_root() -> Iterator[logging.Logger]:
    """The root of all loggers as a new process has it, put back as it was."""
    logger = logging.getLogger()
    before, level = logger.handlers[:], logger.level
    logger.handlers = []
    logger.setLevel(logging.WARNING)
    try:
        yield logger
    finally:
        logger.handlers = before
        logger.setLevel(level)


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({"PERPS_MIN_LOG_LEVEL": "debug"}, logging.DEBUG),
        ({"PERPS_MIN_LOG_LEVEL": " ERROR "}, logging.ERROR),
        ({"PERPS_DEBUG": "1"}, logging.DEBUG),
        ({"PERPS_DEBUG": "1", "PERPS_MIN_LOG_LEVEL": "INFO"}, logging.INFO),
    ],
)
def test_a_level_that_is_asked_for_is_said(
    environment: dict[str, str], level: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with fresh_root() as root:
        speak(environment)
        assert root.level == level
        logging.getLogger("somebody").log(level, "heard")
        logging.getLogger("somebody").log(level - 1, "not heard")
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.endswith("somebody: heard\n")


@pytest.mark.parametrize("environment", [{}, {"PERPS_DEBUG": "0"}, {"PERPS_MIN_LOG_LEVEL": ""}])
def test_without_a_word_all_stays_as_it_is(environment: dict[str, str]) -> None:
    with fresh_root() as root:
        speak(environment)
        assert (root.handlers, root.level) == ([], logging.WARNING)


def test_a_word_that_is_no_level_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(CommandFailed, match="LOUD is no level; use one of DEBUG, INFO, WARNING, ERROR") as failed:
        speak({"PERPS_MIN_LOG_LEVEL": "loud"})
    assert failed.value.code is Exit.CONFIGURATION
