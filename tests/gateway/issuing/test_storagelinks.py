"""URLs of the storage routes: in the ledger before they are given, and given again in a window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.documents import DocumentRef
from gateway.errors import ResidencyRefused, StateUnavailable
from gateway.issuing.storagelinks import REMEMBERED, Order, StorageIssuer
from gateway.state.database import Database
from gateway.state.ledger import IssueRow, Ledger
from gateway.state.revocations import bump, document_scope, zone_scope
from signing.errors import Unsignable
from signing.grants import Grant
from signing.storage import StorageLink

NOW = 1_800_000_000
ORIGINAL = Grant("inline", "original")
SMALL = Grant("inline", "exact", "w100")


class Writing(Ledger):
    """The ledger, and what was written into it in which call."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.written: list[list[IssueRow]] = []
        self.full = False

    async def record_issue(self, rows: Sequence[IssueRow]) -> None:
        if rows and self.full:
            raise StateUnavailable("disk full")
        await super().record_issue(rows)
        self.written.append(list(rows))


class Desk:
    """The issuer of a gateway's own rules and database."""

    def __init__(self, door: Any) -> None:
        self.door = door
        self.ledger = Writing(door.parts.database)
        self.issuer = StorageIssuer(door.parts.rules, self.ledger)
        self.order = Order(door.parts.rules.zones["clinic"], "documents", ORIGINAL, 600, "viewer:a")

    def issue(self, *keys: str, now: int = NOW, **changes: Any) -> list[StorageLink | Unsignable]:
        order = replace(self.order, **changes)
        links: list[StorageLink | Unsignable] = self.door.run(self.issuer.issue(order, keys, now))
        return links

    def link(self, key: str = "a.pdf", now: int = NOW, **changes: Any) -> StorageLink:
        [link] = self.issue(key, now=now, **changes)
        assert isinstance(link, StorageLink), link
        return link

    def rows(self) -> list[IssueRow]:
        return [row for rows in self.ledger.written for row in rows]

    def bump(self, scope: str) -> None:
        self.door.parts.database.write_now(lambda connection: bump(connection, scope, NOW))


@pytest.fixture
def desk(door: Any) -> Desk:
    return Desk(door)


def test_a_link_is_for_what_was_ordered_and_no_longer_than_asked(desk: Desk) -> None:
    link = desk.link("a b.pdf")
    assert link.target.startswith("/object/sign/documents/a b.pdf?token=1.k1.")
    assert NOW < link.expires_at <= NOW + 600
    small = desk.link("a b.pdf", grant=SMALL)
    assert small.target.startswith("/render/image/sign/documents/a b.pdf?token=1.")
    assert small.rendition == "w100"
    longest = desk.link("a b.pdf", expires_in=10**9)
    assert longest.expires_at <= NOW + 86_400


def test_the_ledger_holds_who_got_what_until_when(desk: Desk) -> None:
    link = desk.link(grant=SMALL)
    [row] = desk.rows()
    assert (row.link_id, row.actor, row.zone, row.bucket, row.key) == (
        *(link.id, "viewer:a"),
        *("clinic", "documents", "a.pdf"),
    )
    assert (row.grant, row.version, row.generation, row.kid) == ("ix-w100", "-", 0, "k1")
    assert (row.expires_at, row.issued_at) == (link.expires_at, NOW)
    assert row.document_id == desk.door.issue_tag("a.pdf")
    assert desk.door.run(desk.ledger.by_actor("viewer:a")) == [row]


def test_who_asks_again_gets_the_same_text_and_no_second_row(desk: Desk) -> None:
    first = desk.link()
    begins, ends = first.expires_at - 600, first.expires_at - 300
    for now in (begins, NOW, ends - 1):
        assert desk.link(now=now) == first
    assert len(desk.rows()) == 1


def test_within_a_window_the_memory_says_what_signing_would(desk: Desk) -> None:
    """Whatever was remembered, the text is that of a process that remembers nothing."""
    for step in range(0, 2_000, 37):
        fresh = StorageIssuer(desk.door.parts.rules, desk.ledger)
        [wanted] = desk.door.run(fresh.issue(desk.order, ["a.pdf"], NOW + step))
        assert desk.link(now=NOW + step) == wanted


def test_two_people_share_the_text_and_each_has_a_row(desk: Desk) -> None:
    one, two = desk.link(actor="viewer:a"), desk.link(actor="viewer:b")
    assert one.target == two.target
    assert [row.actor for row in desk.rows()] == ["viewer:a", "viewer:b"]
    assert len({row.link_id for row in desk.rows()}) == 1


@pytest.mark.parametrize("change", [{"grant": SMALL}, {"expires_in": 1_200}, {"actor": "viewer:b"}])
def test_another_order_has_a_row_of_its_own(desk: Desk, change: dict[str, Any]) -> None:
    desk.link()
    desk.link(**change)
    assert len(desk.rows()) == 2
    desk.link()
    desk.link(**change)
    assert len(desk.rows()) == 2


@pytest.mark.parametrize(
    "scope", [zone_scope("clinic"), document_scope(DocumentRef("clinic", "documents", "a.pdf"))]
)
def test_after_a_revocation_it_is_another_link(desk: Desk, scope: str) -> None:
    before = desk.link()
    desk.bump(scope)
    after = desk.link()
    assert (before.generation, after.generation) == (0, 1)
    assert before.target != after.target
    assert [row.generation for row in desk.rows()] == [0, 1]


def test_the_next_window_is_another_link_and_row(desk: Desk) -> None:
    first = desk.link()
    later = desk.link(now=first.expires_at)
    assert later.expires_at > first.expires_at
    assert len(desk.rows()) == 2


def test_a_clock_that_was_set_back_gives_no_link_that_lives_too_long(desk: Desk) -> None:
    desk.link()
    early = desk.link(now=NOW - 5_000)
    assert early.expires_at <= NOW - 5_000 + 600


def test_many_come_in_order_with_one_write(desk: Desk) -> None:
    keys = [f"{number}.pdf" for number in range(300)]
    links = desk.issue(*keys)
    assert [link.key for link in links if isinstance(link, StorageLink)] == keys
    assert [len(rows) for rows in desk.ledger.written] == [300]
    some = desk.issue("new.pdf", *keys[:5], "newer.pdf")
    assert [link.key for link in some if isinstance(link, StorageLink)] == [
        "new.pdf",
        *keys[:5],
        "newer.pdf",
    ]
    assert [len(rows) for rows in desk.ledger.written] == [300, 2]


def test_a_key_without_a_link_is_told_in_its_place(desk: Desk) -> None:
    fine, dots, long, also = desk.issue("a.pdf", "../b", "x" * 2_000, "c.pdf")
    assert isinstance(fine, StorageLink)
    assert isinstance(also, StorageLink)
    assert isinstance(dots, Unsignable)
    assert isinstance(long, Unsignable)
    assert [row.key for row in desk.rows()] == ["a.pdf", "c.pdf"]


def test_no_link_is_given_that_the_ledger_does_not_hold(desk: Desk) -> None:
    known = desk.link()
    desk.ledger.full = True
    with pytest.raises(StateUnavailable):
        desk.link("other.pdf")
    with pytest.raises(StateUnavailable):
        desk.issue("a.pdf", "other.pdf")
    assert desk.link() == known, "that one is in the ledger"
    desk.ledger.full = False
    desk.link("other.pdf")
    assert [row.key for row in desk.rows()] == ["a.pdf", "other.pdf"]


def test_the_row_is_durable_before_the_link_is_given(door: Any) -> None:
    asked, free = asyncio.Event(), asyncio.Event()

    class Slow(Ledger):
        async def record_issue(self, rows: Sequence[IssueRow]) -> None:
            asked.set()
            await free.wait()
            await super().record_issue(rows)

    desk = Desk(door)
    issuer = StorageIssuer(door.parts.rules, Slow(door.parts.database))

    async def race() -> StorageLink | Unsignable:
        giving = asyncio.create_task(issuer.issue(desk.order, ["a.pdf"], NOW))
        await asyncio.wait_for(asked.wait(), 20)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not giving.done()
        free.set()
        [link] = await giving
        return link

    link = door.run(race())
    [row] = door.run(desk.ledger.by_actor("viewer:a"))
    assert (row.link_id, row.expires_at) == (link.id, link.expires_at)


def test_a_zone_that_seals_or_lives_elsewhere_has_none(open_door: Callable[..., Any]) -> None:
    sealed = Desk(open_door(clinic={"sealed": True}, signing={"seal_key": "7b" * 64}))
    with pytest.raises(Unsignable) as refused:
        sealed.issuer.check(sealed.order.zone)
    assert refused.value.reason == "sealed"
    abroad = Desk(open_door(clinic={"home": "us"}, server={"region": "eu"}))
    with pytest.raises(ResidencyRefused):
        abroad.issuer.check(abroad.order.zone)
    here = Desk(open_door())
    here.issuer.check(here.order.zone)


def test_the_oldest_are_forgotten_when_there_are_too_many(desk: Desk) -> None:
    links = desk.issuer._given
    desk.link("0")
    first = dict(links)
    [place] = first
    while len(links) < REMEMBERED:
        links[(*place[:2], f"fill-{len(links)}", *place[3:])] = first[place]
    desk.link("1")
    assert len(links) == REMEMBERED
    assert place not in links
    desk.link("0")
    assert [row.key for row in desk.rows()] == ["0", "1", "0"]
