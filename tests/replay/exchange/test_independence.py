"""The exchange checks the system only as long as it does not share its arithmetic."""

from __future__ import annotations

import ast
from pathlib import Path

import replay.exchange

#: What it may take from the house: the vocabulary, the matching of orders (with what triggers and divides them), tapes.
MATCHING = ("projections.matching", "projections.triggers", "projections.parts")
ALLOWED = ("events", *MATCHING, "replay.exchange", "replay.tapes")
HOUSE = ("events", "projections", "actors", "replay", "scripts")


def test_the_exchange_shares_nothing_with_the_projections_but_the_matching_of_orders() -> None:
    found = []
    for path in Path(replay.exchange.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [
                f"{path.name}: {name}" for name in names if name.startswith(HOUSE) and not name.startswith(ALLOWED)
            ]
    assert found == []
