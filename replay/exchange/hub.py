"""Who listens, and what each is sent: connections with their channels and their one count of frames.

Frames are put in line at once and written by each connection's own task, so what is said in one step stays in order.
A line that is full makes the tape wait (`room`): at full speed the slowest subscriber sets the pace.
"""

from __future__ import annotations

import asyncio
from collections import deque

import orjson

from events.event import Event
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.terms import NANOSECONDS
from replay.exchange import frames
from replay.exchange.candles import Candle
from replay.exchange.faulty_frames import FrameWriter
from replay.exchange.settings import Settings
from replay.exchange.times import rfc3339
from replay.exchange.venue import Venue

#: Frames a connection may have in line before the tape waits for it.
LINE_LIMIT = 8

MARKET_CHANNELS = frozenset({"market_trades", "ticker", "ticker_batch", "level2", "candles"})
PRODUCT_CHANNELS = MARKET_CHANNELS | {"status"}
PRIVATE_CHANNELS = frozenset({"user", "futures_balance_summary"})
CHANNELS = PRODUCT_CHANNELS | PRIVATE_CHANNELS | {"heartbeats"}

_GOING_AWAY = 1001
_TICKER_BATCH_NS = 5 * NANOSECONDS
_CANDLE_NS = NANOSECONDS
_STATUS_NS = 5 * NANOSECONDS


class Connection:
    """One WebSocket: its subscriptions, its sequence from 0 over all channels, and its line of frames."""

    def __init__(self, writer: FrameWriter, settings: Settings) -> None:
        self.subscribed: dict[str, list[str]] = {}
        self._writer = writer
        self._settings = settings
        self._sequence = 0
        self._line: deque[tuple[str, str]] = deque()  # channel and frame
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def post(self, channel: str, at: str, events: str) -> None:
        """Put a frame of a channel in line, numbered."""
        number = self._sequence
        self._sequence += 1
        client = '"client_id":"",' if self._settings.client_id else ""
        self._put(
            channel, f'{{"channel":"{channel}",{client}"timestamp":"{at}","sequence_num":{number},"events":{events}}}'
        )

    def post_error(self, message: str) -> None:
        """Put an error in line: no channel, no number."""
        self._put("", orjson.dumps({"type": "error", "message": message}).decode())

    @property
    def has_room(self) -> bool:
        return self._room.is_set()

    async def room(self) -> None:
        """Return when the line is short enough, or gone."""
        await self._room.wait()

    async def write_out(self) -> None:
        """Write frames as they come, for as long as the connection lives; one that gets none for long is closed."""
        while True:
            while self._line:
                if not await self._writer.write(*self._line[0]):
                    return
                self._line.popleft()
                if len(self._line) < LINE_LIMIT:
                    self._room.set()
            self._filled.clear()
            try:
                async with asyncio.timeout(self._settings.idle_close_s):
                    await self._filled.wait()
            except TimeoutError:
                await self._writer.close(_GOING_AWAY, "idle")
                return

    def close(self) -> None:
        """Nobody waits for this connection any more."""
        self._line.clear()
        self._room.set()

    def _put(self, channel: str, frame: str) -> None:
        self._line.append((channel, frame))
        self._filled.set()
        if len(self._line) >= LINE_LIMIT:
            self._room.clear()


class Hub:
    """All connections, and what the venue has to say to them."""

    def __init__(self, venue: Venue, settings: Settings, *, portfolio: str, user: str) -> None:
        self.venue = venue
        self.portfolio = portfolio
        self.user = user
        self.connections: list[Connection] = []
        self._settings = settings
        self._heartbeats = 0
        self._account_said = 0
        self._ticker_said = (0, 0)  # time, trades seen
        self._candle_said = 0
        self._status_said = (venue.now, frames.status(venue))  # time, what was said
        self._trades_heard = 0

    def join(self, connection: Connection) -> None:
        self.connections.append(connection)

    def leave(self, connection: Connection) -> None:
        connection.close()
        self.connections.remove(connection)

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens to the market."""
        return any(not MARKET_CHANNELS.isdisjoint(connection.subscribed) for connection in self.connections)

    async def room(self) -> None:
        """Wait until every connection can take more."""
        for connection in self.connections[:]:
            if not connection.has_room:
                await connection.room()

    def say_trades(self, prints: list[TradePrinted]) -> None:
        """A batch of trades, oldest first, to those who want trades or what is made of them."""
        product_id, now = self.venue.product.exchange_id, self.venue.now
        self._trades_heard += len(prints)
        if listeners := self._listeners("market_trades"):
            self._post(listeners, "market_trades", frames.trades(prints, product_id))
        if listeners := self._listeners("ticker"):
            self._post(listeners, "ticker", frames.ticker(self.venue, kind="update", with_quotes=True))
        if now - self._candle_said >= _CANDLE_NS and (listeners := self._listeners("candles")):
            self._candle_said = now
            self._post(listeners, "candles", frames.candles(self.last_candles(1), product_id, kind="update"))

    def say_market(self, event: Event) -> None:
        """What the public sees of one fact of the tape, trades apart."""
        if isinstance(event, BookChanged | BookSnapshotted) and (listeners := self._listeners("level2")):
            self._post(listeners, "l2_data", frames.book_events(event, self.venue.product.exchange_id))

    def say_account(self) -> None:
        """The reports on our orders since the last call, and the balances if anything moved them."""
        self.say_status()
        reports = self.venue.take_reports()
        if reports and (listeners := self._listeners("user")):
            for report in reports:
                told = frames.user_update(
                    report, self.venue, portfolio=self.portfolio, is_sparse=self._settings.sparse_updates
                )
                self._post(listeners, "user", told)
        if self.venue.account_changes != self._account_said:
            self._account_said = self.venue.account_changes
            if listeners := self._listeners("futures_balance_summary"):
                self._post(listeners, "futures_balance_summary", frames.balance(self.venue, kind="update"))

    def say_in_passing(self) -> None:
        """What is due by the exchange's own time rather than by an event."""
        self.say_status()
        now, (said_at, said_trades) = self.venue.now, self._ticker_said
        if now - said_at < _TICKER_BATCH_NS:
            return
        self._ticker_said = (now, self._trades_heard)
        if self._trades_heard != said_trades and (listeners := self._listeners("ticker_batch")):
            self._post(listeners, "ticker_batch", frames.ticker(self.venue, kind="update", with_quotes=False))

    def say_status(self) -> None:
        """The product's state, at once when it changed, and every five seconds."""
        listeners = self._listeners("status")
        if not listeners:
            return
        (said_at, state), present = self._status_said, frames.status(self.venue)
        if present != state or self.venue.now - said_at >= _STATUS_NS:
            self._status_said = (self.venue.now, present)
            self._post(listeners, "status", present)

    def beat(self, uptime_ns: int) -> None:
        """One heartbeat to all who asked for it and can take it."""
        self._heartbeats += 1
        listeners = [connection for connection in self._listeners("heartbeats") if connection.has_room]
        if listeners:
            self._post(listeners, "heartbeats", frames.heartbeat(self.venue.now, uptime_ns, self._heartbeats))

    def last_candles(self, count: int) -> list[Candle]:
        """The latest five-minute candles, oldest first."""
        end = self.venue.now // NANOSECONDS
        return self.venue.market.candles.between(end - count * 300 + 1, end, 300)

    def _listeners(self, channel: str) -> list[Connection]:
        return [connection for connection in self.connections if channel in connection.subscribed]

    def _post(self, listeners: list[Connection], shown_as: str, events: str) -> None:
        at = rfc3339(self.venue.now)
        for connection in listeners:
            connection.post(shown_as, at, events)
