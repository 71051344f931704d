"""Ids are functions of what they name: session, actor, cause, index. The same decision always gets the same id."""

from __future__ import annotations

import hashlib
import re


def derived_id(session: str, by: str, cause: int, index: int = 0) -> str:
    """A UUID-shaped id (version 8, custom) that is a function of its arguments."""
    digest = bytearray(hashlib.sha256(f"{session}|{by}|{cause}|{index}".encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_DERIVED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_derived(text: str) -> bool:
    """Whether `text` has the form of an id made by `derived_id`: a UUID of version 8. It does not say by which session.

    >>> is_derived(derived_id("s", "orders", 7)), is_derived("7c9e6679-7425-40de-944b-e07fc1f90ae7")
    (True, False)
    """
    return _DERIVED.fullmatch(text) is not None
