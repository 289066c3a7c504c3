from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn.copies import copy_named, copy_tag, digest_of
from cdn.tags import document_tag, is_tag


@given(st.binary())
def test_a_copy_has_a_tag_that_names_it_and_no_other(key: bytes) -> None:
    digest = digest_of(key)
    assert is_tag(copy_tag(digest))
    assert copy_named(copy_tag(digest)) == digest


def test_a_copy_is_called_as_nginx_calls_its_file() -> None:
    key = b"/d/original/clinic/documents/-/a.pdf?t=1.k1.1"
    assert digest_of(key).hex() == hashlib.md5(key, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    "tag",
    ["", "u-", "u-" + "a" * 25, "u-" + "1" * 26, "U-" + "a" * 26, document_tag("z", "b", "k")],
)
def test_any_other_tag_names_no_copy(tag: str) -> None:
    assert copy_named(tag) == b""
