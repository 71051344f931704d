"""What `perptape init --strategy NAME` writes: a strategy that works, to be changed into one's own."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from scripts.cli.exits import CommandFailed, Exit
from scripts.cli.templates import SETTINGS

FOLDER = "strategies"

STRATEGY = '''\
"""{title}: buys the highest mark of its window, leaves at the lowest. See View for all that it could look at."""

from decimal import Decimal

from actors.strategies.protocol import Decision, View
from events.terms import Action


class {title}:
    window = 20  # how many marks it wants to see, the last one now

    def decide(self, view: View) -> Decision:
        if view.mark is None or len(view.marks) < self.window:
            return Decision(action=Action.HOLD, reason="Not enough marks")
        if view.qty and view.mark <= min(view.marks):
            return Decision(action=Action.CLOSE, reason="Lowest of the window", reduce_only=True)
        may_enter = not view.qty and not view.is_killed and view.reduce_only is None
        if may_enter and view.mark >= max(view.marks):
            return Decision(action=Action.BUY, reason="Highest of the window", target_notional=Decimal(5_000))
        return Decision(action=Action.HOLD, reason="Nothing to do")
'''

_OURS = 'uses = "baseline"'


class Scaffold:
    """One strategy by its name: its file, its class, and its place in a configuration."""

    def __init__(self, name: str) -> None:
        """Raises `CommandFailed` (usage) for a name that is no Python module's."""
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
            raise CommandFailed(f"--strategy {name}: write a name like my_idea, of a-z, 0-9 and _", Exit.USAGE)
        self.name = name
        self.title = "".join(part.capitalize() for part in name.split("_"))
        self.path = Path(FOLDER) / f"{name}.py"
        self.uses = f"{FOLDER}.{name}:{self.title}"

    @property
    def text(self) -> str:
        return STRATEGY.format(title=self.title)

    @property
    def entry(self) -> str:
        """What stands in a configuration."""
        return f'[strategies.{self.name}]\nuses = "{self.uses}"'

    def configured(self) -> str:
        """The settings that `perptape init` writes, with this strategy in place of the baseline."""
        line = next(line for line in SETTINGS.splitlines() if line.startswith(_OURS))
        assert f"[strategies.main]\n{line}" in SETTINGS
        return SETTINGS.replace(f"[strategies.main]\n{line}", self.entry)
