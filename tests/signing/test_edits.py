"""Every edit of one octet: each is refused, or is another granted rendition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signing.errors import SigningError
from signing.grants import Grant
from signing.links import LinkRequest, Signer

NOW = 1_800_000_000
DECLARED = frozenset({"w160", "w640", "w64", "w6400", "w960", "x640", "linear", "thumb", "thumb2"})
CARRIES_ORIGINAL = frozenset({"linear"})

LINKS = [
    # (request, rendition, the granted names that are one edit away)
    (
        LinkRequest("clinic", "b", "a b/é.pdf", Grant("inline", "all"), generation=10),
        "w640",
        {"w64", "w6400", "x640"},
    ),
    (
        LinkRequest("vault", "b", "k", Grant("download", "previews"), extension="pdf"),
        "thumb",
        {"thumb2"},
    ),
    (
        LinkRequest("lab", "b", "k", Grant("inline", "original"), version="A" * 22),
        "original",
        set[str](),
    ),
]


def edits(target: bytes) -> Iterator[bytes]:
    """Yield every text one substitution, insertion or deletion away, for all octet values."""
    octets = [bytes([value]) for value in range(256)]
    for at in range(len(target) + 1):
        head, tail = target[:at], target[at:]
        yield from (head + octet + tail for octet in octets)
        if tail:
            yield head + tail[1:]
            yield from (head + octet + tail[1:] for octet in octets if octet != tail[:1])


def admits(signer: Signer, target: bytes) -> bool:
    raw_path, _, query = target.partition(b"?")
    try:
        link = signer.verify(raw_path, query, NOW)
    except SigningError:
        return False
    name = link.rendition
    carries = name in CARRIES_ORIGINAL
    return link.grant.allows(name, declared=name in DECLARED, carries_original=carries)


@pytest.mark.parametrize(("request_", "rendition", "near"), LINKS, ids=["all", "sealed", "pinned"])
def test_an_edit_is_refused_or_names_a_granted_rendition(
    signer: Signer, request_: LinkRequest, rendition: str, near: set[str]
) -> None:
    link = signer.issue(request_, NOW)
    target = link.for_rendition(rendition).encode()
    assert admits(signer, target)
    admitted = {edit for edit in edits(target) if admits(signer, edit)}
    assert admitted == {link.for_rendition(name).encode() for name in near}


@pytest.mark.parametrize("grant", ["io", "dx-w640"])
def test_an_edit_of_a_storage_link_is_refused(signer: Signer, grant: str) -> None:
    request = LinkRequest("clinic", "b", "a b/é.pdf", Grant.parse(grant), generation=10)
    link = signer.issue_storage(request, NOW)
    token = f"{link.body}.{link.signature}".encode()

    def opens(address: bytes, token: bytes) -> bool:
        bucket, _, key = address.decode(errors="surrogateescape").partition("/")
        try:
            signer.verify_storage(link.route, link.zone, bucket, key, token, NOW)
        except SigningError:
            return False
        return True

    address = f"{link.bucket}/{link.key}".encode()
    assert opens(address, token)
    assert not [edit for edit in edits(address) if opens(edit, token)]
    assert not [edit for edit in edits(token) if opens(address, edit)]


def test_the_edits_are_all_of_them() -> None:
    assert len(set(edits(b"ab"))) == 2 * 255 + (3 * 256 - 2) + 2
    assert b"ab" not in set(edits(b"ab"))
