"""The desk's small words: sides, kinds of order, states of an order, sources of a price."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

#: One level of an order book: (price, quantity). A quantity of zero removes the level where a change is meant.
Level = tuple[Decimal, Decimal]

NANOSECONDS = 1_000_000_000


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    """How an order rests or does not; the exchange's configuration keys are the connection's business."""

    LIMIT_IOC = "limit_ioc"
    LIMIT_GTC = "limit_gtc"
    LIMIT_GTD = "limit_gtd"
    LIMIT_FOK = "limit_fok"
    MARKET_IOC = "market_ioc"
    STOP_LIMIT_GTC = "stop_limit_gtc"
    STOP_LIMIT_GTD = "stop_limit_gtd"
    TRIGGER_BRACKET_GTC = "trigger_bracket_gtc"
    TRIGGER_BRACKET_GTD = "trigger_bracket_gtd"
    CLOSE_POSITION = "close_position"
    UNKNOWN = "unknown"

    @property
    def rests(self) -> bool:
        """Whether such an order may stay at the exchange; the others end at once by themselves."""
        return self in _RESTING

    @property
    def is_bracket(self) -> bool:
        return self in _BRACKETS


class OrderStatus(StrEnum):
    """The exchange's word on an order. A partly filled live order is OPEN."""

    PENDING = "pending"
    OPEN = "open"
    CANCEL_QUEUED = "cancel_queued"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_BRACKETS = frozenset({OrderKind.TRIGGER_BRACKET_GTC, OrderKind.TRIGGER_BRACKET_GTD})
_RESTING = _BRACKETS | {
    OrderKind.LIMIT_GTC,
    OrderKind.LIMIT_GTD,
    OrderKind.STOP_LIMIT_GTC,
    OrderKind.STOP_LIMIT_GTD,
}
_FINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FAILED})


class Origin(StrEnum):
    """Who placed an order: this system, or somebody else on the same account."""

    OURS = "ours"
    FOREIGN = "foreign"
    LIQUIDATION = "liquidation"


class FillKind(StrEnum):
    """What a line in the exchange's list of fills is."""

    FILL = "fill"
    REVERSAL = "reversal"  # a fill is taken back
    CORRECTION = "correction"  # what was taken back is booked anew


class MarkSource(StrEnum):
    """Where a mark comes from, most trusted first."""

    BOOK_AND_TRADE = "book_and_trade"  # median of best bid, best ask and last trade, while the book is whole
    MID = "mid"  # the book is whole and nothing traded yet
    TRADE = "trade"  # the last trade, while the book is not whole
    EXCHANGE = "exchange"  # the exchange published a mark of its own


class Action(StrEnum):
    """What a strategy wants; the seed's four words."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"
    CLOSE = "close"


class FundingStatus(StrEnum):
    FINAL = "final"
    ESTIMATED = "estimated"
    NO_RATE = "no_rate"


class MarginWindow(StrEnum):
    INTRADAY = "intraday"
    OVERNIGHT = "overnight"
    WEEKEND = "weekend"
    TRANSITION = "transition"
    UNSPECIFIED = "unspecified"


class Turbulence(StrEnum):
    """How far the volatility circuit breaker has gone for a product, calm first (trading rules A22)."""

    CALM = "calm"
    WARNING = "warning"
    REDUCE_ONLY = "reduce_only"
    KILL_SWITCH = "kill_switch"

    @property
    def rank(self) -> int:
        """0 for calm, and one more for each step."""
        return tuple(Turbulence).index(self)


class Clock(StrEnum):
    """What a session's time follows: the wall, or the time that the facts of a tape carry."""

    WALL = "wall"
    TAPE = "tape"
