"""Redactions through the whole gateway: stored by operators, granted by name, never got around."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

OPERATOR = {"Authorization": "Bearer operator-token"}
WHO = "token-" + hashlib.sha256(b"operator-token").hexdigest()[:6]
# The middle of the gallery's pictures, which is gold.
MIDDLE = {"left": 300, "top": 300, "right": 500, "bottom": 600}
URL = "/admin/redactions/face"


def put(
    door: Any, *boxes: dict[str, object], name: str = "face", token: str = "operator-token"
) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return door.ask("PUT", f"/admin/redactions/{name}", headers=headers, json={"boxes": boxes})


@pytest.fixture
def ward(open_door: Callable[..., Any], draw: Callable[..., bytes]) -> Any:
    door = open_door(
        renders=True, renditions={"presets": {"thumb": "w160-h160-cover"}, "workers": 1}
    )
    door.put("scan.tif", draw("TIFF", 3))
    door.put("picture.jpg", draw("JPEG", 1))
    door.put("letter.pdf", draw("PDF", 2))
    return door


def colour(body: bytes, across: float = 0.4, down: float = 0.4) -> tuple[int, ...]:
    with Image.open(BytesIO(body)) as image:
        place = int(across * image.width), int(down * image.height)
        value = image.convert("RGB").getpixel(place)
    assert isinstance(value, tuple)
    return value


def test_versions_count_on_and_never_change(door: Any) -> None:
    white = {**MIDDLE, "page": 2, "colour": "white"}
    answers = [put(door, *boxes) for boxes in ((MIDDLE,), (MIDDLE,), (MIDDLE, white), (MIDDLE,))]
    assert [answer.status_code for answer in answers] == [201, 200, 201, 201]
    assert [answer.json()["version"] for answer in answers] == [1, 1, 2, 3]
    black = {"page": 0, **MIDDLE, "colour": "black"}
    told = door.get(f"{URL}?version=2", OPERATOR).json()
    assert told.pop("put_at") > 0
    assert told == {"name": "face", "version": 2, "put_by": WHO, "boxes": [black, white]}
    assert door.get(URL, OPERATOR).json()["version"] == 3
    put(door, MIDDLE, name="arm")
    listed = door.get("/admin/redactions", OPERATOR).json()["redactions"]
    assert [(one["name"], one["version"]) for one in listed] == [("arm", 1), ("face", 3)]


@pytest.mark.parametrize("query", ["?version=2", "?version=0", "?version=x", "?version=1000000"])
def test_a_version_that_is_not_there_is_not_found(door: Any, query: str) -> None:
    put(door, MIDDLE)
    for url in (URL + query, "/admin/redactions/head"):
        answer = door.get(url, OPERATOR)
        assert (answer.status_code, answer.json()["code"]) == (404, "redaction.not-found")


@pytest.mark.parametrize(
    "boxes",
    [[], [{}], [{**MIDDLE, "left": 500}], [{**MIDDLE, "bottom": 1001}], [{**MIDDLE, "page": -1}],
     [{**MIDDLE, "left": 1.5}], [{**MIDDLE, "left": "1"}], [{**MIDDLE, "colour": "red"}],
     [{**MIDDLE, "blur": True}], [MIDDLE] * 1_001],
)  # fmt: skip
def test_boxes_that_are_none_are_refused(door: Any, boxes: list[dict[str, object]]) -> None:
    answer = put(door, *boxes)
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
    assert door.get(URL, OPERATOR).status_code == 404


@pytest.mark.parametrize("name", ["Face", "1face", "a" * 17, "a-b", "a_b", "%20"])
def test_a_name_that_no_link_could_hold_is_refused(door: Any, name: str) -> None:
    answer = put(door, MIDDLE, name=name)
    assert (answer.status_code, answer.json()["code"]) == (422, "redaction.bad-name")


def test_only_operators_with_the_scope_and_every_zone_may_put(
    open_door: Callable[..., Any],
) -> None:
    tokens = [
        {"id": name, "hash": "sha256:" + hashlib.sha256(name.encode()).hexdigest(), **reach}
        for name, reach in (
            ("painter", {"scopes": ["redact"]}),
            ("local", {"scopes": ["redact"], "zones": ["clinic"]}),
            ("issuer", {"scopes": ["links", "purge", "revoke", "metrics"]}),
        )
    ]
    door = open_door(admin={"token": tokens})
    seen = {}
    for name in ("painter", "local", "issuer", "nobody"):
        headers = {"Authorization": f"Bearer {name}"}
        seen[name] = (
            put(door, MIDDLE, token=name).status_code,
            door.get(URL, headers).status_code,
            door.get("/admin/redactions", headers).status_code,
        )
    assert seen == {
        "painter": (201, 200, 200),
        "local": (403, 200, 200),
        "issuer": (403, 403, 403),
        "nobody": (401, 401, 401),
    }


def test_the_routes_move_to_the_admin_port(open_door: Callable[..., Any]) -> None:
    door = open_door(admin={"port": 0})
    assert door.get("/admin/redactions", OPERATOR).status_code == 404
    answer = door.call(door.apps.admin, "GET", "/admin/redactions", headers=OPERATOR)
    assert answer.json() == {"redactions": []}


@pytest.mark.parametrize(
    ("key", "page"), [("picture.jpg", ""), ("scan.tif", "p2-"), ("letter.pdf", "p1-")]
)
def test_a_link_opens_the_page_as_the_redaction_leaves_it(ward: Any, key: str, page: str) -> None:
    put(ward, MIDDLE)
    name = f"{page}w320-rface_1-webp"
    shown = ward.get(ward.link(key, name, grant=f"x-{name}"))
    assert shown.status_code == 200
    assert max(colour(shown.content)) < 12
    assert max(colour(shown.content, 0.55, 0.5)) > 60
    plain = ward.get(ward.link(key, f"{page}w320-webp"))
    assert max(colour(plain.content)) > 150


def test_no_version_answers_for_another(ward: Any) -> None:
    put(ward, MIDDLE)
    put(ward, {**MIDDLE, "colour": "white"})
    names = ["w320-rface_1-png", "w320-rface_2-png", "w320-png"]
    links = [ward.link("picture.jpg", name, grant=f"x-{name}") for name in names]
    for _ in range(2):  # made, then from memory
        answers = [ward.get(link) for link in links]
        assert [colour(answer.content)[2] for answer in answers[:2]] == [0, 255]
        assert len({answer.headers["etag"] for answer in answers}) == 3


def test_a_grant_of_a_redaction_opens_nothing_else(ward: Any) -> None:
    put(ward, MIDDLE)
    put(ward, {**MIDDLE, "page": 1})
    name = "p1-w320-rface_1-webp"
    for other in ("original", "p1-w320-webp", "p1-w320-rface_2-webp", "p2-w320-rface_1-webp",
                  "p1-w640-rface_1-webp", "p1-w320-rface_1-png", "p1-text", "linear"):  # fmt: skip
        answer = ward.get(ward.link("letter.pdf", other, grant=f"x-{name}"))
        assert (answer.status_code, answer.json()["code"]) == (403, "rendition.refused"), other


@pytest.mark.parametrize("grant", ["all", "previews"])
def test_no_family_of_renditions_holds_a_redaction(ward: Any, grant: str) -> None:
    put(ward, MIDDLE)
    answer = ward.get(ward.link("picture.jpg", "w320-rface_1-webp", grant=grant))
    assert (answer.status_code, answer.json()["code"]) == (403, "rendition.refused")


def test_a_redaction_that_is_not_stored_gets_no_link_and_is_told_of(ward: Any) -> None:
    put(ward, MIDDLE)
    hints = {}
    for name in ("p1-w320-rface_2-webp", "w320-rhead_1"):
        [answer] = ward.issue("letter.pdf", grant=f"x-{name}")
        assert answer["error"]["code"] == "rendition.refused"
        hints[name] = answer["error"]["hint"]
    assert "its newest version makes p1-w320-rface_1-webp" in hints["p1-w320-rface_2-webp"]
    assert hints["w320-rhead_1"] == "No redaction of that name and version is stored."


def test_a_link_of_another_state_opens_nothing(ward: Any, open_door: Callable[..., Any]) -> None:
    """Signed where the redaction was stored, shown where it is not."""
    put(ward, MIDDLE)
    link = ward.link("picture.jpg", "w320-rface_1-webp", grant="x-w320-rface_1-webp")
    other = open_door(server={"data": str(ward.log.parent / "other")}, renders=True)
    other.store.put("documents", "picture.jpg", b"never looked at")
    answer = other.get(link)
    assert (answer.status_code, answer.json()["code"]) == (403, "rendition.refused")


def test_a_redaction_that_can_not_be_read_shows_nothing(ward: Any) -> None:
    def spoil(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TRIGGER redaction_never_changes")
        connection.execute("UPDATE redaction SET boxes = '[]'")

    put(ward, MIDDLE)
    ward.parts.database.write_now(spoil)
    [answer] = ward.issue("picture.jpg", grant="x-w320-rface_1-webp")
    assert answer["error"]["code"] == "state.unavailable"


def test_an_issued_link_tells_nothing_of_what_is_hidden(ward: Any) -> None:
    put(ward, MIDDLE)
    ward.get(ward.link("picture.jpg", "w160-webp"))  # so that a placeholder may be known
    [answer] = ward.issue("picture.jpg", grant="x-w320-rface_1-webp")
    assert answer["renditions"] == ["w320-rface_1-webp"]
    assert answer["srcset"] == ""
    assert answer["url"] in answer["picture"].replace("&amp;", "&")
    assert answer.get("thumbhash") is None


def test_the_original_never_stands_in_for_what_is_redacted(
    ward: Any, draw: Callable[..., bytes]
) -> None:
    """However heavy the rendition is: this source is a few hundred octets."""
    ward.put("tiny.png", draw("PNG", 1, (64, 48)))
    put(ward, MIDDLE)
    name = "full-rface_1-q100-webp"
    answer = ward.get(ward.link("tiny.png", name, grant=f"x-{name}"))
    assert answer.headers["content-type"] == "image/webp"
    assert max(colour(answer.content)) < 40


def test_what_was_made_without_a_redaction_is_never_used_for_one(
    ward: Any, draw: Callable[..., bytes]
) -> None:
    """Neither the master that a large page leaves, nor the picture that a worker has at hand."""
    ward.put("large.tif", draw("TIFF", 1, (2_600, 1_900)))
    put(ward, {"left": 0, "top": 0, "right": 300, "bottom": 500})
    for name in ("p1-w1280-webp", "p1-w640-webp", "p1-w640-rface_1-webp", "p1-w640-rface_1-avif"):
        grant = f"x-{name}" if "-r" in name else "all"
        answer = ward.get(ward.link("large.tif", name, grant=grant))
        hidden = max(colour(answer.content, 0.1, 0.4)) < 12
        assert hidden == ("-r" in name), name


def test_a_document_s_weight_does_not_choose_the_format(
    ward: Any, draw: Callable[..., bytes]
) -> None:
    """Its octets tell of what is hidden, so the same is given of a light and of a heavy one."""
    light, heavy = draw("PNG", 1, (64, 48)), draw("PNG", 1, (64, 48)) + bytes(100_000)
    ward.put("light.png", light)
    ward.put("heavy.png", heavy)
    put(ward, MIDDLE)
    accept = {"Accept": "image/avif,image/webp,image/*"}
    answers = [
        ward.get(ward.link(key, "full-rface_1", grant="x-full-rface_1"), accept)
        for key in ("light.png", "heavy.png")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["content-type"] == "image/avif"
    told = [{name for name in answer.headers if name.startswith("ostiary")} for answer in answers]
    assert told[0] == told[1]


def test_the_call_is_in_the_log_by_its_route_alone(door: Any) -> None:
    put(door, MIDDLE)
    door.run(door.apps.start())
    [line] = [json.loads(one) for one in door.lines(1).splitlines() if '"route"' in one]
    assert (line["route"], line["method"], line["status"]) == ("admin.redactions", "PUT", 201)
