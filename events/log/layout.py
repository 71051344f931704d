"""The files of a log: the active one, the segments closed before it, and the marks of work in progress.

events.jsonl                  the active file, written now
events.000001.jsonl.zst       a sealed segment: compressed, with a footer
events.000002.jsonl           a closed segment that is being sealed
events.jsonl.lock             whoever holds its lock writes the log; it holds the pid
events.jsonl.new              the next active file, while the log rolls
events.jsonl.cut              the next active file, while the log is cut
events.cut.json               what a cut is about to do, until it is recorded
"""

from __future__ import annotations

import re
from pathlib import Path

from events.log.disk import Disk

#: The active file, when only a folder is named.
DEFAULT_NAME = "events.jsonl"
#: The seed's path.
DEFAULT_PATH = Path("results/managed") / DEFAULT_NAME

_SUFFIX = ".jsonl"
_SEALED_SUFFIX = ".jsonl.zst"
_NUMBERED = re.compile(r"\A(?P<stem>.+)\.(?P<number>\d{6,})\.jsonl(?:\.zst)?\Z")


class Layout:
    """Where each file of the log at `path` stands. `path` is the active file, or the folder it is in."""

    def __init__(self, path: Path | str) -> None:
        given = Path(path)
        self.active = given if given.name.endswith(_SUFFIX) else given / DEFAULT_NAME
        self.folder = self.active.parent
        self.stem = self.active.name.removesuffix(_SUFFIX)
        self.lock = self.folder / f"{self.active.name}.lock"
        self.fresh = self.folder / f"{self.active.name}.new"
        self.cut = self.folder / f"{self.active.name}.cut"
        self.cut_note = self.folder / f"{self.stem}.cut.json"

    def closed(self, segment: int) -> Path:
        return self.folder / f"{self.stem}.{segment:06d}{_SUFFIX}"

    def sealed(self, segment: int) -> Path:
        return self.folder / f"{self.stem}.{segment:06d}{_SEALED_SUFFIX}"

    def sealing(self, segment: int) -> Path:
        return self.folder / f"{self.stem}.{segment:06d}{_SEALED_SUFFIX}.tmp"

    def segments(self, disk: Disk) -> list[int]:
        """The numbers of all closed and sealed segments that are here, in order."""
        return sorted({number for name in disk.names(self.folder) if (number := self._number(name)) is not None})

    def unsealed(self, disk: Disk) -> list[int]:
        """The numbers of the segments that are closed and still to be sealed."""
        names = disk.names(self.folder)
        return sorted(number for name in names if (number := self._number(name)) is not None and name.endswith(_SUFFIX))

    def leftovers(self, disk: Disk) -> list[Path]:
        """What a roll or a seal had begun when it was interrupted."""
        return [
            self.folder / name
            for name in disk.names(self.folder)
            if name == self.fresh.name
            or (name.endswith(".tmp") and self._number(name.removesuffix(".tmp")) is not None)
        ]

    def _number(self, name: str) -> int | None:
        found = _NUMBERED.match(name)
        return int(found["number"]) if found and found["stem"] == self.stem else None


def lone_segment(path: Path | str) -> int | None:
    """The number of the one segment that `path` names, or None when it names a whole log."""
    found = _NUMBERED.match(Path(path).name)
    return int(found["number"]) if found else None
