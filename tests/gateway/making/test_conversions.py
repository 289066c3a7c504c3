"""Linearised copies and the text of pages, asked of a whole gateway."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pikepdf
import pytest

from gateway.originals import SMALL
from gateway.samples.pdf import Line, Scan, TextPage, scanned_pdf, text_pdf
from imaging.pdf.linear import HEAD, linearised

LETTER = text_pdf([TextPage([Line(50, 700, "Befund"), Line(50, 680, "<b>ohne</b>")]), TextPage([])])


def scans(pages: int, octets: int) -> bytes:
    """Pages of noise: nothing makes them smaller."""
    return scanned_pdf([Scan(random.Random(n).randbytes(octets), 99, 99) for n in range(pages)])


LARGE = scans(8, SMALL // 5)
MEDIUM = scans(8, 20_000)


@pytest.fixture(scope="module")
def archive(gallery: Any) -> Any:
    gallery.put("a/letter.pdf", LETTER)
    gallery.put("a/large.pdf", LARGE)
    gallery.put("a/medium.pdf", MEDIUM)
    return gallery


def linear(door: Any, key: str, **headers: str) -> Any:
    return door.get(door.link(key, "linear"), headers)


@pytest.mark.parametrize(("key", "source"), [("a/large.pdf", LARGE), ("a/medium.pdf", MEDIUM)])
def test_a_document_is_given_linearised(archive: Any, key: str, source: bytes) -> None:
    answer = linear(archive, key)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["accept-ranges"] == "bytes"
    assert key.split("/")[1] in answer.headers["content-disposition"]
    assert linearised(answer.content[:HEAD], len(answer.content))
    assert len(answer.content) <= 1.02 * len(source)
    with pikepdf.open(BytesIO(answer.content)) as copy:
        assert copy.check_linearization()
        assert len(copy.pages) == 8
    original = archive.get(archive.link(key))
    assert original.content == source
    assert original.headers["etag"] != answer.headers["etag"]
    for name in ("content-security-policy", "x-content-type-options", "cache-control"):
        assert answer.headers.get(name) == original.headers.get(name), name


@pytest.mark.parametrize("key", ["a/large.pdf", "a/medium.pdf"])
def test_parts_of_the_copy_are_parts_of_it(archive: Any, key: str) -> None:
    whole = linear(archive, key)
    size, etag = len(whole.content), whole.headers["etag"]
    for first, last in ((0, 0), (0, 65_535), (size // 2, size // 2 + 99_999), (size - 9, size - 1)):
        part = linear(archive, key, Range=f"bytes={first}-{last}", **{"If-Range": etag})
        last = min(last, size - 1)
        assert (part.status_code, part.headers["etag"]) == (206, etag)
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.content == whole.content[first : last + 1]
    several = linear(archive, key, Range="bytes=0-9,100-109")
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert whole.content[:10] in several.content
    assert whole.content[100:110] in several.content
    assert linear(archive, key, Range=f"bytes={size}-").status_code == 416
    assert linear(archive, key, **{"If-None-Match": etag}).status_code == 304


def test_page_one_is_in_front(archive: Any) -> None:
    first = random.Random(0).randbytes(SMALL // 5)
    front = linear(archive, "a/large.pdf", Range=f"bytes=0-{len(LARGE) // 4}")
    assert first in front.content


def test_a_head_tells_the_size(archive: Any) -> None:
    answer = archive.ask("HEAD", archive.link("a/large.pdf", "linear"))
    assert answer.content == b""
    size = len(linear(archive, "a/large.pdf").content)
    assert answer.headers["content-length"] == str(size)


def test_what_would_grow_is_given_as_it_is_at_its_own_etag(archive: Any) -> None:
    answer = linear(archive, "a/letter.pdf")
    assert answer.content == LETTER
    original = archive.get(archive.link("a/letter.pdf"))
    assert original.headers["etag"] != answer.headers["etag"]
    part = linear(archive, "a/letter.pdf", Range="bytes=3-9")
    assert part.content == LETTER[3:10]


def test_what_is_linearised_costs_no_job(open_door: Callable[..., Any], archive: Any) -> None:
    copies = {key: linear(archive, key).content for key in ("a/large.pdf", "a/medium.pdf")}
    door = open_door()
    door.parts.pool.convert = None
    for key, body in copies.items():
        door.put(key, body)
        answer = linear(door, key)
        assert answer.content == body
        assert linear(door, key, Range="bytes=5-9").content == body[5:10]
        assert answer.headers["etag"] != door.get(door.link(key)).headers["etag"]


def test_a_hundred_cold_requests_are_one_job(open_door: Callable[..., Any]) -> None:
    door = open_door(renders=True, renditions={"workers": 1})
    door.put("large.pdf", LARGE)
    url = door.link("large.pdf", "linear")
    pool, jobs = door.parts.pool, []
    convert = pool.convert

    async def counted(source: bytes, conversion: Any) -> Any:
        jobs.append(conversion)
        return await convert(source, conversion)

    pool.convert = counted

    async def ask() -> set[tuple[int, str, bytes]]:
        ranges = {"Range": "bytes=0-99999"}
        answers = await asyncio.gather(*(door.client.get(url, headers=ranges) for _ in range(100)))
        return {(one.status_code, one.headers["etag"], one.content) for one in answers}

    [(status, _, part)] = door.run(ask())
    assert (status, len(part), len(jobs)) == (206, 100_000, 1)


@pytest.mark.parametrize("encryption", [{"user": "u", "owner": "o"}, {"user": "", "owner": "o"}])
def test_a_locked_document_has_no_copy_but_its_original(
    gallery: Any, encryption: dict[str, str]
) -> None:
    out = BytesIO()
    with pikepdf.open(BytesIO(MEDIUM)) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(**encryption))
    key = f"locked{len(encryption['user'])}.pdf"
    gallery.put(key, out.getvalue())
    answer = linear(gallery, key)
    assert (answer.status_code, answer.json()["detail"]) == (422, "Reason: encrypted.")
    assert answer.headers["cache-control"] == "no-store"
    assert gallery.get(gallery.link(key)).content == out.getvalue()


def test_a_broken_document_has_no_copy_but_its_original(gallery: Any) -> None:
    gallery.put("torn.pdf", b"%PDF-1.4\nnothing")
    for name in ("linear", "p1-text"):
        answer = gallery.get(gallery.link("torn.pdf", name))
        assert (answer.status_code, answer.json()["detail"]) == (422, "Reason: damaged.")
    assert gallery.get(gallery.link("torn.pdf")).content == b"%PDF-1.4\nnothing"


def test_the_text_of_a_page_is_plain_text(archive: Any) -> None:
    answer = archive.get(archive.link("a/letter.pdf", "p1-text"))
    assert answer.status_code == 200
    assert answer.text == "Befund\n<b>ohne</b>"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert 'filename="letter p1.txt"' in answer.headers["content-disposition"]
    assert archive.get(archive.link("a/letter.pdf", "p1-text"), {"Range": "bytes=0-5"}).text == (
        "Befund"
    )


def test_a_page_without_text_is_empty_and_one_past_the_end_missing(archive: Any) -> None:
    for _ in range(2):
        answer = archive.get(archive.link("a/letter.pdf", "p2-text"))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == "0"
    assert archive.get(archive.link("a/letter.pdf", "p3-text")).status_code == 404


@pytest.mark.parametrize("key", ["scan.tif", "picture.jpg", "note.txt"])
def test_what_is_no_pdf_has_neither(gallery: Any, key: str) -> None:
    for name, reason in (("p1-text", "no-text"), ("linear", "unsupported")):
        answer = gallery.get(gallery.link(key, name))
        assert (answer.status_code, answer.json()["detail"]) == (422, f"Reason: {reason}.")


@pytest.mark.parametrize("name", ["linear", "p1-text", "p2-text"])
def test_previews_and_other_grants_never_open_what_carries_the_document(
    archive: Any, name: str
) -> None:
    for grant in ("previews", "original", "x-w160-jpeg", "x-p3-text"):
        answer = archive.get(archive.link("a/letter.pdf", name, grant=grant))
        assert (answer.status_code, answer.json()["code"]) == (403, "rendition.refused"), grant
    [only] = archive.issue("a/letter.pdf", grant=f"x-{name}")
    assert archive.get(only["url"]).status_code == 200
    assert (only["renditions"], only["picture"], only["srcset"]) == ([name], "", "")


def test_links_name_what_they_open(archive: Any) -> None:
    [everything] = archive.issue("a/letter.pdf")
    assert everything["renditions"][-2:] == ["linear", "p1-text"]
    [previews] = archive.issue("a/letter.pdf", grant="previews")
    assert not {"linear", "p1-text", "original"} & set(previews["renditions"])
    [scan] = archive.issue("scan.tif")
    assert not {"linear", "p1-text"} & set(scan["renditions"])
