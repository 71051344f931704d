"""The seed's code blocks by their line, and what may be done to one before it runs.

Import lines name another repository: the same names come from here instead. A preamble may bind names that a block
takes for granted. Whatever else is changed in a block is named where it is run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SEED = Path(os.environ.get("PERPTAPE_SHARED_DOCS") or Path(__file__).parents[2].parent / "shared" / "docs") / "seed.md"

#: For everything that reads the seed: skipped, with the reason, where it is absent; in CI it must be there.
needs_the_seed = pytest.mark.skipif(
    not SEED.is_file() and not os.environ.get("CI"),
    reason=f"the seed is not found at {SEED}; set PERPTAPE_SHARED_DOCS to its folder",
)

_HOMES = {
    "src.bot_v2.config.live_trade_config": "actors.brokerage",
    "src.bot_v2.features.live_trade.risk": "actors.brokerage",
    "src.bot_v2.features.live_trade.strategies.perps_baseline": "actors.strategies.baseline",
}


def block(line: int) -> str:
    """The code block whose opening fence stands on this line of the seed, counted from 1."""
    lines = SEED.read_text(encoding="utf-8").splitlines()
    assert lines[line - 1].startswith("```"), f"no block begins on line {line}: {lines[line - 1]!r}"
    end = next(number for number in range(line, len(lines)) if lines[number] == "```")
    return "\n".join(lines[line:end]) + "\n"


def code(line: int, repairs: Mapping[str, str] | None = None) -> str:
    """The block with its imports at home here and these repairs made, each of which must apply."""
    text = block(line)
    for theirs, ours in _HOMES.items():
        text = text.replace(f"from {theirs} import", f"from {ours} import")
    for broken, whole in (repairs or {}).items():
        assert broken in text, f"nothing to repair in the block of line {line}: {broken!r}"
        text = text.replace(broken, whole)
    return text


def run(line: int, preamble: str = "", repairs: Mapping[str, str] | None = None, **given: Any) -> dict[str, Any]:
    """Run a block after its preamble, with these names given; what it bound."""
    names = {"__name__": "sample", **given}
    exec(compile(preamble, f"preamble of line {line}", "exec"), names)
    exec(compile("\n" * line + code(line, repairs), str(SEED), "exec"), names)
    return names
