"""Selections: what is heavier than its original gives way to what may stand for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any, cast

import pytest
from PIL import Image

from gateway.deliveries import Request
from gateway.documents import Document, DocumentRef, Zone
from gateway.media import MediaType
from gateway.originals import SMALL
from gateway.preconditions import UNCONDITIONAL
from gateway.representations import Ready, Representation, ready
from gateway.selections import Selection, Selector, stands_in
from imaging.renditions import Product, Renditions, parse_spec
from signing.grants import Grant
from signing.links import Link

ZONE = Zone("clinic", "main", ("documents",))
BOTH = "image/avif,image/webp,*/*;q=0.8"
RENDITIONS = Renditions({"thumb": "w160-h160-cover", "low": "w640-q20"})


def document_of(sniffed: str, size: int = 1_000) -> Document:
    ref = DocumentRef("clinic", "documents", "a.bin")
    media = MediaType(sniffed.encode(), inline=True)
    return Document(ref, ref.id, "id", "v" * 22, "etag", media, sniffed, size, 0)


class Shop:
    """Stands for deriver and originals: what is made weighs what it is told."""

    def __init__(self, **weights: int) -> None:
        self.weights = {name.replace("_", "-"): weight for name, weight in weights.items()}
        self.asked: list[str] = []
        self.final = True

    def near(self, document: Document, product: Product | None = None) -> Ready | None:
        name = product.spec if product else "original"
        self.asked.append(name)
        size = self.weights.get(name, document.size) if product else document.size
        heavier = product is not None and size >= document.size
        media = MediaType(b"image/webp", inline=True) if product else document.media
        etag = f'"{name}"'.encode()
        made = Representation(document, name, etag, media, size, b"x" * size, heavier=heavier)
        return ready(replace(made, final=self.final), ZONE, corp="same-site")

    async def ready(self, document: Document, product: Product | None = None) -> Any:
        await asyncio.sleep(0)
        found = self.near(document, product)
        return (found, True) if product else found


def link_to(name: str, grant: str) -> Link:
    return cast(Link, _Link(name, Grant.parse(grant)))


class _Link:
    def __init__(self, rendition: str, grant: Grant) -> None:
        self.rendition, self.grant = rendition, grant


def select(
    shop: Shop, name: str, grant: str = "ia", accept: str = BOTH, sniffed: str = "image/jpeg"
) -> Selection:
    """What is selected; at once and with waiting it is the same."""
    selector = Selector(RENDITIONS, cast(Any, shop), cast(Any, shop))
    link, document = link_to(name, grant), document_of(sniffed)
    request = Request(False, UNCONDITIONAL, b"", accept, 0.0)
    waited = asyncio.run(selector.select(link, request, document))
    shop.asked.clear()
    at_once = selector.near(link, request, document)
    assert at_once is not None
    assert at_once.ready.representation.name == waited.ready.representation.name
    assert at_once[1:4] == waited[1:4]
    return at_once


def test_a_lighter_rendition_is_sent_and_nothing_else_is_tried() -> None:
    shop = Shop(w640_avif=999)
    selection = select(shop, "w640")
    assert selection.ready.representation.name == "w640-avif"
    assert (selection.negotiated, selection.fields) == (True, ())
    assert shop.asked == ["w640-avif"]


def test_another_accepted_format_is_tried_before_the_original() -> None:
    shop = Shop(w640_avif=1_000, w640_webp=400)
    assert select(shop, "w640", "ip").ready.representation.name == "w640-webp"
    assert shop.asked == ["w640-avif", "w640-webp"]


def test_no_other_format_is_tried_where_none_can_save_so_much() -> None:
    shop = Shop(w640_avif=2_000, w640_webp=400)
    select(shop, "w640")
    assert shop.asked == ["w640-avif", "original"]


@pytest.mark.parametrize("grant", ["ip", "ix-w640"])
def test_where_the_original_is_not_granted_the_lightest_of_the_heavier_is_sent(grant: str) -> None:
    shop = Shop(w640_avif=1_700, w640_webp=1_300, w640_jpeg=1_500)
    selection = select(shop, "w640", grant)
    assert selection.ready.representation.name == "w640-webp"
    assert (b"ostiary-weight", b"heavier;original=1000") in selection.ready.inline.fields
    assert (b"ostiary-weight", b"heavier;original=1000") in selection.ready.unchanged.fields


def test_the_original_stands_in_as_itself_and_says_for_what() -> None:
    selection = select(Shop(w640_webp=1_234), "w640-webp", accept="")
    representation = selection.ready.representation
    assert (representation.name, representation.etag) == ("original", b'"original"')
    assert selection.fields == ((b"ostiary-weight", b"original;rendition=1234"),)
    assert not selection.negotiated


def test_a_stand_in_for_what_will_be_improved_is_not_final() -> None:
    shop = Shop()
    shop.final = False
    assert not select(shop, "w640-webp").final


@pytest.mark.parametrize(
    ("sniffed", "name", "accept", "stands"),
    [
        ("image/jpeg", "w640-webp", "", True),
        ("image/png", "full-png", "", True),
        ("image/jpeg", "w640", "image/webp,*/*", True),
        ("image/jpeg", "w640", "image/webp", False),
        ("image/gif", "w640", "", True),
        ("image/gif", "w640-webp", "", True),
        ("image/gif", "w640-jpeg", "", False),
        ("image/gif", "w640-png", "", False),
        ("image/webp", "w640", "image/webp", True),
        ("image/webp", "w640", "*/*", False),
        ("image/webp", "w640-webp", "", True),
        ("image/webp", "w640-avif", "", True),
        ("image/webp", "w640-jpeg", "image/webp", False),
        ("image/avif", "w640-avif", "", True),
        ("image/avif", "w640-webp", "image/avif", False),
        ("image/avif", "w640", BOTH, True),
        ("image/tiff", "w640-jpeg", "", False),
        ("image/heic", "w640", "image/heic,*/*", False),
        ("image/bmp", "w640-jpeg", "", False),
        ("application/pdf", "w640-jpeg", "", False),
        ("application/dicom", "w640-jpeg", "", False),
    ],
)
def test_an_original_stands_in_where_it_can_be_shown(
    sniffed: str, name: str, accept: str, stands: bool
) -> None:
    assert stands_in(parse_spec(name), accept, document_of(sniffed)) is stands


@pytest.mark.parametrize(
    ("name", "stands"),
    [
        ("w640-h480-contain", True),
        ("h480", True),
        ("low-webp", True),
        ("thumb", False),
        ("w640-h480-fill-webp", False),
        ("p1-w640-webp", False),
        ("w640-win40_400-png", False),
        ("w640-h480-cover-gsm", False),
    ],
)
def test_an_original_stands_in_for_nothing_that_shows_another_part_of_it(
    name: str, stands: bool
) -> None:
    rendition = RENDITIONS.find(name)
    assert stands_in(cast(Any, rendition), BOTH, document_of("image/jpeg")) is stands


def test_what_memory_lacks_is_not_waited_for() -> None:
    class Empty(Shop):
        def near(self, document: Document, product: Product | None = None) -> Ready | None:
            return super().near(document, product) if product else None

    shop = Empty(w640_webp=2_000)
    selector = Selector(RENDITIONS, cast(Any, shop), cast(Any, shop))
    request = Request(False, UNCONDITIONAL, b"", "", 0.0)
    for name in ("original", "w640-webp"):
        assert selector.near(link_to(name, "ia"), request, document_of("image/png")) is None


# Through a whole gateway.

FLAT = Image.linear_gradient("L").resize((600, 400)).point(lambda v: v // 64 * 80)


def file_of(image: Image.Image, form: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def flat(gallery: Any) -> Any:
    """A picture that nothing holds in fewer octets than its PNG, and one of many octets."""
    gallery.put("flat.png", file_of(FLAT.convert("P"), "PNG", optimize=True))
    gallery.put("flat.gif", file_of(FLAT, "GIF"))
    gallery.put("large.png", file_of(FLAT.convert("P"), "PNG") + bytes(SMALL + 9))
    return gallery


def test_a_heavier_rendition_is_answered_with_the_original(flat: Any) -> None:
    original = flat.get(flat.link("flat.png"))
    for headers in ({}, {"Range": "bytes=0-9"}):  # made the first time, then from memory
        answer = flat.get(flat.link("flat.png", "w640-jpeg"), headers)
        assert answer.headers["etag"] == original.headers["etag"]
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["ostiary-weight"].startswith("original;rendition=")
        assert answer.headers["cdn-cache-control"].startswith("max-age=")
        assert "vary" not in answer.headers
        assert original.content.startswith(answer.content)
    assert answer.status_code == 206
    again = {"If-None-Match": original.headers["etag"]}
    assert flat.get(flat.link("flat.png", "w640-jpeg"), again).status_code == 304
    head = flat.ask("HEAD", flat.link("flat.png", "w640-jpeg"))
    assert (head.headers["content-length"], head.content) == (str(len(original.content)), b"")


@pytest.mark.parametrize("grant", ["previews", "x-w640-jpeg"])
def test_a_preview_link_never_opens_the_original(flat: Any, grant: str) -> None:
    original = flat.get(flat.link("flat.png"))
    answer = flat.get(flat.link("flat.png", "w640-jpeg", grant=grant))
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["etag"] != original.headers["etag"]
    size = len(original.content)
    assert answer.headers["ostiary-weight"] == f"heavier;original={size}"
    assert len(answer.content) >= size
    assert answer.headers["cdn-cache-control"].startswith("max-age="), "it says the same to all"


def test_an_open_format_that_ends_in_the_original_still_varies(flat: Any) -> None:
    answer = flat.get(flat.link("flat.gif", "w640"))
    assert (answer.headers["content-type"], answer.headers["vary"]) == ("image/gif", "Accept")
    assert answer.headers["cdn-cache-control"] == "no-store"


def test_a_page_that_is_heavier_than_its_document_says_so(flat: Any) -> None:
    answer = flat.get(flat.link("letter.pdf", "p1-w2560-png"))
    size = len(flat.get(flat.link("letter.pdf")).content)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["ostiary-weight"] == f"heavier;original={size}"
    lighter = flat.get(flat.link("letter.pdf", "p1-w160-webp"))
    assert "ostiary-weight" not in lighter.headers


def test_a_stand_in_too_large_for_memory_is_streamed(open_door: Callable[..., Any]) -> None:
    door = open_door(renders=True, renditions={"workers": 1})
    noise = Image.effect_noise((1_200, 1_000), 90)
    body = file_of(noise, "JPEG", quality=40)
    body += bytes(max(0, SMALL + 1 - len(body)))
    door.put("large.jpg", body)
    url = door.link("large.jpg", "w2560-png")
    for _ in range(2):
        answer = door.get(url)
        assert answer.content == body
        assert answer.headers["ostiary-weight"].startswith("original;rendition=")
    part = door.get(url, {"Range": "bytes=-5"})
    assert (part.status_code, part.content) == (206, body[-5:])
    assert '"rendition":"w2560-png","shown":"original"' in door.lines(4)
