"""A made-up session, written as a real log: what the reading commands are asked about in tests, and what to look at."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from events.account import BalanceReported
from events.catalog import FundingRatePublished, ProductListed
from events.configuration import Configuration, ProductSetting, RiskLimits, StrategySetting
from events.feeds import ExchangeReconciled, FeedConnected, FeedGapFound, FeedSubscribed
from events.funding import FundingAccrued, FundingPaid
from events.ids import derived_id
from events.log import FileLog
from events.market import MarkUpdated, QuoteChanged, TradePrinted
from events.money import use_exact_arithmetic
from events.orders import (
    OrderApproved,
    OrderClosed,
    OrderFilled,
    OrderProposed,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
)
from events.position import PositionChanged, PositionReported
from events.record import AnyEvent, Record
from events.risk import DayOpened, KillSwitchThrown, LimitChanged, ReduceOnlyEntered
from events.session import ClockTicked, SessionEnded, SessionStarted, Surroundings
from events.strategy import DecisionMade
from events.terms import (
    NANOSECONDS,
    Action,
    Clock,
    FundingStatus,
    MarkSource,
    OrderKind,
    OrderStatus,
    Side,
)

START = 1_723_075_200 * NANOSECONDS  # 2024-08-08T00:00:00Z
BTC = "BTC-PERP"
BIP = "BIP-20DEC30-CDE"
SESSION = "5e551000"

RULES = ProductListed(
    product=BTC,
    exchange_id=BIP,
    venue="CDE",
    contract_size=Decimal("0.01"),
    price_increment=Decimal(5),
    size_increment=Decimal(1),
    min_size=Decimal(1),
    funding_interval_s=3600,
)
CONFIGURATION = Configuration(
    mode="live",
    products={BTC: ProductSetting(exchange_id=BIP)},
    risk=RiskLimits(max_daily_loss_pct=Decimal("0.02"), max_notional_per_symbol={BTC: Decimal(20_000)}),
    strategies={"main": StrategySetting(uses="baseline", product=BTC)},
)


class Author:
    """Writes records: facts begin a turn, decisions follow in it. `commit` closes one commit."""

    def __init__(self, path: Path) -> None:
        use_exact_arithmetic()
        self.log = FileLog.open(path)
        self.seq = self.log.head.seq
        self.at = START
        self._turn: list[Record] = []

    def fact(self, by: str, event: AnyEvent, *, after_s: float = 0.25) -> int:
        self._end_turn()
        self.at += int(after_s * NANOSECONDS)
        return self._place(by, None, 0, event)

    def say(self, by: str, cause: int, event: AnyEvent, *, index: int = 0) -> int:
        return self._place(by, cause, index, event)

    def commit(self) -> None:
        self._end_turn()
        self.log.commit(True)

    def close(self) -> None:
        self.commit()
        self.log.close()

    def _place(self, by: str, cause: int | None, index: int, event: AnyEvent) -> int:
        self.seq += 1
        self._turn.append(Record(seq=self.seq, at=self.at, by=by, cause=cause, index=index, event=event))
        return self.seq

    def _end_turn(self) -> None:
        if self._turn:
            self.log.write(self._turn)
            self._turn = []


def begin(author: Author, session: str = SESSION) -> None:
    """The session starts, connects, and is reconciled."""
    author.fact(
        "session",
        SessionStarted(
            session=session,
            configuration=CONFIGURATION,
            clock=Clock.WALL,
            code="c0de" * 16,
            surroundings=Surroundings(host="desk", pid=4711, hosting="actors"),
        ),
    )
    for feed in ("market", "user"):
        author.fact(feed, FeedConnected(feed=feed, connection=1))
        author.fact(feed, FeedSubscribed(feed=feed, connection=1, channels=("level2", "market_trades")))
    author.fact("account", RULES)
    author.fact("account", FundingRatePublished(product=BTC, boundary=START, rate=Decimal("0.00001")))
    balance(author, Decimal(100_000))
    author.fact("account", ExchangeReconciled(exchange_at=author.at))
    author.commit()


def balance(author: Author, futures: Decimal, unrealized: Decimal = Decimal(0)) -> None:
    author.fact(
        "account",
        BalanceReported(spot_usd=Decimal(0), futures_usd=futures, unrealized=unrealized, exchange_at=author.at),
    )


def mark(author: Author, price: str) -> int:
    """A print and the mark that follows; returns the mark's seq."""
    trade = author.fact(
        "market",
        TradePrinted(
            product=BTC,
            trade_id=str(author.seq),
            price=Decimal(price),
            size=Decimal(2),
            aggressor=Side.BUY,
            exchange_at=author.at,
        ),
    )
    event = MarkUpdated(product=BTC, price=Decimal(price), source=MarkSource.BOOK_AND_TRADE, exchange_at=author.at)
    return author.say("marks", trade, event)


def quote(author: Author, price: str) -> None:
    one = Decimal(1)
    price_ = Decimal(price)
    author.fact(
        "market",
        QuoteChanged(product=BTC, bid=price_ - 5, bid_size=one, ask=price_ + 5, ask_size=one, exchange_at=author.at),
    )


def tick(author: Author, action: Action = Action.HOLD, reason: str = "No signal") -> int:
    cause = author.fact("clock", ClockTicked())
    numbers = {"short": Decimal(58_210), "long": Decimal(58_190)}
    event = DecisionMade(strategy="main", product=BTC, action=action, reason=reason, numbers=numbers)
    return author.say("strategy:main", cause, event)


def entry(author: Author, *, qty: int = 8, price: str = "58200", side: Side = Side.BUY) -> str:
    """A decision to enter, approved, submitted, filled in full, and the position after it. Returns the order's id."""
    action = Action.BUY if side is Side.BUY else Action.SELL
    cause = author.fact("clock", ClockTicked())
    reason = "Bullish MA crossover; size bound by max_position_pct_per_symbol"
    decided = DecisionMade(
        strategy="main", product=BTC, action=action, reason=reason, numbers={"room": Decimal(20_000)}
    )
    author.say("strategy:main", cause, decided)
    many, limit = Decimal(qty), Decimal(price)
    terms: dict[str, Any] = {
        "product": BTC,
        "side": side,
        "kind": OrderKind.LIMIT_IOC,
        "limit_price": limit,
        "reduce_only": False,
    }
    proposed = author.say(
        "strategy:main",
        cause,
        OrderProposed(proposal=f"p{cause}", strategy="main", qty=many, as_of=author.at, reason=reason, **terms),
        index=1,
    )
    until = author.at + 2 * NANOSECONDS
    rest: dict[str, Any] = {
        "proposal": f"p{cause}",
        "strategy": "main",
        "expires_at": until,
        "reference_price": limit,
        **terms,
    }
    approved = author.say("risk", proposed, OrderApproved(asked=many, qty=many, **rest))
    order = derived_id(SESSION, "orders", approved)
    author.say("orders", approved, OrderSubmitted(order=order, qty=many, **rest))
    author.commit()
    value = many * limit * Decimal("0.01")
    fee = value * Decimal("0.0008")
    filled = author.fact(
        "user",
        OrderReported(
            order=order,
            exchange_order=f"x{order}",
            product=BTC,
            side=side,
            status=OrderStatus.FILLED,
            kind=OrderKind.LIMIT_IOC,
            qty=many,
            filled_qty=many,
            filled_value=value,
            fees=fee,
            limit_price=limit,
            exchange_at=author.at,
        ),
    )
    fill = author.say(
        "orders",
        filled,
        OrderFilled(
            order=order,
            exchange_order=f"x{order}",
            strategy="main",
            product=BTC,
            side=side,
            qty=many,
            value=value,
            price=limit,
            fee=fee,
            filled_qty=many,
            exchange_at=author.at,
        ),
    )
    closed = OrderClosed(
        order=order, exchange_order=f"x{order}", product=BTC, status=OrderStatus.FILLED, filled_qty=many
    )
    author.say("orders", filled, closed, index=1)
    changed = PositionChanged(product=BTC, qty=many, cost=value, entry_price=limit, realized=Decimal(0), fee=fee)
    author.say("position", fill, changed)
    author.commit()
    return order


def refusal(author: Author) -> None:
    message = "Symbol exposure 25.0% exceeds cap of 20.0% for BTC-PERP"
    cause = author.fact("clock", ClockTicked())
    author.say(
        "risk",
        cause,
        OrderRefused(
            proposal="p2",
            strategy="main",
            product=BTC,
            side=Side.BUY,
            asked=Decimal(20),
            code="max_position",
            message=message,
            breaches=(),
        ),
    )


def resting(author: Author, order: str = "6f1c0000-0000-8000-8000-000000000002") -> None:
    """A sell that rests, of somebody else."""
    author.fact(
        "user",
        OrderReported(
            order=order,
            exchange_order="x-resting",
            product=BTC,
            side=Side.SELL,
            status=OrderStatus.OPEN,
            kind=OrderKind.LIMIT_GTC,
            qty=Decimal(3),
            filled_qty=Decimal(1),
            filled_value=Decimal(600),
            fees=Decimal("0.24"),
            limit_price=Decimal(60_000),
            exchange_at=author.at,
        ),
    )


def write_session(path: Path, *, ends: bool = True) -> None:
    """One whole day of a desk in thirty records: an entry, a refusal, funding, a limit changed, reduce-only."""
    author = Author(path)
    begin(author)
    opened = author.fact("clock", ClockTicked())
    author.say("risk", opened, DayOpened(day=START, equity=Decimal(100_000)))
    mark(author, "58200")
    tick(author)
    entry(author)
    mark(author, "58350")
    refusal(author)
    accrued = author.fact("clock", ClockTicked(), after_s=3600)
    author.say(
        "funding",
        accrued,
        FundingAccrued(
            product=BTC,
            boundary=START + 3600 * NANOSECONDS,
            qty=Decimal(8),
            mark=Decimal(58_350),
            mark_source=MarkSource.BOOK_AND_TRADE,
            rate=Decimal("0.00001"),
            amount=Decimal("-0.04668"),
            status=FundingStatus.FINAL,
        ),
    )
    author.fact(
        "account",
        FundingPaid(product=BTC, amount=Decimal("-0.04668"), through=START + 3600 * NANOSECONDS, exchange_at=author.at),
    )
    author.fact("market", FeedGapFound(feed="market", connection=1, last_seq=41, next_seq=43))
    reported = PositionReported(
        product=BTC,
        qty=Decimal(8),
        entry_price=Decimal(58_200),
        current_price=Decimal(58_350),
        unrealized=Decimal(12),
        exchange_at=author.at,
    )
    author.fact("account", reported)
    futures = Decimal(100_000) - Decimal("3.7248") - Decimal("0.04668")
    balance(author, futures, Decimal(12))
    balance(author, futures, Decimal(12))
    author.fact("operator", LimitChanged(limit="slippage_guard_bps", value="25", reason="thin book"))
    mark(author, "58350")
    resting(author)
    author.commit()
    if ends:
        author.fact(
            "session",
            SessionEnded(session=SESSION, reason="asked to", code="c0de" * 16, state_digest="5" * 64, states={}),
        )
    author.close()


def kill(author: Author) -> None:
    cause = author.fact("operator", KillSwitchThrown(reason="drill"))
    author.say("risk", cause, ReduceOnlyEntered(product=None, reason="kill switch"))
