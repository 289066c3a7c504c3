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
from gateway.making.choices import Sight, Unseen
from gateway.making.selections import Selection, Selector, stands_in
from gateway.originals import SMALL
from gateway.representations import Ready, Representation, ready
from gateway.samples.pdf import Line, Scan, TextPage, scanned_pdf, text_pdf
from gateway.wire.media import MediaType
from gateway.wire.preconditions import UNCONDITIONAL
from imaging.encoding.glances import Glance
from imaging.errors import BrokenSource
from imaging.names.renditions import Product, Rendition, Renditions, parse_spec
from signing.grants import Grant
from signing.links import Link

ZONE = Zone("clinic", "main", ("documents",))
BOTH = "image/avif,image/webp,*/*;q=0.8"
SEEN = Glance("image/jpeg", "photo", {"avif": 200, "webp": 300, "jpeg": 400})
RENDITIONS = Renditions({"thumb": "w160-h160-cover", "low": "w640-q20"})


def document_of(sniffed: str, size: int = 1_000) -> Document:
    ref = DocumentRef("clinic", "documents", "a.bin")
    media = MediaType(sniffed.encode(), inline=True, pdf=sniffed == "application/pdf")
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
        heavier = isinstance(product, Rendition) and size >= document.size
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


class Watcher:
    """Stands for sights: sees what it is told, or nothing yet."""

    def __init__(self, sight: Sight | None) -> None:
        self.sight = sight

    def near(self, document: Document) -> Sight | None:
        return self.sight

    async def of(self, document: Document) -> Sight:
        assert self.sight is not None
        return self.sight


class _Link:
    def __init__(self, rendition: str, grant: Grant) -> None:
        self.rendition, self.grant = rendition, grant


def selector_of(shop: Shop, sight: Sight | None = None) -> Selector:
    return Selector(RENDITIONS, cast(Any, shop), cast(Any, shop), cast(Any, Watcher(sight)))


class Fresh(Shop):
    """One that had to make what it gives."""

    async def ready(self, document: Document, product: Product | None = None) -> Any:
        found = await super().ready(document, product)
        return (found[0], False) if product else found


def told(shop: Shop, name: str, grant: str = "ia", accept: str = BOTH) -> list[str]:
    """The renditions that `first` is told of."""
    specs: list[str] = []
    selector = Selector(
        RENDITIONS,
        cast(Any, shop),
        cast(Any, shop),
        cast(Any, Watcher(SEEN)),
        lambda link, document, rendition: specs.append(rendition.spec),
    )
    request = Request(False, UNCONDITIONAL, b"", accept, 0.0)
    asyncio.run(selector.select(link_to(name, grant), request, document_of("image/jpeg")))
    return specs


def select(
    shop: Shop,
    name: str,
    grant: str = "ia",
    accept: str = BOTH,
    sight: Sight = SEEN,
    size: int = 1_000,
) -> Selection:
    """What is selected; at once and with waiting it is the same."""
    selector = selector_of(shop, sight)
    sniffed = sight.media_type if isinstance(sight, Glance) else "image/jpeg"
    link, document = link_to(name, grant), document_of(sniffed, size)
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
    selector = selector_of(shop)
    request = Request(False, UNCONDITIONAL, b"", "", 0.0)
    for name in ("original", "w640-webp", "auto"):
        assert selector.near(link_to(name, "ia"), request, document_of("image/png")) is None


SCAN = Glance("application/pdf", "scan", {"avif": 30, "webp": 20, "jpeg": 40}, pictured=1, first=90)
TEXT = Glance(
    "application/pdf", "page", {"avif": 30, "webp": 20, "jpeg": 40}, letters=999, first=90
)


@pytest.mark.parametrize(
    ("sight", "shown", "field", "negotiated"),
    [
        (SCAN, "p1-w1280-webp", b"p1-w1280-webp;why=scan", True),
        (TEXT, "linear", b"linear;why=text", False),
        (Unseen("no-picture"), "original", b"original;why=no-picture", False),
        (SEEN, "w1280-avif", b"w1280-avif;why=lighter", True),
    ],
)
def test_auto_is_what_was_chosen_and_says_why(
    sight: Sight, shown: str, field: bytes, negotiated: bool
) -> None:
    shop = Shop(p1_w1280_webp=99, w1280_avif=99)
    selection = select(shop, "auto", sight=sight, size=SMALL)
    assert selection.ready.representation.name == shown
    assert selection.fields == ((b"ostiary-choice", field),)
    assert (selection.negotiated, selection.final) == (negotiated, True)


@pytest.mark.parametrize(
    ("sight", "shown"),
    [(SCAN, "original"), (SEEN, "original"), (replace(SEEN, media_type="image/tiff"), "p1-w1280")],
)
def test_a_choice_that_turns_out_heavier_gives_way_to_the_original(
    sight: Glance, shown: str
) -> None:
    heavy = {f"{page}w1280_{form}": SMALL for page in ("", "p1_") for form in ("avif", "webp")}
    selection = select(Shop(**heavy), "auto", "ix-auto", sight=sight, size=SMALL)
    assert selection.ready.representation.name.startswith(shown)
    [(_, field)] = selection.fields
    assert field.startswith(shown.encode())
    assert field.endswith(b"light") is (shown == "original")


@pytest.mark.parametrize("final", [True, False])
def test_what_was_not_seen_for_now_is_not_final(final: bool) -> None:
    assert select(Shop(), "auto", sight=Unseen("timeout", final=final)).final is final


def test_a_choice_that_can_not_be_made_gives_way_to_the_original() -> None:
    class Broken(Shop):
        async def ready(self, document: Document, product: Product | None = None) -> Any:
            if product is not None:
                raise BrokenSource("timeout")
            return await super().ready(document)

    request = Request(False, UNCONDITIONAL, b"", BOTH, 0.0)
    document, selector = document_of("application/pdf"), selector_of(Broken(), SCAN)
    selection = asyncio.run(selector.select(link_to("auto", "ia"), request, document))
    assert selection.fields == ((b"ostiary-choice", b"original;why=timeout"),)
    assert (selection.ready.representation.name, selection.final) == ("original", False)
    with pytest.raises(BrokenSource):
        asyncio.run(selector.select(link_to("p1-w1280", "ia"), request, document))


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


def _paper(size: tuple[int, int], noise: float) -> bytes:
    return file_of(Image.effect_noise(size, noise), "JPEG", quality=95)


@pytest.fixture(scope="module")
def shelf(gallery: Any) -> Any:
    """One document of each way to be seen first."""
    lines = [Line(50, 800 - 12 * row, "a letter of many lines " * 4) for row in range(60)]
    gallery.put("text.pdf", text_pdf([TextPage(lines)] * 20))
    gallery.put("scans.pdf", scanned_pdf([Scan(_paper((1_700, 2_200), 12), 1_700, 2_200)] * 6))
    gallery.put("photo.jpg", _paper((2_000, 1_600), 60))
    gallery.put("fax.tif", file_of(Image.effect_noise((600, 800), 60), "TIFF"))
    return gallery


@pytest.mark.parametrize(
    ("key", "choice", "media_type"),
    [
        ("text.pdf", "linear;why=text", "application/pdf"),
        ("scans.pdf", "p1-w1280-", "image/"),
        ("photo.jpg", "w1280-avif;why=lighter", "image/avif"),
        ("fax.tif", "p1-w1280-", "image/"),
        ("picture.jpg", "original;why=small", "image/jpeg"),
        ("note.txt", "original;why=no-picture", "text/plain; charset=utf-8"),
        ("broken.jpg", "original;why=small", "image/jpeg"),
    ],
)
def test_each_document_has_its_best_first_view(
    shelf: Any, key: str, choice: str, media_type: str
) -> None:
    first = shelf.get(shelf.link(key, "auto"), {"Accept": BOTH})
    again = shelf.get(shelf.link(key, "auto"), {"Accept": BOTH})
    assert first.headers["ostiary-choice"].startswith(choice)
    assert first.headers["content-type"].startswith(media_type)
    assert first.content == again.content
    named = first.headers["ostiary-choice"].partition(";")[0]
    same = shelf.get(shelf.link(key, named))
    assert (same.content, same.headers["etag"]) == (first.content, first.headers["etag"])
    picture = named not in ("original", "linear")
    assert ("vary" in first.headers) is picture
    assert first.headers["cdn-cache-control"].startswith("max-age=") is not picture
    if key == "scans.pdf":
        assert first.headers["ostiary-choice"].endswith(";why=scan")
        assert len(first.content) < 0.05 * len(shelf.get(shelf.link(key)).content)


def test_auto_answers_ranges_and_validators_as_what_it_ends_in(shelf: Any) -> None:
    url = shelf.link("text.pdf", "auto")
    whole = shelf.get(url)
    part = shelf.get(url, {"Range": "bytes=0-99", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[:100])
    assert part.headers["ostiary-choice"] == "linear;why=text"
    unchanged = shelf.get(url, {"If-None-Match": whole.headers["etag"]})
    assert unchanged.status_code == 304


def test_auto_is_opened_by_grants_that_open_the_original_with_all_of_it(shelf: Any) -> None:
    for grant, status in (("all", 200), ("x-auto", 200), ("previews", 403), ("original", 403)):
        answer = shelf.get(shelf.link("note.txt", "auto", grant=grant))
        assert answer.status_code == status, grant


def test_what_had_to_be_made_and_was_the_one_to_be_had_is_told() -> None:
    shop = Fresh(w640_avif=999, w640_jpeg=999)
    assert told(shop, "w640") == ["w640-avif"]
    assert told(shop, "w640-jpeg") == ["w640-jpeg"]


def test_what_was_there_is_not_told() -> None:
    assert told(Shop(w640_avif=999), "w640") == []


@pytest.mark.parametrize("grant", ["ia", "ip"])
def test_what_took_anothers_place_is_not_told(grant: str) -> None:
    assert told(Fresh(w640_avif=1_000, w640_webp=400), "w640", grant) == []
    assert told(Fresh(w640_avif=2_000), "w640", grant) == []


@pytest.mark.parametrize("name", ["auto", "original", "linear", "w641-webp", "full-origin"])
def test_what_is_not_declared_or_no_rendition_is_not_told(name: str) -> None:
    assert told(Fresh(w641_webp=10, full_jpeg=10), name) == []
