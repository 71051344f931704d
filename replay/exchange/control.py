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

#: Does something to the desk by a request with its body, and says what there is then.
Work = Callable[[Desk, Request, bytes], Json]


def routes(desk: Desk, stop: Callable[[], None]) -> list[BaseRoute]:
    """Every path of the control. What cannot be done is 400 with the reason.

    `/control/books` looks; `/control/pause`, `/control/resume`, `/control/stop`, `/control/acts` answer with it.
    """

    def leave(desk: Desk, _request: Request, _body: bytes) -> Json:
        stop()
        return books(desk)

    told: list[tuple[str, list[str], Work]] = [
        ("faults", ["GET", "POST", "DELETE"], _faults),
        ("settings", ["GET", "POST"], _settings),
        ("books", ["GET"], lambda desk, _request, _body: books(desk)),
        ("pause", ["POST"], _pause),
        ("resume", ["POST"], _resume),
        ("stop", ["POST"], leave),
        ("acts", ["POST"], _act),
        ("orders", ["POST", "DELETE"], _by_hand),
    ]
    return [_route(desk, f"/control/{name}", methods, work) for name, methods, work in told]


def _route(desk: Desk, path: str, methods: list[str], work: Work) -> Route:
    async def respond(request: Request) -> Response:
        try:
            return answer_of(work(desk, request, await request.body()))
        except BadRequest as error:
            return answer_of(error.body, 400)
        except (faulty.BadFaults, settings.BadSettings) as error:
            return answer_of(BadRequest(str(error)).body, 400)

    return Route(path, respond, methods=methods)


def _pause(desk: Desk, _request: Request, _body: bytes) -> Json:
    desk.pump.pause()
    return books(desk)


def _resume(desk: Desk, _request: Request, _body: bytes) -> Json:
    desk.pump.resume()
    return books(desk)


def _faults(desk: Desk, request: Request, body: bytes) -> Json:
    """What is still to go wrong; POST adds a list, DELETE clears."""
    if request.method == "DELETE":
        desk.faults.clear()
    elif request.method == "POST":
        desk.faults.put(faulty.read_faults(body))
    return {"faults": desk.faults.shown()}


def _settings(desk: Desk, request: Request, body: bytes) -> Json:
    """The switches; POST changes those of an object."""
    if request.method == "POST":
        settings.change(desk.settings, body)
    found: Json = msgspec.to_builtins(desk.settings)
    return found


def _act(desk: Desk, _request: Request, body: bytes) -> Json:
    """One act or a list of them, in order; where one cannot be done those before it were."""
    venue = desk.present()
    try:
        for act in acts.read_acts(body):
            venue.act(act)
    finally:
        desk.tell()
    return books(desk)


def _by_hand(desk: Desk, request: Request, body: bytes) -> Json:
    """An order as somebody places it in the exchange's own application; DELETE cancels."""
    return (
        _cancelled(desk, request, body)
        if request.method == "DELETE"
        else rest_orders.create_by_hand(desk, request, body)
    )


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
