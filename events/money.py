"""Money is `Decimal` under one context: exact, or it raises.

A thread starts with Python's default context, so whoever hosts behaviours or projections enters this one
(`use_exact_arithmetic`). Under it an inexact result raises `decimal.Inexact`; whoever must round says so by name
(`rounded`, `quotient`), and every rounding in the system goes through these two functions.
"""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    setcontext,
)

ZERO = Decimal(0)
ONE = Decimal(1)

#: 60 digits: the product of a price, a quantity, a contract size and a rate of the exchange always fits exactly.
EXACT = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation, Inexact],
)
_ROUNDING = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation],
)


def use_exact_arithmetic() -> None:
    """Enter the money context in the calling thread; safe to call again."""
    setcontext(EXACT.copy())


def quotient(numerator: Decimal, denominator: Decimal, *, places: int) -> Decimal:
    """`numerator / denominator`, rounded half-even to `places` decimals. Raises `DivisionByZero`."""
    return rounded(_ROUNDING.divide(numerator, denominator), places=places)


def rounded(amount: Decimal, *, places: int) -> Decimal:
    """`amount` rounded half-even to `places` decimals."""
    return amount.quantize(Decimal(1).scaleb(-places), context=_ROUNDING)


def floor_to(amount: Decimal, increment: Decimal) -> Decimal:
    """The largest multiple of `increment` not above `amount`; the increment need not be a power of ten."""
    return _to_multiple(amount, increment, ROUND_FLOOR)


def ceil_to(amount: Decimal, increment: Decimal) -> Decimal:
    """The smallest multiple of `increment` not below `amount`."""
    return _to_multiple(amount, increment, ROUND_CEILING)


def on_grid(amount: Decimal, increment: Decimal) -> bool:
    """Whether `amount` is a whole multiple of `increment`."""
    return amount % increment == 0


def plain(amount: Decimal) -> Decimal:
    """The same value without trailing zeros or exponent, so that equal values print alike: 1.500 -> 1.5, 2E+1 -> 20."""
    if amount == 0:
        return ZERO
    normal = amount.normalize(_ROUNDING)
    exponent = normal.as_tuple().exponent
    return normal.quantize(ONE, context=_ROUNDING) if isinstance(exponent, int) and exponent > 0 else normal


def _to_multiple(amount: Decimal, increment: Decimal, rounding: str) -> Decimal:
    steps = _ROUNDING.divide(amount, increment).quantize(ONE, rounding=rounding, context=_ROUNDING)
    return steps * increment
