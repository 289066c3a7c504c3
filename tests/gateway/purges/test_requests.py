from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from cdn.providers.null import Null
from cdn.purge import PurgeState
from cdn.tags import bucket_tag, document_tag, folder_tag, zone_tag
from gateway.documents import DocumentRef, Zone
from gateway.errors import RequestRefused
from gateway.purges import PurgeRequest, Purges, PurgeWorker
from gateway.state.database import Database
from gateway.state.feed import FeedRow
from gateway.state.receipts import URGENT
from gateway.state.revocations import Revocations, declare

NOW = 1_000.0
CLINIC = Zone(
    "clinic", "main", ("documents",), revocable=("documents/reports/",), cdn=("edge", "second")
)
BARE = Zone("bare", "main", ("archive",))
LETTER = DocumentRef("clinic", "documents", "letter.pdf")
OLD = DocumentRef("bare", "archive", "old.pdf")


class HardOnly(Null):
    soft = False


class Office:
    """Purges of two zones, one without a CDN, at two providers, one without soft purges."""

    def __init__(self, database: Database) -> None:
        self.edge, self.second = Null("edge"), HardOnly("second")
        self.providers = {"edge": self.edge, "second": self.second}
        self.database = database
        self.purges = Purges(database, self.providers, {"clinic": CLINIC, "bare": BARE})
        self.worker = PurgeWorker(database, self.providers, clock=lambda: NOW)
        database.write_now(lambda connection: declare(connection, [CLINIC, BARE], NOW))
        self.revocations = Revocations(database)
        self.told = list[FeedRow]()
        self.revocations.follower.subscribe(self.told.append)

    def asked(self) -> dict[str, list[tuple[tuple[str, ...], bool]]]:
        return {
            name: [(purge.tags, purge.soft) for purge in provider.asked]
            for name, provider in (("edge", self.edge), ("second", self.second))
        }

    def news(self) -> list[tuple[str, str]]:
        self.revocations.fresh()
        return [(row.kind, row.scope) for row in self.told]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def ask(office: Office, request: PurgeRequest, *, soft: bool = True) -> str:
    return asyncio.run(
        office.purges.ask(request, soft=soft, by="clerk", reason="edited", now=NOW)
    ).id


@pytest.mark.parametrize(
    ("request_", "tag", "scope"),
    [
        (PurgeRequest((LETTER,)), document_tag("clinic", "documents", "letter.pdf"), "d"),
        (PurgeRequest(zone="clinic", bucket="documents"), bucket_tag("clinic", "documents"), "b"),
        (PurgeRequest(zone="clinic"), zone_tag("clinic"), "z"),
    ],
)
def test_every_cache_and_every_process_hears_of_a_purge(
    office: Office, request_: PurgeRequest, tag: str, scope: str
) -> None:
    purge = ask(office, request_)
    asyncio.run(office.worker.drain())
    assert office.asked() == {"edge": [((tag,), True)], "second": [((tag,), False)]}
    assert [(kind, named[0]) for kind, named in office.news()] == [("changed", scope)]
    status = asyncio.run(office.purges.status(purge))
    assert status is not None
    assert status.state is PurgeState.SENT


def test_a_tag_is_purged_at_every_provider(office: Office) -> None:
    ask(office, PurgeRequest(tags=("d-1", "d-2")), soft=False)
    asyncio.run(office.worker.drain())
    assert office.asked() == {name: [(("d-1", "d-2"), False)] for name in ("edge", "second")}
    assert office.news() == []


def test_a_zone_without_a_cdn_is_confirmed_at_once_and_told_to_every_process(
    office: Office,
) -> None:
    status = office.purges.ask_now(
        PurgeRequest((OLD,)), soft=True, by="clerk", reason="edited", now=NOW
    )
    assert status.state is PurgeState.CONFIRMED
    assert office.news() == [("changed", "d:bare/archive/old.pdf")]


def test_what_was_asked_is_kept(office: Office) -> None:
    request = PurgeRequest((LETTER,), tags=("d-1",), zone="clinic")
    status = asyncio.run(office.purges.status(ask(office, request)))
    assert status is not None
    kept = status.purge
    assert (kept.by, kept.reason, kept.soft, kept.at) == ("clerk", "edited", True, NOW)
    assert json.loads(kept.asked) == {
        "scopes": ["d:clinic/documents/letter.pdf", "z:clinic"],
        "tags": ["d-1"],
    }


@pytest.mark.parametrize(
    "request_",
    [
        PurgeRequest((DocumentRef("nowhere", "documents", "a"),)),
        PurgeRequest((DocumentRef("clinic", "archive", "a"),)),
        PurgeRequest((DocumentRef("clinic", "documents", ""),)),
        PurgeRequest((LETTER, DocumentRef("bare", "documents", "a"))),
        PurgeRequest(zone="nowhere"),
        PurgeRequest(zone="clinic", bucket="archive"),
    ],
)
def test_what_no_zone_has_is_refused_whole(office: Office, request_: PurgeRequest) -> None:
    with pytest.raises(RequestRefused) as caught:
        ask(office, request_)
    assert caught.value.status == 422
    assert office.news() == []
    assert asyncio.run(office.purges.depths()) == []


@pytest.mark.parametrize("tag", ["", "Z", "d:1", "ä", "a" * 33, "a b"])
def test_a_request_that_means_nothing_can_not_be_built(tag: str) -> None:
    with pytest.raises(RequestRefused):
        PurgeRequest(tags=(tag,))
    with pytest.raises(RequestRefused):
        PurgeRequest()
    with pytest.raises(RequestRefused):
        PurgeRequest(bucket="documents")


@pytest.mark.parametrize(
    ("scope", "tag"),
    [
        ("z:clinic", zone_tag("clinic")),
        ("b:clinic/documents", bucket_tag("clinic", "documents")),
        ("p:clinic/documents/reports/", folder_tag("clinic", "documents", "reports")),
        ("d:clinic/documents/a/b.pdf", document_tag("clinic", "documents", "a/b.pdf")),
    ],
)
def test_a_revocation_counts_up_and_purges_hard(office: Office, scope: str, tag: str) -> None:
    status = asyncio.run(office.purges.revoke([scope, scope], by="clerk", now=NOW))
    assert status.purge.reason == "revoked"
    assert office.news() == [("revoked", scope)]
    assert office.told[0].value == 1
    asyncio.run(office.worker.drain())
    assert office.asked() == {name: [((tag,), False)] for name in ("edge", "second")}


def test_the_next_request_after_a_revocation_knows(office: Office) -> None:
    for count in range(1, 20):
        office.purges.revoke_now(["d:clinic/documents/letter.pdf"], by="clerk", now=NOW)
        office.revocations.fresh()
        assert office.revocations.generation(CLINIC, "documents", "letter.pdf") == count


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "z:",
        "z:nowhere",
        "z:clinic/",
        "b:clinic",
        "b:clinic/",
        "b:clinic/archive",
        "b:clinic/documents/",
        "d:clinic/documents",
        "d:clinic/documents/",
        "d:nowhere/documents/a",
        "p:clinic/documents/",
        "p:clinic/documents/reports",
        "p:clinic/documents/reports/2026/",
        "p:bare/documents/reports/",
        "x:clinic/documents/a",
        "v:",
        "k:",
        "k:K1",
        "k:123456789",
        "clinic",
    ],
)
def test_a_scope_of_no_effect_is_refused_with_all_the_others(office: Office, scope: str) -> None:
    with pytest.raises(RequestRefused):
        asyncio.run(office.purges.revoke(["z:clinic", scope], by="clerk", now=NOW))
    assert office.news() == []
    with pytest.raises(RequestRefused):
        office.purges.revoke_now([], by="clerk", now=NOW)


def test_hard_and_soft_requests_are_taken_down_together(office: Office) -> None:
    buckets = (("clinic", "documents"), ("bare", "archive"))
    asked = [(PurgeRequest((LETTER, OLD)), False), (PurgeRequest(buckets=buckets), True)]
    each = asyncio.run(office.purges.ask_each(asked, by="hook", reason="told", now=NOW))
    assert [status.purge.soft for status in each] == [False, True]
    assert {scope for _, scope in office.news()} == {
        "d:clinic/documents/letter.pdf",
        "d:bare/archive/old.pdf",
        "b:clinic/documents",
        "b:bare/archive",
    }
    asyncio.run(office.worker.drain())
    letter, bucket = document_tag(*LETTER), bucket_tag("clinic", "documents")
    assert sorted(office.asked()["edge"]) == sorted([((letter,), False), ((bucket,), True)])


def test_of_requests_made_together_none_is_taken_when_one_is_refused(office: Office) -> None:
    asked = [(PurgeRequest((LETTER,)), True), (PurgeRequest(zone="nowhere"), False)]
    with pytest.raises(RequestRefused):
        asyncio.run(office.purges.ask_each(asked, by="hook", reason="told", now=NOW))
    assert office.news() == []
    assert asyncio.run(office.purges.depths()) == []


def test_revoking_a_viewer_purges_nothing_and_leaves_a_receipt(office: Office) -> None:
    status = asyncio.run(office.purges.revoke(["v:jane", "v:jane"], by="clerk", now=NOW))
    assert (status.state, status.purge.reason) == (PurgeState.CONFIRMED, "revoked")
    assert json.loads(status.purge.asked)["scopes"] == ["v:jane"]
    assert office.news() == [("revoked", "v:jane")]
    assert office.revocations.refused("jane")
    again = office.purges.revoke_now(["v:jane"], by="clerk", now=NOW)
    assert again.id != status.id
    office.revocations.fresh()
    assert office.revocations.refused("jane")
    assert asyncio.run(office.purges.depths()) == []


def test_revoking_a_key_empties_every_zone_and_can_not_be_done_twice(office: Office) -> None:
    for _ in range(2):
        office.purges.revoke_now(["k:k1"], by="clerk", now=NOW)
    assert office.news() == [("revoked", "k:k1")]
    assert office.revocations.keys == {"k1"}
    assert office.revocations.generation(CLINIC, "documents", "letter.pdf") == 0
    asyncio.run(office.worker.drain())
    assert office.asked() == {name: [((zone_tag("clinic"),), False)] for name in office.providers}
    assert Revocations(office.database).keys == {"k1"}, "known to a process that starts later"


def test_a_viewer_and_a_document_go_in_one_revocation(office: Office) -> None:
    office.purges.revoke_now(["v:jane", "z:clinic"], by="clerk", now=NOW)
    asyncio.run(office.worker.drain())
    assert office.asked()["edge"] == [((zone_tag("clinic"),), False)]
    office.revocations.fresh()
    assert office.revocations.refused("jane")


def test_reinstating_is_written_down_and_reaches_the_next_request(office: Office) -> None:
    office.purges.revoke_now(["v:jane", "v:john"], by="clerk", now=NOW)
    status = asyncio.run(office.purges.reinstate(["jane"], by="chief", now=NOW))
    assert (status.purge.reason, status.purge.by) == ("reinstated", "chief")
    office.revocations.fresh()
    assert [office.revocations.refused(name) for name in ("jane", "john")] == [False, True]
    for nobody in ([], [""], ["jane", ""]):
        with pytest.raises(RequestRefused):
            office.purges.reinstate_now(nobody, by="chief", now=NOW)


def test_waiting_ends_when_the_first_pass_is_done(office: Office) -> None:
    async def scenario() -> PurgeState:
        request = PurgeRequest((LETTER,))
        purge = await office.purges.ask(request, soft=True, by="", reason="", now=NOW)
        waiting = asyncio.create_task(office.purges.wait(purge.id, 30))
        await office.worker.drain()
        status = await asyncio.wait_for(waiting, 10)
        assert status is not None
        return status.state

    assert asyncio.run(scenario()) is PurgeState.SENT


def test_waiting_ends_with_the_time_asked_for(office: Office) -> None:
    purge = ask(office, PurgeRequest((LETTER,)))
    status = asyncio.run(office.purges.wait(purge, 0.02))
    assert status is not None
    assert status.state is PurgeState.QUEUED
    assert asyncio.run(office.purges.wait("p-unknown", 5)) is None


REVOKER = """
import pathlib, sys, time
from cdn.providers.null import Null
from gateway.documents import Zone
from gateway.purges import Purges
from gateway.state.database import Database
zone = Zone("clinic", "main", ("documents",), cdn=("edge",))
purges = Purges(Database.open(pathlib.Path(sys.argv[1])), {"edge": Null("edge")}, {"clinic": zone})
number = 0
while True:
    purge = purges.revoke_now([f"d:clinic/documents/{number % 7}"], by="", now=time.time())
    number += 1
    print(purge.id, flush=True)
"""


def test_a_killed_revoker_leaves_counter_news_and_purge_together(
    office: Office, child: Callable[..., subprocess.Popen[str]]
) -> None:
    acknowledged = list[str]()
    for _ in range(2):
        process = child(REVOKER)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(30)]
        process.kill()
        lines += process.communicate()[0].splitlines(keepends=True)
        acknowledged += [line.strip() for line in lines if line.endswith("\n")]

    def count(statement: str) -> int:
        number: int = office.database.read_now(lambda c: c.execute(statement).fetchone()[0])
        return number

    revoked = count("SELECT sum(counter) FROM revocation")
    assert len(acknowledged) <= revoked <= len(acknowledged) + 2
    assert count("SELECT count(*) FROM feed WHERE kind = 'revoked'") == revoked
    assert count("SELECT count(*) FROM purge") == revoked
    assert count("SELECT count(*) FROM purge_wait") == revoked
    assert all(asyncio.run(every(office, acknowledged)))
    office.revocations.fresh()
    known = (office.revocations.generation(CLINIC, "documents", str(n)) for n in range(7))
    assert sum(known) == revoked


async def every(office: Office, purges: list[str]) -> list[bool]:
    return [await office.purges.status(purge) is not None for purge in purges]


def test_links_killed_by_an_undeclared_prefix_lose_their_copies_too(database: Database) -> None:
    provider = Null("edge")
    zone = replace(CLINIC, cdn=("edge",))
    bare = replace(zone, revocable=())
    for zones in (zone, bare):
        purges = Purges(database, {"edge": provider}, {zone.name: zones})
        purges.declare_now(NOW)
    [job] = database.read_now(
        lambda connection: connection.execute("SELECT tag, soft FROM purge_job").fetchall()
    )
    assert tuple(job) == (zone_tag(zone.name), 0)
    assert Revocations(database).generation(bare, "documents", "a") >= int(NOW)


def test_what_a_cdn_gives_away_is_withdrawn_hard_and_ahead_of_edits(database: Database) -> None:
    zone = replace(CLINIC, cdn=("edge",))
    purges = Purges(database, {"edge": Null("edge")}, {zone.name: zone})
    database.write_now(lambda connection: purges.withdraw(connection, zone.name, NOW))
    [job] = database.read_now(
        lambda connection: connection.execute(
            "SELECT tag, soft, priority FROM purge_job"
        ).fetchall()
    )
    assert tuple(job) == (zone_tag(zone.name), 0, URGENT)
