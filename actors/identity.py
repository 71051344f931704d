"""The code's identity: one digest over the sources that decisions depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import actors
import events
import projections

#: Files of `actors` that shape decisions; the rest are shells.
_DECIDING = ("behaviour.py", "turns.py", "behaviours", "strategies")


def code_identity(strategy_sources: Iterable[Path] = ()) -> str:
    """SHA-256 over names and contents of events, projections, behaviours and the strategies' own modules, in hex."""
    sources = [*_sources(events), *_sources(projections)]
    for name, path in _sources(actors):
        if Path(name).parts[1] in _DECIDING:
            sources.append((name, path))
    sources += [(f"strategy/{path.name}", path) for path in strategy_sources]
    digest = hashlib.sha256()
    for name, path in sorted(set(sources)):
        content = path.read_bytes()
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(package: object) -> list[tuple[str, Path]]:
    root = Path(package.__path__[0])  # type: ignore[attr-defined]  # a package always has one
    return [(f"{root.name}/{path.relative_to(root)}", path) for path in root.rglob("*.py")]
