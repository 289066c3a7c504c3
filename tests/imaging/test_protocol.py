"""What is said between pool and worker arrives whole, and nothing else is believed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.conversions import PDF, TEXT, Conversion, Converted
from imaging.errors import (
    BrokenSource,
    ImagingError,
    PageMissing,
    SourceTooLarge,
    UnknownRendition,
)
from imaging.limits import Limits
from imaging.names.areas import Area
from imaging.names.redactions import MOST_BOXES, Box, Redaction
from imaging.names.renditions import Rendition, parse_spec
from imaging.rendered import Description, Rendered
from imaging.workers import protocol
from imaging.workers.protocol import Head, ProtocolError

RENDERED = Rendered(b"body", "image/webp", 640, 480, 78, "m4", b"\xd7hash", (4000, 3000))
DESCRIBED = Description("application/pdf", 595, 842, 3, ((595.28, 841.89), (0, 0), (9, 1e8)))


def across(head: dict[str, object], body: bytes = b"") -> Head:
    frame = protocol.pack(head, len(body))
    head_length, body_length = protocol.unpack_prefix(frame[: protocol.PREFIX.size])
    assert body_length == len(body)
    assert len(frame) == protocol.PREFIX.size + head_length
    return protocol.unpack_head(frame[protocol.PREFIX.size :])


def test_a_rendition_comes_across() -> None:
    head = across(protocol.rendered_reply(RENDERED), RENDERED.body)
    assert protocol.rendered_of(head, RENDERED.body) == RENDERED


@pytest.mark.parametrize(
    "made", [Converted(b"%PDF", PDF, "qpdf-1"), Converted(b"", TEXT, "pdfium-1")]
)
def test_a_conversion_comes_across(made: Converted) -> None:
    head = across(protocol.converted_reply(made), made.body)
    assert protocol.converted_of(head, made.body) == made


def test_a_request_names_its_conversion() -> None:
    head = across(protocol.convert_request(Conversion(7), Limits()))
    assert (head.text("do"), head.text("name")) == ("convert", "p7-text")


@pytest.mark.parametrize(
    "reply",
    [
        {"ok": "converted", "media_type": "text/html", "engine": "qpdf-1"},
        {"ok": "converted", "media_type": PDF},
        {"ok": "converted", "media_type": PDF, "engine": "x" * 300},
        {"ok": "rendered", "media_type": PDF, "engine": "qpdf-1"},
    ],
)
def test_no_other_conversion_is_believed(reply: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        protocol.converted_of(across(reply), b"")


@pytest.mark.parametrize(
    "sizes",
    [
        None, {}, [[1]], [[1, 2, 3]], [["1", 2]], [[-1, 2]], [[1, 1e9]], [[1, float("nan")]],
        [[1, 1]] * 1_001,
    ],
)  # fmt: skip
def test_no_other_sizes_are_believed(sizes: object) -> None:
    with pytest.raises(ProtocolError):
        protocol.description_of(
            across({**protocol.described_reply(DESCRIBED), "sizes": sizes}), b""
        )


def test_a_description_comes_across() -> None:
    head = across(protocol.described_reply(DESCRIBED))
    assert protocol.description_of(head, b"") == DESCRIBED


def test_a_request_carries_the_exact_spec_and_the_limits() -> None:
    limits = Limits(octets=1, pixels=2, pages=3, scans=4)
    thumb = Rendition(width=160, height=160, fit="cover", label="thumb")
    head = across(protocol.render_request(thumb, limits))
    assert head.text("spec") == "w160-h160-cover"
    assert protocol.limits_of(head) == limits
    assert across(protocol.describe_request(limits)).text("do") == "describe"


def test_a_request_carries_what_its_redaction_hides() -> None:
    boxes = (Box(Area(1, 2, 3, 4)), Box(Area(0, 0, 9, 9), page=2, white=True))
    rendition = replace(parse_spec("w160-rface_3"), redaction=Redaction("face", 3, boxes))
    assert protocol.rendition_of(across(protocol.render_request(rendition, Limits()))) == rendition
    most = (Box(Area(999, 999, 1000, 1000), page=9999, white=True),) * MOST_BOXES
    rendition = replace(rendition, redaction=Redaction("face", 3, most))
    assert protocol.rendition_of(across(protocol.render_request(rendition, Limits()))) == rendition


@pytest.mark.parametrize(
    "head",
    [{"spec": "w160-rface_3", "boxes": []}, {"spec": "w160-rface_3", "boxes": None},
     {"spec": "w160-rface_3", "boxes": [[0, 9, 2, 3, 4, 0]]},
     {"spec": "w160", "boxes": [[0, 1, 2, 3, 4, 0]]}, {"spec": "w0160"}, {"spec": 7}],
)  # fmt: skip
def test_a_request_that_does_not_hide_what_it_names_is_none(head: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        protocol.rendition_of(Head(head))


def test_a_redaction_that_came_without_boxes_is_not_usable() -> None:
    told = protocol.rendition_of(Head({"spec": "w160-rface_3"}))
    assert told.redacts
    assert not told.redaction.usable


@pytest.mark.parametrize(
    "error", [BrokenSource("encrypted"), SourceTooLarge("pixels"), PageMissing(7)]
)
def test_errors_come_across(error: ImagingError) -> None:
    head = across(protocol.error_reply(error))
    with pytest.raises(type(error)) as caught:
        protocol.rendered_of(head, b"")
    assert type(caught.value) is type(error)
    assert vars(caught.value) == vars(error)


def test_an_error_the_other_side_cannot_mean_becomes_unsupported() -> None:
    head = across(protocol.error_reply(UnknownRendition("w1")))
    with pytest.raises(BrokenSource, match="unsupported"):
        protocol.description_of(head, b"")


@pytest.mark.parametrize(
    "prefix",
    [
        protocol.PREFIX.pack(b"HTTP", 1, 1),
        protocol.PREFIX.pack(b"OSI1", 1 << 20, 1),
        protocol.PREFIX.pack(b"OSI1", 1, 1 << 40),
    ],
)
def test_a_prefix_that_is_none_is_refused(prefix: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.unpack_prefix(prefix)


@pytest.mark.parametrize("text", [b"", b"[]", b"7", b"{", b"\xff", b'"ok"'])
def test_a_head_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.unpack_head(text)


GOOD = protocol.rendered_reply(RENDERED)


@pytest.mark.parametrize(
    "change",
    [
        {"media_type": "text/html"},
        {"media_type": 7},
        {"width": -1},
        {"width": "640"},
        {"height": True},
        {"quality": 1.5},
        {"effort": None},
        {"effort": "m" * 300},
        {"effort": "m4\r\nset-cookie: a=b"},
        {"effort": "\ud800"},
        {"placeholder": None},
        {"placeholder": "d7h"},
        {"placeholder": "d7" * 65},
        {"source": None},
        {"source": [640]},
        {"source": [640, "480"]},
        {"source": [-1, 480]},
        {"source": [640, 1e9]},
        {"ok": "described"},
        {"ok": None},
        {"error": "panic"},
        {"error": "broken"},
        {"error": "broken", "reason": "damaged\r\nset-cookie: a=b"},
        {"error": "page", "pages": "many"},
    ],
)
def test_a_reply_with_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        protocol.rendered_of(Head({**GOOD, **change}), b"body")


def test_an_empty_rendition_or_a_description_with_a_body_is_refused() -> None:
    with pytest.raises(ProtocolError):
        protocol.rendered_of(Head(GOOD), b"")
    with pytest.raises(ProtocolError):
        protocol.description_of(Head(protocol.described_reply(DESCRIBED)), b"x")
    with pytest.raises(ProtocolError):
        Head({"limits": 1}).table("limits")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
words = st.sampled_from(["ok", "error", "media_type", "width", "height", "pages", "reason"])


@given(st.dictionaries(words, json_values | words))
def test_no_reply_does_more_than_answer_or_fail(fields: dict[str, object]) -> None:
    head = protocol.unpack_head(json.dumps(fields).encode())
    for read in (protocol.rendered_of, protocol.description_of):
        try:
            answer = read(head, b"")
        except (ProtocolError, ImagingError):
            continue
        assert isinstance(answer, (Rendered, Description))
