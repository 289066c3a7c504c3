from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn.providers.pauses import LONGEST, pause_of

NOW = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7.0),
        (" 0.25 ", 0.25),
        ("0", 0.0),
        ("0007", 7.0),
        ("3601", LONGEST),
        ("99999999999999999999", LONGEST),
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30.0),
        ("Sunday, 06-Nov-94 08:50:07 GMT", 30.0),
        ("Sun Nov  6 08:50:07 1994", 30.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        ("Sun, 06 Nov 2094 08:49:37 GMT", LONGEST),
    ],
)
def test_a_pause_is_seconds_or_a_date(retry_after: str, seconds: float) -> None:
    assert pause_of({"retry-after": retry_after, "date": NOW}) == seconds


@pytest.mark.parametrize(
    "retry_after",
    ["", "soon", "-1", "1e3", "٣", "1,2", "inf", "nan", "9" * 21, "Sun, 99 Nov 1994 08:49:37 GMT"],
)
def test_what_is_neither_names_no_time(retry_after: str) -> None:
    assert pause_of({"retry-after": retry_after, "date": NOW}) is None


@pytest.mark.parametrize("date", ["", "today"])
def test_a_date_means_nothing_when_the_answer_does_not_say_what_time_it_is(date: str) -> None:
    assert pause_of({"retry-after": NOW, "date": date}) is None


def test_without_the_field_no_pause_is_asked_for() -> None:
    assert pause_of({"date": NOW}) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_cdn_says_a_pause_is_never_absurd(retry_after: str, date: str) -> None:
    pause = pause_of({"retry-after": retry_after, "date": date})
    assert pause is None or 0.0 <= pause <= LONGEST
