"""Marks that name the viewer: drawn with the name that the proof tells, for that viewer alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import jwt
import pytest
from PIL import Image

from gateway.companions.proofs import COOKIE
from imaging.marking.viewers import Viewer
from signing.badges import Badge, Badges
from signing.keys import Key, KeyRing

KEY = KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1")
SECRET = "a-secret-of-the-project-with-at-least-32-characters"
ANNA, BEN = "u-1", "u-2"
NAME = "w160-mwho-png"


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    marks = {"who": {"text": "For {viewer}"}}
    door = open_door(
        renders=True,
        renditions={"marks": marks, "workers": 1},
        supabase={"url": "https://project.example.org", "jwt_secret": SECRET},
    )
    out = BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((400, 300)).save(out, "JPEG")
    door.put("a.jpg", out.getvalue())
    return door


def bearer(sub: str, **claims: Any) -> dict[str, str]:
    said = {"sub": sub, "exp": int(time.time()) + 600, **claims}
    return {"Authorization": "Bearer " + jwt.encode(said, SECRET, "HS256")}


def cookie(viewer: str, name: str = "") -> dict[str, str]:
    badge = Badge("A" * 16, viewer, int(time.time()) + 600, name)
    return {"Cookie": f"{COOKIE.name}={Badges(KEY).issue('cookie', badge)}"}


def shown(door: Any, viewer: str, proof: dict[str, str]) -> Any:
    answer = door.get(door.link("a.jpg", NAME, grant=f"x-{NAME}", audience=viewer), proof)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store, no-transform"
    return answer


def test_each_viewer_s_name_is_in_their_own_picture(door: Any) -> None:
    anna, ben = (
        shown(door, who, cookie(who, name)) for who, name in ((ANNA, "Anna"), (BEN, "Ben"))
    )
    again = shown(door, ANNA, cookie(ANNA, "Anna"))
    assert anna.content == again.content != ben.content
    assert anna.headers["etag"] == again.headers["etag"] != ben.headers["etag"]


def test_a_token_names_by_its_email_and_nothing_that_users_write(door: Any) -> None:
    by_mail = shown(door, ANNA, bearer(ANNA, email="anna@example.org"))
    assert by_mail.content == shown(door, ANNA, cookie(ANNA, "anna@example.org")).content
    boast = bearer(ANNA, user_metadata={"full_name": "Ben"}, name="Ben")
    assert shown(door, ANNA, boast).content == shown(door, ANNA, cookie(ANNA)).content
    assert shown(door, ANNA, boast).content != shown(door, ANNA, cookie(ANNA, "Ben")).content


@pytest.mark.parametrize("email", [7, None, "a\nb", "x" * 256, "\u202eanna"])
def test_an_email_that_can_not_be_shown_gives_way_to_the_id(door: Any, email: object) -> None:
    named = shown(door, ANNA, bearer(ANNA, email=email))
    assert named.content == shown(door, ANNA, cookie(ANNA)).content


def test_nobody_sees_it_without_a_proof_and_nobody_another_s(door: Any) -> None:
    url = door.link("a.jpg", NAME, grant=f"x-{NAME}", audience=ANNA)
    shown(door, ANNA, cookie(ANNA, "Anna"))
    for proof in ({}, cookie(BEN, "Anna"), bearer(BEN, email="anna@example.org")):
        answer = door.get(url, proof)
        assert (answer.status_code, answer.json()["code"]) == (403, "audience.refused")


def test_a_conditional_request_is_judged_by_the_viewer_s_own_picture(door: Any) -> None:
    etag = shown(door, ANNA, cookie(ANNA, "Anna")).headers["etag"]
    url = door.link("a.jpg", NAME, grant=f"x-{NAME}", audience=BEN)
    condition = {"If-None-Match": etag}
    assert door.get(url, {**cookie(BEN, "Ben"), **condition}).status_code == 200
    mine = door.link("a.jpg", NAME, grant=f"x-{NAME}", audience=ANNA)
    assert door.get(mine, {**cookie(ANNA, "Anna"), **condition}).status_code == 304


def test_a_link_that_is_bound_to_nobody_has_no_such_mark(door: Any) -> None:
    [refused] = door.issue("a.jpg", grant=f"x-{NAME}")
    assert refused["error"]["code"] == "viewer.unknown"
    assert Viewer(ANNA).shown == ANNA
