"""One HTTP request over `requests`, with what it lacks: a deadline for the whole of it, and a cap on the reply.

Every step gets only what is left of the deadline: a resolver that does not answer is cut off in time, and so are
headers and bodies that drip. The wire knows whether anything was sent, which is what decides if a failed write may have
taken effect. The environment has no say (no proxy, no certificate bundle, no netrc): what is wanted is given.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager
from urllib3.util.connection import allowed_gai_family, create_connection

from actors.connection.auth import redacted
from actors.connection.errors import BrokerageAPIError, ReplyUnreadable
from actors.connection.lookup import look_up

#: The largest reply that is read, in bytes, after decompression.
BODY_CAP = 16 * 1024 * 1024
#: Connecting (one address, TLS included) may take this long.
CONNECT_TIMEOUT_S = 5.0
_CHUNK = 64 * 1024

#: Status, headers (names in lower case) and text of a reply.
Reply = tuple[int, Mapping[str, str], str]


#: What carries a request: `(method, url, headers, body, timeout) -> (status, headers, text)`.
#: Raises `BrokerageAPIError` when no whole reply came.
Transport = Callable[[str, str, Mapping[str, str], bytes | None, float], Reply]


class HttpTransport:
    """Requests over a pool of connections that threads may share; one connection each without keep-alive."""

    def __init__(
        self,
        *,
        keep_alive: bool = True,
        proxy: str | None = None,
        ca_file: str | None = None,
        body_cap: int = BODY_CAP,
    ) -> None:
        self._keep_alive = keep_alive
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._verify: bool | str = ca_file or True
        self._body_cap = body_cap
        self._session = _new_session()

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float) -> Reply:
        """Send once. `timeout` is for the whole request, in seconds."""
        request = requests.PreparedRequest()
        request.prepare(method=method, url=url, headers=self._headers(headers), data=body)
        session = self._session if self._keep_alive else _new_session()
        _call.deadline = time.monotonic() + timeout
        _call.sent = False
        response: requests.Response | None = None
        try:
            response = session.send(
                request,
                stream=True,
                timeout=(min(timeout, CONNECT_TIMEOUT_S), timeout),
                verify=self._verify,
                proxies=cast(Any, self._proxies),
                allow_redirects=False,
            )
            text = self._text(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            if response is not None:
                response.close()
            raise _failure(error, url, timeout) from None
        finally:
            if session is not self._session:
                session.close()
        return response.status_code, {name.lower(): value for name, value in response.headers.items()}, text

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        ours = {"User-Agent": "perptape", "Accept": "application/json", "Accept-Encoding": "gzip", **headers}
        return ours if self._keep_alive else {**ours, "Connection": "close"}

    def _text(self, response: requests.Response) -> str:
        parts: list[bytes] = []
        size = 0
        for part in response.raw.stream(_CHUNK, decode_content=True):
            size += len(part)
            if size > self._body_cap:
                response.close()
                raise BrokerageAPIError(
                    f"the reply is longer than {self._body_cap} bytes",
                    status=response.status_code,
                    outcome_unknown=True,
                )
            parts.append(part)
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError as error:
            raise ReplyUnreadable(f"the reply is not UTF-8: {error.reason}", body="") from None


def _new_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _PacedAdapter(pool_maxsize=8, max_retries=0))
    return session


class _Call(threading.local):
    """The request that this thread is about: until when, and whether a byte of it has left."""

    deadline = 0.0
    sent = False


_call = _Call()


def _left_s() -> float:
    left = _call.deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline of the request has passed")
    return left


class _PacedSocket:
    """A socket whose every step gets what is left of the calling thread's deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(_left_s())  # for all of it: the timeout of sendall is a total
        _call.sent = True
        self._sock.sendall(data)

    def makefile(self, mode: str, buffering: int = -1) -> io.BufferedReader:
        assert mode == "rb", "replies are read as bytes"
        return io.BufferedReader(_PacedReader(self._sock), buffering if buffering > 0 else io.DEFAULT_BUFFER_SIZE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _PacedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)  # keeps the descriptor open until the reply is read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left_s())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def connect(self) -> None:
        super().connect()
        self.sock = cast(Any, _PacedSocket(self.sock))


class _Https(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def connect(self) -> None:
        super().connect()
        self.sock = cast(Any, _PacedSocket(cast(socket.socket, self.sock)))


def _connected(link: HTTPConnection) -> socket.socket:
    """A socket to the first address of the host that takes one; the name, too, is looked up within the deadline."""
    failed: OSError = OSError("the name has no address")
    try:
        for *_, address in look_up(link.host, link.port, within_s=_soon_s(), family=allowed_gai_family()):
            try:
                sock = create_connection((address[0], link.port), _soon_s(), socket_options=link.socket_options)
                sock.settimeout(_soon_s())  # for the whole TLS handshake
            except OSError as error:
                failed = error
            else:
                return sock
        raise failed
    except socket.gaierror as error:
        raise NameResolutionError(link.host, link, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(link, f"no connection in time: {error}") from error
    except OSError as error:
        raise NewConnectionError(link, f"no connection: {error}") from error


def _soon_s() -> float:
    """What a step of connecting may take: of what is left, at most the share for one step."""
    return min(CONNECT_TIMEOUT_S, _left_s())


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _PacedAdapter(HTTPAdapter):
    """Connections of ours in the pools, through a proxy or not."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._equip(cast(PoolManager, self.poolmanager))

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        pools = super().proxy_manager_for(proxy, **kwargs)
        self._equip(pools)
        return pools

    @staticmethod
    def _equip(pools: PoolManager) -> None:
        pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def _plainly(error: BaseException, host: str) -> str:
    """What went wrong in a person's words, where the cause is one that a person can mend."""
    inner: object = error
    while isinstance(inner, BaseException) and not isinstance(error, requests.exceptions.ProxyError):
        match inner:
            case ssl.SSLCertVerificationError(verify_message=why):
                return f"the certificate of {host} is not trusted ({why}); exchange.ca_file names what to trust"
            case socket.gaierror():
                return f"{host} has no address ({inner.strerror}); look at exchange.rest"
            case ConnectionRefusedError():
                return f"nobody listens at {host}"
            case _:
                reason = getattr(inner, "reason", None)
                nested = inner.args[0] if inner.args else None
                causes = (reason, inner.__cause__, inner.__context__, nested)
                inner = next((cause for cause in causes if isinstance(cause, BaseException)), None)
    return redacted(f"{type(error).__name__}: {error}", limit=200)


def _failure(error: Exception, url: str, timeout: float) -> BrokerageAPIError:
    """The error of a request without a whole reply: what was sent may have been acted on."""
    stage = "after it was sent" if _call.sent else "before anything was sent"
    if time.monotonic() >= _call.deadline:
        what = f"no whole reply within {timeout:g} s"
    else:
        what = _plainly(error, urlsplit(url).netloc.rpartition("@")[2])
    return BrokerageAPIError(
        f"the request failed {stage}: {what}", code="NETWORK", outcome_unknown=_call.sent, retryable=True
    )
