"""The REST side: which path is answered by what, who may ask, and how errors look."""

from __future__ import annotations

import gzip
import time
from collections.abc import Awaitable, Callable, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import Receive, Scope, Send

from replay.exchange import (
    rest_account,
    rest_app,
    rest_edits,
    rest_intx,
    rest_market,
    rest_money,
    rest_orders,
    rest_portfolios,
)
from replay.exchange.auth import ApiKey, Unauthorized, forms_of_uri
from replay.exchange.desk import Desk
from replay.exchange.errors import ApiError, Forbidden, NotFound
from replay.exchange.faults import ClockSkew
from replay.exchange.faulty_requests import BASE, too_many

#: An endpoint: gets the desk, the request and its body, gives what is answered as JSON.
Answer = Callable[[Desk, Request, bytes], object]

#: Method, path, endpoint. Under `/market` and for the time nobody needs a token.
_PUBLIC: Sequence[tuple[str, str, Answer]] = (
    ("GET", "/time", rest_market.time),
    ("GET", "/market/products", rest_market.products),
    ("GET", "/market/products/{product_id}", rest_market.product),
    ("GET", "/market/products/{product_id}/candles", rest_market.candles),
    ("GET", "/market/products/{product_id}/ticker", rest_market.ticker),
    ("GET", "/market/product_book", rest_market.product_book),
)
_VIEW: Sequence[tuple[str, str, Answer]] = (
    ("GET", "/products", rest_market.products),
    ("GET", "/products/{product_id}", rest_market.product),
    ("GET", "/products/{product_id}/candles", rest_market.candles),
    ("GET", "/products/{product_id}/ticker", rest_market.ticker),
    ("GET", "/product_book", rest_market.product_book),
    ("GET", "/best_bid_ask", rest_market.best_bid_ask),
    ("GET", "/accounts", rest_account.accounts),
    ("GET", "/accounts/{account_id}", rest_account.account),
    ("GET", "/portfolios", rest_portfolios.portfolios),
    ("GET", "/portfolios/{portfolio_uuid}", rest_portfolios.breakdown),
    ("GET", "/convert/trade/{trade_id}", rest_money.trade),
    ("GET", "/payment_methods", rest_money.payment_methods),
    ("GET", "/payment_methods/{payment_method_id}", rest_money.payment_method),
    ("GET", "/transaction_summary", rest_account.transaction_summary),
    ("GET", "/cfm/balance_summary", rest_account.balance_summary),
    ("GET", "/cfm/positions", rest_account.positions),
    ("GET", "/cfm/positions/{product_id}", rest_account.position),
    ("GET", "/cfm/sweeps", rest_account.sweeps),
    ("GET", "/cfm/intraday/current_margin_window", rest_account.current_margin_window),
    ("GET", "/cfm/intraday/margin_setting", rest_account.margin_setting),
    ("GET", "/intx/portfolio/{portfolio_uuid}", rest_intx.portfolio),
    ("GET", "/intx/positions/{portfolio_uuid}", rest_intx.positions),
    ("GET", "/intx/positions/{portfolio_uuid}/{symbol}", rest_intx.position),
    ("GET", "/intx/balances/{portfolio_uuid}", rest_intx.balances),
    ("GET", "/orders/historical/batch", rest_orders.listing),
    ("GET", "/orders/historical/fills", rest_orders.fills),
    ("GET", "/orders/historical/{order_id}", rest_orders.order),
    ("POST", "/orders/preview", rest_orders.preview),
    ("POST", "/orders/edit_preview", rest_edits.edit_preview),
)
_TRANSFER: Sequence[tuple[str, str, Answer]] = (
    ("POST", "/portfolios/move_funds", rest_portfolios.move_funds),
    ("POST", "/convert/quote", rest_money.quote),
    ("POST", "/convert/trade/{trade_id}", rest_money.commit),
)
_TRADE: Sequence[tuple[str, str, Answer]] = (
    ("POST", "/orders", rest_orders.create),
    ("POST", "/orders/batch_cancel", rest_orders.batch_cancel),
    ("POST", "/orders/batch_cancel/", rest_orders.batch_cancel),  # as older clients end it
    ("POST", "/orders/edit", rest_edits.edit),
    ("POST", "/orders/close_position", rest_orders.close_position),
    ("POST", "/cfm/intraday/margin_setting", rest_account.set_margin_setting),
    ("POST", "/cfm/sweeps/schedule", rest_account.schedule_sweep),
    ("DELETE", "/cfm/sweeps", rest_account.cancel_sweep),
    ("POST", "/portfolios", rest_portfolios.create),
    ("PUT", "/portfolios/{portfolio_uuid}", rest_portfolios.rename),
    ("DELETE", "/portfolios/{portfolio_uuid}", rest_portfolios.delete),
    ("POST", "/intx/allocate", rest_intx.allocate),
    ("POST", "/intx/multi_asset_collateral", rest_intx.multi_asset_collateral),
)
#: Below `/v2`. Names, rates and the time need no token.
_APP: Sequence[tuple[str, str, Answer]] = (
    ("GET", "/time", rest_app.time),
    ("GET", "/currencies", rest_app.currencies),
    ("GET", "/currencies/crypto", rest_app.crypto),
    ("GET", "/exchange-rates", rest_app.exchange_rates),
)

#: What a client may send at most.
_BODY_LIMIT_BYTES = 1 << 20
#: Smaller replies are not worth packing.
_PACKED_FROM_BYTES = 1_024


def routes(desk: Desk) -> list[BaseRoute]:
    """Every path of the exchange; the last answers all others with 404."""
    private = [(*row, _may_view) for row in _VIEW] + [(*row, _may_trade) for row in _TRADE]
    private += [(*row, _may_transfer) for row in _TRANSFER]
    key_permissions = ("GET", "/key_permissions", rest_account.key_permissions, _may_view)
    found = [_route(desk, *row, None) for row in _PUBLIC]
    found += [_route(desk, *row) for row in (*private, key_permissions)]
    found += [_route(desk, *row, None, base="/v2") for row in _APP]
    found.append(_route(desk, "GET", "/accounts", rest_app.accounts, _may_view, base="/v2"))
    return [*found, Mount("/", Elsewhere(found))]


class Elsewhere:
    """What answers where no endpoint does: 405 with what is allowed for a path that takes other methods, else 404."""

    def __init__(self, known: Sequence[Route]) -> None:
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed: set[str] = set()
        for route in self._known:
            match, _ = route.matches({**scope, "path": scope["path"], "root_path": "", "app_root_path": ""})
            if match is not Match.NONE:
                allowed |= route.methods or set()
        await self._answer(scope["method"], allowed)(scope, receive, send)

    def _answer(self, method: str, allowed: set[str]) -> Response:
        if not allowed:
            missing = NotFound("Not Found", "unknown")
            return answer_of(missing.body, missing.status)
        headers = {"allow": ", ".join(sorted(allowed | {"OPTIONS"}))}
        if method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        wrong = ApiError(405, "Method Not Allowed")
        response = answer_of(wrong.body, wrong.status)
        response.headers.update(headers)
        return response


def answer_of(payload: object, status: int = 200) -> Response:
    return Response(orjson.dumps(payload), status_code=status, media_type="application/json")


def packed(reply: Response, accepts: str) -> Response:
    """The reply compressed, where it is worth it and asked for; `gzip;q=0` asks for the contrary."""
    body = bytes(reply.body)
    if len(body) < _PACKED_FROM_BYTES or not _takes_gzip(accepts):
        return reply
    reply.body = gzip.compress(body, compresslevel=1, mtime=0)
    reply.headers["content-length"] = str(len(reply.body))
    reply.headers["content-encoding"] = "gzip"
    reply.headers["vary"] = "accept-encoding"
    return reply


def _takes_gzip(accepts: str) -> bool:
    for word in accepts.lower().split(","):
        name, _, quality = word.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _may_view(key: ApiKey) -> bool:
    return key.can_view


def _may_trade(key: ApiKey) -> bool:
    return key.can_trade


def _may_transfer(key: ApiKey) -> bool:
    return key.can_transfer


def _route(
    desk: Desk, method: str, path: str, answer: Answer, may: Callable[[ApiKey], bool] | None, *, base: str = BASE
) -> Route:
    async def respond(request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            if may is None:
                if not desk.limit.take_public(_caller(request)):
                    return too_many({})
            else:
                key = _key_of(desk, request)
                passes, headers = desk.limit.take(key.name)
                if not passes:
                    return too_many(headers)
                if not may(key):
                    raise Forbidden
                request.state.key = key
            replied = answer_of(answer(desk, request, await _body(request)))
        except Unauthorized:
            replied = Response("Unauthorized\n", status_code=401, media_type="text/plain")
        except ApiError as error:
            replied = answer_of(error.body, error.status)
        replied.headers.update(headers)
        return packed(replied, request.headers.get("accept-encoding", ""))

    responder: Callable[[Request], Awaitable[Response]] = respond
    return Route(base + path, responder, methods=[method])


def _key_of(desk: Desk, request: Request) -> ApiKey:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("no token")
    sent = request.scope["raw_path"].decode("ascii", errors="replace").partition("?")[0]
    uris = forms_of_uri(request.method, request.headers.get("host", ""), {request.scope["path"], sent})
    skew = desk.faults.lag(ClockSkew, desk.venue.now)
    now_s = time.time() + (0 if skew is None else skew.seconds)
    return desk.keys.check(token.strip(), now_s=now_s, uris=uris, may_repeat=desk.settings.nonces_repeat)


async def _body(request: Request) -> bytes:
    if request.method in ("GET", "HEAD"):
        return b""  # some clients send one; nothing is read from it
    body = await request.body()
    if len(body) > _BODY_LIMIT_BYTES:
        raise ApiError(413, "Request body too large")
    return body


def _caller(request: Request) -> str:
    return "" if request.client is None else request.client.host
