"""Rates: clients, links and operators each have their own, on every route that they are for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest

from gateway.errors import RateLimited, StateUnavailable
from gateway.fronts.forwarded import HIDDEN
from gateway.fronts.rates import FREE, Rates
from gateway.fronts.rates.limiter import Limiter
from gateway.fronts.rates.tally import Tally
from gateway.settings import LimitSettings
from tests.contract.pairs import REPORT, Pair

DAY = "3/day"


def spent(rates: Rates, client: tuple[str, int] | None, **scope: object) -> bool:
    """Whether a request is let through."""
    try:
        rates.visit({"client": client, **scope})
    except RateLimited:
        return False
    return True


@pytest.fixture
def thrice(tmp_path: Path) -> Any:
    rates = Rates.of(LimitSettings(client="3 per 90 seconds"), tmp_path, lambda: 1000.25)
    yield rates
    rates.close()


def test_a_client_is_an_ipv4_address_or_an_ipv6_network(thrice: Rates) -> None:
    assert [spent(thrice, ("203.0.113.7", port)) for port in range(4)] == [True] * 3 + [False]
    assert not spent(thrice, ("::ffff:203.0.113.7", 1))
    assert spent(thrice, ("203.0.113.8", 1))
    several = [spent(thrice, (f"2001:db8:0:7:{part}::1", 1)) for part in range(4)]
    assert several == [True] * 3 + [False]
    assert spent(thrice, ("2001:db8:0:8::1", 1))
    linked = [spent(thrice, (f"fe80::{part}%eth{part}", 1)) for part in range(4)]
    assert linked == [True] * 3 + [False]


def test_who_has_no_address_or_is_hidden_is_not_counted(thrice: Rates) -> None:
    for client in (None, ("", 0), ("/run/socket", 0)):
        assert all(spent(thrice, client) for _ in range(5))
    assert all(spent(thrice, ("203.0.113.7", 1), **{HIDDEN: True}) for _ in range(5))


def test_a_refusal_tells_the_limit_and_when_to_come_back(thrice: Rates) -> None:
    for _ in range(3):
        thrice.client.spend("a")
    with pytest.raises(RateLimited) as caught:
        thrice.client.spend("a")
    error = caught.value
    assert (error.what, error.quota, error.window, error.retry_after) == ("client", 3, 90, 90)


def test_without_limits_nothing_is_counted_and_nothing_opened(tmp_path: Path) -> None:
    rates = Rates.of(LimitSettings(), tmp_path)
    assert (rates.client, rates.token, rates.operator) == (FREE, FREE, FREE)
    assert (rates.clients, rates.links, rates.calls) == (False, False, False)
    assert all(spent(rates, ("203.0.113.7", 1)) for _ in range(5))
    rates.close()
    assert list(tmp_path.iterdir()) == []


def test_counters_that_can_not_be_opened_are_a_fault_of_the_state(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailable, match="limits: No such file"):
        Rates.of(LimitSettings(client="9/day"), tmp_path / "nowhere")


def test_nobody_is_let_in_who_can_not_be_counted(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "tally")
    limiter = Limiter("client", "9/day", tally, time)
    limiter.spend("a")
    tally.close()
    with pytest.raises(StateUnavailable, match="limits: Bad file descriptor"):
        limiter.spend("a")


def asked(door: Any, url: str, peer: str = "203.0.113.7", **options: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(door.apps.main, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
            return await client.request(options.pop("method", "GET"), url, **options)

    answer = door.run(ask())
    assert isinstance(answer, httpx.Response)
    return answer


def test_a_client_that_asks_too_often_is_told_when_to_come_back(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(limits={"client": DAY})
    door.put("a.pdf", b"%PDF-1.7")
    url = door.link("a.pdf")
    assert [asked(door, url).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = asked(door, url)
    assert answer.json()["code"] == "rate.limited"
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["ratelimit-policy"] == '"client";q=3;w=86400'
    assert answer.headers["ratelimit"].startswith('"client";r=0;t=')
    assert asked(door, url, "203.0.113.8").status_code == 200
    page = asked(door, url, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")


def test_junk_is_counted_before_it_is_looked_at(open_door: Callable[..., Any]) -> None:
    door = open_door(limits={"client": DAY})
    statuses = [asked(door, f"/d/original/clinic/a/-/{n}?t=junk").status_code for n in range(5)]
    assert statuses == [403, 403, 403, 429, 429]
    assert asked(door, "/livez").status_code == 200


def test_a_link_is_counted_whoever_uses_it_and_only_if_it_is_good(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(limits={"token": DAY})
    for key in ("a.pdf", "b.pdf"):
        door.put(key, b"%PDF-1.7")
    url = door.link("a.pdf")
    for number in range(5):
        assert asked(door, url[:-1] + "!", f"203.0.113.{number}").status_code == 403
    statuses = [asked(door, url, f"203.0.113.{number}").status_code for number in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert asked(door, url).headers["ratelimit-policy"] == '"token";q=3;w=86400'
    assert asked(door, door.link("b.pdf")).status_code == 200


def test_an_operator_is_counted_by_name_and_not_as_a_client(open_door: Callable[..., Any]) -> None:
    door = open_door(limits={"operator": DAY, "client": "1/day"})
    door.put("a.pdf", b"%PDF-1.7")
    for _ in range(3):
        door.link("a.pdf")
    documents = [{"zone": "clinic", "bucket": "documents", "key": "a.pdf"}]
    assert door.post("/v1/links", {"documents": documents}).status_code == 429
    assert door.post("/admin/purge", {"zone": "clinic"}).status_code == 429
    for expected in (401, 429):
        answer = door.post("/v1/links", {"documents": documents}, token="somebody")
        assert answer.status_code == expected
    assert door.post("/admin/purge", {"zone": "clinic"}, token="somebody").status_code == 401


def test_a_cdn_is_limited_by_the_client_it_tells_of_and_never_by_its_own_address(
    open_door: Callable[..., Any],
) -> None:
    cdn = {"edge": {"provider": "null", "shield": ["secret"]}}
    server = {"client_field": "CF-Connecting-IP"}
    door = open_door(limits={"client": DAY}, cdn=cdn, server=server, clinic={"pull": "cdn"})
    door.put("a.pdf", b"%PDF-1.7")
    url = door.link("a.pdf")

    def status(client: str) -> int:
        fields = {"Ostiary-Shield": "secret", "CF-Connecting-IP": client}
        return asked(door, url, headers=fields).status_code

    assert [status("198.51.100.1") for _ in range(4)] == [200, 200, 200, 429]
    assert [status("198.51.100.2") for _ in range(4)] == [200, 200, 200, 429]
    assert [status("nonsense") for _ in range(5)] == [200] * 5
    forged = {"CF-Connecting-IP": "198.51.100.3"}
    assert asked(door, url, headers=forged).json()["code"] == "puller.refused"


def test_a_cdn_that_tells_of_nobody_is_not_limited(open_door: Callable[..., Any]) -> None:
    cdn = {"edge": {"provider": "null", "shield": ["secret"]}}
    door = open_door(limits={"client": DAY}, cdn=cdn)
    door.put("a.pdf", b"%PDF-1.7")
    url = door.link("a.pdf")
    shown = {"Ostiary-Shield": "secret"}
    assert {asked(door, url, headers=shown).status_code for _ in range(6)} == {200}
    statuses = [asked(door, url, headers={"X-Forwarded-For": f"6.6.6.{n}"}) for n in range(4)]
    assert [answer.status_code for answer in statuses] == [200, 200, 200, 429]


def test_the_storage_routes_say_it_in_supabases_words(open_pair: Callable[..., Pair]) -> None:
    pair = open_pair(limits={"client": "6/day", "token": "2/day"})
    pair.upstream.put("documents", REPORT, b"%PDF-1.4 x")
    url = pair.url(REPORT, pair.upstream.user_a)
    assert [pair.get(url).status_code for _ in range(3)] == [200, 200, 429]
    answers = [pair.get(f"/object/documents/{REPORT}", pair.upstream.user_a) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    answer = answers[-1]
    assert answer.json()["code"] == "SlowDown"
    assert answer.json()["statusCode"] == "429"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "rate", ["", "600/minute", "1 per second", "20 per 10 seconds", "5/day", "1000/hour"]
)
def test_a_rate_is_written_as_people_say_it(rate: str) -> None:
    assert LimitSettings(client=rate).client == rate


@pytest.mark.parametrize(
    "rate", ["0/minute", "x", "-1/minute", "1/fortnight", "1/month", "2/days/x", "600"]
)
def test_what_is_no_rate_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match=r"is no rate|out of bounds"):
        LimitSettings(client=rate)
