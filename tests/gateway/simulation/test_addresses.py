"""Addresses: which document a logged URL opens, and what of the URL only lets in."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from math import inf

import pytest

from gateway.simulation.addresses import Address, Addresses

OURS = "1.k1.1790003600.0.-.-.ia." + "A" * 32
SIGN = "/storage/v1/object/sign/documents/a/b.pdf"


def jwt(body: str) -> str:
    return f"head.{urlsafe_b64encode(body.encode()).decode().rstrip('=')}.{'s' * 43}"


def address(target: str, *prefixes: str) -> Address:
    found = Addresses(prefixes).address(target)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "access"),
    [
        ("object/sign/documents/a.pdf?token=" + "x" * 40, "link"),
        ("object/public/documents/a.pdf", "public"),
        ("object/authenticated/documents/a.pdf", "user"),
        ("object/documents/a.pdf", "user"),
        ("render/image/public/documents/a.pdf?width=100", "public"),
    ],
)
def test_the_storage_routes_read_documents(path: str, access: str) -> None:
    assert address(f"/storage/v1/{path}").access == access


@pytest.mark.parametrize(
    "target",
    [
        "/storage/v1/object/list/documents",
        "/storage/v1/object/info/documents/a.pdf",
        "/storage/v1/object/upload/sign/documents/a.pdf?token=" + "x" * 40,
        "/storage/v1/render/image/documents/a.pdf",
        "/storage/v1/bucket/documents",
        "/auth/v1/verify?token=" + "x" * 40,
        "/rest/v1/patients?select=*",
        "/style.css?v=12",
        "/d/original",
        "*",
        "",
    ],
)
def test_what_is_no_document_is_none(target: str) -> None:
    assert Addresses().address(target) is None


def test_a_document_is_one_whatever_the_route_and_the_token() -> None:
    families = {
        address(target).family
        for target in (
            f"{SIGN}?token={'x' * 40}",
            f"https://ref.supabase.co{SIGN}?token={'y' * 40}",
            "/storage/v1/object/authenticated/documents/a/b.pdf",
            f"/storage/v1/render/image/sign/documents/a/b.pdf?token={'z' * 40}",
        )
    }
    assert len(families) == 1


def test_a_rendition_is_another_form_of_it() -> None:
    small, large = (
        address(f"/storage/v1/render/image/public/documents/a.png?width={width}&cacheNonce=7")
        for width in (100, 200)
    )
    assert small.family == large.family
    assert small.variant != large.variant
    turned = address("/storage/v1/render/image/public/documents/a.png?quality=5&width=100")
    assert turned == address("/storage/v1/render/image/public/documents/a.png?width=100&quality=5")


def test_a_signed_rendition_is_told_by_its_token() -> None:
    path = "/storage/v1/render/image/sign/documents/a.png?token="
    forms = {
        address(path + jwt(f'{{"transformations":"width:{width}","exp":1790003600}}')).variant
        for width in (100, 100, 200)
    }
    assert len(forms) == 2


def test_the_token_says_when_the_url_ends() -> None:
    dated, undated = jwt('{"exp":1790003600}'), jwt("{}")
    assert address(f"{SIGN}?token={dated}").expires_at == 1790003600
    assert address(f"{SIGN}?token={undated}").expires_at == inf
    assert address(f"{SIGN}?token=head.%%%.signature").expires_at == inf
    assert address(f"{SIGN}?token=head.{'b' * 41}.signature").expires_at == inf
    assert address(f"/d/w640/clinic/documents/-/a.pdf?t={OURS}").expires_at == 1790003600


def test_our_links_are_families_of_renditions() -> None:
    found = address(f"/d/w640/clinic/documents/-/a.pdf?t={OURS}")
    assert (found.family, found.variant) == ("/d/clinic/documents/-/a.pdf", "w640")
    assert found.token == OURS


@pytest.mark.parametrize(
    ("query", "end"),
    [
        (f"Expires=1790003600&Signature={'s' * 40}&Key-Pair-Id=K", 1790003600),
        (f"X-Amz-Date=20260921T150000Z&X-Amz-Expires=60&X-Amz-Signature={'f' * 64}", 1790002860),
        (f"X-Amz-Date=yesterday&X-Amz-Signature={'f' * 64}", inf),
        (f"Expires=soon&Signature={'s' * 40}", inf),
        (f"Expires={'9' * 400}&Signature={'s' * 40}", inf),
        (f"X-Amz-Date=20260921T150000Z&X-Amz-Expires={'9' * 400}&X-Amz-Signature={'f' * 64}", inf),
    ],
)
def test_a_signed_url_of_a_cdn_is_a_document(query: str, end: float) -> None:
    found = address(f"/files/a.pdf?page=2&{query}")
    assert (found.family, found.variant, found.access) == ("/files/a.pdf", "page=2", "link")
    assert found.expires_at == end


def test_a_mark_in_the_place_of_a_token_is_no_token() -> None:
    found = address(f"{SIGN}?token=REDACTED")
    assert (found.access, found.token) == ("link", "")


def test_a_prefix_narrows_signed_urls_and_widens_to_those_without_a_token() -> None:
    signed = f"/other/a.pdf?token={'x' * 40}"
    assert address(signed).access == "link"
    assert Addresses(("/files/",)).address(signed) is None
    assert address("/files/a.pdf", "/files/").access == "user"
    assert address(f"/files/a.pdf?token={'x' * 40}", "/files/").access == "link"
    assert address(f"{SIGN}?token={'x' * 40}", "/files/").access == "link"
