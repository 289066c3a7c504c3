"""Issuing: one answer per document, each link in the ledger before it is given."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

WHO = "token-" + hashlib.sha256(b"operator-token").hexdigest()[:6]


@pytest.fixture
def filled(door: Any) -> Any:
    door.put("a b.txt", b"text")
    door.put("c.pdf", b"%PDF-1.7")
    return door


def _rows(door: Any) -> list[sqlite3.Row]:
    connection = sqlite3.connect(door.parts.database.path)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute("SELECT * FROM issue ORDER BY id").fetchall()
    finally:
        connection.close()


def test_an_answer_tells_all_that_is_known(filled: Any) -> None:
    [answer] = filled.issue("a b.txt")
    assert answer["document"] == {"zone": "clinic", "bucket": "documents", "key": "a b.txt"}
    assert answer["id"] == filled.issue_tag("a b.txt")
    assert answer["url"].startswith("http://gateway.test/d/original/clinic/documents/-/a%20b.txt?t")
    assert answer["url"] == answer["template"].replace("{rendition}", "original")
    assert (answer["grant"], answer["version"], answer["renditions"]) == ("ia", None, ["original"])
    assert (answer["media_type"], answer["size"]) == ("text/plain; charset=utf-8", 4)
    assert (answer["width"], answer["height"], answer["pages"]) == (None, None, None)
    assert (answer["srcset"], answer["picture"]) == ("", "")
    assert filled.get(answer["url"]).content == b"text"


def test_equal_calls_get_equal_bodies(filled: Any) -> None:
    body = {"documents": [{"zone": "clinic", "bucket": "documents", "key": "a b.txt"}]}
    answers = {filled.post("/v1/links", body).content for _ in range(5)}
    assert len(answers) <= 2, "two, when a window ends in between"


def test_a_thousand_documents_in_one_call_come_in_order(door: Any) -> None:
    for number in range(1_000):
        door.put(str(number), b"x")
    answers = door.issue(*map(str, range(1_000)))
    assert [answer["document"]["key"] for answer in answers] == list(map(str, range(1_000)))
    assert all("url" in answer for answer in answers)
    assert len(_rows(door)) == 1_000
    too_many = [{"zone": "clinic", "bucket": "documents", "key": "0"}] * 1_001
    assert door.post("/v1/links", {"documents": too_many}).status_code == 422
    assert door.post("/v1/links", {"documents": []}).status_code == 422
    assert len(_rows(door)) == 1_000


@pytest.mark.parametrize(
    ("zone", "bucket", "key", "status", "code"),
    [
        ("nozone", "documents", "a b.txt", 404, "document.not-found"),
        ("clinic", "nobucket", "a b.txt", 404, "document.not-found"),
        ("clinic", "documents", "missing", 404, "document.not-found"),
        ("clinic", "documents", "", 422, "link.unsignable"),
        ("clinic", "documents", "../a b.txt", 422, "link.unsignable"),
        ("clinic", "documents", "a//b", 422, "link.unsignable"),
        ("clinic", "documents", "a\nb", 422, "link.unsignable"),
        ("clinic", "documents", "x" * 1_025, 422, "link.unsignable"),
        ("clinic", "documents", "ü" * 512, 422, "link.unsignable"),
    ],
)
def test_a_document_without_a_link_says_why_and_hinders_no_other(
    filled: Any, zone: str, bucket: str, key: str, status: int, code: str
) -> None:
    documents = [
        {"zone": zone, "bucket": bucket, "key": key},
        {"zone": "clinic", "bucket": "documents", "key": "a b.txt"},
    ]
    answer = filled.post("/v1/links", {"documents": documents})
    refused, given = answer.json()["links"]
    assert refused["document"] == documents[0]
    assert (refused["error"]["status"], refused["error"]["code"]) == (status, code)
    assert "url" not in refused
    assert given["url"]
    assert [row["key"] for row in _rows(filled)] == ["a b.txt"]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"audience": ""}, "link.unsignable"),
        ({"one_time": True}, "link.unsignable"),
        ({"grant": "everything"}, "link.unsignable"),
        ({"grant": ""}, "link.unsignable"),
        ({"grant": "x-original"}, "link.unsignable"),
        ({"grant": "x-nosuch"}, "rendition.refused"),
    ],
)
def test_a_wish_that_can_not_be_granted_is_each_documents_own_error(
    filled: Any, wish: dict[str, Any], code: str
) -> None:
    answers = filled.issue("a b.txt", "c.pdf", **wish)
    assert [answer["error"]["code"] for answer in answers] == [code, code]
    assert _rows(filled) == []


@pytest.mark.parametrize("disposition", ["inline", "download"])
@pytest.mark.parametrize(
    ("grant", "letter", "first"),
    [
        ("all", "a", "original"),
        ("original", "o", "original"),
        ("previews", "p", "w640-webp"),
        ("x-w333-jpeg", "x-w333-jpeg", "w333-jpeg"),
    ],
)
def test_every_grant_and_disposition_stands_in_the_link(
    filled: Any, grant: str, letter: str, first: str, disposition: str
) -> None:
    [answer] = filled.issue("a b.txt", grant=grant, disposition=disposition)
    assert answer["grant"] == disposition[0] + letter
    assert f"/d/{first}/clinic/" in answer["url"]
    if first == "original":
        shown = filled.get(answer["url"]).headers["content-disposition"]
        assert shown.startswith("inline" if disposition == "inline" else "attachment")


@pytest.mark.parametrize("asked", [1, 60, 900, 86_400, 10**12, None])
def test_a_link_lives_as_long_as_asked_within_the_zones_bounds(filled: Any, asked: int) -> None:
    before = int(time.time())
    [answer] = filled.issue("a b.txt", **({} if asked is None else {"expires_in": asked}))
    after = int(time.time())
    life = min(asked or 1_800, 86_400)
    assert before + life / 2 < answer["expires_at"] <= after + life
    assert answer["renew_at"] == answer["expires_at"] - life // 5
    assert before <= answer["renew_at"] <= answer["expires_at"]


@pytest.mark.parametrize("asked", [0, -1, 1.5, "60", True])
def test_a_life_that_is_none_is_refused(filled: Any, asked: object) -> None:
    documents = [{"zone": "clinic", "bucket": "documents", "key": "a b.txt"}]
    body = {"documents": documents, "expires_in": asked}
    assert filled.post("/v1/links", body).status_code == 422


def test_a_pinned_link_names_its_version(filled: Any) -> None:
    [answer] = filled.issue("a b.txt", pinned=True)
    assert len(answer["version"]) == 22
    assert f"/documents/{answer['version']}/a%20b.txt" in answer["url"]


def test_links_point_at_the_public_url(open_door: Callable[..., Any]) -> None:
    door = open_door(clinic={"public_url": "https://docs.example.org"})
    door.put("a.txt", b"a")
    [answer] = door.issue("a.txt")
    assert answer["url"].startswith("https://docs.example.org/d/original/")
    assert answer["template"].startswith("https://docs.example.org/d/{rendition}/")


def test_a_sealed_zone_shows_no_name(open_door: Callable[..., Any]) -> None:
    door = open_door(clinic={"sealed": True}, signing={"seal_key": "7c" * 64})
    door.put("secretname.pdf", b"%PDF-1.7")
    [answer] = door.issue("secretname.pdf", extension="pdf")
    assert "secretname" not in answer["url"]
    assert ".pdf?t=" in answer["url"]
    sealed = answer["url"].split("/~/-/")[1].split(".pdf")[0]
    assert b"secretname" not in base64.urlsafe_b64decode(sealed + "==")
    assert door.get(answer["url"]).content == b"%PDF-1.7"


def test_the_ledger_tells_who_got_what_before_the_answer_is_given(filled: Any) -> None:
    [answer] = filled.issue("a b.txt", grant="original", pinned=True)
    [row] = _rows(filled)
    assert row["link_id"] == answer["link"]
    assert (row["actor"], row["key"], row["granted"]) == (WHO, "a b.txt", "io")
    assert (row["document_id"], row["version"]) == (answer["id"], answer["version"])
    assert row["expires_at"] == answer["expires_at"]
    assert abs(row["issued_at"] - time.time()) < 60


def test_a_link_that_can_not_be_written_down_is_not_given(filled: Any) -> None:
    def refuse(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only = ON")

    _outside_a_transaction(filled, refuse)
    documents = [{"zone": "clinic", "bucket": "documents", "key": "a b.txt"}]
    answer = filled.post("/v1/links", {"documents": documents})
    assert (answer.status_code, answer.json()["code"]) == (503, "state.unavailable")
    assert "retry-after" in answer.headers
    assert "/d/" not in answer.text
    assert _rows(filled) == []


def _outside_a_transaction(door: Any, work: Callable[[sqlite3.Connection], None]) -> None:
    door.parts.database.write_now(work)


def test_a_revoked_document_gets_links_of_the_next_generation(filled: Any) -> None:
    old = filled.link("a b.txt")
    filled.post("/admin/revoke", {"zone": "clinic"})
    new = filled.link("a b.txt")
    assert (filled.get(old).status_code, filled.get(new).status_code) == (410, 200)
    assert _rows(filled)[-1]["generation"] == 1


def test_a_picture_is_measured_and_a_pdf_counted(gallery: Any) -> None:
    picture, scan, letter = gallery.issue("picture.jpg", "scan.tif", "letter.pdf")
    assert (picture["width"], picture["height"], picture["pages"]) == (800, 600, None)
    assert (scan["width"], scan["height"], scan["pages"]) == (800, 600, 3)
    assert (letter["width"], letter["height"], letter["pages"]) == (None, None, 2)
