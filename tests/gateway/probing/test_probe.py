"""The probe: what each way to set a CDN up wrongly looks like, and that a right one passes."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.probing import Ask, CanaryLinks, Probe, Reply, Report
from signing.errors import SigningError
from signing.keys import Key, KeyRing


def path_of(ask: Ask) -> str:
    return ask.target.partition("?")[0]


def without(pattern: str) -> Callable[[Ask], Ask]:
    return lambda ask: replace(ask, target=re.sub(pattern, "", ask.target))


def found(report: Report, name: str) -> Any:
    [finding] = [one for one in report.findings if one.name == name]
    return finding


NAMES = [
    "good link",
    "broken signature",
    "no token",
    "other spellings of the query",
    "a token of another zone",
    "a grant without the original",
    "a generation of no revocation",
    "the key of a copy",
    "forged proofs",
    "names that end in .jpg",
    "names that end in .pdf",
    "no-store",
    "cached copy",
    "expired link",
]


def test_a_cdn_that_does_what_it_is_told_is_proven(world: Any) -> None:
    report = world.probe(world.cdn())
    assert [finding.name for finding in report.findings] == NAMES
    assert {finding.verdict for finding in report.findings} == {"ok"}
    assert (report.outcome, report.wrong) == ("proven", ())


def test_it_takes_about_the_life_of_its_link(world: Any) -> None:
    began = world.clock.now
    world.probe(world.cdn())
    assert 45 <= world.clock.now - began < 60


def test_a_clock_that_is_set_back_keeps_nobody_waiting(world: Any) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await world.clock.sleep(seconds)

    def set_back(ask: Ask) -> bool:
        if "?T=" in ask.target:
            world.clock.now -= 3_600
        return False

    links, cdn = world.links(), world.cdn(refuses=set_back)
    asyncio.run(Probe(cdn, world.clock, sleep).run(links, "windowed"))
    assert 45 <= max(slept) <= 60


def test_an_edge_that_verifies_is_proven_with_one_copy_for_all(edged: Any) -> None:
    report = edged.probe(edged.edge())
    assert report.outcome == "proven"
    assert found(report, "proof of the edge").verdict == "ok"
    assert found(report, "one copy for all links").verdict == "ok"


def test_mode_edge_behind_a_cache_that_verifies_nothing_is_safe_and_told(edged: Any) -> None:
    report = edged.probe(edged.cdn())
    assert report.outcome == "proven"
    assert found(report, "proof of the edge").verdict == "note"
    assert found(report, "one copy for all links").verdict == "note"


LEAKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "the query is no part of the key": (
        {"key": path_of},
        ["broken signature", "no token", "a token of another zone"],
    ),
    "the signature is no part of the key": (
        {"key": lambda ask: ask.target[:-32]},
        ["broken signature"],
    ),
    "only the beginning of the signature is": (
        {"key": lambda ask: ask.target[:-1]},
        ["broken signature"],
    ),
    "letters of the query are folded": (
        {"key": lambda ask: ask.target.replace("?T=", "?t=")},
        ["other spellings of the query"],
    ),
    "escapes are decoded": (
        {"key": lambda ask: ask.target.replace("%31", "1")},
        ["other spellings of the query"],
    ),
    "unknown parameters are left out": (
        {"key": lambda ask: re.sub("&x=1", "", ask.target)},
        ["other spellings of the query"],
    ),
    "parameters are sorted, and unknown ones left out": (
        {"key": lambda ask: re.sub(r"x=1&", "", ask.target)},
        ["other spellings of the query"],
    ),
    "what nobody may keep is kept": ({"fresh": lambda answer: 3_600}, ["no-store"]),
    "a minimum time is forced": (
        {"fresh": lambda answer: 3_600 if answer.fresh else 0},
        ["expired link"],
    ),
    "the query is no part of the key of pictures": (
        {"key": lambda ask: re.sub(r"\.jpg\?.*$", ".jpg", ask.target)},
        ["names that end in .jpg"],
    ),
    "the query is no part of the key of files": (
        {"key": lambda ask: re.sub(r"(\.(pdf|jpg))\?.*$", r"\1", ask.target)},
        ["names that end in .jpg", "names that end in .pdf"],
    ),
    "stale copies are served": ({"lasts": lambda now, until: True}, ["expired link"]),
    "grants are no part of the key": (
        {"key": lambda ask: re.sub(r"\.i[ap]\..*$", "", ask.target)},
        ["a grant without the original"],
    ),
}


@pytest.mark.parametrize("what", LEAKS)
def test_what_is_set_up_wrongly_is_found(world: Any, what: str) -> None:
    ways, names = LEAKS[what]
    report = world.probe(world.cdn(**ways))
    assert report.outcome == "failed"
    leaks = {one.name: one for one in report.findings if one.verdict == "leak"}
    assert set(names) <= set(leaks)
    assert all("docs/cdns.md" in one.hint for one in leaks.values())


def test_a_cdn_that_keeps_files_whatever_they_say_is_found(world: Any) -> None:
    class Hoarder:
        """Keeps what is called .pdf for ever, under its whole address."""

        def __init__(self) -> None:
            self.cdn = world.cdn()
            self.kept: dict[str, Reply] = {}

        async def ask(self, ask: Ask) -> Reply:
            reply = self.kept.get(ask.target) or await self.cdn.ask(ask)
            if ".pdf?" in ask.target and ask.method == "GET":
                self.kept[ask.target] = reply
            return reply

    report = world.probe(Hoarder())
    assert {one.name for one in report.wrong} == {"names that end in .pdf"}
    assert report.outcome == "failed"


def test_files_that_a_cdn_does_not_keep_are_no_reason_to_doubt_it(world: Any) -> None:
    numbers = itertools.count()

    def key(ask: Ask) -> str:
        return f"{ask.target} {next(numbers)}" if ".jpg?" in ask.target else ask.target

    assert world.probe(world.cdn(key=key)).outcome == "proven"


def test_the_addresses_of_sealed_zones_end_likewise() -> None:
    ring = KeyRing([Key("k1", bytes(range(32)))], "k1", bytes(32))
    links = CanaryLinks(ring, "clinic", 0, longest_life=3_600, sealed=True)
    assert links.kept(45, 1_800_000_000, ".pdf").scope.endswith(".pdf")
    assert "." not in links.kept(45, 1_800_000_000).scope


def test_a_cdn_that_proves_itself_for_every_viewer_is_found(world: Any) -> None:
    cdn = world.cdn(
        sent=lambda ask: replace(ask, fields={**ask.fields, "ostiary-shield": "a-shield"})
    )
    assert found(world.probe(cdn), "forged proofs").verdict == "leak"


def test_an_edge_that_opens_the_keys_of_its_copies_is_found(edged: Any) -> None:
    edge = edged.edge()
    judged, keyed, asked = edge.refuses, edge.key, edge.sent
    edge.refuses = lambda ask: "?c=" not in ask.target and judged(ask)
    edge.key = lambda ask: ask.target if "?c=" in ask.target else keyed(ask)
    edge.sent = lambda ask: ask if "?c=" in ask.target else asked(ask)
    report = edged.probe(edge)
    assert report.outcome == "failed"
    assert found(report, "the key of a copy").verdict == "leak"


@pytest.mark.parametrize(
    ("forgets", "name"),
    [
        (lambda link, world: False, "broken signature"),
        (lambda link, world: link.expires_at <= world.clock.now, "expired link"),
        (lambda link, world: link.grant.text == "ip", "a grant without the original"),
    ],
)
def test_an_edge_whose_verifier_forgets_something_is_found(
    edged: Any, forgets: Callable[[Any, Any], bool], name: str
) -> None:
    edge = edged.edge()
    judged = edge.refuses

    def refuses(ask: Ask) -> bool:
        if not judged(ask):
            return False
        path, _, query = ask.target.partition("?")
        try:
            link = edged.gateway.signer.read(path.encode(), query.encode())
        except SigningError as error:
            return not (name == "broken signature" and "signature" in str(error))
        return not forgets(link, edged)

    def key(ask: Ask) -> str:
        return f"{path_of(ask)}?c=iw0"

    edge.refuses, edge.key = refuses, key
    report = edged.probe(edge)
    assert report.outcome == "failed"
    assert found(report, name).verdict == "leak"


def test_many_machines_with_copies_of_their_own_are_one_cdn(world: Any) -> None:
    machines = [world.cdn() for _ in range(4)]
    turn = iter(range(10_000))

    class Round:
        async def ask(self, ask: Ask) -> Reply:
            return await machines[next(turn) % 4].ask(ask)

    assert world.probe(Round()).outcome == "proven"


def test_a_cdn_that_keeps_nothing_proves_nothing_and_is_asked_all_the_same(world: Any) -> None:
    report = world.probe(world.cdn(fresh=lambda answer: 0))
    assert report.outcome == "unproven"
    assert found(report, "cached copy").verdict == "unclear"
    assert found(report, "broken signature").verdict == "ok"
    assert "expired link" not in {finding.name for finding in report.findings}


def test_links_that_live_too_short_to_be_shared_prove_nothing(world: Any) -> None:
    assert world.probe(world.cdn(), longest_life=30).outcome == "unproven"


def test_a_cdn_so_slow_that_its_copy_is_gone_meanwhile_proves_nothing(world: Any) -> None:
    report = world.probe(world.cdn(seconds=0.4))
    assert report.outcome == "unproven"
    assert "gone before all was asked" in found(report, "cached copy").what


class Always:
    """Says one thing to everything, or from the second request on to everything else."""

    def __init__(self, reply: Reply, cdn: Any = None, spares: Callable[[Ask], bool] | None = None):
        self.reply, self.cdn, self.spares = reply, cdn, spares or (lambda ask: False)

    async def ask(self, ask: Ask) -> Reply:
        if self.cdn and self.spares(ask):
            reply: Reply = await self.cdn.ask(ask)
            return reply
        return self.reply


@pytest.mark.parametrize(
    ("reply", "outcome", "hint"),
    [
        (Reply(0, fault="ConnectError"), "unproven", "does the CDN reach the gateway"),
        (Reply(503), "unproven", "does the CDN reach the gateway"),
        (Reply(429), "unproven", "does the CDN reach the gateway"),
        (Reply(301), "unproven", "leads elsewhere"),
        (Reply(403), "unproven", "other keys"),
        (Reply(200), "failed", "in the gateway's place"),
    ],
)
def test_what_a_good_link_is_answered_tells_what_is_wrong(
    world: Any, reply: Reply, outcome: str, hint: str
) -> None:
    report = world.probe(Always(reply))
    [finding] = report.findings
    assert (report.outcome, finding.name) == (outcome, "good link")
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200), "leak"),
        (Reply(204), "leak"),
        (Reply(404), "ok"),
        (Reply(410), "ok"),
        (Reply(429), "unclear"),
        (Reply(502), "unclear"),
        (Reply(302), "unclear"),
        (Reply(0, fault="too slow"), "unclear"),
    ],
)
def test_what_is_no_refusal_proves_nothing_and_a_yes_is_a_leak(
    world: Any, reply: Reply, verdict: str
) -> None:
    """Good links open; all else is answered alike."""

    def good(ask: Ask) -> bool:
        try:
            world.gateway.judge(ask.target)
        except SigningError:
            return False
        return True

    report = world.probe(Always(reply, world.cdn(), good))
    assert found(report, "broken signature").verdict == verdict
    assert found(report, "expired link").verdict == verdict
    assert report.outcome == {"ok": "proven", "unclear": "unproven", "leak": "failed"}[verdict]


def test_a_canary_that_is_not_to_be_kept_and_does_not_come_proves_nothing(world: Any) -> None:
    cdn = Always(Reply(502), world.cdn(), lambda ask: "/unkept/" not in ask.target)
    assert found(world.probe(cdn), "no-store").verdict == "unclear"


def test_no_finding_holds_a_token_or_a_key(world: Any) -> None:
    report = world.probe(world.cdn(key=path_of))
    tokens = {target.partition("?t=")[2] for target in world.gateway.seen} - {""}
    assert tokens
    assert not [token for token in tokens if token in report.text]
    assert "~canary" not in report.text
