"""Times beside hostile files are held against the times alone, and never against too few."""

from __future__ import annotations

import pytest

from bench.hostile import late, rows
from bench.load import LoadFailed

ALONE = [n / 1e5 for n in range(1, 201)]


def test_the_goal_is_for_the_95th_percentiles() -> None:
    assert late(ALONE) == pytest.approx(0.0019, rel=0.01)
    for factor, verdict in ((1.9, "pass"), (2.1, "MISS")):
        *_, last = rows(ALONE, [factor * one for one in ALONE], 3)
        assert (last.figure, last.goal, last.verdict) == (f"{factor}x", "≤ 2x", verdict)


@pytest.mark.parametrize(
    ("alone", "beside", "rendered"),
    [(ALONE[:99], ALONE, 1), (ALONE, ALONE[:99], 1), (ALONE, ALONE, 0)],
)
def test_too_little_proves_nothing(alone: list[float], beside: list[float], rendered: int) -> None:
    with pytest.raises(LoadFailed):
        rows(alone, beside, rendered)
