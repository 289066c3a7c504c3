"""What is larger than an edge takes is not written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.edges import KINDS, Backend, EdgeFacts, TooLarge, rendering
from gateway.edges.cloudfront import LARGEST
from gateway.edges.grammar import Expressions
from gateway.edges.limits import LONGEST_EXPRESSION, within

FACTS = EdgeFacts("clinic", {"k1": "ab" * 32}, {}, 900)
BACKEND = Backend("gateway.example.org", 443)
MEGABYTE = 1_000_000  # what Fastly takes of VCL, and Cloudflare of a Worker, and more


def named(count: int) -> EdgeFacts:
    return replace(
        FACTS, names={f"preset_{number:05}": ("jpeg", "webp") for number in range(count)}
    )


def largest() -> EdgeFacts:
    """The most names that an expression has room for."""
    room = LONGEST_EXPRESSION - len(Expressions(named(1)).declared)
    return named(1 + room // len("preset_00000|"))


def test_a_text_of_the_most_octets_is_within() -> None:
    assert within("it", "ää", 4) == "ää"
    with pytest.raises(TooLarge, match="it would have 5 octets, and may have 4") as refused:
        within("it", "ääa", 4)
    assert (refused.value.size, refused.value.most) == (5, 4)


def test_a_function_over_cloudfronts_limit_is_refused() -> None:
    render = rendering("cloudfront")
    fits = max(count for count in range(200) if fitting(count))
    assert len(render(named(fits), BACKEND).split("\n", 1)[1].encode()) <= LARGEST
    with pytest.raises(TooLarge, match="10,240"):
        render(named(fits + 1), BACKEND)


def fitting(count: int) -> bool:
    try:
        rendering("cloudfront")(named(count), BACKEND)
    except TooLarge:
        return False
    return True


def test_the_keys_are_no_part_of_the_function() -> None:
    many = {f"k{number}": "ab" * 32 for number in range(200)}
    assert len(rendering("cloudfront")(replace(FACTS, keys=many), BACKEND)) > LARGEST


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"cloudfront", "nginx"}))
def test_an_expression_that_engines_refuse_is_not_written(kind: str) -> None:
    most = largest()
    assert len(rendering(kind)(most, BACKEND).encode()) < MEGABYTE
    with pytest.raises(TooLarge, match="expression"):
        rendering(kind)(named(len(most.names) + 1), BACKEND)
