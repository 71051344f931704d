"""Contract size is multiplied in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

from projections.notional import as_linear, base_qty, is_inverse, notional
from tests.streams.facts import D, listed


def test_two_contracts_of_a_hundredth_coin_at_50000_are_worth_1000_not_100000() -> None:
    assert notional(D(2), contract_size=D("0.01"), price=D(50_000)) == D(1_000)


def test_a_short_is_worth_less_than_nothing() -> None:
    assert notional(D(-2), contract_size=D("0.01"), price=D(50_000)) == D(-1_000)


def test_base_quantity_is_shown_in_coins() -> None:
    assert base_qty(D(2), contract_size=D("0.01")) == D("0.02")


@pytest.mark.parametrize(
    ("quote", "underlying", "expected"),
    [("USD", "BTC", False), ("USDC", "ETH", False), ("BTC", "BTC", True), ("btc", "BTC", True), ("USD", "", False)],
)
def test_a_product_quoted_in_its_own_underlying_is_inverse(quote: str, underlying: str, expected: bool) -> None:
    assert is_inverse(msgspec.structs.replace(listed(), quote_currency=quote, underlying=underlying)) is expected


def test_an_inverse_product_has_no_contract_size_to_compute_by_and_a_linear_one_keeps_its_own() -> None:
    inverse = msgspec.structs.replace(listed(), quote_currency="BTC", underlying="BTC")
    assert as_linear(inverse) == msgspec.structs.replace(inverse, contract_size=None)
    assert as_linear(listed()) == listed()


def test_nobody_else_multiplies_a_price_by_contract_size() -> None:
    root = Path(__file__).parents[2]
    found = {
        path.relative_to(root).as_posix(): f"line {node.lineno}: {ast.unparse(node)}"
        for folder in ("projections", "actors")
        for path in sorted((root / folder).rglob("*.py"))
        if path.name != "notional.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
        if "contract_size" in (names := factors(node)) and names & {"price", "mark", "limit_price", "mark_price"}
    }
    assert not found


def factors(node: ast.expr) -> set[str]:
    """The last names of what is multiplied in a chain of multiplications."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return factors(node.left) | factors(node.right)
    return {ast.unparse(node).split(".")[-1]}
