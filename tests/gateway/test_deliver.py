"""Delivery through the whole gateway: renditions, cache fields, and what refuses a link."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.deliveries import Request
from gateway.stores import Body, StoredObject
from gateway.stores.memory import MemoryStore
from gateway.wire.preconditions import Preconditions
from signing.grants import Grant
from signing.links import LinkRequest

AVIF = {"Accept": "image/avif,image/webp,*/*;q=0.8"}


def _shared(answer: Any) -> bool:
    return bool(answer.headers["cdn-cache-control"].startswith("max-age="))


def test_an_automatic_format_follows_accept_and_is_for_browsers_alone(gallery: Any) -> None:
    url = gallery.link("picture.jpg", "w160")
    webp = gallery.get(url, {"Accept": "image/webp"})
    jpeg = gallery.get(url)
    assert (webp.status_code, jpeg.status_code) == (200, 200)
    assert webp.headers["content-type"] == "image/webp"
    assert jpeg.headers["content-type"] == "image/jpeg"
    assert webp.headers["etag"] != jpeg.headers["etag"]
    for answer in (webp, jpeg):
        assert answer.headers["vary"] == "Accept"
        assert not _shared(answer)
        assert "cache-tag" not in answer.headers


def test_an_explicit_format_is_one_answer_for_everybody(gallery: Any) -> None:
    url = gallery.link("picture.jpg", "w160-webp")
    first, second = gallery.get(url), gallery.get(url, AVIF)
    assert first.content == second.content
    assert "vary" not in second.headers
    assert _shared(second)
    assert second.headers["cache-status"] == "ostiary; hit"
    with Image.open(BytesIO(second.content)) as image:
        assert (image.format, image.width) == ("WEBP", 160)
    assert second.headers["content-disposition"] == 'inline; filename="picture w160.webp"'


def test_a_rendition_has_its_own_validators_and_ranges(gallery: Any) -> None:
    url = gallery.link("picture.jpg", "w160-jpeg")
    whole = gallery.get(url)
    assert gallery.get(url, {"If-None-Match": whole.headers["etag"]}).status_code == 304
    part = gallery.get(url, {"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    original = gallery.get(gallery.link("picture.jpg"))
    assert original.headers["etag"] != whole.headers["etag"]


def test_a_preset_is_cut_as_it_is_declared(gallery: Any) -> None:
    answer = gallery.get(gallery.link("picture.jpg", "thumb-jpeg"))
    with Image.open(BytesIO(answer.content)) as image:
        assert image.size == (160, 160)


@pytest.mark.parametrize(("key", "name"), [("scan.tif", "p2-w160-png"), ("letter.pdf", "p2-w160")])
def test_a_page_is_a_picture(gallery: Any, key: str, name: str) -> None:
    first = gallery.get(gallery.link(key, name.replace("p2", "p1")))
    second = gallery.get(gallery.link(key, name))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["content-type"].startswith("image/")
    assert first.content != second.content, "each page has a colour of its own"


def test_a_page_past_the_end_is_a_constant_404(gallery: Any) -> None:
    link = gallery.link("scan.tif", "p9-w160-jpeg")
    first, second = gallery.get(link), gallery.get(link, {"Accept": "text/html"})
    assert (first.status_code, second.status_code) == (404, 404)
    assert first.content == second.content
    assert "x-request-id" not in first.headers
    assert gallery.issue_tag("scan.tif") in first.headers["cache-tag"].split(",")


def test_a_broken_picture_says_why_and_still_delivers_its_original(gallery: Any) -> None:
    for _ in range(2):
        answer = gallery.get(gallery.link("broken.jpg", "w160-jpeg"))
        assert (answer.status_code, answer.json()["code"]) == (422, "document.broken")
        assert answer.json()["detail"].startswith("Reason: ")
        assert answer.headers["cache-control"] == "no-store"
    assert gallery.get(gallery.link("broken.jpg")).status_code == 200


def test_what_is_no_picture_has_no_renditions(gallery: Any) -> None:
    answer = gallery.get(gallery.link("note.txt", "w160-jpeg"))
    assert (answer.status_code, answer.json()["detail"]) == (422, "Reason: unsupported.")


@pytest.mark.parametrize(
    ("grant", "allowed", "refused"),
    [
        ("original", ["original"], ["w160-jpeg", "w160", "p1-w160", "thumb", "auto", "linear"]),
        ("previews", ["w160-jpeg", "thumb"], ["original", "linear", "p1-text", "auto", "w161"]),
        ("x-w333-q50-jpeg", ["w333-q50-jpeg"], ["original", "w160-jpeg", "w333-jpeg", "w333"]),
        ("all", ["original", "w160-jpeg", "auto"], ["w161", "w333-jpeg", "nosuch"]),
        ("x-auto", ["auto"], ["original", "w160-jpeg", "w1280-jpeg"]),
    ],
)
def test_a_grant_opens_its_renditions_and_no_other(
    gallery: Any, grant: str, allowed: list[str], refused: list[str]
) -> None:
    for name in allowed:
        assert gallery.get(gallery.link("picture.jpg", name, grant=grant)).status_code == 200, name
    for name in refused:
        answer = gallery.get(gallery.link("picture.jpg", name, grant=grant))
        assert (answer.status_code, answer.json()["code"]) == (403, "rendition.refused"), name
        assert answer.headers["cache-control"] == "no-store"


class Counting(MemoryStore):
    """Counts whatever is asked of it."""

    asked = 0

    async def head(self, bucket: str, key: str) -> StoredObject:
        self.asked += 1
        return await super().head(bucket, key)

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        self.asked += 1
        return await super().open(bucket, key, first=first, last=last, identity=identity)


def _counting(door: Any) -> Counting:
    store = Counting()
    door.parts.stores["main"] = store
    return store


def _signed(door: Any, key: str = "a.jpg", rendition: str = "original", **wishes: Any) -> str:
    """A link made without the API, which would look at the document."""
    wishes = {"grant": Grant.parse("ia"), **wishes}
    request = LinkRequest("clinic", wishes.pop("bucket", "documents"), key, **wishes)
    return str(door.parts.rules.signer.issue(request, int(time.time())).for_rendition(rendition))


@pytest.mark.parametrize("name", ["nosuch", "w161", "p1-auto", "auto-webp"])
def test_an_unknown_name_is_refused_before_any_work(door: Any, name: str) -> None:
    store = _counting(door)
    store.put("documents", "a.jpg", b"x")
    assert door.get(_signed(door, rendition=name)).status_code == 403
    assert store.asked == 0


def test_a_document_bound_elsewhere_is_451_with_nothing_read(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(server={"region": "us"}, clinic={"home": "eu"})
    store = _counting(door)
    answer = door.get(_signed(door), {"Accept": "application/json"})
    assert (answer.status_code, store.asked) == (451, 0)
    assert answer.headers["cache-control"] == "no-store"
    [refused] = door.issue("a.jpg")
    assert refused["error"]["status"] == 451
    assert store.asked == 0


def test_an_allowed_region_serves(open_door: Callable[..., Any]) -> None:
    door = open_door(server={"region": "us"}, clinic={"home": "eu", "allowed": ["us"]})
    door.put("a.jpg", b"x")
    assert door.get(_signed(door)).status_code == 200


def test_a_bucket_that_is_no_longer_configured_is_404(door: Any) -> None:
    store = _counting(door)
    store.put("gone", "a.jpg", b"x")
    answer = door.get(_signed(door, bucket="gone"))
    assert (answer.status_code, store.asked) == (404, 0)


def test_a_pinned_link_serves_its_version_and_then_none(door: Any) -> None:
    door.put("a.txt", b"one")
    url = door.link("a.txt", pinned=True)
    answer = door.get(url)
    assert answer.content == b"one"
    assert "immutable" in answer.headers["cache-control"]
    door.put("a.txt", b"another")
    door.parts.catalogue.forget_all()
    for _ in range(2):
        answer = door.get(url)
        assert (answer.status_code, answer.json()["code"]) == (410, "version.superseded")
        assert answer.headers["cache-control"] == "no-store"


def test_a_pinned_link_newer_than_what_is_remembered_is_served(door: Any) -> None:
    door.put("a.txt", b"one")
    assert door.get(door.link("a.txt")).content == b"one"
    door.put("a.txt", b"another")
    version = door.run(_version_elsewhere(door))
    url = _signed(door, "a.txt", version=version)
    assert door.get(url).content == b"another"


async def _version_elsewhere(door: Any) -> str:
    from gateway.catalogue import describe
    from gateway.documents import DocumentRef

    stored = await door.store.head("documents", "a.txt")
    return describe(DocumentRef("clinic", "documents", "a.txt"), stored, "memory", b"").version


def test_a_link_of_a_generation_not_yet_known_anywhere_is_refused(door: Any) -> None:
    door.put("a.jpg", b"x")
    answer = door.get(_signed(door, generation=5))
    assert (answer.status_code, answer.json()["code"]) == (403, "link.refused")


@pytest.mark.parametrize(
    ("cache", "browser", "shared", "tagged"),
    [
        ("private", "private, max-age=60, no-transform", "no-store", False),
        ("windowed", "private, max-age=300, no-transform", "max-age=", True),
        ("revalidate", "private, no-cache, no-transform", "no-cache", True),
    ],
)
def test_each_cache_mode_has_its_fields(
    open_door: Callable[..., Any], cache: str, browser: str, shared: str, tagged: bool
) -> None:
    door = open_door(clinic={"cache": cache})
    door.put("a.txt", b"a")
    url = door.link("a.txt")
    etag = door.get(url).headers["etag"]
    for headers in ({}, {"If-None-Match": etag}, {"Range": "bytes=0-0"}):
        fields = door.get(url, headers).headers
        assert fields["cache-control"] == browser
        assert fields["cdn-cache-control"].startswith(shared)
        assert ("cache-tag" in fields) is tagged
    absent = door.get(_signed(door, "nothing")).headers
    kept = cache == "windowed"
    assert absent["cache-control"] == ("private, no-cache, no-transform" if kept else "no-store")


def _times(fields: Any) -> dict[str, int]:
    told = dict(fields)[b"cdn-cache-control"].decode()
    pairs = (part.strip().partition("=") for part in told.split(",") if "=" in part)
    return {name: int(value) for name, _, value in pairs}


@settings(max_examples=60, deadline=None)
@given(
    asked=st.integers(1, 86_400),
    later=st.floats(0, 1, exclude_max=True),
    head=st.booleans(),
    part=st.booleans(),
    key=st.sampled_from(["note.txt", "nothing"]),
)
def test_nothing_shared_outlives_the_link_that_let_it_in(
    gallery: Any, asked: int, later: float, head: bool, part: bool, key: str
) -> None:
    parts, issued = gallery.parts, 1_800_000_000
    request = LinkRequest("clinic", "documents", key, Grant.parse("ia"), expires_in=asked)
    link = parts.rules.signer.issue(request, issued)
    now = min(issued + later * (link.expires_at - issued), link.expires_at - 0.001)
    asking = Request(head, Preconditions(), b"bytes=0-0" if part else b"", "", now)
    if key == "nothing":
        fields = parts.deliverer.absent(link, now)
    else:
        # What it takes to answer takes no time here.
        parts.deliverer._clock = lambda: now
        try:
            fields = gallery.run(parts.deliverer.deliver(link, asking)).fields
        finally:
            parts.deliverer._clock = time.time
    room = link.expires_at - int(now) - 30
    if room <= 0:
        assert b"max-age" not in dict(fields).get(b"cdn-cache-control", b"no-store")
    else:
        times = _times(fields)
        stale = max(times.get("stale-while-revalidate", 0), times.get("stale-if-error", 0))
        assert 0 < times["max-age"] + stale <= room
    browser = dict(fields)[b"cache-control"].decode()
    if "max-age=" in browser:
        assert int(browser.split("max-age=")[1].split(",")[0]) <= link.expires_at - int(now)
