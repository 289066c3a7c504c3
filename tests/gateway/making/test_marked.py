"""Marked renditions through the whole gateway: granted exactly, kept by nobody, or not made."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from gateway.deliveries import Request
from gateway.errors import ViewerUnknown
from gateway.wire.preconditions import UNCONDITIONAL
from imaging.marking.viewers import NOBODY, Viewer
from signing.grants import Grant
from signing.links import Link, LinkRequest

UNKEPT = "private, no-store, no-transform"
DRAFT = "w160-mdraft-webp"
MARKS = {
    "draft": {"text": "Draft"},
    "day": {"text": "Seen on {date}"},
    "who": {"text": "For {viewer}"},
}
ANNA, BEN = Viewer("u-1", "Анна"), Viewer("u-2", "Ben")


def picture() -> bytes:
    out = BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((400, 300)).save(out, "JPEG")
    return out.getvalue()


def undecodable() -> bytes:
    """A WebP that is whole by its structure, with nothing in it that a decoder could read."""
    body = b"\x2f" + struct.pack("<I", 39 | 19 << 14 | 1 << 28) + b"\xff" * 59
    packed = b"WEBPVP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(packed)) + packed


@pytest.fixture
def studio(open_door: Callable[..., Any]) -> Callable[..., Any]:
    """A gateway with a picture and the marks, or others, and a zone as it is told."""

    def opened(marks: dict[str, Any] = MARKS, *, renders: bool = True, **tables: Any) -> Any:
        renditions = {"marks": marks, "workers": 1, "improve": False}
        door = open_door(renders=renders, renditions=renditions, **tables)
        door.put("a.jpg", picture())
        return door

    return opened


def by_hand(door: Any, name: str) -> Link:
    """A link that no issuer of this gateway would give."""
    request = LinkRequest("clinic", "documents", "a.jpg", Grant.parse(f"ix-{name}"))
    link = door.parts.rules.signer.issue(request, int(time.time()))
    assert isinstance(link, Link)
    return link


def seen_by(door: Any, name: str, viewer: Viewer, now: float = 0.0) -> Any:
    request = Request(False, UNCONDITIONAL, b"", "", now or time.time(), viewer)
    return door.run(door.parts.deliverer.deliver(by_hand(door, name), request))


def fields_of(delivery: Any) -> dict[bytes, bytes]:
    return dict([*delivery.head.fields, *delivery.fields])


@pytest.mark.parametrize(
    ("mode", "provider"), [("private", ""), ("windowed", "varnish"), ("revalidate", "null")]
)
def test_nobody_may_keep_a_marked_answer(studio: Any, mode: str, provider: str) -> None:
    cdn = {"provider": provider, "url": "http://127.0.0.1:9", "secret": "hush"}
    door = studio(clinic={"cache": mode}, **({"cdn": {"edge": cdn}} if provider else {}))
    url = door.link("a.jpg", DRAFT, grant=f"x-{DRAFT}")
    whole = door.get(url)
    answers = [
        whole,
        door.get(url),
        door.get(url, {"If-None-Match": whole.headers["etag"]}),
        door.get(url, {"Range": "bytes=0-9"}),
        door.get(url, {"Range": "bytes=0-9,20-29"}),
        door.ask("HEAD", url),
        door.get(door.link("a.jpg", "w160-mdraft", grant="x-w160-mdraft")),
        door.get(door.link("a.jpg", DRAFT, grant=f"x-{DRAFT}", pinned=True)),
    ]
    assert [one.status_code for one in answers] == [200, 200, 304, 206, 206, 200, 200, 200]
    for answer in answers:
        assert answer.headers["cache-control"] == UNKEPT
        for name in ("cdn-cache-control", "surrogate-control"):
            assert answer.headers.get(name, "no-store") == "no-store"
        for name in ("cache-tag", "xkey", "surrogate-key", "expires", "age"):
            assert name not in answer.headers
    assert (provider == "varnish") == ("surrogate-control" in whole.headers)
    past = door.get(url, {"Range": "bytes=9999999-"})
    assert (past.status_code, past.headers["cache-control"]) == (416, "no-store")


def test_the_mark_is_in_the_picture_and_in_its_name(studio: Any) -> None:
    door = studio()
    plain = door.get(door.link("a.jpg", "w160-webp"))
    marked = door.get(door.link("a.jpg", DRAFT, grant=f"x-{DRAFT}"))
    one, other = (Image.open(BytesIO(body.content)).convert("RGB") for body in (plain, marked))
    assert ImageChops.difference(one, other).getbbox()
    assert marked.headers["content-disposition"] == 'inline; filename="a w160-mdraft.webp"'
    assert marked.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize(
    "grant", ["all", "previews", "original", "x-w160-webp", "x-w160-mday-webp"]
)
def test_no_other_grant_opens_a_marked_name(studio: Any, grant: str) -> None:
    door = studio(renders=False)
    answer = door.get(door.link("a.jpg", DRAFT, grant=grant))
    assert (answer.status_code, answer.json()["code"]) == (403, "rendition.refused")


def test_the_grant_of_a_marked_name_opens_no_other(studio: Any) -> None:
    door = studio(renders=False)
    for name in ("original", "w160-webp", "w160-mday-webp", "w160-mdraft-avif"):
        assert door.get(door.link("a.jpg", name, grant=f"x-{DRAFT}")).status_code == 403


def test_a_mark_that_is_not_declared_is_refused_with_the_nearest(studio: Any) -> None:
    (refused,) = studio(renders=False).issue("a.jpg", grant="x-w160-mdarft")
    assert refused["error"]["code"] == "rendition.refused"
    assert "w160-mdraft" in refused["error"]["hint"]


def test_no_link_is_given_for_a_mark_that_names_its_viewer(studio: Any) -> None:
    door = studio(renders=False)
    first, second = door.issue("a.jpg", "a.jpg", grant="x-w160-mwho")
    for refused in (first, second):
        assert refused["error"]["code"] == "viewer.unknown"
        assert "mark" in refused["error"]["hint"]
    answer = door.get(by_hand(door, "w160-mwho").target)
    assert (answer.status_code, answer.json()["code"]) == (403, "viewer.unknown")
    assert answer.headers["cache-control"] == "no-store"


def test_each_viewer_has_a_picture_of_their_own_and_none_is_on_disk(studio: Any) -> None:
    door = studio()
    files = {path for path in _files(door) if path.stat().st_size}
    anna, ben, again = (seen_by(door, "w160-mwho-png", who) for who in (ANNA, BEN, ANNA))
    assert anna.body != ben.body
    assert anna.body == again.body
    assert (anna.level, again.level) == ("miss", "disk"), "found, in memory"
    etags = [fields_of(one)[b"etag"] for one in (anna, ben, again)]
    assert etags[0] == etags[2] != etags[1]
    assert fields_of(again)[b"cache-control"] == UNKEPT.encode()
    kept = b"".join(path.read_bytes() for path in set(_files(door)) - files)
    assert bytes(anna.body)[-64:] not in kept
    assert bytes(ben.body)[-64:] not in kept


def test_a_fixed_mark_is_kept_on_disk_for_all(studio: Any) -> None:
    door = studio()
    body = door.get(door.link("a.jpg", DRAFT, grant=f"x-{DRAFT}")).content
    assert any(body[-64:] in path.read_bytes() for path in _files(door))


def _files(door: Any) -> list[Path]:
    data = Path(door.parts.settings.server.data)
    return [path for path in (data / "cache").rglob("*") if path.is_file()]


def test_a_date_is_that_of_the_request(studio: Any) -> None:
    door = studio()
    today = time.time()
    one, same, later = (
        seen_by(door, "w160-mday-png", NOBODY, now) for now in (today, today, today + 86_400)
    )
    assert one.body == same.body != later.body


def test_another_text_under_the_same_name_never_shows_the_old_one(studio: Any) -> None:
    answers = []
    for text in ("Draft", "Final", "Draft"):
        door = studio({"draft": {"text": text}})
        answers.append(door.get(door.link("a.jpg", DRAFT, grant=f"x-{DRAFT}")))
    first, second, third = answers
    assert first.headers["etag"] == third.headers["etag"] != second.headers["etag"]
    assert first.content == third.content != second.content


def test_a_logo_that_can_not_be_decoded_is_the_installations_fault(
    studio: Any, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.webp"
    logo.write_bytes(undecodable())
    door = studio({"logo": {"image": str(logo)}})
    answer = door.get(door.link("a.jpg", "w160-mlogo-webp", grant="x-w160-mlogo-webp"))
    assert (answer.status_code, answer.json()["code"]) == (500, "mark.broken")
    assert answer.json()["detail"] == "Reason: image."
    assert answer.headers["cache-control"] == "no-store"
    # The document is not poisoned by it.
    assert door.get(door.link("a.jpg", "w160-webp")).status_code == 200


def test_a_mark_that_names_a_viewer_is_unknown_even_where_memory_could_answer(studio: Any) -> None:
    door = studio()
    seen_by(door, "w160-mwho-png", ANNA)
    with pytest.raises(ViewerUnknown):
        seen_by(door, "w160-mwho-png", NOBODY)


def test_no_original_stands_for_a_marked_rendition(studio: Any) -> None:
    door = studio()
    small = BytesIO()
    Image.new("L", (64, 64), 200).save(small, "WEBP")
    door.put("small.webp", small.getvalue())
    marked = door.get(door.link("small.webp", "w160-mdraft-webp", grant="x-w160-mdraft-webp"))
    assert marked.status_code == 200
    assert marked.headers["ostiary-weight"].startswith("heavier;")
    assert marked.content != small.getvalue()
