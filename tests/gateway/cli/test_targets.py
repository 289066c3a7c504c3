"""Links of the storage routes on the command line: told apart, explained, and mended."""

from __future__ import annotations

import json
from time import time
from typing import Any
from urllib.parse import quote

import pytest

from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer

PLACES = {"io": "object/sign", "ix-w640-webp": "render/image/sign"}


@pytest.fixture
def project(shell: Any) -> Any:
    """The shell over a Supabase project."""
    text = shell.config.read_text()
    url = f"url = {json.dumps(shell.folder.as_uri())}"
    assert url in text
    shell.config.write_text(text.replace(url, 'url = "supabase:"'))
    return shell.add('[supabase]\nurl = "http://127.0.0.1:9"\nservice_key = "service"\n')


def stored(grant: str = "io", *, age: int = 0) -> str:
    """The whole URL of a storage route, as a storage client makes it."""
    ring = KeyRing([Key("k1", bytes.fromhex("5a" * 32))], "k1")
    request = LinkRequest("clinic", "documents", "a b.png", Grant.parse(grant), expires_in=900)
    link = Signer(ring, [SignedZone("clinic")]).issue_storage(request, int(time()) - age)
    path, _, token = link.target.rpartition("?")
    return f"https://docs.example.org/storage/v1{quote(path)}?{token}"


@pytest.mark.parametrize(
    ("grant", "rendition"), [("io", "original"), ("ix-w640-webp", "w640-webp: granted")]
)
def test_a_link_of_a_storage_route_is_told_in_full(
    project: Any, grant: str, rendition: str
) -> None:
    url = stored(grant)
    told = project.json("explain", url)
    assert told["verdict"].startswith("good: ")
    assert told["document"] == "documents/a b.png"
    assert told["route"] == f"/storage/v1/{PLACES[grant]}, and no other"
    assert told["zone"] == "clinic, cache mode windowed"
    assert told["version"] == "live: follows the document"
    assert told["rendition"] == rendition
    assert any("cacheNonce" in reason for reason in told["a miss when"])
    assert project.json("verify", url)["state"] == "good"
    assert project.json("explain", url.partition("://")[2])["link"] == told["link"]


def test_what_storage_clients_add_does_no_harm(project: Any) -> None:
    for tail in ("&download=", "&download=b.pdf&cacheNonce=1"):
        assert project.json("explain", stored() + tail)["verdict"].startswith("good: ")
    path, _, token = stored().partition("?")
    assert project.json("explain", f"{path}?download=&{token}")["verdict"].startswith("good: ")


def test_a_parameter_that_means_nothing_is_told_to_part_copies(project: Any) -> None:
    told = project.json("explain", stored() + "&cb=17&amp;download=&%0a=1&cb=18")
    assert told["verdict"].startswith("good: ")
    reasons = [why for why in told["a miss when"] if "means nothing here" in why]
    assert [why.partition(" in its query")[0] for why in reasons] == [
        "cb",
        "amp;download",
        "a parameter",
    ]
    told = project.json("explain", stored() + "&download=b.pdf&cacheNonce=1")
    assert not any("means nothing here" in why for why in told["a miss when"])


@pytest.mark.parametrize("place", ["object/public", "object/authenticated", "object", "s3"])
def test_an_address_without_a_token_is_told_to_be_judged_by_supabase(
    project: Any, place: str
) -> None:
    url = f"https://docs.example.org/storage/v1/{place}/documents/a.png"
    told = project.json("explain", url, status=1)
    assert told["verdict"].startswith("upstream: it is no signed link")
    assert project.json("verify", url, status=1)["state"] == "upstream"


def test_a_token_of_ours_on_another_storage_route_is_told(project: Any) -> None:
    told = project.json("explain", stored().replace("object/sign", "object/public"), status=1)
    assert told["verdict"].startswith("refused: our tokens are for object/sign and render/image")
    assert told["look"] == []


def test_a_storage_link_that_is_over_is_explained(project: Any) -> None:
    told = project.json("explain", stored(age=1000))
    assert told["verdict"].startswith("expired: it was good until ")
    assert told["verdict"].endswith(", by an answer in Supabase's words")
    assert told["document"] == "documents/a b.png"


def test_a_revoked_storage_link_is_explained(project: Any) -> None:
    project.run("revoke", "--document", "clinic/documents/a b.png")
    assert project.json("explain", stored())["verdict"].startswith("revoked: ")


@pytest.mark.parametrize("token", ["eyJhbGciOiJIUzI1NiJ9.e30.sig", "2.k1", "x"])
@pytest.mark.parametrize("place", ["object/sign", "render/image/sign"])
def test_a_token_of_upstream_is_told_to_be_passed_on(project: Any, place: str, token: str) -> None:
    url = f"https://docs.example.org/storage/v1/{place}/documents/a.png?token={token}"
    told = project.json("explain", url, status=1)
    assert told["verdict"].startswith("upstream: its token is Supabase's own and is passed on")
    assert not told["look"]
    assert "happened" not in told
    assert project.json("verify", url, status=1)["state"] == "upstream"


@pytest.mark.parametrize(
    ("damage", "reason", "member", "said"),
    [
        (lambda url: url.split("?")[0], "no-token", "look", ""),
        (lambda url: f"{url}&token=1.", "tokens", "look", "it says of itself: key k1"),
        (lambda url: url[:-5], "token", "look", "its signature has 27 of 32 characters"),
        (lambda url: url.replace(".io.", ".do."), "signature", "happened", "an octet of it was"),
        (lambda url: url.replace("a%20b", "other"), "signature", "look", "it says of itself: key"),
        (lambda url: url.replace("1.k1.", "1.k7."), "kid", "happened", "it was signed by k7, the"),
        (
            lambda url: url.replace("documents", "document"),
            "bucket",
            "happened",
            "it is of bucket document; here: did you mean documents?",
        ),
        (
            lambda url: url.replace("documents", "%FF"),
            "bucket",
            "happened",
            "it is of bucket ?; here: documents",
        ),
        (lambda url: url.replace("object/", "render/image/"), "route", "look", "it says of itself"),
    ],
)
def test_what_is_wrong_with_a_storage_link_is_told(
    project: Any, damage: Any, reason: str, member: str, said: str
) -> None:
    told = project.json("explain", damage(stored()), status=1)
    assert told["verdict"].startswith("refused: ")
    assert told["verdict"].endswith(f"({reason}), by an answer in Supabase's words")
    lines = told[member] if member == "look" else [told[member]]
    assert any(line.startswith(said) for line in lines) or not said
    assert "document" not in told


def test_a_bucket_that_is_not_at_supabase_has_no_storage_links(shell: Any) -> None:
    told = shell.json("explain", stored(), status=1)
    assert "no zone over a supabase: store has its bucket" in told["verdict"]
    assert told["happened"] == "it is of bucket documents; here: there is none"


@pytest.mark.parametrize(
    ("damage", "happened"),
    [
        (lambda url: url.replace("%20", "+"), "spaces of its path became +"),
        (lambda url: url.replace("%", "%25"), "its path was encoded twice"),
        (lambda url: f"{url}).", "signs of the text around it were copied along"),
        (lambda url: url.replace("/storage", "/files/storage"), "a prefix was put before its path"),
    ],
)
def test_what_happened_to_a_storage_link_is_found_and_undone(
    project: Any, damage: Any, happened: str
) -> None:
    told = project.json("explain", damage(stored()), status=1)
    assert told["happened"].startswith(happened)
    assert told["document"] == "documents/a b.png"
