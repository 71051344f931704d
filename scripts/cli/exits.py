"""Exit codes, and which error ends with which: one sentence on stderr, never a traceback, for what the world can do."""

from __future__ import annotations

import importlib
import sys
from enum import IntEnum


class Exit(IntEnum):
    """What a command's end means. Documented in the README; tests hold it."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CONFIGURATION = 3
    NOT_FOUND = 4  # no such log, or no running system
    INTEGRITY = 5  # the log is not what was written
    DIVERGENCE = 6  # the code does not say what the log says
    EXCHANGE = 7  # the exchange, or the key
    HALTED = 8  # risk halted trading


class CommandFailed(Exception):
    """A command cannot do what it was asked: the sentence to print, and the code to end with."""

    def __init__(self, sentence: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(sentence)
        self.code = code


#: By module and class, first match counts. Looked up when an error is here, so that nothing is imported for it before.
KNOWN: tuple[tuple[str, str, Exit], ...] = (
    ("scripts.cli.exits", "CommandFailed", Exit.ERROR),
    ("actors.strict", "ConfigurationError", Exit.CONFIGURATION),
    ("actors.strategies.loading", "StrategyNotLoaded", Exit.CONFIGURATION),
    ("actors.operator", "NotRunning", Exit.NOT_FOUND),
    ("actors.operator", "OperatorRefused", Exit.ERROR),
    ("actors.operator", "DataFolderTooDeep", Exit.CONFIGURATION),
    ("actors.start_check", "StateDiverged", Exit.DIVERGENCE),
    ("actors.behaviour", "Diverged", Exit.DIVERGENCE),
    ("actors.connection.errors", "BrokerageError", Exit.EXCHANGE),
    ("events.log.errors", "LogNotFound", Exit.NOT_FOUND),
    ("events.log.errors", "LogDamaged", Exit.INTEGRITY),
    ("events.log.errors", "LogError", Exit.ERROR),
)


def exit_code_of(error: BaseException) -> Exit | None:
    """The code an error ends with, or None for one that is our own bug. What caused it counts as well."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, CommandFailed):
            return seen.code
        for module, name, code in KNOWN:
            if module in sys.modules and isinstance(seen, getattr(importlib.import_module(module), name)):
                return code
        seen = seen.__cause__
    return Exit.ERROR if isinstance(error, OSError) else None


def sentence_of(error: BaseException) -> str:
    """What to print: one line, whatever the error carries."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(text.split()) or type(error).__name__
