"""The entry format: nothing but what was written under the key is ever read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.caches.entry import HEADER_SIZE, CachedFile, pack, unpack, verified

META = {"type": "image/webp", "width": 640, "é": "ö"}
KEY = "ab" * 32


def read(key: str, file: bytes) -> CachedFile | None:
    lengths = unpack(file[:HEADER_SIZE])
    if lengths is None or lengths.file != len(file):
        return None
    rest = file[HEADER_SIZE:]
    return verified(key, lengths, rest[: lengths.meta], rest[lengths.meta :])


@given(
    st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53)), st.binary(max_size=999)
)
def test_what_was_packed_is_read_back(meta: dict[str, str | int], body: bytes) -> None:
    assert read(KEY, pack(KEY, meta, body) + body) == CachedFile(meta, body)


def test_an_entry_under_another_name_is_none() -> None:
    assert read("cd" * 32, pack(KEY, META, b"body") + b"body") is None


def test_every_changed_octet_is_noticed() -> None:
    file = pack(KEY, META, b"body") + b"body"
    for at in range(len(file)):
        changed = bytearray(file)
        changed[at] ^= 1
        assert read(KEY, bytes(changed)) is None


def test_every_torn_or_grown_file_is_noticed() -> None:
    file = pack(KEY, META, b"body") + b"body"
    for length in range(len(file)):
        assert read(KEY, file[:length]) is None
    assert read(KEY, file + b"\0") is None
    assert read(KEY, bytes(len(file))) is None


@pytest.mark.parametrize("header", [b"", b"ostiary1", b"ostiary0".ljust(HEADER_SIZE, b"\0")])
def test_a_header_of_another_shape_is_none(header: bytes) -> None:
    assert unpack(header) is None
