"""Reads of the storage routes: what opens what, for whom, and who may keep it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from PIL import Image

from signing.grants import Grant
from signing.links import LinkRequest
from tests.contract.pairs import REPORT, SCAN, Pair
from tests.contract.server import USER_A, USER_B
from tests.contract.server.policies import Question

NOTE, SHARED = f"{USER_A}/note.txt", "shared/plan.txt"
BODY = b"0123456789" * 100
ROUTES = ("/object/authenticated/", "/object/")


@pytest.fixture
def filled(pair: Pair) -> Pair:
    return fill(pair)


def fill(pair: Pair) -> Pair:
    for key in (NOTE, SHARED):
        pair.upstream.put("documents", key, BODY, "text/plain")
    pair.upstream.put("pub", "a b.txt", BODY, "text/plain", "max-age=120")
    pair.upstream.put("pub", "kept not.txt", BODY, "text/plain", "no-cache")
    return pair


def size(octets: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(octets)).size


# What a signed URL opens -----------------------------------------------------------------------


def test_a_signed_url_asks_supabase_nothing_more(filled: Pair) -> None:
    url = filled.url(NOTE, filled.upstream.user_a)
    filled.upstream.requests.clear()
    for _ in range(3):
        assert filled.get(url).content == BODY
    assert not filled.asked(part="/sign")
    keys = {ask.fields["authorization"] for ask in filled.asked()}
    assert keys == {f"Bearer {filled.upstream.service}"}


@pytest.mark.parametrize(
    ("mode", "browser", "shared"),
    [
        ("windowed", "private, max-age=300, no-transform", "max-age="),
        ("revalidate", "private, no-cache, no-transform", "no-cache"),
        ("private", "private, max-age=60, no-transform", "no-store"),
    ],
)
def test_a_signed_answer_says_who_may_keep_it(
    open_pair: Callable[..., Pair], mode: str, browser: str, shared: str
) -> None:
    pair = fill(open_pair(clinic={"cache": mode}))
    answer = pair.get(pair.url(NOTE, pair.upstream.user_a))
    assert answer.headers["cache-control"] == browser
    assert answer.headers["cdn-cache-control"].startswith(shared)
    assert ("cache-tag" in answer.headers) is (mode != "private")


@pytest.mark.parametrize(
    ("query", "disposition"),
    [
        ("", 'inline; filename="note.txt"'),
        ("&download=", 'attachment; filename="note.txt"'),
        ("&download", 'attachment; filename="note.txt"'),
        ("&download=my%20note.txt", 'attachment; filename="my note.txt"'),
        ("&download=%25C3%25BC.txt", "attachment; filename=\"u.txt\"; filename*=UTF-8''%C3%BC.txt"),
        ("&cacheNonce=7&v=1", 'inline; filename="note.txt"'),
        ("&download=a%0D%0Ab%22.txt", 'attachment; filename="ab_.txt"'),
        ("&download=..%2F..%2Fetc%2Fpasswd", 'attachment; filename="passwd"'),
    ],
)
def test_a_document_is_shown_or_saved_as_the_query_says(
    filled: Pair, query: str, disposition: str
) -> None:
    answer = filled.get(filled.url(NOTE, filled.upstream.user_a) + query)
    assert answer.status_code == 200
    assert answer.headers.get_list("content-disposition")[0].startswith(disposition)
    assert len(answer.headers.get_list("content-disposition")) == 1


def test_head_says_what_get_says(filled: Pair) -> None:
    token = filled.upstream.user_a
    for path, who in (
        (filled.url(NOTE, token), ""),
        (filled.url(NOTE, token) + "&download=x.txt", ""),
        (f"/object/authenticated/documents/{NOTE}", token),
        (f"/object/documents/{NOTE}", token),
        ("/object/public/pub/a b.txt", ""),
    ):
        filled.get(path, who)
        get, head = filled.get(path, who), filled.ask("HEAD", path, who)
        assert (head.status_code, head.content) == (200, b"")
        assert _steady(head.headers) == _steady(get.headers)
        assert head.headers["content-length"] == str(len(BODY))


def _steady(headers: Any) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name not in ("date", "cdn-cache-control")
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_version_that_is_there_is_not_sent_again(filled: Pair, method: str) -> None:
    url = filled.url(NOTE, filled.upstream.user_a)
    etag = filled.get(url).headers["etag"]
    for tag in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = filled.ask(method, url, headers={"if-none-match": tag})
        assert (answer.status_code, answer.content) == (304, b""), tag
        assert answer.headers["etag"] == etag
        assert "cache-control" in answer.headers
    assert filled.ask(method, url, headers={"if-none-match": '"other"'}).status_code == 200


def test_what_is_saved_under_another_name_is_not_sent_again_either(filled: Pair) -> None:
    url = filled.url(NOTE, filled.upstream.user_a) + "&download=x.txt"
    etag = filled.get(url).headers["etag"]
    answer = filled.get(url, if_none_match=etag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert "content-disposition" not in answer.headers


def test_a_part_of_another_version_is_not_joined_to_this_one(filled: Pair) -> None:
    url = filled.url(NOTE, filled.upstream.user_a)
    first = filled.get(url, range="bytes=0-9")
    assert (first.status_code, first.content) == (206, BODY[:10])
    etag = first.headers["etag"]
    rest = {"range": "bytes=10-", "if_range": etag}
    assert filled.get(url, **rest).status_code == 206
    filled.upstream.put("documents", NOTE, BODY[::-1], "text/plain")
    filled.door.parts.catalogue.forget_all()
    again = filled.get(url, **rest)
    assert (again.status_code, again.content) == (200, BODY[::-1])
    for wrong in ('"another"', f"W/{etag}", formatdate(0, usegmt=True)):
        assert filled.get(url, range="bytes=10-", if_range=wrong).status_code == 200


def test_a_range_that_is_past_the_end_is_told_with_the_size(filled: Pair) -> None:
    answer = filled.get(filled.url(NOTE, filled.upstream.user_a), range="bytes=1000-")
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1000"
    assert answer.json()["statusCode"] == "416"


# Tokens ----------------------------------------------------------------------------------------


def test_a_token_opens_its_own_document_alone(filled: Pair) -> None:
    """Every pair of a link and another document, both users', on both routes."""
    upstream = filled.upstream
    keys = [f"{user}/{name}.png" for user in (USER_A, USER_B) for name in "ab"]
    for key in keys:
        upstream.put("documents", key, key.encode(), "text/plain")
    owners = {USER_A: upstream.user_a, USER_B: upstream.user_b}
    urls = [filled.url(key, owners[key.partition("/")[0]]) for key in keys]
    for url, own in zip(urls, keys, strict=True):
        token = url.partition("?")[2]
        for key in keys:
            answer = filled.get(f"/object/sign/documents/{key}?{token}")
            if key == own:
                assert answer.content == key.encode()
            else:
                assert answer.status_code == 400
                assert answer.json()["code"] == "InvalidJWT"
                assert key.encode() not in answer.content
            small = filled.get(f"/render/image/sign/documents/{key}?{token}")
            assert (small.status_code, small.json()["code"]) == (400, "InvalidJWT")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"),
        lambda url: url + "x",
        lambda url: url[:-1],
        lambda url: url + "&token=eyJ.e.s",
        lambda url: url + "&token=" + url.partition("token=")[2],
        lambda url: url + "&%74oken=1.x",
        lambda url: url.replace("token=1.", "token=%31."),
        lambda url: url.replace(".io.", ".ia."),
        lambda url: url.replace("1.k1.", "1.k2."),
        lambda url: url.replace("/documents/", "/pub/"),
        lambda url: url.replace("/documents/", "/nowhere/"),
        lambda url: url.replace("/documents/", "/documents//"),
        lambda url: url.replace(".txt?", ".txt/?"),
        lambda url: url.replace("/object/sign/", "/render/image/sign/"),
        lambda url: url.replace("?token=1.k1.1", "?token=1.k1.2"),
    ],
)
def test_a_token_that_is_not_whole_opens_nothing_and_goes_nowhere(
    filled: Pair, spoil: Callable[[str], str]
) -> None:
    url = spoil(filled.url(NOTE, filled.upstream.user_a))
    filled.upstream.requests.clear()
    answer = filled.get(url)
    assert answer.status_code == 400
    assert answer.json()["error"] == "InvalidJWT"
    assert answer.headers["cache-control"] == "no-store"
    assert filled.asked() == []


def test_a_token_of_a_generation_that_nobody_knows_opens_nothing(filled: Pair) -> None:
    ahead = LinkRequest("clinic", "documents", NOTE, Grant("inline", "original"), generation=7)
    link = filled.door.parts.rules.signer.issue_storage(ahead, int(time.time()))
    answer = filled.get(link.target)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidJWT")
    assert BODY not in answer.content


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/object/sign/documents/x"),
        ("DELETE", "/object/sign/documents/x"),
        ("GET", "/object/info/documents/x"),
        ("GET", "/object/public/unknown/x"),
        ("GET", "/object/unknown/x"),
        ("GET", "/nope"),
        ("POST", "/object/list/documents"),
    ],
)
def test_a_token_of_ours_is_never_sent_on(filled: Pair, method: str, path: str) -> None:
    for name in ("token", "%74oken", "tok%65n"):
        answer = filled.ask(method, f"{path}?{name}=1.k1.1795405322.0.-.-.io.canary")
        assert answer.status_code == 400
    assert filled.asked() == []


def test_a_token_of_supabases_is_supabases_to_judge(filled: Pair) -> None:
    asked = filled.upstream.keys.url_token({"url": f"documents/{NOTE}", "scope": "download"}, 60)
    answer = filled.get(f"/object/sign/documents/{NOTE}?token={asked}")
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_url_dies_with_its_time_and_with_its_document(filled: Pair) -> None:
    url = filled.url(NOTE, filled.upstream.user_a)
    filled.door.post(
        "/admin/revoke",
        {"documents": [{"zone": "clinic", "bucket": "documents", "key": NOTE}]},
    )
    taken = filled.get(url)
    assert (taken.status_code, taken.json()["message"]) == (400, "This link has been taken back")
    new = filled.url(NOTE, filled.upstream.user_a)
    assert new != url
    assert filled.get(new).content == BODY
    filled.upstream.shelf.drop("documents", NOTE)
    filled.door.parts.catalogue.forget_all()
    gone = filled.get(new)
    assert (gone.status_code, gone.json()["code"]) == (400, "NoSuchKey")


# What Supabase decides -------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES)
def test_what_one_viewer_may_read_nobody_keeps(filled: Pair, route: str) -> None:
    answer = filled.get(f"{route}documents/{NOTE}", filled.upstream.user_a)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["cache-control"] == "private, no-cache, no-transform"
    assert "max-age" not in answer.headers.get("cdn-cache-control", "")
    assert "cache-tag" not in answer.headers


@pytest.mark.parametrize("route", ROUTES)
def test_a_no_is_supabases_own(filled: Pair, route: str) -> None:
    answer = filled.get(f"{route}documents/{NOTE}", filled.upstream.user_b)
    assert answer.status_code == 400
    assert answer.json()["code"] == "NoSuchKey"
    nobody = filled.get(f"{route}documents/{NOTE}")
    assert nobody.status_code == 400
    assert BODY not in nobody.content


def test_a_public_object_is_everybodys_as_long_as_supabase_says(filled: Pair) -> None:
    answer = filled.get("/object/public/pub/a b.txt")
    assert answer.content == BODY
    assert answer.headers["cache-control"] == "private, max-age=120, no-transform"
    assert answer.headers["cdn-cache-control"].startswith("max-age=120")
    assert "cache-tag" in answer.headers
    asked = filled.asked(part="/object/public/")
    assert all("authorization" not in ask.fields for ask in asked)
    assert all("apikey" not in ask.fields for ask in asked)
    unkept = filled.get("/object/public/pub/kept not.txt")
    assert unkept.headers["cache-control"] == "private, no-cache, no-transform"


def test_credentials_change_nothing_about_a_public_object(filled: Pair) -> None:
    for token in ("", filled.upstream.user_a, "x.y.z"):
        assert filled.get("/object/public/pub/a b.txt", token).status_code == 200
    assert len(filled.asked("GET", "/object/public/")) == 1


def test_a_bucket_made_private_is_private_at_once_when_a_hook_tells(filled: Pair) -> None:
    path = "/object/public/pub/a b.txt"
    assert filled.get(path).status_code == 200
    filled.upstream.publish("pub", public=False)
    body = {"type": "bucket", "tenant": {"ref": "x"}, "bucketId": "pub"}
    told = filled.door.post("/hooks/purge", body, token="secret-of-the-hooks")
    assert told.status_code < 300
    refused = filled.get(path)
    assert (refused.status_code, refused.json()["code"]) == (400, "NoSuchBucket")
    assert BODY not in refused.content


def test_the_service_key_never_decides(filled: Pair) -> None:
    """Bytes are fetched with it; without a yes for the caller none are."""
    filled.upstream.policy = lambda question: False
    for path in (f"/object/authenticated/documents/{NOTE}", f"/object/documents/{NOTE}"):
        assert filled.get(path, filled.upstream.user_a).status_code == 400
    assert filled.sign(NOTE, filled.upstream.user_a).status_code == 400
    services = [
        ask
        for ask in filled.asked()
        if filled.upstream.service in ask.fields.get("authorization", "")
    ]
    assert services == []


def test_each_operation_is_asked_for_on_its_own(filled: Pair) -> None:
    """A policy may allow one way to read and not another."""

    def authenticated_only(question: Question) -> bool:
        return question.operation == "storage.object.get_authenticated" and question.method == "GET"

    filled.upstream.policy = authenticated_only
    token = filled.upstream.user_a
    assert filled.get(f"/object/authenticated/documents/{NOTE}", token).status_code == 200
    head = filled.ask("HEAD", f"/object/authenticated/documents/{NOTE}", token)
    assert (head.status_code, head.content) == (400, b"")
    assert filled.sign(NOTE, token).status_code == 400


def test_credentials_given_twice_are_nobodys(filled: Pair) -> None:
    fields = filled.upstream.fields(filled.upstream.user_a)
    two = [*fields.items(), ("authorization", f"Bearer {filled.upstream.user_b}")]
    for method, path, body in (
        ("GET", f"/object/authenticated/documents/{NOTE}", None),
        ("POST", f"/object/sign/documents/{NOTE}", {"expiresIn": 60}),
        ("POST", "/object/sign/documents", {"expiresIn": 60, "paths": [NOTE]}),
    ):
        answer = filled.door.ask(method, f"/storage/v1{path}", headers=two, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "AccessDenied")
    assert filled.asked() == []


def test_an_address_that_no_link_may_name_is_supabases_to_answer(filled: Pair) -> None:
    answer = filled.get("/object/authenticated/documents/a%5Cb", filled.upstream.user_a)
    assert answer.status_code == 400
    assert "1." not in answer.text


# Renditions ------------------------------------------------------------------------------------


def test_a_thumbnails_token_opens_that_thumbnail_alone(drawing: Pair) -> None:
    token = drawing.upstream.user_a
    small = drawing.url(SCAN, token, transform={"width": 100})
    large = drawing.url(SCAN, token, transform={"width": 300})
    assert size(drawing.get(small).content) == (100, 75)
    assert size(drawing.get(large).content) == (300, 225)
    for query in ("&width=300", "&width=2000&height=2000", "&format=origin"):
        assert size(drawing.get(small + query).content) == (100, 75), "only the token counts"
    original = drawing.get(small.replace("/render/image/sign/", "/object/sign/"))
    assert (original.status_code, original.json()["code"]) == (400, "InvalidJWT")
    whole = drawing.url(SCAN, token)
    assert whole.startswith("/object/sign/")
    assert drawing.get(whole.replace("/object/", "/render/image/")).status_code == 400
    swapped = large.partition("?")[0] + "?" + small.partition("?")[2]
    assert size(drawing.get(swapped).content) == (100, 75)
    assert drawing.get(small.replace("ix-w100", "ix-w300")).status_code == 400


def test_a_rendition_has_a_tag_of_its_own_and_is_not_sent_twice(drawing: Pair) -> None:
    token = drawing.upstream.user_a
    tags = set()
    for transform in ({"width": 100}, {"width": 120}, {"width": 100, "format": "avif"}):
        url = drawing.url(SCAN, token, transform=transform)
        answer = drawing.get(url, accept="image/webp")
        tags.add(answer.headers["etag"])
        again = drawing.get(url, accept="image/webp", if_none_match=answer.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
    tags.add(drawing.get(drawing.url(SCAN, token)).headers["etag"])
    assert len(tags) == 4


def test_the_format_follows_accept_and_says_so(drawing: Pair) -> None:
    url = drawing.url(SCAN, drawing.upstream.user_a, transform={"width": 100})
    modern, old = drawing.get(url, accept="image/webp"), drawing.get(url, accept="image/png")
    assert modern.headers["content-type"] == "image/webp"
    assert old.headers["content-type"] in ("image/png", "image/jpeg")
    assert modern.headers["etag"] != old.headers["etag"]
    assert modern.headers["vary"] == old.headers["vary"] == "Accept"


def test_format_origin_is_honoured_in_a_signed_transform(drawing: Pair) -> None:
    wish = {"width": 100, "format": "origin"}
    url = drawing.url(SCAN, drawing.upstream.user_a, transform=wish)
    answer = drawing.get(url, accept="image/avif,image/webp")
    assert answer.headers["content-type"] == "image/png"
    assert "vary" not in answer.headers
    assert "max-age" in answer.headers["cdn-cache-control"], "one form, so shared caches keep it"


def test_many_can_be_signed_with_a_transform(drawing: Pair) -> None:
    token = drawing.upstream.user_a
    lines = drawing.sign_many([SCAN, REPORT], token, transform={"width": 80}).json()
    for line in lines:
        assert size(drawing.get(line["signedURL"]).content)[0] == 80


def test_a_page_of_a_pdf_is_a_picture(drawing: Pair) -> None:
    token = drawing.upstream.user_a
    colours = set()
    for page in (1, 2):
        url = drawing.url(REPORT, token, transform={"width": 100, "page": page})
        answer = drawing.get(url, accept="image/png")
        assert answer.headers["content-type"].startswith("image/")
        picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
        colours.add(picture.getpixel((2, 2)))
    assert len(colours) == 2
    past = drawing.get(drawing.url(REPORT, token, transform={"width": 100, "page": 3}))
    assert (past.status_code, past.json()["code"]) == (400, "NoSuchKey")


def test_renditions_by_supabases_yes_follow_the_query(drawing: Pair) -> None:
    token = drawing.upstream.user_a
    path = f"/render/image/authenticated/documents/{SCAN}?width=90"
    mine = drawing.get(path, token)
    assert size(mine.content) in ((90, 67), (90, 68))
    assert mine.headers["cache-control"] == "private, no-cache, no-transform"
    again = drawing.get(path, token, if_none_match=mine.headers["etag"])
    assert again.status_code == 304
    assert drawing.get(path, drawing.upstream.user_b).json()["code"] == "NoSuchKey"
    public = drawing.get("/render/image/public/pub/img/logo.png?width=90", accept="image/webp")
    assert public.headers["cache-control"] == "private, max-age=120, no-transform"
    saved = drawing.get("/render/image/public/pub/img/logo.png?width=90&download=x.png")
    assert saved.headers["content-disposition"].startswith('attachment; filename="x.png"')


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("width=-1", "querystring/width must be >= 0"),
        ("width=abc", "querystring/width must be integer"),
        ("quality=10", "querystring/quality must be >= 20"),
        ("format=jpeg", "querystring/format must be equal to one of the allowed values"),
        ("page=0", "querystring/page must be >= 1"),
    ],
)
def test_a_transform_that_can_not_be_asks_nobody(pair: Pair, query: str, message: str) -> None:
    answer = pair.get(f"/render/image/public/pub/img/logo.png?{query}")
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert pair.asked() == []


def test_a_strict_gateway_says_the_true_status_and_makes_nothing_smaller(
    open_pair: Callable[..., Pair],
) -> None:
    pair = fill(open_pair(supabase={"strict": True}))
    token = pair.upstream.user_a
    url = pair.url(NOTE, token)
    for answer, status in (
        (pair.get("/object/public/pub/nope"), 404),
        (pair.sign(f"{USER_A}/nope", token), 404),
        (pair.sign(NOTE, "x.y.z"), 403),
        (pair.get(url[:-1] + "~"), 403),
        (pair.get("/render/image/public/pub/a b.txt?width=5000"), 400),
        (pair.sign(NOTE, token, transform={"width": 2501}), 400),
    ):
        assert answer.status_code == status, answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert ".ix-w2500." in pair.url(NOTE, token, transform={"width": 2500})


def test_a_lenient_gateway_makes_it_as_large_as_may_be(filled: Pair) -> None:
    assert ".ix-w2500." in filled.url(NOTE, filled.upstream.user_a, transform={"width": 5000})
