"""A worker gives what it keeps to who names it, the same octets as without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imaging.errors import BrokenSource, Forgotten
from imaging.limits import Limits
from imaging.names.renditions import Rendition, parse_spec
from imaging.rendered import Rendered
from imaging.workers import protocol
from imaging.workers.jobs import Job, recalling, rendering, reprinting
from imaging.workers.memos import Memo
from imaging.workers.renderings import rendered

SMALL = parse_spec("w160-jpeg")
TIFF = "image/tiff"


def asked(job: Job[Rendered], memo: Memo) -> Rendered:
    """What the other side reads of the answer."""
    made = rendered(protocol.Head(job.request), job.source, memo)
    head = protocol.pack(protocol.rendered_reply(made), 0)[protocol.PREFIX.size :]
    return job.read(protocol.unpack_head(head), made.body + made.master.body)


@pytest.fixture(scope="module")
def photo(darkroom) -> bytes:
    return darkroom.file(darkroom.texture((800, 600)))


@pytest.mark.parametrize("spec", ["w160-webp", "w160-avif", "w160-png", "w160-q30-jpeg", "w160"])
def test_what_is_shared_is_what_would_have_been_made(photo: bytes, spec: str) -> None:
    memo = Memo()
    asked(rendering(photo, SMALL, Limits(), "name"), memo)
    shared = asked(recalling(parse_spec(spec), "name"), memo)
    alone = asked(rendering(photo, parse_spec(spec), Limits()), Memo())
    assert shared == alone
    assert shared.fingerprint == alone.fingerprint


def test_another_name_or_size_gets_nothing(photo: bytes) -> None:
    memo = Memo()
    asked(rendering(photo, SMALL, Limits(), "name"), memo)
    for rendition, of in ((SMALL, "other"), (replace(SMALL, width=161), "name")):
        with pytest.raises(Forgotten):
            asked(recalling(rendition, of), memo)
    with pytest.raises(Forgotten):
        asked(recalling(SMALL, ""), memo)


def test_a_source_without_a_name_leaves_nothing(photo: bytes) -> None:
    memo = Memo()
    asked(rendering(photo, SMALL, Limits()), memo)
    for of in ("", "name"):
        with pytest.raises(Forgotten):
            asked(recalling(SMALL, of), memo)


def test_what_moves_and_what_is_sharp_is_not_shared(darkroom) -> None:
    frames = [darkroom.quarters((64, 48)).rotate(turn) for turn in (0, 90)]
    moving = darkroom.file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    page = darkroom.file(darkroom.quarters((2000, 1000), "1"), "TIFF", compression="group4")
    for source, still, other in (
        (moving, parse_spec("w160-jpeg"), parse_spec("w160-webp")),
        (page, parse_spec("p1-w1280-jpeg"), parse_spec("p1-w1280-webp")),
    ):
        memo = Memo()
        asked(rendering(source, still, Limits(), "name"), memo)
        with pytest.raises(Forgotten):
            asked(recalling(other, "name"), memo)


def test_a_shared_picture_stays_as_light_as_its_source_asks(darkroom) -> None:
    memo = Memo()
    tight = darkroom.file(darkroom.texture((300, 300)), "WEBP", quality=5)
    jpeg = parse_spec("w300-jpeg")
    asked(rendering(tight, parse_spec("w300-webp"), Limits(), "name"), memo)
    shared = asked(recalling(jpeg, "name"), memo)
    assert shared == asked(rendering(tight, jpeg, Limits()), Memo())


def test_a_master_comes_along_when_it_is_asked_for(darkroom) -> None:
    source = darkroom.file(darkroom.quarters((2500, 1700)), "TIFF")
    page = Rendition(width=160, page=1, format="webp")
    plain = asked(rendering(source, page, Limits(), "name"), Memo())
    with_master = asked(rendering(source, page, Limits(), "name", develop=True), Memo())
    assert not plain.master
    assert with_master.master.size == (2500, 1700)
    assert with_master.body == plain.body
    memo = Memo()
    wide = replace(page, width=320)
    origin = TIFF, len(source)
    made = asked(reprinting(with_master.master, wide, Limits(), "name", origin), memo)
    assert made.width == 320
    other = asked(recalling(replace(wide, format="jpeg"), "name"), memo)
    assert (other.media_type, other.effort[-7:]) == ("image/jpeg", "-master")


def test_a_print_needs_a_master(darkroom) -> None:
    request = {**rendering(b"", SMALL, Limits()).request, "do": "reprint"}
    with pytest.raises(BrokenSource):
        rendered(protocol.Head(request), b"", Memo())
