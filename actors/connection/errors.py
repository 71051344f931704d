"""What can go wrong between us and the exchange, by blame. The journal never sees it, only the events made of it.

    BrokerageError
    ├── AuthenticationError        the key, the token or the clock (401)
    │   └── PermissionDenied       the key is good and may not do this (403)
    ├── InsufficientFunds          an order needs more money or margin than there is
    ├── InvalidSymbol              a product the exchange does not know or does not trade
    ├── InvalidOrder               the exchange refuses the order as it stands
    ├── OrderNotFound              an order id the exchange does not know
    ├── RateLimitError             too many requests (429, or our own limit)
    ├── InvalidRequestError        a request the exchange cannot read (400)
    └── BrokerageAPIError          everything else: outages, network, replies that cannot be read
        ├── ReplyUnreadable        a reply that is not what the protocol says; names the path
        ├── FrameUnreadable        a WebSocket frame that is not what the protocol says; names the path
        ├── FeedBroken             a WebSocket connection ended or broke its rules
        └── ConnectionClosed       our own end was closed while a request waited

`outcome_unknown` is the one question that matters after a write: may the exchange have acted on it? Texts are cut and
freed of tokens and keys before they get here (`actors.connection.auth.redacted`).
"""

from __future__ import annotations

from collections.abc import Sequence


class BrokerageError(Exception):
    """The root. `status` is the HTTP status (None without a reply), `code` the exchange's own word for it."""

    #: Whether a write that ended like this may have taken effect at the exchange.
    outcome_unknown: bool = False

    def __init__(self, message: str, *, status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


class AuthenticationError(BrokerageError):
    """The exchange does not accept the key or the token."""


class PermissionDenied(AuthenticationError):
    """The key is known and may not do this."""


class InsufficientFunds(BrokerageError):
    """Money or margin does not suffice."""


class InvalidSymbol(BrokerageError):
    """The exchange does not know the product, or does not trade it."""


class InvalidOrder(BrokerageError):
    """The exchange refuses the order as it stands; `code` is its reason."""


class OrderNotFound(BrokerageError):
    """The exchange does not know an order of this id."""


class RateLimitError(BrokerageError):
    """Too many requests. `retry_after` is in seconds, None where the exchange did not say."""

    def __init__(
        self, message: str, *, status: int | None = None, code: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.retry_after = retry_after


class InvalidRequestError(BrokerageError):
    """The exchange cannot read the request."""


class BrokerageAPIError(BrokerageError):
    """The exchange or the way to it failed. `retryable` says whether a read may be tried again."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        outcome_unknown: bool = False,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.outcome_unknown = outcome_unknown
        self.retryable = retryable


class ReplyUnreadable(BrokerageAPIError):
    """A reply is not what the protocol says. The message names the path; `body` is its beginning, without secrets."""

    def __init__(self, message: str, *, body: str, outcome_unknown: bool = True) -> None:
        super().__init__(message, status=200, code="UNREADABLE", outcome_unknown=outcome_unknown)
        self.body = body


class FrameUnreadable(BrokerageAPIError):
    """A frame is not what the protocol says. The message names the path; `frame` is its beginning."""

    def __init__(self, message: str, *, frame: str) -> None:
        super().__init__(message, code="UNREADABLE")
        self.frame = frame


class FeedBroken(BrokerageAPIError):
    """A WebSocket connection ended, or broke its rules. The message is the reason that `FeedLost` carries."""


class ConnectionClosed(BrokerageAPIError):
    """Our own end was closed while a request waited for its turn; nothing was sent."""


#: Reasons of the exchange (HTTP 200, `success: false`) that mean money, and those that mean the product.
_FUNDS = ("INSUFFICIENT", "INVALID_LEDGER_BALANCE")
_PRODUCT = ("INVALID_PRODUCT_ID", "UNTRADABLE_PRODUCT", "INELIGIBLE_PAIR")
_PERMISSION = ("GEOFENCING_RESTRICTION",)
_ORDER = ("ORDER_NOT_FOUND",)


def of_refusal(reasons: Sequence[str], message: str) -> BrokerageError:
    """The error of an order refused in a reply of status 200.

    `reasons` in the order new_order_failure_reason, preview_failure_reason, error; the first that says something
    counts: names that begin with UNKNOWN_ say nothing.

    >>> of_refusal(["UNKNOWN_FAILURE_REASON", "PREVIEW_INSUFFICIENT_FUND", ""], "")
    InsufficientFunds('PREVIEW_INSUFFICIENT_FUND')
    """
    code = next((reason for reason in reasons if reason and not reason.startswith("UNKNOWN")), "UNKNOWN")
    text = f"{code}: {message}" if message else code
    if any(word in code for word in _FUNDS):
        return InsufficientFunds(text, status=200, code=code)
    if any(word in code for word in _PRODUCT):
        return InvalidSymbol(text, status=200, code=code)
    if any(word in code for word in _PERMISSION):
        return PermissionDenied(text, status=200, code=code)
    if code in _ORDER:
        return OrderNotFound(text, status=200, code=code)
    return InvalidOrder(text, status=200, code=code)


def of_status(status: int, *, code: str, message: str, retry_after: float | None = None) -> BrokerageError:
    """The error of a reply that is neither 2xx nor a refusal. `code` and `message` as the body gave them.

    >>> of_status(404, code="NOT_FOUND", message="Product NOPE-USD not supported")
    InvalidSymbol('404 NOT_FOUND: Product NOPE-USD not supported')
    """
    text = f"{status} {code}: {message}".rstrip(": ")
    words = f"{code} {message}".lower()
    if status in (401, 407):
        return AuthenticationError(text, status=status, code=code)
    if status == 403:
        return PermissionDenied(text, status=status, code=code)
    if status == 404:
        kind = OrderNotFound if "order" in words else InvalidSymbol if "product" in words else InvalidRequestError
        return kind(text, status=status, code=code)
    if status == 429:
        return RateLimitError(text, status=status, code=code, retry_after=retry_after)
    if "insufficient" in words:
        return InsufficientFunds(text, status=status, code=code)
    if status in (408, 409) or status >= 500:
        return BrokerageAPIError(text, status=status, code=code, outcome_unknown=True, retryable=status != 409)
    if 400 <= status < 500:
        return InvalidRequestError(text, status=status, code=code)
    return BrokerageAPIError(text, status=status, code=code, outcome_unknown=True)
