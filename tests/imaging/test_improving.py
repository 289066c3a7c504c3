"""A second encoding takes the place of the first where it is lighter and looks well enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from imaging.encoding.improving import Judge, improved
from imaging.encoding.judging import FLATTERY, examine
from imaging.encoding.ssimulacra import SMALLEST, Reference
from imaging.names.renditions import Rendition, parse_spec
from imaging.pixels.kinds import Kind
from imaging.pixels.scaled import Scaled
from imaging.rendered import Rendered
from imaging.workers.background import find_examiner, unexamined

LIMIT = 1 << 20


@pytest.fixture
def seen(darkroom) -> Scaled:
    """Soft shapes: an easy picture, which needs little quality."""
    image = darkroom.quarters((320, 240))
    soft = Image.blend(image, Image.radial_gradient("L").resize(image.size).convert("RGB"), 0.5)
    return Scaled(soft, Kind.PHOTO, "jpeg", True, b"\x01", (800, 600))


def scoring(score: float) -> Callable[[Image.Image], Judge]:
    """An examiner whose judge thinks that of everything."""
    return lambda image: lambda body: score


@pytest.mark.parametrize(
    ("format", "kind", "effort"),
    [
        ("jpeg", Kind.PHOTO, "op"),
        ("webp", Kind.PHOTO, "m6"),
        ("webp", Kind.SCAN, "m6"),
        ("avif", Kind.PHOTO, "s6"),
        ("avif", Kind.SCAN, "s8"),
    ],
)
def test_what_looks_too_good_is_made_lighter(seen, format: str, kind: Kind, effort: str) -> None:
    seen = replace(seen, kind=kind)
    rendition = Rendition(width=320, format=format)
    first = seen.encoded(rendition, LIMIT)
    better = improved(seen, rendition, LIMIT, scoring(95.0))
    assert better.effort == effort
    assert better.quality < first.quality
    assert len(better.body) < len(first.body)
    assert better.fingerprint != first.fingerprint
    kept = (better.placeholder, better.source, better.width, better.height, better.media_type)
    assert kept == (b"\x01", (800, 600), 320, 240, first.media_type)
    assert Image.open(BytesIO(better.body)).size == (320, 240)


def test_what_looks_too_bad_is_made_better(seen: Scaled) -> None:
    rendition = Rendition(width=320, format="webp")
    first = seen.encoded(rendition, LIMIT)

    def by_weight(image: Image.Image) -> Judge:
        return lambda body: 40.0 + len(body) / len(first.body)

    better = improved(seen, rendition, LIMIT, by_weight)
    assert better.quality > first.quality
    assert len(better.body) > len(first.body)
    assert improved(seen, rendition, 0, by_weight).quality <= first.quality


def test_without_a_judge_the_quality_stays(seen: Scaled) -> None:
    assert unexamined(seen.image) is None
    for format in ("jpeg", "webp", "avif"):
        rendition = Rendition(width=320, format=format)
        first = seen.encoded(rendition, LIMIT)
        better = improved(seen, rendition, LIMIT, unexamined)
        assert better.quality == first.quality
        assert len(better.body) <= len(first.body)
    assert better.effort == "s6"


@pytest.mark.parametrize("spec", ["w320-q40-webp", "w320-png"])
def test_what_was_asked_for_exactly_or_lost_nothing_stays(seen: Scaled, spec: str) -> None:
    rendition = parse_spec(spec)
    made = improved(seen, rendition, LIMIT, scoring(99.0))
    assert made == seen.encoded(rendition, LIMIT)


def test_the_judge_scores_crops_a_little_below_what_they_look_like(seen: Scaled) -> None:
    first = seen.encoded(Rendition(format="jpeg"), LIMIT)
    judge = examine(seen.image)
    assert judge is not None
    crop = (32, 0, 288, 240)
    shown = Image.open(BytesIO(first.body)).convert("RGB")
    crops = Reference(seen.image.crop(crop)).score(shown.crop(crop))
    assert judge(first.body) == pytest.approx(crops - FLATTERY)


def test_what_is_see_through_is_judged_on_white(seen: Scaled) -> None:
    veiled = seen.image.convert("RGBA")
    veiled.putalpha(Image.linear_gradient("L").resize(veiled.size))
    made = Scaled(veiled, Kind.PHOTO, "webp").encoded(Rendition(format="webp"), LIMIT)
    judge = examine(veiled)
    assert judge is not None
    assert 50 < judge(made.body) < 100 - FLATTERY


def test_what_is_very_small_is_not_judged() -> None:
    assert examine(Image.new("RGB", (SMALLEST - 1, 500))) is None


def test_the_examiner_is_the_one_with_numpy_where_there_is_numpy() -> None:
    assert find_examiner() is examine


def test_only_lossy_stills_of_the_first_try_are_hasty(seen: Scaled) -> None:
    made = seen.encoded(Rendition(format="webp"), LIMIT)
    efforts = ("op", "m4", "s9", "m6", "s6", "lossless", "greys16", "z6", "m2-moving", "s9-moving")
    hasty = [effort for effort in efforts if _with(made, effort).hasty]
    assert hasty == ["op", "m4", "s9"]


def _with(made: Rendered, effort: str) -> Rendered:
    return replace(made, effort=effort)
