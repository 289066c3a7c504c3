from __future__ import annotations

from gateway.purges.steady import Steady


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_clock_that_is_set_moves_nothing_and_time_goes_on() -> None:
    wall, elapsed = Clock(), Clock()
    wall.now, elapsed.now = 1_800_000_000.0, 50.0
    steady = Steady(wall, elapsed)
    assert steady() == 1_800_000_000.0
    wall.now = 0.0
    elapsed.now += 20
    assert steady() == 1_800_000_020.0
