"""Law (O3): what the exchange tells of a fill counts once, by whatever way and however often it is told.

A fill comes by the user channel, by the order's own page, by the account poller's listing and by the list of fills;
late, early, again, out of order, and again after a restart; it may be taken back, or booked anew at another price. Each
way goes through its real decoder. The money at the end is the exchange's.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.connection.auth import Credentials
from actors.connection.fills import asked_for
from actors.connection.frames import read_frame
from actors.connection.inquiry import Inquiry
from actors.connection.sender import Sender
from actors.connection.user_feed import UserFeed
from events.money import ZERO, use_exact_arithmetic
from events.orders import FillCorrected, FillsWanted, OrderFilled, OrderSubmitted
from events.position import AdjustmentApplied
from events.record import Record
from events.risk import KillSwitchThrown
from events.terms import OrderKind, Side
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.actors.connection.lives import PRODUCTS, Life, expect_verified
from tests.actors.connection.small_exchange import EXCHANGE_ID, Fate, Row, SmallExchange
from tests.actors.connection.test_one_order import INTERLEAVINGS, LIMITS, expect_money
from tests.actors.connection.user_frames import user_frame
from tests.streams.facts import BIP
from tests.streams.orders import approved

KEY = Credentials(NAME, pem(EC_KEY))
ASKED = 8


class Fill(NamedTuple):
    """Some contracts of one of the orders trade, so many ticks from 50,000."""

    order: int
    lots: int
    ticks: int


class Told(NamedTuple):
    """One of an order's states is told by one of the ways; `age` counts back from the latest, past the first is it."""

    order: int
    way: str
    age: int
    times: int


class Ended(NamedTuple):
    """What is left of an order is cancelled at the exchange."""

    order: int


class Corrected(NamedTuple):
    """A line of the list of fills is taken back, and booked anew at so many ticks unless None."""

    line: int
    ticks: int | None


class Restarted(NamedTuple):
    """The process is gone and another begins with its log."""


ORDERS = st.integers(0, 1)
WAYS = st.sampled_from(["channel", "page", "listing", "fills"])
#: A report is ahead, in time or behind: what matters most comes most often.
ACTS = st.one_of(
    st.builds(Fill, ORDERS, st.integers(1, 4), st.integers(-20, 20)),
    st.builds(Told, ORDERS, WAYS, st.integers(0, 3), st.integers(1, 2)),
    st.builds(Told, ORDERS, WAYS, st.just(0), st.integers(1, 2)),
    st.builds(Ended, ORDERS),
    st.builds(Corrected, st.integers(0, 20), st.none() | st.integers(-20, 20)),
    st.builds(Restarted),
)


class Ways:
    """The ways in which the exchange speaks to one process, up to the door; no thread, no socket."""

    def __init__(self, exchange: SmallExchange, log: Sequence[Record], number: int) -> None:
        self.exchange = exchange
        self.life = Life(exchange, log, number, gateway=False)
        self.feed = UserFeed(
            self.life.door, "ws://nowhere", PRODUCTS, credentials=KEY, catch_up=lambda reason: None
        )  # never started: it is handed its frames
        self.sender = Sender(PRODUCTS, lambda product: False)
        self.inquiry = Inquiry(self.life.client, PRODUCTS, lambda: self.life.desk.at)
        self.frames = 0

    def tell(self, way: str, intent: OrderSubmitted, row: Row, age: int) -> None:
        """Let a state of an order come in by a way, and the journal place what it brought."""
        place = max(0, len(self.exchange.history[row["order_id"]]) - 1 - age)
        if way == "channel":
            self.frames += 1
            state = self.exchange.history[row["order_id"]][place]
            self.feed.took(read_frame(user_frame(state, self.frames), PRODUCTS))
        elif way == "fills":  # newest first, so a list that lags lacks the newest lines
            wanted = FillsWanted(order=intent.order, exchange_order=row["order_id"], product=BIP, filled_qty=ZERO)
            lagging, self.exchange.lines = self.exchange.lines, self.exchange.lines[: len(self.exchange.lines) - age]
            self.life.hear(*asked_for(self.life.client, [wanted], PRODUCTS), by="gateway")
            self.exchange.lines = lagging
        else:
            self.exchange.seen_of = lambda order: place if order == row["order_id"] else -1
            if way == "page":
                found = self.sender.read_back(self.life.client, intent, row["order_id"], self.life.desk.at)
                self.life.hear(*found.events, by="gateway")
            else:
                self.life.hear(*self.inquiry.everything([row["order_id"]]), by="account")
            self.exchange.seen_of = lambda order: -1
        while not self.life.door.facts.empty():
            by, events = self.life.door.facts.get()
            self.life.hear(*events, by=by)


def play(acts: list[object]) -> tuple[SmallExchange, list[Record]]:
    """Two orders on opposite sides, taken by the exchange; then the acts; then one last whole round of questions."""
    use_exact_arithmetic()
    exchange = SmallExchange()
    ways, number = Ways(exchange, [], 1), 1
    placed: list[tuple[OrderSubmitted, Row]] = []
    for side in Side:
        approval = approved(side, str(ASKED), kind=OrderKind.LIMIT_GTC, limit_price=LIMITS[side])
        (intent,) = ways.life.hear(approval, by="risk")
        assert isinstance(intent, OrderSubmitted)
        exchange.fates[intent.order] = Fate.REPLIED
        request = {"client_order_id": intent.order, "product_id": EXCHANGE_ID, "side": side.upper()}
        configuration = {"limit_limit_gtc": {"base_size": str(ASKED), "limit_price": LIMITS[side]}}
        placed.append((intent, exchange.take({**request, "order_configuration": configuration})))
    for act in acts:
        match act:
            case Fill(order, lots, ticks):
                row = exchange.history[placed[order][1]["order_id"]][-1]
                if row["status"] == "OPEN" and Decimal(row["filled_size"]) + lots <= ASKED:
                    exchange.trade(row["order_id"], lots, ticks)
            case Told(order, way, age, times):
                for _ in range(times):
                    ways.tell(way, *placed[order], age)
            case Ended(order):
                exchange.end(placed[order][1]["order_id"])
            case Corrected(line, ticks):
                kinds = [each["trade_type"] for each in exchange.lines]
                trades = [each["trade_id"] for each in exchange.lines]
                if line < len(kinds) and kinds[line] == "FILL" and trades.count(trades[line]) == 1:
                    exchange.correct(line, ticks)
            case _:
                number += 1
                ways = Ways(exchange, ways.life.end(), number)
    for intent, row in placed:
        for way in ("listing", "fills"):
            ways.tell(way, intent, row, 0)
    return exchange, ways.life.end()


@settings(max_examples=INTERLEAVINGS)
@given(st.lists(ACTS, min_size=4, max_size=24))
@example([Fill(0, 1, 1), Told(0, "channel", 0, 1), Corrected(0, 0)])  # a value is corrected, no quantity
@example([Fill(0, 3, 1), Told(0, "fills", 0, 1), Corrected(0, None), Told(0, "listing", 0, 1)])
def test_a_fill_counts_once_whoever_tells_it_and_however_often(acts: list[object]) -> None:
    exchange, log = play(acts)
    expect_money(exchange, log)
    expect_verified(log)
    fills = [record.event for record in log if isinstance(record.event, OrderFilled)]
    for row in exchange.orders:
        mine = [fill for fill in fills if fill.exchange_order == row["order_id"]]
        told = [fill.filled_qty for fill in mine if not isinstance(fill, FillCorrected)]
        assert told == sorted(told) or len(told) < len(mine), "fills are counted forwards, but for corrections"
        assert sum((fill.qty for fill in mine), Decimal(0)) == Decimal(row["filled_size"])
    assert not [record.event for record in log if isinstance(record.event, AdjustmentApplied | KillSwitchThrown)]
