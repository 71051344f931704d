"""A way through a proxy for a WebSocket: HTTP CONNECT. REST goes through `requests`, which has its own."""

from __future__ import annotations

import base64
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Proxy(NamedTuple):
    """A proxy's address, and what it wants to see of us (empty: nothing). Its `repr` hides the latter."""

    host: str
    port: int
    authorization: str = ""

    @classmethod
    def of(cls, url: str) -> Proxy:
        """From `http://host:port` or `http://name:password@host:port`. Raises `ValueError`, which quotes nothing."""
        address = urlsplit(url)
        if address.scheme != "http" or not address.hostname:
            raise ValueError("a proxy is written http://host:port, or http://name:password@host:port")
        if not address.username:
            return cls(address.hostname, address.port or 80)
        words = f"{unquote(address.username)}:{unquote(address.password or '')}"
        return cls(address.hostname, address.port or 80, f"Basic {base64.b64encode(words.encode()).decode()}")

    def request(self, host: str, port: int) -> bytes:
        """What asks the proxy for a tunnel.

        >>> Proxy("p", 3128).request("::1", 443)
        b'CONNECT [::1]:443 HTTP/1.1\\r\\nHost: [::1]:443\\r\\n\\r\\n'
        """
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode()

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def check_answer(answer: bytes) -> None:
    """Raise `OSError` with the proxy's words unless it opened the tunnel."""
    status = answer.partition(b"\r\n")[0].decode(errors="replace")
    if not re.fullmatch(r"HTTP/1\.[01] 2\d\d(?: .*)?", status):
        raise OSError(f"the proxy opens no tunnel: {status}")
