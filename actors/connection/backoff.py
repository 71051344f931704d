"""How long to wait before trying again: doubling, with jitter that depends on the attempt alone."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

#: A Retry-After beyond this is not waited for: the caller gets the error and decides.
MAX_RETRY_AFTER_S = 120.0


def retry_delay(attempt: int, *, first_s: float, jitter_factor: float, retry_after_s: float | None = None) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1). A Retry-After takes the doubling's place.

    The seed's formula reads 2^attempt; both its examples need 2^(attempt-1), and the examples win.

    >>> [round(retry_delay(n, first_s=1.0, jitter_factor=0.1), 2) for n in (1, 2, 3, 4)]
    [1.01, 2.04, 4.12, 8.32]
    >>> [retry_delay(n, first_s=1.0, jitter_factor=0) for n in (1, 2, 3)]
    [1.0, 2.0, 4.0]
    >>> retry_delay(10, first_s=1.0, jitter_factor=0.1)
    512.0
    >>> retry_delay(1, first_s=1.0, jitter_factor=0.1, retry_after_s=5)
    5.05
    """
    delay = first_s * 2.0 ** (attempt - 1) if retry_after_s is None else float(retry_after_s)
    return delay + jitter_factor * delay * ((attempt % 10) / 10)


def reconnect_delay(attempt: int, *, first_s: float, longest_s: float, jitter_factor: float) -> float:
    """Seconds before connecting again after `attempt` failures in a row: doubling up to `longest_s`, jitter on top.

    >>> [round(reconnect_delay(n, first_s=0.25, longest_s=30.0, jitter_factor=0.1), 4) for n in (1, 2, 8, 9, 100)]
    [0.2525, 0.51, 32.4, 32.7, 30.0]
    """
    delay = min(longest_s, first_s * 2.0 ** min(attempt - 1, 32))
    return delay + jitter_factor * delay * ((attempt % 10) / 10)


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Seconds that a Retry-After asks for, in both its forms; None when there is none, or it says nothing.

    >>> retry_after_s("7", 0.0), retry_after_s("Thu, 01 Jan 1970 00:01:40 GMT", 90.0), retry_after_s("soon", 0.0)
    (7.0, 10.0, None)
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    date_s = http_date_s(text)
    return None if date_s is None else max(0.0, date_s - now_s)


def http_date_s(header: str | None) -> float | None:
    """Unix seconds of a date as HTTP writes it; None for none, and for a text that is no date.

    >>> http_date_s("Thu, 01 Jan 1970 00:01:40 GMT"), http_date_s("soon"), http_date_s(None)
    (100.0, None, None)
    """
    try:
        return None if header is None else parsedate_to_datetime(header).timestamp()
    except ValueError:
        return None
