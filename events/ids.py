"""Ids are functions of what they name: session, actor, cause, index. The same decision always gets the same id."""

from __future__ import annotations

import hashlib


def derived_id(session: str, by: str, cause: int, index: int = 0) -> str:
    """A UUID-shaped id (version 8, custom) that is a function of its arguments."""
    digest = bytearray(hashlib.sha256(f"{session}|{by}|{cause}|{index}".encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
