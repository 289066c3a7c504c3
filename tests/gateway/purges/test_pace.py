from __future__ import annotations

import random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn.providers.base import Limits
from gateway.purges.pace import Levels, Pace
from tests.stub_cdn.contracts import Bucket, Meter

PLENTY = Limits(batch=1, rate=100, burst=100)


def paced(limits: Limits) -> Pace:
    return Pace(limits, 0.5, 60, now=0.0)


def call(pace: Pace, began: float, ended: float, tags: int = 1) -> None:
    pace.called(began, tags)
    pace.ended(ended, tags)


def calls_within(pace: Pace, seconds: float, step: float = 0.01) -> int:
    calls, now = 0, 0.0
    while now < seconds:
        if pace.delay(now) == 0:
            call(pace, now, now)
            calls += 1
        else:
            now += step
    return calls


def test_a_limit_is_never_exceeded_beyond_its_burst() -> None:
    assert 58 <= calls_within(paced(Limits(batch=1, rate=5, burst=10)), 10.0) <= 60


def test_the_delay_is_exactly_until_the_next_token() -> None:
    pace = paced(Limits(batch=1, rate=4, burst=1))
    call(pace, 0.0, 0.0)
    assert pace.delay(0.0) == 0.25
    assert pace.delay(0.25) == 0.0


def test_an_idle_provider_saves_no_more_than_its_burst() -> None:
    pace = paced(Limits(batch=1, rate=100, burst=2))
    for _ in range(2):
        call(pace, 1_000.0, 1_000.0)
    assert pace.delay(1_000.0) > 0


def test_the_tokens_of_a_call_under_way_do_not_grow_again() -> None:
    pace = paced(Limits(batch=1, rate=5, burst=1))
    pace.called(0.0, 1)
    assert pace.delay(0.1) > 0
    pace.ended(10.0, 1)
    assert pace.delay(10.0) == pytest.approx(0.2)


def test_tags_are_counted_apart_and_a_call_carries_what_is_left_of_them() -> None:
    pace = paced(Limits(batch=50, rate=100, burst=100, tag_rate=1, tag_burst=80))
    assert pace.room(0.0) == 50
    pace.called(0.0, 50)
    assert pace.room(0.0) == 30
    pace.give_back(10)
    assert pace.room(0.0) == 40
    pace.ended(0.0, 40)
    call(pace, 0.0, 0.0, tags=40)
    assert pace.delay(0.0) == 1.0
    assert pace.room(3.0) == 3


def test_a_call_that_was_never_sent_costs_nothing() -> None:
    pace = paced(Limits(batch=9, rate=1, burst=1, tag_rate=1, tag_burst=9))
    pace.called(0.0, 9)
    pace.ended(0.0, 9, sent=False)
    assert (pace.delay(0.0), pace.room(0.0)) == (0.0, 9)


def test_another_process_goes_on_with_what_is_left_and_takes_what_was_under_way() -> None:
    limits = Limits(batch=5, rate=1, burst=10, tag_rate=1, tag_burst=20)
    first, second = paced(limits), paced(limits)
    call(first, 0.0, 0.0, tags=5)
    first.called(0.0, 5)
    first.refused(0.0, 7.0)
    second.go_on(first.levels, 0.0)
    assert second.levels == Levels(calls=8.0, tags=10.0, filled=0.0, resume=7.0)
    second.empty(3.0)
    assert second.delay(3.0) == 1.0


Event = tuple[float, float, Literal["ok", "killed"]]


@given(
    st.integers(1, 20),
    st.floats(0.1, 20),
    st.lists(
        st.tuples(st.floats(0, 3), st.floats(0, 1), st.sampled_from(["ok", "killed"])),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 2**32),
)
def test_whenever_within_a_call_it_is_counted_the_bucket_there_never_runs_out(
    burst: int, rate: float, events: list[Event], seed: int
) -> None:
    now, clock, chance = 0.0, [0.0], random.Random(seed)
    limits = Limits(batch=1, rate=rate, burst=burst)
    pace, there = paced(limits), Meter(Bucket(burst, rate), lambda: clock[0])
    for idle, lasted, end in events:
        now += idle if chance.random() < 0.5 else 0.0
        now += pace.delay(now) + 1e-6
        pace.called(now, 1)
        clock[0] = now + lasted * chance.random()
        assert there.wait(1) < 1e-4, "the CDN would have refused this call"
        there.take(1)
        now += lasted
        if end == "ok":
            pace.ended(now, 1)
        else:
            pace, before = paced(limits), pace.levels
            pace.go_on(before, now)


def test_pauses_grow_with_each_refusal_within_their_bounds() -> None:
    pace = paced(PLENTY)
    pauses = [pace.refused(0.0, None) for _ in range(200)]
    assert all(0.5 <= pause <= 60 for pause in pauses)
    assert pauses[0] <= 1.0
    assert pauses[1] <= 2.0
    assert max(pauses) > 30
    assert len(set(pauses[20:])) > 100


def test_an_accepted_call_starts_the_pauses_anew() -> None:
    pace = paced(PLENTY)
    for _ in range(20):
        pace.refused(0.0, None)
    pace.accepted()
    assert pace.refused(0.0, None) <= 1.0


def test_the_provider_is_left_alone_for_as_long_as_it_asked() -> None:
    pace = paced(PLENTY)
    assert pace.refused(10.0, 120.0) == 130.0
    assert pace.delay(10.0) == 120.0
    assert pace.delay(130.0) == 0.0


def test_nobody_makes_us_wait_for_days() -> None:
    pace = paced(PLENTY)
    assert pace.refused(0.0, 99_999.0) == 3_600.0
    pace.go_on(Levels(1, 1, 0.0, resume=1e9), 0.0)
    assert pace.delay(0.0) == 3_600.0, "the clock was set back"
    assert pace.delay(1_800.0) == 1_800.0
    assert pace.delay(3_600.0) == 0.0, "and the same wait does not begin anew"
