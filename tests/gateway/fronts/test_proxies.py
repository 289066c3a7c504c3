"""Fronts: a trusted proxy's word is taken, and nobody else's."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fronts.peers import EXTENSION
from gateway.fronts.proxies import HIDDEN, Fronts
from gateway.fronts.pullers import Proofs, Pullers
from gateway.settings import Server

SHIELDED = Pullers({}, every=Proofs((b"secret",), frozenset(("cdn.example.org",))))
Fields = list[tuple[bytes, bytes]]


def settled(fields: Fields, peer: str | None = "10.0.0.1", **server: Any) -> dict[str, Any]:
    """What becomes of a request's scope."""
    values = {"trusted_proxies": ["10.0.0.0/8"], "client_field": "X-Forwarded-For", **server}
    scope: dict[str, Any] = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 4711) if peer else None,
        "headers": [(b"host", b"inside"), *fields],
        "extensions": values.pop("extensions", {}),
    }
    Fronts.of(Server.model_validate(values), SHIELDED).settle(scope)
    return scope


def test_a_trusted_proxy_tells_client_and_scheme() -> None:
    fields = [(b"x-forwarded-for", b"6.6.6.6, 203.0.113.9"), (b"x-forwarded-proto", b"https")]
    scope = settled(fields)
    assert (scope["client"], scope["scheme"]) == (("203.0.113.9", 0), "https")
    assert HIDDEN not in scope
    mapped = settled(fields, "::ffff:10.0.0.1%lo")
    assert mapped["client"] == ("203.0.113.9", 0)


@pytest.mark.parametrize("peer", ["203.0.113.1", "11.0.0.1", "::1", None, "testclient"])
def test_nobody_else_is_heard(peer: str | None) -> None:
    fields = [
        (b"x-forwarded-for", b"6.6.6.6"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"evil.example"),
        (b"forwarded", b"for=6.6.6.6;host=evil.example;proto=https"),
        (b"x-real-ip", b"6.6.6.6"),
    ]
    scope = settled(fields, peer, host_field="X-Forwarded-Host")
    assert scope["client"] == ((peer, 4711) if peer else None)
    assert scope["scheme"] == "http"
    assert dict(scope["headers"])[b"host"] == b"inside"
    assert b"x-forwarded-proto" not in dict(scope["headers"])
    assert HIDDEN not in scope


def test_a_cdn_that_proves_itself_is_heard_wherever_it_comes_from() -> None:
    told = [(b"cf-connecting-ip", b"2001:db8::9")]
    server = {"trusted_proxies": [], "client_field": "CF-Connecting-IP"}
    for fields, extensions in (
        ([*told, (b"ostiary-shield", b"secret")], {}),
        (told, {EXTENSION: frozenset(("cdn.example.org",))}),
    ):
        scope = settled(fields, "203.0.113.1", extensions=extensions, **server)
        assert scope["client"] == ("2001:db8::9", 0)
    for shown in (b"", b"Secret", b"secret, secret"):
        scope = settled([*told, (b"ostiary-shield", shown)], "203.0.113.1", **server)
        assert scope["client"] == ("203.0.113.1", 4711)
    twice = [*told, (b"ostiary-shield", b"secret"), (b"ostiary-shield", b"secret")]
    assert settled(twice, "203.0.113.1", **server)["client"] == ("203.0.113.1", 4711)


def test_a_front_that_does_not_say_whom_it_asks_for_hides_its_client() -> None:
    for fields in ([], [(b"x-forwarded-for", b"unknown")]):
        scope = settled(fields)
        assert (scope["client"], scope[HIDDEN]) == (("10.0.0.1", 4711), True)


def test_the_host_is_taken_only_from_the_field_that_is_named() -> None:
    fields = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-host", b"evil, docs.example")]
    assert dict(settled(fields)["headers"])[b"host"] == b"inside"
    scope = settled(fields, host_field="X-Forwarded-Host")
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"docs.example"]
    bad = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-host", b"docs.example/evil")]
    assert dict(settled(bad, host_field="X-Forwarded-Host")["headers"])[b"host"] == b"inside"


def test_forwarded_tells_all_three_in_its_last_element() -> None:
    told = (
        b"for=6.6.6.6;proto=https;host=evil.example, for=203.0.113.9;proto=HTTPS;host=docs.example"
    )
    fields = [(b"forwarded", told), (b"x-forwarded-proto", b"http")]
    scope = settled(fields, client_field="forwarded", host_field="Forwarded")
    assert (scope["client"], scope["scheme"]) == (("203.0.113.9", 0), "https")
    assert dict(scope["headers"])[b"host"] == b"docs.example"
    assert dict(scope["headers"])[b"x-forwarded-proto"] == b"https"


NAMES = [b"x-forwarded-for", b"forwarded", b"x-forwarded-proto", b"x-forwarded-host", b"host"]
VALUES = st.one_of(
    st.binary(max_size=40),
    st.text('0123456789.:[]af, ;="for', max_size=60).map(str.encode),
)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6),
    st.sampled_from(["X-Forwarded-For", "Forwarded", "CloudFront-Viewer-Address"]),
    st.sampled_from(["", "X-Forwarded-Host", "Forwarded"]),
)
def test_no_fields_break_a_request_or_make_it_more_than_one(
    fields: Fields, client_field: str, host_field: str
) -> None:
    scope = settled(fields, client_field=client_field, host_field=host_field)
    assert ipaddress.ip_address(scope["client"][0])
    assert scope["scheme"] in ("http", "https")
    kept = [field for field in fields if field[0] not in (b"host", b"x-forwarded-proto")]
    assert [field for field in scope["headers"] if field in kept] == kept
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    assert len(hosts) == 1 or hosts[1:] == [value for name, value in fields if name == b"host"]


@pytest.mark.parametrize("scheme", [b"", b"ftp", b"javascript", b"https:"])
def test_a_scheme_is_one_of_two(scheme: bytes) -> None:
    fields = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", scheme)]
    assert settled(fields)["scheme"] == "http"


def asked(door: Any, url: str, peer: str, **fields: str) -> httpx.Response:
    """Ask as somebody who connects from an address."""
    names = {name.replace("_", "-"): value for name, value in fields.items()}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(door.apps.main, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
            return await client.get(url, headers=names)

    answer = door.run(ask())
    assert isinstance(answer, httpx.Response)
    return answer


@pytest.fixture
def behind(open_door: Callable[..., Any]) -> Any:
    return open_door(
        server={
            "trusted_proxies": ["10.0.0.0/8"],
            "client_field": "X-Forwarded-For",
            "host_field": "X-Forwarded-Host",
        }
    )


def test_the_log_has_the_clients_network_and_not_the_proxys(behind: Any) -> None:
    behind.put("a.pdf", b"%PDF-1.7")
    url = behind.link("a.pdf")
    asked(behind, url, "10.0.0.1", x_forwarded_for="6.6.6.6, 203.0.113.9")
    asked(behind, url, "198.51.100.1", x_forwarded_for="6.6.6.6")
    asked(behind, "/livez", "10.0.0.1", x_forwarded_for="2001:db8::1, 10.0.0.2")
    lines = [json.loads(line) for line in behind.lines(4).splitlines()]
    seen = {(line["route"], line["client"]) for line in lines}
    assert {("d", "203.0.113.0/24"), ("d", "198.51.100.0/24")} <= seen
    assert ("2001:db8::/48") in {client for _, client in seen}


def issued(door: Any, peer: str, **fields: str) -> str:
    """The URL of a link that was asked for from an address."""
    headers = {"Authorization": f"Bearer {door.token}", **fields}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(door.apps.main, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
            document = {"zone": "clinic", "bucket": "documents", "key": "a.pdf"}
            return await client.post("/v1/links", json={"documents": [document]}, headers=headers)

    answer = door.run(ask())
    return str(answer.json()["links"][0]["url"])


def test_links_name_the_host_that_a_trusted_proxy_was_asked_for(behind: Any) -> None:
    behind.put("a.pdf", b"%PDF-1.7")
    behind.token = "operator-token"
    told = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "docs.example",
        "X-Forwarded-Proto": "https",
    }
    assert issued(behind, "10.0.0.1", **told).startswith("https://docs.example/d/")
    assert issued(behind, "203.0.113.9", **told).startswith("http://inside/d/")


def test_a_gateway_that_trusts_nobody_hears_nobody(open_door: Callable[..., Any]) -> None:
    door = open_door()
    door.put("a.pdf", b"%PDF-1.7")
    asked(door, door.link("a.pdf"), "10.0.0.1", x_forwarded_for="203.0.113.9")
    lines = [json.loads(line) for line in door.lines(2).splitlines()]
    assert {line["client"] for line in lines if line["route"] == "d"} == {"10.0.0.0/24"}
