"""Each rule of trading has a test with its name, and a paragraph in the page of rules."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "docs" / "PERPS_TRADING_LOGIC_REPORT.md"
RULES = [*(f"A{number}" for number in range(1, 25)), *(f"B{number}" for number in range(1, 16))]


@cache
def names() -> list[str]:
    """Every test function in this folder."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("test_*_rules*.py"))]
    return [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_a_test_with_its_name_and_a_paragraph(rule: str) -> None:
    named = f"test_{rule[0].lower()}{int(rule[1:]):02}_"
    assert [name for name in names() if name.startswith(named)], f"no test is named {named}…"
    text = REPORT.read_text(encoding="utf-8")
    assert len(re.findall(rf"^### {rule}\. \S", text, re.MULTILINE)) == 1


def test_no_test_is_named_after_a_rule_that_is_none() -> None:
    known = {f"{rule[0].lower()}{int(rule[1:]):02}" for rule in RULES}
    told = {match[1] for name in names() if (match := re.match(r"test_([ab]\d\d)_", name))}
    assert told <= known
    assert all(re.match(r"test_[ab]\d\d_", name) for name in names() if name.startswith("test_"))


def test_the_page_of_rules_says_where_the_tests_by_name_are() -> None:
    assert "`tests/rules/`" in REPORT.read_text(encoding="utf-8")
