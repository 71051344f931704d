"""Law (O4): whatever races between us and the exchange, no order is stuck and the money is the exchange's.

Fills come before the answer to their order, a cancel meets a fill, is refused, or is taken and its answer lost; a part
fills and the rest is cancelled; an order fills beyond its size. The real gateway sends, over an exchange that does what
is drawn; its user channel tells at once, late, or not at all.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.connection.auth import Credentials
from actors.connection.errors import BrokerageAPIError
from actors.connection.frames import read_frame
from actors.connection.inquiry import Inquiry
from actors.connection.user_feed import UserFeed
from events.money import use_exact_arithmetic
from events.orders import CancelApproved, FillsConfirmed, OrderSubmitted
from events.record import Record
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from events.terms import OrderKind, Side
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.actors.connection.lives import PRODUCTS, Life, expect_verified
from tests.actors.connection.small_exchange import Fate, Row, SmallExchange, asked
from tests.actors.connection.test_one_order import expect_money
from tests.actors.connection.user_frames import user_frame
from tests.streams.desk import SECOND
from tests.streams.orders import approved

SEEDS = 200
KEY = Credentials(NAME, pem(EC_KEY))
#: Seconds of session time after which nothing may be unsettled any more.
STUCK_S = 10


class Meets(StrEnum):
    """What a cancel meets at the exchange."""

    TAKEN = "it is taken"
    FILLED = "the order fills whole first"
    PART = "a part fills first, then it is taken"
    OVERFILL = "the order fills beyond its size first"
    REFUSED = "it is refused, and the order stands"
    LOST = "it is taken, and the answer is lost"


class Race(NamedTuple):
    """One order: what trades of it before its answer and after, and what each cancel meets until one works."""

    side: Side
    qty: int
    before_answer: int  # lots that trade, and are told, before the create is answered
    after_answer: int
    cancels: tuple[Meets, ...]
    is_told: bool  # by the user channel; else only a listing tells
    is_late: bool  # the channel tells what happened before only after what happened next


ENDS = (Meets.TAKEN, Meets.FILLED, Meets.PART, Meets.OVERFILL, Meets.LOST)
RACES = st.builds(
    Race,
    st.sampled_from(Side),
    st.integers(2, 6),
    st.integers(0, 3),
    st.integers(0, 2),
    st.builds(lambda refused, end: (*[Meets.REFUSED] * refused, end), st.integers(0, 2), st.sampled_from(ENDS)),
    st.booleans(),
    st.booleans(),
)


class Track:
    """The exchange runs its side of the race, and tells it by the user channel's own frames."""

    def __init__(self, exchange: SmallExchange, life: Life) -> None:
        self.exchange = exchange
        self.life = life
        self.feed = UserFeed(life.door, "ws://nowhere", PRODUCTS, credentials=KEY, catch_up=lambda reason: None)
        self.races: dict[str, Race] = {}
        self.tried: Counter[str] = Counter()
        self.withheld: list[Row] = []
        self.frames = 0
        exchange.taken = self.on_taken
        exchange.cancelling = self.on_cancel

    def on_taken(self, row: Row) -> None:
        race = self.races[row["client_order_id"]]
        self.trade(row, min(race.before_answer, race.qty))

    def on_cancel(self, row: Row) -> bool:
        race = self.races[row["client_order_id"]]
        meets = race.cancels[min(self.tried[row["order_id"]], len(race.cancels) - 1)]
        self.tried[row["order_id"]] += 1
        left = int(asked(row)) - int(Decimal(row["filled_size"]))
        lots = {Meets.FILLED: left, Meets.PART: max(left - 1, 0), Meets.OVERFILL: left + 1}.get(meets, 0)
        self.trade(row, lots)
        if meets is Meets.REFUSED:
            return False
        self.exchange.end(row["order_id"])
        self.tell(row)
        if meets is Meets.LOST:
            raise BrokerageAPIError("no reply in time", outcome_unknown=True)
        return meets in (Meets.TAKEN, Meets.PART)

    def trade(self, row: Row, lots: int) -> None:
        if lots:
            self.exchange.trade(row["order_id"], lots, lots)
            self.tell(row)

    def tell(self, row: Row) -> None:
        """The order's state now, by the user channel: at once, after the next one, or never."""
        race, state = self.races[row["client_order_id"]], self.exchange.history[row["order_id"]][-1]
        told = [state, *self.withheld] if race.is_late else [*self.withheld, state]
        self.withheld = [state] if race.is_late and not self.withheld else []
        if race.is_told:
            for each in told if not self.withheld else []:
                self.frames += 1
                self.feed.took(read_frame(user_frame(each, self.frames), PRODUCTS))


def run(races: list[Race]) -> tuple[SmallExchange, list[Record], int]:
    """Place each order, let it trade, cancel it; then only time passes. The seconds until nothing was unsettled."""
    use_exact_arithmetic()
    exchange = SmallExchange()
    life = Life(exchange, [], 1)
    track = Track(exchange, life)
    try:
        for race in races:
            place(life, track, race)
        for order, race in track.races.items():
            row = next(row for row in exchange.orders if row["client_order_id"] == order)
            with exchange.lock:
                if row["status"] == "OPEN":
                    left = int(asked(row)) - int(Decimal(row["filled_size"]))
                    track.trade(row, min(race.after_answer, left))
            life.hear(CancelApproved(order=order, reason="a race"), by="risk")
        return exchange, life.desk.log, settle(life, exchange, races)
    finally:
        life.end()


def place(life: Life, track: Track, race: Race) -> None:
    limit = "50500" if race.side is Side.SELL else "49500"
    approval = approved(race.side, str(race.qty), kind=OrderKind.LIMIT_GTC, limit_price=limit)
    gateway, life.gateway = life.gateway, None
    (intent,) = life.hear(approval, by="risk")
    life.gateway = gateway
    assert gateway is not None
    assert isinstance(intent, OrderSubmitted)
    track.races[intent.order] = race
    track.exchange.fates[intent.order] = Fate.REPLIED
    gateway.committed([record for record in life.desk.log[-2:] if record.event == intent])
    life.pump(lambda: life.orders.get(intent.order).stage not in ("submitted", "approved"))  # type: ignore[union-attr]  # it was submitted


def settle(life: Life, exchange: SmallExchange, races: list[Race]) -> int:
    """Let seconds pass, with the account poller's round every five, until nothing is open or provisional."""
    inquiry = Inquiry(life.client, PRODUCTS, lambda: life.desk.at)
    rounds = 2 + len(races) + max(len(race.cancels) for race in races)
    for second in range(1, rounds * STUCK_S):
        life.hear(ClockTicked(), by="clock", after=SECOND)
        if second % 5 == 0:
            life.hear(*inquiry.everything([row["order_id"] for row in exchange.orders]), by="account")
        asked_for = sum(1 for _ in life.orders.confirming.due)
        waiting = len(life.orders.open) + asked_for
        if not waiting:
            return second
        answers = life.door.facts.qsize()
        life.pump(lambda before=answers: before == 0 or life.door.facts.empty())  # type: ignore[misc]  # bound now
        wait_for_threads(life)
    return rounds * STUCK_S


def wait_for_threads(life: Life) -> None:
    """What the gateway has in hand comes back before time goes on: here a second of the session costs no real one."""
    gateway = life.gateway
    assert gateway is not None
    done = [False] * 2
    for place, errands in enumerate((gateway._canceller, gateway._lookups)):
        errands.run(lambda place=place: done.__setitem__(place, True))  # type: ignore[misc]  # bound now
    life.pump(lambda: all(done) and life.door.facts.empty())


@settings(max_examples=SEEDS)
@given(st.lists(RACES, min_size=1, max_size=3))
def test_whatever_races_no_order_is_stuck_and_the_money_is_the_exchanges(races: list[Race]) -> None:
    exchange, log, seconds = run(races)
    refusals = max(race.cancels.count(Meets.REFUSED) for race in races)
    lost = sum(Meets.LOST in race.cancels for race in races)  # each may take the rest of its batch along
    assert seconds <= STUCK_S * (1 + refusals + lost), "stuck: a cancel is asked for again every five seconds"
    assert max(Counter(exchange.arrived).values()) == 1
    reader = Life(exchange, log, 99, gateway=False)
    for row in exchange.orders:
        seen = reader.orders.get(row["client_order_id"])
        assert seen is not None
        assert not seen.is_open
        assert seen.filled_qty == Decimal(row["filled_size"])
    expect_money(exchange, log)
    expect_verified(log)
    traded = [row for row in exchange.orders if Decimal(row["filled_size"])]
    confirmed = {record.event.exchange_order for record in log if isinstance(record.event, FillsConfirmed)}
    assert confirmed == {row["order_id"] for row in traded}
    assert not [record.event for record in log if isinstance(record.event, KillSwitchThrown)]
