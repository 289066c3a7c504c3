"""The stub refuses what the vendors refuse: without that, passing against it would say nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.stub_cdn import ID, Faults, StubCdn
from tests.stub_cdn.accounts import SECRET
from tests.stub_cdn.app import CutOff
from tests.stub_cdn.calls import Order
from tests.stub_cdn.contracts import Bucket, Contract

FASTLY, CLOUDFLARE = f"/service/{ID}/purge", f"/client/v4/zones/{ID}/purge_cache"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asked(stub: StubCdn, path: str, body: Any, **fields: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        transport = httpx.ASGITransport(stub)
        async with httpx.AsyncClient(transport=transport, base_url="http://cdn.test") as client:
            return await client.post(path, content=json.dumps(body), headers=named)

    return asyncio.run(ask())


def purged(stub: StubCdn, *tags: str) -> httpx.Response:
    return asked(stub, FASTLY, {"surrogate_keys": tags}, fastly_key=SECRET)


def test_beyond_the_rate_it_names_the_time_to_wait_and_takes_nothing() -> None:
    clock = Clock()
    contract = Contract(batch=10, calls=Bucket(2, 1), names=Bucket(6, 2))
    stub = StubCdn("fastly", clock=clock, contract=contract)
    assert purged(stub, "a", "b", "c", "d").status_code == 200
    late = purged(stub, "e", "f", "g", "h")
    assert (late.status_code, late.headers["retry-after"]) == (429, "1.000")
    assert (stub.throttled, len(stub.taken)) == (1, 1)
    clock.now = 1.0
    assert purged(stub, "e", "f", "g", "h").status_code == 200


@pytest.mark.parametrize(
    ("kind", "path", "body", "fields", "status"),
    [
        ("fastly", FASTLY, {"surrogate_keys": ["a"] * 257}, {"fastly_key": SECRET}, 400),
        ("fastly", FASTLY, {"surrogate_keys": []}, {"fastly_key": SECRET}, 400),
        ("fastly", FASTLY, [], {"fastly_key": SECRET}, 400),
        ("fastly", FASTLY, {"surrogate_keys": ["a"]}, {"fastly_key": "x"}, 401),
        ("fastly", "/service/other/purge", {}, {"fastly_key": SECRET}, 404),
        ("cloudflare", CLOUDFLARE, {"tags": ["a"]}, {}, 403),
        (
            "cloudflare",
            CLOUDFLARE,
            {"tags": ["a"], "hosts": ["b"]},
            {"authorization": f"Bearer {SECRET}"},
            400,
        ),
        ("bunny", f"/pullzone/{ID}/purgeCache", {}, {"accesskey": SECRET}, 400),
        ("akamai", "/ccu/v3/delete/tag/production", {"objects": ["a"]}, {}, 401),
        ("cloudfront", f"/2020-05-31/distribution/{ID}/invalidation", {}, {}, 403),
        ("google", "/compute/v1/projects/project-1", {}, {}, 401),
        ("vercel", "/v1/edge-cache/invalidate-by-tags", {"tags": ["a"]}, {}, 401),
        ("supabase", "/storage/v1/cdn/a", {}, {"authorization": f"Bearer {SECRET}"}, 404),
        ("varnish", "/", {}, {"purge_key": SECRET}, 405),
        ("nginx", "/njspurge/a", {}, {"purge_key": "x"}, 403),
    ],
)
def test_what_breaks_a_contract_is_refused(
    kind: str, path: str, body: object, fields: dict[str, str], status: int
) -> None:
    stub = StubCdn(kind)
    assert asked(stub, path, body, **fields).status_code == status
    assert stub.refused == {status: 1}
    assert not stub.taken


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("500", 500), ("503", 503)])
def test_injected_faults_come_in_their_order(fault: Any, status: int) -> None:
    stub = StubCdn("fastly", Faults([fault, ""]))
    assert [purged(stub, "a").status_code for _ in range(3)] == [status, 200, 200]


@pytest.mark.parametrize(("fault", "taken"), [("cut", 0), ("lost", 1)])
def test_a_cut_answer_was_taken_or_not(fault: Any, taken: int) -> None:
    stub = StubCdn("fastly", Faults([fault]))
    with pytest.raises(CutOff):
        purged(stub, "a")
    assert len(stub.taken) == taken


def served(stub: StubCdn, clock: Clock, times: Sequence[float]) -> list[str]:
    found = []
    for now in times:
        clock.now = now
        found.append(stub.serves("/a"))
    return found


@pytest.mark.parametrize(("soft", "after"), [({}, "miss"), ({"fastly_soft_purge": "1"}, "stale")])
def test_a_purge_is_felt_late(soft: dict[str, str], after: str) -> None:
    clock = Clock()
    stub = StubCdn("fastly", clock=clock)
    stub.keep("/a", "d-1", "v-1")
    asked(stub, FASTLY, {"surrogate_keys": ["v-1"]}, fastly_key=SECRET, **soft)
    assert served(stub, clock, [0.0, 0.14, 0.15]) == ["hit", "hit", after]
    assert stub.serves("/b") == "miss"


def test_orders_of_one_key_are_one_and_must_be_alike() -> None:
    stub = StubCdn("cloudfront")
    first, other = Order(("a",), key="k"), Order(("b",), key="k")
    assert b"cloudfront-1" in stub.answer_to(first).octets()
    assert b"cloudfront-1" in stub.answer_to(first).octets()
    assert stub.answer_to(other).status == 400
    assert list(stub.taken) == [first]
