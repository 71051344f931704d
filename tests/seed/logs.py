"""Logs as a running system writes them, by hand: a session, its products, what was heard and said."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from events.catalog import ProductListed
from events.configuration import Configuration, ProductSetting
from events.funding import FundingAccrued
from events.log import FileLog
from events.market import MarkUpdated
from events.orders import OrderFilled
from events.record import AnyEvent, Record
from events.session import SessionEnded, SessionStarted
from events.terms import NANOSECONDS, Clock, FundingStatus, MarkSource, Side

D = Decimal
START = 1_772_460_000 * NANOSECONDS  # 2026-03-02T14:00:00Z
PRODUCTS = {"BTC-USD-PERP": "BIP-20DEC30-CDE", "ETH-USD-PERP": "ETP-20DEC30-CDE"}


class HandLog:
    """A log on disk, written a turn at a time."""

    def __init__(self, folder: Path) -> None:
        self._log = FileLog.open(folder)
        self._sessions = 0

    def __enter__(self) -> HandLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.close()

    def turn(self, *events: AnyEvent) -> None:
        """One commit of these, a second after the one before."""
        at = max(self._log.last_at, START) + NANOSECONDS
        first = self._log.next_seq
        records = [Record(seq=first + i, at=at, by="hand", event=event) for i, event in enumerate(events)]
        self._log.write(records)
        self._log.commit(sync=True)

    def begin(self, contract_size: str = "1", products: Sequence[str] = tuple(PRODUCTS)) -> None:
        self._sessions += 1
        settings = {product: ProductSetting(exchange_id=PRODUCTS[product]) for product in products}
        configuration = Configuration(mode="live", products=settings, start_equity=D(100_000))
        session = f"s-{self._sessions}"
        self.turn(SessionStarted(session=session, configuration=configuration, clock=Clock.TAPE, code="hand"))
        self.turn(*(listing(product, contract_size) for product in products))

    def end(self) -> None:
        session = f"s-{self._sessions}"
        self.turn(SessionEnded(session=session, reason="test", code="hand", state_digest="", states={}))


def listing(product: str, contract_size: str) -> ProductListed:
    return ProductListed(
        product=product,
        exchange_id=PRODUCTS[product],
        venue="CDE",
        contract_size=D(contract_size),
        price_increment=D(5),
        size_increment=D(1),
        min_size=D(1),
        funding_interval_s=3_600,
    )


def fill(product: str, side: Side, qty: int, price: int, contract_size: str = "1", fee: str = "0") -> OrderFilled:
    return OrderFilled(
        order=f"{product}-{side}-{qty}-{price}",
        exchange_order="x",
        strategy="s",
        product=product,
        side=side,
        qty=D(qty),
        value=D(qty) * D(price) * D(contract_size),
        price=D(price),
        fee=D(fee),
        filled_qty=D(qty),
        exchange_at=START,
    )


def mark(product: str, price: int) -> MarkUpdated:
    return MarkUpdated(product=product, price=D(price), source=MarkSource.BOOK_AND_TRADE, exchange_at=START)


def funding(product: str, amount: str, hour: int = 0) -> FundingAccrued:
    return FundingAccrued(
        product=product,
        boundary=START + hour * 3_600 * NANOSECONDS,
        qty=D(1),
        mark=D(50_000),
        mark_source=MarkSource.BOOK_AND_TRADE,
        rate=D("0.0001"),
        amount=D(amount),
        status=FundingStatus.FINAL,
    )
