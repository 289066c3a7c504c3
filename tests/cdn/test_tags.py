from __future__ import annotations

import hashlib
import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn import tags
from cdn.tags import Tags

GRAMMAR = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))


def test_a_document_is_named_by_the_hash_of_its_parts() -> None:
    digest = hashlib.sha256(b"clinic\0scans\0a/\xc3\xa4.pdf").hexdigest()
    assert tags.document_id("clinic", "scans", "a/ä.pdf") == f"d-{digest[:20]}"
    assert tags.document_tag("clinic", "scans", "a/ä.pdf") == f"d-{digest[:20]}"


@given(WORDS, WORDS, WORDS)
def test_every_tag_is_portable_and_shows_no_name(zone: str, bucket: str, key: str) -> None:
    names = [
        tags.document_tag(zone, bucket, key),
        tags.version_tag(zone, bucket, key, "-"),
        tags.folder_tag(zone, bucket, key),
        tags.bucket_tag(zone, bucket),
        tags.zone_tag(zone),
    ]
    assert all(GRAMMAR.fullmatch(name) and tags.is_tag(name) for name in names)
    assert all(re.fullmatch(r"[dvfbz]-[0-9a-f]{20}", name) for name in names)
    assert len(set(names)) == 5


def test_parts_can_not_be_shifted_into_each_other() -> None:
    assert tags.document_id("a", "bc", "d") != tags.document_id("ab", "c", "d")
    assert tags.bucket_tag("a", "b") != tags.zone_tag("ab")


def test_a_folder_has_one_tag_with_and_without_its_slash() -> None:
    assert tags.folder_tag("z", "b", "reports/") == tags.folder_tag("z", "b", "reports")
    assert tags.folder_tag("z", "b", "") != tags.folder_tag("z", "b", "reports")


def test_a_document_carries_what_it_can_be_purged_by() -> None:
    found = Tags.of("z", "b", "a/c/d.pdf", "-", ["a/"])
    assert found.names == (
        tags.document_tag("z", "b", "a/c/d.pdf"),
        tags.version_tag("z", "b", "a/c/d.pdf", "-"),
        tags.bucket_tag("z", "b"),
        tags.zone_tag("z"),
        tags.folder_tag("z", "b", "a"),
        tags.folder_tag("z", "b", "a/c"),
    )
    assert list(found) == list(found.names)


def test_a_folder_that_is_the_parent_stands_once() -> None:
    assert Tags.of("z", "b", "a/d.pdf", "-", ["a/"]) == Tags.of("z", "b", "a/d.pdf", "-")


def test_siblings_share_all_but_their_own_tags() -> None:
    one, two = (set(Tags.of("z", "b", f"a/{name}", "-")) for name in ("one", "two"))
    assert len(one & two) == 3


@pytest.mark.parametrize(
    "names",
    [
        (),
        tuple(f"d-{n}" for n in range(9)),
        ("d-1", "d-1"),
        ("D-1",),
        ("",),
        ("a" * 33,),
        ("-a",),
        ("a b",),
        ("a\n",),
        ("ä",),
        ("a:b",),
    ],
)
def test_tags_outside_the_grammar_can_not_be_built(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="tag"):
        Tags(names)


def test_one_and_eight_tags_of_full_length_can_be_built() -> None:
    assert len(Tags(("a",)).names) == 1
    assert len(Tags(tuple(str(n) + "._-" + "z" * 28 for n in range(8))).names) == 8


def test_a_field_is_joined_once_for_each_separator() -> None:
    some = Tags(("a", "b"))
    assert some.joined(b",") == b"a,b"
    assert some.joined(b" ") == b"a b"
    assert some.joined(b",") is some.joined(b",")


def test_rendering_does_not_change_what_tags_equal() -> None:
    some, same = Tags(("a", "b")), Tags(("a", "b"))
    some.joined(b",")
    assert some == same
    assert hash(some) == hash(same)
    assert all(x != y for x, y in combinations([some, Tags(("b", "a")), Tags(("a",))], 2))
