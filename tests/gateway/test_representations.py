"""Representations: names to save under, fixed fields, tags."""

from __future__ import annotations

import pytest

from cdn.tags import bucket_tag, folder_tag, version_tag, zone_tag
from gateway.catalogue import describe
from gateway.documents import DocumentRef, Zone
from gateway.representations import Ready, Representation, http_date, ready, tags_of
from gateway.settings.zones import MOST_NESTED
from gateway.stores import StoredObject
from gateway.wire.media import MediaType

ZONE = Zone("clinic", "main", ("documents",))
PDF = b"%PDF-1.7"


def _representation(
    key: str = "reports/a b.pdf", name: str = "original", kind: bytes = b"", body: bytes = PDF
) -> Representation:
    stored = StoredObject("tag", "", len(body), 784_111_777)
    document = describe(DocumentRef("clinic", "documents", key), stored, "memory", body)
    media = MediaType(kind, inline=True) if kind else document.media
    return Representation(document, name, b'"etag"', media, len(body), body)


def _fields(dressed: Ready) -> dict[bytes, bytes]:
    fields = dict(dressed.inline.fields)
    assert len(fields) == len(dressed.inline.fields), "a field stands twice"
    return fields


@pytest.mark.parametrize(
    ("key", "name", "kind", "filename"),
    [
        ("reports/a b.pdf", "original", b"", "a b.pdf"),
        ("a.b.jpg", "w640-avif", b"image/avif", "a.b w640.avif"),
        ("scan.tif", "p2-w1280-webp", b"image/webp", "scan p2-w1280.webp"),
        ("noend", "w160-h160-cover-jpeg", b"image/jpeg", "noend w160-h160-cover.jpg"),
        (".hidden", "w160-png", b"image/png", ".hidden w160.png"),
        ("a.tif", "w160-gif", b"image/gif", "a w160-gif.bin"),
    ],
)
def test_the_name_to_save_under_tells_document_and_rendition(
    key: str, name: str, kind: bytes, filename: str
) -> None:
    assert _representation(key, name, kind).filename == filename


def test_fixed_fields_of_an_original() -> None:
    fields = _fields(ready(_representation(), ZONE, corp="same-site"))
    assert fields[b"etag"] == b'"etag"'
    assert fields[b"last-modified"] == b"Sun, 06 Nov 1994 08:49:37 GMT"
    assert fields[b"accept-ranges"] == b"bytes"
    assert fields[b"content-type"] == b"application/pdf"
    assert fields[b"cross-origin-resource-policy"] == b"same-site"
    assert b"content-security-policy" not in fields, "a sandbox blanks PDFs in browsers"
    assert b"access-control-allow-origin" not in fields


def test_a_download_is_an_attachment_and_so_is_what_browsers_could_run() -> None:
    dressed = ready(_representation(), ZONE, corp="same-site")
    assert dict(dressed.inline.fields)[b"content-disposition"] == b'inline; filename="a b.pdf"'
    assert (
        dict(dressed.download.fields)[b"content-disposition"] == b'attachment; filename="a b.pdf"'
    )
    page = ready(_representation("a.html", body=b"<html>"), ZONE, corp="same-site")
    assert dict(page.inline.fields)[b"content-disposition"].startswith(b"attachment")
    assert dict(page.inline.fields)[b"content-type"] == b"application/octet-stream"


def test_a_304_keeps_validators_and_security_and_nothing_of_the_body() -> None:
    names = {name for name, _ in ready(_representation(), ZONE, corp="same-site").unchanged.fields}
    assert {b"etag", b"last-modified", b"x-content-type-options"} <= names
    assert not {name for name in names if name.startswith(b"content-") and b"policy" not in name}


def test_cors_is_constant_where_the_zone_allows_it() -> None:
    zone = Zone("clinic", "main", ("documents",), cors=True)
    fields = _fields(ready(_representation(), zone, corp="cross-origin"))
    assert fields[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in fields


def test_tags_name_document_version_bucket_zone_folder_and_revocable_prefixes() -> None:
    zone = Zone("clinic", "main", ("documents",), revocable=("documents/a/", "documents/x/"))
    ref = DocumentRef("clinic", "documents", "a/b/c.pdf")
    assert set(tags_of(zone, ref, "v")) == {
        ref.id,
        version_tag("clinic", "documents", "a/b/c.pdf", "v"),
        bucket_tag("clinic", "documents"),
        zone_tag("clinic"),
        folder_tag("clinic", "documents", "a/b"),
        folder_tag("clinic", "documents", "a"),
    }


def test_as_many_nested_prefixes_as_the_settings_allow_have_tags() -> None:
    revocable = tuple("documents/" + "a/" * depth for depth in range(1, MOST_NESTED + 1))
    zone = Zone("clinic", "main", ("documents",), revocable=revocable)
    ref = DocumentRef("clinic", "documents", "a/" * 9 + "c.pdf")
    assert {folder_tag("clinic", "documents", "a/" * n) for n in (1, 2, 3)} <= {
        *tags_of(zone, ref, "v")
    }


def test_weight_counts_the_body() -> None:
    dressed = ready(_representation(body=PDF + bytes(1000)), ZONE, corp="same-site")
    assert 1_008 < dressed.weight < 10_000


def test_dates_are_imf_fixdates() -> None:
    assert http_date(0) == b"Thu, 01 Jan 1970 00:00:00 GMT"
