"""A very small exchange behind raw HTTP: it takes orders, lists and cancels them, and fails on demand.

It shares nothing with the local exchange: it exists to misbehave in ways no server framework would allow.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from events.orders import CancelSubmitted, OrderSubmitted
from events.terms import NANOSECONDS, OrderKind, Side
from tests.actors.connection.peers import HttpPeer, Request, reply

PRODUCTS = {"BIP-20DEC30-CDE": "BTC-PERP"}
NOW = 1_775_572_203 * NANOSECONDS
ISO = "2026-04-07T14:30:03Z"

#: Does something other than the usual with a request; None: the usual.
Fault = Callable[[Request, socket.socket], bytes | None]


def order_id(number: int) -> str:
    """An id of the form that we derive."""
    return f"0b7f9c1e-0000-8000-9000-{number:012d}"


def submitted(number: int = 1, *, reduce_only: bool = False, **changes: Any) -> OrderSubmitted:
    fields: dict[str, Any] = {
        "order": order_id(number),
        "proposal": f"p{number}",
        "strategy": "s",
        "product": "BTC-PERP",
        "side": Side.BUY,
        "qty": Decimal(3),
        "kind": OrderKind.LIMIT_IOC,
        "limit_price": Decimal(68925),
        "reduce_only": reduce_only,
        "expires_at": NOW + 2 * NANOSECONDS,
        "reference_price": Decimal(68900),
    }
    return OrderSubmitted(**{**fields, **changes})


def cancelled(number: int, exchange_order: str) -> CancelSubmitted:
    return CancelSubmitted(order=order_id(number), exchange_order=exchange_order, product="BTC-PERP", reason="test")


class Booth:
    """Orders by the exchange's id, in the order they came. Faults are set by tests, by the path they act on."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.positions: list[dict[str, str]] = []
        self.faults: dict[str, Fault] = {}
        self.takes_effect_after_fault = False
        self.page = 250
        self.lock = threading.Lock()
        self.peer = HttpPeer(self.answer)

    def close(self) -> None:
        self.peer.close()

    @property
    def creates(self) -> list[str]:
        """The client ids of all creates that arrived, in order."""
        return [request.json["client_order_id"] for request in self.peer.of("POST", "/orders")]

    def rest(self, number: int, *, status: str = "OPEN", **changes: Any) -> str:
        """Put an order on the book; returns the exchange's id."""
        return self._store({"client_order_id": order_id(number), **changes}, status)["order_id"]  # type: ignore[no-any-return]  # rows are JSON

    def answer(self, request: Request, sock: socket.socket) -> bytes | None:
        with self.lock:
            fault = self.faults.get(request.path.removeprefix("/api/v3/brokerage"))
            if fault is not None:
                if self.takes_effect_after_fault:
                    self._usual(request)
                return fault(request, sock)
            return self._usual(request)

    def _usual(self, request: Request) -> bytes:
        path = request.path.removeprefix("/api/v3/brokerage")
        query = parse_qs(request.query)
        if path == "/orders":
            return reply(self._create(request.json))
        if path == "/orders/close_position":
            size = {"market_market_ioc": {"base_size": request.json.get("size", "1")}}
            return reply(self._create({**request.json, "side": "SELL", "order_configuration": size}))
        if path == "/orders/batch_cancel":
            return reply({"results": [self._cancel(each) for each in request.json["order_ids"]]})
        if path == "/orders/historical/batch":
            return reply(self._list(query))
        if path == "/orders/historical/fills":
            return reply({"fills": [], "cursor": ""})
        if path.startswith("/orders/historical/"):
            row = self.orders.get(path.rpartition("/")[2])
            missing = {"error": "unknown", "message": "order with this orderID was not found"}
            return reply({"order": row}) if row else reply(missing, 404)
        if path == "/cfm/positions":
            return reply({"positions": self.positions})
        if path == "/time":
            return reply({"iso": ISO})
        return reply({"error": "unknown", "message": "Not Found"}, 404)

    def _create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """A re-used id is answered with the old order, as the exchange does."""
        old = next((row for row in self.orders.values() if row["client_order_id"] == wanted["client_order_id"]), None)
        row = old or self._store(wanted, "OPEN")
        placed = {"order_id": row["order_id"], "client_order_id": wanted["client_order_id"]}
        return {"success": True, "success_response": placed}

    def _store(self, wanted: dict[str, Any], status: str) -> dict[str, Any]:
        row = {
            "order_id": f"x-{len(self.orders) + 1}",
            "product_id": "BIP-20DEC30-CDE",
            "side": "BUY",
            "status": status,
            "order_configuration": {"sor_limit_ioc": {"base_size": "3", "limit_price": "68925"}},
            "filled_size": "0",
            "filled_value": "0",
            "total_fees": "0",
            "created_time": ISO,
            **wanted,
        }
        self.orders[row["order_id"]] = row
        return row

    def _cancel(self, exchange_order: str) -> dict[str, Any]:
        row = self.orders.get(exchange_order)
        if row is None:
            return {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": exchange_order}
        row["status"] = "CANCELLED"
        return {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": exchange_order}

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """In pages; the filter OPEN leaves out what is PENDING."""
        rows = [row for row in self.orders.values() if row["status"] in query.get("order_status", [row["status"]])]
        start = int(query.get("cursor", ["0"])[0])
        end = start + self.page
        return {"orders": rows[start:end], "has_next": end < len(rows), "cursor": str(end) if end < len(rows) else ""}
