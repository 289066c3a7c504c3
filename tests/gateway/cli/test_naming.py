"""Words of the command line: what they name, and what was probably meant."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.naming import bucket_of, document_of, prefix_of, target_of, zone_of
from gateway.documents import DocumentRef, Zone

ZONES = {
    "clinic": Zone("clinic", "main", ("documents", "scans"), revocable=("documents/reports/",)),
    "press": Zone("press", "main", ("pictures",)),
}


def refusal(name: object, text: str) -> str:
    assert callable(name)
    with pytest.raises(click.BadParameter) as caught:
        name(text, ZONES)
    return caught.value.message


def test_a_document_is_zone_bucket_and_the_rest() -> None:
    found = document_of("clinic/scans/a b/c.pdf", ZONES)
    assert found == DocumentRef("clinic", "scans", "a b/c.pdf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clinic", "is not ZONE/BUCKET/KEY"),
        ("clinic/scans/", "is not ZONE/BUCKET/KEY"),
        ("clinik/scans/a", "no zone 'clinik'; did you mean clinic?"),
        ("q/scans/a", "no zone 'q'; there are: clinic, press"),
        ("clinic/scan/a", "no bucket 'scan'; did you mean scans?"),
        ("clinic/q/a", "no bucket 'q'; there are: documents, scans"),
        ("clinic/scans/a//b", "can not be a document's name"),
        ("clinic/scans/../b", "can not be a document's name"),
        ("clinic/scans/\udcff", "can not be a document's name"),
    ],
)
def test_a_document_that_can_not_be_is_refused_with_a_hint(text: str, said: str) -> None:
    assert said in refusal(document_of, text)


def test_zones_buckets_and_prefixes_are_found() -> None:
    assert zone_of("press", ZONES).name == "press"
    assert bucket_of("clinic/scans", ZONES) == (ZONES["clinic"], "scans")
    assert prefix_of("clinic/documents/reports/", ZONES) == (ZONES["clinic"], "documents/reports/")


def test_other_zones_buckets_and_prefixes_are_refused_with_a_hint() -> None:
    assert "is not ZONE/BUCKET" in refusal(bucket_of, "clinic")
    assert "did you mean documents/reports/?" in refusal(prefix_of, "clinic/documents/report")
    assert "it declares none" in refusal(prefix_of, "press/pictures/a/")


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example.org/d/original/z/b/-/k?t=1",
        "docs.example.org/d/original/z/b/-/k?t=1",
        "/d/original/z/b/-/k?t=1",
        "  /d/original/z/b/-/k?t=1#page=2\n",
    ],
)
def test_a_link_is_its_path_and_query_however_it_is_given(url: str) -> None:
    assert target_of(url) == (b"/d/original/z/b/-/k", b"t=1")


def test_a_storage_link_is_its_path_and_query_too() -> None:
    url = "docs.example.org/storage/v1/object/sign/b/d/k?token=1"
    assert target_of(url) == (b"/storage/v1/object/sign/b/d/k", b"token=1")


def test_a_host_alone_has_the_path_of_its_root() -> None:
    assert target_of("https://docs.example.org") == (b"/", b"")


@given(st.text())
def test_any_text_has_a_path_and_a_query(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    path, query = target_of(text)
    assert isinstance(path, bytes)
    assert isinstance(query, bytes)
