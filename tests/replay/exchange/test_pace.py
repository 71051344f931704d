"""The exchange's clock: the tape's time at a speed, standing when told to, never by itself."""

from __future__ import annotations

import pytest

from replay.exchange.pace import Pace


class Wall:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now


def test_time_stands_until_it_runs_and_runs_at_its_speed() -> None:
    wall = Wall()
    pace = Pace(50, 10.0, wall=wall)
    wall.now += 100
    assert pace.now() == 50
    pace.run()
    wall.now += 7
    assert pace.now() == 120
    assert pace.wait_s(1_000_000_120) == pytest.approx(0.1)


def test_time_that_was_stopped_goes_on_where_it_stood() -> None:
    wall = Wall()
    pace = Pace(0, 2.0, wall=wall)
    pace.run()
    wall.now += 10
    pace.stand()
    wall.now += 1_000
    assert (pace.now(), pace.is_running) == (20, False)
    pace.run()
    pace.run()
    wall.now += 5
    assert pace.now() == 30


def test_at_full_speed_time_is_where_the_tape_is_and_nothing_waits() -> None:
    wall = Wall()
    pace = Pace(5, None, wall=wall)
    pace.run()
    wall.now += 1_000
    assert (pace.now(), pace.wait_s(10**18)) == (5, 0.0)
    pace.reached(9)
    pace.reached(7)
    assert pace.now() == 9


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_must_be_above_zero(speed: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Pace(0, speed)
