"""P1: from the log to the full state, the chain verified, against one tight hand-written loop over the same file.

The full state is the account as risk and strategies see it: catalog, marks, positions, funding, orders, limits. The
reference reads the same lines with a bare msgspec union of the same types and keeps the same figures in dictionaries.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from events.catalog import ProductListed
from events.configuration import Configuration, MarkSetting, ProductSetting, RiskLimits, StrategySetting
from events.funding import FundingAccrued
from events.log import FileLog, read_commits
from events.market import MarkUpdated
from events.money import ONE, ZERO, use_exact_arithmetic
from events.orders import FillCorrected, OrderApproved, OrderClosed, OrderFilled, OrderReported, OrderSubmitted
from events.record import Record
from events.session import SessionStarted
from events.terms import Side
from projections.account import Account
from replay.backtest import backtest
from replay.tapes import generated_tape

FACTS = 60_000


def measure(rounds: int) -> dict[str, Any]:
    """Records per second over alternating rounds; the ratio is ours to the reference."""
    use_exact_arithmetic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        records = _write(path)
        ours, reference = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            equity = _fold(path)
            ours.append(records / (time.perf_counter() - began))
            began = time.perf_counter()
            bare = _tight_loop(path / "events.jsonl")
            reference.append(records / (time.perf_counter() - began))
            assert equity == bare, f"the loop and the fold disagree: {bare} and {equity}"
    rate, bare_rate = statistics.median(ours), statistics.median(reference)
    row = {
        "case": f"{records:,} records",
        "records per s": round(rate),
        "loop, records per s": round(bare_rate),
        "ratio": round(rate / bare_rate, 2),
        "first_day": 0.4,
        "goal": 0.85,
    }
    return {"id": "P1", "title": "replay to the full state", "reference": "one tight loop", "rows": [row]}


def _write(path: Path) -> int:
    tape = generated_tape(seed=11, events_per_s=20)
    configuration = Configuration(
        mode="paper",
        products={"BTC-PERP": ProductSetting(exchange_id=tape.product.exchange_id)},
        marks=MarkSetting(interval_s=10),
        risk=RiskLimits(max_daily_loss_pct=ONE),
        strategies={"trend": StrategySetting(uses="baseline", product="BTC-PERP", options={"enable_shorts": True})},
    )
    log = FileLog.open(path)
    facts = islice(tape.facts(), FACTS)
    return backtest(facts, session="bench", start=tape.start, configuration=configuration, log=log).seq


def _fold(path: Path) -> Decimal | None:
    """Ours: commits whose chain was checked, through the projections."""
    account = Account()
    hears, fold = Account.hears, account.fold
    for commit in read_commits(path):
        for record in commit.records:
            if type(record.event) in hears:
                fold(record)
    return account.portfolio.equity()


def _tight_loop(file: Path) -> Decimal:
    """The same figures with the least code that could do it; no chain, no checks."""
    decode = msgspec.json.Decoder(Record).decode
    cash = ZERO
    qty: dict[str, Decimal] = {}
    size: dict[str, Decimal] = {}
    mark: dict[str, Decimal] = {}
    orders: dict[str, Any] = {}
    with file.open("rb") as lines:
        for line in lines:
            if not line.startswith(b'{"seq"'):
                continue
            event: Any = decode(line).event
            kind = type(event)
            if kind is MarkUpdated:
                mark[event.product] = event.price
            elif kind is OrderFilled or kind is FillCorrected:
                sign = ONE if event.side is Side.BUY else -ONE
                qty[event.product] = qty.get(event.product, ZERO) + sign * event.qty
                cash -= sign * event.value + event.fee
            elif kind is OrderApproved or kind is OrderSubmitted or kind is OrderReported:
                orders[event.proposal if kind is not OrderReported else event.order] = event
            elif kind is OrderClosed:
                orders.pop(event.order, None)
            elif kind is FundingAccrued:
                cash += event.amount
            elif kind is ProductListed:
                size[event.product] = event.contract_size
            elif kind is SessionStarted:
                cash += event.configuration.paper.start_cash
    return cash + sum((held * size[product] * mark[product] for product, held in qty.items()), ZERO)
