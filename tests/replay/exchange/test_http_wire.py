"""Requests byte by byte, as other people's clients write them: what HTTP allows is taken, what is wrong is named."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.running import BASE, PRODUCT, Client, running

_TIMEOUT_S = 5
_PRODUCT_PATH = f"{BASE}/market/products/{PRODUCT}"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One TCP connection to an exchange."""

    def __init__(self, host: str) -> None:
        name, _, port = host.partition(":")
        self.host = host
        self.socket = socket.create_connection((name, int(port)), timeout=_TIMEOUT_S)
        self._left = b""

    def send(self, text: str | bytes) -> None:
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def request(self, line: str, *headers: str, body: bytes = b"") -> None:
        """A request line, headers besides Host, and a body with its length."""
        told = [line, f"Host: {self.host}", *headers]
        if body:
            told.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(told).encode() + b"\r\n\r\n" + body)

    def reply(self, *, has_body: bool = True) -> Reply:
        """The next reply on this connection."""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        status = int(head[0].split(" ")[1])
        length = int(headers.get("content-length", "0")) if has_body and status not in (100, 204) else 0
        while len(self._left) < length:
            self._more()
        body, self._left = self._left[:length], self._left[length:]
        return Reply(status, headers, body)

    def is_closed(self) -> bool:
        """Whether the other side hung up."""
        try:
            return not self._left and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def _until(self, end: bytes) -> bytes:
        while end not in self._left:
            self._more()
        found, _, self._left = self._left.partition(end)
        return found

    def _more(self) -> None:
        more = self.socket.recv(65_536)
        assert more, f"the exchange hung up; before: {self._left[:200]!r}"
        self._left += more


@contextmanager
def wire(client: Client) -> Iterator[Wire]:
    found = Wire(client.host)
    try:
        yield found
    finally:
        found.socket.close()


def bearer(client: Client, method: str, path: str) -> str:
    return f"Authorization: Bearer {client.token(f'{method} {client.host}{path}')}"


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v3/brokerage", "/api/v3/brokerage/", f"{BASE}/fees", f"{BASE}/limits", f"{BASE}/nope/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_an_unknown_path_is_404_in_json_whatever_the_method(standing: Client, method: str, path: str) -> None:
    with wire(standing) as one:
        one.request(f"{method} {path} HTTP/1.1")
        reply = one.reply()
    assert (reply.status, reply.headers["content-type"]) == (404, "application/json")
    assert json.loads(reply.body) == {"error": "unknown", "error_details": "Not Found", "message": "Not Found"}


@pytest.mark.parametrize(
    "path",
    [f"{BASE}/orders/historical", f"{BASE}/portfolios/x/breakdown", f"{BASE}/Products"],
)
def test_what_older_clients_call_and_the_exchange_has_not_is_404(standing: Client, path: str) -> None:
    with wire(standing) as one:
        one.request(f"GET {path} HTTP/1.1", bearer(standing, "GET", path))
        assert one.reply().status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/time", "GET, HEAD, OPTIONS"),
        ("GET", "/orders", "OPTIONS, POST"),
        ("PATCH", "/portfolios/x", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("GET", "/cfm/sweeps/schedule", "OPTIONS, POST"),
        ("DELETE", "/orders/batch_cancel", "OPTIONS, POST"),
    ],
)
def test_a_known_path_with_another_method_is_405_and_says_which(
    standing: Client, method: str, path: str, allowed: str
) -> None:
    with wire(standing) as one:
        one.request(f"{method} {BASE}{path} HTTP/1.1")
        reply = one.reply()
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert json.loads(reply.body)["message"] == "Method Not Allowed"


def test_options_says_what_a_path_takes(standing: Client) -> None:
    with wire(standing) as one:
        one.request(f"OPTIONS {BASE}/accounts HTTP/1.1")
        reply = one.reply()
        assert (reply.status, reply.headers["allow"], reply.body) == (204, "GET, HEAD, OPTIONS", b"")


def test_head_is_get_without_its_body(standing: Client) -> None:
    with wire(standing) as one:
        one.request(f"HEAD {_PRODUCT_PATH} HTTP/1.1")
        head = one.reply(has_body=False)
        one.request(f"GET {_PRODUCT_PATH} HTTP/1.1")
        whole = one.reply()
    assert (head.status, head.headers["content-length"]) == (200, str(len(whole.body)))
    assert whole.headers["content-type"] == "application/json"


def test_a_connection_is_kept_and_requests_may_be_sent_ahead(standing: Client) -> None:
    path = f"{BASE}/accounts"
    with wire(standing) as one:
        for _ in range(3):
            one.request(f"GET {path} HTTP/1.1", bearer(standing, "GET", path))
        one.request(f"GET {_PRODUCT_PATH} HTTP/1.1")
        replies = [one.reply() for _ in range(4)]
    assert [reply.status for reply in replies] == [200] * 4
    assert ["accounts" in json.loads(reply.body) for reply in replies] == [True, True, True, False]


def test_a_connection_is_closed_where_the_client_wants_that(standing: Client) -> None:
    with wire(standing) as one:
        one.request(f"GET {_PRODUCT_PATH} HTTP/1.1", "Connection: close")
        reply = one.reply()
        assert reply.headers["connection"] == "close"
        assert one.is_closed()
    with wire(standing) as one:
        one.request(f"GET {_PRODUCT_PATH} HTTP/1.0")
        assert one.reply().status == 200
        assert one.is_closed()


def test_header_names_and_the_scheme_are_read_in_any_case(standing: Client) -> None:
    path = f"{BASE}/key_permissions"
    token = standing.token(f"GET {standing.host}{path}")
    with wire(standing) as one:
        one.send(f"GET {path} HTTP/1.1\r\nhOsT: {standing.host}\r\nAUTHORIZATION:   bEaReR {token}\r\n\r\n")
        assert one.reply().status == 200


def test_a_body_may_come_in_chunks(exchange: Client) -> None:
    path = f"{BASE}/orders"
    configuration = {"limit_limit_gtc": {"base_size": "1", "limit_price": "59000", "post_only": False}}
    order = {"client_order_id": "c", "product_id": PRODUCT, "side": "BUY", "order_configuration": configuration}
    body = json.dumps(order).encode()
    with wire(exchange) as one:
        one.request(f"POST {path} HTTP/1.1", bearer(exchange, "POST", path), "Transfer-Encoding: chunked")
        for first in range(0, len(body), 7):
            part = body[first : first + 7]
            one.send(f"{len(part):x};note=x\r\n".encode() + part + b"\r\n")
        one.send(b"0\r\n\r\n")
        reply = one.reply()
    assert json.loads(reply.body)["success"] is True


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(standing: Client) -> None:
    path = f"{BASE}/orders/preview"
    body = json.dumps({"product_id": PRODUCT, "side": "BUY", "order_configuration": {}}).encode()
    with wire(standing) as one:
        headers = (bearer(standing, "POST", path), "Expect: 100-continue", f"Content-Length: {len(body)}")
        one.request(f"POST {path} HTTP/1.1", *headers)
        assert one.reply().status == 100
        one.send(body)
        assert json.loads(one.reply().body)["errs"] == ["PREVIEW_INVALID_ORDER_CONFIG"]


def test_a_request_that_dribbles_in_is_answered_when_it_is_whole(standing: Client) -> None:
    with wire(standing) as one:
        for byte in f"GET {BASE}/time HTTP/1.1\r\nHost: {standing.host}\r\n\r\n".encode():
            one.send(bytes([byte]))
        assert one.reply().status == 200


@pytest.mark.parametrize("path", [f"{BASE}/products/BIP%2D20DEC30%2DCDE", f"{BASE}/products/{PRODUCT}"])
def test_a_path_may_be_percent_encoded_and_the_token_may_name_either_form(standing: Client, path: str) -> None:
    plain = f"{BASE}/products/{PRODUCT}"
    with wire(standing) as one:
        for signed in (path, plain):
            one.request(f"GET {path} HTTP/1.1", bearer(standing, "GET", signed))
            reply = one.reply()
            assert (reply.status, json.loads(reply.body)["product_id"]) == (200, PRODUCT)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("product_ids=BIP-20DEC30-CDE&product_ids=NOPE", 1),
        ("product%5Fids=BIP%2D20DEC30%2DCDE", 1),
        ("product_ids=NOPE", 0),
        ("product_ids=", 1),
        ("unknown=1&&limit=5&", 1),
        ("product_ids=%ff%fe", 0),
    ],
)
def test_queries_are_decoded_and_repeated_keys_are_lists(standing: Client, query: str, count: int) -> None:
    with wire(standing) as one:
        one.request(f"GET {BASE}/market/products?{query} HTTP/1.1")
        reply = one.reply()
    assert (reply.status, json.loads(reply.body)["num_products"]) == (200, count)


@pytest.mark.parametrize(
    ("accepts", "is_packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_a_large_reply_is_packed_only_for_who_asks(standing: Client, accepts: str, is_packed: bool) -> None:
    with wire(standing) as one:
        one.request(f"GET {_PRODUCT_PATH} HTTP/1.1", f"Accept-Encoding: {accepts}")
        packed = one.reply()
        one.request(f"GET {_PRODUCT_PATH} HTTP/1.1")
        plain = one.reply()
        one.request(f"GET {BASE}/time HTTP/1.1", f"Accept-Encoding: {accepts}")
        small = one.reply()
    assert (packed.headers.get("content-encoding") == "gzip") is is_packed
    assert (gzip.decompress(packed.body) if is_packed else packed.body) == plain.body
    assert "content-encoding" not in small.headers


@pytest.mark.parametrize(
    "request_text",
    [
        "NONSENSE\r\n\r\n",
        "GET /api/v3/brokerage/time HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        "POST /api/v3/brokerage/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /api/v3/brokerage/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_hurts_nobody_else(standing: Client, request_text: str) -> None:
    with wire(standing) as one:
        one.send(request_text.encode("latin-1"))
        reply = one.reply()
        assert reply.status in (400, 401), reply
    with wire(standing) as other:
        other.request(f"GET {BASE}/time HTTP/1.1")
        assert other.reply().status == 200


def test_a_request_without_a_host_is_refused(standing: Client) -> None:
    with wire(standing) as one:
        one.send(f"GET {BASE}/time HTTP/1.1\r\n\r\n")
        assert one.reply().status == 400


def test_a_body_that_is_no_text_is_a_bad_request(standing: Client) -> None:
    path = f"{BASE}/orders"
    for body in (b"\xff\xfe{}", b'{"client_order_id": "\xff"}', b"\xef\xbb\xbf{}", b'{"a": NaN}', b"[" * 100_000):
        with wire(standing) as one:
            one.request(f"POST {path} HTTP/1.1", bearer(standing, "POST", path), body=body)
            reply = one.reply()
        assert reply.status == 400, body[:20]
        assert json.loads(reply.body)["message"].startswith("proto: syntax error")


def test_a_bad_token_is_plain_text(standing: Client) -> None:
    path = f"{BASE}/accounts"
    for header in ("Authorization: Bearer", "Authorization: Basic eDp5", "Authorization: Bearer a.b.c", "X: y"):
        with wire(standing) as one:
            one.request(f"GET {path} HTTP/1.1", header)
            reply = one.reply()
        assert (reply.status, reply.body) == (401, b"Unauthorized\n")
        assert reply.headers["content-type"].startswith("text/plain")


def test_a_plain_request_to_a_tls_port_and_a_stranger_to_its_authority_get_nowhere(tmp_path: Path) -> None:
    options = ExchangeOptions(tape=quiet_day(), speed=None, start=Start.NOW, folder=tmp_path, tls=True)
    with running(options) as client:
        with wire(client) as one:
            one.request(f"GET {BASE}/time HTTP/1.1")
            assert one.is_closed()
        strict = ssl.create_default_context()
        with wire(client) as one, pytest.raises(ssl.SSLCertVerificationError):
            strict.wrap_socket(one.socket, server_hostname="127.0.0.1")
        assert client.ready.ca_file is not None
        strict.load_verify_locations(client.ready.ca_file)
        with wire(client) as one, strict.wrap_socket(one.socket, server_hostname="127.0.0.1") as secure:
            secure.sendall(f"GET {BASE}/time HTTP/1.1\r\nHost: {client.host}\r\n\r\n".encode())
            assert secure.recv(64).startswith(b"HTTP/1.1 200")
            assert secure.version() in ("TLSv1.2", "TLSv1.3")


def test_an_upgrade_to_something_else_is_passed_over(standing: Client) -> None:
    with wire(standing) as one:
        headers = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
        one.request(f"GET {BASE}/time HTTP/1.1", *headers)
        assert one.reply().status == 200


def test_cookies_agents_and_long_headers_do_not_matter(standing: Client) -> None:
    with wire(standing) as one:
        headers = ("Cookie: a=b; c=d", "User-Agent: x", f"X-Long: {'y' * 8_000}", "Accept: text/html", "X-Empty:")
        one.request(f"GET {BASE}/time HTTP/1.1", *headers)
        reply = one.reply()
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_is_json_whatever_its_type_says(standing: Client, content_type: str) -> None:
    path = f"{BASE}/orders/preview"
    body = json.dumps({"product_id": PRODUCT, "side": "BUY", "order_configuration": {}}).encode()
    with wire(standing) as one:
        headers = (bearer(standing, "POST", path), *([f"Content-Type: {content_type}"] if content_type else []))
        one.request(f"POST {path} HTTP/1.1", *headers, body=body)
        assert one.reply().status == 200
