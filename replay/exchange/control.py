"""The handle on a local exchange that the real one does not have: books, stop and go, faults, settings; no token."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from events.money import ZERO
from replay.exchange import acts, bodies, rest_orders, settings
from replay.exchange import faults as faulty
from replay.exchange.desk import Desk
from replay.exchange.errors import BadRequest
from replay.exchange.rest import answer_of
from replay.exchange.shapes import Json, number
from replay.exchange.times import rfc3339


def routes(desk: Desk, stop: Callable[[], None]) -> list[BaseRoute]:
    """`GET /control/books`; `POST /control/pause`, `/control/resume`, `/control/stop`.

    `/control/acts`: POST does one act or a list of them, in order (400: the first that cannot be done; those before it
    were). `/control/orders`: POST places an order by hand, as the exchange's own application would, DELETE cancels.

    `/control/faults`: GET shows what is still to come, POST adds a list (400: what is wrong with it), DELETE clears.
    `/control/settings`: GET shows, POST changes.
    """

    async def show(_request: Request) -> Response:
        return answer_of(books(desk))

    async def pause(_request: Request) -> Response:
        desk.pump.pause()
        return answer_of(books(desk))

    async def resume(_request: Request) -> Response:
        desk.pump.resume()
        return answer_of(books(desk))

    async def leave(_request: Request) -> Response:
        stop()
        return answer_of(books(desk))

    async def put_faults(request: Request) -> Response:
        if request.method == "DELETE":
            desk.faults.clear()
        elif request.method == "POST":
            try:
                desk.faults.put(faulty.read_faults(await request.body()))
            except faulty.BadFaults as error:
                return answer_of(BadRequest(str(error)).body, 400)
        return answer_of({"faults": desk.faults.shown()})

    async def set_settings(request: Request) -> Response:
        if request.method == "POST":
            try:
                settings.change(desk.settings, await request.body())
            except settings.BadSettings as error:
                return answer_of(BadRequest(str(error)).body, 400)
        return answer_of(msgspec.to_builtins(desk.settings))

    async def do(request: Request) -> Response:
        venue = desk.present()
        try:
            for act in acts.read_acts(await request.body()):
                venue.act(act)
        except BadRequest as error:
            desk.tell()
            return answer_of(error.body, 400)
        desk.tell()
        return answer_of(books(desk))

    async def by_hand(request: Request) -> Response:
        work = _cancelled if request.method == "DELETE" else rest_orders.create_by_hand
        try:
            return answer_of(work(desk, request, await request.body()))
        except BadRequest as error:
            return answer_of(error.body, 400)

    return [
        Route("/control/acts", do, methods=["POST"]),
        Route("/control/orders", by_hand, methods=["POST", "DELETE"]),
        Route("/control/faults", put_faults, methods=["GET", "POST", "DELETE"]),
        Route("/control/settings", set_settings, methods=["GET", "POST"]),
        Route("/control/books", show, methods=["GET"]),
        Route("/control/pause", pause, methods=["POST"]),
        Route("/control/resume", resume, methods=["POST"]),
        Route("/control/stop", leave, methods=["POST"]),
    ]


def _cancelled(desk: Desk, _request: Request, body: bytes) -> Json:
    """The orders of a list of ids, or all that are open where nothing is said."""
    order_ids = bodies.read_cancel(body) if body else list(desk.present().ledger.open)
    return rest_orders.cancelled(desk, order_ids)


def books(desk: Desk) -> Json:
    """The account by the exchange's own arithmetic, to the last digit; profit is valued at `mark`.

    equity = start_cash + transfers + realized - fees + funding_paid + funding_accrued + unrealized.
    """
    venue = desk.present()
    held, marks, mark = venue.books, venue.marks(), venue.mark()
    holding = venue.holding
    position = {
        "product": venue.product.product,
        "exchange_id": venue.product.exchange_id,
        "qty": number(holding.qty),
        "mark": number(mark),
        "entry_price": number(holding.entry_price),
        "realized": number(holding.realized),
        "unrealized": number(ZERO if mark is None else holding.worth(mark) - holding.cost),
    }
    return {
        "time": rfc3339(venue.now),
        "time_ns": str(venue.now),
        "started": desk.pump.has_started,
        "ended": desk.pump.has_ended,
        "played": desk.pump.played,
        "start_cash": number(held.start_cash),
        "transfers": number(held.transfers),
        "cash": number(held.cash),
        "spot": number(venue.treasury.spot),
        "in_liquidation": venue.in_liquidation,
        "fees": number(held.fees),
        "funding_paid": number(held.funding_paid),
        "funding_accrued": number(held.funding_accrued),
        "realized": number(held.realized),
        "unrealized": number(held.unrealized(marks)),
        "equity": number(held.equity(marks)),
        "positions": [position] if holding.qty else [],
        "orders": len(venue.ledger.orders),
        "open_orders": len(venue.ledger.open),
        "fills": len(venue.ledger.fills),
        "fundings": [
            {
                "product": entry.product,
                "boundary": rfc3339(entry.boundary),
                "qty": number(entry.qty),
                "mark": number(entry.mark),
                "rate": number(entry.rate),
                "amount": number(entry.amount),
            }
            for entry in held.fundings
        ],
    }
