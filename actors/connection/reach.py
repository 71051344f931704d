"""Whether a feed can be reached: one connection, one subscription, one heartbeat, and gone again."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from actors.connection.auth import Credentials
from actors.connection.errors import FeedBroken
from actors.connection.frames import read_frame
from actors.connection.socket import FeedSocket

#: Connecting, being acknowledged and hearing the first heartbeat may take this long together.
WITHIN_S = 8.0


def first_heartbeat_s(
    url: str,
    channels: Sequence[str],
    credentials: Credentials | None,
    *,
    ca_file: str | None = None,
    proxy: str | None = None,
    within_s: float = WITHIN_S,
) -> float:
    """Subscribe channels that need no products, with heartbeats; the seconds until the first one, all acknowledged.

    Raises `FeedBroken` (also `FrameUnreadable`'s tree) with the reason.
    """
    began = time.monotonic()
    socket = FeedSocket(url, connect_timeout_s=within_s, ca_file=ca_file, proxy=proxy)
    try:
        socket.connect()
        missing = {*channels, "heartbeats"}
        for channel in (*channels, "heartbeats"):
            socket.send(_subscribe(channel, credentials))
        has_beaten = False
        while missing or not has_beaten:
            left = began + within_s - time.monotonic()
            if left <= 0:
                raise FeedBroken(f"{', '.join(sorted(missing)) or 'a heartbeat'} did not come within {within_s:g} s")
            frame = read_frame(socket.receive(left), {})
            if frame.error is not None:
                raise FeedBroken(f"the exchange refused: {frame.error}")
            missing -= {*(frame.subscriptions or {})}
            has_beaten = has_beaten or frame.heartbeat is not None
        return time.monotonic() - began
    finally:
        socket.close()


def _subscribe(channel: str, credentials: Credentials | None) -> str:
    message = {"type": "subscribe", "channel": channel}
    if credentials is not None:
        message["jwt"] = credentials.subscribe_token()
    return msgspec.json.encode(message).decode()
