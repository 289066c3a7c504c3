"""Markup: HTML that parses, whose every address is a shared answer of the right size."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from imaging.names.renditions import LADDER


class Page(HTMLParser):
    """The tags of a snippet with their attributes, and whether they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.ends: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.ends.append(tag)

    def only(self, tag: str) -> dict[str, str]:
        [found] = [attributes for name, attributes in self.tags if name == tag]
        return found


def _candidates(srcset: str) -> list[tuple[str, int]]:
    """URL and width of each candidate (HTML standard, srcset attribute)."""
    return [(match[1], int(match[2])) for match in re.finditer(r"(\S+) (\d+)w(?:, |$)", srcset)]


def _addresses(page: Page) -> list[tuple[str, int]]:
    found = [one for _, tag in page.tags for one in _candidates(tag.get("srcset", ""))]
    return [*found, (page.only("img")["src"], 0)]


@pytest.mark.parametrize("key", ["picture.jpg", "scan.tif", "letter.pdf"])
@pytest.mark.parametrize("grant", ["all", "previews"])
def test_a_picture_offers_formats_in_order_and_a_plain_one_at_last(
    gallery: Any, key: str, grant: str
) -> None:
    [answer] = gallery.issue(key, grant=grant)
    page = Page(answer["picture"])
    assert [name for name, _ in page.tags] == ["picture", "source", "source", "img"]
    assert page.ends == ["picture"]
    types = [tag["type"] for name, tag in page.tags if name == "source"]
    assert types == ["image/avif", "image/webp"]
    image = page.only("img")
    assert (image["alt"], image["loading"]) == ("", "lazy")
    assert "-jpeg/" in image["src"]
    assert answer["srcset"] == page.tags[2][1]["srcset"]


def test_every_address_answers_and_is_one_that_caches_share(gallery: Any) -> None:
    [picture, scan] = gallery.issue("picture.jpg", "scan.tif")
    smallest = [_addresses(Page(answer["picture"]))[0] for answer in (picture, scan)]
    every = [one for one in _addresses(Page(picture["picture"])) if "avif" not in one[0]]
    for url, width in [*smallest, *every]:
        answer = gallery.get(url)
        assert answer.status_code == 200, url
        assert answer.headers["cdn-cache-control"].startswith("max-age=")
        assert "vary" not in answer.headers
        with Image.open(BytesIO(answer.content)) as image:
            assert width in (0, image.width)


def test_a_picture_is_not_offered_wider_than_it_is(gallery: Any) -> None:
    [answer] = gallery.issue("picture.jpg")
    widths = [width for _, width in _candidates(answer["srcset"])]
    assert widths == [rung for rung in LADDER if rung <= 800]
    image = Page(answer["picture"]).only("img")
    assert (image["width"], image["height"]) == ("640", "480")


def test_a_tiny_picture_is_offered_once(open_door: Callable[..., Any], gallery: Any) -> None:
    gallery.put("tiny.png", _tiny())
    [answer] = gallery.issue("tiny.png")
    assert [width for _, width in _candidates(answer["srcset"])] == [160]
    image = Page(answer["picture"]).only("img")
    assert (image["width"], image["height"]) == ("20", "10")


def _tiny() -> bytes:
    out = BytesIO()
    Image.new("RGB", (20, 10)).save(out, "PNG")
    return out.getvalue()


def test_pages_are_offered_at_every_width_and_in_their_shape(gallery: Any) -> None:
    [answer] = gallery.issue("letter.pdf")
    candidates = _candidates(answer["srcset"])
    assert [width for _, width in candidates] == list(LADDER)
    assert all("/d/p1-w" in url for url, _ in candidates)
    image = Page(answer["picture"]).only("img")
    assert (image["width"], image["height"]) == ("640", "480")


def test_pages_of_pixels_are_not_offered_wider_than_they_are(gallery: Any) -> None:
    [answer] = gallery.issue("scan.tif")
    assert [width for _, width in _candidates(answer["srcset"])] == [160, 320, 480, 640]


def test_a_page_whose_shape_is_not_known_has_a_width_all_the_same(
    open_door: Callable[..., Any],
) -> None:
    door = open_door()
    door.put("strange.pdf", b"%PDF-1.7 torn")
    [answer] = door.issue("strange.pdf")
    image = Page(answer["picture"]).only("img")
    assert image["width"] == "640"
    assert "height" not in image
    assert not image["sizes"].startswith("auto")


def test_every_image_says_how_wide_it_is_laid_out(gallery: Any) -> None:
    for key, shown in (("picture.jpg", 640), ("scan.tif", 640), ("letter.pdf", 640)):
        [answer] = gallery.issue(key)
        tags = [tag for name, tag in Page(answer["picture"]).tags if "sizes" in tag]
        assert len(tags) == 3
        slot = f"auto, (max-width: {shown}px) 100vw, {shown}px"
        assert {tag["sizes"] for tag in tags} == {slot}


def test_a_placeholder_is_told_once_a_picture_was_made(gallery: Any, draw: Any) -> None:
    gallery.put("new.jpg", draw("JPEG", 1))
    [before] = gallery.issue("new.jpg")
    assert before["thumbhash"] is None
    assert "data-thumbhash" not in before["picture"]
    assert gallery.get(gallery.link("new.jpg", "w320-jpeg")).status_code == 200
    for grant in ("all", "original", "previews", "x-w333-jpeg"):
        [after] = gallery.issue("new.jpg", grant=grant)
        assert 18 <= len(b64decode(after["thumbhash"], validate=True)) <= 25
        if grant != "original":
            image = Page(after["picture"]).only("img")
            assert image["data-thumbhash"] == after["thumbhash"]


@pytest.mark.parametrize("grant", ["x-thumb", "x-w90-h90-cover", "x-p2-w320-webp", "x-p1-text"])
def test_a_part_of_a_document_is_given_no_placeholder_of_the_whole(
    gallery: Any, grant: str
) -> None:
    key = "letter.pdf"
    assert gallery.get(gallery.link(key, "p1-w320-webp")).status_code == 200
    assert gallery.issue(key)[0]["thumbhash"]
    [answer] = gallery.issue(key, grant=grant)
    assert answer["thumbhash"] is None
    assert "data-thumbhash" not in answer["picture"]
    assert gallery.issue(key, grant="x-linear")[0]["thumbhash"]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("w333-jpeg", ("333", "250")),
        ("thumb", ("160", "160")),
        ("w50-h90-contain-webp", ("50", "38")),
        ("full-png", ("800", "600")),
        ("w2000-jpeg", ("800", "600")),
    ],
)
def test_one_rendition_has_its_size(gallery: Any, name: str, size: tuple[str, str]) -> None:
    [answer] = gallery.issue("picture.jpg", grant=f"x-{name}")
    image = Page(answer["picture"]).only("img")
    assert (image["width"], image["height"]) == size
    with Image.open(BytesIO(gallery.get(answer["url"]).content)) as made:
        assert (str(made.width), str(made.height)) == size


def test_another_page_is_given_no_size_of_the_first(gallery: Any) -> None:
    [answer] = gallery.issue("scan.tif", grant="x-p2-w320-webp")
    assert "width" not in Page(answer["picture"]).only("img")


def test_the_renditions_are_those_the_link_opens(gallery: Any) -> None:
    ladder = [f"w{width}" for width in LADDER]
    named = {
        grant: gallery.issue("picture.jpg", grant=grant)[0]["renditions"]
        for grant in ("all", "original", "previews", "x-w333-jpeg")
    }
    assert named["all"] == ["original", *ladder, "thumb", "auto"]
    assert named["original"] == ["original"]
    assert named["previews"] == [*ladder, "thumb"]
    assert named["x-w333-jpeg"] == ["w333-jpeg"]
    paged = gallery.issue("scan.tif")[0]["renditions"]
    assert paged == ["original", *(f"p1-{name}" for name in [*ladder, "thumb"]), "auto"]
    for name in ("w160", "thumb"):
        assert gallery.get(gallery.link("picture.jpg", name)).status_code == 200
    assert gallery.issue("note.txt")[0]["renditions"] == ["original"]


def test_an_exact_grant_shows_its_one_rendition(gallery: Any) -> None:
    [answer] = gallery.issue("picture.jpg", grant="x-w333-jpeg")
    page = Page(answer["picture"])
    assert page.only("img")["src"] == answer["url"]
    assert answer["srcset"] == ""


@pytest.mark.parametrize("key", ["note.txt", "picture.jpg"])
def test_without_a_ladder_there_is_no_markup(gallery: Any, key: str) -> None:
    [answer] = gallery.issue(key, grant="original")
    assert (answer["srcset"], answer["picture"]) == ("", "")


def test_a_name_made_for_breaking_html_breaks_none(gallery: Any, draw: Any) -> None:
    key = """it's "so"&<b>, 2 w(1).jpg"""
    gallery.put(key, draw("JPEG", 1))
    [answer] = gallery.issue(key)
    page = Page(answer["picture"])
    assert [name for name, _ in page.tags] == ["picture", "source", "source", "img"]
    url, _ = _candidates(page.only("img")["srcset"])[0]
    assert gallery.get(url).status_code == 200
    assert len(_candidates(answer["srcset"])) == 4
