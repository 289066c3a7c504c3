from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import gateway.problems.problem as catalogue
from cdn.errors import CdnError, ProviderMisconfigured, PurgeLost, PurgeRefused
from gateway.errors import (
    Answer,
    CallerRefused,
    ConfigurationError,
    DocumentBroken,
    DocumentChanged,
    DocumentNotFound,
    Fault,
    GatewayError,
    InvalidRequest,
    KeysUnavailable,
    LinkUsed,
    NotAuthorised,
    Overloaded,
    PullerRefused,
    RateLimited,
    RequestRefused,
    ResidencyRefused,
    StateUnavailable,
    StoreUnavailable,
    UpstreamRefused,
    UpstreamUnavailable,
    VersionSuperseded,
    ViewerRefused,
    ViewerUnknown,
)
from gateway.problems import Problem, prefers_html, problem_for, render
from gateway.stores.rest import RangeRefused
from gateway.wire.security import SECURITY_FIELDS, security_fields
from imaging.errors import (
    BrokenSource,
    Forgotten,
    ImagingError,
    MarkBroken,
    PageMissing,
    PoolBusy,
    SourceTooLarge,
    UnknownRendition,
    WorkerLost,
)
from signing.errors import (
    AudienceRefused,
    BadgeRefused,
    BadKey,
    BadZone,
    GenerationAhead,
    GrantRefused,
    LinkExpired,
    LinkRefused,
    LinkRevoked,
    SigningError,
    Unsignable,
)

ROOT = Path(__file__).parents[2]
SECRET = "reports/Jane Doe.pdf"
NO_KEY = Answer(
    400,
    (),
    b'{"statusCode":"404","error":"not_found","message":"Jane Doe.pdf","code":"NoSuchKey"}',
)
EVERY = [value for value in vars(catalogue).values() if isinstance(value, Problem)]

ERRORS: list[tuple[Exception, int, str]] = [
    (LinkRefused("signature"), 403, "link.refused"),
    (GenerationAhead(), 403, "link.refused"),
    (LinkExpired(1_700_000_000), 410, "link.expired"),
    (LinkRevoked(), 410, "link.revoked"),
    (GrantRefused(), 403, "rendition.refused"),
    (AudienceRefused(), 403, "audience.refused"),
    (BadgeRefused("used"), 403, "claim.refused"),
    (Unsignable("key"), 422, "link.unsignable"),
    (BadKey(SECRET), 500, "internal"),
    (BadZone(SECRET), 500, "internal"),
    (UnknownRendition("w641", "w640"), 403, "rendition.refused"),
    (BrokenSource("damaged"), 422, "document.broken"),
    (SourceTooLarge("pixels"), 422, "document.broken"),
    (WorkerLost("timeout"), 422, "document.broken"),
    (PageMissing(3), 404, "document.not-found"),
    (PoolBusy(2), 503, "overloaded"),
    (DocumentNotFound(SECRET), 404, "document.not-found"),
    (DocumentBroken("too-large"), 422, "document.broken"),
    (DocumentChanged(SECRET), 503, "document.changed"),
    (StoreUnavailable(SECRET), 503, "store.unavailable"),
    (RangeRefused(SECRET), 503, "store.unavailable"),
    (StateUnavailable(SECRET), 503, "state.unavailable"),
    (Overloaded(SECRET), 503, "overloaded"),
    (ResidencyRefused(SECRET), 451, "residency.refused"),
    (PullerRefused(SECRET), 403, "puller.refused"),
    (RateLimited("client", 9, 60, retry_after=7), 429, "rate.limited"),
    (LinkUsed(SECRET), 410, "link.used"),
    (VersionSuperseded(SECRET), 410, "version.superseded"),
    (RequestRefused(405, "method.not-allowed", "GET or HEAD."), 405, "method.not-allowed"),
    (InvalidRequest("body/expiresIn must be >= 1"), 400, "request.invalid"),
    (UpstreamUnavailable(SECRET), 503, "upstream.unavailable"),
    (UpstreamRefused(NO_KEY), 404, "document.not-found"),
    (UpstreamRefused(Answer(403, (), SECRET.encode())), 403, "upstream.refused"),
    (UpstreamRefused(Answer(429)), 503, "upstream.unavailable"),
    (NotAuthorised("A token is needed."), 401, "token.missing"),
    (NotAuthorised("No scope purge.", known=True), 403, "token.refused"),
    (ViewerRefused(SECRET), 403, "viewer.refused"),
    (ViewerUnknown(SECRET), 403, "viewer.unknown"),
    (MarkBroken("image"), 500, "mark.broken"),
    (Forgotten(), 500, "internal"),
    (CallerRefused("signature"), 401, "caller.refused"),
    (KeysUnavailable(SECRET), 503, "keys.unavailable"),
    (ConfigurationError([Fault(SECRET, SECRET)]), 500, "internal"),
    (PurgeRefused(SECRET, hint=SECRET), 502, "purge.refused"),
    (PurgeLost(SECRET), 502, "purge.refused"),
    (ProviderMisconfigured(SECRET), 500, "internal"),
    (RuntimeError(SECRET), 500, "internal"),
]


def classes_below(base: type[Exception]) -> Iterator[type[Exception]]:
    for found in base.__subclasses__():
        yield found
        yield from classes_below(found)


def answer(error: Exception, *, html: bool = False) -> tuple[int, dict[bytes, bytes], bytes]:
    status, fields, body = render(problem_for(error), request_id="r-1", html=html)
    assert len(dict(fields)) == len(fields)
    return status, dict(fields), body


@pytest.mark.parametrize(("error", "status", "code"), ERRORS, ids=lambda value: repr(value)[:30])
def test_an_error_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    problem = problem_for(error)
    assert (problem.status, problem.code) == (status, code)


@pytest.mark.parametrize("base", [GatewayError, SigningError, ImagingError, CdnError])
def test_every_error_of_the_tree_is_mapped_on_purpose(base: type[Exception]) -> None:
    known = classes_below(base)
    # A private one never leaves its module.
    shipped = {
        found
        for found in known
        if not found.__module__.startswith("test") and not found.__name__.startswith("_")
    }
    assert shipped
    assert shipped <= {type(error) for error, _, _ in ERRORS}
    assert problem_for(base()).code == "internal"


@pytest.mark.parametrize("error", [case[0] for case in ERRORS], ids=repr)
@pytest.mark.parametrize("html", [False, True])
def test_no_answer_tells_what_the_error_held_back(error: Exception, html: bool) -> None:
    body = answer(error, html=html)[2]
    assert b"Jane" not in body
    assert b"Traceback" not in body


def test_a_refused_link_has_the_same_octets_for_every_reason_and_reader() -> None:
    answers = {
        render(problem_for(LinkRefused(reason)), request_id=request_id, html=html)[2]
        for reason in ("signature", "path", "zone")
        for request_id in ("r-1", "r-2")
        for html in (False, True)
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    "error", [LinkRefused("kid"), DocumentNotFound(), PageMissing(2), PullerRefused()]
)
def test_constant_answers_are_never_a_page_and_hold_no_request_id(error: Exception) -> None:
    _, fields, body = answer(error, html=True)
    assert fields[b"content-type"] == b"application/problem+json"
    assert "request_id" not in json.loads(body)


def test_a_missing_page_can_not_be_told_from_a_missing_document() -> None:
    assert answer(PageMissing(2)) == answer(DocumentNotFound())


def test_the_body_has_the_members_of_rfc_9457_in_a_fixed_order() -> None:
    body = json.loads(answer(LinkExpired(1))[2])
    names = ["type", "title", "status", "detail", "code", "hint", "request_id"]
    assert list(body) == names
    assert body["type"] == "urn:ostiary:problem:link.expired"
    assert body["status"] == 410
    assert body["request_id"] == "r-1"


def test_members_without_a_value_are_left_out() -> None:
    assert "detail" not in json.loads(answer(GrantRefused())[2])
    _, _, body = render(catalogue.INTERNAL, request_id="", html=False)
    assert "request_id" not in json.loads(body)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (PoolBusy(3), b"3"),
        (Overloaded("readers", retry_after=0), b"1"),
        (StoreUnavailable(retry_after=7), b"7"),
        (UpstreamUnavailable(retry_after=6), b"6"),
        (StateUnavailable(retry_after=5), b"5"),
        (KeysUnavailable(retry_after=30), b"30"),
        (DocumentChanged(), b"1"),
        (PurgeRefused("busy", retry_after=1.2), b"2"),
    ],
)
def test_what_passes_says_when_to_come_back(error: Exception, seconds: bytes) -> None:
    assert answer(error)[1][b"retry-after"] == seconds


def test_what_does_not_pass_says_nothing_of_coming_back() -> None:
    assert b"retry-after" not in answer(LinkExpired(1))[1]
    assert b"retry-after" not in answer(PurgeRefused("no", dead=True))[1]


def test_a_missing_token_is_asked_for_and_a_small_one_is_called_small() -> None:
    _, fields, body = answer(NotAuthorised("A token is needed."))
    assert fields[b"www-authenticate"] == b'Bearer realm="ostiary"'
    assert json.loads(body)["detail"] == "A token is needed."
    _, fields, _ = answer(NotAuthorised("No scope.", known=True))
    assert b'error="insufficient_scope"' in fields[b"www-authenticate"]


def test_a_refused_caller_is_told_why_and_to_sign_in_again() -> None:
    _, fields, body = answer(CallerRefused("expired"))
    assert fields[b"www-authenticate"] == b'Bearer realm="ostiary", error="invalid_token"'
    assert json.loads(body)["detail"] == "Reason: expired."
    assert problem_for(CallerRefused(SECRET)).detail == "Reason: unknown."


def test_a_refused_request_keeps_its_detail_hint_and_fields() -> None:
    unmet = RequestRefused(
        416, "range.unsatisfiable", "None.", hint="Ask less.", fields=((b"content-range", b"x"),)
    )
    status, fields, body = answer(unmet)
    assert (status, fields[b"content-range"]) == (416, b"x")
    assert json.loads(body) | {"detail": "None.", "hint": "Ask less."} == json.loads(body)
    assert problem_for(RequestRefused(418, "x", "")).title == "I'm a Teapot"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("pdf-engine-missing", "Reason: pdf-engine-missing."),
        (f"cannot open {SECRET}", "Reason: unknown."),
        ("", "Reason: unknown."),
        ("a\n", "Reason: unknown."),
    ],
)
def test_a_reason_is_a_code_or_unknown(reason: str, told: str) -> None:
    assert problem_for(BrokenSource(reason)).detail == told
    assert problem_for(DocumentBroken(reason)).detail == told


def test_the_nearest_rendition_is_named_only_when_there_is_one() -> None:
    assert "w640" in problem_for(UnknownRendition("w641", "w640")).hint
    assert "nearest" not in problem_for(UnknownRendition("zzz")).hint


@pytest.mark.parametrize("html", [False, True])
def test_every_answer_has_its_length_and_the_security_fields(html: bool) -> None:
    _, fields, body = answer(LinkExpired(1), html=html)
    assert fields[b"content-length"] == b"%d" % len(body)
    assert dict(SECURITY_FIELDS).items() <= fields.items()
    _, narrow, _ = render(catalogue.INTERNAL, request_id="", html=html, corp="same-origin")
    assert set(security_fields("same-origin")) <= set(narrow)


def test_no_answer_writes_a_cache_field() -> None:
    for problem in EVERY:
        names = {name for name, _ in render(problem, request_id="r", html=False)[1]}
        assert not names & {
            b"cache-control",
            b"cdn-cache-control",
            b"surrogate-control",
            b"expires",
        }


class Page(HTMLParser):
    """The tags and the text of a page; a tag left open or closed twice is an error."""

    VOID = frozenset({"meta", "link"})

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(body.decode())
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_named_in_its_language_and_loads_and_runs_nothing() -> None:
    page = Page(answer(LinkExpired(1), html=True)[2])
    tags = [tag for tag, _ in page.tags]
    assert dict(page.tags)["html"] == {"lang": "en"}
    assert {"title", "main", "h1"} <= set(tags)
    assert tags.count("h1") == 1
    assert not {"script", "img", "iframe", "form", "a"} & set(tags)
    addresses = [value for _, attrs in page.tags for name, value in attrs.items() if name == "href"]
    assert addresses == ["data:,"]
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_the_page_of_an_expired_link_says_how_to_get_a_new_one() -> None:
    status, fields, body = answer(LinkExpired(1), html=True)
    text = Page(body).text
    assert (status, fields[b"content-type"]) == (410, b"text/html; charset=utf-8")
    assert "This link has expired" in text
    assert "Ask whoever sent you the link for a new one" in text
    assert "Request r-1" in text


def test_the_page_escapes_what_it_shows() -> None:
    hostile = Problem(400, "x", "<b>", "<script>", '"><img>')
    body = render(hostile, request_id="<i>", html=True)[2]
    assert not {"b", "script", "img", "i"} & {tag for tag, _ in Page(body).tags}
    assert b"&lt;script&gt;" in body


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (b"", False),
        (b"*/*", False),
        (b"text/html", True),
        (b"TEXT/HTML", True),
        (b"text/*", True),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        (b"image/avif,image/webp,*/*;q=0.8", False),
        (b"application/json", False),
        (b"application/json, text/html", False),
        (b"application/json;q=0.5, text/html", True),
        (b"application/json, text/html;q=0.5", False),
        (b"application/problem+json, text/html;q=0.9", False),
        (b"text/html;q=0, */*", False),
        (b"text/html;q=0.000", False),
        (b"text/html; q=0.1", True),
        (b"text/html;level=1;Q=0.7,application/json;q=0.3", True),
        (b"text/html;q=2", False),
        (b"text/html;q=nan", False),
        (b"text/html;q=", False),
        (b",;,;q=1,", False),
        (b"\xff\xfe, text/html", True),
    ],
)
def test_html_is_sent_only_to_those_who_prefer_it(accept: bytes, html: bool) -> None:
    assert prefers_html(accept) is html


def codes_in_the_source() -> set[str]:
    """The codes of every `RequestRefused(status, "code", …)` and every problem."""
    codes = {problem.code for problem in EVERY}
    for path in ROOT.joinpath("gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RequestRefused":
                codes |= {arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant)}
    return codes


def test_every_code_has_a_section_and_an_anchor() -> None:
    page = ROOT.joinpath("docs/problems.md").read_text()
    anchors = re.findall(r'^<a id="([a-z.-]+)"></a>\n### \d{3} `\1`$', page, re.M)
    assert len(anchors) == page.count("<a id=") == len(set(anchors))
    assert codes_in_the_source() <= set(anchors)


def test_the_documented_statuses_are_the_real_ones() -> None:
    page = ROOT.joinpath("docs/problems.md").read_text()
    for problem in EVERY:
        assert f"### {problem.status} `{problem.code}`" in page


def test_a_throttled_upstreams_own_pause_is_told() -> None:
    refused = UpstreamRefused(Answer(429, ((b"retry-after", b"30"),)))
    assert problem_for(refused).retry_after == 30
