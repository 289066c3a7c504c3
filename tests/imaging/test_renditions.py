"""Rendition names are canonical text, and only declared ones or exact specs are known."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.conversions import Conversion
from imaging.errors import UnknownRendition
from imaging.names.areas import Area
from imaging.names.gravity import CENTRE, KINDS, Gravity, Offset
from imaging.names.redactions import Box, Redaction
from imaging.names.renditions import FITS, LADDER, Auto, Rendition, Renditions, parse_spec

PRESETS = {"thumb": "w160-h160-cover", "card": "w400-h300-contain-q60", "fixed": "w300-webp"}
RENDITIONS = Renditions(PRESETS)


@st.composite
def gravities(draw: st.DrawFn) -> Gravity:
    kind = draw(st.sampled_from(KINDS))
    if kind == "sm":
        return Gravity(kind)
    if kind == "fp":
        return Gravity(kind, *(Offset(draw(st.integers(0, 1000))) for _ in "xy"))
    return Gravity(kind, draw(offsets), draw(offsets))


offsets = st.one_of(
    st.integers(-1000, 1000).map(Offset),
    st.integers(-16_383, 16_383).filter(bool).map(lambda way: Offset(way, pixels=True)),
)


@st.composite
def specs(draw: st.DrawFn) -> Rendition:
    width, height = draw(st.integers(0, 4096)), draw(st.integers(0, 4096))
    fit = draw(st.sampled_from(FITS)) if width and height else ""
    format = draw(st.sampled_from(["", "jpeg", "webp", "avif", "png", "origin"]))
    return Rendition(
        page=draw(st.integers(0, 9999)),
        width=width,
        height=height,
        fit=fit,
        quality=0 if format == "png" else draw(st.integers(0, 100)),
        format=format,
        gravity=draw(gravities()) if fit == "cover" else CENTRE,
    )


@given(specs())
def test_every_rendition_is_found_by_its_name(rendition: Rendition) -> None:
    assert parse_spec(rendition.name) == rendition
    assert RENDITIONS.find(rendition.name) == rendition
    assert len(rendition.name) <= 64


@given(st.text(alphabet="pwhq0123456789-_coverntaifljgbstxum", max_size=24))
def test_a_name_is_its_own_canonical_text_or_refused(name: str) -> None:
    try:
        rendition = RENDITIONS.find(name)
    except UnknownRendition:
        return
    assert rendition.name == name


@pytest.mark.parametrize(
    "name",
    [
        "w640-jpg", "w0640", "w0", "w4097", "W640", "w640-", "-w640", "w640--webp",
        "w640-webp-q50",
        "p0-w640", "p01-w640", "p10000-w640", "p1w640", "w640-p1", "w200-h100", "w200-cover",
        "h100-w200-cover", "w200h100-cover", "w200-h100-crop", "w640-q0", "w640-q101",
        "w640-q50-png",
        "w640-gif", "", "p1", "p1-", "webp", "wide", "w640\n", "w٦٤٠", "original", "p1-original",
        "fixed-webp", "card-png", "p1-text-webp", "auto-webp", "p2-auto", "text",
        "origin", "thumb-origin", "full-cover", "fullw640", "full-w640", "w640-full", "full-gno",
        "w640-gno", "w9-h9-contain-gno", "w9-h9-cover-gce", "w9-h9-cover-gno_0_0", "full-q60-png",
        "w9-h9-cover-gfp", "w9-h9-cover-gsm_1_1", "w9-h9-cover-g", "w9-h9-cover-gxx",
        "w9-h9-cover-webp-gno", "w9-h9-cover-q60-gno", "w9-h9-cover-gno_01_0",
        "w9-h9-cover-gno_m0_1",
        "w9-h9-cover-gno_1001_0", "w9-h9-cover-gno_0px_1", "w9-h9-cover-gno_1",
        "w9-h9-cover-gno_٣_1",
        "w9-h9-cover-gfp_m1_0", "w9-h9-cover-gfp_9px_0", "w9-h9-cover-gno_16384px_0",
    ],
)  # fmt: skip
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(UnknownRendition):
        RENDITIONS.find(name)
    assert not RENDITIONS.declared(name)


@pytest.mark.parametrize("name", ["linear", "p1-text", "p9999-text"])
def test_conversions_are_declared_and_carry_the_original(name: str) -> None:
    assert RENDITIONS.declared(name)
    assert RENDITIONS.carries_original(name)
    found = RENDITIONS.find(name)
    assert isinstance(found, Conversion)
    assert found.name == name


def test_the_best_first_view_is_declared_and_may_carry_the_original() -> None:
    assert RENDITIONS.declared("auto")
    assert RENDITIONS.carries_original("auto")
    assert RENDITIONS.find("auto") == Auto()
    assert Auto().automatic
    with pytest.raises(UnknownRendition) as caught:
        RENDITIONS.find("original")
    assert caught.value.reason == "not-made"


def test_the_original_carries_itself_and_a_preview_does_not() -> None:
    assert RENDITIONS.carries_original("original")
    assert not RENDITIONS.declared("original")
    assert not RENDITIONS.carries_original("w640")


@pytest.mark.parametrize(
    "name", ["w640", "p3-w1280-webp", "thumb", "p2-thumb-avif", "fixed", "card-jpeg"]
)
def test_declared_names_are_declared(name: str) -> None:
    assert RENDITIONS.declared(name)
    assert RENDITIONS.find(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "w641", "w640-q50", "h480", "w200-h100-contain-q50-webp", "full", "p2-full-q60-webp",
        "w640-origin", "w640-q50-origin", "w9-h9-cover-gno-q50-avif", "w9-h9-cover-gsm",
        "w9-h9-cover-gfp_500_200", "w9-h9-cover-gsoea_m12px_250", "w9-h9-cover-gce_0_1px",
        "w640-c0_0_500_500", "p2-full-c1_2_3_4-webp", "w9-h9-cover-c0_0_9_9-gsm-q5-jpeg",
        "w640-c0_0_500_500-win40_400",
    ],
)  # fmt: skip
def test_exact_specs_are_found_but_not_declared(name: str) -> None:
    assert not RENDITIONS.declared(name)
    assert not RENDITIONS.carries_original(name)
    assert RENDITIONS.find(name).spec == name


class Shelf:
    """Two versions of one redaction."""

    def boxes(self, name: str, version: int) -> tuple[Box, ...]:
        known = name == "face" and version in (1, 2)
        return (Box(Area(0, 0, version, version)),) if known else ()

    def newest(self, name: str) -> int:
        return 2 if name == "face" else 0


def test_a_redaction_comes_with_its_boxes_and_is_not_declared() -> None:
    renditions = Renditions(PRESETS, Shelf())
    for version in (1, 2):
        name = f"p1-w640-c0_0_500_500-rface_{version}-q50-webp"
        found = renditions.find(name)
        assert isinstance(found, Rendition)
        assert (found.name, found.redacts) == (name, True)
        assert found.redaction.boxes == (Box(Area(0, 0, version, version)),)
        assert not renditions.declared(name)
        assert not renditions.carries_original(name)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("p1-w640-rface_3-webp", "p1-w640-rface_2-webp"), ("w640-rhead_1", "")],
)
def test_a_redaction_that_is_not_stored_makes_a_name_unknown(name: str, nearest: str) -> None:
    with pytest.raises(UnknownRendition) as caught:
        Renditions(PRESETS, Shelf()).find(name)
    assert (caught.value.reason, caught.value.nearest) == ("redaction", nearest)
    with pytest.raises(UnknownRendition):
        RENDITIONS.find("w640-rface_1")


@pytest.mark.parametrize(
    "name", ["thumb-rface_1", "w640-rface", "w640-webp-rface_1", "w640-rface_1-c0_0_1_1"]
)
def test_a_redaction_has_its_one_place(name: str) -> None:
    with pytest.raises(UnknownRendition) as caught:
        Renditions(PRESETS, Shelf()).find(name)
    assert caught.value.reason == "unknown"


def test_what_is_kept_is_told_apart_by_what_it_hides() -> None:
    first, second = (
        replace(
            parse_spec("w640-rface_1"), redaction=Redaction("face", 1, (Box(Area(0, 0, n, n)),))
        )
        for n in (1, 2)
    )
    assert first.spec == second.spec
    assert first.identity != second.identity
    assert parse_spec("w640").identity == "w640"


def test_the_longest_name_fits_a_link() -> None:
    gravity = Gravity("nowe", Offset(-16_383, pixels=True), Offset(-16_383, pixels=True))
    longest = Rendition(9999, 4096, 4096, "cover", 100, "origin", gravity=gravity)
    assert parse_spec(longest.name) == longest
    assert len(longest.name) <= 64


def test_the_format_of_the_origin_is_not_automatic_and_gives_way_to_a_real_one() -> None:
    asked = RENDITIONS.find("w640-q60-origin")
    assert not asked.automatic
    assert asked.with_format("webp").name == "w640-q60-webp"
    assert asked.with_format("png").name == "w640-png"


def test_a_preset_that_loses_its_quality_loses_its_name() -> None:
    assert RENDITIONS.find("card").with_format("jpeg").name == "card-jpeg"
    assert RENDITIONS.find("card").with_format("png").name == "w400-h300-contain-png"


def test_a_preset_may_say_where_it_crops() -> None:
    face = Renditions({"face": "w90-h90-cover-gfp_500_300"}).find("face-webp")
    assert face.spec == "w90-h90-cover-gfp_500_300-webp"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("w600", "w640"),
        ("w641-webp", "w960-webp"),
        ("w99999", "w2560"),
        ("p2-w1000", "p2-w1280"),
        ("w640-jpg", "w640-jpeg"),
        ("thum", "thumb"),
        ("p3-tumb-avif", "p3-thumb-avif"),
        ("zzzzzz", ""),
        ("", ""),
    ],
)
def test_the_nearest_declared_name_is_offered(name: str, nearest: str) -> None:
    assert RENDITIONS.nearest(name) == nearest
    assert nearest == "" or RENDITIONS.declared(nearest)


def test_an_unknown_name_says_what_was_meant() -> None:
    with pytest.raises(UnknownRendition) as caught:
        RENDITIONS.find("thumbb")
    assert (caught.value.name, caught.value.nearest) == ("thumbb", "thumb")
    assert caught.value.reason == "unknown"


def test_a_preset_keeps_its_name_and_its_spec() -> None:
    thumb = RENDITIONS.find("p4-thumb")
    assert (thumb.name, thumb.spec) == ("p4-thumb", "p4-w160-h160-cover")
    assert thumb.automatic
    webp = thumb.with_format("webp")
    assert (webp.name, webp.spec) == ("p4-thumb-webp", "p4-w160-h160-cover-webp")
    assert RENDITIONS.find(webp.name) == webp
    assert not webp.automatic


def test_another_format_of_an_explicit_one_is_an_exact_spec() -> None:
    assert RENDITIONS.find("fixed").with_format("jpeg").name == "w300-jpeg"
    assert RENDITIONS.find("w640-webp").with_format("avif").name == "w640-avif"


@pytest.mark.parametrize(
    ("name", "spec", "says"),
    [
        ("original", "w160", "not original"),
        ("auto", "w160", "not original"),
        ("full", "w160", "not original, full"),
        ("ok", "full", "has a size"),
        ("ok", "w160-origin", "no format origin"),
        ("ok", "w160-gno", "come with cover"),
        ("ok", "w9-h9-cover-gce", "is spelled 'w9-h9-cover'"),
        ("linear", "w160", "not"),
        ("w50", "w160", "not"),
        ("p1", "w160", "not"),
        ("Thumb", "w160", "a-z"),
        ("9lives", "w160", "letter"),
        ("a-b", "w160", "a-z"),
        ("x" * 33, "w160", "32"),
        ("", "w160", "a-z"),
        ("ok", "w160-h160", "need a fit"),
        ("ok", "p2-w160", "no page"),
        ("ok", "160x160", "not like"),
        ("ok", "w9000", "1 to 4096"),
        ("ok", "w160-q50-png", "png has no quality"),
        ("ok", "", "not like"),
        ("ok", "w160-q101", "1 to 100"),
        ("ok", "w160-cover", "need a fit"),
        ("ok", "w160-rface_1", "exact name alone"),
        ("ok", "w160-c0_0_1000_1000", "is spelled 'w160'"),
        ("ok", "w160-c5_0_5_9", "left before right"),
    ],
)
def test_a_wrong_preset_is_refused_with_its_reason(name: str, spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        Renditions({name: spec})
    assert name in str(caught.value)


def test_the_names_offered_suit_the_media_type() -> None:
    assert RENDITIONS.names("image/jpeg")[: len(LADDER)] == tuple(f"w{width}" for width in LADDER)
    assert "p1-thumb" in RENDITIONS.names("application/pdf")
    assert RENDITIONS.names("application/zip") == ()
    for media_type in ("image/png", "image/tiff"):
        assert all(RENDITIONS.declared(name) for name in RENDITIONS.names(media_type))


@pytest.mark.parametrize(
    "fields",
    [
        {"fit": "cover"},
        {"width": -1},
        {"width": 4097},
        {"width": 10, "fit": "cover"},
        {"width": 1, "format": "gif"},
        {"width": 10, "height": 10},
        {"width": 10, "height": 10, "fit": "crop"},
        {"width": 1, "page": 10000},
        {"width": 1, "gravity": Gravity("no")},
        {"width": 1, "height": 1, "fit": "fill", "gravity": Gravity("sm")},
    ],
)
def test_an_impossible_rendition_cannot_be_built(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|needed|need"):
        Rendition(**fields)  # type: ignore[arg-type]
