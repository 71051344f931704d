"""Faults on demand: what goes wrong on the wire, when, and how often.

A list of faults is JSON, sent to `POST /control/faults` or read from a file at the start:

    [{"fault": "drop", "channel": "l2_data", "after": 10, "count": 3},
     {"fault": "lost_reply", "method": "POST", "path": "/orders"}]

Each fault lets `after` frames or requests that fit it pass, then strikes the next `count` of them, and is over. With
`at` (a time of the exchange, RFC 3339) it does not strike, and does not count, before then. Where several would strike
one frame or request, the first of the list does, and the others wait for the next.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from replay.exchange.times import nanoseconds_of

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
After = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]

_MOST_BYTES = 64 << 20
_UNSENDABLE_CODES = frozenset({1004, 1005, 1006, 1015})


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault"):
    """When and how often. `at` is a time of the exchange; None is from now on."""

    after: After = 0
    at: str | None = None
    count: Count = 1

    def __post_init__(self) -> None:
        if self.at is not None:
            nanoseconds_of(self.at)  # raises ValueError, which becomes part of the message


# On WebSocket frames. Numbers are given to frames before a fault strikes, so that what is missing can be seen.


class FrameFault(Fault, frozen=True, kw_only=True):
    """`channel` as frames name it (`l2_data`, not `level2`); None is every frame of every connection."""

    channel: str | None = None


class Drop(FrameFault, frozen=True, tag="drop"):
    """The frame is never sent."""


class Duplicate(FrameFault, frozen=True, tag="duplicate"):
    """The frame is sent twice."""


class Reorder(FrameFault, frozen=True, tag="reorder"):
    """The frame is sent after the next that is not struck: with a count of 3 frames 1 2 3 4 arrive as 4 1 2 3."""


class Delay(FrameFault, frozen=True, kw_only=True, tag="delay"):
    """The frame, and with it all that follow it, comes later by `seconds`."""

    seconds: Seconds


class Stall(FrameFault, frozen=True, kw_only=True, tag="stall"):
    """The connection stays open and dead: nothing is sent and nothing read, pings included, for `seconds`."""

    seconds: Seconds


class Garbage(FrameFault, frozen=True, tag="garbage"):
    """Before the frame comes text that is no JSON, a binary frame, bytes (`wire`) that are no frame at all, or the
    head of a frame that never ends."""

    content: Literal["text", "binary", "wire", "endless"] = "text"


class Oversize(FrameFault, frozen=True, tag="oversize"):
    """Before the frame comes one of `size_bytes`, well-formed but for its size."""

    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=_MOST_BYTES)] = 16 << 20


class Close(FrameFault, frozen=True, tag="close"):
    """The connection is closed with a code and a reason; the frame is lost."""

    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] = 1001
    reason: Annotated[str, msgspec.Meta(max_length=100)] = "going away"

    def __post_init__(self) -> None:
        FrameFault.__post_init__(self)
        if self.code in _UNSENDABLE_CODES:
            raise ValueError(f"code {self.code} cannot be sent; `cut` ends a connection without a word")


class Cut(FrameFault, frozen=True, tag="cut"):
    """The connection ends without a word."""


# On REST requests. All but the first three carry the request out before they spoil its answer.


class RequestFault(Fault, frozen=True, kw_only=True):
    """`path` below `/api/v3/brokerage`, `*` standing for anything; None is every request."""

    method: Literal["GET", "POST", "PUT", "DELETE"] | None = None
    path: str | None = None


class TooMany(RequestFault, frozen=True, kw_only=True, tag="too_many_requests"):
    """429, not carried out. `retry_after_s` is told as seconds or, `as_date`, as an HTTP date; None tells nothing."""

    retry_after_s: Annotated[int, msgspec.Meta(ge=0, le=3_600)] | None = None
    as_date: bool = False


class ServerError(RequestFault, frozen=True, tag="server_error"):
    """A status of 500 to 599. With `carried_out` the request was, and only its answer failed."""

    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 502
    body: Literal["html", "json", "empty"] = "html"
    carried_out: bool = False


class LostRequest(RequestFault, frozen=True, tag="lost_request"):
    """The connection ends without a word; nothing was carried out."""


class LostReply(RequestFault, frozen=True, tag="lost_reply"):
    """Carried out; then the connection ends without a word."""


class LateReply(RequestFault, frozen=True, kw_only=True, tag="late_reply"):
    """Carried out; the answer comes `seconds` later, other requests and frames meanwhile."""

    seconds: Seconds


class EmptyBody(RequestFault, frozen=True, tag="empty_body"):
    """Carried out; 200 with nothing in it."""


class HtmlBody(RequestFault, frozen=True, tag="html_body"):
    """Carried out; 200 with a page for humans."""


class Truncated(RequestFault, frozen=True, tag="truncated"):
    """Carried out; 200 with the first half of the JSON."""


class Restart(RequestFault, frozen=True, kw_only=True, tag="restart"):
    """The exchange goes down in the middle of the request: every connection ends without a word, and for `seconds` no
    request and no WebSocket is answered. With `carried_out` the request was; with `cancels_orders` none is left after.
    """

    seconds: Seconds
    carried_out: bool = False
    cancels_orders: bool = False


class SlowDrip(RequestFault, frozen=True, kw_only=True, tag="slow_drip"):
    """Carried out; the answer comes `bytes_at_once` by `bytes_at_once`, `pause_s` between them."""

    pause_s: Seconds
    bytes_at_once: Count = 1


# On what the exchange says of itself. Each is one endpoint's; `count` are its requests.


class ClockSkew(Fault, frozen=True, kw_only=True, tag="clock_skew"):
    """The exchange's clock is `seconds` ahead (below zero: behind) when it checks a token or tells the time."""

    seconds: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)]


class ListingLag(Fault, frozen=True, tag="listing_lag"):
    """The listing of orders does not know the `newest` orders yet."""

    newest: Count = 1


class FillsLag(Fault, frozen=True, tag="fills_lag"):
    """The list of fills does not know the `newest` fills yet."""

    newest: Count = 1


class PendingLag(Fault, frozen=True, tag="pending_lag"):
    """An order asked for by its id is still PENDING and unfilled, whatever happened to it."""


class OrderNotFound(Fault, frozen=True, tag="order_not_found"):
    """An order asked for by its id is not there yet: 404."""


class EmptyPositions(Fault, frozen=True, tag="empty_positions"):
    """The list of positions is empty, whatever is held; a single position is not found."""


class RefusedSocket(Fault, frozen=True, kw_only=True, tag="refused_socket"):
    """A WebSocket is refused in its handshake by an HTTP status."""

    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503


class CancelLag(Fault, frozen=True, kw_only=True, tag="cancel_lag"):
    """A cancel is taken with success and carried out `seconds` later: meanwhile CANCEL_QUEUED, the order may fill."""

    seconds: Seconds


class EditLag(Fault, frozen=True, kw_only=True, tag="edit_lag"):
    """An edit is taken with success and carried out `seconds` later: meanwhile EDIT_QUEUED, and neither edited again
    nor cancelled."""

    seconds: Seconds


AnyFrameFault = Drop | Duplicate | Reorder | Delay | Stall | Garbage | Oversize | Close | Cut
AnyRequestFault = (
    TooMany | ServerError | LostRequest | LostReply | LateReply | EmptyBody | HtmlBody | Truncated | SlowDrip | Restart
)
AnyLag = (
    ClockSkew
    | ListingLag
    | FillsLag
    | PendingLag
    | OrderNotFound
    | EmptyPositions
    | RefusedSocket
    | CancelLag
    | EditLag
)
AnyFault = AnyFrameFault | AnyRequestFault | AnyLag


class BadFaults(ValueError):
    """What was given is no list of faults; the message says where and why."""


_decoder = msgspec.json.Decoder(list[AnyFault])
_NAMES = sorted(str(one.__struct_config__.tag) for one in AnyFault.__args__)


def read_faults(content: bytes) -> list[AnyFault]:
    """A JSON list of faults. Raises `BadFaults`."""
    try:
        return _decoder.decode(content)
    except msgspec.MsgspecError as error:
        hint = f"; a fault is one of {', '.join(_NAMES)}" if ".fault`" in str(error) or "`fault`" in str(error) else ""
        raise BadFaults(f"no list of faults: {error}{hint}") from None
