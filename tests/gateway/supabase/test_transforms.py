"""Transforms are judged as Supabase's storage server judges them, and each has one name."""

import json
import re
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.supabase.transforms import FORMATS, Bounds, Transform
from imaging.names.gravity import KINDS, Gravity
from imaging.names.renditions import FITS, Renditions

RENDITIONS = Renditions()
BOUNDS = Bounds()
MESSAGE = re.compile(
    r"body/transform(/(width|gravity|[xy]_offset) must be [a-z<>=01 ]+"
    r'|/[a-z_]+ must pass "finite" keyword validation'
    r"| must have required property '[xy]_offset')"
)


def named(query: str, bounds: Bounds = BOUNDS) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return Transform.of_query(pairs, bounds).rendition_name()


def refused(query: str, bounds: Bounds = BOUNDS) -> str:
    with pytest.raises(InvalidRequest) as caught:
        named(query, bounds)
    return caught.value.message


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "full"),
        ("width=0", "full"),
        ("width=100", "w100"),
        ("height=50&width=0", "h50"),
        ("width=1&unknown=2", "w1"),
        ("width=100&height=80&resize=cover&quality=75&format=webp", "w100-h80-cover-q75-webp"),
        ("width=9&height=5&resize=contain&format=origin&quality=60", "w9-h5-contain-q60-origin"),
        ("width=100&height=50", "w100-h50-cover"),
        ("width=100&height=50&resize=fill", "w100-h50-fill"),
        ("width=100&resize=fill&gravity=no", "w100"),
        ("format=avif", "full-avif"),
        ("quality=20", "full-q20"),
        ("page=3&width=100", "p3-w100"),
        ("width=9&height=9&gravity=ce", "w9-h9-cover"),
        ("width=9&height=9&gravity=noea", "w9-h9-cover-gnoea"),
        ("width=9&height=9&gravity=no&resize=contain", "w9-h9-contain"),
        ("width=9&height=9&x_offset=9", "w9-h9-cover"),
        ("width=9&height=9&gravity=ce&y_offset=-0.25", "w9-h9-cover-gce_0_m250"),
        ("width=9&height=9&gravity=so&x_offset=-1&y_offset=12.5", "w9-h9-cover-gso_m1px_12px"),
        ("width=9&height=9&gravity=we&x_offset=1e9", "w9-h9-cover-gwe_16383px_0"),
        ("width=9&height=9&gravity=sm&x_offset=12&y_offset=-4", "w9-h9-cover-gsm"),
        ("width=9&height=9&gravity=fp&x_offset=0.5&y_offset=0.2", "w9-h9-cover-gfp_500_200"),
        ("width=100&gravity=fp&x_offset=0.5&y_offset=0.2", "w100"),
    ],
)
def test_a_transform_becomes_an_exact_name(query: str, name: str) -> None:
    assert named(query) == name
    assert RENDITIONS.find(name).spec == name


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("width=-1", "querystring/width must be >= 0"),
        ("width=abc", "querystring/width must be integer"),
        ("width=1.5", "querystring/width must be integer"),
        ("width=", "querystring/width must be integer"),
        ("width=1&width=2", "querystring/width must be integer"),
        ("width=1e400", 'querystring/width must pass "finite" keyword validation'),
        ("width=-1&height=-1", "querystring/height must be >= 0"),
        ("quality=10", "querystring/quality must be >= 20"),
        ("quality=101", "querystring/quality must be <= 100"),
        ("quality=10&format=jpeg", "querystring/format must be equal to one of the allowed values"),
        ("resize=crop", "querystring/resize must be equal to one of the allowed values"),
        ("resize=cover&resize=cover", "querystring/resize must be string"),
        ("gravity=obj", "querystring/gravity must be equal to one of the allowed values"),
        ("x_offset=abc", "querystring/x_offset must be number"),
        ("x_offset=Infinity", 'querystring/x_offset must pass "finite" keyword validation'),
        ("gravity=fp", "querystring must have required property 'x_offset'"),
        ("gravity=fp&x_offset=0.5", "querystring must have required property 'y_offset'"),
        ("gravity=fp&x_offset=1.1&y_offset=0.5", "querystring/x_offset must be <= 1"),
        ("gravity=fp&x_offset=0.5&y_offset=-0.1", "querystring/y_offset must be >= 0"),
        ("gravity=fp&x_offset=Infinity&y_offset=0", "querystring/x_offset must be number"),
        ("width=abc&gravity=fp&x_offset=2&y_offset=2", "querystring/x_offset must be <= 1"),
        ("page=0", "querystring/page must be >= 1"),
        ("page=10000", "querystring/page must be <= 9999"),
    ],
)
def test_a_wrong_transform_is_refused_in_the_server_s_words(query: str, message: str) -> None:
    assert refused(query) == message


def test_a_side_that_is_too_long_is_made_shorter_or_in_strict_mode_refused() -> None:
    assert named("width=5000&height=9e99&resize=contain") == "w2500-h2500-contain"
    assert named("width=2001", Bounds(2000)) == "w2000"
    assert refused("width=2501", Bounds(strict=True)) == "querystring/width must be <= 2500"
    assert refused("height=11", Bounds(10, strict=True)) == "querystring/height must be <= 10"
    assert named("width=2500", Bounds(strict=True)) == "w2500"


@pytest.mark.parametrize("largest", [0, 4097])
def test_the_largest_side_is_one_that_can_be_made(largest: int) -> None:
    with pytest.raises(ValueError, match="1 to 4096"):
        Bounds(largest)


@pytest.mark.parametrize(
    ("transform", "name"),
    [
        (
            {"width": 200, "height": 100, "resize": "contain", "quality": 50},
            "w200-h100-contain-q50",
        ),
        ({"width": 200, "format": "origin"}, "w200-origin"),
        ({"width": "200", "height": 100.0}, "w200-h100-cover"),
        ({"width": None, "height": True, "resize": ["fill"]}, "h1"),
        ({"page": 2, "unknown": {}}, "p2-full"),
    ],
)
def test_a_body_is_read_as_a_query_is(transform: dict[str, object], name: str) -> None:
    assert Transform.of_body(transform, BOUNDS).rendition_name() == name


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"width": -1}, "body/transform/width must be >= 0"),
        ({"width": ""}, "body/transform/width must be integer"),
        ({"width": json.loads("1e400")}, "body/transform/width must be integer"),
        ({"width": "1e400"}, 'body/transform/width must pass "finite" keyword validation'),
        ({"quality": None}, "body/transform/quality must be >= 20"),
        ({"format": None}, "body/transform/format must be equal to one of the allowed values"),
        ({"resize": {}}, "body/transform/resize must be string"),
        ({"gravity": "fp"}, "body/transform must have required property 'x_offset'"),
        (
            {"gravity": "fp", "x_offset": [], "y_offset": 0},
            "body/transform/x_offset must be number",
        ),
    ],
)
def test_a_wrong_body_is_refused_by_its_own_place(
    transform: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Transform.of_body(transform, BOUNDS)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "fields",
    [
        {"width": -1},
        {"width": 4097},
        {"resize": "crop"},
        {"format": "jpeg"},
        {"page": 10_000},
        {"quality": 101},
    ],
)
def test_an_impossible_transform_cannot_be_built(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be|those of"):
        Transform(**fields)


offsets = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)


@st.composite
def transforms(draw: st.DrawFn) -> dict[str, object]:
    """Members that the server accepts, any of them left out."""
    members: dict[str, st.SearchStrategy[object]] = {
        "width": st.integers(0, 10_000),
        "height": st.integers(0, 10_000),
        "resize": st.sampled_from(FITS),
        "format": st.sampled_from(FORMATS),
        "quality": st.integers(20, 100),
        "gravity": st.sampled_from(KINDS),
        "x_offset": offsets,
        "y_offset": offsets,
        "page": st.integers(1, 9999),
    }
    values = draw(st.fixed_dictionaries({}, optional=members))
    if values.get("gravity") == "fp":
        values |= {"x_offset": draw(shares), "y_offset": draw(shares)}
    return values


@given(transforms(), st.sampled_from([2500, 1, 4096]))
def test_every_valid_transform_has_a_name_that_can_be_made(
    values: dict[str, object], largest: int
) -> None:
    transform = Transform.of_body(values, Bounds(largest))
    name = transform.rendition_name()
    rendition = RENDITIONS.find(name)
    assert rendition.spec == name
    assert len(name) <= 64
    assert max(rendition.width, rendition.height) <= largest


@given(transforms())
def test_equal_transforms_have_equal_names_however_they_are_written(
    values: dict[str, object],
) -> None:
    body = Transform.of_body(values, BOUNDS)
    texts = {name: str(value) for name, value in reversed(values.items())}
    assert Transform.of_body(texts, BOUNDS) == body
    assert named(urlencode(texts)) == body.rendition_name()


@given(st.dictionaries(st.sampled_from(["width", "gravity", "x_offset", "y_offset"]), st.text()))
def test_any_text_gives_a_name_or_a_message_without_it(values: dict[str, str]) -> None:
    try:
        outcome = Transform.of_body(values, BOUNDS).rendition_name()
    except InvalidRequest as error:
        outcome = error.message
    else:
        assert RENDITIONS.find(outcome).spec == outcome
        return
    assert MESSAGE.fullmatch(outcome)


def test_a_transform_of_nothing_is_the_whole_picture() -> None:
    assert Transform() == Transform.of_query([], BOUNDS)
    assert Transform(gravity=Gravity("no")).rendition_name() == "full"
