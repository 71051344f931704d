"""The seed's way to call the baseline: six keywords instead of a view. Only there an object keeps marks and peaks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol, TypedDict, runtime_checkable

from actors.strategies.protocol import View
from events.catalog import ProductListed
from events.configuration import RiskLimits
from events.money import ONE, ZERO
from projections.bounds import Room
from projections.notional import notional


class PositionState(TypedDict, total=False):
    """A position as the seed writes it."""

    qty: Decimal
    side: str  # "long" or "short"
    entry: Decimal


class RiskManager(Protocol):
    """What is asked of a risk manager: its limits."""

    @property
    def config(self) -> RiskLimits: ...


@runtime_checkable
class Restricting(Protocol):
    """A risk manager that restricts single products too."""

    def why_reduce_only(self, symbol: str) -> str | None: ...


class SeedCalls:
    """Builds views of keywords; keeps, for each symbol, the marks it was shown and the peak of its position."""

    def __init__(self, *, window: int, risk_manager: RiskManager | None) -> None:
        self._window = window
        self._risk_manager = risk_manager
        self._marks: dict[str, list[Decimal]] = {}
        self._peaks: dict[tuple[str, str, Decimal], Decimal] = {}

    def view(
        self,
        symbol: str,
        mark: Decimal | None,
        position: PositionState | None,
        recent_marks: list[Decimal] | None,
        *,
        equity: Decimal | None,
        product: ProductListed | None,
    ) -> View:
        """`recent_marks` does not hold the current mark yet; without them the marks of earlier calls are used."""
        marks = list(self._marks.get(symbol, ()) if recent_marks is None else recent_marks)
        if mark is not None:
            marks.append(mark)
        self._marks[symbol] = marks[-self._window :]
        held, entry, best = self._position(symbol, mark, position)
        limits = None if self._risk_manager is None else self._risk_manager.config
        contract_size = ONE if product is None or product.contract_size is None else product.contract_size
        worth = ZERO if mark is None else notional(abs(held), contract_size=contract_size, price=mark)
        room = _room(limits, symbol, equity, worth)
        return View(
            strategy="baseline",
            product=symbol,
            at=0,
            mark=mark,
            marks=tuple(marks[-self._window :]),
            qty=held,
            entry_price=entry,
            best_mark=best,
            entries=1 if held else 0,
            equity=equity,
            room_long=room,
            room_short=room,
            reduce_only=_why_reduce_only(self._risk_manager, symbol),
            is_killed=limits is not None and limits.kill_switch_enabled,
            contract_size=contract_size,
        )

    def _position(
        self, symbol: str, mark: Decimal | None, position: PositionState | None
    ) -> tuple[Decimal, Decimal | None, Decimal | None]:
        """Signed quantity, entry, and the best mark since entry, as far as it was shown here."""
        if not position or not position.get("qty"):
            return ZERO, None, None
        side, entry = position.get("side", "long").lower(), position.get("entry")
        sign = -1 if side == "short" else 1
        if entry is None:
            entry = mark
        if entry is None:
            return sign * abs(position["qty"]), None, None
        key = (symbol, side, entry)
        shown = [price for price in (self._peaks.get(key), entry, mark) if price is not None]
        self._peaks[key] = max(shown) if sign > 0 else min(shown)
        return sign * abs(position["qty"]), entry, self._peaks[key]


def _why_reduce_only(manager: RiskManager | None, symbol: str) -> str | None:
    asked: object = manager
    if isinstance(asked, Restricting):
        return asked.why_reduce_only(symbol)
    return "configured" if manager is not None and manager.config.reduce_only_mode else None


def _room(limits: RiskLimits | None, symbol: str, equity: Decimal | None, held: Decimal) -> Room:
    """What the risk manager's limits leave for one symbol; without one there are none."""
    if equity is None:
        return Room(notional=ZERO, limit="equity unknown")
    if limits is None:
        return Room(notional=Decimal("1E+18"), limit="none")
    if limits.capital_cap_usd is not None:
        equity = min(equity, limits.capital_cap_usd)
    per_symbol: Mapping[str, Decimal] = limits.leverage_max_per_symbol
    rooms = [
        Room(notional=limits.leverage_max_global * equity - held, limit="leverage_max_global"),
        Room(notional=limits.max_exposure_pct * equity - held, limit="max_exposure_pct"),
        Room(notional=limits.max_position_pct_per_symbol * equity - held, limit="max_position_pct_per_symbol"),
    ]
    if symbol in per_symbol:
        rooms.append(Room(notional=per_symbol[symbol] * equity - held, limit="leverage_max_per_symbol"))
    if symbol in limits.max_notional_per_symbol:
        cap = limits.max_notional_per_symbol[symbol]
        rooms.append(Room(notional=cap - held, limit="max_notional_per_symbol"))
    if limits.max_order_notional is not None:
        rooms.append(Room(notional=limits.max_order_notional, limit="max_order_notional"))
    tightest = min(rooms, key=lambda room: room.notional)
    return Room(notional=max(tightest.notional, ZERO), limit=tightest.limit)
