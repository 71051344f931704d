"""Frames on their way out, and what goes wrong with them: one connection's writer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from replay.exchange.faults import (
    AnyFrameFault,
    Close,
    Cut,
    Delay,
    Drop,
    Duplicate,
    Garbage,
    Oversize,
    Reorder,
    Stall,
)
from replay.exchange.schedule import Faults

_NO_JSON = '{"channel":"l2_data","events":[{"type":"upd'
_BINARY = bytes(range(256))
_NO_FRAME = b"\xff\x02\xff\xff"  # reserved bits and an opcode that does not exist
_ENDLESS_FRAME = b"\x81\x7f\x7f" + b"\xff" * 7  # text of 2^63 - 1 bytes: what follows seems to belong to it

Send = Callable[[Any], Awaitable[None]]


class FrameWriter:
    """Sends frames one by one, each as the faults will have it."""

    def __init__(self, send: Send, *, faults: Faults, now: Callable[[], int], transport: asyncio.Transport) -> None:
        self._send = send
        self._faults = faults
        self._now = now
        self._connection = transport
        self._held: list[str] = []  # struck by a reorder: they follow the next frame

    async def write(self, channel: str, frame: str) -> bool:
        """Send one frame. Returns whether the connection still stands."""
        fault = self._faults.on_frame(channel, self._now())
        if fault is None:
            await self._put(frame)
            return True
        return await self._struck(fault, frame)

    async def close(self, code: int, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _struck(self, fault: AnyFrameFault, frame: str) -> bool:
        if isinstance(fault, Close):
            await self.close(fault.code, fault.reason)
            return False
        if isinstance(fault, Cut):
            self._connection.abort()
            return False
        if isinstance(fault, Drop):
            return True
        if isinstance(fault, Reorder):
            self._held.append(frame)
            return True
        if isinstance(fault, Duplicate):
            await self._text(frame)
        elif isinstance(fault, Delay):
            await asyncio.sleep(fault.seconds)
        elif isinstance(fault, Stall):
            await self._stall(fault.seconds)
        elif isinstance(fault, Garbage):
            await self._garbage(fault)
        elif isinstance(fault, Oversize):
            await self._text(_padded(fault.size_bytes))
        await self._put(frame)
        return True

    async def _put(self, frame: str) -> None:
        await self._text(frame)
        held, self._held = self._held, []
        for late in held:
            await self._text(late)

    async def _text(self, frame: str) -> None:
        await self._send({"type": "websocket.send", "text": frame})

    async def _stall(self, seconds: float) -> None:
        self._connection.pause_reading()
        try:
            await asyncio.sleep(seconds)
        finally:
            if not self._connection.is_closing():
                self._connection.resume_reading()

    async def _garbage(self, fault: Garbage) -> None:
        if fault.content == "text":
            await self._text(_NO_JSON)
        elif fault.content == "binary":
            await self._send({"type": "websocket.send", "bytes": _BINARY})
        else:
            self._connection.write(_NO_FRAME if fault.content == "wire" else _ENDLESS_FRAME)


def _padded(size_bytes: int) -> str:
    """A frame of this many bytes; one too small for an envelope is blanks."""
    head, tail = '{"channel":"padding","padding":"', '"}'
    return head + " " * (size_bytes - len(head) - len(tail)) + tail if size_bytes > 40 else " " * size_bytes
