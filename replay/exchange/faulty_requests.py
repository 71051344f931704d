"""Requests, and what goes wrong with them: stands before the REST side and spoils what the faults say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from replay.exchange.faults import (
    AnyRequestFault,
    EmptyBody,
    HtmlBody,
    LateReply,
    LostReply,
    LostRequest,
    Restart,
    ServerError,
    SlowDrip,
    TooMany,
    Truncated,
)
from replay.exchange.outage import Outage
from replay.exchange.schedule import Faults
from replay.exchange.wire import transport_of

BASE = "/api/v3/brokerage"

_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"
_LIMITED = b'{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}'


class FaultyRequests:
    """An ASGI application before another. Requests outside the exchange's own paths pass untouched."""

    def __init__(
        self, app: ASGIApp, faults: Faults, now: Callable[[], int], outage: Outage, cancel_all: Callable[[], None]
    ) -> None:
        self._app = app
        self._outage = outage
        self._cancel_all = cancel_all
        self._faults = faults
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        fault = None
        if scope["type"] == "http" and path.startswith(BASE + "/"):
            fault = self._faults.on_request(scope["method"], path.removeprefix(BASE), self._now())
        if fault is None:
            await self._app(scope, receive, send)
            return
        await self._spoil(fault, scope, receive, send)

    async def _spoil(self, fault: AnyRequestFault, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(fault, Restart):
            await self._restart(fault, scope, receive)
        elif isinstance(fault, LostRequest):
            await Request(scope, receive).body()
            await _hang_up(scope, receive)
        elif isinstance(fault, TooMany) or (isinstance(fault, ServerError) and not fault.carried_out):
            await Request(scope, receive).body()
            await _refusal(fault)(scope, receive, send)
        else:
            start, body = await self._answer(scope, receive)
            await _spoilt(fault, start, body, scope, receive, send)

    async def _restart(self, fault: Restart, scope: Scope, receive: Receive) -> None:
        if fault.carried_out:
            await self._answer(scope, receive)
        else:
            await Request(scope, receive).body()
        if fault.cancels_orders:
            self._cancel_all()
        self._outage.begin(fault.seconds)
        await _hang_up(scope, receive)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """Carry the request out and keep its answer."""
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": plain}, receive, keep)
        return said[0], b"".join(message.get("body", b"") for message in said[1:])


async def _spoilt(
    fault: AnyRequestFault, start: Message, body: bytes, scope: Scope, receive: Receive, send: Send
) -> None:
    if isinstance(fault, LostReply):
        await _hang_up(scope, receive)
    elif isinstance(fault, LateReply):
        await asyncio.sleep(fault.seconds)
        await _send(start, body, send)
    elif isinstance(fault, SlowDrip):
        await send(start)
        for first in range(0, len(body), fault.bytes_at_once):
            await send(
                {"type": "http.response.body", "body": body[first : first + fault.bytes_at_once], "more_body": True}
            )
            await asyncio.sleep(fault.pause_s)
        await send({"type": "http.response.body", "body": b""})
    else:
        await _replacement(fault, start, body)(scope, receive, send)


async def _send(start: Message, body: bytes, send: Send) -> None:
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _replacement(fault: AnyRequestFault, start: Message, body: bytes) -> Response:
    if isinstance(fault, ServerError):
        return _refusal(fault)
    if isinstance(fault, HtmlBody):
        return HTMLResponse(_PAGE.format("One moment, please"))
    assert isinstance(fault, EmptyBody | Truncated), fault
    left = b"" if isinstance(fault, EmptyBody) else body[: len(body) // 2]
    return Response(left, status_code=start["status"], media_type="application/json")


def _refusal(fault: TooMany | ServerError) -> Response:
    if isinstance(fault, TooMany):
        return too_many(_retry_after(fault))
    if fault.body == "html":
        return HTMLResponse(_PAGE.format(f"{fault.status} Error"), status_code=fault.status)
    content = b"" if fault.body == "empty" else b'{"error":"INTERNAL","error_details":"","message":""}'
    return Response(content, status_code=fault.status, media_type="application/json")


def too_many(headers: dict[str, str]) -> Response:
    """429 as the sister API words it; the real body is not known."""
    return Response(_LIMITED, status_code=429, media_type="application/json", headers=headers)


def _retry_after(fault: TooMany) -> dict[str, str]:
    if fault.retry_after_s is None:
        return {}
    told = formatdate(time.time() + fault.retry_after_s, usegmt=True) if fault.as_date else str(fault.retry_after_s)
    return {"retry-after": told}


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """End the connection without a word, and return when it is gone."""
    transport_of(scope).abort()
    while (await receive())["type"] != "http.disconnect":
        pass
