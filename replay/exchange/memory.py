"""What the exchange must not forget when its process dies: how far its tape was, and what clients asked of it.

The venue is deterministic, so tape and requests are all there is to know: after a restart the tape is heard again up to
the same fact, and each request is carried out at the same moment, ids and fills included. One file holds the requests,
a line each; another the number of facts heard, written in place, so that a `kill -9` at any moment loses nothing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from pathlib import Path

import msgspec

from events.catalog import ProductListed
from events.event import Event
from replay.exchange.acts import ActRefused, AnyAct
from replay.exchange.editing import EditRefusal
from replay.exchange.orders import Order, Refusal, Ticket
from replay.exchange.rules import VenueRules
from replay.exchange.venue import Venue

_REQUESTS = "requests.jsonl"
_HEARD = "heard"
_COUNT = struct.Struct("<Q")


class OtherTape(ValueError):
    """The folder remembers an exchange on another tape or with other rules."""


class _Began(msgspec.Struct, tag="began", tag_field="kind"):
    """The first line: what the exchange was set up with."""

    tape: str
    rules: str


class _Created(msgspec.Struct, tag="created", tag_field="kind"):
    heard: int
    now: int
    ticket: Ticket
    is_close: bool


class _Cancelled(msgspec.Struct, tag="cancelled", tag_field="kind"):
    heard: int
    now: int
    order_id: str


class _Edited(msgspec.Struct, tag="edited", tag_field="kind"):
    heard: int
    now: int
    order_id: str
    price: Decimal
    size: Decimal


class _Acted(msgspec.Struct, tag="acted", tag_field="kind"):
    heard: int
    now: int
    act: AnyAct


_Line = _Began | _Created | _Cancelled | _Edited | _Acted


class RememberingVenue(Venue):
    """A venue that writes down what it hears of, before it answers."""

    def __init__(self, product: ProductListed, rules: VenueRules, *, now: int, folder: Path, tape: str) -> None:
        """Raises `OtherTape` when the folder remembers something else."""
        super().__init__(product, rules, now=now)
        began = _Began(tape, repr(msgspec.to_builtins(rules)))
        self.heard = 0
        self._lines = _read(folder / _REQUESTS)
        if self._lines and self._lines[0] != began:
            raise OtherTape(f"{folder}: it remembers another tape or other rules; name another folder")
        self._position = os.open(folder / _HEARD, os.O_RDWR | os.O_CREAT, 0o600)
        self._requests = os.open(folder / _REQUESTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._is_remembering = False
        if not self._lines:
            self._write(began)

    def recall(self, facts: Iterator[tuple[int, Event]]) -> None:
        """Hear the tape again up to where it was, and carry out each request at its moment."""
        before = os.pread(self._position, _COUNT.size, 0)
        until = _COUNT.unpack(before)[0] if before else 0
        self._is_remembering = True
        for line in self._lines:
            if not isinstance(line, _Began):
                self._hear_until(facts, line.heard)
                self.advance(line.now)
                if isinstance(line, _Created):
                    self.create(line.ticket, is_close=line.is_close)
                elif isinstance(line, _Edited):
                    self.edit(line.order_id, price=line.price, size=line.size)
                elif isinstance(line, _Acted):
                    self._again(line.act)
                else:
                    self.cancel(line.order_id)
        self._hear_until(facts, until)
        self.take_reports()
        self._is_remembering = False

    def hear(self, at: int, event: Event) -> Event | None:
        seen = super().hear(at, event)
        self.heard += 1
        if not self._is_remembering:
            os.pwrite(self._position, _COUNT.pack(self.heard), 0)
        return seen

    def create(self, ticket: Ticket, *, is_close: bool = False) -> Order | Refusal:
        if not self._is_remembering and ticket.client_order_id not in self.ledger.by_client_id:
            self._write(_Created(self.heard, self.now, ticket, is_close))
        return super().create(ticket, is_close=is_close)

    def cancel(self, order_id: str) -> str:
        if not self._is_remembering:
            self._write(_Cancelled(self.heard, self.now, order_id))
        return super().cancel(order_id)

    def edit(self, order_id: str, *, price: Decimal, size: Decimal) -> EditRefusal | None:
        if not self._is_remembering:
            self._write(_Edited(self.heard, self.now, order_id, price, size))
        return super().edit(order_id, price=price, size=size)

    def act(self, act: AnyAct) -> None:
        if not self._is_remembering:
            self._write(_Acted(self.heard, self.now, act))
        super().act(act)

    def _again(self, act: AnyAct) -> None:
        with suppress(ActRefused):  # as it was then
            super().act(act)

    def _hear_until(self, facts: Iterator[tuple[int, Event]], heard: int) -> None:
        for at, event in islice(facts, heard - self.heard):
            self.hear(at, event)

    def _write(self, line: _Line) -> None:
        content = memoryview(_encoder.encode(line) + b"\n")
        while content:
            content = content[os.write(self._requests, content) :]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Line)


def _read(file: Path) -> list[_Line]:
    """The lines that were written whole. A last one that the end of the process cut off was never answered: it goes."""
    if not file.exists():
        return []
    content = file.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(file, len(whole))
    return [_decoder.decode(line) for line in whole.splitlines()]
