"""The ledger again, as simply as it can be written, in exact fractions, sharing nothing with the projections."""

from __future__ import annotations

from fractions import Fraction

from events.account import BalanceReported, ExternalFlow, TransferReported
from events.catalog import ProductListed
from events.funding import FundingAccrued, FundingCorrected
from events.market import MarkUpdated
from events.orders import OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.session import SessionStarted
from events.terms import Side


class NaiveLedger:
    """Counts cash: what was paid for quantity, and what the quantity would bring now. Costs and gains never appear."""

    def __init__(self) -> None:
        self.start: Fraction | None = None
        self.start_at = -1
        self.transfers: dict[str, Fraction] = {}
        self.qty: dict[str, Fraction] = {}
        self.cash = Fraction(0)
        self.fees = Fraction(0)
        self.funding: dict[tuple[str, int], Fraction] = {}
        self.sizes: dict[str, Fraction] = {}
        self.marks: dict[str, Fraction] = {}
        self.adjusted: dict[str, AdjustmentApplied] = {}
        # Average cost, for realized gains; it has no answer to what a reversal should have realized.
        self.average: dict[str, Fraction] = {}
        self.realized = Fraction(0)
        self.was_reversed = False

    def take(self, record: Record) -> None:
        event = record.event
        if isinstance(event, SessionStarted):
            if self.start is None and event.configuration.start_equity is not None:
                self.start = Fraction(event.configuration.start_equity)
        elif isinstance(event, BalanceReported):
            if self.start is None:
                self.start = Fraction(event.spot_usd) + Fraction(event.futures_usd)
                self.start_at = event.exchange_at
                self.transfers = {transfer: Fraction(0) for transfer in self.transfers}
        elif isinstance(event, TransferReported):
            is_new = event.transfer not in self.transfers and event.exchange_at > self.start_at
            if is_new:
                self.transfers[event.transfer] = Fraction(event.amount)
        elif isinstance(event, ExternalFlow):
            if event.exchange_at > self.start_at:
                self.transfers.setdefault(event.flow, Fraction(event.amount))
        elif isinstance(event, OrderFilled):
            sign = 1 if event.side is Side.BUY else -1
            self.fees += Fraction(event.fee)
            self._trade(event.product, sign * Fraction(event.qty), sign * Fraction(event.value))
        elif isinstance(event, AdjustmentApplied):
            self.adjusted[event.adjustment] = event
            self._trade(event.product, Fraction(event.qty), Fraction(event.value))
        elif isinstance(event, AdjustmentReversed):
            self.was_reversed = True
            applied = self.adjusted.pop(event.adjustment)
            assert (event.qty, event.value) == (-applied.qty, -applied.value)
            self.cash += Fraction(applied.value)
            self.qty[applied.product] -= Fraction(applied.qty)
        elif isinstance(event, FundingAccrued):
            self.funding.setdefault((event.product, event.boundary), Fraction(event.amount))
        elif isinstance(event, FundingCorrected):
            assert self.funding.get((event.product, event.boundary), Fraction(0)) == Fraction(event.before)
            self.funding[event.product, event.boundary] = Fraction(event.after)
        elif isinstance(event, ProductListed):
            if event.contract_size is not None:
                self.sizes[event.product] = Fraction(event.contract_size)
        elif isinstance(event, MarkUpdated):
            self.marks[event.product] = Fraction(event.price)

    def equity(self) -> Fraction | None:
        """None while the start or a mark of an open position is unknown."""
        open_products = [product for product, qty in self.qty.items() if qty]
        if self.start is None or any(product not in self.marks for product in open_products):
            return None
        worth = sum(self.qty[p] * self.sizes[p] * self.marks[p] for p in open_products)
        return self.start + sum(self.transfers.values()) + self.cash - self.fees + sum(self.funding.values()) + worth

    def _trade(self, product: str, delta: Fraction, value: Fraction) -> None:
        self.cash -= value
        if not delta:  # what an earlier trade was worth is corrected: no quantity carries it
            self.realized -= value
            return
        held = self.qty.get(product, Fraction(0))
        price = value / delta
        left = held + delta
        average = self.average.get(product, Fraction(0))
        if held * delta >= 0:
            self.average[product] = (held * average + value) / left
        else:
            closed = min(abs(held), abs(delta)) * (1 if held > 0 else -1)
            self.realized += closed * (price - average)
            if left * held <= 0:
                self.average[product] = price if left else Fraction(0)
        self.qty[product] = left
