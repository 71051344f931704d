"""Limits of a running system, set from a script: they are set there first."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.brokerage import LiveRiskManager
from actors.operator import SOCKET_NAME, Answer, NotRunning, OperatorAct, OperatorRefused
from actors.strict import ConfigurationError
from events.risk import KillSwitchReset, KillSwitchThrown, LimitChanged, ReduceOnlyReleased, ReduceOnlyRequested

D = Decimal
WHY = "set by a script"


class Operator:
    """Listens where a system would, takes each act, or refuses it with a sentence."""

    def __init__(self, folder: Path) -> None:
        self.acts: list[OperatorAct] = []
        self.refusal = ""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(folder / SOCKET_NAME))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                self.acts.append(msgspec.json.decode(lines.readline(), type=OperatorAct))
                client.sendall(msgspec.json.encode(Answer(seq=len(self.acts), error=self.refusal)) + b"\n")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[Path, Operator]]:
    operator = Operator(tmp_path)
    yield tmp_path, operator
    operator.stop()


def test_what_is_set_in_the_limits_is_an_act_of_an_operator(system: tuple[Path, Operator]) -> None:
    folder, operator = system
    config = LiveRiskManager.attached(folder).config
    config.reduce_only_mode = True
    config.reduce_only_mode = True
    config.reduce_only_mode = False
    config.kill_switch_enabled = True
    config.kill_switch_enabled = False
    for name, value in (("max_exposure_pct", 0.5), ("leverage_max_per_symbol", {"BTC-PERP": 3, "ETH-PERP": 2})):
        setattr(config, name, value)
    assert operator.acts == [
        ReduceOnlyRequested(product=None, reason=WHY),
        ReduceOnlyReleased(product=None, reason=WHY),
        KillSwitchThrown(reason=WHY),
        KillSwitchReset(reason=WHY),
        LimitChanged(limit="max_exposure_pct", value="0.5", reason=WHY),
        LimitChanged(limit="leverage_max_per_symbol", value="BTC-PERP:3,ETH-PERP:2", reason=WHY),
    ]
    assert (config.max_exposure_pct, config.reduce_only_mode) == (D("0.5"), False)


def test_a_lost_day_restricts_the_system_too(system: tuple[Path, Operator]) -> None:
    folder, operator = system
    manager = LiveRiskManager.attached(folder)
    manager.track_daily_pnl(D(10_000))
    operator.refusal = "not now"
    with pytest.raises(OperatorRefused):
        manager.track_daily_pnl(D(9_900))
    operator.refusal = ""
    assert manager.track_daily_pnl(D(9_900))
    assert manager.config.reduce_only_mode
    assert operator.acts == [ReduceOnlyRequested(product=None, reason=WHY)] * 2


def test_what_the_system_refuses_or_does_not_hear_is_not_set_here_either(system: tuple[Path, Operator]) -> None:
    folder, operator = system
    operator.refusal = "not now"
    config = LiveRiskManager.attached(folder).config
    with pytest.raises(OperatorRefused, match="not now"):
        config.reduce_only_mode = True
    alone = LiveRiskManager.attached(folder / "elsewhere").config
    with pytest.raises(NotRunning):
        alone.reduce_only_mode = True
    with pytest.raises(ConfigurationError):
        config.max_exposure_pct = "much"  # type: ignore[assignment,misc]  # what a script may write
    assert (config.reduce_only_mode, alone.reduce_only_mode, len(operator.acts)) == (False, False, 1)
