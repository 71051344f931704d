"""Operators speak through a Unix socket in the data folder, mode 0600, one JSON line each way.

A request is one of our own events; the reply has its seq once it is durable: `{"seq":12}` or `{"error":"..."}`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import TypeAlias

import msgspec

from actors.door import Door, DoorClosed, Lane
from events.account import FlowNamed
from events.configuration import Configuration
from events.risk import (
    CloseRequested,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import StopRequested
from events.strategy import StrategyPaused, StrategyResumed
from projections.limit_rules import LimitError, changed

OperatorAct: TypeAlias = (
    KillSwitchThrown
    | KillSwitchReset
    | CloseRequested
    | ReduceOnlyRequested
    | ReduceOnlyReleased
    | LimitChanged
    | StrategyPaused
    | StrategyResumed
    | StopRequested
    | FlowNamed
)

SOCKET_NAME = "operator.sock"
#: How long an operator waits for the disk, and a server for an operator.
ANSWER_LIMIT_S = 10.0
MAX_PATH_BYTES = 107
_MAX_REQUEST = 64 * 1024


class NotRunning(Exception):
    """No system listens in this data folder."""


class OperatorRefused(Exception):
    """The system did not take the act, and says why."""


class DataFolderTooDeep(Exception):
    """The operator's socket cannot be made so deep; the sentence says what to do."""


class Answer(msgspec.Struct, omit_defaults=True):
    seq: int = 0
    error: str = ""


def act(data_dir: Path, request: OperatorAct) -> int:
    """Say it to the running system; returns its seq once durable. Raises `NotRunning` or `OperatorRefused`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_LIMIT_S + 1)
        try:
            client.connect(str(data_dir / SOCKET_NAME))
            client.sendall(msgspec.json.encode(request) + b"\n")
            line = client.makefile("rb").readline(_MAX_REQUEST)
        except OSError as error:
            raise NotRunning(f"no system is running in {data_dir}: {error.strerror or error}") from error
    if not line:
        raise NotRunning(f"the system in {data_dir} went away before it answered")
    answer = msgspec.json.decode(line, type=Answer)
    if answer.error:
        raise OperatorRefused(answer.error)
    return answer.seq


NOTE_NAME = "operator-note.json"
_OF_A_PRODUCT = (CloseRequested, ReduceOnlyRequested, ReduceOnlyReleased)


def leave_note(data_dir: Path, note: KillSwitchThrown) -> None:
    """Without a running system: what the next start has to record before anything else."""
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = data_dir / (NOTE_NAME + ".tmp")
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(note))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(data_dir / NOTE_NAME)


def left_note(data_dir: Path) -> KillSwitchThrown | None:
    """The note, if one was left. It stays until `forget_note`, which comes after it is durable in the log."""
    try:
        return msgspec.json.decode((data_dir / NOTE_NAME).read_bytes(), type=KillSwitchThrown)
    except FileNotFoundError:
        return None


def forget_note(data_dir: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        (data_dir / NOTE_NAME).unlink()


class OperatorSocket:
    """Listens for operators and puts their acts into the journal's first lane."""

    def __init__(self, data_dir: Path, door: Door, configuration: Configuration) -> None:
        self.path = data_dir / SOCKET_NAME
        if len(os.fsencode(self.path)) > MAX_PATH_BYTES:
            raise DataFolderTooDeep(
                f"{self.path} has more than {MAX_PATH_BYTES} bytes, the most that a Unix socket can have; "
                "choose a data_dir with a shorter path"
            )
        self._door = door
        self._configuration = configuration
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._run, name="operator", daemon=True)

    def start(self) -> None:
        """Raises `OSError` when the socket cannot be made. A socket left by a dead process is replaced.

        The caller holds the log's lock, so no other live system can own it.
        """
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(self.path))
        finally:
            os.umask(mask)
        self._listener.listen(8)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        if self._thread.is_alive():
            self._thread.join(ANSWER_LIMIT_S)

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed by stop()
            threading.Thread(target=self._serve, args=(client,), name="operator-client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(ANSWER_LIMIT_S)
            line = client.makefile("rb").readline(_MAX_REQUEST)
            client.sendall(msgspec.json.encode(self._answer(line)) + b"\n")

    def _answer(self, line: bytes) -> Answer:
        try:
            request = msgspec.json.decode(line, type=OperatorAct)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            return Answer(error=f"not an operator's act: {error}")
        if isinstance(request, LimitChanged) and (wrong := limit_error(request, self._configuration)):
            return Answer(error=wrong)
        product = request.product if isinstance(request, _OF_A_PRODUCT) else None
        if product is not None and product not in self._configuration.products:
            return Answer(error=f"there is no product {product}: {', '.join(self._configuration.products)}")
        durable = threading.Event()
        seqs: list[int] = []

        def acknowledge(seq: int) -> None:
            seqs.append(seq)
            durable.set()

        try:
            self._door.tell("operator", [request], Lane.OPERATOR, None, acknowledge)
        except DoorClosed:
            return Answer(error="the system is stopping and takes no more acts")
        if not durable.wait(ANSWER_LIMIT_S):
            return Answer(error=f"not durable within {ANSWER_LIMIT_S:g} s; look into the log before you repeat it")
        return Answer(seq=seqs[0])


def limit_error(change: LimitChanged, configuration: Configuration) -> str:
    """Why a change of limits cannot be taken; empty when it can."""
    try:
        changed(configuration, configuration.risk, change.limit, change.value)
    except LimitError as error:
        return str(error)
    return ""
