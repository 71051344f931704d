"""Operators speak through a socket only they can open, and are answered when their act is durable."""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.door import Door, Fact
from actors.operator import (
    SOCKET_NAME,
    DataFolderTooDeep,
    NotRunning,
    OperatorRefused,
    OperatorSocket,
    act,
    limit_error,
)
from events.configuration import Configuration, ProductSetting
from events.risk import KillSwitchThrown, LimitChanged
from events.session import StopRequested

RULES = Configuration(products={"BTC-PERP": ProductSetting(exchange_id="BIP-20DEC30-CDE")})


class Clerk:
    """Serves a door as a journal would: every fact becomes durable as the next seq."""

    def __init__(self, door: Door) -> None:
        self.taken: list[Fact] = []
        self._door = door
        door.knock = lambda: threading.Thread(target=self._serve).start()

    def _serve(self) -> None:
        while not self._door.leave():
            for fact in self._door.take(10):
                self.taken.append(fact)
                if fact.durable:
                    fact.durable(len(self.taken))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[Path, Clerk]]:
    door = Door()
    clerk = Clerk(door)
    listener = OperatorSocket(tmp_path, door, RULES)
    listener.start()
    yield tmp_path, clerk
    listener.stop()


def test_an_act_is_answered_with_its_seq_once_it_is_durable(system: tuple[Path, Clerk]) -> None:
    folder, clerk = system
    assert act(folder, KillSwitchThrown(reason="drill")) == 1
    assert act(folder, StopRequested(reason="enough")) == 2
    assert [(fact.by, fact.event) for fact in clerk.taken] == [
        ("operator", KillSwitchThrown(reason="drill")),
        ("operator", StopRequested(reason="enough")),
    ]


def test_only_the_owner_can_open_the_socket(system: tuple[Path, Clerk]) -> None:
    folder, _ = system
    assert stat.S_IMODE((folder / SOCKET_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (LimitChanged(limit="max_leverag", value="3", reason="x"), "unknown limit 'max_leverag'; known are"),
        (LimitChanged(limit="max_exposure_pct", value="much", reason="x"), "max_exposure_pct"),
        (LimitChanged(limit="max_exposure_pct", value="-1", reason="x"), "max_exposure_pct"),
        (LimitChanged(limit="max_exposure_pct", value="nan", reason="x"), "max_exposure_pct"),
        (LimitChanged(limit="leverage_max_per_symbol", value="ETH-PERP:5", reason="x"), "ETH-PERP"),
    ],
)
def test_a_malformed_limit_is_refused_and_nothing_changes(
    system: tuple[Path, Clerk], change: LimitChanged, why: str
) -> None:
    folder, clerk = system
    with pytest.raises(OperatorRefused, match=why):
        act(folder, change)
    assert clerk.taken == []
    per_symbol = LimitChanged(limit="leverage_max_per_symbol", value="BTC-PERP:5", reason="x")
    assert limit_error(per_symbol, RULES) == ""
    assert limit_error(LimitChanged(limit="max_exposure_pct", value="0.5", reason="x"), RULES) == ""


@pytest.mark.parametrize("line", [b"kill!\n", b'{"type":"SessionEnded"}\n', b'{"type":"KillSwitchThrown"}\n', b"\n"])
def test_what_is_no_act_gets_a_sentence_and_never_reaches_the_journal(system: tuple[Path, Clerk], line: bytes) -> None:
    folder, clerk = system
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / SOCKET_NAME))
        client.sendall(line)
        assert b'"error":"not an operator\'s act: ' in client.makefile("rb").readline()
    assert clerk.taken == []


def test_without_a_system_the_operator_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no system is running in"):
        act(tmp_path, KillSwitchThrown(reason="drill"))


def test_a_socket_left_by_a_dead_system_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / SOCKET_NAME))
    door = Door()
    Clerk(door)
    listener = OperatorSocket(tmp_path, door, RULES)
    listener.start()
    assert act(tmp_path, KillSwitchThrown(reason="drill")) == 1
    listener.stop()
    assert not (tmp_path / SOCKET_NAME).exists()


def test_a_folder_too_deep_for_a_socket_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(DataFolderTooDeep, match="shorter path"):
        OperatorSocket(tmp_path / ("d" * 100), Door(), RULES)


def test_a_system_that_stops_takes_no_more_acts(tmp_path: Path) -> None:
    door = Door()
    door.close()
    listener = OperatorSocket(tmp_path, door, RULES)
    listener.start()
    with pytest.raises(OperatorRefused, match="stopping"):
        act(tmp_path, KillSwitchThrown(reason="drill"))
    listener.stop()
