"""Folder links: what is issued is verified, and nothing beside the folder is ever admitted."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signing.addresses import canonical_key
from signing.errors import LinkExpired, LinkRefused, Unsignable
from signing.folders import Folder, FolderLink, FolderRequest
from signing.grants import Grant
from signing.links import Signer

NOW = 1_800_000_000
GRANT = Grant.parse("ia")
REQUEST = FolderRequest("clinic", "documents", "reports/2026", GRANT)

names = st.text(
    st.characters(exclude_characters="/\\", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8
).filter(lambda name: name not in (".", ".."))
keys = st.lists(names, min_size=1, max_size=4).map("/".join)
octets = st.sampled_from([*"/.%~-aA2FfEe5Cc0?", "%2F", "%2E", "%5C", "..", "//", "é"])


def asked(folder: Folder, rest: str, rendition: str = "original") -> tuple[bytes, bytes]:
    path, _, query = folder.template.partition("?")
    whole = path.replace("{rendition}", rendition).replace("{key}", rest)
    return whole.encode("utf-8"), query.encode()


def verified(signer: Signer, folder: Folder, rest: str) -> FolderLink:
    link = signer.verify(*asked(folder, rest), NOW)
    assert isinstance(link, FolderLink)
    return link


def test_a_folder_link_says_what_was_asked(signer: Signer) -> None:
    folder = signer.issue_folder(REQUEST, NOW)
    assert folder.place == "clinic/documents/-/reports/2026"
    assert folder.folder == "reports/2026/"
    link = verified(signer, folder, "a%20b/c.pdf")
    assert (link.bucket, link.key, link.folder) == (
        "documents", "reports/2026/a b/c.pdf", "reports/2026/",
    )  # fmt: skip
    assert (link.place, link.depth, link.version) == (folder.place, 5, "-")
    assert (link.id, link.expires_at, link.kid) == (folder.id, folder.expires_at, folder.kid)
    assert link.target.encode() == b"?".join(asked(folder, "a%20b/c.pdf"))
    assert folder.claim == f"/d/{folder.place}/?t={folder.token}"


@given(folder=keys, rest=keys, generation=st.integers(0, 9_999_999_999))
def test_every_document_below_is_opened(
    signer: Signer, folder: str, rest: str, generation: int
) -> None:
    request = FolderRequest("clinic", "documents", folder, GRANT, generation, 600)
    made = signer.issue_folder(request, NOW)
    link = verified(signer, made, canonical_key(rest))
    assert (link.key, link.folder) == (f"{folder}/{rest}", f"{folder}/")
    assert link.generation == generation
    assert NOW + 300 < link.expires_at <= NOW + 600


@given(folder=keys, other=keys)
def test_no_key_outside_is_opened(signer: Signer, folder: str, other: str) -> None:
    assume(not other.startswith(f"{folder}/"))
    made = signer.issue_folder(FolderRequest("clinic", "documents", folder, GRANT), NOW)
    path = f"/d/original/clinic/documents/-/{canonical_key(other)}".encode()
    with pytest.raises(LinkRefused):
        signer.verify(path, f"t={made.token}".encode(), NOW)


@given(rest=st.lists(octets, max_size=12).map("".join))
def test_no_spelling_leads_out_of_the_folder(signer: Signer, rest: str) -> None:
    folder = signer.issue_folder(REQUEST, NOW)
    try:
        link = verified(signer, folder, rest)
    except LinkRefused:
        return
    assert link.key.startswith(link.folder)
    assert not {"", ".", ".."} & set(link.key.split("/"))
    assert link.key == f"reports/2026/{link.key.removeprefix('reports/2026/')}"
    assert canonical_key(link.key) == f"reports/2026/{rest}"


@given(at=st.integers(0), by=st.sampled_from("0123456789abzAZ-_.%/~"))
def test_any_change_of_a_token_is_refused(signer: Signer, at: int, by: str) -> None:
    folder = signer.issue_folder(REQUEST, NOW)
    path, query = asked(folder, "a.pdf")
    at = 2 + at % (len(query) - 2)
    bent = query[:at] + by.encode() + query[at + 1 :]
    assume(bent != query)
    with pytest.raises(LinkRefused):
        signer.verify(path, bent, NOW)


def test_the_plain_implementation_makes_the_same_links(signer: Signer, plain: ModuleType) -> None:
    folder = signer.issue_folder(REQUEST, NOW)
    parts = plain.FolderParts(
        bytes(range(32, 64)), f"{folder.place}/a.pdf", str(folder.expires_at), n="5"
    )
    assert verified(signer, folder, "a.pdf").target == parts.target


def test_equal_requests_in_one_window_give_equal_links(signer: Signer) -> None:
    assert signer.issue_folder(REQUEST, NOW) == signer.issue_folder(REQUEST, NOW + 1)


def test_a_bound_folder_link_says_for_whom(signer: Signer) -> None:
    request = FolderRequest("clinic", "documents", "reports", GRANT, audience="ada")
    link = verified(signer, signer.issue_folder(request, NOW), "a.pdf")
    assert link.audience == signer.audience_of("clinic", "k2", "ada")
    assert signer.binds(link, "ada")
    assert not signer.binds(link, "eve")
    assert not signer.binds(link, "ada", 1)


def test_a_folder_link_dies_at_its_expiry_yet_can_be_read(signer: Signer) -> None:
    folder = signer.issue_folder(REQUEST, NOW)
    path, query = asked(folder, "a.pdf")
    with pytest.raises(LinkExpired):
        signer.verify(path, query, folder.expires_at)
    with pytest.raises(LinkExpired):
        signer.verify_folder(path, query, folder.expires_at)
    assert signer.read(path, query).expires_at == folder.expires_at


def test_a_link_is_no_folder_link(signer: Signer, plain: ModuleType) -> None:
    parts = plain.Parts(bytes(range(32, 64)), "clinic/documents/-/reports/a.pdf", str(NOW + 900))
    path, _, query = parts.target.encode().partition(b"?")
    assert not isinstance(signer.verify(path, query, NOW), FolderLink)
    with pytest.raises(LinkRefused) as caught:
        signer.verify_folder(path, query, NOW)
    assert caught.value.reason == "token"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zone": "vault"}, "sealed"),
        ({"zone": "other"}, "zone"),
        ({"zone": "\udc80"}, "zone"),
        ({"folder": ""}, "segment"),
        ({"folder": "reports/"}, "segment"),
        ({"folder": "/reports"}, "segment"),
        ({"folder": "a/../b"}, "segment"),
        ({"folder": "x" * 1025}, "key"),
        ({"folder": "/".join("x" * 97)}, "folder"),
        ({"folder": "\u75c5" * 220, "bucket": "b"}, "length"),
        ({"bucket": "~b"}, "bucket"),
    ],
)
def test_what_the_grammar_can_not_express_is_not_issued(
    signer: Signer, changes: dict[str, str], reason: str
) -> None:
    asked = {"zone": "clinic", "bucket": "documents", "folder": "reports", **changes}
    with pytest.raises(Unsignable) as caught:
        signer.issue_folder(FolderRequest(**asked, grant=GRANT), NOW)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"generation": -1}, "generation"),
        ({"generation": 10**10}, "generation"),
        ({"expires_in": 0}, "life"),
        ({"audience": " "}, "audience"),
    ],
)
def test_what_no_folder_link_can_say_is_not_asked(changes: dict[str, int], reason: str) -> None:
    with pytest.raises(Unsignable) as caught:
        FolderRequest("clinic", "documents", "reports", GRANT, **changes)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_the_deepest_folder_has_96_segments(signer: Signer) -> None:
    deepest = FolderRequest("clinic", "documents", "/".join("x" * 96), GRANT)
    folder = signer.issue_folder(deepest, NOW)
    assert verified(signer, folder, "a").depth == 99


def test_what_fits_barely_is_opened_by_the_longest_rendition(signer: Signer) -> None:
    """The last length that is issued leaves room for one more letter below the folder."""
    for size in range(640, 600, -1):
        request = FolderRequest("clinic", "documents", "\u00e9" * (size // 2), GRANT)
        try:
            folder = signer.issue_folder(request, NOW)
        except Unsignable:
            continue
        assert signer.verify(*asked(folder, "x", "r" * 64), NOW)
        break


def test_a_target_that_is_too_long_is_refused(signer: Signer) -> None:
    folder = signer.issue_folder(REQUEST, NOW)
    path, query = asked(folder, "")
    room = 2048 - len(path) - 1 - len(query)
    fits = path + b"%20" * (room // 3) + b"x" * (room % 3)
    assert signer.verify_folder(fits, query, NOW).key.startswith("reports/2026/ ")
    for verify in (signer.verify, signer.verify_folder):
        with pytest.raises(LinkRefused) as caught:
            verify(fits + b"x", query, NOW)
        assert caught.value.reason == "length"


def test_what_is_printed_names_no_folder(signer: Signer) -> None:
    folder = signer.issue_folder(REQUEST, NOW)
    for printed in (repr(REQUEST), repr(folder), repr(verified(signer, folder, "a.pdf"))):
        assert "reports" not in printed
        assert folder.signature not in printed
