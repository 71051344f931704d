"""One request to the REST surface: limited, signed anew for each try, read into its type, retried if it is a read.

Writes are sent once: whoever sent one that ended with `outcome_unknown` asks the exchange what became of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from actors.connection.amounts import UNREADABLE, decimal_text
from actors.connection.auth import Signer, redacted
from actors.connection.backoff import MAX_RETRY_AFTER_S, http_date_s, retry_after_s, retry_delay
from actors.connection.client.limits import RequestLimiter, Urgency
from actors.connection.client.reading import read
from actors.connection.client.replies import ErrorBody
from actors.connection.client.wire import Transport
from actors.connection.errors import (
    AuthenticationError,
    BrokerageAPIError,
    BrokerageError,
    RateLimitError,
    ReplyUnreadable,
    of_status,
)

log = logging.getLogger(__name__)

API = "/api/v3/brokerage"
#: A clock that is further off is named as a likely reason of a refused signature. The reply's date has whole seconds.
CLOCK_LEEWAY_S = 5.0

T = TypeVar("T")
Query = Sequence[tuple[str, str]]
Body = Mapping[str, Any]


class Line:
    """The way to one exchange for one account. A copy with other manners shares limits, key and connections."""

    def __init__(
        self,
        base_url: str,
        credentials: Signer | None,
        transport: Transport,
        limiter: RequestLimiter,
        *,
        api: str = API,
        headers: Mapping[str, str] | None = None,
        max_retries: int,
        retry_delay_s: float,
        jitter_factor: float,
        timeout_s: float,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.credentials = credentials
        self.api = api
        self.headers = {"Cache-Control": "no-cache", **(headers or {})}
        self.transport = transport
        self.limiter = limiter
        self.max_retries = max_retries
        self.retry_delay_s = retry_delay_s
        self.jitter_factor = jitter_factor
        self.timeout_s = timeout_s
        self.urgency: Urgency | None = None
        self.patience_s: float | None = None
        self.pause: Callable[[float], object] | None = None
        self._host = urlsplit(self.base_url).netloc

    def get(self, path: str, kind: type[T], query: Query = ()) -> T:
        """Ask, and ask again where the error allows it."""
        return self.get_with_headers(path, kind, query)[0]

    def get_with_headers(self, path: str, kind: type[T], query: Query = ()) -> tuple[T, Mapping[str, str]]:
        """As `get`, with the reply's headers, names in lower case."""
        for attempt in range(1, self.max_retries + 2):
            try:
                return self._send("GET", path, kind, query, None, _nothing)
            except BrokerageError as error:
                if attempt > self.max_retries or not _may_retry(error, attempt):
                    raise
                self._wait(error, attempt)
        raise AssertionError("the last attempt returns or raises")

    def post(self, path: str, body: Body, kind: type[T], before_send: Callable[[], None] = lambda: None) -> T:
        """Send once. `before_send` is called after the rate limit; what it raises stops the request."""
        return self._send("POST", path, kind, (), msgspec.json.encode(body), before_send)[0]

    def put(self, path: str, body: Body, kind: type[T]) -> T:
        """Send once."""
        return self._send("PUT", path, kind, (), msgspec.json.encode(body), _nothing)[0]

    def delete(self, path: str, kind: type[T], query: Query = ()) -> T:
        """Send once."""
        return self._send("DELETE", path, kind, query, None, _nothing)[0]

    def pages(self, path: str, kind: type[T], query: Query, has_more: Callable[[Any], bool]) -> Iterator[T]:
        """The pages of a list. Raises where the exchange hands out a cursor twice, which would never end."""
        seen: set[str] = set()
        page: Any = self.get(path, kind, query)
        while True:
            yield page
            if not has_more(page):
                return
            if not page.cursor or page.cursor in seen:
                raise never_ends(path)
            seen.add(page.cursor)
            page = self.get(path, kind, [*query, ("cursor", page.cursor)])

    def _send(
        self,
        method: str,
        path: str,
        kind: type[T],
        query: Query,
        body: bytes | None,
        before_send: Callable[[], None],
    ) -> tuple[T, Mapping[str, str]]:
        target = self.api + path + (f"?{urlencode(query)}" if query else "")
        self.limiter.take(self.urgency, self.patience_s)
        before_send()
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.credentials is not None:
            headers.update(self.credentials.request_headers(method, self._host, target, body or b""))
        status, answer, text = self.transport(method, self.base_url + target, headers, body, self.timeout_s)
        answer = {name.lower(): value for name, value in answer.items()}
        if not 200 <= status < 300:
            raise _error_of(status, answer, self._concealed(text))
        try:
            return read(kind, text), answer
        except UNREADABLE as error:
            why = self._concealed(f"{method} {self.api}{path}: {error}")
            unreadable = ReplyUnreadable(why, body=redacted(self._concealed(text)))
            log.warning("a reply that cannot be read (%s): %s", unreadable, unreadable.body)
            raise unreadable from None

    def _concealed(self, text: str) -> str:
        return text if self.credentials is None else self.credentials.concealed(text)

    def _wait(self, error: BrokerageError, attempt: int) -> None:
        after = error.retry_after if isinstance(error, RateLimitError) else None
        delay = retry_delay(attempt, first_s=self.retry_delay_s, jitter_factor=self.jitter_factor, retry_after_s=after)
        log.info("attempt %d failed (%s); trying again in %.2f s", attempt, redacted(str(error), limit=120), delay)
        if self.pause is None:
            time.sleep(delay)
        else:
            self.pause(delay)


class Linked(Protocol):
    """Whatever has a line: a client, whose methods the functions of the modules of its families are."""

    @property
    def line(self) -> Line: ...


def segment(text: str) -> str:
    """One part of a path: what would end it, or begin another, is percent-encoded.

    >>> segment("BIP-20DEC30-CDE"), segment("../a?b"), segment("client:7")
    ('BIP-20DEC30-CDE', '..%2Fa%3Fb', 'client:7')
    """
    return quote(text, safe=":")


def queried(**fields: str | int | bool | Decimal | Sequence[str] | None) -> list[tuple[str, str]]:
    """The query of a request: None is left out, a list repeats its name.

    >>> queried(product_ids=["A", "B"], limit=5, is_open=None, deep=True)
    [('product_ids', 'A'), ('product_ids', 'B'), ('limit', '5'), ('deep', 'true')]
    """
    query: list[tuple[str, str]] = []
    for name, value in fields.items():
        if isinstance(value, bool):
            query.append((name, "true" if value else "false"))
        elif isinstance(value, Decimal):
            query.append((name, decimal_text(value)))
        elif isinstance(value, (str, int)):
            query.append((name, str(value)))
        elif value is not None:
            query += [(name, each) for each in value]
    return query


def never_ends(path: str) -> BrokerageAPIError:
    """The error of a list whose pages repeat."""
    return BrokerageAPIError(f"GET {path}: the list never ends, its cursor repeats", code="REPEATED_CURSOR")


def _nothing() -> None:
    """Nothing is looked at before the send."""


def _may_retry(error: BrokerageError, attempt: int) -> bool:
    """Whether a read that ended like this may be tried again. A token is refused now and then: once more with a new."""
    if isinstance(error, RateLimitError):
        return error.status == 429 and (error.retry_after or 0) <= MAX_RETRY_AFTER_S
    if isinstance(error, AuthenticationError):
        return error.status == 401 and attempt == 1
    return isinstance(error, BrokerageAPIError) and error.retryable


def _error_of(status: int, headers: Mapping[str, str], text: str) -> BrokerageError:
    """The error of a reply outside 2xx, whatever its body is: JSON of either shape, text, HTML, nothing."""
    try:
        body = read(ErrorBody, text)
    except UNREADABLE:
        body = ErrorBody(message=" ".join(text.split()))
    first = body.errors[0] if body.errors else None
    code = body.error or (first.id if first else "")
    message = redacted(body.message or body.error_details or (first.message if first else ""), limit=300)
    return of_status(
        status,
        code=redacted(code, limit=80),
        message=f"{message}{_clock_of(headers)}" if status == 401 else message,
        retry_after=retry_after_s(headers.get("retry-after"), time.time()),
    )


def _clock_of(headers: Mapping[str, str]) -> str:
    """What a refused signature may be about: a clock of ours that is far from the exchange's, as its reply dates it."""
    now = time.time()
    ahead_s = now - (http_date_s(headers.get("date")) or now)
    if abs(ahead_s) <= CLOCK_LEEWAY_S:
        return ""
    return f" (our clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the exchange's)"
