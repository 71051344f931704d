"""Names of hosts become addresses in time: the system's resolver knows no deadline, so a thread asks it."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading


def addresses(host: str, port: int, *, within_s: float, family: int = socket.AF_UNSPEC) -> list[str]:
    """The addresses of a host in the resolver's order; a host that is an address already is its own.

    Raises `socket.gaierror` for a name that does not exist, `TimeoutError` where the resolver takes longer.

    >>> addresses("127.0.0.1", 443, within_s=1), addresses("[::1]", 443, within_s=1)
    (['127.0.0.1'], ['::1'])
    """
    host = host.strip("[]")
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass  # a name
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()
    asking = threading.Thread(target=_ask, args=(host, port, family, answers), name=f"lookup-{host}", daemon=True)
    asking.start()
    try:
        answer = answers.get(timeout=max(0.0, within_s))
    except queue.Empty:
        raise TimeoutError(f"the name {host} was not resolved within {within_s:.1f} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _ask(host: str, port: int, family: int, answers: queue.SimpleQueue[list[str] | OSError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except OSError as error:
        answers.put(error)
    except UnicodeError:
        answers.put(socket.gaierror(socket.EAI_NONAME, "a label is empty or too long"))
    else:
        answers.put(list(dict.fromkeys(str(each[4][0]) for each in found)))
