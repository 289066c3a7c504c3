"""What holds of every provider, against the stub that keeps to the vendors' contracts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import httpx
import pytest

from cdn.copies import copy_tag, digest_of
from cdn.errors import ProviderMisconfigured, PurgeLost, PurgeRefused
from cdn.facts import FACTS, PROFILES
from cdn.providers import PROVIDERS, Tools, build
from cdn.providers.null import Null
from cdn.providers.traces import Place
from cdn.setups import Setup
from tests.stub_cdn import StubCdn, setup_for

BY_TAG = [
    kind
    for kind, facts in FACTS.items()
    if "tags" in facts.abilities and kind not in ("null", "cloudfront")
]
SOFT = {"varnish", "cloudflare", "fastly", "akamai", "vercel"}
OnStub = Callable[[StubCdn], Any]


def tools() -> Tools:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(500)))
    return Tools(client, time.time, None, lambda setup: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("kind", sorted(PROVIDERS))
def test_a_provider_is_what_its_facts_say(kind: str) -> None:
    provider = build(kind, setup_for(kind, "http://cdn.test"), tools())
    facts = FACTS[kind]
    assert provider.name == "edge"
    assert provider.profile == facts.profile
    assert provider.limits in facts.limits.values()
    assert provider.soft == ("soft" in facts.abilities)


def test_every_kind_has_its_facts_and_its_words() -> None:
    assert PROVIDERS.keys() == FACTS.keys()
    assert {facts.profile.name for facts in FACTS.values()} == PROFILES.keys()


@pytest.mark.parametrize("kind", BY_TAG)
@pytest.mark.parametrize("soft", [True, False])
def test_a_purge_reaches_the_cdn_as_its_contract_has_it(
    kind: str, soft: bool, on_stub: OnStub
) -> None:
    stub = StubCdn(kind)
    tags = [f"d-{n}" for n in range(min(3, FACTS[kind].limits_of("").batch))]
    receipt = on_stub(stub).purge(kind, *tags, soft=soft)
    [order] = stub.taken
    assert order.names == tuple(tags)
    assert order.soft == (soft and kind in SOFT)
    assert receipt.provider == "edge"
    assert receipt.detail


@pytest.mark.parametrize("kind", BY_TAG)
def test_the_largest_batch_of_the_longest_tags_is_within_the_contract(
    kind: str, on_stub: OnStub
) -> None:
    stub = StubCdn(kind)
    batch = FACTS[kind].limits_of("").batch
    on_stub(stub).purge(kind, *(f"{n:x<32}" for n in range(1_000, 1_000 + batch)))
    assert len(stub.taken[0].names) == batch


@pytest.mark.parametrize("kind", sorted(PROVIDERS.keys() - {"null", "cloudfront"}))
def test_a_check_changes_nothing_that_is_cached(kind: str, on_stub: OnStub) -> None:
    stub = StubCdn(kind)
    on_stub(stub).check(kind)
    assert all(name.startswith(("x-", "ostiary-doctor/")) for o in stub.taken for name in o.names)


@pytest.mark.parametrize("kind", sorted(PROVIDERS.keys() - {"null", "cloudfront", "google"}))
def test_a_wrong_secret_is_dead_and_is_not_shown(kind: str, on_stub: OnStub) -> None:
    stub = StubCdn(kind)
    with pytest.raises(PurgeRefused) as refused:
        on_stub(stub).check(kind, secret="a-wrong-one")
    assert refused.value.dead
    assert refused.value.hint
    assert "a-wrong-one" not in str(refused.value)
    assert not stub.taken


@pytest.mark.parametrize("kind", BY_TAG)
@pytest.mark.parametrize("tags", [[], ["d-1", "d 2"], ["a\r\npurge-key: x"], ["d-1"] * 1_401])
def test_what_is_no_batch_of_tags_is_never_sent(
    kind: str, tags: list[str], on_stub: OnStub
) -> None:
    stub = StubCdn(kind)
    with pytest.raises(PurgeRefused) as refused:
        on_stub(stub).purge(kind, *tags)
    assert refused.value.dead
    assert stub.calls == 0


@pytest.mark.parametrize("kind", sorted(PROVIDERS))
def test_no_secret_is_seen_in_a_provider_or_its_setup(kind: str) -> None:
    setup = setup_for(kind, "http://cdn.test")
    provider = build(kind, setup, tools())
    hidden = (setup.secret, setup.client_token, setup.access_token, setup.access_key)
    for seen in (repr(setup), repr(provider), *map(repr, vars(provider).values())):
        assert not any(secret and secret in seen for secret in hidden)


@pytest.mark.parametrize("kind", sorted(PROVIDERS))
def test_each_key_that_is_needed_is_asked_for(kind: str) -> None:
    setup = setup_for(kind, "http://cdn.test")
    given = {field.name: getattr(setup, field.name) for field in fields(setup)}
    for key in FACTS[kind].needs:
        with pytest.raises(ProviderMisconfigured, match=f"{key} of edge is needed"):
            build(kind, Setup(**{**given, key: ""}), tools())


def test_one_customer_has_one_quota_however_many_things_it_purges() -> None:
    def quota(kind: str, **said: str) -> str:
        return build(kind, Setup(**{"name": "a", "id": "z", **said}), tools()).quota

    assert quota("fastly", secret="s") == quota("fastly", name="b", id="y", secret="s")
    assert quota("fastly", secret="s") != quota("fastly", secret="t")
    assert quota("fastly", secret="s") != quota("bunny", secret="s")
    assert quota("null", name="b") == "b"
    assert "a-secret" not in quota("fastly", secret="a-secret")


def test_a_misspelt_kind_is_told_its_nearest() -> None:
    with pytest.raises(ProviderMisconfigured, match="did you mean varnish"):
        build("varnsh", Setup("edge"), tools())
    with pytest.raises(ProviderMisconfigured) as fault:
        build("qqq", Setup("edge"), tools())
    assert fault.value.hint == ""


def test_null_is_always_well() -> None:
    null = build("null", Setup("edge"), tools())
    assert isinstance(null, Null)
    with pytest.raises(StopIteration) as said:
        null.check().send(None)  # type: ignore[attr-defined]
    assert said.value.value.detail == "no cache to purge"


def test_nginx_forgets_the_copies_that_the_index_knows_and_those_that_are_named(
    on_stub: OnStub, index: Any
) -> None:
    stub = StubCdn("nginx")
    bench = on_stub(stub)
    one, two, three = (digest_of(key) for key in (b"/d/a?t=1", b"/d/b%20c", b"/d/c"))
    bench.index = index(copies={"d-1": [one, two], "d-2": [two]})
    told = bench.purge("nginx", "d-1", "d-2", copy_tag(three))
    assert told.detail == "purged 3 of 3 known"
    [order] = stub.taken
    assert sorted(order.names) == sorted(digest.hex() for digest in (one, two, three))
    assert bench.purge("nginx", "d-3").detail == "purged 0 of 0 known"


def test_nginx_is_told_of_a_thousand_copies_at_once(on_stub: OnStub, index: Any) -> None:
    stub = StubCdn("nginx")
    bench = on_stub(stub)
    bench.index = index(copies={"z-1": [digest_of(b"%d" % n) for n in range(2_001)]})
    assert bench.purge("nginx", "z-1").detail == "purged 2001 of 2001 known"
    assert [len(order.names) for order in stub.taken] == [1_000, 1_000, 1]


@pytest.mark.parametrize("answer", [httpx.Response(502), httpx.Response(200, text="hello")])
def test_nginx_that_confirms_nothing_keeps_the_purge_alive(
    answered: Any, index: Any, answer: httpx.Response
) -> None:
    bench = answered(lambda request: answer)
    bench.index = index(copies={"d-1": [digest_of(b"/d/a")]})
    with pytest.raises(PurgeRefused) as refused:
        bench.purge("nginx", "d-1")
    assert not refused.value.dead


def test_supabase_forgets_documents_and_buckets_and_their_transforms(
    on_stub: OnStub, index: Any
) -> None:
    stub = StubCdn("supabase")
    bench = on_stub(stub)
    bench.index = index({"d-1": [Place("docs", "a b/ö?.pdf")], "b-1": [Place("scans")]})
    bench.purge("supabase", "d-1", soft=True)
    bench.purge("supabase", "b-1")
    expected = ["docs/a b/ö?.pdf", "docs/a b/ö?.pdf?transforms", "scans", "scans?transforms"]
    assert [order.names for order in stub.taken] == [(name,) for name in expected]


def test_supabase_is_never_told_to_forget_everything_for_an_unknown_tag(on_stub: OnStub) -> None:
    stub = StubCdn("supabase")
    with pytest.raises(PurgeRefused, match="knows no tags") as refused:
        on_stub(stub).purge("supabase", "d-1")
    assert refused.value.dead
    assert stub.calls == 0


@pytest.mark.parametrize("kind", ["cloudflare", "fastly", "akamai", "supabase"])
@pytest.mark.parametrize("text", ["", "hello", "[]", '{"success": false}', '{"message": "no"}'])
def test_a_2xx_without_the_words_that_confirm_is_tried_again(
    kind: str, text: str, answered: Any
) -> None:
    bench = answered(lambda request: httpx.Response(200, text=text))
    with pytest.raises(PurgeRefused, match="confirmed nothing") as refused:
        bench.check(kind)
    assert not refused.value.dead


@pytest.mark.parametrize("result", [None, {"id": 7}, {}])
def test_a_reference_that_is_no_text_is_left_out(result: object, answered: Any) -> None:
    said = {"success": True, "result": result}
    bench = answered(lambda request: httpx.Response(200, json=said))
    assert bench.purge("cloudflare", "d-1").reference == ""


def test_vercel_without_a_team_names_none(answered: Any) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    answered(respond).purge("vercel", "d-1", account="")
    assert dict(asked[0].url.params) == {"projectIdOrName": "thing-1"}


@pytest.mark.parametrize("network", ["", "staging"])
def test_akamai_purges_the_network_that_is_named(network: str, answered: Any) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201, json={"purgeId": "p"})

    assert answered(respond).purge("akamai", "d-1", network=network).reference == "p"
    assert asked[0].url.path == f"/ccu/v3/delete/tag/{network or 'production'}"


@pytest.mark.parametrize("kind", sorted(k for k, f in FACTS.items() if not f.settling.asked))
def test_who_can_not_be_asked_is_taken_to_be_done_in_its_time(kind: str) -> None:
    provider = build(kind, setup_for(kind, "http://cdn.test"), tools())
    assert provider.settling == FACTS[kind].settling
    assert asyncio.run(provider.settled("whatever"))


@pytest.mark.parametrize(("told", "known"), [(7, 7.0), (-1, 0.0), ("7", 0.0), (None, 0.0)])
def test_a_time_that_akamai_names_is_taken(
    told: object, known: float, answered: Callable[..., Any]
) -> None:
    said = {"purgeId": "p", "estimatedSeconds": told}
    bench = answered(lambda request: httpx.Response(201, json=said))
    assert bench.purge("akamai", "d-1").seconds == known


GOOGLE: list[tuple[httpx.Response, bool | type[Exception]]] = [
    (httpx.Response(200, json={"status": "DONE"}), True),
    (httpx.Response(200, json={"status": "RUNNING"}), False),
    (httpx.Response(200, json={}), False),
    (httpx.Response(200, text="<html>"), False),
    (httpx.Response(200, json={"status": "DONE", "error": {"errors": []}}), PurgeLost),
    (httpx.Response(404), PurgeLost),
    (httpx.Response(403), PurgeRefused),
    (httpx.Response(503), PurgeRefused),
]


@pytest.mark.parametrize(("said", "meant"), GOOGLE)
def test_an_operation_of_google_s_is_asked_about(
    said: httpx.Response, meant: bool | type[Exception], answered: Callable[..., Any]
) -> None:
    asked = list[str]()

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 60})
        asked.append(f"{request.method} {request.url.path}")
        return said

    work = lambda provider: provider.settled("operation-1")  # noqa: E731
    if isinstance(meant, bool):
        assert answered(respond).run("google", work) is meant
    else:
        with pytest.raises(meant):
            answered(respond).run("google", work)
    assert asked == ["GET /compute/v1/projects/project-1/global/operations/operation-1"]


@pytest.mark.parametrize("name", ["", "a/b", "a?b", "ä", "x" * 129])
def test_an_operation_without_a_plain_name_confirms_nothing(
    name: str, answered: Callable[..., Any]
) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        token = {"access_token": "t", "expires_in": 60}
        return httpx.Response(200, json=token if request.url.path == "/token" else {"name": name})

    with pytest.raises(PurgeRefused, match="confirmed nothing"):
        answered(respond).purge("google", "d-1")
