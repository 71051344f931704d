"""What lies below a request and a WebSocket: the connection itself, for faults that no protocol has words for.

Each protocol hands its transport to the application in the scope, under `TRANSPORT`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TRANSPORT = "perptape.transport"

#: Small, so that little of the tape is under way between the exchange and who follows it.
_WRITE_BUFFER_BYTES = 4 * 1024
_GOODBYE_S = 0.1


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


class ListeningServer(uvicorn.Server):
    """uvicorn, saying when it listens, and leaving on a signal without raising it again."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def transports(self) -> list[asyncio.WriteTransport]:
        """The connections that stand."""
        found = [connection.transport for connection in self.server_state.connections]
        return [transport for transport in found if isinstance(transport, asyncio.WriteTransport)]

    def leave(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye to who is connected, then hang up: a peer that does not answer holds nobody."""
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(_GOODBYE_S)
        for connection in list(self.server_state.connections):
            assert isinstance(connection.transport, asyncio.WriteTransport)
            connection.transport.abort()
        await asyncio.sleep(0)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, lambda *_: self.leave()) for number in signals]
        try:
            yield
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)
