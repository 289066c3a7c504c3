"""What links share at an edge and what parts them; what goes on to the origin, and how."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cdn.facts import PROFILES

pytestmark = pytest.mark.engines

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,image/png,image/*;q=0.8,*/*;q=0.5"
OLDER = "image/webp,image/png,image/*;q=0.8,*/*;q=0.5"
OLDEST = "image/png,image/*;q=0.8,*/*;q=0.5"


@pytest.fixture(autouse=True)
def silent(origin: Any) -> Iterator[None]:
    """Whatever a test has the origin say is forgotten after it."""
    yield
    origin.say()


def test_viewers_with_different_tokens_are_one_fetch(edge: Any, links: Any, name: str) -> None:
    first, seen = edge.fetched(links.link("original", "ia", key=name, left=900))
    assert (first.status, len(seen)) == (200, 1)
    for left in (901, 902, 86_400):
        again, seen = edge.fetched(links.link("original", "ia", key=name, left=left))
        assert (again.body, seen) == (first.body, [])
        assert again.fields["x-cache"] == "hit"


def test_both_keys_open_the_same_copy(edge: Any, links: Any, name: str) -> None:
    for kid, fetches in (("k1", 1), ("k2", 0), ("abcdefg8", 0)):
        reply, seen = edge.fetched(links.link("original", "ia", key=name, kid=kid))
        assert (reply.status, len(seen)) == (200, fetches)


def test_a_key_that_was_taken_out_opens_nothing(
    kind: str, start_edge: Callable[..., Any], origin: Any, links: Any, name: str
) -> None:
    edge = start_edge(kind, origin, drop=("k1",))
    assert edge.get(links.link("original", "ia", key=name, kid="k2")).status == 200
    reply, seen = edge.fetched(links.link("original", "ia", key=name, kid="k1"))
    assert (reply.status, seen) == (403, [])


def test_many_at_once_for_a_cold_document_are_one_fetch(edge: Any, links: Any, name: str) -> None:
    targets = [links.link("original", "ia", key=name, left=900 + n) for n in range(24)]
    before = len(edge.origin.seen)
    with ThreadPoolExecutor(24) as pool:
        replies = list(pool.map(edge.get, targets))
    assert {reply.status for reply in replies} == {200}
    assert len(edge.origin.seen) - before == 1


@pytest.mark.parametrize(
    "other",
    [
        {"grant": "da"},
        {"grant": "ip"},
        {"grant": "ix-w640-webp"},
        {"grant": "ia", "gen": 1},
        {"grant": "ia", "rendition": "w320-webp"},
    ],
)
def test_disposition_class_generation_and_name_part_copies(
    edge: Any, links: Any, name: str, other: dict[str, Any]
) -> None:
    edge.get(links.link("w640-webp", "ia", key=name))
    target = links.link(
        other.get("rendition", "w640-webp"), other["grant"], key=name, gen=other.get("gen", 0)
    )
    reply, seen = edge.fetched(target)
    assert (reply.status, [request.target for request in seen]) == (200, [target])
    assert edge.fetched(target)[1] == []


def test_grants_of_one_class_share(edge: Any, links: Any, name: str) -> None:
    pairs = [
        ("original", "ia", "io"),
        ("w640-webp", "ip", "ix-w640-webp"),
        ("linear", "ia", "ix-linear"),
    ]
    for rendition, one, other in pairs:
        assert len(edge.fetched(links.link(rendition, one, key=name))[1]) == 1
        assert edge.fetched(links.link(rendition, other, key=name))[1] == []


@pytest.mark.parametrize(
    ("accept", "photo", "page"),
    [
        (CHROME, "avif", "webp"),
        (SAFARI, "avif", "webp"),
        (OLDER, "webp", "webp"),
        (OLDEST, "jpeg", "jpeg"),
        ("*/*", "jpeg", "jpeg"),
        ("image/avif", "avif", "avif"),
        ("IMAGE/WebP", "webp", "webp"),
        ("image/avif;q=0, image/webp;q=0.0", "jpeg", "jpeg"),
        ("image/avif;q=0.5", "avif", "avif"),
        ("image/avifs, ximage/webp", "jpeg", "jpeg"),
    ],
)
def test_automatic_formats_become_explicit(
    edge: Any, links: Any, name: str, accept: str, photo: str, page: str
) -> None:
    for rendition, form in (("w640", photo), ("thumb", photo), ("p2-w640", page)):
        target = links.link(rendition, "ia", key=name)
        reply, seen = edge.fetched(target, Accept=accept)
        explicit = target.replace(f"/d/{rendition}/", f"/d/{rendition}-{form}/")
        assert reply.status == 200
        assert [request.target for request in seen] == [explicit]
        assert edge.fetched(explicit)[1] == [], "the explicit name is the same copy"


def test_browsers_that_show_the_same_share_a_copy(edge: Any, links: Any, name: str) -> None:
    target = links.link("w640", "ip", key=name)
    assert len(edge.fetched(target, Accept=CHROME)[1]) == 1
    assert edge.fetched(target, Accept=SAFARI)[1] == []
    assert len(edge.fetched(target, Accept=OLDER)[1]) == 1


@pytest.mark.parametrize(
    ("rendition", "grant"),
    [("w640", "ix-w640"), ("w640-jpeg", "ia"), ("card", "ia"), ("auto", "ia"), ("original", "ia")],
)
def test_any_other_name_stays_as_it_is(
    edge: Any, links: Any, name: str, rendition: str, grant: str
) -> None:
    target = links.link(rendition, grant, key=name)
    _, seen = edge.fetched(target, Accept=CHROME)
    assert [request.target for request in seen] == [target]
    assert "image/avif" in seen[0].fields["accept"]


@pytest.mark.parametrize("bound", [{"aud": "Zm9vYmFyYmF6cXV4"}, {"jti": "Zm9vYmFyYmF6cXV4"}])
def test_bound_and_one_time_links_are_never_kept_nor_looked_up(
    edge: Any, links: Any, name: str, bound: dict[str, str]
) -> None:
    edge.get(links.link("w640", "ia", key=name))
    target = links.link("w640", "ia", key=name, **bound)
    for _ in range(2):
        reply, seen = edge.fetched(target, Cookie="__Secure-ostiary-aud=me", Accept=CHROME)
        assert (reply.status, [request.target for request in seen]) == (200, [target])
        assert seen[0].fields["cookie"] == "__Secure-ostiary-aud=me"
        assert seen[0].fields["accept"] == CHROME
    assert edge.fetched(links.link("original", "ip", key=name, **bound))[0].status == 403


MORE = {
    "a token": {"Authorization": "Bearer a.b.c"},
    "a body": {"Content_Length": "1", "body": "x"},
    "a body of unknown length": {"Transfer_Encoding": "chunked", "body": "0\r\n\r\n"},
}


@pytest.mark.parametrize("field", MORE.values(), ids=MORE)
def test_what_brings_more_than_a_link_is_the_origins_to_judge(
    edge: Any, links: Any, name: str, field: dict[str, str]
) -> None:
    target = links.link("original", "ia", key=name)
    edge.get(target)
    assert len(edge.fetched(target, **field)[1]) == 1
    assert edge.fetched(target[:-1] + "!", **field)[0].status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_length_of_zero_is_no_body(edge: Any, links: Any, name: str, method: str) -> None:
    target = links.link("original", "ia", key=name)
    cold, [seen] = edge.fetched(target, method, Content_Length="0")
    assert (cold.status, cold.fields["x-cache"]) == (200, "miss")
    assert "content-length" not in seen.fields, "the fetch is for all who come later"
    again, seen = edge.fetched(target, method, Content_Length="0")
    assert (again.status, again.fields["x-cache"], seen) == (200, "hit", [])
    refused, seen = edge.fetched(target[:-1] + "!", method, Content_Length="0")
    assert (refused.status, seen) == (403, [])
    assert edge.get(target).body.startswith(b"private octets"), "and the copy is a whole one"


def test_what_follows_a_length_of_zero_is_the_next_request(
    edge: Any, links: Any, name: str
) -> None:
    target = links.link("original", "ia", key=name)
    second = f"GET {target[:-1]}! HTTP/1.1\r\nHost: docs.example\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as caller:
        first = f"GET {target} HTTP/1.1\r\nHost: docs.example\r\nContent-Length: 0\r\n\r\n"
        caller.sendall((first + second).encode())
        with caller.makefile("rb") as answers:
            told = answers.read()
    assert [part[:3] for part in told.split(b"HTTP/1.1 ")[1:]] == [b"200", b"403"]


def test_several_ranges_are_not_refused(edge: Any, links: Any, name: str) -> None:
    target = links.link("original", "ia", key=name)
    for _ in range(2):
        # Whoever can not answer with them all may answer with the whole.
        assert edge.get(target, Range="bytes=0-1,3-4").status in (200, 206)
    part = edge.get(target, Range="bytes=0-6")
    assert (part.status, part.body) == (206, b"private")


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
def test_other_methods_go_to_the_origin(edge: Any, links: Any, name: str, method: str) -> None:
    target = links.link("original", "ia", key=name)
    edge.get(target)
    _, seen = edge.fetched(target, method, Content_Length="0")
    assert [(request.method, request.target) for request in seen] == [(method, target)]


@pytest.mark.parametrize("target", ["/v1/links", "/storage/v1/object/a", "/hooks/purge", "/"])
def test_what_is_no_link_passes(edge: Any, target: str) -> None:
    for _ in range(2):
        reply, seen = edge.fetched(target)
        assert (reply.status, [request.target for request in seen]) == (200, [target])


@pytest.mark.parametrize(
    "target", ["/metrics", "/admin/purge", "/livez", "/ostiary/link", "/ostiary/passed", "/dd/"]
)
def test_routes_of_operators_are_not_here(edge: Any, target: str) -> None:
    reply, seen = edge.fetched(target)
    assert (reply.status, seen) == (403, [])


def test_a_known_edge_asks_by_the_key_of_the_copy(
    kind: str, start_edge: Callable[..., Any], origin: Any, links: Any, name: str
) -> None:
    edge = start_edge(kind, origin, shield="a-shield")
    target = links.link("w640", "ip", key=name, gen=7)
    path, _, token = target.partition("?t=")
    _, [seen] = edge.fetched(target, Ostiary_Shield="forged", Ostiary_Token="forged")
    assert seen.target == f"{path.replace('w640', 'w640-jpeg')}?c=ir7"
    assert (seen.fields["ostiary-shield"], seen.fields["ostiary-token"]) == ("a-shield", token)
    assert edge.fetched(links.link("w640", "ip", key=name, gen=7, left=9))[1] == []
    assert edge.fetched(target[:-1] + "!")[0].status == 403
    bound = links.link("w640", "ip", key=name, aud="Zm9vYmFyYmF6cXV4")
    for passed in (bound, "/v1/links"):
        _, [seen] = edge.fetched(passed, Ostiary_Token="forged")
        assert (seen.target, seen.fields["ostiary-shield"]) == (passed, "a-shield")
        assert "ostiary-token" not in seen.fields


def test_a_head_and_a_range_are_answered_from_the_copy(edge: Any, links: Any, name: str) -> None:
    target = links.link("original", "ia", key=name)
    whole = edge.get(target)
    head, seen = edge.fetched(target, "HEAD")
    assert (head.status, head.fields["content-length"], seen) == (200, str(len(whole.body)), [])
    part, seen = edge.fetched(target, Range="bytes=0-6")
    assert (part.status, part.body, seen) == (206, b"private", [])
    same, seen = edge.fetched(target, If_None_Match='"one"')
    assert (same.status, same.body, seen) == (304, b"", [])


def test_nothing_that_a_client_claims_reaches_the_origin(edge: Any, links: Any, name: str) -> None:
    claims = {
        "Cookie": "forged",
        "Forwarded": "for=forged",
        "Ostiary_Token": "forged",
        "Ostiary_Shield": "forged",
        "Surrogate_Capability": "forged",
        "X_Forwarded_For": "6.6.6.6",
        "X_Forwarded_Host": "forged",
        "X_Forwarded_Proto": "forged",
        "X_Forwarded_Port": "1",
        "X_Forwarded_Prefix": "forged",
        "X_Original_URL": "/forged",
        "X_Real_IP": "6.6.6.6",
        "X_Rewrite_URL": "/forged",
    }
    _, [seen] = edge.fetched(links.link("original", "ia", key=name), **claims)
    assert seen.fields["x-forwarded-for"] == "127.0.0.1"
    assert seen.fields["x-forwarded-host"] == "docs.example"
    told = {name: value for name, value in seen.fields.items() if re.search("forged|6.6.6", value)}
    assert told == {}


def test_a_browser_keeps_a_shared_copy_no_longer_than_its_own_link(
    edge: Any, links: Any, name: str
) -> None:
    for left, age in ((86_000, 300), (40, 40), (1, 1)):
        reply = edge.get(links.link("original", "ia", key=name, left=left))
        directives = {part.strip() for part in reply.fields["cache-control"].split(",")}
        assert directives == {"private", "no-transform", f"max-age={age}"}
        assert "age" not in reply.fields


def test_what_the_origin_keeps_to_one_viewer_no_edge_keeps(
    edge: Any, origin: Any, links: Any, name: str
) -> None:
    control = "private, no-store, no-transform"
    origin.say(Surrogate_Control="no-store", X_Accel_Expires="0", Cache_Control=control)
    for _ in range(2):
        reply, seen = edge.fetched(links.link("original", "ia", key=name))
        assert len(seen) == 1
        assert reply.fields["cache-control"] == control


def test_what_is_passed_says_itself_how_long_browsers_keep_it(
    edge: Any, links: Any, name: str
) -> None:
    target = links.link("original", "ia", key=name)
    bound = links.link("original", "ia", key=name, aud="Zm9vYmFyYmF6cXV4")
    public = edge.get("/storage/v1/object/public/a")
    for reply in (edge.get(target, Authorization="Bearer a.b.c"), edge.get(bound), public):
        assert reply.fields["cache-control"] == "private, max-age=300, no-transform"


def test_no_browser_is_told_what_is_for_caches(
    edge: Any, origin: Any, links: Any, name: str
) -> None:
    fields = {field for told in PROFILES.values() for field in (told.shared_field, told.tag_field)}
    fields -= {""}
    said = dict.fromkeys(fields, "max-age=600")
    origin.say(**{**said, "Surrogate-Control": "max-age=600", "X-Accel-Expires": "600"})
    target = links.link("original", "ia", key=name)
    shared = [edge.get(target) for _ in range(2)]
    assert [reply.fields["x-cache"] for reply in shared] == ["miss", "hit"]
    for reply in (*shared, edge.get(target, Authorization="Bearer a.b.c"), edge.get("/v1/links")):
        assert not {field.lower() for field in fields} & set(reply.fields)


def test_the_edge_shows_none_of_its_own(edge: Any, links: Any, name: str) -> None:
    reply = edge.get(links.link("original", "ia", key=name))
    own = {
        "varnish": {"via", "x-varnish", "xkey", "surrogate-control"},
        "nginx": {"x-accel-expires"},
    }
    inner = own[edge.kind]
    assert not inner & set(reply.fields)
    assert not [field for field in reply.fields if field.startswith("ostiary-")]
