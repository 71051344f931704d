"""The WebSocket side: accepts connections, reads what they say, closes those that say nothing in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from replay.exchange import channels
from replay.exchange.auth import KeyRing, Unauthorized
from replay.exchange.hub import MARKET_CHANNELS, PRIVATE_CHANNELS, Connection, Hub, Message
from replay.exchange.pump import Pump

_NORMAL_CLOSURE = 1000


class Sockets:
    """An ASGI application for WebSocket connections on any path."""

    def __init__(self, hub: Hub, pump: Pump, keys: KeyRing, *, subscribe_within_s: float) -> None:
        self.hub = hub
        self.pump = pump
        self.keys = keys
        self.subscribe_within_s = subscribe_within_s

    async def __call__(
        self, _scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        connection = Connection(send)
        self.hub.join(connection)
        writer = asyncio.create_task(connection.write_out())
        listener = asyncio.create_task(self._listen(connection, receive, send))
        try:
            await asyncio.wait((writer, listener), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.leave(connection)
            for task in (writer, listener):
                task.cancel()
            await asyncio.gather(writer, listener, return_exceptions=True)

    async def _listen(
        self,
        connection: Connection,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        try:
            async with asyncio.timeout(self.subscribe_within_s):
                message = await receive()
        except TimeoutError:
            with suppress(OSError):
                await send({"type": "websocket.close", "code": _NORMAL_CLOSURE, "reason": "no subscription in time"})
            return
        while message["type"] != "websocket.disconnect":
            self.hear(connection, message.get("text") or (message.get("bytes") or b"").decode(errors="replace"))
            message = await receive()

    def hear(self, connection: Connection, text: str) -> None:
        """Do what one message says, or answer with an error."""
        self.pump.catch_up()
        try:
            kind, channel, products, token = channels.read(text)
            self._check(channel, token)
            if kind == "unsubscribe":
                channels.unsubscribe(self.hub, connection, channel)
                return
            channels.subscribe(self.hub, connection, channel, products)
        except channels.Refused as refused:
            connection.post_error(str(refused))
            return
        self.pump.client_subscribed(to_market=channel in MARKET_CHANNELS)

    def _check(self, channel: str, token: str | None) -> None:
        """Private channels need a token; a token that comes along must be good wherever it comes."""
        if token is None:
            if channel in PRIVATE_CHANNELS:
                raise channels.Refused(channels.AUTHENTICATION_FAILURE)
            return
        try:
            self.keys.check(token, now_s=time.time(), uris=None)
        except Unauthorized:
            raise channels.Refused(channels.AUTHENTICATION_FAILURE) from None
