"""A small exchange inside the process: it takes orders, fills them, lists them, and does to each create what is asked.

It is what the client's transport talks to, so nothing depends on a network's timing. It keeps what arrived: that is
what "exactly one order" is counted by.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from actors.connection.amounts import rfc3339
from actors.connection.errors import BrokerageAPIError
from tests.streams.desk import MONDAY, SECOND
from tests.streams.facts import BIP

EXCHANGE_ID = f"{BIP}-20DEC30-CDE"
SIZE = Decimal("0.01")
LATE_LISTINGS = 2  # an order under way turns up by this listing: absence takes two of them


class Fate(StrEnum):
    """What becomes of a create, and of the process that sent it."""

    REPLIED = "taken, and answered"
    REFUSED = "refused, and answered"
    LOST = "taken, the reply is lost"
    FAILED = "taken, answered by a gateway's 503"
    GARBLED = "taken, answered by what is no JSON"
    NEVER = "lost on its way there"
    LATE = "still under way when the line breaks"
    DIES_DURABLE = "the process dies with the intent durable and nothing sent"
    DIES_SENDING = "the process dies sending, nothing arrives"
    DIES_LATE = "the process dies, the order is still under way"
    DIES_SENT = "taken, the process dies before the reply"
    DIES_REPLIED = "taken and answered, the process dies before it can say so"
    DIES_TOLD = "taken, answered and said, then the process dies"


TAKEN = frozenset(Fate) - {Fate.REFUSED, Fate.NEVER, Fate.DIES_DURABLE, Fate.DIES_SENDING}

Row = dict[str, Any]


class SmallExchange:
    """Orders by the exchange's id. `arrived` has the client id of every create that arrived, in order."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.arrived: list[str] = []
        self.history: dict[str, list[Row]] = {}  # every state of each order, the latest last
        self.fates: dict[str, Fate] = {}  # by client id
        self.fills: dict[str, list[tuple[int, int]]] = {}  # by client id: lots and ticks above 50,000, traded at once
        self.lines: list[Row] = []  # the list of fills, oldest first
        self.under_way: list[tuple[int, Row]] = []  # listings until it arrives, the create
        self.cancelling: Callable[[Row], bool] = lambda row: True  # does what a cancel does; whether it was taken
        self.taken: Callable[[Row], None] = lambda row: None  # right after a create, before it is answered
        self.seen_of: Callable[[str], int] = lambda order: -1  # which state of an order REST shows
        self.at = MONDAY
        self.clock: Callable[[], int] = lambda: MONDAY  # what it says the time is

    @property
    def orders(self) -> list[Row]:
        return [states[-1] for states in self.history.values()]

    def positions(self) -> list[Row]:
        sign = {"BUY": 1, "SELL": -1}
        qty = sum((sign[row["side"]] * Decimal(row["filled_size"]) for row in self.orders), Decimal(0))
        side = "LONG" if qty > 0 else "SHORT"
        held = {"number_of_contracts": str(abs(qty)), "current_price": "50000"}
        return [{"product_id": EXCHANGE_ID, "side": side, **held}] if qty else []

    def take(self, wanted: Row) -> Row:
        """A create arrives. A re-used id is answered with the old order."""
        name = wanted["client_order_id"]
        self.arrived.append(name)
        old = next((row for row in self.orders if row["client_order_id"] == name), None)
        if old is not None:
            return old
        row = {
            "order_id": f"x-{len(self.history) + 1}",
            "status": "OPEN",
            "filled_size": "0",
            "filled_value": "0",
            "total_fees": "0",
            **wanted,
        }
        self.history[row["order_id"]] = [self._stamped(row)]
        for lots, ticks in self.fills.get(name, []):
            self.trade(row["order_id"], lots, ticks)
        if "sor_limit_ioc" in wanted["order_configuration"]:
            self.end(row["order_id"])
        self.taken(self.history[row["order_id"]][-1])
        return self.history[row["order_id"]][-1]

    def cancel(self, order: str) -> Row:
        states = self.history.get(order)
        if states is None or states[-1]["status"] != "OPEN":
            return {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": order}
        taken = self.cancelling(states[-1])
        return {
            "success": taken,
            "failure_reason": "" if taken else "COMMANDER_REJECTED_CANCEL_ORDER",
            "order_id": order,
        }

    def trade(self, order: str, lots: int, ticks: int) -> None:
        """Fill some contracts at 50,000 and so many ticks of 5, for a fee of three cents and a half each."""
        row = self.history[order][-1]
        self._line("FILL", row, lots, 50_000 + 5 * ticks, lots * Decimal("0.035"))
        value = Decimal(row["filled_value"]) + lots * (50_000 + 5 * ticks) * SIZE
        fees = Decimal(row["total_fees"]) + lots * Decimal("0.035")
        filled = Decimal(row["filled_size"]) + lots
        full = filled >= Decimal(asked(row))
        changed = {"filled_size": str(filled), "filled_value": str(value), "total_fees": str(fees)}
        self.history[order].append(self._stamped({**row, **changed, "status": "FILLED" if full else row["status"]}))

    def correct(self, number: int, ticks: int | None) -> None:
        """Take a line of the list back, and book it anew at 50,000 and so many ticks. The order's totals follow."""
        line = self.lines[number]
        row, lots, fee = self.history[line["order_id"]][-1], int(line["size"]), Decimal(line["commission"])
        self._line("REVERSAL", row, lots, int(line["price"]), -fee, line["trade_id"])
        filled, value, fees = (Decimal(row[name]) for name in ("filled_size", "filled_value", "total_fees"))
        filled, value, fees = filled - lots, value - lots * int(line["price"]) * SIZE, fees - fee
        if ticks is not None:
            self._line("CORRECTION", row, lots, 50_000 + 5 * ticks, fee, line["trade_id"])
            filled, value, fees = filled + lots, value + lots * (50_000 + 5 * ticks) * SIZE, fees + fee
        changed = {"filled_size": str(filled), "filled_value": str(value), "total_fees": str(fees)}
        self.history[row["order_id"]].append(self._stamped({**row, **changed}))

    def _line(self, kind: str, row: Row, lots: int, price: int, fee: Decimal, trade: str = "") -> None:
        number = len(self.lines)
        self.at += SECOND // 1000
        line = {"entry_id": f"e-{number}", "trade_id": trade or f"t-{number}", "trade_type": kind, "price": str(price)}
        line |= {"size": str(lots), "commission": str(fee), "sequence_timestamp": rfc3339(self.at)}
        self.lines.append(line | {"order_id": row["order_id"], "product_id": EXCHANGE_ID, "side": row["side"]})

    def _fills(self, query: dict[str, list[str]]) -> Row:
        """Newest first; of these orders, or of all."""
        wanted = query.get("order_ids")
        lines = [line for line in reversed(self.lines) if wanted is None or line["order_id"] in wanted]
        return {"fills": lines, "cursor": ""}

    def end(self, order: str) -> None:
        row = self.history[order][-1]
        if row["status"] == "OPEN":
            self.history[order].append(self._stamped({**row, "status": "CANCELLED"}))

    def answer(self, method: str, url: str, body: bytes | None) -> tuple[int, Mapping[str, str], str]:
        with self.lock:
            path = urlsplit(url).path.removeprefix("/api/v3/brokerage").removeprefix("/market")
            if path == "/orders/batch_cancel":
                return _reply({"results": [self.cancel(order) for order in json.loads(body or b"")["order_ids"]]})
            if method == "POST":
                row = self.take(json.loads(body or b""))
                placed = {"order_id": row["order_id"], "client_order_id": row["client_order_id"]}
                return _reply({"success": True, "success_response": placed})
            if path == "/orders/historical/batch":
                return _reply(self._list(parse_qs(urlsplit(url).query)))
            if path == "/orders/historical/fills":
                return _reply(self._fills(parse_qs(urlsplit(url).query)))
            if path.startswith("/orders/historical/"):
                states = self.history.get(path.rpartition("/")[2])
                return _reply({"order": self._shown(states)} if states else {"error": "NOT_FOUND"}, states is not None)
            if path == "/time":
                return _reply({"iso": rfc3339(self.clock())})
            return _reply({**STANDING, "/cfm/positions": {"positions": self.positions()}}[path])

    def _list(self, query: dict[str, list[str]]) -> Row:
        self.under_way = [(listings - 1, wanted) for listings, wanted in self.under_way]
        for listings, wanted in self.under_way:
            if listings <= 0:
                self.take(wanted)
        self.under_way = [each for each in self.under_way if each[0] > 0]
        rows = [self._shown(states) for states in self.history.values()]
        wanted_status = query.get("order_status")
        return {"orders": [row for row in rows if wanted_status in (None, [row["status"]])], "has_next": False}

    def _shown(self, states: list[Row]) -> Row:
        return states[self.seen_of(states[0]["order_id"])]

    def _stamped(self, row: Row) -> Row:
        self.at += SECOND // 1000
        return {"created_time": rfc3339(MONDAY), **row, "last_fill_time": rfc3339(self.at)}


def asked(row: Row) -> str:
    return str(next(iter(row["order_configuration"].values()))["base_size"])


def _reply(body: object, is_there: bool = True) -> tuple[int, Mapping[str, str], str]:
    return 200 if is_there else 404, {}, json.dumps(body)


def usd(value: str) -> Row:
    return {"value": value, "currency": "USD"}


#: What does not change: enough for a whole round of the account poller.
STANDING: dict[str, Any] = {
    "/cfm/sweeps": {"sweeps": []},
    "/key_permissions": {"can_view": True, "can_trade": True, "can_transfer": False},
    "/cfm/intraday/current_margin_window": {"margin_window": {"margin_window_type": "MARGIN_WINDOW_TYPE_INTRADAY"}},
    "/cfm/balance_summary": {
        "balance_summary": {
            "cbi_usd_balance": usd("0"),
            "cfm_usd_balance": usd("100000"),
            "unrealized_pnl": usd("0"),
        }
    },
    "/products": {
        "products": [
            {
                "product_id": EXCHANGE_ID,
                "base_increment": "1",
                "price_increment": "5",
                "base_min_size": "1",
                "product_type": "FUTURE",
                "product_venue": "FCM",
                "future_product_details": {"contract_size": str(SIZE)},
            }
        ]
    },
}


class Wire:
    """One process's way to the exchange. When the process dies, nothing passes any more, either way."""

    def __init__(self, exchange: SmallExchange) -> None:
        self.exchange = exchange
        self.is_dead = threading.Event()
        self.dies_when_told = threading.Event()

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        self._expect_life()
        if method == "POST" and not url.endswith("/batch_cancel"):
            return self._create(url, body or b"")
        answer = self.exchange.answer(method, url, body)
        self._expect_life()
        return answer

    def _create(self, url: str, body: bytes) -> tuple[int, Mapping[str, str], str]:
        wanted = json.loads(body)
        with self.exchange.lock:
            fate = self.exchange.fates[wanted["client_order_id"]]
            if fate in (Fate.LATE, Fate.DIES_LATE):
                self.exchange.under_way.append((LATE_LISTINGS, wanted))
            taken = fate in TAKEN - {Fate.LATE, Fate.DIES_LATE}
            answer = self.exchange.answer("POST", url, body) if taken else _reply({"success": False})
        match fate:
            case Fate.FAILED:
                return 503, {}, "<html>try again</html>"
            case Fate.GARBLED:
                return 200, {}, "<html>welcome</html>"
            case Fate.REFUSED:
                refusal = {"error": "INSUFFICIENT_FUND", "new_order_failure_reason": "INSUFFICIENT_FUND"}
                return _reply({"success": False, "error_response": refusal})
            case Fate.LOST | Fate.NEVER | Fate.LATE:
                raise BrokerageAPIError("no reply in time", outcome_unknown=True)
            case Fate.DIES_SENDING | Fate.DIES_LATE | Fate.DIES_SENT | Fate.DIES_REPLIED:
                self.is_dead.set()
            case Fate.DIES_TOLD:
                self.dies_when_told.set()
            case _:
                pass
        if fate is not Fate.DIES_REPLIED:
            self._expect_life()
        return answer

    def _expect_life(self) -> None:
        if self.is_dead.is_set():
            raise BrokerageAPIError("this process is dead", outcome_unknown=True)
