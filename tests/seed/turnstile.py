"""A turnstile before a server: passes bytes through and counts the TCP connections that were made."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class Turnstile:
    """Listens on loopback at `url` and forwards to `host:port`."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition("//")[2].partition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.accepted = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._gate = threading.Thread(target=self._accept)

    def __enter__(self) -> Turnstile:
        self._gate.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._gate.join(10)
        self._listener.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            theirs = socket.create_connection(self._target, timeout=10)
            theirs.settimeout(None)
            self._sockets += [ours, theirs]
            for source, sink in ((ours, theirs), (theirs, ours)):
                thread = threading.Thread(target=_pipe, args=(source, sink))
                self._threads.append(thread)
                thread.start()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
