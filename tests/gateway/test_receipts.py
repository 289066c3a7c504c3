"""Receipts: what they tell, that nothing in them can be changed, and who may have them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from cdn.tags import document_id, folder_tag
from gateway.purges import PurgeWorker
from gateway.purges.pacing import Pacing
from gateway.receipts import LONGEST, judged
from gateway.state import receipts, witness
from gateway.state.ledger import IssueRow
from signing.keys import Key, KeyRing
from signing.receipts import Sealer

SEALER = Sealer(KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1"))
OTHER = Sealer(KeyRing([Key("k9", bytes.fromhex("6b" * 32))], "k9"))
A = {"zone": "clinic", "bucket": "documents", "key": "letters/a.txt"}
LETTER = document_id("clinic", "documents", "letters/a.txt")


def _token(name: str, scopes: list[str], zones: tuple[str, ...] = ()) -> dict[str, object]:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"id": name, "hash": f"sha256:{digest}", "scopes": scopes, "zones": list(zones)}


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    door = open_door(
        signing={"keys": {"k1": "5a" * 32, "k2": "6b" * 32}, "active": "k1"},
        admin={"token": [_token("labonly", ["revoke"], ("lab",)), _token("purger", ["purge"])]},
        zones={"lab": {"store": "main", "buckets": ["samples"], "cdn": []}},
        clinic={"revocable": ["documents/letters/"]},
        cdn={"edge": {"provider": "null"}},
    )
    door.put("letters/a.txt", b"a")
    door.put("b.txt", b"b", bucket="samples")
    return door


def revoke(door: Any, **named: object) -> str:
    answer = door.post("/admin/revoke", named)
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["id"])


def receipt(door: Any, purge: str, token: str = "operator-token") -> Any:
    fields = {"Authorization": f"Bearer {token}"}
    return door.ask("GET", f"/admin/purges/{purge}/receipt", headers=fields)


def said(door: Any, purge: str) -> dict[str, Any]:
    answer = receipt(door, purge)
    assert answer.status_code == 200, answer.text
    found = answer.json()["receipt"]
    assert isinstance(found, dict)
    return found


def took_back(door: Any, **named: object) -> object:
    return said(door, revoke(door, **named))["took_back"]


def confirm(door: Any) -> None:
    parts = door.parts
    worker = PurgeWorker(parts.database, parts.providers, Pacing(second_pass=0.0))
    door.run(worker.drain())


def test_a_receipt_tells_what_was_taken_back_and_how_long_browsers_keep_it(door: Any) -> None:
    door.issue("letters/a.txt")
    before = int(time.time())

    found = said(door, revoke(door, documents=[A]))

    assert found["took_back"] == [{"document": LETTER, "zone": "clinic", "counter": 1, "links": 1}]
    told = {"cache": "windowed", "cdn": ["edge"], "browser_seconds": 300}
    times = {"longest_life": 86_400, "ttl": 86_400, "window": 900}
    assert found["zones"] == {"clinic": {**told, **times}}
    assert found["lives_on"]["other_caches"] == {"clinic": found["asked_at"] + 86_400}
    assert found["asked_at"] >= before
    assert found["lives_on"]["links"] == found["lives_on"]["edges"] == []
    assert "letters/a" not in json.dumps(found)


def test_browsers_keep_copies_from_the_last_moment_that_a_cdn_may_give_one_out(door: Any) -> None:
    purge, bare = revoke(door, documents=[A]), revoke(door, zone="lab")
    early = said(door, purge)
    assert (early["confirmed_at"], early["lives_on"]["browsers"]) == (None, {"clinic": None})
    confirm(door)
    late = said(door, purge)
    assert late["confirmed_at"] >= late["providers"][0]["confirmed_at"]
    assert late["lives_on"]["browsers"] == {"clinic": late["confirmed_at"] + 300}
    alone = said(door, bare)
    assert alone["confirmed_at"] == alone["asked_at"]
    assert alone["lives_on"]["browsers"] == {"lab": alone["asked_at"] + 60}
    assert alone["lives_on"]["other_caches"] == {}


def test_a_link_is_taken_back_with_its_document(door: Any) -> None:
    url = door.link("letters/a.txt")
    assert door.get(url).status_code == 200

    found = said(door, revoke(door, links=[url]))

    assert found["took_back"][0]["document"] == LETTER
    assert door.get(url).status_code == 410


def test_a_link_is_taken_back_by_its_id_and_the_others_die_with_it(door: Any) -> None:
    urls = [door.link("letters/a.txt", grant=grant) for grant in ("all", "original", "previews")]
    [issued] = door.issue("letters/a.txt")

    found = said(door, revoke(door, links=[issued["link"]]))

    assert (found["took_back"][0]["document"], found["took_back"][0]["links"]) == (LETTER, 3)
    assert {door.get(url).status_code for url in urls} == {410}


def test_what_is_no_link_of_ours_can_not_be_taken_back(door: Any) -> None:
    folders = {"folders": [{"bucket": "documents", "folder": "letters/2026/05"}]}
    [folder] = door.post("/v1/folders", folders).json()["folders"]
    for link in (door.link("letters/a.txt") + "x", "0" * 16, "A" * 16, folder["link"]):
        answer = door.post("/admin/revoke", {"links": [link]})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad-url")


def test_a_link_is_taken_back_by_those_alone_who_reach_its_zone(door: Any) -> None:
    [issued] = door.issue("letters/a.txt")
    for link in (issued["link"], issued["url"]):
        assert door.post("/admin/revoke", {"links": [link]}, "labonly").status_code == 403
    assert door.get(issued["url"]).status_code == 200


@pytest.mark.parametrize("named", [{"viewers": ["ann"]}, {"keys": ["k2"]}])
def test_what_reaches_every_zone_is_for_those_who_do(door: Any, named: dict[str, Any]) -> None:
    assert door.post("/admin/revoke", named, "labonly").status_code == 403
    assert door.post("/admin/revoke", named, "purger").status_code == 403


def test_folders_buckets_and_zones_are_told_by_their_names_or_tags(door: Any) -> None:
    folder = folder_tag("clinic", "documents", "letters")
    letters = {"zone": "clinic", "counter": 1, "folder": folder, "links": 0}
    samples = {"zone": "lab", "counter": 1, "bucket": "samples", "links": 0}
    lab = {"zone": "lab", "counter": 1, "links": 0}
    assert took_back(door, prefix="documents/letters/") == [letters]
    assert took_back(door, bucket="samples", zone="lab") == [samples]
    assert took_back(door, zone="lab") == [lab]


def test_links_that_a_revoked_viewer_may_have_passed_on_are_listed(door: Any) -> None:
    now = int(time.time())
    rows = [
        IssueRow(name, "viewer:ann", "clinic", "documents", "k", LETTER, "ia", "-", 0, "k1", *times)
        for name, times in {
            "living": (now + 500, now, ""),
            "over": (now - 5, now - 500, ""),
            "bound": (now + 500, now, "ann"),
        }.items()
    ]
    door.run(door.parts.ledger.record_issue(rows))

    found = said(door, revoke(door, viewers=["ann"]))

    assert found["took_back"] == [{"viewer": hashlib.sha256(b"ann").hexdigest(), "links": 1}]
    living = {"link": "living", "document": LETTER, "expires_at": now + 500}
    assert found["lives_on"]["links"] == [living]
    assert found["lives_on"]["links_in_all"] == 1
    assert '"ann' not in json.dumps(found)


def test_a_key_is_taken_back_for_all_zones_and_edges_have_to_follow(door: Any) -> None:
    found = said(door, revoke(door, keys=["k2"]))

    assert found["took_back"] == [{"key": "k2", "links": 0}]
    assert found["lives_on"]["edges"] == ["clinic", "lab"]


@pytest.mark.parametrize(("kid", "code"), [("k1", "key.active"), ("k7", "unknown-key")])
def test_the_key_that_signs_and_unknown_ones_are_not_taken_back(
    door: Any, kid: str, code: str
) -> None:
    answer = door.post("/admin/revoke", {"keys": [kid]})

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert door.get(door.link("letters/a.txt")).status_code == 200


def test_a_receipt_is_good_once_the_cdn_has_confirmed(door: Any) -> None:
    purge = revoke(door, documents=[A])
    early = receipt(door, purge).content
    confirm(door)
    late = receipt(door, purge).content

    assert judged(SEALER, early) == "unconfirmed"
    assert judged(SEALER, late) == "good"
    [part] = json.loads(late)["receipt"]["providers"]
    assert part["provider"] == "edge"
    assert part["confirmed_at"] >= part["sent_at"] > 0


def test_no_receipt_says_that_anything_was_done_before_it_was_asked_for(door: Any) -> None:
    purge = revoke(door, documents=[A])
    parts, pacing = door.parts, Pacing(second_pass=0.0)
    # A host without a clock of its own starts in the past, and is set right later.
    behind = PurgeWorker(
        parts.database, parts.providers, pacing, clock=lambda: time.time() - 864_000
    )
    door.run(behind.drain())
    told = said(door, purge)
    asked = told["asked_at"]
    assert told["state"] == "confirmed"
    [edge] = told["providers"]
    assert (edge["sent_at"], edge["confirmed_at"], told["confirmed_at"]) == (asked,) * 3
    assert told["lives_on"]["browsers"] == {"clinic": asked + 300}


def test_a_confirmed_receipt_stays_the_same_when_purges_are_forgotten(door: Any) -> None:
    purge = revoke(door, documents=[A])
    confirm(door)
    before = receipt(door, purge).json()
    later = time.time() + 1_000

    def forget(connection: Any) -> None:
        witness.finish(connection, later)
        receipts.trim(connection, later)
        receipts.trim(connection, later)

    door.parts.database.write_now(forget)

    assert door.run(door.parts.purges.status(purge)) is None
    assert receipt(door, purge).json() == before


def test_a_purge_that_took_nothing_back_has_no_receipt(door: Any) -> None:
    purge = door.post("/admin/purge", {"documents": [A]}).json()["id"]

    assert (receipt(door, purge).status_code, receipt(door, "p-none").status_code) == (404, 404)


def test_a_receipt_is_for_those_who_may_revoke_all_that_it_tells_of(door: Any) -> None:
    lab, clinic = revoke(door, zone="lab"), revoke(door, documents=[A])
    everywhere = revoke(door, viewers=["ann"])

    assert receipt(door, lab, "labonly").status_code == 200
    for purge in (clinic, everywhere):
        assert receipt(door, purge, "labonly").status_code == 403
    assert receipt(door, lab, "purger").status_code == 403
    assert receipt(door, lab, "nobody").status_code == 401


@pytest.fixture
def good(door: Any) -> bytes:
    purge = revoke(door, documents=[A])
    confirm(door)
    text = receipt(door, purge).content
    assert isinstance(text, bytes)
    return text


def test_the_order_of_members_and_spaces_are_free(good: bytes) -> None:
    whole = json.loads(good)
    turned = {"seal": whole["seal"], "receipt": dict(reversed(whole["receipt"].items()))}

    assert judged(SEALER, json.dumps(turned, indent=4).encode()) == "good"


def test_nothing_in_a_receipt_can_be_changed(good: bytes) -> None:
    whole = json.loads(good)
    for name in whole["receipt"]:
        changed = {**whole, "receipt": {**whole["receipt"], name: "other"}}
        assert judged(SEALER, json.dumps(changed).encode()) == "altered", name
        less = {key: value for key, value in whole["receipt"].items() if key != name}
        assert judged(SEALER, json.dumps({**whole, "receipt": less}).encode()) == "altered", name
    more = {**whole, "receipt": {**whole["receipt"], "more": 1}}
    assert judged(SEALER, json.dumps(more).encode()) == "altered"


def test_a_member_twice_is_no_receipt(good: bytes) -> None:
    twice = good.replace(b'"state"', b'"state":"failed","state"', 1)

    assert judged(SEALER, twice) == "no-receipt"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"receipt":1,"seal":"x"}',
        b'{"receipt":{},"seal":1}',
        b'{"receipt":{},"seal":"x","more":1}',
        b"\xff",
        b"[" * 100_000,
        b" " * (LONGEST + 1),
    ],
)
def test_what_is_no_receipt_is_told_apart(text: bytes) -> None:
    assert judged(SEALER, text) == "no-receipt"


def test_a_receipt_of_other_keys_is_unknown(good: bytes) -> None:
    assert judged(OTHER, good) == "unknown-key"
