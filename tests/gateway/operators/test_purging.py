"""Purging: folders and URLs, trying first, asking once, and what became of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cdn.copies import copy_tag, digest_of
from cdn.errors import PurgeRefused
from cdn.providers.base import PurgeReceipt
from cdn.providers.null import Null
from cdn.tags import document_tag, folder_tag
from gateway.purges import PurgeWorker
from gateway.state.receipts import Depth

A = {"zone": "clinic", "bucket": "documents", "key": "letters/a.txt"}
OPERATOR = {"Authorization": "Bearer operator-token"}


def _token(name: str, zones: tuple[str, ...]) -> dict[str, object]:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"id": name, "hash": f"sha256:{digest}", "scopes": ["purge"], "zones": list(zones)}


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    """Two zones with a CDN that knows tags, the first with an nginx as well."""
    nginx = {"provider": "nginx", "url": "http://127.0.0.1:9", "secret": "s" * 32}
    door = open_door(
        admin={"token": [_token("clinical", ("clinic",)), _token("labonly", ("lab",))]},
        zones={"lab": {"store": "main", "buckets": ["samples"], "cdn": ["edge"]}},
        cdn={"edge": {"provider": "null"}, "second": nginx},
    )
    door.put("letters/a.txt", b"a")
    door.put("b.txt", b"b", bucket="samples")
    return door


def _asked(door: Any) -> list[tuple[tuple[str, ...], bool]]:
    """Work the outbox of the CDN that is there; what it was asked."""
    edge = {"edge": door.parts.providers["edge"]}
    door.run(PurgeWorker(door.parts.database, edge).drain())
    return [(tuple(purge.tags), purge.soft) for purge in edge["edge"].asked]


def _waiting(door: Any) -> dict[str, int]:
    depths: list[Depth] = door.run(door.parts.purges.depths())
    return {depth.provider: depth.waiting for depth in depths}


def _tags(door: Any, provider: str) -> set[str]:
    rows = door.parts.database.read_now(
        lambda c: c.execute("SELECT tag FROM purge_job WHERE provider = ?", (provider,)).fetchall()
    )
    return {tag for (tag,) in rows}


def test_any_folder_is_purged_by_its_tag(door: Any) -> None:
    answer = door.post("/admin/purge", {"folder": "documents/letters/"})
    assert answer.status_code == 202
    assert _asked(door) == [((folder_tag("clinic", "documents", "letters"),), True)]


@pytest.mark.parametrize("folder", ["documents/letters", "documents", "nowhere/a/"])
def test_what_is_no_folder_is_refused(door: Any, folder: str) -> None:
    answer = door.post("/admin/purge", {"folder": folder})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-scope")


def test_a_link_is_purged_by_its_document_and_as_itself_where_there_are_no_tags(door: Any) -> None:
    whole = door.link("letters/a.txt")
    link = "/d/" + whole.partition("/d/")[2]
    answer = door.post("/admin/purge", {"urls": [f"https://docs.example.org{link}", link]})
    assert answer.status_code == 202
    tag = document_tag("clinic", "documents", "letters/a.txt")
    assert _tags(door, "edge") == {tag}
    assert _tags(door, "second") == {tag, copy_tag(digest_of(link.encode()))}
    [listed] = door.get("/admin/purges", OPERATOR).json()["purges"]
    assert listed["asked"]["scopes"] == ["d:clinic/documents/letters/a.txt"]
    assert link.partition("?t=")[2] not in str(listed)


@pytest.mark.parametrize(
    "path",
    [
        "object/sign/documents/letters/a.txt?token=abc",
        "object/public/documents/letters/a.txt",
        "object/authenticated/documents/letters%2Fa.txt",
        "object/documents/letters/a.txt",
        "render/image/sign/documents/letters/a.txt?token=abc&width=9",
        "render/image/public/documents/letters/a.txt?width=9",
    ],
)
def test_urls_of_the_storage_routes_are_purged_too(door: Any, path: str) -> None:
    url = f"https://project.example.org/storage/v1/{path}"
    assert door.post("/admin/purge", {"urls": [url]}).status_code == 202
    assert _tags(door, "edge") == {document_tag("clinic", "documents", "letters/a.txt")}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://docs.example.org/",
        "/d/original/clinic/documents/-/letters/a.txt",
        "/d/original/clinic/documents/-/letters/a.txt?t=1.k1.1800000000.0.-.-.ia." + "A" * 32,
        "/storage/v1/object/sign/documents",
        "http://[",
    ],
)
def test_what_is_no_link_of_ours_is_refused_and_not_repeated(door: Any, url: str) -> None:
    answer = door.post("/admin/purge", {"urls": [url]})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-url")
    assert "letters" not in answer.text
    assert _waiting(door) == {}


@pytest.mark.parametrize("body", [{"folder": "documents/letters/"}, {"urls": ["LINK"]}])
def test_folders_and_links_of_another_zone_need_its_reach(door: Any, body: dict[str, Any]) -> None:
    told = {**body, "urls": [door.link("letters/a.txt")]} if "urls" in body else body
    assert door.post("/admin/purge", told, "labonly").status_code == 403
    assert door.post("/admin/purge", told, "clinical").status_code == 202


@pytest.mark.parametrize(
    ("url", "flag"), [("/admin/purge?dry_run=true", False), ("/admin/purge", True)]
)
def test_a_dry_run_tells_what_would_be_purged_and_writes_nothing(
    door: Any, url: str, flag: bool
) -> None:
    told = door.post(url, {"documents": [A], "tags": ["x-1"], "dry_run": flag})
    assert told.status_code == 200
    tag = document_tag("clinic", "documents", "letters/a.txt")
    assert told.json() == {
        "dry_run": True,
        "soft": True,
        "providers": [
            {"provider": "edge", "soft": True, "tags": [tag, "x-1"], "calls": 2, "copies": None},
            {"provider": "second", "soft": False, "tags": [tag, "x-1"], "calls": 2, "copies": 0},
        ],
    }
    assert _waiting(door) == {}
    assert door.get("/admin/purges", OPERATOR).json() == {"purges": [], "before": None}


def test_a_dry_run_is_refused_what_a_purge_is(door: Any) -> None:
    for url, body, status in (
        ("/admin/purge?dry_run=true", {"bucket": "nowhere"}, 422),
        ("/admin/purge?dry_run=true", {}, 422),
        ("/admin/purge?dry_run=perhaps", {"documents": [A]}, 422),
    ):
        assert door.post(url, body).status_code == status
    assert door.post("/admin/purge?dry_run=true", {"zone": "lab"}, "clinical").status_code == 403
    assert _waiting(door) == {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/purge?dry-run=true", {"zone": "clinic"}),
        ("/admin/purge?dry_run=true&dry_run=false", {"zone": "clinic"}),
        ("/admin/revoke?dry_run=true", {"zone": "clinic"}),
        ("/admin/reinstate?dry_run=true", {"viewers": ["ada"]}),
        ("/admin/purges/requeue?dry_run=true", {"cdn": "edge"}),
    ],
)
def test_nothing_is_done_that_may_have_been_meant_as_a_trial(
    door: Any, path: str, body: object
) -> None:
    answer = door.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")
    assert door.get("/admin/purges", OPERATOR).json()["purges"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/purge", b'{"zone": "clinic", "zone": "lab"}'),
        ("/admin/revoke", b'{"viewers": ["ada"], "viewers": ["bob"]}'),
        ("/admin/revoke", b'{"documents": [{"bucket": "documents", "key": "a", "key": "b"}]}'),
        ("/admin/reinstate", b'{"viewers": ["ada"], "viewers": ["bob"]}'),
    ],
)
def test_nothing_is_done_of_what_is_said_twice(door: Any, path: str, body: bytes) -> None:
    answer = door.ask("POST", path, content=body, headers=OPERATOR)
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
    assert "twice" in answer.json()["detail"]
    assert door.get("/admin/purges", OPERATOR).json()["purges"] == []


def test_why_something_was_purged_is_for_those_who_reach_it(door: Any) -> None:
    asked = door.post("/admin/purge", {"documents": [A], "reason": "Mrs. Doe's scan"}).json()["id"]
    for token, status in (("clinical", 200), ("labonly", 403)):
        told = door.get(f"/admin/purges/{asked}", {"Authorization": f"Bearer {token}"})
        assert told.status_code == status
        assert ("Doe" in told.text) is (status == 200)


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        (["wait=0"], "wait=0"),
        (["Wait=0"], "wait=0"),
        (['respond-async, wait="0"; x=1'], "wait=0"),
        (["respond-async", "wait=0"], "wait=0"),
        (["wait=-1"], None),
        (["wait=1e9"], None),
        (["await=1"], None),
        (['wait="1'], None),
    ],
)
def test_a_call_waits_as_it_prefers(door: Any, prefer: list[str], applied: str | None) -> None:
    headers = [*OPERATOR.items(), *(("Prefer", one) for one in prefer)]
    answer = door.ask("POST", "/admin/purge", json={"documents": [A]}, headers=headers)
    assert (answer.status_code, answer.headers.get("preference-applied")) == (202, applied)


def _with_key(door: Any, key: str, body: object, token: str = "operator-token") -> Any:
    return door.post("/admin/purge", body, token, **{"Idempotency-Key": key})


def test_calls_with_one_key_are_one_purge(door: Any) -> None:
    first = _with_key(door, '"8e03978e-40d5"', {"documents": [A]})
    again = _with_key(door, "8e03978e-40d5", {"soft": True, "documents": [A]})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert _waiting(door) == {"edge": 1, "second": 1}
    other = _with_key(door, '"another"', {"documents": [A]})
    assert other.json()["id"] != first.json()["id"]


def test_a_key_used_for_another_purge_is_refused(door: Any) -> None:
    _with_key(door, '"one"', {"documents": [A]})
    answer = _with_key(door, '"one"', {"documents": [A], "soft": False})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.reused")
    assert _waiting(door) == {"edge": 1, "second": 1}


def test_a_key_is_its_operators_own(door: Any) -> None:
    first = _with_key(door, '"one"', {"documents": [A]})
    other = _with_key(door, '"one"', {"zone": "lab"}, "labonly")
    assert other.status_code == 202
    assert other.json()["id"] != first.json()["id"]


@pytest.mark.parametrize("key", ["", '"', '""', '"a', '"a"b"', "ä", "a, b", "x" * 256])
def test_a_key_that_is_none_is_refused(door: Any, key: str) -> None:
    headers = {**OPERATOR, "Idempotency-Key": key.encode()}
    answer = door.ask("POST", "/admin/purge", json={"documents": [A]}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.bad-key")


def test_a_revocation_that_is_asked_for_again_takes_no_newer_link_back(door: Any) -> None:
    def revoke(key: str, **named: object) -> Any:
        return door.post("/admin/revoke", named, **{"Idempotency-Key": key})

    first = revoke("one", documents=[A])
    newer = door.link("letters/a.txt")
    again = revoke("one", documents=[A])
    assert again.json() == first.json()
    assert door.get(newer).status_code == 200
    assert revoke("one", zone="lab").json()["code"] == "idempotency.reused"
    assert revoke("two", documents=[A]).json()["id"] != first.json()["id"]
    assert door.get(newer).status_code == 410


def test_two_keys_are_refused(door: Any) -> None:
    headers = [*OPERATOR.items(), ("Idempotency-Key", '"a"'), ("Idempotency-Key", '"b"')]
    answer = door.ask("POST", "/admin/purge", json={"documents": [A]}, headers=headers)
    assert answer.status_code == 400


def test_what_was_refused_may_be_asked_again_under_its_key(door: Any) -> None:
    assert _with_key(door, '"one"', {"bucket": "nowhere"}).status_code == 422
    assert _with_key(door, '"one"', {"documents": [A]}).status_code == 202


def test_calls_of_one_key_at_once_are_one_purge(door: Any) -> None:
    async def together() -> list[Any]:
        headers = {**OPERATOR, "Idempotency-Key": '"at once"'}
        calls = (
            door.client.post("/admin/purge", json={"documents": [A]}, headers=headers)
            for _ in range(20)
        )
        return list(await asyncio.gather(*calls))

    answers = door.run(together())
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


class Denying(Null):
    """A CDN whose secret is wrong until somebody sets it right."""

    right = False

    async def purge(self, tags: Sequence[str], *, soft: bool, key: str = "") -> PurgeReceipt:
        if not self.right:
            raise PurgeRefused("edge answered 403", dead=True, hint="check its secret")
        return await super().purge(tags, soft=soft, key=key)


@pytest.fixture
def denying(door: Any) -> Denying:
    """The first CDN refuses for good whatever was asked."""
    return Denying("edge")


def _work(door: Any, cdn: Denying) -> None:
    door.run(PurgeWorker(door.parts.database, {"edge": cdn}).drain())


def test_an_operator_learns_which_purges_are_dead_and_tries_them_again(
    door: Any, denying: Denying
) -> None:
    dead = door.post("/admin/purge", {"documents": [A]}).json()["id"]
    _work(door, denying)
    alive = door.post("/admin/purge", {"zone": "lab"}).json()["id"]
    every = door.get("/admin/purges", OPERATOR).json()["purges"]
    assert [one["id"] for one in every] == [alive, dead]
    [failed] = door.get("/admin/purges?state=failed", OPERATOR).json()["purges"]
    assert (failed["id"], failed["state"]) == (dead, "failed")
    assert failed["asked"] == {"scopes": ["d:clinic/documents/letters/a.txt"], "tags": []}
    assert "check its secret" in failed["providers"][0]["error"]
    denying.right = True
    assert door.post("/admin/purges/requeue", {"purge": dead}).json() == {"requeued": 1}
    assert door.post("/admin/purges/requeue", {"purge": dead}).json() == {"requeued": 0}
    assert door.get("/admin/purges?state=failed", OPERATOR).json()["purges"] == []
    _work(door, denying)
    assert document_tag("clinic", "documents", "letters/a.txt") in denying.asked[0].tags


def test_everything_dead_at_a_cdn_is_tried_again(door: Any, denying: Denying) -> None:
    for number in range(3):
        door.post("/admin/purge", {"documents": [{**A, "key": str(number)}]})
    _work(door, denying)
    assert door.post("/admin/purges/requeue", {"cdn": "edge"}).json() == {"requeued": 3}
    assert door.post("/admin/purges/requeue", {"cdn": "second"}).json() == {"requeued": 0}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "nothing-named"),
        ({"cdn": "edge", "purge": "p-1"}, 422, "nothing-named"),
        ({"cdn": "none"}, 422, "unknown-cdn"),
        ({"purge": "p-none"}, 404, "purge.not-found"),
        ({"zone": "clinic"}, 422, "body.invalid"),
    ],
)
def test_what_can_not_be_tried_again_is_refused(
    door: Any, body: object, status: int, code: str
) -> None:
    answer = door.post("/admin/purges/requeue", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_token_of_one_zone_sees_and_tries_again_what_is_its_own(
    door: Any, denying: Denying
) -> None:
    bodies = ({"documents": [A]}, {"zone": "lab"}, {"tags": ["x-1"]})
    clinic, lab, tag = (door.post("/admin/purge", body).json()["id"] for body in bodies)
    _work(door, denying)
    seen = door.get("/admin/purges?state=failed", {"Authorization": "Bearer labonly"}).json()
    assert [one["id"] for one in seen["purges"]] == [lab]
    for body in ({"purge": clinic}, {"purge": tag}, {"cdn": "edge"}):
        assert door.post("/admin/purges/requeue", body, "labonly").status_code == 403
    assert door.post("/admin/purges/requeue", {"purge": lab}, "labonly").status_code == 200


def test_the_list_is_paged_and_knows_no_other_states(door: Any) -> None:
    asked = [door.post("/admin/purge", {"tags": [f"x-{n}"]}).json()["id"] for n in range(102)]
    first = door.get("/admin/purges", OPERATOR).json()
    second = door.get(f"/admin/purges?before={first['before']}", OPERATOR).json()
    told = [one["id"] for one in (*first["purges"], *second["purges"])]
    assert (told, second["before"]) == (asked[::-1], None)
    assert door.get("/admin/purges?before=p-none", OPERATOR).json()["purges"] == []
    assert door.get("/admin/purges?state=queued", OPERATOR).status_code == 422
