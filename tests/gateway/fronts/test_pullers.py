"""Pullers: a CDN that proves itself may ask by the key of its copy, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.copies import key_of
from gateway.fronts.pullers import Proofs, Pullers
from signing.errors import LinkRefused
from signing.folders import FolderLink
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer

BODY = b"%PDF-1.7\n" + bytes(300)
SHIELDS = {"edge": ["newest-secret", "older-secret"], "other": ["another-secret"]}


@pytest.fixture
def behind(open_door: Callable[..., Any]) -> Any:
    """A gateway behind two CDNs, of which one pulls the zone."""
    cdn = {name: {"provider": "null", "shield": known} for name, known in SHIELDS.items()}
    return open_door(cdn=cdn, clinic={"cdn": ["edge"]})


@pytest.fixture
def pulled(behind: Any) -> Callable[..., Any]:
    """Asks for a document as an edge does, with another key or secret when told."""
    behind.put("a.pdf", BODY)
    path, _, token = str(behind.link("a.pdf")).partition("?t=")

    def ask(key: str = "iw0", shield: str = "newest-secret", bearing: str = token) -> Any:
        fields = {"Ostiary-Shield": shield, "Ostiary-Token": bearing}
        return behind.get(f"{path}?c={key}", fields)

    return ask


@pytest.mark.parametrize("shield", SHIELDS["edge"])
def test_a_proven_puller_is_answered(shield: str, pulled: Callable[..., Any]) -> None:
    answer = pulled(shield=shield)
    assert (answer.status_code, answer.content) == (200, BODY)


@pytest.mark.parametrize("shield", ["", "newest-secre", "another-secret", "newest-secret, x"])
def test_another_puller_is_refused(shield: str, pulled: Callable[..., Any]) -> None:
    assert pulled(shield=shield).status_code == 403


@pytest.mark.parametrize("key", ["dw0", "ir0", "iw1", "iw", "", "iw00", "iw0&x", "iw0 "])
def test_a_key_that_is_not_the_links_own_is_refused(key: str, pulled: Callable[..., Any]) -> None:
    assert pulled(key).status_code == 403


@pytest.mark.parametrize("bearing", ["", "1.k1", "A"])
def test_a_puller_can_not_do_without_the_token(bearing: str, pulled: Callable[..., Any]) -> None:
    assert pulled(bearing=bearing).status_code == 403


def test_a_token_beside_a_target_that_has_one_is_not_read(behind: Any) -> None:
    behind.put("a.pdf", BODY)
    url = str(behind.link("a.pdf"))
    brought = {"Ostiary-Shield": "newest-secret", "Ostiary-Token": url.partition("?t=")[2]}
    assert behind.get(url, {**brought, "Ostiary-Token": "x"}).status_code == 200
    assert behind.get(url[:-1] + "_", brought).status_code == 403


def test_without_secrets_nobody_is_a_puller(door: Any) -> None:
    door.put("a.pdf", BODY)
    path, _, token = str(door.link("a.pdf")).partition("?t=")
    fields = {"Ostiary-Shield": "", "Ostiary-Token": token}
    assert door.get(f"{path}?c=iw0", fields).status_code == 403


def asked(path: bytes) -> dict[str, Any]:
    """The scope of a request for a path by the key of a copy."""
    return {"type": "http", "raw_path": path, "query_string": b"c=iw0"}


@pytest.mark.parametrize("path", [b"/d/", b"/d/original/clinic", b"/d/original/nowhere/a/-/b"])
def test_a_path_without_a_zone_has_no_pullers(path: bytes) -> None:
    pullers = Pullers({"clinic": Proofs((b"s",))})
    fields = {b"ostiary-shield": b"s", b"ostiary-token": b"x"}
    assert pullers.query(asked(path), fields) == b"c=iw0"
    assert pullers.query(asked(b"/d/original/clinic/a/-/b"), fields) == b"t=x"


@pytest.mark.parametrize(
    ("grant", "key"),
    [("ia", b"c=iw3"), ("do", b"c=dw3"), ("ip", b"c=ir3"), ("ix-w640", b"c=ir3"),
     ("ix-linear", b"c=iw3")],
)  # fmt: skip
def test_the_key_says_what_parts_copies(grant: str, key: bytes) -> None:
    signer = Signer(KeyRing([Key("k1", bytes(32))], "k1"), [SignedZone("clinic")])
    link = signer.issue(LinkRequest("clinic", "b", "k", Grant.parse(grant), generation=3), 10**9)
    assert key_of(link) == key
    pullers = Pullers({})
    pullers.check(link, key)
    for bound in (link._replace(audience="A" * 16), link._replace(one_time="A" * 16)):
        with pytest.raises(LinkRefused):
            pullers.check(bound, key)
    # A folder's token counts other revocations than the key of a copy does.
    with pytest.raises(LinkRefused):
        pullers.check(FolderLink(*link), key)
    pullers.check(FolderLink(*link), b"t=1f4.")


@pytest.fixture
def closed(open_door: Callable[..., Any]) -> Any:
    """A gateway whose one zone only one of its two CDNs may read."""
    cdn = {name: {"provider": "null", "shield": known} for name, known in SHIELDS.items()}
    return open_door(cdn=cdn, clinic={"cdn": ["edge"], "pull": "cdn", "cors": True})


def test_a_closed_zone_is_read_with_either_secret_in_rotation(closed: Any) -> None:
    closed.put("a.pdf", BODY)
    url = str(closed.link("a.pdf"))
    for secret in SHIELDS["edge"]:
        answer = closed.get(url, {"Ostiary-Shield": secret})
        assert (answer.status_code, answer.content) == (200, BODY)


def test_white_space_behind_a_secret_is_none_of_it(closed: Any) -> None:
    closed.put("a.pdf", BODY)
    url = str(closed.link("a.pdf"))
    answers = [closed.get(url, {"Ostiary-Shield": f"newest-secret{end}"}) for end in (" \t", " x")]
    assert [answer.status_code for answer in answers] == [200, 403]


@pytest.mark.parametrize("shown", ["", "another-secret", "newest-secre", "newest-secret2", "é"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_closed_zone_answers_all_others_one_refusal(shown: str, method: str, closed: Any) -> None:
    closed.put("a.pdf", BODY)
    url = str(closed.link("a.pdf"))
    answers = [
        closed.ask(method, target, headers={"Ostiary-Shield": shown.encode()})
        for target in (url, url + "x", url.partition("?")[0], "/d/original/clinic/a/-/b")
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert len({answer.content for answer in answers}) == 1
    if method == "GET":
        assert answers[0].json()["code"] == "puller.refused"


def test_a_closed_zone_has_its_routes_for_operators_open(closed: Any) -> None:
    closed.put("a.pdf", BODY)
    assert closed.issue("a.pdf")[0]["template"]
    assert closed.post("/admin/purge", {"zone": "clinic"}).status_code < 300
    assert closed.get("/livez").status_code == 200
    assert closed.get("/d/original/nowhere/a/-/b?t=x").json()["code"] == "link.refused"


def test_a_zone_that_no_cdn_could_prove_itself_for_can_not_be_closed(
    open_door: Callable[..., Any],
) -> None:
    with pytest.raises(ValueError, match="rules between tables"):
        open_door(cdn={"edge": {"provider": "null"}}, clinic={"pull": "cdn"})
    cdn = {"edge": {"provider": "null"}, "other": {"provider": "null", "shield": ["s"]}}
    with pytest.raises(ValueError, match="rules between tables"):
        open_door(cdn=cdn, clinic={"pull": "cdn", "cdn": ["edge"]})


def test_a_sealed_zone_can_be_closed_too(open_door: Callable[..., Any]) -> None:
    cdn = {"edge": {"provider": "null", "shield": ["secret"]}}
    signing = {"keys": {"k1": "5a" * 32}, "seal_key": "6b" * 64}
    door = open_door(cdn=cdn, clinic={"pull": "cdn", "sealed": True}, signing=signing)
    door.put("a.pdf", BODY)
    url = str(door.link("a.pdf"))
    assert door.get(url).json()["code"] == "puller.refused"
    assert door.get(url, {"Ostiary-Shield": "secret"}).status_code == 200
