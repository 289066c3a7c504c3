from __future__ import annotations

from typing import Any

import pytest

from gateway.dropin.fields import Origins, answer_fields, request_fields
from gateway.wire.asgi import Field

ORIGINS = Origins(b"https://docs.example", b"https://ref.supabase.co")
PRIVATE = (b"cache-control", b"private, no-store")
CSP = (b"content-security-policy", b"sandbox")
ADDED = [
    CSP,
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"none"),
]
TOKEN = b"1.k1.1795405322.0.-.-.io.lVq_j_3ZxrlpW8cSB7l5BL5TL0jEobch"


def scope_of(*fields: Field, client: Any = ("192.0.2.1", 40_000)) -> dict[str, Any]:
    return {"headers": list(fields), "scheme": "http", "client": client}


def sent(*fields: Field, client: Any = ("192.0.2.1", 40_000)) -> list[Field]:
    scope = scope_of(*fields, client=client)
    return request_fields(scope, Origins.of(scope, b"https://ref.supabase.co"))


def test_fields_of_the_connection_stay_on_it() -> None:
    dropped = [
        (b"connection", b"keep-alive, X-Hop , TE"),
        (b"keep-alive", b"timeout=5"),
        (b"x-hop", b"1"),
        (b"te", b"trailers"),
        (b"trailer", b"x"),
        (b"upgrade", b"websocket"),
        (b"proxy-authorization", b"Basic x"),
        (b"proxy-connection", b"close"),
        (b"expect", b"100-continue"),
    ]
    kept = (b"accept", b"*/*")
    assert sent(*dropped, kept, client=None) == [(b"host", b"ref.supabase.co"), kept]


@pytest.mark.parametrize(
    "referrer",
    [
        b"https://cdn.example/d/original/z/b/-/k?t=" + TOKEN,
        b"https://cdn.example/storage/v1/object/sign/b/k?token=" + TOKEN.replace(b".", b"%2E"),
        b"https://app.example/?next=%" + b"25" * 20,
    ],
)
def test_a_token_of_ours_does_not_go_up_as_the_page_that_one_came_from(referrer: bytes) -> None:
    plain = (b"referer", b"https://app.example/?token=1.5")
    assert plain in sent(plain)
    assert all(name != b"referer" for name, _ in sent((b"referer", referrer)))


def test_a_client_can_not_take_a_bodys_frame_away() -> None:
    length = (b"content-length", b"5")
    assert length in sent((b"connection", b"content-length"), length)


def test_who_forwards_is_ours_to_say() -> None:
    claimed = [
        (b"x-forwarded-for", b"10.0.0.1"),
        (b"x-forwarded-host", b"other.example"),
        (b"x-forwarded-port", b"1"),
        (b"x-forwarded-prefix", b"/evil"),
        (b"forwarded", b"for=10.0.0.1"),
        (b"x-real-ip", b"10.0.0.1"),
        (b"x-original-url", b"/auth"),
        (b"cf-connecting-ip", b"10.0.0.1"),
        (b"true-client-ip", b"10.0.0.1"),
        (b"ostiary-shield", b"a-secret-of-ours"),
        (b"ostiary-token", b"1.x"),
    ]
    assert sent((b"host", b"docs.example:8443"), *claimed) == [
        (b"host", b"ref.supabase.co"),
        (b"x-forwarded-host", b"docs.example:8443"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-for", b"192.0.2.1"),
    ]


@pytest.mark.parametrize(
    ("told", "origin"),
    [
        (b"https", b"https://docs.example"),
        (b"http", b"http://docs.example"),
        (b"javascript", b"http://docs.example"),
        (b"https, http", b"http://docs.example"),
        (b"", b"http://docs.example"),
    ],
)
def test_the_scheme_in_front_of_us_is_believed_if_it_is_one(told: bytes, origin: bytes) -> None:
    scope = scope_of((b"host", b"docs.example"), (b"x-forwarded-proto", told))
    assert Origins.of(scope, b"").asked == origin


@pytest.mark.parametrize("told", [b"http", b"https", b"ftp", b""])
def test_nobody_makes_a_secure_connection_insecure(told: bytes) -> None:
    """URLs of uploads are asked for with the caller's credentials."""
    scope = scope_of((b"host", b"docs.example"), (b"x-forwarded-proto", told))
    assert Origins.of({**scope, "scheme": "https"}, b"").asked == b"https://docs.example"


@pytest.mark.parametrize(
    ("location", "moved"),
    [
        (b"https://ref.supabase.co/storage/v1/x?y", b"https://docs.example/storage/v1/x?y"),
        (b"https://ref.supabase.co", b"https://docs.example"),
        (b"https://ref.supabase.co?x", b"https://docs.example?x"),
        (b"https://ref.supabase.co.evil.example/", b"https://ref.supabase.co.evil.example/"),
        (b"https://ref.supabase.co:8443/", b"https://ref.supabase.co:8443/"),
        (b"https://elsewhere.example/", b"https://elsewhere.example/"),
        (b"/storage/v1/x", b"/storage/v1/x"),
    ],
)
def test_a_location_is_moved_from_upstream_alone(location: bytes, moved: bytes) -> None:
    assert ORIGINS.moved(location) == moved


def test_without_a_host_a_location_stays() -> None:
    scope = scope_of()
    location = b"https://ref.supabase.co/x"
    assert Origins.of(scope, b"https://ref.supabase.co").moved(location) == location


CACHING = [
    (b"cache-control", b"max-age=3600"),
    (b"expires", b"Thu, 01 Jan 2026 00:00:00 GMT"),
    (b"age", b"7"),
    (b"cdn-cache-control", b"max-age=1"),
    (b"cloudflare-cdn-cache-control", b"max-age=1"),
    (b"surrogate-control", b"max-age=1"),
    (b"x-accel-expires", b"1"),
]


@pytest.mark.parametrize(
    ("status", "public", "keeps"),
    [
        (200, True, True),
        (206, True, True),
        (304, True, True),
        (400, True, False),
        (301, True, False),
        (200, False, False),
        (304, False, False),
    ],
)
def test_only_public_answers_may_be_stored(status: int, public: bool, keeps: bool) -> None:
    added = [field for field in ADDED if field != CSP or status != 304]
    expected = [*CACHING, *added] if keeps else [PRIVATE, *added]
    assert answer_fields(status, CACHING, ORIGINS, public=public) == expected


def test_what_caches_may_keep_names_no_host_that_a_caller_asked() -> None:
    told = [(b"location", b"https://ref.supabase.co/storage/v1/object/public/b/a")]
    stored = answer_fields(200, told, ORIGINS, public=True)
    assert stored == ADDED
    [moved, *rest] = answer_fields(302, told, ORIGINS, public=True)
    assert moved == (b"location", b"https://docs.example/storage/v1/object/public/b/a")
    assert PRIVATE in rest


def test_what_upstream_says_itself_is_not_said_again() -> None:
    said = [
        (b"Access-Control-Allow-Origin", b"https://app.example"),
        (b"X-Robots-Tag", b"noindex"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Referrer-Policy", b"origin"),
    ]
    kept = [(name.lower(), value) for name, value in said]
    assert answer_fields(200, said, ORIGINS, public=False) == [*kept, PRIVATE, CSP]


@pytest.mark.parametrize(
    "media_type",
    [
        b"image/svg+xml",
        b"text/html; charset=utf-8",
        b"application/pdf, text/html",
        b"application/pdf;x=y, text/html",
        b"application/pdfx",
        b"",
    ],
)
@pytest.mark.parametrize("public", [True, False])
def test_nothing_that_is_passed_on_runs_in_our_origin(media_type: bytes, public: bool) -> None:
    """At Supabase's own address it runs in an origin that nothing else of the customer has."""
    theirs = (b"content-security-policy", b"script-src *")
    said = [(b"content-type", media_type), theirs, (b"service-worker-allowed", b"/")]
    fields = answer_fields(200, said, ORIGINS, public=public)
    assert [field for field in fields if field[0] == CSP[0]] == [theirs, CSP]
    assert all(name != b"service-worker-allowed" for name, _ in fields)


@pytest.mark.parametrize(
    ("status", "media_type"),
    [(200, b"application/pdf"), (206, b"Application/PDF ;x=y"), (304, b"image/png"), (304, b"")],
)
def test_viewers_of_pdfs_are_not_blanked(status: int, media_type: bytes) -> None:
    """A 304 changes the fields of what is stored, and does not tell its type."""
    fields = answer_fields(status, [(b"content-type", media_type)], ORIGINS, public=True)
    assert CSP not in fields


def test_what_upstream_says_of_its_own_origin_and_connection_stays_there() -> None:
    said = [
        (b"Strict-Transport-Security", b"max-age=1; includeSubDomains"),
        (b"Alt-Svc", b'h3=":443"'),
        (b"NEL", b"{}"),
        (b"Connection", b"x-hop"),
        (b"X-Hop", b"1"),
        (b"Keep-Alive", b"timeout=5"),
    ]
    assert answer_fields(200, said, ORIGINS, public=False) == [PRIVATE, *ADDED]


@pytest.mark.parametrize(
    ("status", "extra", "keeps"),
    [(200, [], True), (304, [], False), (200, [(b"transfer-encoding", b"chunked")], False)],
)
def test_a_length_is_kept_where_it_frames_the_body(
    status: int, extra: list[Field], keeps: bool
) -> None:
    length = (b"content-length", b"5")
    assert (length in answer_fields(status, [length, *extra], ORIGINS, public=True)) is keeps
