"""Bad input is normal input: each refusal, octet for octet, and every vector on a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imaging.errors import UnknownRendition
from imaging.names.renditions import Renditions

SIGNING = Path(__file__).parents[1] / "signing"
PRESETS = {"thumb": "w160-h160-cover"}
HTML = "Accept: text/html"
# How near to an edge in time a case may be, so that the test's own duration does not decide it.
MARGIN = 300
REFUSED = {
    "type": "urn:ostiary:problem:link.refused",
    "title": "This link is not valid",
    "status": 403,
    "code": "link.refused",
    "hint": "Check that the whole link was copied, or ask for a new one.",
}
ABSENT = {
    "type": "urn:ostiary:problem:document.not-found",
    "title": "There is no such document",
    "status": 404,
    "code": "document.not-found",
    "hint": "It may have been moved or deleted; ask whoever sent you the link.",
}
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "none",
    "cross-origin-resource-policy": "cross-origin",
}
SHARED_FIELDS = ("cdn-cache-control", "surrogate-control", "x-accel-expires", "age", "expires")


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    """The cases of tests/signing/vectors.json, made for the time it is now."""
    script = [sys.executable, str(SIGNING / "make_vectors.py"), str(int(time.time()))]
    made = subprocess.run(script, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(made.stdout)
    return found


@pytest.fixture(scope="module")
def gateway(gateway_in: Callable[..., Any], vectors: dict[str, Any]) -> Any:
    """A gateway with the vectors' keys and zones; bucket names are unique in a process."""
    zones = {
        name: {"store": "main", "buckets": [f"bucket-of-{name[:5]}"], **facts}
        for name, facts in vectors["zones"].items()
        if name != "clinic"
    }
    keys = {"keys": vectors["keys"], "active": "k2", "seal_key": vectors["seal_key"]}
    gateway = gateway_in(signing=keys, zones=zones, renditions={"presets": PRESETS})
    gateway.secrets |= {vectors["seal_key"], *vectors["keys"].values()}
    gateway.put("letter.txt", b"A letter.")
    gateway.put("empty.jpg", b"")
    gateway.put("broken.jpg", b"\xff\xd8\xff\xe0 and no picture")
    gateway.put("plain-words.txt", b"No picture at all.")
    photo = gateway.documents / "photo.jpg"
    Image.effect_noise((900, 700), 60).convert("RGB").save(photo)
    Image.effect_noise((300, 200), 60).save(gateway.documents / "one-page.tiff")
    return gateway.start()


def is_clockless(case: dict[str, Any], vectors: dict[str, Any]) -> bool:
    """Whether the case says the same for some minutes; what names no time does."""
    _, _, query = case["target"].partition("?t=")
    fields = query.split(".")
    if len(fields) < 3 or not fields[2].isdecimal():
        return True
    life = int(fields[2]) - vectors["now"]
    longest = max(zone["longest_life"] for zone in vectors["zones"].values())
    edges = (0, *(zone["longest_life"] + 60 for zone in vectors["zones"].values()))
    return life > longest + MARGIN or all(abs(life - edge) >= MARGIN for edge in edges)


def is_made(target: str) -> bool:
    """Whether this version of the engine makes the rendition that a target names."""
    name = target.split("/")[2]
    try:
        return name == "original" or bool(Renditions(PRESETS).find(name))
    except UnknownRendition:
        return False


def verdict(answer: Any) -> str:
    """An answer in the words of the vectors; a document that is not there has passed the link."""
    match (answer.status, answer.code):
        case (200, _) | (404, "document.not-found"):
            return "accept"
        case (410, "link.expired"):
            return "expired"
        case (403, "rendition.refused"):
            return "grant"
        case (403, "audience.refused"):
            return "audience"
        # What is no target, or none of /d/, does not get as far as the verifier.
        case (403, "link.refused") | (400, "malformed-request") | (404, "route.not-found"):
            return "refused"
        case _:
            return f"{answer.status} {answer.code}"


def expected(case: dict[str, Any]) -> str:
    if case["origin"] == "accept":
        if "viewer" in case:
            return "audience"  # good for a viewer that nobody here proves to be
        return "accept" if is_made(case["target"]) else "grant"
    reason = str(case["reason"])
    return reason if reason in ("expired", "grant", "audience") else "refused"


def test_the_server_agrees_with_every_vector_that_a_socket_carries(
    gateway: Any, vectors: dict[str, Any], wire: Callable[..., Any]
) -> None:
    cases = [
        case
        for case in vectors["cases"]
        if not case["target"].startswith("/storage/")
        # A space at the end is the request line's own (RFC 9112, section 3).
        and not case["target"].endswith(" ")
        and not case.get("known")
        and is_clockless(case, vectors)
    ]
    assert len(cases) > 300
    disagreed = {}
    for case in cases:
        said = verdict(wire(gateway.port).ask(case["target"]))
        if said != expected(case):
            disagreed[f"{case['category']}: {case['name']}"] = (said, expected(case))
    assert not disagreed


def broken_links(gateway: Any) -> dict[str, str]:
    """Targets that fail before or at the signature, one for each rule of the grammar."""
    good = gateway.link("letter.txt")
    path, _, query = good.partition("?")
    return {
        "another signature": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "another document": good.replace("letter", "lettre"),
        "another zone of ours": good.replace("/clinic/", "/lab/"),
        "a zone of nobody": good.replace("/clinic/", "/nowhere/"),
        "a longer life": good.replace("?t=1.k2.1", "?t=1.k2.9"),
        "a key of nobody": good.replace("?t=1.k2.", "?t=1.k9."),
        "no token": path,
        "an empty token": path + "?t=",
        "a parameter more": good + "&utm_source=mail",
        "the token as path": f"{path}/{query}",
        "too long": good.replace("letter", "l" * 2_100),
        "lower-case escapes": good.replace("letter", "%c3%a9"),
        "a dot segment": good.replace("documents/-/", "documents/-/../"),
        "nothing": "/d/",
    }


def test_a_broken_link_has_one_answer_whatever_is_wrong(
    gateway: Any, wire: Callable[..., Any]
) -> None:
    connection = wire(gateway.port)
    bodies = set()
    for wrong, target in broken_links(gateway).items():
        for accept in ("Accept: */*", HTML, "Accept: text/html, application/json;q=0.1"):
            answer = connection.ask(target, accept)
            assert (answer.status, answer.code) == (403, "link.refused"), wrong
            assert answer.fields["content-type"] == "application/problem+json"
            assert answer.fields["x-request-id"]
            assert_kept_by_nobody(answer)
            bodies.add(answer.body)
        head = connection.ask(target, method="HEAD")
        assert (head.status, head.body) == (403, b"")
        assert head.fields["content-length"] == str(len(answer.body))
    assert [json.loads(body) for body in bodies] == [REFUSED]


def assert_kept_by_nobody(answer: Any) -> None:
    assert answer.fields["cache-control"] == "no-store"
    assert not [name for name in SHARED_FIELDS if answer.fields.get(name, "no-store") != "no-store"]
    assert "etag" not in answer.fields
    assert {name: answer.fields.get(name) for name in ALWAYS} == ALWAYS
    assert "sandbox" in answer.fields["content-security-policy"]
    assert "date" in answer.fields


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """A problem of RFC 9457 that nobody may keep; its members."""
    assert (answer.status, answer.code) == (status, code)
    assert_kept_by_nobody(answer)
    problem: dict[str, Any] = json.loads(answer.body)
    assert (problem["status"], problem["type"]) == (status, f"urn:ostiary:problem:{code}")
    assert problem["request_id"] == answer.fields["x-request-id"]
    return problem


def test_a_missing_document_tells_nothing_and_is_kept_for_moments(
    gateway: Any, ask: Callable[..., Any]
) -> None:
    gateway.put("soon-gone.txt", b"here")
    target = gateway.link("soon-gone.txt")
    (gateway.documents / "soon-gone.txt").unlink()
    deadline = time.monotonic() + 10
    while (answer := ask(gateway, target, HTML)).status == 200:
        assert time.monotonic() < deadline, "what is gone is still served"
        time.sleep(0.05)
    assert answer.status == 404
    assert json.loads(answer.body) == ABSENT
    assert answer.fields["content-type"] == "application/problem+json"
    assert "x-request-id" not in answer.fields
    assert answer.fields["cache-tag"].count("d-") == 1
    [age] = [part for part in answer.fields["cdn-cache-control"].split(", ") if "max-age" in part]
    assert 0 < int(age.partition("=")[2]) <= 30
    # The page past the end and the other bucket answer the same octets.
    past = ask(gateway, gateway.link("one-page.tiff", "p2-w640-webp"))
    assert (past.status, past.body) == (404, answer.body)


def test_refusals_of_a_good_link_say_which(gateway: Any, wire: Callable[..., Any]) -> None:
    connection = wire(gateway.port)
    letter, photo = gateway.link("letter.txt"), gateway.link("photo.jpg")
    previews = gateway.link("photo.jpg", grant="previews")
    for target in (previews, gateway.link("photo.jpg", "w641"), gateway.link("photo.jpg", "thump")):
        assert_problem(connection.ask(target), 403, "rendition.refused")
    exact = gateway.link("photo.jpg", "w641-webp", grant="x-w640-webp")
    assert_problem(connection.ask(exact), 403, "rendition.refused")
    for key in ("empty.jpg", "broken.jpg", "plain-words.txt"):
        problem = assert_problem(
            connection.ask(gateway.link(key, "w640-webp")), 422, "document.broken"
        )
        assert key not in json.dumps(problem)
    for method in ("PUT", "PATCH", "DELETE", "POST", "TRACE", "PROPFIND"):
        answer = connection.ask(letter, method=method)
        assert_problem(answer, 405, "method.not-allowed")
        assert answer.fields["allow"] == "GET, HEAD, OPTIONS"
    answer = connection.ask(photo, "Range: bytes=9999999-")
    assert_problem(answer, 416, "range.unsatisfiable")
    size = (gateway.documents / "photo.jpg").stat().st_size
    assert answer.fields["content-range"] == f"bytes */{size}"
    assert_problem(connection.ask(photo, 'If-Match: "other"'), 412, "precondition.failed")
    since = "If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT"
    assert_problem(connection.ask(photo, since), 412, "precondition.failed")
    # The order of delivery: a precondition is judged before the range.
    both = connection.ask(photo, 'If-Match: "other"', "Range: bytes=9999999-")
    assert both.status == 412


def test_what_is_gone_says_why_and_to_people_as_a_page(
    gateway: Any, wire: Callable[..., Any], vectors: dict[str, Any]
) -> None:
    connection = wire(gateway.port)
    gateway.put("taken-back.txt", b"not for long")
    revoked = gateway.link("taken-back.txt")
    gateway.revoke("taken-back.txt")
    assert_problem(connection.ask(revoked), 410, "link.revoked")
    [expired, *_] = [
        case["target"]
        for case in vectors["cases"]
        if case.get("reason") == "expired" and case["target"].startswith("/d/")
    ]
    assert_problem(connection.ask(expired), 410, "link.expired")
    for target, words in ((revoked, "taken back"), (expired, "expired")):
        page = connection.ask(target, HTML)
        assert (page.status, page.fields["content-type"]) == (410, "text/html; charset=utf-8")
        assert words in page.body.decode()
        assert target not in page.body.decode()
        assert_kept_by_nobody(page)
        assert connection.ask(target, "Accept: */*").code


def test_options_is_one_answer_for_whatever_is_asked(
    gateway: Any, wire: Callable[..., Any]
) -> None:
    connection = wire(gateway.port)
    answers = [
        connection.ask(target, "Origin: https://other.example", method="OPTIONS")
        for target in (gateway.link("letter.txt"), *broken_links(gateway).values())
    ]
    assert {answer.status for answer in answers} == {204}
    assert {answer.fields["allow"] for answer in answers} == {"GET, HEAD, OPTIONS"}
    assert not any("access-control-allow-origin" in answer.fields for answer in answers)


JUNK = [
    b"\r\n\r\nnonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"GET /d/ HTTP/0.9\r\n\r\n",
    b"GET /d/ HTTP/2.0\r\nHost: gateway\r\n\r\n",
    b"GET /d/\x00 HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"GET /d/\xe9 HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"GET /d/#x HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"GET d/ HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"GET http://gateway/d/ HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"GET /d/ HTTP/1.1\r\n\r\n",
    b"GET /d/ HTTP/1.1\r\nHost: gateway\r\nHost: gateway\r\n\r\n",
    b"GET /d/ HTTP/1.1\r\nHost: gateway\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /d/ HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /d/ HTTP/1.1\r\nHost : gateway\r\n\r\n",
    b"GET /d/ HTTP/1.1\r\nHost: gateway\r\n folded: yes\r\n\r\n",
    b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk[:40]))
def test_what_is_no_request_of_ours_is_refused_and_hung_up_on(
    gateway: Any, wire: Callable[..., Any], junk: bytes
) -> None:
    connection = wire(gateway.port)
    connection.send(junk)
    answer = connection.answer()
    assert (answer.status, answer.code) == (400, "malformed-request")
    assert json.loads(answer.body) == {
        "title": "Bad Request",
        "status": 400,
        "code": "malformed-request",
    }
    assert answer.fields["cache-control"] == "no-store"
    assert answer.fields["connection"] == "close"
    assert connection.rest() == b""


def test_too_many_and_too_large_fields_are_refused(gateway: Any, ask: Callable[..., Any]) -> None:
    many = [f"X-{number}: 1" for number in range(70)]
    for fields in (many, ["X-Large: " + "x" * 17_000]):
        answer = ask(gateway, "/d/", *fields)
        assert (answer.status, answer.code) == (431, "fields-too-large")


def test_bad_calls_of_the_api_say_what_is_wrong(gateway: Any) -> None:
    document = {"zone": "clinic", "bucket": "documents", "key": "letter.txt"}
    bad: list[tuple[object, int]] = [
        ({}, 422),
        ({"documents": []}, 422),
        ({"documents": [document] * 1_001}, 422),
        ({"documents": [{**document, "color": "red"}]}, 422),
        ({"documents": [document], "expires_in": 0}, 422),
        ({"documents": [document], "expires_in": "3600"}, 422),
        ({"documents": [document], "disposition": "sideways"}, 422),
        ([document], 422),
        (None, 422),
    ]
    for body, status in bad:
        answer = gateway.post("/v1/links", body)
        assert (answer.status_code, answer.json()["code"]) == (status, "body.invalid")
        assert "letter.txt" not in answer.text
    fields = {"Authorization": "Bearer wrong"}
    answer = gateway.client.post("/v1/links", json={"documents": [document]}, headers=fields)
    assert (answer.status_code, answer.json()["code"]) == (401, "token.missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="ostiary"'
    assert gateway.client.get("/admin/purge").status_code == 405
    assert gateway.client.get("/metrics").status_code == 401
    assert gateway.post("/admin/purge", {"bucket": "of-nobody"}).status_code == 422


def test_one_bad_document_spoils_no_other(gateway: Any) -> None:
    keys = ["letter.txt", "not-there.txt", "../letter.txt", "a//b", "", "a\\b", "x" * 1_025, "é\0"]
    documents = [{"zone": "clinic", "bucket": "documents", "key": key} for key in keys]
    documents += [
        {"zone": "nowhere", "bucket": "documents", "key": "letter.txt"},
        {"zone": "clinic", "bucket": "other", "key": "letter.txt"},
    ]
    answers = gateway.post("/v1/links", {"documents": documents}).json()["links"]
    assert "url" in answers[0]
    codes = [answer["error"]["code"] for answer in answers[1:]]
    unsignable = ["link.unsignable"] * 6
    assert codes == ["document.not-found", *unsignable, *["document.not-found"] * 2]


def test_the_log_of_a_test_gateway_is_really_read(gateway: Any) -> None:
    """The fixture asserts at each module's end that `blabbed` is empty: here that it could fail."""
    gateway.told(1, event="request", code="link.refused")
    assert len(gateway.secrets) > 10
    assert gateway.blabbed() == set()
    gateway.secrets.add("link.refused")
    assert gateway.blabbed() == {"link.refused"}
    gateway.secrets.remove("link.refused")
