"""How much the program says of its own work on standard error: the seed's PERPS_MIN_LOG_LEVEL and PERPS_DEBUG."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.cli.exits import CommandFailed, Exit

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_YES = frozenset({"1", "true", "yes", "on"})


def speak(environment: Mapping[str, str]) -> None:
    """Say what is of the wanted level and above, with time and place. Unset: warnings and errors, nothing but words.

    Raises `CommandFailed` for a word that is no level. Keys and tokens are shown at no level.
    """
    word = environment.get("PERPS_MIN_LOG_LEVEL", "").strip().upper()
    if not word and environment.get("PERPS_DEBUG", "").strip().lower() in _YES:
        word = "DEBUG"
    if not word:
        return
    if word not in LEVELS:
        said = f"variable PERPS_MIN_LOG_LEVEL: {word} is no level; use one of {', '.join(LEVELS)}"
        raise CommandFailed(said, Exit.CONFIGURATION)
    import logging

    logging.basicConfig(level=word, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
