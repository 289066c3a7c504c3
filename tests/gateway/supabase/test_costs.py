"""What those who count hear of questions to upstream."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from gateway.errors import Answer, UpstreamRefused, UpstreamUnavailable
from gateway.supabase.costs import FREE, Costs
from signing.errors import Unsignable


class Heard:
    """Someone who counts; each look at the clock is a second later than the one before."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, float]] = []
        seconds = count()
        self.costs = Costs(
            lambda *told: self.asked.append(told), clock=lambda: float(next(seconds))
        )


async def told(error: Exception | None) -> str:
    if error:
        raise error
    return "yes"


def test_an_answer_is_handed_on_and_timed() -> None:
    heard = Heard()
    assert asyncio.run(heard.costs.of("sign", told(None))) == "yes"
    assert heard.asked == [("sign", "answered", 1.0)]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(UpstreamRefused(Answer(400)), "refused"), (UpstreamUnavailable("form"), "unavailable")],
)
def test_a_no_and_a_silence_are_timed_too_and_stay_what_they_are(
    error: Exception, outcome: str
) -> None:
    heard = Heard()
    with pytest.raises(type(error)) as caught:
        asyncio.run(heard.costs.of("read", told(error)))
    assert caught.value is error
    assert heard.asked == [("read", outcome, 1.0)]


@pytest.mark.parametrize("error", [Unsignable("key"), asyncio.CancelledError()])
def test_what_was_not_asked_or_is_given_up_costs_nothing(error: BaseException) -> None:
    async def ended() -> None:
        raise error

    heard = Heard()
    with pytest.raises(type(error)):
        asyncio.run(heard.costs.of("sign_many", ended()))
    assert heard.asked == []


def test_nobody_has_to_count() -> None:
    FREE.decided(1, 1)
    assert asyncio.run(FREE.of("sign", told(None))) == "yes"
