from __future__ import annotations

from cdn.providers.base import Limits
from gateway.purges.pace import Pace


def calls_within(pace: Pace, seconds: float, step: float = 0.01) -> int:
    calls, now = 0, 0.0
    while now < seconds:
        if pace.delay(now) == 0:
            pace.called(now)
            calls += 1
        else:
            now += step
    return calls


def test_a_limit_is_never_exceeded_beyond_its_burst() -> None:
    pace = Pace(Limits(batch=1, rate=5, burst=10), 0.5, 60, now=0.0)
    assert 58 <= calls_within(pace, 10.0) <= 60


def test_the_delay_is_exactly_until_the_next_token() -> None:
    pace = Pace(Limits(batch=1, rate=4, burst=1), 0.5, 60, now=0.0)
    pace.called(0.0)
    assert pace.delay(0.0) == 0.25
    assert pace.delay(0.25) == 0.0


def test_an_idle_provider_saves_no_more_than_its_burst() -> None:
    pace = Pace(Limits(batch=1, rate=100, burst=2), 0.5, 60, now=0.0)
    for _ in range(2):
        pace.called(1_000.0)
    assert pace.delay(1_000.0) > 0


def test_pauses_grow_with_each_refusal_within_their_bounds() -> None:
    pace = Pace(Limits(batch=1, rate=100, burst=100), 0.5, 60, now=0.0)
    pauses = [pace.refused(0.0, None) for _ in range(200)]
    assert all(0.5 <= pause <= 60 for pause in pauses)
    assert pauses[0] <= 1.0
    assert pauses[1] <= 2.0
    assert max(pauses) > 30
    assert len(set(pauses[20:])) > 100


def test_an_accepted_call_starts_the_pauses_anew() -> None:
    pace = Pace(Limits(batch=1, rate=100, burst=100), 0.5, 60, now=0.0)
    for _ in range(20):
        pace.refused(0.0, None)
    pace.accepted()
    assert pace.refused(0.0, None) <= 1.0


def test_the_provider_is_left_alone_for_as_long_as_it_asked() -> None:
    pace = Pace(Limits(batch=1, rate=100, burst=100), 0.5, 60, now=0.0)
    assert pace.refused(10.0, 120.0) == 130.0
    assert pace.delay(10.0) == 120.0
    assert pace.delay(130.0) == 0.0


def test_nobody_makes_us_wait_for_days() -> None:
    pace = Pace(Limits(batch=1, rate=100, burst=100), 0.5, 60, now=0.0)
    assert pace.refused(0.0, 99_999.0) == 3_600.0
