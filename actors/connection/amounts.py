"""The exchange's numbers and times: decimals as text or as `{value, currency}`, RFC 3339 with up to nine digits.

An empty text means "no value". `Amount`, `Instant` and `Text` are field types of replies: they read as
`Decimal | None`, as nanoseconds UTC or None, and as `str`. Numbers that are no finite decimal, and times that are
none, are errors with their path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from events.money import plain
from events.terms import NANOSECONDS

_FRACTION = re.compile(r"(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)")
#: Frames of one second share its whole part: parsed once, kept while the table is small.
_seconds: dict[str, int] = {}
_MAX_SECONDS = 4096
#: Nanoseconds that one unit of the fraction is worth, by the length of the whole text (1 to 9 digits).
_SCALES: dict[int, int] = {21 + digits: 10 ** (9 - digits) for digits in range(1, 10)}

#: What a decoder raises for bytes that are not what they should be.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
#: Prices and quantities lie below this, or they are nonsense that no arithmetic of ours shall meet.
ABSURD = Decimal(10) ** 18

if TYPE_CHECKING:
    Amount: TypeAlias = Decimal | None
    Instant: TypeAlias = int | None
    Text: TypeAlias = str
else:

    class _Read(type):
        """Lets the decoder accept what `wire_value` made of a text as an instance of the field's type."""

        def __instancecheck__(cls, value: object) -> bool:
            return value is None or isinstance(value, cls.made)

    class Amount(metaclass=_Read):
        """A decimal, or None."""

        made = Decimal

    class Instant(metaclass=_Read):
        """Nanoseconds UTC, or None."""

        made = int

    class Text(metaclass=_Read):
        """A text; null is an empty one."""

        made = str


def wire_value(kind: type, value: Any) -> object:
    """The decoder's hook for the field types. Its `ValueError` becomes the decoder's, with the path."""
    return _READERS[kind](value)


def amount_of(value: object) -> Decimal | None:
    """`"12.30"`, `{"value": "12.30", "currency": "USD"}` or 12 as a `Decimal`; `""` and null as None.

    >>> amount_of("12.30"), amount_of({"value": "5", "currency": "USD"}), amount_of("")
    (Decimal('12.30'), Decimal('5'), None)
    """
    if isinstance(value, dict):
        value = value.get("value")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise ValueError("Expected a decimal")
    try:
        amount = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ValueError(f"Expected a decimal, got {str(value)[:40]!r}") from None
    if not amount.is_finite() or not -40 <= amount.adjusted() < 40 or len(amount.as_tuple().digits) > 40:
        raise ValueError(f"Expected a decimal of sane size, got {str(value)[:40]!r}")
    return amount


def decimal_text(amount: Decimal) -> str:
    """A decimal as the exchange reads it: no exponent, no trailing zeros.

    >>> decimal_text(Decimal("3.00")), decimal_text(Decimal("2E+1")), decimal_text(Decimal("1E-8"))
    ('3', '20', '0.00000001')
    """
    return format(plain(amount), "f")


def instant_of(value: object) -> int | None:
    """An RFC 3339 text as nanoseconds UTC; None for null, for an empty text, and for the exchange's "never" (year 1).

    Older replies write some times as unix seconds.

    >>> instant_of("0001-01-01T00:00:00Z"), instant_of("1970-01-01T00:00:01.5Z")
    (None, 1500000000)
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("Expected a time")
    if value.isascii() and value.isdigit():
        return int(value) * NANOSECONDS
    return None if value.startswith("0001-") else nanoseconds_of(value)


def text_of(value: object) -> str:
    """A text as it is, null as an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("Expected a text")
    return value


_READERS: dict[Any, Callable[[object], object]] = {Amount: amount_of, Instant: instant_of, Text: text_of}


def nanoseconds_of(text: str) -> int:
    """An RFC 3339 time as nanoseconds UTC, exactly. Raises `ValueError` for any other text.

    >>> nanoseconds_of("2026-04-07T14:30:03.123456789Z")
    1775572203123456789
    >>> nanoseconds_of("2026-04-07T14:30:03Z") == nanoseconds_of("2026-04-07T16:30:03.0+02:00")
    True
    """
    try:
        if text[-1] == "Z":
            return _seconds[text[:19]] + int(text[20:-1]) * _SCALES[len(text)]
    except (KeyError, ValueError, IndexError):
        pass  # a new second, no fraction, or no time at all
    second = _seconds.get(text[:19])
    return (_second_of(text) if second is None else second) + _rest_of(text)


def rfc3339(at: int) -> str:
    """Nanoseconds UTC as the exchange reads them in queries.

    >>> rfc3339(1775572203123456789)
    '2026-04-07T14:30:03.123456Z'
    """
    moment = datetime.fromtimestamp(at // NANOSECONDS, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % NANOSECONDS // 1000:06d}Z"


def _second_of(text: str) -> int:
    whole = text[:19]
    try:
        second = int(datetime.strptime(whole.upper(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}") from None
    if len(_seconds) >= _MAX_SECONDS:
        _seconds.clear()
    _seconds[whole] = second * NANOSECONDS
    return second * NANOSECONDS


def _rest_of(text: str) -> int:
    """Nanoseconds that the fraction and the zone add to the whole second."""
    form = _FRACTION.fullmatch(text, 19)
    if form is None:
        raise ValueError(f"not an RFC 3339 time: {text[:40]!r}")
    fraction, zone = form.groups()
    nanos = int(fraction.ljust(9, "0")) if fraction else 0
    if zone in "Zz":
        return nanos
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return nanos - (1 if zone[0] == "+" else -1) * minutes * 60 * NANOSECONDS
