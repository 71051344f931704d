"""The seed's position: one product's, moved by fills. The arithmetic is that of the projections, by cost."""

from __future__ import annotations

from decimal import Decimal, localcontext

from events.money import EXACT, ONE, ZERO, plain
from events.terms import Side
from projections.notional import notional
from projections.positions import Position


class PositionState:
    """`qty` is without sign, in the exchange's unit; `side` gives it: "long", "short" or "flat".

    >>> position = PositionState("BTC-PERP", "long", Decimal("0.1"), Decimal(50_000))
    >>> position.update_from_fill(Decimal("0.2"), Decimal(51_000), "sell")
    Decimal('100')
    >>> position.side, position.qty, position.entry_price
    ('short', Decimal('0.1'), Decimal('51000'))
    """

    def __init__(
        self,
        symbol: str,
        side: str = "flat",
        qty: Decimal = ZERO,
        entry_price: Decimal | None = None,
        realized_pnl: Decimal = ZERO,
        last_funding_ts: int | None = None,
        *,
        contract_size: Decimal = ONE,
    ) -> None:
        """`realized_pnl` is gross of fees. Raises `ValueError` for a quantity without a side or an entry price."""
        self.symbol = symbol
        self.last_funding_ts = last_funding_ts
        self._position = Position(product=symbol, realized=realized_pnl, contract_size=contract_size)
        if qty:
            if side.lower() not in ("long", "short") or entry_price is None:
                raise ValueError(f"a position of {qty} {symbol} needs its side and its entry price")
            with localcontext(EXACT):
                signed = abs(qty) if side.lower() == "long" else -abs(qty)
                self._position.qty = signed
                self._position.cost = notional(signed, contract_size=contract_size, price=entry_price)

    @property
    def side(self) -> str:
        return self._position.side

    @property
    def qty(self) -> Decimal:
        return abs(self._position.qty)

    @property
    def entry_price(self) -> Decimal | None:
        """The average, rounded for show; None when flat."""
        with localcontext(EXACT):
            return self._position.entry_price

    @property
    def realized_pnl(self) -> Decimal:
        return self._position.realized

    @property
    def fees(self) -> Decimal:
        return self._position.fees

    def update_from_fill(self, qty: Decimal, price: Decimal, side: str, *, fee: Decimal = ZERO) -> Decimal:
        """Let a fill change the position: increase, reduce, close or flip; what it realized, gross of `fee`."""
        if qty <= ZERO or price <= ZERO:
            raise ValueError(f"a fill of {qty} at {price}")
        with localcontext(EXACT):
            delta = qty * Side(side.lower()).sign
            value = notional(delta, contract_size=self._position.contract_size or ONE, price=price)
            self._position.trade(delta, value, fee=fee, at=0)
            return plain(self._position.change_realized)

    def unrealized_pnl(self, mark: Decimal | None) -> Decimal | None:
        """The open gain at a mark. None where there is no mark: not knowing is not zero."""
        if not self._position.qty:
            return ZERO
        if mark is None:
            return None
        with localcontext(EXACT):
            size = self._position.contract_size or ONE
            return notional(self._position.qty, contract_size=size, price=mark) - self._position.cost
