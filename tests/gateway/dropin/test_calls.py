"""What a request asks for is read once, and an address that no link may name is Supabase's."""

from __future__ import annotations

from urllib.parse import quote_from_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.dropin.calls import Address, Passed, Read, Sign, Signed, call_of
from signing.addresses import check_bucket, check_key
from signing.errors import Unsignable

OURS = b"token=1.k1.1795405322.0.-.-.io.x"
THEIRS = b"token=eyJhbGciOiJIUzI1NiJ9.e30.x"
READS = (
    ("object/public", "public", False),
    ("object/authenticated", "authenticated", False),
    ("object", "bare", False),
    ("render/image/public", "public", True),
    ("render/image/authenticated", "authenticated", True),
)
SEGMENTS = st.sampled_from(
    b"object render image sign public authenticated info upload list copy move documents a b+c  "
    b"%2e%2e .. . %2F %2f %5C %00 %FF %C3%A9 %25 %zz ~x ;x a%20b 1.txt".split(b" ")
)
WORDS = st.lists(st.characters(exclude_characters="/"), min_size=1, max_size=6).map("".join)


def below(route: str, *names: str) -> bytes:
    spelled = "/".join(quote_from_bytes(name.encode(errors="replace"), safe="") for name in names)
    return f"/storage/v1/{route}/{spelled}".encode()


@pytest.mark.parametrize(("route", "how", "render"), READS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_each_way_to_read_is_told_by_its_path(
    route: str, how: str, render: bool, method: str
) -> None:
    call = call_of(method, below(route, "documents", "a b", "c+(1).pdf"), b"width=1")
    assert isinstance(call, Read)
    assert (call.how, call.render) == (how, render)
    assert call.address == Address("documents", "a b/c+(1).pdf")
    assert call.query.pairs == (("width", "1"),)


@pytest.mark.parametrize(("path", "route"), [("object", "object"), ("render/image", "render")])
def test_a_token_of_ours_is_read_here_and_any_other_is_not(path: str, route: str) -> None:
    ours = call_of("GET", below(f"{path}/sign", "documents", "a"), OURS)
    assert isinstance(ours, Signed)
    assert (ours.route, ours.address) == (route, Address("documents", "a"))
    for query in (THEIRS, b"", b"token=", b"token=2.x", b"download=1.x"):
        assert isinstance(call_of("GET", below(f"{path}/sign", "documents", "a"), query), Passed)


@pytest.mark.parametrize("key", ["", ".", "..", "a//b", "a/../b", "x" * 1025, "a\\b"])
def test_a_token_of_ours_below_which_nothing_can_be_is_not_sent_on(key: str) -> None:
    call = call_of("GET", below("object/sign", "documents", *key.split("/")), OURS)
    assert isinstance(call, Signed)
    assert call.address == Address("", "")


def test_signing_is_of_one_document_or_of_many_of_a_bucket() -> None:
    assert call_of("POST", b"/storage/v1/object/sign/documents/a/b", b"") == Sign(
        Address("documents", "a/b")
    )
    for path in (b"/storage/v1/object/sign/documents", b"/storage/v1/object/sign/documents/"):
        assert call_of("POST", path, b"") == Sign(Address("documents", ""))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "object/documents/a"),
        ("PUT", "object/documents/a"),
        ("DELETE", "object/documents"),
        ("POST", "object/list/documents"),
        ("POST", "object/list-v2/documents"),
        ("POST", "object/copy"),
        ("POST", "object/move"),
        ("POST", "object/upload/sign/documents/a"),
        ("PUT", "object/sign/documents/a"),
        ("GET", "object/info/documents/a"),
        ("HEAD", "object/info/authenticated/documents/a"),
        ("GET", "object/sign/documents/a"),
        ("GET", "object/documents"),
        ("GET", "object"),
        ("GET", "render/image/documents/a"),
        ("GET", "bucket/documents"),
        ("PATCH", "upload/resumable/x"),
        ("GET", "s3/documents/a"),
        ("DELETE", "cdn/documents/a"),
        ("POST", "object/sign"),
        ("POST", "object/sign/"),
        ("POST", "object/sign/~x/a"),
        ("GET", "nope"),
        ("GET", ""),
    ],
)
def test_the_rest_is_passed_on_and_belongs_to_its_caller(method: str, path: str) -> None:
    call = call_of(method, f"/storage/v1/{path}".encode(), b"")
    assert isinstance(call, Passed)
    assert not call.public


def test_a_public_object_that_no_link_may_name_is_nobodys_own() -> None:
    for route in (b"object/public", b"render/image/public"):
        call = call_of("GET", b"/storage/v1/" + route + b"/pub/a//b", b"")
        assert isinstance(call, Passed)
        assert call.public


@pytest.mark.parametrize(
    ("method", "spelled", "plain"),
    [
        ("POST", "object/%73ign/documents/a", "object/sign/documents/a"),
        ("POST", "%6Fbject/sign/documents", "object/sign/documents"),
        ("GET", "object/%61uthenticated/documents/a", "object/authenticated/documents/a"),
        ("GET", "%6fbject/documents/a", "object/documents/a"),
        ("GET", "render/im%61ge/p%75blic/pub/a", "render/image/public/pub/a"),
        ("GET", "object/inf%6f/authenticated/documents/a", "object/info/authenticated/documents/a"),
        ("GET", "object/info/%70ublic/documents/a", "object/info/public/documents/a"),
        ("POST", "%733/documents/a", "s3/documents/a"),
        ("PUT", "b%75cket/documents", "bucket/documents"),
    ],
)
def test_the_words_of_a_route_are_read_however_they_are_spelled(
    method: str, spelled: str, plain: str
) -> None:
    """The storage server's router reads them decoded, too."""
    paths = (f"/storage/v1/{path}".encode() for path in (spelled, plain))
    one, other = (call_of(method, path, b"") for path in paths)
    assert one == other
    assert one.bucket in ("documents", "pub")


def test_names_are_decoded_once_wherever_they_stand() -> None:
    call = call_of("GET", b"/storage/v1/object/%2573ign/%2573ign/a", b"")
    assert isinstance(call, Read)
    assert call.address == Address("%73ign", "%73ign/a")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_changes_something_is_its_callers_in_a_bucket_of_any_name(method: str) -> None:
    for path in (b"object/public/a", b"object/public/pub/a", b"render/image/public/a"):
        assert not getattr(call_of(method, b"/storage/v1/" + path, b""), "public", False)


@pytest.mark.parametrize("escaped", ["%2F", "%2f"])
def test_an_encoded_slash_is_a_slash_of_the_key_and_never_of_the_bucket(escaped: str) -> None:
    call = call_of("GET", f"/storage/v1/object/public/pub/a{escaped}b".encode(), b"")
    assert isinstance(call, Read)
    assert call.address == Address("pub", "a/b")
    assert isinstance(
        call_of("GET", f"/storage/v1/object/public/p{escaped}q/a".encode(), b""), Passed
    )


def test_paths_are_decoded_once() -> None:
    call = call_of("GET", b"/storage/v1/object/public/pub/a%2520b+c", b"")
    assert isinstance(call, Read)
    assert call.address.key == "a%20b+c"


@given(st.sampled_from(READS), WORDS, st.lists(WORDS, min_size=1, max_size=4))
def test_every_address_that_a_link_may_name_is_read_as_it_was_meant(
    read: tuple[str, str, bool], bucket: str, names: list[str]
) -> None:
    route, how, render = read
    reserved = route == "object" and bucket in (
        *("sign", "public", "authenticated", "info", "upload"),
        *("list", "list-v2", "copy", "move"),
    )
    try:
        check_bucket(bucket)
        check_key("/".join(names))
    except Unsignable:
        return
    call = call_of("GET", below(route, bucket, *names), b"")
    if not reserved:
        assert isinstance(call, Read)
        assert (call.how, call.render) == (how, render)
        assert call.address == Address(bucket, "/".join(names))


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]),
    st.lists(SEGMENTS, max_size=8),
    st.sampled_from([b"", OURS, THEIRS, OURS + b"&" + OURS]),
)
@example("GET", [b"object", b"public", b"..", b"authenticated", b"documents", b"a"], b"")
@example("GET", [b"render", b"image"], b"")
def test_whatever_is_asked_only_an_address_that_can_be_is_ours(
    method: str, segments: list[bytes], query: bytes
) -> None:
    call = call_of(method, b"/storage/v1/" + b"/".join(segments), query)
    if isinstance(call, Passed) or (isinstance(call, Signed) and not call.address.bucket):
        return
    check_bucket(call.address.bucket)
    if call.address.key:
        check_key(call.address.key)
    else:
        assert isinstance(call, Sign)


def test_no_address_or_token_is_in_a_representation() -> None:
    calls = (
        call_of("GET", b"/storage/v1/object/documents/canary-key", b"token=canary-token"),
        call_of("GET", b"/storage/v1/object/sign/documents/canary-key", OURS + b"canary-token"),
        call_of("POST", b"/storage/v1/object/sign/documents/canary-key", b""),
        call_of("GET", b"/storage/v1/object/info/canary-bucket/canary-key", b""),
    )
    assert "canary" not in repr(calls)
