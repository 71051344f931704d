"""Streams of what moves money: listings, prices, fills of every shape, funding, transfers, reports, broken feeds.

Everything drawn here is legal: it could reach the log of a session. Fills may be late, messages may come twice, hours
may be missed. Time is the tape's: it never goes back and now and then jumps over whole hours.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hypothesis import strategies as st
from msgspec.structs import replace

from events.account import BalanceReported, ExternalFlow, TransferReported
from events.feeds import ExchangeReconciled, FeedGapFound, FeedLost, FeedSubscribed
from events.funding import FundingPaid
from events.market import BookChanged, BookSnapshotted
from events.orders import OrderFilled
from events.record import AnyEvent
from events.session import ClockTicked
from events.terms import Side
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Turn
from tests.streams.facts import D, filled, listed, quoted, rate, reported, started, traded

#: In an order that is not the alphabet's, so that nothing may lean on the order of first sight.
PRODUCTS = ("M", "B", "Z")
CONTRACT_SIZES = {"M": "0.01", "B": "1", "Z": "500"}
START = MONDAY + 30 * MINUTE
#: A stream stays shorter than the two days for which a boundary can be corrected.
MAX_LENGTH_NS = 40 * HOUR

_STEPS_NS = (0, 0, 0, 1_000_000, SECOND, 7 * SECOND, 12 * SECOND, MINUTE, 11 * MINUTE, 35 * MINUTE, HOUR, 3 * HOUR)
_LATE_NS = (0, 0, 0, 0, SECOND, 40 * MINUTE, 70 * MINUTE, 2 * HOUR)
_RATES = ("0.0001", "-0.00025", "0", "0.000013")
_FEES = ("0", "0.35", "-0.02", "1.115")


class LedgerWriter:
    """Draws one stream. Remembers just enough to close, flip, repeat and misreport on purpose."""

    def __init__(self, draw: Callable[[st.SearchStrategy[object]], object], products: tuple[str, ...]) -> None:
        self._draw = draw
        self.products = products
        self.at = START
        self.turns: list[Turn] = []
        self.held = dict.fromkeys(products, D(0))
        self.sent: list[AnyEvent] = []  # by the exchange, worth delivering twice
        self.order = 0

    def pick(self, values: tuple[str, ...]) -> str:
        return str(self._draw(st.sampled_from(values)))

    def number(self, low: int, high: int) -> int:
        drawn = self._draw(st.integers(low, high))
        assert isinstance(drawn, int)
        return drawn

    def of(self, values: tuple[int, ...]) -> int:
        return values[self.number(0, len(values) - 1)]

    def say(self, *events: AnyEvent, by: str = "market") -> None:
        self.turns.append(Turn(self.at, tuple((by, event) for event in events)))

    def send(self, event: AnyEvent, by: str = "account") -> None:
        """Something of the exchange that it may deliver again."""
        self.sent.append(event)
        self.say(event, by=by)

    def price(self) -> Decimal:
        return D(self.number(9_000, 11_000)) * D(5)

    def fill(self, product: str, signed: Decimal) -> None:
        self.order += 1
        self.held[product] += signed
        fill = filled(
            Side.BUY if signed > 0 else Side.SELL,
            abs(signed),
            self.price(),
            at=self.at - self.of(_LATE_NS),
            product=product,
            contract_size=CONTRACT_SIZES[product],
            fee=self.pick(_FEES),
            order=f"o-{self.order}",
        )
        self.say(fill, by="orders")


def opens(writer: LedgerWriter) -> None:
    writer.fill(_product(writer), D(writer.number(1, 7)) * writer.of((1, -1)))


def reduces(writer: LedgerWriter) -> None:
    product = _product(writer)
    held = writer.held[product]
    if held:
        part = min(abs(held), D(writer.number(1, 3)))
        writer.fill(product, -part if held > 0 else part)


def closes(writer: LedgerWriter) -> None:
    product = _product(writer)
    if writer.held[product]:
        writer.fill(product, -writer.held[product])


def flips(writer: LedgerWriter) -> None:
    product = _product(writer)
    held = writer.held[product]
    if held:
        writer.fill(product, -held - (1 if held > 0 else -1) * writer.number(1, 3))


def trades(writer: LedgerWriter) -> None:
    writer.say(traded(writer.price(), at=writer.at, product=_product(writer)))


def quotes(writer: LedgerWriter) -> None:
    bid = writer.price()
    width = writer.of((5, 5, 10, -5))
    writer.say(quoted(str(bid), str(bid + width), at=writer.at, product=_product(writer)))


def books(writer: LedgerWriter) -> None:
    product, bid = _product(writer), writer.price()
    bids, asks = ((bid, D(2)), (bid - 5, D(9))), ((bid + 5, D(1)), (bid + 15, D(4)))
    writer.say(BookSnapshotted(product=product, bids=bids, asks=asks, exchange_at=writer.at))
    gone = BookChanged(product=product, bids=((bid, D(0)),), asks=((bid + 10, D(3)),), exchange_at=writer.at)
    writer.say(gone)


def ticks(writer: LedgerWriter) -> None:
    writer.say(ClockTicked(), by="clock")


def rates(writer: LedgerWriter) -> None:
    boundary = writer.at // HOUR * HOUR + writer.of((0, 0, 0, -1, 1)) * HOUR
    published = rate(boundary, writer.pick(_RATES), product=_product(writer))
    writer.send(replace(published, exchange_at=writer.at + len(writer.turns)))


def pays(writer: LedgerWriter) -> None:
    through = writer.at // HOUR * HOUR
    amount = D(writer.number(-400, 400)).scaleb(-2)
    writer.send(FundingPaid(product=_product(writer), amount=amount, through=through, exchange_at=writer.at))


def transfers(writer: LedgerWriter) -> None:
    amount = D(writer.number(-900, 900))
    name = f"t-{len(writer.turns)}"
    writer.send(TransferReported(transfer=name, amount=amount, reason="wire", exchange_at=writer.at))


def flows(writer: LedgerWriter) -> None:
    amount = D(writer.number(-900, 900))
    writer.say(
        ExternalFlow(flow=f"f-{len(writer.turns)}", amount=amount, name=None, exchange_at=writer.at), by="account"
    )


def balances(writer: LedgerWriter) -> None:
    cash = D(writer.number(5_000, 5_002))
    writer.send(BalanceReported(spot_usd=cash, futures_usd=D(10), unrealized=D(0), exchange_at=writer.at))


def reports(writer: LedgerWriter) -> None:
    """The account poller's pass; now and then the exchange knows of more or less than we do."""
    product = _product(writer)
    qty = writer.held[product] + writer.of((0, 0, 2, -1))
    price = str(writer.price())
    writer.send(reported(str(qty), at=writer.at, product=product, current_price=price, entry_price="49000"))
    writer.say(ExchangeReconciled(exchange_at=writer.at), by="account")


def insists(writer: LedgerWriter) -> None:
    """Three passes that show one difference: enough to adjust."""
    product = _product(writer)
    qty = writer.held[product] + writer.of((2, -1))
    for _ in range(3):
        writer.at += 11 * SECOND
        writer.send(reported(str(qty), at=writer.at, product=product, current_price="50000", entry_price="49000"))
        writer.say(ExchangeReconciled(exchange_at=writer.at), by="account")


def repeats(writer: LedgerWriter) -> None:
    if writer.sent:
        writer.say(writer.sent[writer.number(0, len(writer.sent) - 1)], by="account")


def breaks(writer: LedgerWriter) -> None:
    if writer.number(0, 1):
        writer.say(FeedGapFound(feed="market", connection=1, last_seq=1, next_seq=3))
    else:
        writer.say(FeedLost(feed="market", connection=1, reason="reset"))
        writer.say(FeedSubscribed(feed="market", connection=2, channels=("level2",)))


def restarts(writer: LedgerWriter) -> None:
    writer.say(started(session=f"s-{len(writer.turns)}", products=writer.products), by="session")


def lists(writer: LedgerWriter) -> None:
    product = _product(writer)
    is_open = bool(writer.number(0, 3))
    writer.send(listed(product, contract_size=CONTRACT_SIZES[product], session_open=is_open))


def _product(writer: LedgerWriter) -> str:
    return writer.pick(writer.products)


FILLS = (opens, opens, reduces, closes, flips)
PRICES = (trades, trades, quotes, books)
FUNDING = (ticks, ticks, rates, rates, pays)
ACCOUNT = (transfers, flows, balances, reports, insists, repeats)
TROUBLE = (breaks, restarts, lists)
EVERYTHING = (*FILLS, *PRICES, *FUNDING, *ACCOUNT, *TROUBLE)


@st.composite
def ledgers(
    draw: Callable[[st.SearchStrategy[object]], object],
    *,
    products: tuple[str, ...] = PRODUCTS,
    acts: tuple[Callable[[LedgerWriter], None], ...] = EVERYTHING,
    max_acts: int = 40,
) -> list[Turn]:
    """A session that lists its products, then any acts in any order, then a tick long after."""
    writer = LedgerWriter(draw, products)
    start = str(writer.number(0, 1) * 10_000) if writer.number(0, 1) else None
    writer.say(started(start_equity=start, products=products), by="session")
    for product in products:
        writer.say(listed(product, contract_size=CONTRACT_SIZES[product]), by="account")
    for _ in range(writer.number(3, max_acts)):
        act = acts[writer.number(0, len(acts) - 1)]
        writer.at = min(writer.at + writer.of(_STEPS_NS), START + MAX_LENGTH_NS)
        act(writer)
    writer.at += 15 * MINUTE
    writer.say(ClockTicked(), by="clock")
    return writer.turns


def fills_of(turns: list[Turn], product: str) -> list[OrderFilled]:
    """All fills of one product in the order of their arrival."""
    events = [event for turn in turns for _, event in turn.facts]
    return [event for event in events if isinstance(event, OrderFilled) and event.product == product]
