"""Names of hosts become addresses in time: the system's resolver knows no deadline, so a thread asks it."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from typing import Any, TypeAlias

#: Family, kind, protocol, canonical name, socket address: a row of `socket.getaddrinfo`.
AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def look_up(host: str, port: int, *, within_s: float, family: int = socket.AF_UNSPEC) -> list[AddressInfo]:
    """The addresses of a host in the resolver's order, as `socket.getaddrinfo` gives them for a stream.

    Raises `socket.gaierror` for a name that does not exist, `TimeoutError` where the resolver takes longer. A host that
    is an address already is asked for at once.

    >>> [row[4][0] for row in look_up("127.0.0.1", 443, within_s=1)]
    ['127.0.0.1']
    """
    host = host.strip("[]")
    if _is_address(host):
        return list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
    answers: queue.SimpleQueue[list[AddressInfo] | OSError] = queue.SimpleQueue()
    asking = threading.Thread(target=_ask, args=(host, port, family, answers), name=f"lookup-{host}", daemon=True)
    asking.start()
    try:
        answer = answers.get(timeout=max(0.0, within_s))
    except queue.Empty:
        raise TimeoutError(f"the name {host} was not resolved within {within_s:.1f} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _ask(host: str, port: int, family: int, answers: queue.SimpleQueue[list[AddressInfo] | OSError]) -> None:
    try:
        answers.put(list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)))
    except OSError as error:
        answers.put(error)
    except UnicodeError:
        answers.put(socket.gaierror(socket.EAI_NONAME, "a label is empty or too long"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
