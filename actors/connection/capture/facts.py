"""A capture decoded again: the facts that the feed told, from the frames it received, through the feed's own decoder.

What a frame itself shows (a gap, a refusal, a frame that cannot be read) is found again; what no frame shows (a
silence, a close) is as the capture noted it. A capture whose beginning was dropped begins in the middle of a
connection, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from actors.connection.capture.file import CaptureFile
from actors.connection.capture.format import EXCHANGE, CaptureHeader, Entry
from actors.connection.errors import BrokerageError
from actors.connection.hearing import Hearing, Wanted, end_facts
from actors.connection.market_feed import MarketFacts
from actors.connection.older_exchange.hearing import ExchangeHearing
from actors.connection.user_feed import UserFacts
from events.feeds import FeedConnected, FeedSubscribed
from events.record import AnyEvent


class Retold(NamedTuple):
    """A fact as the feed told it. `received_at`: of the frame it came with; `time`: the exchange's, as told."""

    by: str
    event: AnyEvent
    time: int | None
    received_at: int


class CaptureReading:
    """Files of one or several feeds and runs, read once. `remarks` says, after reading, what is not whole."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises `CaptureDamaged` and `OSError`."""
        self.remarks: list[str] = []
        self.frames = 0
        self._files = [CaptureFile(path) for path in paths]

    def __iter__(self) -> Iterator[Retold]:
        for _, files in groupby(self._files, key=lambda file: (file.header.feed, file.header.run)):
            yield from self._run(list(files))

    def _run(self, files: Sequence[CaptureFile]) -> Iterator[Retold]:
        telling = _Telling(files[0].header)
        for file in files:
            for entry in file:
                self.frames += entry.kind == "frame"
                if telling.is_midway(entry):
                    self.remarks.append(f"{file.path.name} begins in the middle of connection {entry.connection}")
                yield from telling.told(entry)
            if file.cut_short:
                self.remarks.append(file.cut_short)


class _Telling:
    """One run of one feed, entry by entry."""

    def __init__(self, header: CaptureHeader) -> None:
        self._feed = header.feed
        self._products = header.products
        self._facts: MarketFacts | UserFacts
        self._facts = UserFacts() if header.feed == "user" else MarketFacts(header.products, header.last_trades)
        self._is_exchange = header.dialect == EXCHANGE
        self._connection = 0
        self._wanted: list[Wanted] = []
        self._hearing: Hearing | ExchangeHearing | None = None
        self._failed: Exception | None = None

    def is_midway(self, entry: Entry) -> bool:
        """Whether the entry belongs to a connection whose beginning is not in the capture. Then it is taken up here."""
        if entry.kind != "frame" or entry.connection == self._connection:
            return False
        self._connection, self._failed = entry.connection, None
        self._hearing = None if self._is_exchange else Hearing((), self._products, is_midway=True)
        return True

    def told(self, entry: Entry) -> Iterator[Retold]:
        match entry.kind:
            case "connected":
                self._connection, self._failed = entry.connection, None
                self._wanted = msgspec.json.decode(entry.payload, type=list[Wanted])
                channels = [each.channel for each in self._wanted]
                self._hearing = (
                    ExchangeHearing(channels, self._products)
                    if self._is_exchange
                    else Hearing(self._wanted, self._products)
                )
                yield self._retold(FeedConnected(feed=self._feed, connection=entry.connection), None, entry)
            case "ended":
                noted: Sequence[AnyEvent] = msgspec.json.decode(entry.payload, type=list[AnyEvent])
                found = noted if self._failed is None else end_facts(self._feed, entry.connection, self._failed)
                self._hearing, self._failed = None, None
                yield from (self._retold(event, None, entry) for event in found)
            case _:
                yield from self._heard(entry)

    def _heard(self, entry: Entry) -> Iterator[Retold]:
        hearing = self._hearing
        if hearing is None or self._failed is not None:
            return
        try:
            facts = [*self._facts_of(hearing, entry)]
        except BrokerageError as error:
            self._failed = error  # what ended the connection; its facts are told where it ended
            return
        yield from facts

    def _facts_of(self, hearing: Hearing | ExchangeHearing, entry: Entry) -> Iterator[Retold]:
        was_whole = hearing.is_whole
        if isinstance(hearing, ExchangeHearing):
            events = hearing.hear(entry.payload, entry.at)
            if hearing.is_whole and not was_whole:
                yield self._retold(self._subscribed(), None, entry)
            assert isinstance(self._facts, MarketFacts), "the older Exchange's feed is a market feed"
            yield from (self._retold(event, None, entry) for event in self._facts.fresh(events))
            return
        for frame in hearing.hear(entry.payload):
            is_last_ack = not was_whole and frame.subscriptions is not None
            for event in [self._subscribed()] if is_last_ack else self._facts.of(frame):
                yield self._retold(event, frame.at, entry)

    def _subscribed(self) -> FeedSubscribed:
        channels = tuple(each.channel for each in self._wanted)
        return FeedSubscribed(feed=self._feed, connection=self._connection, channels=channels)

    def _retold(self, event: AnyEvent, time: int | None, entry: Entry) -> Retold:
        return Retold(self._feed, event, time, entry.at)
