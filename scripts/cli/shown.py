"""How values look: money, prices, quantities, times, tables; and the same as one JSON object.

What is shown is rounded for the eye; JSON carries every digit, decimals as text and times as RFC 3339 with nanoseconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from events.money import plain, rounded
from events.terms import NANOSECONDS

#: What a JSON object of ours is made of. Decimals become text.
Json: TypeAlias = "str | int | bool | Decimal | Mapping[str, Json] | Iterable[Json] | None"

UNKNOWN = "unknown"

_encoder = msgspec.json.Encoder(decimal_format="string")


def console() -> Console:
    """Where tables go. Not a terminal: wide enough that no number is cut."""
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def print_json(value: Mapping[str, Json]) -> None:
    """One JSON object on one line."""
    sys.stdout.buffer.write(_encoder.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def time_utc(at: int, *, digits: int = 9) -> str:
    """RFC 3339 of nanoseconds UTC, with as many digits behind the second; "never" for 0."""
    if not at:
        return "never"
    seconds, nanoseconds = divmod(at, NANOSECONDS)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{nanoseconds:09d}"[: len(moment) + (digits + 1 if digits else 0)] + "Z"


def clock_time(at: int) -> str:
    """The time of day, UTC, to the second."""
    return time_utc(at, digits=0)[11:19] if at else "never"


def duration(ns: int) -> str:
    """`1h 02m`, `3m 04s`, `5.2s`: two units, for the eye."""
    seconds = ns / NANOSECONDS
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}d {hour:02d}h" if days else f"{hour}h {minute:02d}m" if hours else f"{minute}m {second:02d}s"


def money(amount: Decimal | None, *, signed: bool = False) -> str:
    """Two decimals and thousands apart; what is not known is said to be so, never zero."""
    if amount is None:
        return UNKNOWN
    return f"{rounded(amount, places=2):{'+' if signed else ''},f}"


def gain(amount: Decimal | None) -> Text:
    """Money that may be won or lost, with its sign, green or red."""
    style = "dim" if not amount else "green" if amount > 0 else "red"
    return Text(money(amount, signed=True), style=style)


def price(amount: Decimal | None) -> str:
    """Every digit it has, at least; thousands apart."""
    return UNKNOWN if amount is None else f"{plain(amount):,f}"


def cents(amount: Decimal | None) -> str:
    """A price or a fee rounded for the eye: to the hundredth, or four digits behind it where it is below one."""
    if amount is None:
        return UNKNOWN
    return f"{plain(rounded(amount, places=2 if abs(amount) >= 1 else 6)):,f}"


def qty(amount: Decimal | None) -> str:
    return UNKNOWN if amount is None else f"{plain(amount):f}"


def share(amount: Decimal | None) -> str:
    """A fraction as a percentage."""
    return UNKNOWN if amount is None else f"{rounded(amount * 100, places=1):f} %"


def table(title: str, *columns: str, left: int = 1) -> Table:
    """A table whose first `left` columns are words and whose others are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for place, name in enumerate(columns):
        made.add_column(name, justify="left" if place < left else "right", overflow="fold")
    return made
