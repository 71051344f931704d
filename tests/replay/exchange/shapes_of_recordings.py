"""What recorded payloads look like: which keys stand in every object, and in which forms each value comes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def form(value: Any) -> str:
    """The JSON type; texts by what a strict reader would parse them as: decimal, time, empty or text."""
    if not isinstance(value, str):
        kinds = ((type(None), "null"), (bool, "bool"), (int, "number"), (float, "number"), (list, "list"))
        return next((name for kind, name in kinds if isinstance(value, kind)), "object")
    if not value:
        return "empty"
    return "decimal" if _DECIMAL.fullmatch(value) else "time" if _TIME.fullmatch(value) else "text"


@dataclass(slots=True)
class Shape:
    """Of many payloads: how often an object stood at each path, which keys it had, and the forms of every value."""

    objects: Counter[str] = field(default_factory=Counter)
    keys: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    forms: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def see(self, value: Any, path: str = "$") -> None:
        self.forms[path].add(form(value))
        if isinstance(value, dict):
            self.objects[path] += 1
            for key, inner in value.items():
                self.keys[path][key] += 1
                self.see(inner, f"{path}.{key}")
        elif isinstance(value, list):
            for inner in value:
                self.see(inner, f"{path}[]")

    def always(self, path: str) -> set[str]:
        """Keys that every object at this path had."""
        return {key for key, count in self.keys[path].items() if count == self.objects[path]}


def shape_of(payloads: list[Any]) -> Shape:
    found = Shape()
    for one in payloads:
        found.see(one)
    return found


def missing(ours: Shape, recorded: Shape) -> Iterator[str]:
    """Keys of every recorded object that one of ours has not, wherever both have an object."""
    for path in recorded.objects:
        if path in ours.objects:
            yield from (f"{path}.{key}" for key in sorted(recorded.always(path) - ours.always(path)))


def unknown(ours: Shape, recorded: Shape) -> Iterator[str]:
    """Keys of ours that no recorded object has, wherever both have an object."""
    for path, keys in ours.keys.items():
        if path in recorded.objects:
            yield from (f"{path}.{key}" for key in sorted(keys.keys() - recorded.keys[path].keys()))


def unlike(ours: Shape, recorded: Shape) -> Iterator[str]:
    """Values of ours in a form that a reader of the recorded ones could not parse."""
    for path, forms in ours.forms.items():
        if path not in recorded.forms:
            continue
        strange = forms - readable(recorded.forms[path])
        if strange:
            yield f"{path} is {sorted(strange)}, recorded as {sorted(recorded.forms[path])}"


def readable(recorded: set[str]) -> set[str]:
    """Forms that a reader written after the recorded ones takes: "" is how the exchange leaves a number out."""
    found = set(recorded)
    if "decimal" in recorded or "text" in recorded:
        found.add("empty")
    if "text" in recorded or recorded <= {"empty", "null"}:
        found |= {"text", "decimal", "time", "empty"}
    return found
