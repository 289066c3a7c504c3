"""A memo gives a picture to the name it was kept under, and is never large."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from imaging.masters.negatives import Negative
from imaging.pixels.kinds import Kind
from imaging.pixels.scaled import Scaled
from imaging.workers.jobs import PICTURES
from imaging.workers.memos import Memo

SMALL = Scaled(Image.new("RGB", (10, 10)), Kind.PHOTO, "jpeg")


def test_what_is_kept_is_found_by_its_name_alone() -> None:
    memo = Memo()
    memo.keep("a/w160", SMALL, 7)
    kept = memo.find("a/w160")
    assert kept is not None
    assert (kept.scaled.image, kept.below) == (SMALL.image, 7)
    assert [memo.find(name) for name in ("a/w320", "b/w160", "")] == [None] * 3


@pytest.mark.parametrize(
    ("name", "scaled"),
    [("", SMALL), ("a", replace(SMALL, lasting=False))],
    ids=["without a name", "another format differs"],
)
def test_what_may_not_be_shared_is_not_kept(name: str, scaled: Scaled) -> None:
    memo = Memo()
    memo.keep(name, scaled, 0)
    assert memo.find(name) is None


def test_the_oldest_pictures_go_first() -> None:
    memo = Memo()
    for number in range(PICTURES):
        memo.keep(str(number), SMALL, 0)
    assert memo.find("0"), "which makes it the newest"
    memo.keep("one more", SMALL, 0)
    assert memo.find("1") is None
    assert memo.find("0")
    assert memo.find("one more")


def test_pictures_are_kept_within_so_many_octets() -> None:
    memo = Memo(octets=900)
    for name in ("first", "second", "third"):
        memo.keep(name, SMALL, 0)  # 400 each
    assert [bool(memo.find(name)) for name in ("first", "second", "third")] == [False, True, True]
    memo.keep("large", replace(SMALL, image=Image.new("RGB", (16, 15))), 0)
    assert memo.find("large") is None, "what does not fit drives nothing out"
    assert memo.find("third")
    memo.keep("grey", replace(SMALL, image=Image.new("L", (30, 30))), 0)
    assert memo.find("grey")
    assert memo.find("third") is None


def test_nothing_of_the_source_is_kept(darkroom) -> None:
    opened = darkroom.opened(darkroom.file(darkroom.quarters((20, 20)), "PNG"))
    whole = Negative(darkroom.quarters(), (800, 600))
    memo = Memo()
    memo.keep("a", Scaled(opened, Kind.PHOTO, "jpeg", negative=whole), 0)
    kept = memo.find("a")
    assert kept is not None
    assert type(kept.scaled.image) is Image.Image
    assert kept.scaled.image.tobytes() == opened.tobytes()
    assert kept.scaled.negative is None


def test_a_cleared_memo_has_nothing() -> None:
    memo = Memo()
    memo.keep("a", SMALL, 0)
    memo.clear()
    assert memo.find("a") is None
