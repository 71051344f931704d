"""A running exchange and a client of it: real sockets, real tokens, everything bounded in time."""

from __future__ import annotations

import base64
import json
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import jwt
import requests
import websocket
from cryptography.hazmat.primitives.asymmetric import ed25519

from replay.exchange.server import ExchangeOptions, Ready, serve

BASE = "/api/v3/brokerage"
PRODUCT = "BIP-20DEC30-CDE"
_TIMEOUT_S = 10

#: What the exchange sends, as it comes; tests look into it by key.
Json = dict[str, Any]


class Client:
    """Somebody with a key to a running exchange."""

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        self.host = ready.rest.split("//")[1]
        key = json.loads(Path(ready.key_file).read_text())
        self.name: str = key["name"]
        private = key["privateKey"]
        if private.startswith("-----BEGIN"):
            self.private: object = private
            self.algorithm = "ES256"
        else:
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(private)[:32])
            self.algorithm = "EdDSA"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ready.ca_file or True

    def token(self, uri: str | None = None, **changed: object) -> str:
        """A token for a request, or for WebSocket without `uri`. `changed` replaces claims."""
        now = int(time.time())
        claims: Json = {"sub": self.name, "iss": "cdp", "nbf": now, "exp": now + 120}
        if uri is not None:
            claims["uri"] = uri
        headers = {"kid": self.name, "nonce": secrets.token_hex()}
        return jwt.encode({**claims, **changed}, self.private, algorithm=self.algorithm, headers=headers)  # type: ignore[arg-type]

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        **params: Any,
    ) -> requests.Response:
        """A signed request; `token` replaces the right one."""
        signed = token if token is not None else self.token(f"{method} {self.host}{BASE}{path}")
        return self.session.request(
            method,
            f"{self.ready.rest}{BASE}{path}",
            params=params,
            data=body if isinstance(body, str) else None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {signed}"},
            timeout=_TIMEOUT_S,
        )

    def get(self, path: str, **params: Any) -> Json:
        reply = self.ask("GET", path, **params)
        assert reply.status_code == 200, reply.text
        found: Json = reply.json()
        return found

    def post(self, path: str, body: object) -> Json:
        reply = self.ask("POST", path, body)
        assert reply.status_code == 200, reply.text
        found: Json = reply.json()
        return found

    def order(self, client_order_id: str, side: str, configuration: Json) -> Json:
        return self.post(
            "/orders",
            {
                "client_order_id": client_order_id,
                "product_id": PRODUCT,
                "side": side,
                "order_configuration": configuration,
            },
        )

    def limit(self, client_order_id: str, side: str, size: int, price: int, *, post_only: bool = False) -> str:
        """Place a resting limit order; its id at the exchange."""
        options = {"base_size": str(size), "limit_price": str(price), "post_only": post_only}
        return self._taken(self.order(client_order_id, side, {"limit_limit_gtc": options}))

    def market(self, client_order_id: str, side: str, size: int) -> str:
        """Place a market order; its id at the exchange."""
        return self._taken(self.order(client_order_id, side, {"market_market_ioc": {"base_size": str(size)}}))

    def control(self, act: str) -> Json:
        """`books` looks; everything else does something."""
        url = f"{self.ready.rest}/control/{act}"
        reply = (
            self.session.get(url, timeout=_TIMEOUT_S) if act == "books" else self.session.post(url, timeout=_TIMEOUT_S)
        )
        found: Json = reply.json()
        return found

    def until_ended(self) -> None:
        """Return when the tape has been played to its end."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not self.control("books")["ended"]:
            assert time.monotonic() < deadline, "the tape does not end"

    def _taken(self, reply: Json) -> str:
        assert reply["success"], reply
        order_id: str = reply["success_response"]["order_id"]
        return order_id


class Feed:
    """One WebSocket connection; frames are checked to be numbered without a gap."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.next_number = 0
        self.socket = websocket.create_connection(
            client.ready.ws, timeout=_TIMEOUT_S, skip_utf8_validation=True, http_no_proxy=["*"]
        )

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close(timeout=1)
        self.socket.shutdown()  # type: ignore[no-untyped-call]  # the library's own

    def say(self, channel: str, *, kind: str = "subscribe", **fields: object) -> None:
        self.socket.send(json.dumps({"type": kind, "channel": channel, **fields}))

    def subscribe(self, *channels: str) -> list[Json]:
        """Subscribe to channels one by one; the frames up to the last acknowledgement."""
        frames: list[Json] = []
        for channel in channels:
            self.say(channel, product_ids=[PRODUCT], jwt=self.client.token())
            frames += self.until(lambda frame: frame["channel"] == "subscriptions")
        return frames

    def frame(self) -> Json:
        """The next frame. Raises `WebSocketConnectionClosedException` when there is none."""
        text = self.socket.recv()
        if not text:
            raise websocket.WebSocketConnectionClosedException("the exchange closed the connection")
        found: Json = json.loads(text)
        if "sequence_num" in found:
            assert found["sequence_num"] == self.next_number
            self.next_number += 1
        return found

    def until(self, is_last: Any) -> list[Json]:
        """Frames up to the first that fits."""
        frames = [self.frame()]
        while not is_last(frames[-1]):
            frames.append(self.frame())
        return frames

    def of(self, channel: str, count: int = 1) -> list[Json]:
        """The next frames of one channel, others passed over."""
        frames: list[Json] = []
        while len(frames) < count:
            frame = self.frame()
            if frame["channel"] == channel:
                frames.append(frame)
        return frames

    def orders(self, until: str) -> list[Json]:
        """Rows of the user channel up to the first with this status."""
        rows: list[Json] = []
        while not rows or rows[-1]["status"] != until:
            rows += self.of("user")[0]["events"][0]["orders"]
        return rows


@contextmanager
def running(options: ExchangeOptions) -> Iterator[Client]:
    """An exchange in a thread, up until the block ends. An error inside it is raised here."""
    ready: queue.Queue[Ready | BaseException] = queue.Queue()

    def live() -> None:
        try:
            serve(options, on_ready=ready.put)
        except BaseException as error:  # noqa: BLE001 - handed to the test, which raises it
            ready.put(error)

    thread = threading.Thread(target=live, name="exchange")
    thread.start()
    listening = ready.get(timeout=_TIMEOUT_S)
    if isinstance(listening, BaseException):
        raise listening
    client = Client(listening)
    try:
        yield client
    finally:
        client.control("stop")
        client.session.close()
        thread.join(timeout=_TIMEOUT_S)
        assert not thread.is_alive(), "the exchange did not stop"
    if not ready.empty():
        failure = ready.get()
        assert isinstance(failure, BaseException)
        raise failure
