from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from cdn.copies import digest_of
from cdn.providers.base import PurgeReceipt
from cdn.providers.null import Null
from cdn.providers.traces import Place
from cdn.tags import bucket_tag, document_tag, folder_tag, zone_tag
from gateway.documents import DocumentRef, Zone
from gateway.purges import PurgeRequest, Purges, PurgeTraces, PurgeWorker
from gateway.state import collapsing, copies
from gateway.state.database import Database

CLINIC = Zone(
    "clinic", "main", ("documents", "scans"), revocable=("documents/old/",), cdn=("edge",)
)
DOCUMENT = DocumentRef("clinic", "documents", "a/ö b.pdf")


class Asking(Null):
    """A CDN without tags, which asks for the places of those it is told."""

    def __init__(self, database: Database) -> None:
        super().__init__("edge")
        self._traces = PurgeTraces(database, {"clinic": CLINIC})
        self.found: dict[str, Sequence[Place]] = {}

    async def purge(self, tags: Sequence[str], *, soft: bool, key: str = "") -> PurgeReceipt:
        for tag in tags:
            self.found[tag] = await self._traces.places("edge", tag)
            assert await self._traces.places("another", tag) == []
        return await super().purge(tags, soft=soft, key=key)


def test_a_tag_is_traced_to_the_copies_that_were_noted(database: Database) -> None:
    traces = PurgeTraces(database, {"clinic": CLINIC})
    one, two = digest_of(b"/d/a"), digest_of(b"/d/b")
    database.write_now(lambda c: copies.note(c, ["d-1", "z-1"], [one], 2_000.0, 100))
    database.write_now(lambda c: copies.note(c, ["z-1"], [two], 1_000.0, 100))
    assert asyncio.run(traces.copies("z-1")) == {one, two}
    assert asyncio.run(traces.copies("d-2")) == set()
    assert database.write_now(lambda c: copies.trim(c, 1_500.0, 1))
    assert not database.write_now(lambda c: copies.trim(c, 1_500.0, 1))
    assert asyncio.run(traces.copies("z-1")) == {one}
    assert database.read_now(copies.count) == 2


def test_a_tag_that_a_collapse_made_bigger_is_traced_to_what_it_covers(database: Database) -> None:
    edge = Asking(database)
    purges = Purges(database, {"edge": edge}, {"clinic": CLINIC})
    documents = tuple(DocumentRef("clinic", bucket, "a/1") for bucket in CLINIC.buckets)
    purges.ask_now(PurgeRequest(documents), soft=False, by="", reason="", now=1_000.0)
    database.write_now(lambda c: collapsing.collapse(c, "edge", 1))
    asyncio.run(PurgeWorker(database, {"edge": edge}, clock=lambda: 1_000.0).drain())
    assert edge.found == {zone_tag("clinic"): [Place("documents"), Place("scans")]}


@pytest.mark.parametrize(
    ("request_", "tag", "places"),
    [
        (
            PurgeRequest(documents=(DOCUMENT,)),
            document_tag("clinic", "documents", "a/ö b.pdf"),
            [Place("documents", "a/ö b.pdf")],
        ),
        (
            PurgeRequest(zone="clinic", bucket="scans"),
            bucket_tag("clinic", "scans"),
            [Place("scans")],
        ),
        (
            PurgeRequest(prefixes=(("clinic", "documents/old/"),)),
            folder_tag("clinic", "documents", "old/"),
            [Place("documents")],
        ),
        (
            PurgeRequest(folders=(("clinic", "documents/any/"),)),
            folder_tag("clinic", "documents", "any"),
            [Place("documents")],
        ),
        (PurgeRequest(zone="clinic"), zone_tag("clinic"), [Place("documents"), Place("scans")]),
        (PurgeRequest(tags=("d-unknown",)), "d-unknown", []),
    ],
)
def test_a_tag_on_its_way_is_traced_to_what_was_asked(
    request_: PurgeRequest, tag: str, places: list[Place], database: Database
) -> None:
    edge = Asking(database)
    purges = Purges(database, {"edge": edge}, {"clinic": CLINIC})
    purges.ask_now(request_, soft=False, by="", reason="", now=1_000.0)
    purges.ask_now(PurgeRequest((DOCUMENT,)), soft=False, by="", reason="", now=1_000.0)
    asyncio.run(PurgeWorker(database, {"edge": edge}, clock=lambda: 1_000.0).drain())
    assert edge.found[tag] == places


def test_a_key_stands_for_every_bucket(database: Database) -> None:
    provider = Asking(database)
    purges = Purges(database, {"edge": provider}, {"clinic": CLINIC})
    purges.revoke_now(["k:k1"], by="", now=0.0)
    asyncio.run(PurgeWorker(database, {"edge": provider}).drain())
    assert provider.found == {zone_tag("clinic"): [Place("documents"), Place("scans")]}
