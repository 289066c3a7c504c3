"""What a link's request is answered, from its octets to its fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

BODY = b"%PDF-1.7\n" + bytes(range(256)) * 40


@pytest.fixture
def report(door: Any) -> str:
    """A link to a document of 10,249 octets."""
    door.put("reports/a b.pdf", BODY)
    return str(door.link("reports/a b.pdf"))


def test_a_link_opens_the_original(door: Any, report: str) -> None:
    answer = door.get(report)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-length"] == str(len(BODY))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == 'inline; filename="a b.pdf"'
    assert re.fullmatch('"[A-Za-z0-9_-]{22}"', answer.headers["etag"])


def test_every_answer_is_guarded_against_sniffing_referring_and_indexing(
    door: Any, report: str
) -> None:
    door.put("note.txt", b"hello")
    for url in (report, report[:-1], door.link("note.txt"), "/nowhere", "/livez"):
        fields = door.get(url).headers
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["referrer-policy"] == "no-referrer"
        assert fields["x-robots-tag"] == "none"
        assert fields["cross-origin-resource-policy"] == "cross-origin"


def test_a_sandbox_guards_all_but_pdfs(door: Any, report: str) -> None:
    door.put("note.txt", b"hello")
    assert "sandbox" in door.get(door.link("note.txt")).headers["content-security-policy"]
    assert "content-security-policy" not in door.get(report).headers


def test_head_has_the_fields_of_get_and_no_body(door: Any, report: str) -> None:
    get, head = door.get(report), door.ask("HEAD", report, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["etag"] == get.headers["etag"]


@pytest.mark.parametrize(
    ("asked", "body", "told"),
    [
        ("bytes=0-8", BODY[:9], "bytes 0-8/10249"),
        ("bytes=-4", BODY[-4:], "bytes 10245-10248/10249"),
        ("bytes=10240-", BODY[10240:], "bytes 10240-10248/10249"),
        ("bytes=5-6,99999-", BODY[5:7], "bytes 5-6/10249"),
    ],
)
def test_a_range_is_cut_out(door: Any, report: str, asked: str, body: bytes, told: str) -> None:
    answer = door.get(report, {"Range": asked})
    assert (answer.status_code, answer.content) == (206, body)
    assert answer.headers["content-range"] == told


@pytest.mark.parametrize("asked", ["items=0-5", "bytes=5-2", "bytes=x", "bytes"])
def test_a_range_of_another_kind_is_ignored(door: Any, report: str, asked: str) -> None:
    assert door.get(report, {"Range": asked}).status_code == 200


def test_several_ranges_come_as_parts(door: Any, report: str) -> None:
    answer = door.get(report, {"Range": "bytes=0-1,1000-1002"})
    assert answer.status_code == 206
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/byteranges; boundary=")
    boundary = kind.split("boundary=")[1].encode()
    parts = answer.content.split(b"--" + boundary)
    assert len(parts) == 4
    assert parts[1].split(b"\r\n\r\n")[1] == BODY[0:2] + b"\r\n"
    assert parts[2].split(b"\r\n\r\n")[1] == BODY[1000:1003] + b"\r\n"
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_range_beyond_the_end_is_told_the_length(door: Any, report: str) -> None:
    answer = door.get(report, {"Range": "bytes=99999-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10249")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == "range.unsatisfiable"


def test_an_unchanged_document_is_not_sent_again(door: Any, report: str) -> None:
    first = door.get(report)
    again = door.get(report, {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "cdn-cache-control", "cache-tag", "date"):
        assert name in again.headers
    assert "content-length" not in again.headers
    since = door.get(report, {"If-Modified-Since": first.headers["last-modified"]})
    assert since.status_code == 304


def test_if_range_with_another_validator_sends_the_whole(door: Any, report: str) -> None:
    answer = door.get(report, {"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (answer.status_code, answer.content) == (200, BODY)


def test_a_precondition_that_fails_is_412(door: Any, report: str) -> None:
    answer = door.get(report, {"If-Match": '"another"'})
    assert answer.status_code == 412
    assert answer.headers["cache-control"] == "no-store"


def test_every_refused_link_gets_the_same_body_whatever_the_reason(door: Any, report: str) -> None:
    broken = [
        report[:-1] + ("A" if report[-1] != "A" else "B"),
        report + "&x=1",
        report.replace("/clinic/", "/nozone/"),
        report.replace("a%20b", "a%2520b"),
        "/d/original/clinic/documents/-/x",
    ]
    answers = [door.get(url, {"Accept": "text/html"}) for url in broken]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].headers["cache-control"] == "no-store"
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_a_link_over_2048_octets_is_refused(door: Any) -> None:
    assert door.get("/d/original/" + "a" * 3000).status_code == 403


def test_a_document_that_is_not_there_is_a_constant_404_that_an_upload_purges(door: Any) -> None:
    door.put("soon.pdf", BODY)
    url = door.link("soon.pdf")
    door.store.remove("documents", "soon.pdf")
    door.parts.catalogue.forget_all()
    answer = door.get(url, {"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "x-request-id" not in answer.headers
    assert "request_id" not in answer.json()
    assert answer.headers["cdn-cache-control"].startswith("max-age=30")
    assert door.issue_tag("soon.pdf") in answer.headers["cache-tag"].split(",")


def test_another_method_is_told_which_ones_there_are(door: Any, report: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = door.ask(method, report)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        assert answer.headers["cache-control"] == "no-store"


def test_options_is_a_constant_that_looks_at_no_token(open_door: Callable[..., Any]) -> None:
    door = open_door(clinic={"cors": True})
    for url in ("/d/original/clinic/documents/-/x?t=junk", "/d/w640/clinic/"):
        answer = door.ask("OPTIONS", url)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "*"
    for url in ("/d/", "/d/x", "/d/original/elsewhere/documents/-/x"):
        answer = door.ask("OPTIONS", url)
        assert answer.status_code == 204
        assert "access-control-allow-origin" not in answer.headers


def test_cors_is_constant_and_without_credentials(open_door: Callable[..., Any]) -> None:
    door = open_door(clinic={"cors": True})
    door.put("a.txt", b"a")
    answer = door.get(door.link("a.txt"), {"Origin": "https://somewhere.test"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_may_read_why_it_is_refused(open_door: Callable[..., Any]) -> None:
    door = open_door(clinic={"cors": True}, limits={"client": "2/day"})
    junk = "/d/original/clinic/documents/-/a.txt?t=junk"
    answers = [door.get(junk, {"Origin": "https://somewhere.test"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-expose-headers"] == "*"


def test_no_page_may_read_why_it_is_refused_where_it_may_read_no_document(door: Any) -> None:
    for zone in ("clinic", "elsewhere"):
        answer = door.get(f"/d/original/{zone}/documents/-/a.txt?t=junk")
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_no_field_of_the_request_changes_an_answer_that_caches_may_share(
    door: Any, report: str
) -> None:
    door.get(report)
    plain = door.get(report)
    forged = {
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "gopher",
        "X-Original-URL": "/admin",
        "Forwarded": "host=evil.test",
        "Cookie": "a=b",
        "Authorization": "Bearer nobody",
        "Accept": "image/avif",
        "Accept-Language": "de",
        "Origin": "https://evil.test",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "X-Request-Id": "mine",
    }
    answer = door.get(report, forged)
    differing = {
        name
        for name in set(plain.headers) | set(answer.headers)
        if plain.headers.get(name) != answer.headers.get(name)
    } - {"date", "cache-control", "cdn-cache-control"}  # these two count seconds down
    assert not differing
    assert answer.content == plain.content


def test_the_page_of_an_expired_link_says_how_to_get_a_new_one(door: Any) -> None:
    door.put("a.txt", b"a")
    url = _expired(door, "a.txt")
    page = door.get(url, {"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 410
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "expired" in page.text
    told = door.get(url).json()
    assert told["code"] == "link.expired"
    assert told["hint"]


def _expired(door: Any, key: str) -> str:
    from signing.grants import Grant
    from signing.links import LinkRequest

    grant = Grant.parse("ia")
    request = LinkRequest("clinic", "documents", key, grant)
    link = door.parts.rules.signer.issue(request, 1_700_000_000)
    return str(link.target)


def test_logs_hold_no_name_and_no_token(door: Any) -> None:
    door.put("canaryname.txt", b"a")
    url = door.link("canaryname.txt")
    token = url.split("?t=")[1]
    for method, target in (("GET", url), ("GET", url[:-1]), ("POST", url), ("GET", url + "x")):
        door.ask(method, target, headers={"Referer": url, "User-Agent": "canaryname"})
    lines = door.lines(5)
    assert '"route":"d"' in lines
    assert "canaryname" not in lines
    assert token not in lines
    assert token.split(".")[-1] not in lines
