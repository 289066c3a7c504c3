"""Standings: which zones keep a canary, what a proof is about, and when it is none any more."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.cli.probing import standing
from gateway.probing import Finding, Report, written
from gateway.probing.standings import LAPSE, Standings, binding, bindings
from gateway.settings import Settings
from gateway.state.feed import FeedRow
from signing.grants import Grant
from signing.links import LinkRequest

GRANT = Grant("inline", "all")
GOOD = Report((Finding("good link", "ok", "opens the canary"),))
BAD = Report((Finding("no token", "leak", "answered 200 with the canary", "mend the key"),))
DOWN = Report((Finding("good link", "unclear", "answered nothing (ConnectError)"),))
ZONE = {"cache": "windowed", "public_url": "https://docs.example.org"}
VARNISH = {"provider": "varnish", "url": "http://127.0.0.1:9", "secret": "s", "shield": ["x"]}
TABLES: dict[str, Any] = {
    "signing": {"keys": {"k1": "5a" * 32}},
    "stores": {"main": {"url": "memory:"}},
    "zones": {"clinic": {"store": "main", "buckets": ["documents"], **ZONE}},
    "cdn": {"varnish": VARNISH},
}


def settings(**changes: Any) -> Settings:
    tables = copy.deepcopy(TABLES)
    for path, value in changes.items():
        *parents, last = path.split("__")
        table = tables
        for parent in parents:
            table = table[parent]
        table[last] = value
    return Settings.model_validate(tables)


def test_a_zone_that_shares_through_a_cdn_at_a_known_address_keeps_a_canary() -> None:
    assert set(bindings(settings())) == {"clinic"}
    assert set(bindings(settings(zones__clinic__cache="edge"))) == {"clinic"}


@pytest.mark.parametrize(
    "changes",
    [
        {"zones__clinic__cache": "private"},
        {"zones__clinic__cache": "revalidate"},
        {"zones__clinic__public_url": ""},
        {"zones__clinic__cdn": []},
        {"cdn": {}},
        {"cdn": {"own": {"provider": "supabase", "url": "https://a.example", "secret": "s"}}},
    ],
)
def test_no_other_zone_does(changes: dict[str, Any]) -> None:
    assert bindings(settings(**changes)) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"zones__clinic__cache": "edge"},
        {"zones__clinic__public_url": "https://other.example.org"},
        {"zones__clinic__longest_life": 3_600},
        {"signing__keys": {"k1": "6b" * 32}},
        {"signing": {"keys": {"k1": "5a" * 32, "k2": "6b" * 32}, "active": "k1"}},
        {"cdn__varnish__shield": ["y"]},
        {"cdn__varnish__url": "http://127.0.0.1:10"},
        {"cdn": {"fastly": {"provider": "fastly", "id": "a", "secret": "s"}}},
    ],
)
def test_a_proof_is_about_all_that_the_cdn_has_to_do_with(changes: dict[str, Any]) -> None:
    assert binding(settings(), "clinic") == binding(settings(), "clinic")
    assert binding(settings(**changes), "clinic") != binding(settings(), "clinic")


@pytest.fixture
def watched(open_door: Callable[..., Any]) -> Any:
    """A gateway whose zone keeps a canary that nobody has asked for yet."""
    return open_door(clinic=ZONE, cdn={"varnish": VARNISH})


def find(door: Any, report: Report, now: float | None = None) -> None:
    """Write down what some process of the host found."""
    config = door.parts.keeper.standings.bindings["clinic"]
    at = time.time() if now is None else now
    door.parts.database.write_now(lambda c: written(c, ("clinic", config), report, at))


def told(door: Any, key: str = "a.txt") -> str:
    door.put(key, b"bytes")
    return str(door.get(door.link(key)).headers["surrogate-control"])


def test_a_zone_is_private_until_its_cdn_is_proven(watched: Any) -> None:
    assert told(watched) == "no-store"
    find(watched, GOOD)
    assert told(watched).startswith("max-age=")


def test_so_are_its_404s(watched: Any) -> None:
    signer = watched.parts.rules.signer
    link = signer.issue(LinkRequest("clinic", "documents", "gone", GRANT), int(time.time()))
    missing = watched.get(link.target)
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


def test_every_process_hears_of_a_failure_with_its_next_request(watched: Any) -> None:
    find(watched, GOOD)
    assert told(watched).startswith("max-age=")
    find(watched, BAD)
    assert told(watched) == "no-store"


def test_a_cdn_that_is_down_stays_proven_until_that_is_too_long_ago(watched: Any) -> None:
    now = time.time()
    find(watched, GOOD, now - LAPSE + 100)
    find(watched, DOWN, now)
    assert told(watched).startswith("max-age=")
    find(watched, GOOD, now - LAPSE - 1)
    find(watched, DOWN, now)
    assert told(watched) == "no-store"


def test_a_proof_outlives_a_restart_but_no_change_of_what_it_is_about(watched: Any) -> None:
    find(watched, GOOD)
    zones, known = watched.parts.rules.zones, watched.parts.keeper.standings.bindings
    now = time.time()
    assert Standings(zones, known, watched.parts.database).mode("clinic", now) == "windowed"
    changed = Standings(zones, {"clinic": "another"}, watched.parts.database)
    assert changed.mode("clinic", now) == "private"
    assert changed.proof("clinic") is None


def test_a_zone_without_a_canary_is_as_it_is_set(door: Any) -> None:
    standings = door.parts.keeper.standings
    assert standings.state("clinic", time.time()) == "unwatched"
    assert standings.mode("clinic", time.time()) == "windowed"
    door.put("a.txt", b"bytes")
    assert door.get(door.link("a.txt")).headers["cdn-cache-control"].startswith("max-age=")
    assert door.get("/readyz").text == "ok\n"


def test_being_ready_is_told_with_what_is_not_proven(watched: Any) -> None:
    answer = watched.get("/readyz")
    assert answer.status_code == 200
    assert answer.text == "ok\ncanary clinic: unproven: the zone answers as private\n"
    find(watched, BAD)
    watched.parts.rules.revocations.fresh()
    assert "canary clinic: failed" in watched.get("/readyz").text
    find(watched, GOOD)
    watched.parts.rules.revocations.fresh()
    assert watched.get("/readyz").text == "ok\n"


def shown(door: Any, now: float) -> Any:
    door.parts.rules.revocations.fresh()
    [finding] = standing(door.parts.keeper.standings, now)
    return finding


def test_what_the_doctor_tells_of_a_standing(watched: Any) -> None:
    now = time.time()
    assert shown(watched, now).state == "note"
    find(watched, DOWN)
    assert (shown(watched, now).state, "ConnectError" in shown(watched, now).what) == ("FAIL", True)
    assert "--edge" in shown(watched, now).hint
    find(watched, BAD)
    assert (shown(watched, now).state, shown(watched, now).hint) == ("FAIL", "mend the key")
    find(watched, GOOD)
    assert shown(watched, now).state == "ok"
    assert shown(watched, now + LAPSE + 60).state == "note"


def test_news_of_a_proof_forgets_no_document(watched: Any) -> None:
    watched.put("a.txt", b"bytes")
    watched.get(watched.link("a.txt"))
    find(watched, GOOD)
    opened = watched.store.opened
    watched.get(watched.link("a.txt"))
    assert watched.store.opened == opened


def test_rows_that_were_lost_are_read_again(watched: Any) -> None:
    standings = watched.parts.keeper.standings
    find(watched, GOOD)
    standings.tell(FeedRow(0, "lost", "", 0, 0.0))
    assert standings.state("clinic", time.time()) == "proven"
