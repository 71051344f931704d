"""Reading the query of a request: numbers, times, flags, and pages."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from starlette.requests import Request

from replay.exchange.errors import BadRequest
from replay.exchange.times import nanoseconds_of

T = TypeVar("T")


def integer(request: Request, name: str, *, least: int = 0) -> int | None:
    """A whole number of the query; None when not given. Raises `BadRequest`."""
    text = request.query_params.get(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18 or int(text) < least:
        raise BadRequest(f"{name} must be a whole number of at least {least}")
    return int(text)


def decimal(request: Request, name: str) -> Decimal | None:
    """A decimal above zero; None when not given. Raises `BadRequest`."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise BadRequest(f"{name} must be a number") from None
    if not amount.is_finite() or amount <= 0 or len(text) > 18:
        raise BadRequest(f"{name} must be a number above zero")
    return amount


def moment(request: Request, name: str) -> int | None:
    """An RFC 3339 time as nanoseconds UTC; None when not given. Raises `BadRequest`."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return nanoseconds_of(text)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from None


def words(request: Request, name: str) -> frozenset[str]:
    """A repeated key of the query; empty when not given."""
    return frozenset(word for word in request.query_params.getlist(name) if word)


def page(rows: Sequence[tuple[int, T]], *, cursor: str | None, limit: int) -> tuple[list[T], str]:
    """The rows that follow the cursor, and the cursor of what is left ("" when nothing is).

    Rows are (number, row), newest first; a cursor is the last number shown, so that new rows do not shift pages.
    Raises `BadRequest` for a cursor that was never given out.
    """
    if cursor and not cursor.isdecimal():
        raise BadRequest("cursor is not one of ours")
    below = int(cursor) if cursor else None
    left = [row for row in rows if below is None or row[0] < below]
    shown = left[:limit]
    return [row for _, row in shown], str(shown[-1][0]) if shown and len(left) > limit else ""
