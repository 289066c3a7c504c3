"""Links that are good once: one delivery, and nothing that is no delivery uses it up."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from time import time
from typing import Any

import httpx
import pytest

from gateway.companions.uses import path_of
from gateway.documents import DocumentRef
from gateway.errors import StateUnavailable
from gateway.state.revocations import document_scope
from gateway.state.uses import Uses, trim
from signing.claims import LASTS
from signing.links import LinkRequest

BODY = b"%PDF-1.7\n" + bytes(range(256)) * 40
COOKIE = re.compile(
    r"(__Secure-ostiary-once-[A-Za-z0-9_-]{16})=([0-9]{10}\.[A-Za-z0-9_-]{32}); (.*)"
)


@pytest.fixture
def once(door: Any) -> str:
    """A link that is good once, to a document of 10,249 octets."""
    door.put("reports/a b.pdf", BODY)
    return issued(door)


def issued(door: Any, **wishes: object) -> str:
    wishes = {"grant": "original", "one_time": True, **wishes}
    return str(door.link("reports/a b.pdf", **wishes))


def kept(answer: httpx.Response) -> dict[str, str]:
    """The Cookie field of a browser that keeps what the answer sets."""
    found = COOKIE.fullmatch(answer.headers["set-cookie"])
    assert found is not None
    return {"Cookie": f"{found[1]}={found[2]}"}


def test_it_is_good_once(door: Any, once: str) -> None:
    first, second = door.get(once), door.get(once)
    assert (first.status_code, first.content) == (200, BODY)
    assert (second.status_code, second.json()["code"]) == (410, "link.used")
    for answer in (first, second):
        assert "no-store" in answer.headers["cache-control"]
    assert first.headers["cache-control"].startswith("private, no-store")
    assert "set-cookie" not in second.headers


def test_each_document_of_a_call_gets_a_link_of_its_own(door: Any) -> None:
    door.put("a.pdf", BODY)
    wishes = {"grant": "original", "one_time": True}
    links = [issued["url"] for _ in range(3) for issued in door.issue("a.pdf", "a.pdf", **wishes)]
    assert len(set(links)) == 6
    assert [door.get(link).status_code for link in links] == [200] * 6


def test_a_name_that_was_given_twice_is_good_once(door: Any, once: str) -> None:
    """A signer that gives one name to two links has given one use."""
    signer = door.parts.rules.signer
    path, query = once.removeprefix("http://gateway.test").encode().split(b"?")
    link = signer.read(path, query)
    request = LinkRequest("clinic", "documents", link.key, link.grant, one_time=link.one_time)
    other = signer.issue(replace(request, expires_in=100), link.expires_at - 1000)
    assert other.target != link.target
    assert door.get(once).status_code == 200
    assert door.get(other.target).status_code == 410


def test_a_family_is_never_good_once(door: Any) -> None:
    door.put("a.pdf", BODY)
    for grant in ("all", "previews"):
        [refused] = door.issue("a.pdf", one_time=True, grant=grant)
        assert refused["error"]["code"] == "link.unsignable"
        assert "x-NAME" in refused["error"]["hint"]


def test_no_other_rendition_is_had_by_it(door: Any, once: str) -> None:
    for name in ("w640", "linear", "p1-text"):
        other = door.get(once.replace("/d/original/", f"/d/{name}/"))
        assert (other.status_code, other.json()["code"]) == (403, "rendition.refused")
    assert door.get(once).status_code == 200


def test_head_is_refused_and_uses_nothing_up(door: Any, once: str) -> None:
    """Applications for chats look at links before anybody does."""
    for _ in range(3):
        head = door.ask("HEAD", once)
        assert (head.status_code, head.headers["allow"]) == (405, "GET, OPTIONS")
        assert head.headers["cache-control"] == "no-store"
        assert "etag" not in head.headers
    assert door.ask("OPTIONS", once).status_code == 204
    assert door.ask("DELETE", once).status_code == 405
    assert door.get(once).status_code == 200
    assert door.ask("HEAD", once).status_code == 405


def test_what_sends_nothing_uses_nothing_up(door: Any, once: str) -> None:
    etag = door.get(issued(door)).headers["etag"]
    for fields, status in (
        ({"If-None-Match": etag}, 304), ({"If-Match": '"other"'}, 412),
        ({"Range": "bytes=99999-"}, 416), ({"If-None-Match": "*"}, 304),
    ):  # fmt: skip
        answer = door.get(once, fields)
        assert answer.status_code == status
        assert "no-store" in answer.headers["cache-control"]
        assert "set-cookie" not in answer.headers
    assert door.get(once).status_code == 200


def test_a_used_link_tells_nothing_more(door: Any, once: str) -> None:
    etag = door.get(once).headers["etag"]
    for fields in ({"If-None-Match": etag}, {"If-Match": '"other"'}, {"Range": "bytes=99999-"}):
        answer = door.get(once, fields)
        assert (answer.status_code, answer.json()["code"]) == (410, "link.used")
        assert "etag" not in answer.headers


def test_a_document_that_is_not_there_uses_nothing_up(door: Any, once: str) -> None:
    ref = DocumentRef("clinic", "documents", "reports/a b.pdf")
    door.store.remove("documents", "reports/a b.pdf")
    door.parts.catalogue.forget(ref)
    gone = door.get(once)
    assert gone.status_code == 404
    assert "no-store" in gone.headers["cache-control"]
    assert gone.headers["cdn-cache-control"] == "no-store"
    assert "cache-tag" not in gone.headers
    door.put("reports/a b.pdf", BODY)
    door.parts.catalogue.forget(ref)
    assert door.get(once).status_code == 200


def test_the_first_octet_is_a_delivery(door: Any, once: str) -> None:
    """Whoever asks for one octet after the other would have it all."""
    probed = door.get(once, {"Range": "bytes=0-0"})
    assert (probed.status_code, probed.content) == (206, BODY[:1])
    assert door.get(once, {"Range": "bytes=1-1"}).status_code == 410
    assert door.get(once).status_code == 410


def test_ranges_go_on_with_the_cookie(door: Any, once: str) -> None:
    mine = kept(door.get(once, {"Range": "bytes=0-99"}))
    for at in (100, 5000, 0):
        more = door.get(once, {"Range": f"bytes={at}-{at + 9}", **mine})
        assert (more.status_code, more.content) == (206, BODY[at : at + 10])
        assert "no-store" in more.headers["cache-control"]
        assert "set-cookie" not in more.headers
    assert door.get(once, mine).status_code == 410
    assert door.get(once, {"Range": "bytes=0-1"}).status_code == 410


@pytest.mark.parametrize(
    "fields",
    [
        {"Range": ""},
        {"Range": "octets=0-9"},
        {"Range": "bytes=9-1"},
        {"Range": "bytes=0-9", "If-Range": '"another"'},
    ],
    ids=["empty", "unit", "backwards", "another-version"],
)
def test_a_range_that_does_not_count_asks_for_the_whole(
    door: Any, once: str, fields: dict[str, str]
) -> None:
    mine = kept(door.get(once, {"Range": "bytes=0-99"}))
    answer = door.get(once, {**fields, **mine})
    assert (answer.status_code, answer.json()["code"]) == (410, "link.used")
    assert door.get(once, {"Range": "bytes=0-1", **mine}).status_code == 206


def test_what_has_replaced_the_document_is_not_had_by_the_cookie(door: Any, once: str) -> None:
    first = door.get(once, {"Range": "bytes=0-99"})
    door.put("reports/a b.pdf", BODY[::-1])
    door.parts.catalogue.forget(DocumentRef("clinic", "documents", "reports/a b.pdf"))
    goes_on = {"Range": "bytes=100-199", "If-Range": first.headers["etag"], **kept(first)}
    assert door.get(once, goes_on).status_code == 410


def test_the_cookie_is_for_that_path_alone(door: Any, once: str) -> None:
    found = COOKIE.fullmatch(door.get(once).headers["set-cookie"])
    assert found is not None
    attributes = found[3].split("; ")
    assert f"Max-Age={LASTS}" in attributes
    assert "Path=/d/original/clinic/documents/-/reports/a%20b.pdf" in attributes
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert not [text for text in attributes if text.startswith("Domain")]


@pytest.mark.parametrize(
    ("site", "goal", "kind"),
    [
        ("same-origin", "image", "SameSite=Lax"),
        ("same-site", "image", "SameSite=Lax"),
        ("none", "document", "SameSite=Lax"),
        ("cross-site", "document", "SameSite=Lax"),
        ("cross-site", "iframe", "SameSite=None; Partitioned"),
        ("cross-site", "video", "SameSite=None; Partitioned"),
    ],
)
def test_a_page_of_another_site_has_a_cookie_of_its_own(
    door: Any, once: str, site: str, goal: str, kind: str
) -> None:
    answer = door.get(once, {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": goal})
    assert answer.headers["set-cookie"].endswith(kind)


def test_the_cookie_of_another_link_opens_nothing(door: Any, once: str) -> None:
    other, further = kept(door.get(issued(door))), issued(door)
    mine = kept(door.get(once))
    name, _, value = other["Cookie"].partition("=")
    mine_name = mine["Cookie"].partition("=")[0]
    for cookie in (
        other["Cookie"], f"{mine_name}={value}", f"{name}={mine['Cookie'].partition('=')[2]}",
        f"{mine_name}=", mine_name, f"{mine['Cookie']}x", f"x{mine['Cookie']}",
    ):  # fmt: skip
        answer = door.get(once, {"Range": "bytes=0-1", "Cookie": cookie})
        assert answer.status_code == 410, cookie
    assert door.get(further, {"Range": "bytes=0-1", **mine}).status_code == 206


def test_a_full_jar_does_not_hide_the_cookie(door: Any, once: str) -> None:
    mine = kept(door.get(once))["Cookie"]
    name = mine.partition("=")[0]
    others = "; ".join(f"__Secure-ostiary-once-{number:016}=1.x" for number in range(150))
    slipped = "; ".join([f"{name}=forged"] * 3)
    for jar in (f"{others}; {mine}", f"{mine}; {others}", f"{slipped}; {mine}"):
        answer = door.get(once, {"Range": "bytes=0-1", "Cookie": jar})
        assert answer.status_code == 206


def test_the_cookie_is_over_after_a_minute(door: Any, once: str) -> None:
    signer = door.parts.rules.signer
    door.get(once)
    path, query = once.removeprefix("http://gateway.test").encode().split(b"?")
    link, now = signer.read(path, query), int(time())
    for age, status in ((LASTS - 20, 206), (LASTS, 410), (LASTS + 20, 410)):
        ticket = signer.ticket(link, now - age)
        jar = f"__Secure-ostiary-once-{link.one_time}={ticket}"
        assert door.get(once, {"Range": "bytes=0-1", "Cookie": jar}).status_code == status


def test_fifty_at_once_get_one_answer(door: Any, once: str) -> None:
    async def race() -> list[int]:
        answers = await asyncio.gather(*(door.client.get(once) for _ in range(50)))
        return [answer.status_code for answer in answers]

    statuses = door.run(race())
    assert sorted(statuses) == [200] + [410] * 49


def test_what_was_revoked_is_not_used(door: Any, once: str) -> None:
    ref = {"zone": "clinic", "bucket": "documents", "key": "reports/a b.pdf"}
    assert door.post("/admin/revoke", {"documents": [ref]}).status_code in (200, 202)
    assert door.get(once).json()["code"] == "link.revoked"


class Broken(Uses):
    async def use(self, zone: str, name: str, until: int, at: int) -> bool:
        raise StateUnavailable("the disk is full")


class Unread(Uses):
    def used(self, zone: str, name: str) -> bool:
        raise StateUnavailable("the disk is gone")


@pytest.mark.parametrize("broken", [Broken, Unread])
def test_a_state_out_of_reach_shows_nothing(door: Any, once: str, broken: type[Uses]) -> None:
    """Nobody gets a document on a use that may be forgotten."""
    sound = door.apps.main._one_time._uses
    door.apps.main._one_time._uses = broken(door.parts.database)
    answer = door.get(once)
    assert (answer.status_code, answer.json()["code"]) == (503, "state.unavailable")
    assert "set-cookie" not in answer.headers
    door.apps.main._one_time._uses = sound
    assert door.get(once).status_code == 200


def test_a_link_revoked_while_its_use_is_written_shows_nothing(door: Any, once: str) -> None:
    class Slow(Uses):
        async def use(self, zone: str, name: str, until: int, at: int) -> bool:
            used = await super().use(zone, name, until, at)
            ref = DocumentRef("clinic", "documents", "reports/a b.pdf")
            await door.parts.purges.revoke([document_scope(ref)], by="me", now=time())
            return used

    door.apps.main._one_time._uses = Slow(door.parts.database)
    answer = door.get(once)
    assert (answer.status_code, answer.json()["code"]) == (410, "link.revoked")


def test_a_use_is_forgotten_when_its_link_is_dead(door: Any, once: str) -> None:
    door.get(once)
    database = door.parts.database

    def left() -> int:
        counted = "SELECT count(*) FROM used_link"
        return int(database.read_now(lambda connection: connection.execute(counted).fetchone())[0])

    dies = int(once.split(".")[-6])
    for now, count in ((time(), 1), (dies, 1), (dies + 86_460, 1), (dies + 86_461, 0)):
        database.write_now(lambda connection, now=now: trim(connection, now))
        assert left() == count


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/d/original/c/d/-/a.pdf?t=1.k", "/d/original/c/d/-/a.pdf"),
        ("/d/original/c/d/-/a;b.pdf?t=1.k", "/d/original/c/d/-/"),
        ("/d/original/c/d/-/x;y/a;b?t=1.k", "/d/original/c/d/-/"),
        ("/d/original/c/;d/-/a.pdf?t=1.k", "/d/original/c/"),
        (f"/d/original/c/d/-/{'x' * 1100}?t=1.k", "/d/"),
    ],
)
def test_a_cookies_path_is_as_narrow_as_it_can_be(target: str, path: str) -> None:
    assert path_of(target) == path
