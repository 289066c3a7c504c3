"""Qualities follow from one try and a curve, and what is kept follows from weights and scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.encoding.quality import (
    DOCUMENT_GOAL,
    PHOTO_GOAL,
    SLACK,
    Curve,
    Trial,
    best,
    goal_of,
    needed,
)
from imaging.pixels.kinds import Kind

LINE = Curve((40, 60, 80), (50.0, 70.0, 80.0))
FORMATS = ("jpeg", "webp", "avif")


def test_a_curve_is_straight_between_its_points_and_beyond_them() -> None:
    assert [LINE.score(quality) for quality in (40, 50, 70, 80, 90, 30)] == [50, 60, 75, 80, 85, 40]
    assert [LINE.quality(score) for score in (50.0, 60.0, 75.0)] == [40, 50, 70]


def test_a_quality_is_whole_enough_and_within_what_was_measured() -> None:
    assert LINE.quality(60.1) == 51
    assert LINE.quality(-20.0) == 40
    assert LINE.quality(99.0) == 80


@pytest.mark.parametrize(
    ("qualities", "scores"),
    [((1,), (1.0,)), ((1, 2), (2.0, 2.0)), ((2, 1), (1.0, 2.0)), ((1, 2, 3), (1.0, 2.0))],
)
def test_a_curve_rises(qualities: tuple[int, ...], scores: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rises"):
        Curve(qualities, scores)


def test_small_text_has_to_reach_more() -> None:
    assert goal_of(Kind.PHOTO) == PHOTO_GOAL
    assert {goal_of(kind) for kind in Kind if kind is not Kind.PHOTO} == {DOCUMENT_GOAL}
    assert DOCUMENT_GOAL > PHOTO_GOAL


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", [Kind.PHOTO, Kind.PAGE])
def test_what_scores_just_enough_keeps_its_quality(format: str, kind: Kind) -> None:
    assert needed(format, kind, 70, goal_of(kind)) in (70, 71)


@given(st.sampled_from(FORMATS), st.sampled_from(Kind), st.floats(30, 95), st.floats(0.1, 20))
def test_what_looks_better_needs_no_more(format: str, kind: Kind, score: float, more: float):
    assert needed(format, kind, 65, score + more) <= needed(format, kind, 65, score)


def test_a_picture_that_is_easy_needs_less_and_a_hard_one_more() -> None:
    assert needed("webp", Kind.PHOTO, 78, 80.0) < 70
    assert needed("webp", Kind.PHOTO, 78, 60.0) > 80


def test_the_lightest_that_is_good_enough_is_kept() -> None:
    trials = [Trial(100, 80), Trial(90, 78), Trial(70, 70 - SLACK), Trial(60, 69 - SLACK)]
    assert best(trials, 70, 1_000) == 2


def test_what_is_there_stays_unless_another_is_lighter() -> None:
    assert best([Trial(100, 80), Trial(100, 99), Trial(101, 99)], 70, 1_000) == 0


def test_what_looks_too_bad_gives_way_to_what_is_heavier() -> None:
    trials = [Trial(100, 60), Trial(95, 61), Trial(150, 70), Trial(140, 69)]
    assert best(trials, 70, 1_000) == 3


def test_where_none_is_good_enough_the_best_is_kept() -> None:
    assert best([Trial(100, 50), Trial(90, 49), Trial(150, 60), Trial(160, 58)], 70, 1_000) == 2


@pytest.mark.parametrize(("most", "kept"), [(151, 1), (150, 0), (0, 0)])
def test_nothing_becomes_as_heavy_as_its_original(most: int, kept: int) -> None:
    assert best([Trial(100, 60), Trial(150, 75)], 70, most) == kept


def test_what_is_heavier_than_its_original_already_may_become_lighter() -> None:
    assert best([Trial(100, 60), Trial(99, 60)], 70, 50) == 1


trial = st.builds(Trial, st.integers(1, 200), st.floats(0, 100))


@given(st.lists(trial, min_size=1, max_size=4), st.integers(0, 300))
def test_nothing_is_lost_on_the_way(trials: list[Trial], most: int) -> None:
    kept, first = trials[best(trials, 70, most)], trials[0]
    if first.score >= 70 - SLACK:
        assert kept.score >= 70 - SLACK
        assert kept.octets <= first.octets
    else:
        assert kept.score >= first.score
        assert kept.octets < max(most, first.octets + 1)
