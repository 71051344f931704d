"""Orders in short: approvals, reports and whole lives of orders, as risk and the exchange would say them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from events.configuration import Configuration, ProductSetting, RiskLimits
from events.feeds import ExchangeReconciled
from events.market import MarkUpdated
from events.orders import OrderApproved, OrderFilled, OrderProposed, OrderReported
from events.session import SessionStarted
from events.terms import Clock, MarkSource, OrderKind, OrderStatus, Origin, Side
from tests.streams.desk import MONDAY, SECOND, Desk
from tests.streams.facts import BIP, ONE, filled, listed

D = Decimal


def approved(
    side: Side = Side.BUY,
    qty: str | Decimal = "5",
    *,
    proposal: str = "p-1",
    product: str = BIP,
    limit_price: str | None = "50250",
    kind: OrderKind = OrderKind.LIMIT_IOC,
    reduce_only: bool = False,
    expires_at: int = MONDAY + 3_600 * SECOND,
) -> OrderApproved:
    return OrderApproved(
        proposal=proposal,
        strategy="baseline",
        product=product,
        side=side,
        asked=D(qty),
        qty=D(qty),
        kind=kind,
        limit_price=None if limit_price is None else D(limit_price),
        reduce_only=reduce_only,
        expires_at=expires_at,
        reference_price=D(50_000),
    )


def proposed(
    side: Side = Side.BUY,
    qty: str | Decimal = "5",
    *,
    at: int,
    proposal: str = "p-1",
    product: str = BIP,
    limit_price: str | None = None,
    kind: OrderKind = OrderKind.LIMIT_IOC,
    reduce_only: bool = False,
    leverage: str | None = None,
) -> OrderProposed:
    return OrderProposed(
        proposal=proposal,
        strategy="baseline",
        product=product,
        side=side,
        qty=D(qty),
        kind=kind,
        limit_price=None if limit_price is None else D(limit_price),
        reduce_only=reduce_only,
        as_of=at,
        reason="a test",
        leverage=None if leverage is None else D(leverage),
    )


def order_reported(
    order: str,
    status: OrderStatus = OrderStatus.OPEN,
    filled: str | Decimal = "0",
    *,
    value: str | Decimal | None = None,
    fees: str | Decimal = "0",
    qty: str | Decimal = "5",
    side: Side = Side.BUY,
    product: str = BIP,
    kind: OrderKind = OrderKind.LIMIT_IOC,
    limit_price: str | None = "50250",
    exchange_order: str | None = None,
    at: int = MONDAY,
    origin: Origin = Origin.OURS,
    reason: str = "",
) -> OrderReported:
    """A report of an order of contracts of 0.01; all of it traded at 50,000 where no value is given."""
    return OrderReported(
        order=order,
        exchange_order=f"x-{order}" if exchange_order is None else exchange_order,
        product=product,
        side=side,
        status=status,
        kind=kind,
        qty=D(qty),
        filled_qty=D(filled),
        filled_value=D(filled) * 500 if value is None else D(value),
        fees=D(fees),
        limit_price=None if limit_price is None else D(limit_price),
        exchange_at=at,
        origin=origin,
        reason=reason,
    )


@st.composite
def lives(draw: st.DrawFn, order: str, *, qty: int = 10) -> list[OrderReported]:
    """Every report that an exchange sends of one order, in its order: filled step by step, then over."""
    steps = draw(st.lists(st.integers(1, 4), max_size=5))
    filled, value, fees, at = 0, D(0), D(0), MONDAY
    reports = [order_reported(order, qty=D(qty), at=at)]
    for step in steps:
        part = min(step, qty - filled)
        if not part:
            break
        price = draw(st.integers(9_000, 11_000)) * 5
        filled, value = filled + part, value + part * price * D("0.01")
        fees += draw(st.integers(0, 300)) * D("0.01")
        at += draw(st.integers(0, 3)) * SECOND
        reports.append(order_reported(order, filled=D(filled), value=value, fees=fees, qty=D(qty), at=at))
    if draw(st.booleans()):  # the fee is corrected after the last fill
        fees += draw(st.integers(-50, 50)) * D("0.01")
        at += SECOND
        reports.append(order_reported(order, filled=D(filled), value=value, fees=fees, qty=D(qty), at=at))
    end = OrderStatus.FILLED if filled == qty else draw(st.sampled_from([OrderStatus.CANCELLED, OrderStatus.EXPIRED]))
    reports.append(order_reported(order, end, D(filled), value=value, fees=fees, qty=D(qty), at=at + SECOND))
    return reports


def marked(price: str | Decimal, *, at: int = MONDAY, product: str = BIP) -> MarkUpdated:
    return MarkUpdated(product=product, price=D(price), source=MarkSource.BOOK_AND_TRADE, exchange_at=at)


def with_limits(limits: RiskLimits, *, session: str = "s-1", equity: str = "100000", **more: Any) -> SessionStarted:
    """A live session on the products BIP (contracts of 0.01) and ONE (one coin a contract)."""
    products = {product: ProductSetting(exchange_id=f"{product}-20DEC30-CDE") for product in (BIP, ONE)}
    configuration = Configuration(mode="live", products=products, risk=limits, start_equity=D(equity), **more)
    return SessionStarted(session=session, configuration=configuration, clock=Clock.TAPE, code="test")


def ready(desk: Desk, limits: RiskLimits | None = None, *, equity: str = "100000", price: str = "50000") -> Desk:
    """A session in which everything is known: both products listed and marked at `price`, positions reconciled."""
    desk.hear(with_limits(limits or RiskLimits(), equity=equity), by="session")
    desk.hear(listed(BIP), listed(ONE, contract_size="1"))
    desk.hear(marked(price, at=desk.at), marked(price, at=desk.at, product=ONE), by="marks")
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    return desk


def position_of(qty: str, *, price: str = "50000", product: str = BIP, contract_size: str = "0.01") -> OrderFilled:
    """A fill that makes a position of `qty` (signed) out of none."""
    side = Side.BUY if D(qty) > 0 else Side.SELL
    order = f"opened-{product}"
    size = D(contract_size)
    return filled(side, abs(D(qty)), price, at=MONDAY, product=product, contract_size=size, order=order)
