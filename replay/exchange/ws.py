"""The WebSocket side: accepts connections, reads what they say, closes those that say nothing in time."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from replay.exchange import channels
from replay.exchange.auth import Unauthorized
from replay.exchange.desk import Desk
from replay.exchange.faults import ClockSkew, RefusedSocket
from replay.exchange.faulty_frames import FrameWriter
from replay.exchange.hub import MARKET_CHANNELS, PRIVATE_CHANNELS, Connection
from replay.exchange.wire import transport_of

_NORMAL_CLOSURE = 1000


async def _refuse(send: Send, status: int) -> None:
    """A status in place of the handshake."""
    start = {"type": "websocket.http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": HTTPStatus(status).phrase.encode() + b"\n"})


class Sockets:
    """An ASGI application for WebSocket connections on any path."""

    def __init__(self, desk: Desk, *, subscribe_within_s: float) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.pump = desk.pump
        self.subscribe_within_s = subscribe_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        address = "" if scope["client"] is None else scope["client"][0]
        if not self.desk.limit.take_connection(address):
            await _refuse(send, 429)
            return
        refused = self.desk.faults.lag(RefusedSocket, self.desk.venue.now)
        if refused is not None:
            await _refuse(send, refused.status)
            return
        await send({"type": "websocket.accept"})
        venue = self.desk.venue
        writer_of = FrameWriter(send, faults=self.desk.faults, now=lambda: venue.now, transport=transport_of(scope))
        connection = Connection(writer_of, self.desk.settings)
        self.hub.join(connection)
        writer = asyncio.create_task(connection.write_out())
        listener = asyncio.create_task(self._listen(connection, receive, send, address))
        try:
            await asyncio.wait((writer, listener), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.leave(connection)
            for task in (writer, listener):
                task.cancel()
            await asyncio.gather(writer, listener, return_exceptions=True)

    async def _listen(self, connection: Connection, receive: Receive, send: Send, address: str) -> None:
        try:
            async with asyncio.timeout(self.subscribe_within_s):
                message = await receive()
        except TimeoutError:
            with suppress(OSError):
                await send({"type": "websocket.close", "code": _NORMAL_CLOSURE, "reason": "no subscription in time"})
            return
        while message["type"] != "websocket.disconnect":
            said = message.get("text") or (message.get("bytes") or b"").decode(errors="replace")
            self.hear(connection, said, address)
            message = await receive()

    def hear(self, connection: Connection, text: str, address: str = "") -> None:
        """Do what one message says, or answer with an error."""
        self.pump.catch_up()
        try:
            kind, channel, products, token = channels.read(text)
            if token is None and not self.desk.limit.take_message(address):
                raise channels.Refused(channels.TOO_FAST)
            self._check(channel, token)
            most = self.desk.settings.level2_products
            if channel == "level2" and most is not None and len(set(products)) > most:
                raise channels.Refused(channels.TOO_MANY_BOOKS)
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
        skew = self.desk.faults.lag(ClockSkew, self.desk.venue.now)
        try:
            now_s = time.time() + (0 if skew is None else skew.seconds)
            self.desk.keys.check(token, now_s=now_s, uris=None, may_repeat=self.desk.settings.nonces_repeat)
        except Unauthorized:
            raise channels.Refused(channels.AUTHENTICATION_FAILURE) from None
