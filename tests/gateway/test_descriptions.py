"""What a document is, told to operators and to users of the project whom its policies let."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pikepdf
import pytest
from PIL import Image

from gateway.catalogue import SMALL
from gateway.making.measure import HEAD
from gateway.originals import KEPT
from gateway.samples.pdf import TextPage, text_pdf
from gateway.stores.memory import MemoryStore
from tests.contract.pairs import REPORT, SCAN, Pair
from tests.contract.server import USER_A

OPERATOR = {"Authorization": "Bearer operator-token"}
LETTER = text_pdf([TextPage([]), TextPage([])])
A4 = [595.28, 841.89]


def asked(door: Any, key: str, fields: dict[str, str] = OPERATOR, **options: Any) -> Any:
    where = f"{options.get('zone', 'clinic')}/{options.get('bucket', 'documents')}/{quote(key)}"
    return door.ask(options.get("method", "GET"), f"/v1/documents/{where}", headers=fields)


def described(door: Any, key: str) -> dict[str, Any]:
    answer = asked(door, key)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert isinstance(told, dict)
    return told


def locked() -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(LETTER)) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user="u", owner="o"))
    return out.getvalue()


def test_a_document_is_told_whole(gallery: Any) -> None:
    gallery.put("letters/a b.pdf", LETTER)
    told = described(gallery, "letters/a b.pdf")
    [link] = gallery.issue("letters/a b.pdf")
    original = gallery.get(link["url"])
    assert told["document"] == link["document"]
    assert told["id"] == link["id"]
    assert f'"{told["etag"]}"' == original.headers["etag"]
    assert (told["media_type"], told["size"]) == ("application/pdf", len(LETTER))
    assert (told["width"], told["height"], told["pages"]) == (None, None, 2)
    assert told["page_sizes"] == [pytest.approx(A4, abs=0.01)] * 2
    assert told["renditions"] == link["renditions"]
    assert told["auto"]["rendition"] in told["auto"]["octets"]
    assert told["auto"]["octets"]["original"] == len(LETTER)
    assert told["broken"] is None
    assert 18 <= len(b64decode(told["thumbhash"], validate=True)) <= 25
    [pinned] = gallery.issue("letters/a b.pdf", pinned=True)
    assert told["version"] == pinned["version"]


@pytest.mark.parametrize(
    ("key", "size", "pages", "sizes"),
    [
        ("picture.jpg", (800, 600), None, []),
        ("scan.tif", (800, 600), 3, [[800, 600]] * 3),
        ("note.txt", (None, None), None, []),
    ],
)
def test_what_is_told_depends_on_the_kind(
    gallery: Any, key: str, size: tuple[int, int], pages: int, sizes: list[list[int]]
) -> None:
    told = described(gallery, key)
    assert (told["width"], told["height"]) == size
    assert (told["pages"], told["page_sizes"], told["broken"]) == (pages, sizes, None)


@pytest.mark.parametrize("key", ["picture.jpg", "scan.tif"])
def test_a_placeholder_is_made_by_asking_and_stays(gallery: Any, draw: Any, key: str) -> None:
    gallery.put(f"new-{key}", draw("TIFF" if key == "scan.tif" else "JPEG", 1))
    assert gallery.issue(f"new-{key}")[0]["thumbhash"] is None
    told = described(gallery, f"new-{key}")["thumbhash"]
    assert told
    assert gallery.issue(f"new-{key}")[0]["thumbhash"] == told
    assert described(gallery, f"new-{key}")["thumbhash"] == told


def test_a_size_behind_a_cameras_notes_is_found(gallery: Any) -> None:
    out = BytesIO()
    Image.new("RGB", (300, 200)).save(out, "JPEG", icc_profile=bytes(HEAD + 1))
    gallery.put("notes.jpg", out.getvalue())
    [link] = gallery.issue("notes.jpg")
    assert (link["width"], link["height"]) == (300, 200)
    assert described(gallery, "notes.jpg")["broken"] is None


def test_what_has_no_picture_has_no_placeholder(gallery: Any) -> None:
    for key in ("note.txt", "broken.jpg"):
        assert described(gallery, key)["thumbhash"] is None


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("locked", locked(), "encrypted"),
        ("torn", b"%PDF-1.4\nx", "damaged"),
        ("none", b"", "empty"),
    ],
)
def test_why_nothing_can_be_made_of_it_is_told(
    gallery: Any, name: str, body: bytes, reason: str
) -> None:
    gallery.put(f"{name}.pdf", body)
    told = described(gallery, f"{name}.pdf")
    assert (told["broken"], told["pages"], told["page_sizes"]) == (reason, None, [])
    assert "original" in told["renditions"]
    assert told["auto"] == {
        "rendition": "original",
        "why": reason,
        "octets": {"original": len(body)},
    }


def test_a_page_without_a_size_has_null(gallery: Any) -> None:
    gallery.put("odd.pdf", LETTER.replace(b"595.28 841.89", b"9e9999 841.89", 1))
    sizes = described(gallery, "odd.pdf")["page_sizes"]
    assert all(size is None or min(size) > 0 for size in sizes)


def test_nobody_may_keep_the_answer(gallery: Any) -> None:
    answer = asked(gallery, "picture.jpg")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    head = asked(gallery, "picture.jpg", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "place",
    [
        {"key": "missing"}, {"key": "picture.jpg", "zone": "other"}, {"key": ""},
        {"key": "picture.jpg", "bucket": "elsewhere"}, {"key": "a\\b"},
        {"key": "a//b"}, {"key": "x" * 2_000},
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_told(gallery: Any, place: dict[str, str]) -> None:
    answer = asked(gallery, **place)
    assert (answer.status_code, answer.json()["code"]) == (404, "document.not-found")


@pytest.mark.parametrize("fields", [{}, {"Authorization": "Bearer nobody"}])
def test_nobody_is_told_nothing(gallery: Any, fields: dict[str, str]) -> None:
    for key in ("picture.jpg", "missing"):
        answer = asked(gallery, key, fields)
        assert (answer.status_code, answer.json()["code"]) == (401, "token.missing")


@pytest.mark.parametrize(
    "rights",
    [{"scopes": ["purge"]}, {"scopes": ["links"], "zones": ["other"]}],
)
def test_a_token_that_does_not_reach_is_told_nothing(
    open_door: Callable[..., Any], rights: dict[str, Any]
) -> None:
    digest = "sha256:" + "ab" * 32
    token = {"id": "app", "hash": _hash("app-token"), **rights}
    zones = {"other": {"store": "main", "buckets": ["others"]}}
    door = open_door(admin={"tokens": [digest], "token": [token]}, zones=zones)
    door.put("a.txt", b"x")
    answer = asked(door, "a.txt", {"Authorization": "Bearer app-token"})
    assert answer.status_code == 403


def test_a_document_bound_elsewhere_is_451(open_door: Callable[..., Any]) -> None:
    door = open_door(server={"region": "us"}, clinic={"home": "eu"})
    assert asked(door, "a.txt").status_code == 451


def test_a_document_far_away_is_fetched_up_to_a_size(
    open_door: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryStore, "local", False)
    door = open_door(renders=True, renditions={"workers": 1})
    door.put("near.pdf", LETTER + b"%" * SMALL)
    door.put("large.pdf", LETTER + b"%" * KEPT)
    assert [link["pages"] for link in door.issue("near.pdf", "large.pdf")] == [None, None]
    assert described(door, "near.pdf")["pages"] == 2
    told = described(door, "large.pdf")
    assert (told["pages"], told["page_sizes"], told["broken"]) == (None, [], None)
    assert [link["pages"] for link in door.issue("near.pdf", "large.pdf")] == [2, None]


def test_a_user_is_told_of_what_the_policy_lets_them_sign(pair: Pair) -> None:
    upstream = pair.upstream
    for key in (REPORT, SCAN):
        upstream.put("documents", key, LETTER, "application/pdf")
    fields = upstream.fields(upstream.user_a)
    told = asked(pair.door, REPORT, fields)
    assert told.status_code == 200, told.text
    assert told.json()["document"]["key"] == REPORT
    assert told.headers["access-control-allow-origin"] == "*"
    for key, token in ((REPORT, upstream.user_b), (f"{USER_A}/nope", upstream.user_a)):
        refused = asked(pair.door, key, upstream.fields(token))
        assert (refused.status_code, refused.json()["code"]) == (404, "document.not-found")
        assert refused.headers["access-control-allow-origin"] == "*"
    assert asked(pair.door, REPORT, fields, zone="elsewhere").status_code == 404


@pytest.mark.parametrize("token", ["", "x.y.z"])
def test_who_proves_nothing_is_not_asked_about(pair: Pair, token: str) -> None:
    pair.upstream.put("documents", REPORT, LETTER, "application/pdf")
    answer = asked(pair.door, REPORT, pair.upstream.fields(token) if token else {})
    assert answer.status_code in (401, 403)
    assert pair.asked() == []


def test_a_revoked_user_is_told_nothing(pair: Pair) -> None:
    pair.upstream.put("documents", REPORT, LETTER, "application/pdf")
    pair.door.post("/admin/revoke", {"viewers": [USER_A]})
    answer = asked(pair.door, REPORT, pair.upstream.fields(pair.upstream.user_a))
    assert (answer.status_code, answer.json()["code"]) == (403, "viewer.refused")


def test_a_page_of_another_origin_may_ask(gallery: Any) -> None:
    wish = {"Access-Control-Request-Headers": "authorization,apikey"}
    answer = asked(gallery, "picture.jpg", wish, method="OPTIONS")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization,apikey"
    assert "access-control-allow-origin" not in gallery.get("/v1/openapi.json").headers


def test_the_log_names_the_route_and_not_the_document(open_door: Callable[..., Any]) -> None:
    door = open_door()
    door.put("secret-name.txt", b"x")
    described(door, "secret-name.txt")
    log = door.lines(1)
    assert '"route":"v1.documents"' in log
    assert "secret-name" not in log


def _hash(token: str) -> str:
    return "sha256:" + sha256(token.encode()).hexdigest()
