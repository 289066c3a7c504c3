"""Copies: what a cache without tags may keep is known before it is sent, or kept by nobody."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from cdn.copies import digest_of
from cdn.policy import NoStore, Private, Shared
from cdn.tags import Tags, document_tag
from gateway.copies import LONGEST, Copies, key_of
from gateway.permits import Permit
from gateway.state import copies
from gateway.state.database import Database
from signing.grants import Grant
from signing.targets import Link, link_of

NOW = 1_800_000_000.0
SCOPE = "clinic/documents/-/a.pdf"
BODY = "1.k1.1800003600.3.-.-.ia"
LINK: Link = link_of("original", SCOPE, BODY, "A" * 32, ("documents", "a.pdf"))
ASKED = (f"/d/original/{SCOPE}".encode(), f"t={BODY}.{'A' * 32}".encode())
PLAIN = digest_of(b"?".join(ASKED))
SHARED = digest_of(ASKED[0] + b"?c=iw3")
TAGS = Tags.of("clinic", "documents", "a.pdf", "-")
DOCUMENT = document_tag("clinic", "documents", "a.pdf")
POLICY = Shared(TAGS, 300, 600)


@pytest.fixture
def index(database: Database) -> Copies:
    return Copies(database, ["clinic"])


def kept(database: Database, tag: str = DOCUMENT) -> dict[bytes, float]:
    def read(connection: sqlite3.Connection) -> dict[bytes, float]:
        return dict(
            connection.execute("SELECT digest, until FROM copy WHERE tag = ?", (tag,)).fetchall()
        )

    return database.read_now(read)


def note(index: Copies, policy: Any = POLICY, now: float = NOW) -> Any:
    return asyncio.run(index.note(LINK, ASKED, policy, now))


def test_a_copy_is_known_under_all_its_tags_and_by_both_its_keys(
    index: Copies, database: Database
) -> None:
    assert index.known(LINK, ASKED, POLICY, NOW) is None
    assert note(index) == POLICY
    for tag in TAGS:
        assert kept(database, tag).keys() == {PLAIN, SHARED}
    assert min(kept(database).values()) >= NOW + 600
    assert index.known(LINK, ASKED, POLICY, NOW) == POLICY
    assert key_of(LINK) == b"c=iw3"


def test_nothing_of_the_url_is_kept_but_its_digest(index: Copies, database: Database) -> None:
    note(index)
    database.close()
    for path in database.path.parent.iterdir():
        text = path.read_bytes()
        assert b"a.pdf" not in text
        assert b"A" * 32 not in text


def test_a_later_end_is_noted_again_and_an_earlier_one_changes_nothing(
    index: Copies, database: Database
) -> None:
    note(index)
    before = kept(database)
    note(index, POLICY, NOW - 1_000)
    assert kept(database) == before
    assert index.known(LINK, ASKED, POLICY, NOW + 1_000) is None
    note(index, POLICY, NOW + 1_000)
    assert min(kept(database).values()) >= NOW + 1_600


def test_an_edge_that_asks_by_the_key_of_a_copy_has_no_other(
    index: Copies, database: Database
) -> None:
    asyncio.run(index.note(LINK, (ASKED[0], b"c=iw3"), POLICY, NOW))
    assert kept(database).keys() == {SHARED}


def test_a_public_object_is_known_by_its_url(index: Copies, database: Database) -> None:
    asked = (b"/storage/v1/object/public/documents/a.pdf", b"")
    permit = Permit("clinic", "documents", "a.pdf", "original", Grant("inline", "original"), 0, 0)
    asyncio.run(index.note(permit, asked, POLICY, NOW))
    assert kept(database).keys() == {digest_of(asked[0])}


def test_no_copy_outlives_a_day(index: Copies) -> None:
    told = note(index, Shared(TAGS, 300, 31_536_000))
    assert (told.cdn_ttl, told.browser_ttl) == (LONGEST, 300)


@pytest.mark.parametrize("policy", [NoStore(), Private(60)])
def test_what_no_cache_may_keep_is_not_noted(
    index: Copies, database: Database, policy: Any
) -> None:
    assert index.known(LINK, ASKED, policy, NOW) == policy
    assert note(index, policy) == policy
    assert kept(database) == {}


def test_a_zone_whose_caches_know_tags_is_not_noted(database: Database) -> None:
    index = Copies(database, ["lab"])
    assert index.known(LINK, ASKED, POLICY, NOW) == POLICY
    assert note(index) == POLICY
    assert kept(database) == {}
    assert not Copies(database).traced


def test_a_full_index_lets_nobody_keep_more(database: Database) -> None:
    index = Copies(database, ["clinic"], most=9)
    assert note(index) == NoStore()
    assert kept(database) == {}
    assert index.known(LINK, ASKED, POLICY, NOW) is None


def test_an_index_that_can_not_be_written_lets_nobody_keep_anything(
    index: Copies, database: Database
) -> None:
    database.close()
    assert note(index) == NoStore()
    assert index.known(LINK, ASKED, POLICY, NOW) is None


def test_what_is_remembered_is_bounded(database: Database) -> None:
    index = Copies(database, ["clinic"], remembered=2)
    note(index)
    asyncio.run(index.note(LINK, (b"/other", b""), POLICY, NOW))
    assert index.known(LINK, ASKED, POLICY, NOW) is None


def test_a_database_counts_what_comes_and_goes(index: Copies, database: Database) -> None:
    note(index)
    rows = 2 * len(list(TAGS))
    assert database.read_now(copies.count) == rows
    note(index)
    assert database.read_now(copies.count) == rows
    assert not database.write_now(lambda c: copies.trim(c, NOW + 10_000, 100))
    assert database.read_now(copies.count) == 0


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    """A zone behind an nginx."""
    nginx = {"provider": "nginx", "url": "http://127.0.0.1:9", "secret": "s" * 32}
    door = open_door(cdn={"nginx": nginx})
    door.put("a.txt", b"a")
    return door


def test_an_answer_is_known_before_it_is_sent_and_from_memory_too(door: Any) -> None:
    link = door.link("a.txt")
    target = "/d/" + link.partition("/d/")[2]
    for _ in range(2):
        assert int(door.get(link).headers["x-accel-expires"]) > 0
        tag = document_tag("clinic", "documents", "a.txt")
        assert digest_of(target.encode()) in kept(door.parts.database, tag)


def test_an_answer_that_can_not_be_noted_may_not_be_kept(door: Any) -> None:
    link = door.link("a.txt")
    full = "UPDATE copy_count SET number = 2000000000"
    door.parts.database.write_now(lambda connection: connection.execute(full))
    answer = door.get(link)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "x-accel-expires" not in answer.headers


def test_what_is_not_there_is_not_noted_and_not_kept(door: Any) -> None:
    link = door.link("a.txt")
    door.store.remove("documents", "a.txt")
    document = {"zone": "clinic", "bucket": "documents", "key": "a.txt"}
    door.post("/admin/purge", {"documents": [document]})
    answer = door.get(link)
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
    assert kept(door.parts.database) == {}


def test_a_link_revoked_while_its_copy_is_noted_is_not_served(door: Any) -> None:
    """The note is written before the last look at what was revoked."""
    link = door.link("a.txt")
    revoked = door.parts.purges.revoke_now

    class Late(Copies):
        async def note(self, *told: Any) -> Any:
            policy = await super().note(*told)
            revoked(["d:clinic/documents/a.txt"], by="", now=NOW)
            return policy

    deliverer = door.parts.deliverer
    deliverer.copies = Late(door.parts.database, ["clinic"])
    assert door.get(link).status_code == 410
