"""The vectors drive `signing`, and the committed file is what its generator makes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from signing.errors import (
    AudienceRefused,
    GenerationAhead,
    GrantRefused,
    LinkExpired,
    LinkRefused,
    LinkRevoked,
    SigningError,
)
from signing.keys import Key, KeyRing
from signing.links import Link, SignedZone, Signer, check_generation, check_grant
from signing.storage import Route, StorageLink
from signing.targets import ABSENT

HERE = Path(__file__).parent
VECTORS: dict[str, Any] = json.loads((HERE / "vectors.json").read_text())
CASES: list[dict[str, Any]] = VECTORS["cases"]
STORAGE: dict[Route, str] = {
    "object": "/storage/v1/object/sign/",
    "render": "/storage/v1/render/image/sign/",
}
COMPANION = re.compile(r"\?t=1f|\.[A-Za-z0-9_-]{16}\.")
"""The token of a folder, or one that is bound or good once."""
REASONS = {
    LinkExpired: "expired",
    LinkRevoked: "revoked",
    GenerationAhead: "ahead",
    AudienceRefused: "audience",
    GrantRefused: "grant",
}


@pytest.fixture(scope="module")
def verifier() -> Signer:
    """A verifier set up from nothing but the file."""
    keys = [Key(kid, bytes.fromhex(secret)) for kid, secret in VECTORS["keys"].items()]
    zones = [SignedZone(name, **settings) for name, settings in VECTORS["zones"].items()]
    return Signer(KeyRing(keys, "k2", bytes.fromhex(VECTORS["seal_key"])), zones)


def verify(verifier: Signer, target: str) -> Link:
    path, _, query = target.partition("?")
    for route, place in STORAGE.items():
        if path.startswith(place):
            address = unquote(path[len(place) :], errors="surrogateescape")
            bucket, _, key = address.partition("/")
            zone = VECTORS["buckets"].get(bucket, "")
            token = query.removeprefix("token=").partition("&")[0].encode("latin-1")
            return verifier.verify_storage(route, zone, bucket, key, token, VECTORS["now"])
    return verifier.verify(path.encode("latin-1"), query.encode("latin-1"), VECTORS["now"])


def judge(verifier: Signer, case: dict[str, Any]) -> Link:
    """Do every check of the grammar that needs no document, in its order."""
    link = verify(verifier, case["target"])
    check_generation(link, case.get("known", 0))
    if link.audience != ABSENT and not verifier.binds(link, case.get("viewer", "")):
        raise AudienceRefused
    declared = link.rendition in VECTORS["declared"]
    carries = link.rendition in VECTORS["carry_original"]
    check_grant(link, declared=declared, carries_original=carries)
    return link


def names(cases: list[dict[str, Any]]) -> list[str]:
    return [f"{case['category']}: {case['name']}" for case in cases]


ACCEPTED = [case for case in CASES if case["origin"] == "accept"]
REFUSED = [case for case in CASES if case["origin"] != "accept"]


@pytest.mark.parametrize("case", ACCEPTED, ids=names(ACCEPTED))
def test_an_accepted_vector_says_what_it_names(verifier: Signer, case: dict[str, Any]) -> None:
    link = judge(verifier, case)
    for fact in ("bucket", "key", "version", "expires_at", "generation"):
        if fact in case:
            assert getattr(link, fact) == case[fact]
    if not isinstance(link, StorageLink):
        assert link.target == case["target"]
    if "class" in case:
        assert link.grant.shared_class == case["class"]


@pytest.mark.parametrize("case", REFUSED, ids=names(REFUSED))
def test_a_refused_vector_is_refused_for_its_reason(verifier: Signer, case: dict[str, Any]) -> None:
    with pytest.raises(SigningError) as caught:
        judge(verifier, case)
    error = caught.value
    reason = error.reason if isinstance(error, LinkRefused) else REASONS[type(error)]
    status = "410" if isinstance(error, LinkExpired | LinkRevoked) else "403"
    assert (reason, status) == (case["reason"], case["origin"])


def test_the_file_is_what_its_generator_makes() -> None:
    script = HERE / "make_vectors.py"
    made = subprocess.run([sys.executable, script], check=True, capture_output=True)
    assert made.stdout.decode() == (HERE / "vectors.json").read_text()


def test_the_generator_moves_to_another_time() -> None:
    script, later = HERE / "make_vectors.py", VECTORS["now"] + 1000
    made = subprocess.run([sys.executable, script, str(later)], check=True, capture_output=True)
    moved = json.loads(made.stdout)
    assert moved["now"] == later
    assert names(moved["cases"]) == names(CASES)


def test_every_category_is_there_and_no_name_twice() -> None:
    assert len(CASES) >= 150
    assert max(Counter(names(CASES)).values()) == 1
    categories = {case["category"] for case in CASES}
    assert categories >= {
        "accept", "tamper", "encoding", "unicode", "parameters", "dot-segments",
        "double-encoding", "base64-malleability", "expiry", "rotation", "cross-purpose",
        "sealed", "pinned", "grants", "too-long", "generation", "companions", "audiences",
        "storage-accept",
        "storage-refuse", "storage-routes", "storage-tokens", "storage-life", "storage-spelling",
        "folder-accept", "folder-boundaries", "folder-forms", "folder-keys", "folder-life",
    }  # fmt: skip


def test_the_edge_column_follows_from_the_origins() -> None:
    edge_of = {"spelling": "accept", "seal": "accept", "ahead": "accept"}
    for case in CASES:
        assert case["edge"] in ("accept", "refuse", "pass")
        if case["target"].startswith("/storage/v1/") or "?t=1f4." in case["target"]:
            assert case["edge"] == "pass"
        elif case["origin"] == "accept":
            needed = "pass" if COMPANION.search(case["target"]) else "accept"
            assert case["edge"] == needed
        elif case["edge"] == "accept":
            assert case["reason"] in (*edge_of, "revoked")
