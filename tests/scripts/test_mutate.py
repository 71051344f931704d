"""The command that mutates: what it takes, what it counts, and that its table names modules and tests that exist."""

from __future__ import annotations

import pytest

from scripts.mutate.__main__ import ROOT, chosen, judged
from scripts.mutate.targets import CLOSEST, concerned, modules


def test_every_projection_and_all_of_risk_is_mutated() -> None:
    found = modules()
    assert {"projections/bounds.py", "projections/checks/gate.py", "actors/behaviours/risk_guards.py"} <= set(found)
    assert set(CLOSEST) <= set(found)


def test_every_test_that_is_named_exists() -> None:
    named = {test for module in modules() for test in concerned(module)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_a_module_is_meant_by_its_path_or_its_last_word() -> None:
    assert chosen(["bounds"]) == chosen(["projections/bounds.py"]) == ["projections/bounds.py"]
    assert chosen([]) == modules()
    with pytest.raises(ValueError, match="none of the modules"):
        chosen(["bound"])


def test_what_hangs_or_crashes_was_noticed_and_what_no_test_reaches_was_not() -> None:
    report = judged("m", {"killed": 1, "hangs": 36, "crashes": -11, "lives": 0, "unreached": 33, "skipped": 34})
    assert (report.mutants, report.killed, report.survivors) == (5, 3, ("lives", "unreached"))
    assert report.percent == 60.0
