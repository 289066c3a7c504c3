"""Marked renditions: every source gets its mark, in the engine and behind the filter of workers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageDraw

from imaging.engine import render
from imaging.errors import MarkBroken, UnknownRendition
from imaging.limits import Limits
from imaging.marking.logos import LARGEST
from imaging.marking.marks import Mark
from imaging.names.renditions import Rendition, Renditions, parse_spec
from imaging.rendered import MEDIA_TYPES
from imaging.workers import protocol
from imaging.workers.pool import RenderPool
from imaging.workers.specimens import SPECIMENS

DRAFT = Mark("draft", "Draft")


def badge() -> bytes:
    image = Image.new("RGBA", (80, 40))
    ImageDraw.Draw(image).ellipse((2, 2, 77, 37), (200, 30, 30, 255))
    out = BytesIO()
    image.save(out, "WEBP", lossless=True)
    return out.getvalue()


BADGE = Mark("badge", image=badge())
RENDITIONS = Renditions(marks={"draft": DRAFT, "badge": BADGE})


def opened(body: bytes) -> Image.Image:
    return Image.open(BytesIO(body)).convert("RGB")


@pytest.fixture(scope="module")
def sources(darkroom) -> dict[str, bytes]:
    photo = darkroom.quarters((600, 400))
    made = {kind: darkroom.file(photo, kind) for kind in ("JPEG", "PNG", "WEBP", "AVIF", "BMP")}
    made |= {
        f"{n} {kind}": make()
        for kind, makers in SPECIMENS.items()
        for n, make in enumerate(makers)
        if "heic" in kind or "dicom" in kind
    }
    return made | {
        "turned": darkroom.file(photo, exif=darkroom.exif(6)),
        "CMYK": darkroom.file(photo.convert("CMYK")),
        "alpha": darkroom.file(photo.convert("RGBA"), "PNG"),
        "two colours": darkroom.tiff(1, compression="group4"),
        "GIF": darkroom.file(photo.convert("P"), "GIF"),
        "PDF": darkroom.pdf((600, 400)),
    }


@pytest.mark.parametrize("mark", [DRAFT, BADGE])
def test_every_source_is_marked(sources: dict[str, bytes], mark: Mark) -> None:
    plain = parse_spec("w320-png")
    for name, source in sources.items():
        before, after = render(source, plain), render(source, replace(plain, mark=mark))
        assert (after.width, after.height) == (before.width, before.height), name
        assert ImageChops.difference(opened(before.body), opened(after.body)).getbbox(), name


def test_a_page_of_two_colours_becomes_grey_and_as_wide_as_asked(darkroom) -> None:
    sheet = Image.new("1", (1600, 1200), 1)
    ImageDraw.Draw(sheet).rectangle((200, 200, 900, 400), fill=0)
    page = darkroom.file(sheet, "TIFF", compression="group4")
    plain, marked = (render(page, replace(parse_spec("w1280"), mark=m)) for m in (Mark(), DRAFT))
    assert (plain.width, marked.width) == (1600, 1280)
    assert len(opened(marked.body).convert("L").getcolors() or ()) > 2


def test_the_notice_of_dicom_stays_on_top_of_the_mark() -> None:
    (make,) = SPECIMENS["application/dicom"]
    loud = replace(DRAFT, opacity=1.0, size=1.0)
    before, after = (
        opened(render(make(), replace(parse_spec("full-png"), mark=mark)).body)
        for mark in (Mark(), loud)
    )
    notice = (0, before.height - 12, 110, before.height)
    assert before.crop(notice).getextrema()[0][1] == 255
    assert after.crop(notice).tobytes() == before.crop(notice).tobytes()
    assert after.tobytes() != before.tobytes()


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_every_frame_of_an_animation_is_marked(darkroom, format: str) -> None:
    frames = [Image.new("RGB", (300, 200), colour) for colour in ("red", "green", "blue")]
    source = darkroom.file(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=90)
    made = Image.open(
        BytesIO(render(source, replace(parse_spec(f"w300-{format}"), mark=DRAFT)).body)
    )
    assert made.n_frames == 3
    for index in range(3):
        made.seek(index)
        spread = [high - low for low, high in made.convert("RGB").getextrema()]
        assert max(spread) > 40


@pytest.mark.parametrize("mark", [Mark("draft"), Mark("who", "{viewer}"), Mark("day", "of {date}")])
def test_what_a_mark_shows_has_to_come_with_it(darkroom, mark: Mark) -> None:
    with pytest.raises(MarkBroken, match="undrawn"):
        render(darkroom.file(darkroom.quarters()), replace(parse_spec("w160"), mark=mark))


def test_a_mark_is_behind_a_redaction_and_before_a_quality() -> None:
    name = "p2-w640-h480-cover-c0_0_500_500-gno-rface_1-mdraft-q50-webp"
    assert parse_spec(name).spec == name
    assert parse_spec(name).mark == Mark("draft")
    for wrong in ("w640-q50-mdraft", "w640-webp-mdraft", "w640-mdraft-rface_1", "mdraft-w640"):
        with pytest.raises(ValueError, match="is not like"):
            parse_spec(wrong)


@pytest.mark.parametrize("name", ["", "1", "Draft", "dra_ft", "a" * 17])
def test_another_name_of_a_mark_is_no_spec(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the grammar's or the mark's own words)
        parse_spec(f"w640-m{name}")


def test_a_declared_mark_is_found_with_what_it_shows() -> None:
    found = RENDITIONS.find("p2-w640-mdraft-webp")
    assert isinstance(found, Rendition)
    assert (found.mark, found.spec) == (DRAFT, "p2-w640-mdraft-webp")
    assert not RENDITIONS.declared("w640-mdraft")


def test_a_mark_nobody_declared_is_unknown_and_the_nearest_is_told() -> None:
    with pytest.raises(UnknownRendition) as caught:
        RENDITIONS.find("w640-mdarft-webp")
    assert (caught.value.reason, caught.value.nearest) == ("mark", "w640-mdraft-webp")
    with pytest.raises(UnknownRendition) as caught:
        Renditions().find("w640-mdraft")
    assert caught.value.nearest == ""


def test_no_preset_holds_a_mark() -> None:
    with pytest.raises(ValueError, match="a mark is granted by an exact name alone, as x-w640-mdr"):
        Renditions({"thumb": "w640-mdraft"}, marks={"draft": DRAFT})


def test_another_content_of_a_mark_is_another_identity_under_the_same_name() -> None:
    one, two = (
        Renditions(marks={"draft": mark}).find("w640-mdraft")
        for mark in (DRAFT, Mark("draft", "x"))
    )
    assert one.spec == two.spec
    assert one.identity != two.identity
    assert one.identity.startswith("w640-mdraft@")


@pytest.mark.parametrize("mark", [DRAFT, BADGE, replace(BADGE, opacity=1, place="corner", size=1)])
def test_a_request_carries_all_that_a_mark_shows(mark: Mark) -> None:
    rendition = replace(parse_spec("w160-png"), mark=mark)
    packed = protocol.pack(protocol.render_request(rendition, Limits()), 0)
    head = protocol.unpack_head(packed[protocol.PREFIX.size :])
    assert protocol.rendition_of(head) == rendition


def test_the_largest_logo_fits_into_a_request() -> None:
    rendition = replace(parse_spec("w160"), mark=Mark("logo", image=bytes(LARGEST)))
    packed = protocol.pack(protocol.render_request(rendition, Limits()), 0)
    protocol.unpack_prefix(packed[: protocol.PREFIX.size])


GOOD = DRAFT.told()


@pytest.mark.parametrize(
    "told",
    [
        {}, {**GOOD, "text": 7}, {**GOOD, "image": "!"}, {**GOOD, "opacity": "1"},
        {**GOOD, "opacity": 2}, {**GOOD, "place": "edge"}, {**GOOD, "size": None},
        {**GOOD, "text": "ä"},
    ],
)  # fmt: skip
def test_no_other_mark_is_drawn(told: dict[str, object]) -> None:
    request = protocol.render_request(parse_spec("w160-mdraft"), Limits()) | {"mark": told}
    with pytest.raises(protocol.ProtocolError):
        protocol.rendition_of(protocol.Head(request))


def test_workers_draw_marks_behind_their_filter_and_outlive_broken_ones(darkroom) -> None:
    photo = darkroom.file(darkroom.quarters())

    async def main() -> None:
        pool = RenderPool(1)
        await pool.start()
        try:
            pids = pool.pids
            for mark in (DRAFT, BADGE, replace(BADGE, image=BADGE.image[:-20])):
                rendition = replace(parse_spec("w160"), mark=mark)
                for format in MEDIA_TYPES:
                    asked = rendition.with_format(format)
                    try:
                        made = render(photo, asked)
                    except MarkBroken:
                        with pytest.raises(MarkBroken, match="image"):
                            await pool.render(photo, asked)
                    else:
                        assert await pool.render(photo, asked) == made
            assert pool.pids == pids
        finally:
            await pool.aclose()

    asyncio.run(main())
