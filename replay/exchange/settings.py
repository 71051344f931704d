"""What of the exchange is not known for certain, or differs by day: switches, also while it runs.

`POST /control/settings` takes a JSON object of some of these names and answers with all of them.
"""

from __future__ import annotations

import time
from typing import Annotated

import msgspec


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the exchange behaves where its documents are silent or disagree."""

    client_id: bool = False  # frames carry `"client_id":""` as the printed samples do; recorded ones do not
    #: Private requests a second and key; None is no limit and no headers. The published number was 30.
    requests_per_s: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    #: Public requests a second and address. The published number was 10; no headers were seen on public replies.
    public_requests_per_s: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    #: WebSocket connections, and messages without a token, a second and address; None is no limit. Published: 8 each.
    connections_per_s: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    messages_per_s: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    #: Products whose level2 one connection may have; more is an error. Seen between 16 and 31.
    level2_products: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = 30
    retry_after: bool = False  # whether a 429 of the limit says when to come back
    #: A connection that was sent nothing for so long is closed, as after 60 to 90 s; None is never.
    idle_close_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = 75.0
    #: A nonce may come again: some clients keep a token for its 120 s, others write the second for a nonce.
    nonces_repeat: bool = False
    sparse_updates: bool = False  # updates of the user channel leave out prices that stand, as clients have reported
    #: Money of futures positions and of margin windows over REST is `{value, currency}`; else text. Both were recorded.
    money_objects: bool = False
    edits: bool = False  # whether orders can be edited; else CANNOT_EDIT_FUTURES_ORDER, as the documents suggest


class BadSettings(ValueError):
    """What was given are no settings; the message says where and why."""


def change(settings: Settings, content: bytes) -> None:
    """Take what a JSON object names, all of it or nothing. Raises `BadSettings`."""
    try:
        given = msgspec.json.decode(content, type=dict[str, object])
        changed = msgspec.convert({**msgspec.to_builtins(settings), **given}, Settings)
    except msgspec.MsgspecError as error:
        raise BadSettings(
            f"no settings: {error}; a setting is one of {', '.join(Settings.__struct_fields__)}"
        ) from None
    for name in Settings.__struct_fields__:
        setattr(settings, name, getattr(changed, name))


class SecondsCount:
    """What one caller did in the present second of the wall's clock."""

    def __init__(self) -> None:
        self._second = 0
        self._used: dict[str, int] = {}

    def one_more(self, caller: str) -> int:
        """Count one; how many it makes in this second."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._used = second, {}
        used = self._used[caller] = self._used.get(caller, 0) + 1
        return used


class RequestLimit:
    """Private requests of one second, by key. Headers: the limit, what is left of it, seconds until it starts anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._private = SecondsCount()
        self._public = SecondsCount()
        self._connections = SecondsCount()
        self._messages = SecondsCount()

    def take_public(self, address: str) -> bool:
        """Whether one more request without a token may pass."""
        return _is_within(self._settings.public_requests_per_s, self._public, address)

    def take_connection(self, address: str) -> bool:
        """Whether one more WebSocket may be opened."""
        return _is_within(self._settings.connections_per_s, self._connections, address)

    def take_message(self, address: str) -> bool:
        """Whether one more message without a token may be heard."""
        return _is_within(self._settings.messages_per_s, self._messages, address)

    def take(self, key: str) -> tuple[bool, dict[str, str]]:
        """Whether one more request may pass, and the headers of its answer; none without a limit."""
        limit = self._settings.requests_per_s
        if limit is None:
            return True, {}
        used = self._private.one_more(key)
        headers = {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(max(0, limit - used)),
            "x-ratelimit-reset": "1",
        }
        if used > limit and self._settings.retry_after:
            headers["retry-after"] = "1"
        return used <= limit, headers


def _is_within(limit: int | None, count: SecondsCount, caller: str) -> bool:
    return limit is None or count.one_more(caller) <= limit
