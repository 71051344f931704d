"""What lies below a request and a WebSocket: the connection itself, for faults that no protocol has words for.

Each protocol hands its transport to the application in the scope, under `TRANSPORT`.
"""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TRANSPORT = "perptape.transport"

#: Small, so that little of the tape is under way between the exchange and who follows it.
_WRITE_BUFFER_BYTES = 4 * 1024


class RequestConnection(H11Protocol):
    """A connection of requests and answers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent does
        super().connection_made(transport)
        self.app = with_transport(cast(ASGIApp, self.app), transport)


class PacedSocket(WebSocketsSansIOProtocol):
    """A WebSocket that holds little back: what does not fit waits with the tape."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        super().connection_made(transport)
        self.app = with_transport(cast(ASGIApp, self.app), transport)


def transport_of(scope: Scope) -> asyncio.Transport:
    """The connection that a request or WebSocket came by."""
    return cast(asyncio.Transport, scope[TRANSPORT])


def with_transport(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    """The application, told which connection it speaks through."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        scope[TRANSPORT] = transport
        await app(scope, receive, send)

    return told
